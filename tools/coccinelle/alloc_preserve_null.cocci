// SPDX-License-Identifier: GPL-2.0
/// kho_alloc_preserve() returns an ERR_PTR() when it fails, never NULL
///
//# A test for NULL is true for every error pointer: the failure that it is there to catch
//# ends in an access to a small negative address.
//
// Confidence: High
// Options: --no-includes --include-headers

virtual patch
virtual context
virtual org
virtual report

@depends on patch@
expression x, E;
@@

x = kho_alloc_preserve(...)
... when != x = E
- if (x == NULL) return -ENOMEM;
+ if (IS_ERR(x))
+	return PTR_ERR(x);

@depends on patch@
expression x, E;
@@

x = kho_alloc_preserve(...)
... when != x = E
(
- x == NULL
+ IS_ERR(x)
|
- x != NULL
+ !IS_ERR(x)
)

@r depends on !patch exists@
expression x, E;
position p1, p2;
@@

*x = kho_alloc_preserve@p1(...)
... when != x = E
(
* x@p2 == NULL
|
* x@p2 != NULL
)

@inside depends on !patch@
expression x;
position p1, p2;
@@

(
* (x = kho_alloc_preserve@p1(...))@p2 == NULL
|
* (x = kho_alloc_preserve@p1(...))@p2 != NULL
)

@script:python depends on org@
p1 << r.p1;
p2 << r.p2;
@@

cocci.print_main("kho_alloc_preserve() returns an ERR_PTR()", p2)
cocci.print_secs("called here", p1)

@script:python depends on org@
p2 << inside.p2;
@@

cocci.print_main("kho_alloc_preserve() returns an ERR_PTR()", p2)

@script:python depends on report@
p1 << r.p1;
p2 << r.p2;
@@

coccilib.report.print_report(p2[0], "ERROR: the result of kho_alloc_preserve() on line %s is an ERR_PTR() when it fails, never NULL" % p1[0].line)

@script:python depends on report@
p2 << inside.p2;
@@

coccilib.report.print_report(p2[0], "ERROR: the result of kho_alloc_preserve() is an ERR_PTR() when it fails, never NULL")
