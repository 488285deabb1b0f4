// SPDX-License-Identifier: GPL-2.0
/// kho_restore_folio(), _pages() and _vmalloc() return NULL when they fail, never an ERR_PTR()
///
//# No patch: where IS_ERR() goes, the PTR_ERR() behind it has to become an errno, and which
//# one is for the author to say.
//
// Confidence: High
// Options: --no-includes --include-headers

virtual context
virtual org
virtual report

// Behind a test for NULL it may be an ERR_PTR() on purpose.
@r exists@
expression x, E;
position p1, p2;
@@

*x = \(kho_restore_folio@p1\|kho_restore_pages@p1\|kho_restore_vmalloc@p1\)(...)
... when != x = E
    when != x == NULL
*IS_ERR@p2(x)

@script:python depends on org@
p1 << r.p1;
p2 << r.p2;
@@

cocci.print_main("a call that restores returns NULL when it fails", p2)
cocci.print_secs("called here", p1)

@script:python depends on report@
p1 << r.p1;
p2 << r.p2;
@@

coccilib.report.print_report(p2[0], "ERROR: what was restored on line %s is NULL when that failed, never an ERR_PTR()" % p1[0].line)
