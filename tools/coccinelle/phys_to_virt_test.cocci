// SPDX-License-Identifier: GPL-2.0
/// phys_to_virt() returns a pointer for every number, also for 0: test the number
///
//# The patch leaves a test behind the call, which is in order: the call does no more than
//# arithmetic.
//
// Confidence: High
// Options: --no-includes --include-headers

virtual patch
virtual context
virtual org
virtual report

@twice depends on patch@
identifier fn;
position p;
@@

phys_to_virt@p(<+... fn(...) ...+>)

@depends on patch@
expression x, y, E1, E2;
position p != twice.p;
@@

x = phys_to_virt@p(y)
... when != x = E1
    when != y = E2
(
- x == NULL
+ !y
|
- IS_ERR_OR_NULL(x)
+ !y
|
- x != NULL
+ y
)

@r depends on !patch exists@
expression x, E1, E2;
position p1, p2;
@@

*x = phys_to_virt@p1(E1)
... when != x = E2
(
* x@p2 == NULL
|
* x@p2 != NULL
|
* IS_ERR@p2(x)
|
* IS_ERR_OR_NULL@p2(x)
)

@script:python depends on org@
p1 << r.p1;
p2 << r.p2;
@@

cocci.print_main("phys_to_virt() never fails", p2)
cocci.print_secs("called here", p1)

@script:python depends on report@
p1 << r.p1;
p2 << r.p2;
@@

coccilib.report.print_report(p2[0], "WARNING: the result of phys_to_virt() on line %s is a pointer for every number; test the number" % p1[0].line)
