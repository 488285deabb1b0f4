// SPDX-License-Identifier: GPL-2.0
/// LUO keeps the module that .owner names while it can call the operations
///
//# Without it the module can be unloaded while a file of its is preserved, and the next
//# callback is a jump into memory that was freed. In code that is always built in
//# THIS_MODULE is NULL, and nothing is lost by naming it.
//
// Confidence: High
// Options: --no-includes --include-headers

virtual patch
virtual context
virtual org
virtual report

@owned@
identifier o;
expression E;
position p;
@@

(
struct liveupdate_file_ops o@p = { .owner = E, };
|
struct liveupdate_flb_ops o@p = { .owner = E, };
)

@depends on patch@
identifier o, fn;
position p != owned.p;
@@

(
struct liveupdate_file_ops o@p = {
	.finish = fn,
+	.owner = THIS_MODULE,
};
|
struct liveupdate_flb_ops o@p = {
	.finish = fn,
+	.owner = THIS_MODULE,
};
)

@r depends on !patch@
identifier o, f;
expression E;
position p != owned.p;
@@

(
* struct liveupdate_file_ops o@p = { .f = E, };
|
* struct liveupdate_flb_ops o@p = { .f = E, };
)

@script:python depends on org@
p << r.p;
@@

cocci.print_main("operations without .owner", p)

@script:python depends on report@
p << r.p;
o << r.o;
@@

coccilib.report.print_report(p[0], "ERROR: %s has no .owner: nothing keeps the module while LUO can call it" % o)
