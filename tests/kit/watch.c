// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: what a handler's callbacks do, seen from outside.
 *
 * A handler that registers in a world gets ops of the kit's in place of its own: each call
 * is noted, and while a case of the conformance suite runs it is judged, too: what it
 * returned, the references and locks it left behind, what it made the kernel log.
 * The world's module references and calls that make a file visible come here as well.
 */
#include <linux/anon_inodes.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/irqflags.h>
#include <linux/kmsg_dump.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luokit_internal.h"

/* ---- Notes: the calls that led to where a test is -------------------------------------- */

void luokit_note(struct luokit *k, const char *fmt, ...)
{
	unsigned int nr;
	va_list args;

	va_start(args, fmt);
	spin_lock(&k->lock);
	/* The first say what is tried; of the rest the last are kept. */
	if (k->nr_notes < LUOKIT_FIRST_NOTES)
		nr = k->nr_notes;
	else
		nr = LUOKIT_FIRST_NOTES + (k->nr_notes - LUOKIT_FIRST_NOTES) %
		     (LUOKIT_MAX_NOTES - LUOKIT_FIRST_NOTES);
	vscnprintf(k->notes[nr], LUOKIT_NOTE_LEN, fmt, args);
	k->nr_notes++;
	spin_unlock(&k->lock);
	va_end(args);
}

void luokit_notes_reset(struct luokit *k)
{
	k->nr_notes = 0;
}

void luokit_notes_print(struct luokit *k)
{
	unsigned int ring = LUOKIT_MAX_NOTES - LUOKIT_FIRST_NOTES, i = 0;

	for (; i < min_t(unsigned int, k->nr_notes, LUOKIT_FIRST_NOTES); i++)
		kunit_err(k->test, "    %u. %s\n", i + 1, k->notes[i]);
	if (k->nr_notes > LUOKIT_MAX_NOTES) {
		i = k->nr_notes - ring;
		kunit_err(k->test, "    ... %u calls more ...\n", i - LUOKIT_FIRST_NOTES);
	}
	for (; i < k->nr_notes; i++)
		kunit_err(k->test, "    %u. %s\n", i + 1,
			  k->notes[LUOKIT_FIRST_NOTES + (i - LUOKIT_FIRST_NOTES) % ring]);
}

/* ---- What the kernel logs ------------------------------------------------------------- */

static const char * const luokit_splats[] = {
	"WARNING: ", "BUG: ", "BUG ", "UBSAN: ", "KASAN: ", "INFO: task", "INFO: rcu",
	"INFO: possible", "INFO: trying", "refcount_t: ", "list_add corruption",
	"list_del corruption", "DEBUG_LOCKS_WARN_ON", "ODEBUG: ", "Oops",
};

static bool luokit_is_splat(const char *line)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(luokit_splats); i++)
		if (!strncmp(line, luokit_splats[i], strlen(luokit_splats[i])))
			return true;

	return false;
}

/* Behind "<4>" and "[    1.234567] ", and "[    T12] " where callers are printed. */
static const char *luokit_log_text(const char *line, int *level)
{
	*level = 7;
	if (*line == '<') {
		for (*level = 0, line++; isdigit(*line); line++)
			*level = (*level * 10 + *line - '0') & 0xff;
		*level &= 7;
		line += *line == '>';
	}
	while (*line == '[') {
		const char *end = strstr(line, "] ");

		if (!end)
			break;
		line = end + 2;
	}

	return line;
}

/* Read on to the end. Complains about splats if @judge. */
void luokit_log_read(struct luokit *k, bool judge)
{
	struct kmsg_dump_iter iter = { .cur_seq = k->log_seq, .next_seq = U64_MAX };
	char line[256], splat[128] = "";
	size_t len;
	int level;

	while (kmsg_dump_get_line(&iter, true, line, sizeof(line) - 1, &len)) {
		const char *text;

		line[len] = '\0';
		text = luokit_log_text(line, &level);
		/* The kit's own words. */
		if (strstarts(text, "luokit: ") || strstarts(text, "    #") ||
		    strstarts(text, "# "))
			continue;
		if (level <= 4)
			k->warnings++;
		if (!*splat && luokit_is_splat(text))
			strscpy(splat, text);
	}
	k->log_seq = iter.cur_seq;
	if (*splat && judge)
		luokit_complain(k, "the kernel said: %s", strim(splat));
}

