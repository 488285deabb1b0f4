// SPDX-License-Identifier: GPL-2.0
/// However retrieve ends, it has consumed the saved state
///
//# LUO does not call retrieve again, and finish of a file whose retrieve failed leaves the state
//# alone. A return that forgets kho_restore_free(), or vfree() of a table that was restored,
//# loses the memory until the next reboot.
//#
//# A return behind a test of the state's magic or checksum is not reported: what does not look
//# like a state of this handler is not its to free. Nor is a state that the function gives away:
//# stored somewhere, or passed on in a function that frees it on no path.
//
// Confidence: Moderate
// Options: --no-includes --include-headers

virtual context
virtual org
virtual report

@ops@
identifier o, fn;
iterator name scoped_guard;
@@

struct liveupdate_file_ops o = { .retrieve = fn, };

@foreign@
identifier ops.fn;
identifier mark =~ "magic|checksum|crc|csum|compat";
expression s;
position p;
@@

fn(...)
{
<...
if (<+... s->mark ...+>)
(
return@p ...;
|
{
...
return@p ...;
}
)
...>
}

// phys_to_virt() never gives NULL; another rule says so.
@null exists@
identifier ops.fn;
idexpression s;
position p;
@@

fn(...)
{
... when any
s = phys_to_virt(...)
... when any
if (s == NULL)
(
return@p ...;
|
{
...
return@p ...;
}
)
... when any
}

// Who frees it on one path has to on all.
@frees exists@
identifier ops.fn;
idexpression s;
position p;
@@

fn(...)
{
... when any
s = phys_to_virt@p(...)
... when any
kho_restore_free(s)
... when any
}

@given exists@
identifier ops.fn, g;
idexpression s;
position p != frees.p;
@@

fn(...)
{
... when any
s = phys_to_virt@p(...)
... when any
g(..., s, ...)
... when any
}

@r exists@
identifier ops.fn;
idexpression s;
expression E;
position p1 != given.p, p2 != {foreign.p, null.p};
@@

fn(...)
{
... when any
* s = phys_to_virt@p1(...)
... when != kho_restore_free(s)
    when != s = E
    when != E = s
* return@p2 ...;
}

@table_frees exists@
idexpression s;
identifier f;
position p;
@@

f(...)
{
... when any
s = kho_restore_vmalloc@p(...)
... when any
\(vfree\|kvfree\)(s)
... when any
}

@table exists@
idexpression s;
identifier f;
expression E;
statement S;
position table_frees.p, p2;
@@

f(...)
{
... when any
* s = kho_restore_vmalloc@p(...)
... when != s = E
if (s == NULL) S
... when != \(vfree\|kvfree\)(s)
    when != s = E
    when != E = s
* return@p2 ...;
}

@script:python depends on org@
p1 << r.p1;
p2 << r.p2;
@@

cocci.print_main("returns without kho_restore_free()", p2)
cocci.print_secs("the state", p1)

@script:python depends on org@
p1 << table_frees.p;
p2 << table.p2;
@@

cocci.print_main("returns without vfree()", p2)
cocci.print_secs("restored", p1)

@script:python depends on report@
p1 << r.p1;
p2 << r.p2;
s << r.s;
@@

coccilib.report.print_report(p2[0], "ERROR: retrieve returns without kho_restore_free(%s), the saved state of line %s" % (s, p1[0].line))

@script:python depends on report@
p1 << table_frees.p;
p2 << table.p2;
s << table.s;
@@

coccilib.report.print_report(p2[0], "ERROR: returns without vfree(%s), which was restored on line %s" % (s, p1[0].line))
