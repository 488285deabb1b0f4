// SPDX-License-Identifier: GPL-2.0
/// The type of a file is known before anything looks behind its private_data
///
//# LUO offers can_preserve() every file that somebody wants preserved. private_data of another
//# driver's file is NULL, or shorter, or a number. preserve() is called only for files that
//# can_preserve() accepted; there a look is reported if a comparison of f_op follows it.
//#
//# A check is a use of f_op, or a call that is given the file. In a handler made with the
//# layer the .context of a LUOSDK_HANDLER() without .fops is the check.
//
// Confidence: Moderate
// Options: --no-includes --include-headers

virtual context
virtual org
virtual report

@initialize:python@
@@

import re

queries = set()
contexts = {}
seen = set()

def contexts_of(name):
    """The functions that tell the type of a file for a handler made with the layer."""
    if name not in contexts:
        with open(name, encoding="utf-8", errors="replace") as f:
            handlers = re.findall(r"^LUOSDK_HANDLER\((.*?)^\);", f.read(), re.M | re.S)
        contexts[name] = {m[1] for m in (re.search(r"\.context = (\w+)", h) for h in handlers
                                         if not re.search(r"\.fops =", h)) if m}
    return contexts[name]

def is_query(p):
    where = (p[0].file, p[0].current_element)
    return where in queries or where[1] in contexts_of(where[0])

def first(p):
    """One report for each function."""
    where = (p[0].file, p[0].current_element)
    fresh = where not in seen
    seen.add(where)
    return fresh

@ops@
identifier o, fn;
iterator name scoped_guard;
position p;
@@

struct liveupdate_file_ops o@p = { .can_preserve = fn, };

@script:python@
fn << ops.fn;
p << ops.p;
@@

queries.add((p[0].file, str(fn)))

// Within one expression the check is on the left.
@checked@
identifier fn, file, g;
idexpression x;
expression E;
position p;
position q : script:python() { is_query(q) };
@@

fn@q(..., struct file *file)
{
<...
(
 (<+... file->f_op ...+>) && (<+... x@p ...+>)
|
 (<+... file->f_op ...+>) || (<+... x@p ...+>)
|
 (<+... file->f_op ...+>) ? (<+... x@p ...+>) : E
|
 (<+... g(..., file, ...) ...+>) && (<+... x@p ...+>)
|
 (<+... g(..., file, ...) ...+>) || (<+... x@p ...+>)
|
 (<+... g(..., file, ...) ...+>) ? (<+... x@p ...+>) : E
)
...>
}

@r exists@
identifier fn, file, g, fld;
identifier look !~ "^(container_of|READ_ONCE|IS_ERR|IS_ERR_OR_NULL)$";
idexpression x;
expression E;
position p != checked.p;
position q : script:python() { is_query(q) };
@@

fn@q(..., struct file *file)
{
... when != file->f_op
    when != g(..., file, ...)
x = <+... file->private_data ...+>
... when != file->f_op
    when != g(..., file, ...)
    when != x = E
(
* x@p->fld
|
* *x@p
|
* look(..., x@p, ...)
)
... when any
}

@checked_at_once@
identifier fn, file, g;
expression E;
position p;
position q : script:python() { is_query(q) };
@@

fn@q(..., struct file *file)
{
<...
(
 (<+... file->f_op ...+>) && (<+... file->private_data@p ...+>)
|
 (<+... file->f_op ...+>) || (<+... file->private_data@p ...+>)
|
 (<+... file->f_op ...+>) ? (<+... file->private_data@p ...+>) : E
|
 (<+... g(..., file, ...) ...+>) && (<+... file->private_data@p ...+>)
|
 (<+... g(..., file, ...) ...+>) || (<+... file->private_data@p ...+>)
)
...>
}

@at_once exists@
identifier fn, file, g, fld;
identifier look !~ "^(container_of|READ_ONCE|IS_ERR|IS_ERR_OR_NULL)$";
type T;
position p != checked_at_once.p;
position q : script:python() { is_query(q) };
@@

fn@q(..., struct file *file)
{
... when != file->f_op
    when != g(..., file, ...)
(
* ((T *)file->private_data@p)->fld
|
* look(..., file->private_data@p, ...)
)
... when any
}

@callback@
identifier o, fn;
@@

struct liveupdate_file_ops o = { .preserve = fn, };

@late exists@
identifier callback.fn, args, fld;
identifier look !~ "^(container_of|READ_ONCE|IS_ERR|IS_ERR_OR_NULL)$";
idexpression x;
expression F, E;
position p;
@@

fn(struct liveupdate_file_op_args *args)
{
... when != F->f_op
x = <+... F->private_data ...+>
... when != F->f_op
    when != x = E
(
* x@p->fld
|
* *x@p
|
* look(..., x@p, ...)
)
...
F->f_op
... when any
}

@script:python depends on org@
p << r.p;
@@

cocci.print_main("looks behind private_data before it knows the type", p)

@script:python depends on org@
p << at_once.p;
@@

cocci.print_main("looks behind private_data before it knows the type", p)

@script:python depends on org@
p << late.p;
@@

cocci.print_main("looks behind private_data before it knows the type", p)

@script:python depends on report@
p << r.p;
fn << r.fn;
@@

if first(p):
    coccilib.report.print_report(p[0], "ERROR: %s() looks behind private_data before it knows the type of the file" % fn)

@script:python depends on report@
p << at_once.p;
fn << at_once.fn;
@@

if first(p):
    coccilib.report.print_report(p[0], "ERROR: %s() looks behind private_data before it knows the type of the file" % fn)

@script:python depends on report@
p << late.p;
fn << callback.fn;
@@

if first(p):
    coccilib.report.print_report(p[0], "WARNING: %s() looks behind private_data before it compares f_op" % fn)