/* What a world logs. Of thousands of updates that a case makes only the bad news is printed. */
int luokit_printk(const char *fmt, ...)
{
	struct luokit *k = luokit_machine;
	int level = printk_get_level(fmt), printed = 0;
	va_list args;

	if (k && k->judge && k->hush) {
		k->warnings += level && level <= '4';
	} else if (!k || !k->judge || level <= '5') {
		va_start(args, fmt);
		printed = vprintk(fmt, args);
		va_end(args);
	}

	return printed;
}

void luokit_log_start(struct luokit *k)
{
	struct kmsg_dump_iter iter;

	kmsg_dump_rewind(&iter);
	k->log_seq = iter.next_seq;
	k->warnings = 0;
}

/* ---- Before and after a callback -------------------------------------------------------- */

struct luokit_before {
	struct file *file;
	long file_refs, object_refs;
	unsigned int preempt, fds;
	int locks;
	void *outer;
};

static int luokit_locks_held(void)
{
#ifdef CONFIG_LOCKDEP
	return current->lockdep_depth;
#else
	return 0;
#endif
}

static unsigned int luokit_open_fds(void)
{
	struct fdtable *fdt;
	unsigned int nr;

	if (!current->files)
		return 0;
	spin_lock(&current->files->file_lock);
	fdt = files_fdtable(current->files);
	nr = bitmap_weight(fdt->open_fds, fdt->max_fds);
	spin_unlock(&current->files->file_lock);

	return nr;
}

/* A case runs, in this very thread. */
static bool luokit_judging(struct luokit *k)
{
	return k->judge && k->judge->task == current;
}

static long luokit_object_refs(struct luokit *k, struct file *file)
{
	const struct luokit_subject *subject = k->judge->subject;

	if (!subject->refs || !file || file->f_op != k->judge->fops)
		return 0;
	return subject->refs(k, file);
}

static void luokit_callback_begin(struct luokit *k, void *fn, struct file *file,
				  struct luokit_before *before)
{
	/* What is somebody else's business may get and lose users meanwhile. */
	before->file = k->accompanying ? NULL : file;
	if (!luokit_judging(k))
		return;
	luokit_judge_rearm(k);
	before->outer = k->inside;
	k->inside = fn;
	k->inside_task = current;
	before->file_refs = before->file ? file_count(file) : 0;
	before->object_refs = luokit_object_refs(k, before->file);
	before->preempt = preempt_count();
	before->locks = luokit_locks_held();
	before->fds = luokit_open_fds();
}

/* @query: a question, which must change nothing; its answer is @ret. */
static void luokit_callback_end(struct luokit *k, struct luokit_before *before, void *fn,
				int ret, bool query)
{
	if (query)
		luokit_note(k, "  %ps() says %s", fn, ret ? "yes" : "no");
	else if (ret)
		luokit_note(k, "  %ps() returns %d", fn, ret);
	else
		luokit_note(k, "  %ps()", fn);
	if (!luokit_judging(k))
		return;
	k->inside = before->outer;

	if (preempt_count() != before->preempt) {
		preempt_count_set(before->preempt);
		luokit_complain_of(k, 11, "%ps() returns with preemption off or a spinlock held",
				   fn);
	}
	if (irqs_disabled()) {
		local_irq_enable();
		luokit_complain_of(k, 11, "%ps() returns with interrupts off", fn);
	}
	if (luokit_locks_held() != before->locks)
		luokit_complain_of(k, 11, "%ps() returns with %d locks more than it came with",
				   fn, luokit_locks_held() - before->locks);
	if (luokit_open_fds() != before->fds)
		luokit_complain_of(k, 22, "%ps() installs a file descriptor: others can use it at once",
				   fn);
	if (!query && (ret > 0 || ret < -MAX_ERRNO))
		luokit_complain_of(k, 18, "%ps() returns %d, neither 0 nor a negative errno",
				   fn, ret);
	if (query && before->file) {
		if (file_count(before->file) != before->file_refs)
			luokit_complain_of(k, 15, "%ps() keeps %ld references to the file", fn,
					   file_count(before->file) - before->file_refs);
		if (luokit_object_refs(k, before->file) != before->object_refs)
			luokit_complain_of(k, 15, "%ps() keeps %ld references to the object", fn,
					   luokit_object_refs(k, before->file) -
					   before->object_refs);
	}
	luokit_log_read(k, true);
}

