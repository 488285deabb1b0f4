// SPDX-License-Identifier: GPL-2.0
/// Files on the anonymous inode cannot be told apart by their inode
///
//# All of them have the same one. A get_id() that returns it makes the second file of any such
//# type busy, and a mark in it marks them all. Files that have an inode of their own, as memfds
//# do, may use it: their can_preserve() knows them by the inode, and is not reported.
//
// Confidence: Moderate
// Options: --no-includes --include-headers

virtual context
virtual org
virtual report

@ops@
identifier o, fn, check;
@@

struct liveupdate_file_ops o = { .get_id = fn, .can_preserve = check, };

@by_inode exists@
identifier ops.check, file;
@@

check(..., struct file *file)
{
... when any
(
file_inode(file)
|
file->f_inode
|
file->f_mapping
|
shmem_file(file)
|
is_file_hugepages(file)
)
... when any
}

@get_id depends on !by_inode exists@
identifier ops.fn, file;
position p;
@@

fn(struct file *file)
{
... when any
(
* file_inode@p(file)
|
* file->f_inode@p
)
... when any
}

// A mark that is to say 'preserved'.
@callback@
identifier o, fn, check;
@@

struct liveupdate_file_ops o = { .preserve = fn, .can_preserve = check, };

@marks_own exists@
identifier callback.check, file;
@@

check(..., struct file *file)
{
... when any
(
file_inode(file)
|
file->f_inode
|
file->f_mapping
|
shmem_file(file)
|
is_file_hugepages(file)
)
... when any
}

@mark depends on !marks_own exists@
identifier callback.fn;
idexpression i;
expression E1, E2;
position p;
@@

fn(...)
{
... when any
i = \(file_inode(E1)\|E1->f_inode\)
... when any
    when != i = E2
* i->i_flags@p |= E2
... when any
}

@mark_at_once depends on !marks_own exists@
identifier callback.fn;
expression E1, E2;
position p;
@@

fn(...)
{
... when any
(
* file_inode(E1)->i_flags@p |= E2
|
* E1->f_inode->i_flags@p |= E2
)
... when any
}

@script:python depends on org@
p << get_id.p;
@@

cocci.print_main("the anonymous inode as an identity", p)

@script:python depends on org@
p << mark.p;
@@

cocci.print_main("a mark in the anonymous inode", p)

@script:python depends on org@
p << mark_at_once.p;
@@

cocci.print_main("a mark in the anonymous inode", p)

@script:python depends on report@
p << get_id.p;
fn << ops.fn;
@@

coccilib.report.print_report(p[0], "WARNING: %s() tells files apart by an inode, which all files on the anonymous inode share" % fn)

@script:python depends on report@
p << mark.p;
fn << callback.fn;
@@

coccilib.report.print_report(p[0], "WARNING: %s() leaves a mark in an inode, which all files on the anonymous inode share" % fn)

@script:python depends on report@
p << mark_at_once.p;
fn << callback.fn;
@@

coccilib.report.print_report(p[0], "WARNING: %s() leaves a mark in an inode, which all files on the anonymous inode share" % fn)
