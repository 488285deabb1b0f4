// SPDX-License-Identifier: GPL-2.0
/// An object is preserved once, through whatever file
///
//# LUO tells files apart by get_id(), and without one by their struct file. Where several files
//# can lead to one object, either get_id() names the object, or preserve claims it and refuses a
//# second claim with -EBUSY. Reported are operations without .get_id in a source that says
//# -EBUSY nowhere. Where each object has one file, the report is wrong.
//
// Confidence: Low
// Options: --no-includes --include-headers

virtual context
virtual org
virtual report

@busy@
@@

(
 -EBUSY
|
 \(luosdk_guard_claim\|luosdk_guards_claim\)(...)
)

@has depends on !busy@
identifier o, fn;
position p;
@@

struct liveupdate_file_ops o@p = { .get_id = fn, };

@r depends on !busy@
identifier o, fn;
position p != has.p;
@@

* struct liveupdate_file_ops o@p = { .preserve = fn, };

@script:python depends on org@
p << r.p;
@@

cocci.print_main("no .get_id and no -EBUSY", p)

@script:python depends on report@
p << r.p;
o << r.o;
@@

coccilib.report.print_report(p[0], "WARNING: %s has no .get_id, and nothing here says -EBUSY: can one object be preserved through two files?" % o)