/* ---- The callbacks ------------------------------------------------------------------------ */

static struct luokit_watched *luokit_watched_find(struct luokit *k,
						  struct liveupdate_file_handler *fh)
{
	struct luokit_watched *w;

	list_for_each_entry(w, &k->watched, list)
		if (w->fh == fh)
			return w;

	return NULL;
}

static bool luokit_can_preserve(struct liveupdate_file_handler *fh, struct file *file)
{
	struct luokit *k = luokit_machine;
	struct luokit_watched *w = luokit_watched_find(k, fh);
	struct luokit_before before;
	bool yes;

	luokit_callback_begin(k, w->real->can_preserve, file, &before);
	yes = w->real->can_preserve(fh, file);
	luokit_callback_end(k, &before, w->real->can_preserve, yes, true);
	if (yes && luokit_judging(k) && k->judge->spoil) {
		k->judge->spoil = false;
		luokit_note(k, "  somebody changes the file, so that it cannot be preserved");
		k->judge->subject->spoil(k, file);
	}

	return yes;
}

static int luokit_watch_preserve(struct liveupdate_file_op_args *args)
{
	struct luokit *k = luokit_machine;
	struct luokit_watched *w = luokit_watched_find(k, args->handler);
	struct luokit_before before;
	int err;

	luokit_callback_begin(k, w->real->preserve, args->file, &before);
	err = w->real->preserve(args);
	luokit_callback_end(k, &before, w->real->preserve, err, false);

	return err;
}

static int luokit_watch_freeze(struct liveupdate_file_op_args *args)
{
	struct luokit *k = luokit_machine;
	struct luokit_watched *w = luokit_watched_find(k, args->handler);
	struct luokit_before before;
	int err;

	luokit_callback_begin(k, w->real->freeze, args->file, &before);
	err = w->real->freeze(args);
	luokit_callback_end(k, &before, w->real->freeze, err, false);

	return err;
}

static int luokit_watch_retrieve(struct liveupdate_file_op_args *args)
{
	struct luokit *k = luokit_machine;
	struct luokit_watched *w = luokit_watched_find(k, args->handler);
	struct luokit_before before;
	int err;

	luokit_callback_begin(k, w->real->retrieve, NULL, &before);
	err = w->real->retrieve(args);
	luokit_callback_end(k, &before, w->real->retrieve, err, false);
	if (!luokit_judging(k) || err)
		return err;
	if (IS_ERR_OR_NULL(args->file)) {
		luokit_complain_of(k, 18, "%ps() returns 0 without a file (%pe)",
				   w->real->retrieve, args->file);
		return -EIO;
	}
	if (file_count(args->file) != 1)
		luokit_complain_of(k, 18, "%ps() returns a file with %ld references, not one",
				   w->real->retrieve, file_count(args->file));

	return 0;
}

static bool luokit_watch_can_finish(struct liveupdate_file_op_args *args)
{
	struct luokit *k = luokit_machine;
	struct luokit_watched *w = luokit_watched_find(k, args->handler);
	struct luokit_before before;
	bool yes;

	luokit_callback_begin(k, w->real->can_finish, args->file, &before);
	yes = w->real->can_finish(args);
	luokit_callback_end(k, &before, w->real->can_finish, yes, true);

	return yes;
}

#define LUOKIT_WATCH_VOID(_op)							\
static void luokit_watch_##_op(struct liveupdate_file_op_args *args)		\
{										\
	struct luokit *k = luokit_machine;					\
	struct luokit_watched *w = luokit_watched_find(k, args->handler);	\
	struct luokit_before before;						\
										\
	luokit_callback_begin(k, w->real->_op, args->file, &before);			\
	w->real->_op(args);							\
	luokit_callback_end(k, &before, w->real->_op, 0, false);		\
}

LUOKIT_WATCH_VOID(unpreserve)
LUOKIT_WATCH_VOID(unfreeze)
LUOKIT_WATCH_VOID(finish)

void luokit_watch(struct liveupdate_file_handler *fh)
{
	struct luokit *k = luokit_machine;
	struct luokit_watched *w;
	unsigned int quiet;

	/* The core refuses what is not complete. */
	if (!fh->ops || luokit_watched_find(k, fh))
		return;
	quiet = luokit_quiet_begin();
	w = kzalloc_obj(*w, GFP_KERNEL | __GFP_NOFAIL);
	luokit_quiet_end(quiet);
	w->fh = fh;
	w->real = fh->ops;
	w->proxy = *fh->ops;
#define LUOKIT_WATCH(_op, _fn) (w->proxy._op = w->proxy._op ? (_fn) : NULL)
	LUOKIT_WATCH(can_preserve, luokit_can_preserve);
	LUOKIT_WATCH(preserve, luokit_watch_preserve);
	LUOKIT_WATCH(unpreserve, luokit_watch_unpreserve);
	LUOKIT_WATCH(freeze, luokit_watch_freeze);
	LUOKIT_WATCH(unfreeze, luokit_watch_unfreeze);
	LUOKIT_WATCH(retrieve, luokit_watch_retrieve);
	LUOKIT_WATCH(can_finish, luokit_watch_can_finish);
	LUOKIT_WATCH(finish, luokit_watch_finish);
#undef LUOKIT_WATCH
	fh->ops = &w->proxy;
	list_add_tail(&w->list, &k->watched);
}

void luokit_unwatch(struct liveupdate_file_handler *fh)
{
	struct luokit_watched *w = luokit_watched_find(luokit_machine, fh);

	if (!w)
		return;
	fh->ops = w->real;
	list_del(&w->list);
	kfree(w);
}

void luokit_unwatch_all(struct luokit *k)
{
	struct luokit_watched *w, *next;

	list_for_each_entry_safe(w, next, &k->watched, list)
		luokit_unwatch(w->fh);
}

/* ---- The module that a world would be ---------------------------------------------------- */

/* For the kernel a module that is loaded and has one user, which is itself. */
char luokit_this_module[LUOKIT_MODULE_BYTES] __aligned(__alignof__(unsigned long));

bool luokit_try_module_get(struct module *module)
{
	if (module == (struct module *)luokit_this_module)
		luokit_machine->module_users++;

	return try_module_get(module);
}

void luokit_module_put(struct module *module)
{
	struct luokit *k = luokit_machine;

	if (module == (struct module *)luokit_this_module && --k->module_users < 0) {
		k->module_users = 0;
		luokit_complain_of(k, 17, "%pS puts the module once too often",
				   __builtin_return_address(0));
		return;
	}
	module_put(module);
}

int __init luokit_module_init(void)
{
#ifdef CONFIG_MODULE_UNLOAD
	struct module *module = (struct module *)luokit_this_module;

	atomic_set(&module->refcnt, 1);
#endif

	return 0;
}

#ifndef MODULE
core_initcall(luokit_module_init);
#endif

/* ---- Files that become visible ------------------------------------------------------------- */

static void luokit_check_visible(const char *what)
{
	struct luokit *k = luokit_machine;

	if (k && k->inside && k->inside_task == current)
		luokit_complain_of(k, 22, "%s() in a callback: others can use the file at once",
				   what);
}

void luokit_fd_install(unsigned int fd, struct file *file)
{
	luokit_check_visible("fd_install");
	fd_install(fd, file);
}

int luokit_anon_inode_getfd(const char *name, const struct file_operations *fops, void *priv,
			    int flags)
{
	luokit_check_visible("anon_inode_getfd");

	return anon_inode_getfd(name, fops, priv, flags);
}
