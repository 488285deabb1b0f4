// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: booting a world, and the life of its sessions and files.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/anon_inodes.h>
#include <linux/init.h>
#include <linux/liveupdate.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "luokit_internal.h"

/* ---- Files ------------------------------------------------------------------------ */

static void luokit_hold(struct luokit *k, struct file *file, bool session)
{
	unsigned int quiet = luokit_quiet_begin();
	struct luokit_held *held = kzalloc_obj(*held, GFP_KERNEL | __GFP_NOFAIL);
	struct luokit_late_put *put = kzalloc_obj(*put, GFP_KERNEL | __GFP_NOFAIL);

	held->file = file;
	held->session = session;
	spin_lock(&k->lock);
	list_add_tail(&held->list, &k->held);
	/* For each file the kit knows the core may put one. */
	list_add(&put->list, &k->late_free);
	spin_unlock(&k->lock);
	luokit_quiet_end(quiet);
}

static bool luokit_unhold(struct luokit *k, struct file *file)
{
	struct luokit_held *held;

	spin_lock(&k->lock);
	list_for_each_entry(held, &k->held, list) {
		if (held->file != file)
			continue;
		list_del(&held->list);
		spin_unlock(&k->lock);
		kfree(held);
		return true;
	}
	spin_unlock(&k->lock);

	return false;
}

struct file *luokit_own(struct luokit *k, struct file *file)
{
	if (!IS_ERR_OR_NULL(file))
		luokit_hold(k, file, false);

	return file;
}

void luokit_put(struct luokit *k, struct file *file)
{
	if (!luokit_unhold(k, file)) {
		luokit_complain(k, "the test puts a file that the kit does not hold");
		return;
	}
	__fput_sync(file);
	luokit_flush_puts(k);
}

/*
 * In a user's call the last fput() takes effect on the way back to user space, when all
 * locks are released; in a kernel thread at some time in a worker. Here: when the driver's
 * function has left the core.
 */
void luokit_fput(struct file *file)
{
	struct luokit *k = luokit_machine;
	struct luokit_late_put *put;

	spin_lock(&k->lock);
	put = list_first_entry_or_null(&k->late_free, struct luokit_late_put, list);
	if (put) {
		put->file = file;
		list_move_tail(&put->list, &k->late);
	}
	spin_unlock(&k->lock);
	if (!put)
		fput(file);
}

void luokit_flush_puts(struct luokit *k)
{
	struct luokit_late_put *put;
	struct file *file;

	for (;;) {
		spin_lock(&k->lock);
		put = list_first_entry_or_null(&k->late, struct luokit_late_put, list);
		if (put) {
			file = put->file;
			list_move(&put->list, &k->late_free);
		}
		spin_unlock(&k->lock);
		if (!put)
			break;
		__fput_sync(file);
	}
	flush_delayed_fput();
	luokit_ledger_watch(k);
}

struct file *luokit_fget(unsigned int fd)
{
	struct luokit *k = luokit_machine;
	struct file *file = NULL;
	struct luokit_fd *it;

	spin_lock(&k->lock);
	list_for_each_entry(it, &k->fds, list) {
		if (it->task == current) {
			file = get_file(it->file);
			break;
		}
	}
	spin_unlock(&k->lock);

	return file;
}

/* ---- Character devices of a world ----------------------------------------------------- */

int luokit_misc_register(struct miscdevice *misc)
{
	struct luokit *k = luokit_machine;
	struct luokit_misc *it;

	might_sleep();
	list_for_each_entry(it, &k->miscs, list)
		if (!strcmp(it->misc->name, misc->name))
			return -EEXIST;
	it = kzalloc_obj(*it);
	if (!it)
		return -ENOMEM;
	it->misc = misc;
	list_add_tail(&it->list, &k->miscs);

	return 0;
}

void luokit_misc_deregister(struct miscdevice *misc)
{
	struct luokit *k = luokit_machine;
	struct luokit_misc *it;

	list_for_each_entry(it, &k->miscs, list) {
		if (it->misc == misc) {
			list_del(&it->list);
			kfree(it);
			return;
		}
	}
	luokit_complain(k, "%pS deregisters a device that is not registered",
			__builtin_return_address(0));
}

struct file *luokit_open_misc(struct luokit *k, const char *name, int flags)
{
	unsigned int quiet;
	struct luokit_misc *it;
	struct file *file;
	int err;

	list_for_each_entry(it, &k->miscs, list)
		if (!strcmp(it->misc->name, name))
			goto found;

	return ERR_PTR(-ENODEV);

found:
	quiet = luokit_quiet_begin();
	file = anon_inode_getfile(name, it->misc->fops, it->misc, flags);
	luokit_quiet_end(quiet);
	if (IS_ERR(file))
		return file;
	err = file->f_op->open ? file->f_op->open(file_inode(file), file) : 0;
	if (err) {
		/* A file whose open failed is never released. */
		static const struct file_operations none;

		replace_fops(file, &none);
		__fput_sync(file);
		return ERR_PTR(err);
	}

	return luokit_own(k, file);
}

/* ---- Booting --------------------------------------------------------------------------- */

/* Run the calls of one level, in the order of the source. */
static void luokit_run_level(const struct luokit_world *world, int level)
{
	const struct luokit_call * const *call, *found;
	int seq, err;

	for (seq = -1; ; seq = found->seq) {
		found = NULL;
		for (call = world->call; call < world->call_end; call++)
			if ((*call)->level == level && (*call)->seq > seq &&
			    (!found || (*call)->seq < found->seq))
				found = *call;
		if (!found)
			return;
		err = found->init();
		if (err)
			pr_warn("luokit: %s: %s() returned %d\n", world->name, found->name, err);
	}
}

/* Exits, last first. */
static void luokit_run_exits(const struct luokit_world *world)
{
	const struct luokit_call * const *call, *found;
	int seq;

	for (seq = INT_MAX; ; seq = found->seq) {
		found = NULL;
		for (call = world->call; call < world->call_end; call++)
			if ((*call)->level == LUOKIT_LEVEL_EXIT && (*call)->seq < seq &&
			    (!found || (*call)->seq > found->seq))
				found = *call;
		if (!found)
			return;
		found->exit();
	}
}

int luokit_start(struct luokit *k)
{
	const struct luokit_world *world = k->world;
	const struct luokit_call * const *call;
	char on[] = "on";
	int level, err;

	err = luokit_statics_reset(world);
	if (err)
		return err;
	k->running = true;
	k->opened = false;
	k->module_users = 0;

	for (call = world->call; call < world->call_end; call++)
		if ((*call)->level == LUOKIT_LEVEL_PARAM &&
		    !strcmp((*call)->name, "liveupdate"))
			(*call)->param(on);
	for (level = 0; level <= 7; level++)
		luokit_run_level(world, level);

	luokit_stub_reset();
	err = world->register_handler(&luokit_stub_handler);
	if (err)
		luokit_complain(k, "%s: the core did not come up (%pe)", world->name,
				ERR_PTR(err));

	return err;
}

void luokit_close_all(struct luokit *k)
{
	struct luokit_held *held, *found;
	bool sessions = true;

	/* Sessions first, latest first: they hold references to the files. */
	for (;;) {
		found = NULL;
		list_for_each_entry_reverse(held, &k->held, list) {
			if (held->session == sessions) {
				found = held;
				break;
			}
		}
		if (!found && !sessions)
			break;
		if (!found) {
			sessions = false;
			continue;
		}
		if (sessions)
			luokit_close(k, found->file);
		else
			luokit_put(k, found->file);
	}
	luokit_flush_puts(k);
}

void luokit_shutdown(struct luokit *k)
{
	struct luokit_misc *misc, *next;

	if (!k->running)
		return;
	luokit_run_exits(k->world);
	k->world->stop();
	luokit_unwatch_all(k);
	luokit_flush_puts(k);

	/* A world's core has no exit; handlers have, if they can be modules. */
	list_for_each_entry_safe(misc, next, &k->miscs, list) {
		list_del(&misc->list);
		kfree(misc);
	}
	k->running = false;
	luokit_statics_reset(k->world);
}

void luokit_end(struct luokit *k)
{
	struct luokit_late_put *put, *next;
	unsigned int unretrieved = 0, left;

	if (k->ended)
		return;
	k->ended = true;
	luokit_fail_end(k);
	if (k->running) {
		if (k->frozen)
			luokit_thaw(k);
		luokit_ledger_rearm(k);
		luokit_close_all(k);
		left = k->world->sessions(&unretrieved);
		if (unretrieved && !k->expect_unretrieved && !k->expected_leak)
			luokit_complain(k, "%u sessions were never retrieved", unretrieved);
		if (left > unretrieved)
			luokit_complain(k, "%u sessions are stranded: can_finish() refuses",
					left - unretrieved);
		luokit_shutdown(k);
	}
	luokit_ledger_close(k);
	list_for_each_entry_safe(put, next, &k->late_free, list)
		kfree(put);
	INIT_LIST_HEAD(&k->late_free);
}

static void luokit_end_action(void *data)
{
	struct luokit *k = data;

	/* Of an abandoned machine anything may still point to anything. */
	if (!k->abandoned) {
		luokit_end(k);
		kfree(k);
	}
	luokit_machine = NULL;
}

void luokit_abandon(struct luokit *k)
{
	WRITE_ONCE(k->abandoned, true);
	k->ended = true;
}

struct luokit *luokit_boot(struct kunit *test, const struct luokit_world *world)
{
	struct luokit *k = kzalloc_obj(*k);

	KUNIT_ASSERT_NOT_NULL(test, k);
	/* After luokit_end() a test may go on with another machine. */
	if (luokit_machine && luokit_machine->ended)
		kunit_release_action(test, luokit_end_action, luokit_machine);
	if (luokit_machine) {
		kfree(k);
		KUNIT_FAIL_AND_ABORT(test, "a test has one machine only");
	}
	k->test = test;
	k->world = world;
	INIT_LIST_HEAD(&k->held);
	INIT_LIST_HEAD(&k->late);
	INIT_LIST_HEAD(&k->late_free);
	INIT_LIST_HEAD(&k->fds);
	INIT_LIST_HEAD(&k->joined);
	INIT_LIST_HEAD(&k->miscs);
	INIT_LIST_HEAD(&k->watched);
	luokit_ledger_init(k);
	luokit_log_start(k);
	luokit_machine = k;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, luokit_end_action, k), 0);
	KUNIT_ASSERT_EQ_MSG(test, luokit_start(k), 0, "%s does not boot", world->name);

	return k;
}

const void *luokit_private(struct luokit *k)
{
	return k->world->private;
}

void luokit_without_core_xarray(struct luokit *k)
{
	k->no_core_xarray = true;
}

bool luokit_is_without_core_xarray(void)
{
	return luokit_machine->no_core_xarray;
}

unsigned int luokit_reboots(struct luokit *k)
{
	return k->reboots;
}

void luokit_next_world(struct luokit *k, const struct luokit_world *world)
{
	k->next_world = world;
}

void luokit_expect_leak(struct luokit *k, size_t bytes)
{
	k->expected_leak = bytes;
}

void luokit_expect_unretrieved(struct luokit *k)
{
	k->expect_unretrieved = true;
}

/* ---- Sessions ---------------------------------------------------------------------------- */

bool luokit_is_frozen(void)
{
	return READ_ONCE(luokit_machine->frozen);
}

void luokit_set_frozen(void)
{
	WRITE_ONCE(luokit_machine->frozen, true);
}

/* Every way to a session leads through /dev/liveupdate and is shut by a freeze. */
static int luokit_enter(struct luokit *k)
{
	if (luokit_is_frozen()) {
		/* Of two that race with a freeze one may well come too late. */
		if (k->racing)
			return -EDEADLK;
		luokit_complain(k, "a session call after the freeze waits for ever");
		return -EDEADLK;
	}
	if (!k->opened) {
		unsigned int quiet = luokit_quiet_begin();
		int err = k->world->open();

		luokit_quiet_end(quiet);
		if (err)
			return err;
		k->opened = true;
	}

	return 0;
}

static struct file *luokit_session(struct luokit *k, const char *name,
				   int (*get)(const char *name, struct file **filep))
{
	struct file *file;
	int err;

	err = luokit_enter(k);
	if (err)
		return ERR_PTR(err);
	err = get(name, &file);
	luokit_flush_puts(k);
	luokit_note(k, "%s session \"%s\": %d", k->world->session_create == get ? "create" :
		    "retrieve", name, err);
	if (err)
		return ERR_PTR(err);
	luokit_hold(k, file, true);

	return file;
}

struct file *luokit_create(struct luokit *k, const char *name)
{
	return luokit_session(k, name, k->world->session_create);
}

struct file *luokit_retrieve_session(struct luokit *k, const char *name)
{
	return luokit_session(k, name, k->world->session_retrieve);
}

int luokit_preserve_one(struct luokit *k, struct file *session, u64 token, struct file *file)
{
	struct luokit_late_put *put;
	struct luokit_fd fd = { .task = current, .file = file };
	unsigned int quiet;
	int err;

	quiet = luokit_quiet_begin();
	put = kzalloc_obj(*put, GFP_KERNEL | __GFP_NOFAIL);
	luokit_quiet_end(quiet);
	spin_lock(&k->lock);
	list_add(&put->list, &k->late_free);
	list_add(&fd.list, &k->fds);
	spin_unlock(&k->lock);

	err = k->world->preserve(session, token, 0);
	luokit_note(k, "preserve, token %llu: %d", token, err);

	spin_lock(&k->lock);
	list_del(&fd.list);
	spin_unlock(&k->lock);
	luokit_flush_puts(k);

	return err;
}

int luokit_preserve(struct luokit *k, struct file *session, u64 token, struct file *file)
{
	int err = luokit_enter(k) ?: luokit_preserve_one(k, session, token, file);

	if (!err)
		luokit_join(k, session, file, false);

	return err;
}

struct file *luokit_retrieve(struct luokit *k, struct file *session, u64 token)
{
	struct file *file = NULL;
	int err;

	err = luokit_enter(k);
	if (err)
		return ERR_PTR(err);
	err = k->world->retrieve(session, token, &file);
	luokit_note(k, "retrieve, token %llu: %d", token, err);
	luokit_flush_puts(k);
	if (err > 0)
		luokit_complain(k, "a retrieve returned %d, neither 0 nor an error",
				err);
	if (err)
		return ERR_PTR(err < 0 ? err : -EIO);
	luokit_join(k, session, file, true);

	return luokit_own(k, file);
}

int luokit_finish(struct luokit *k, struct file *session)
{
	int err;

	err = luokit_enter(k);
	if (err)
		return err;
	luokit_settle(k, session);
	err = k->world->session_finish(session);
	luokit_note(k, "finish: %d", err);
	luokit_flush_puts(k);

	return err;
}

bool luokit_finish_warns(struct luokit *k, struct file *session)
{
	struct kunit_suppressed_warning *warning = kunit_start_suppress_warning(k->test);
	int warned;

	KUNIT_EXPECT_EQ(k->test, luokit_finish(k, session), 0);
	warned = kunit_suppressed_warning_count(warning);
	kunit_end_suppress_warning(k->test, warning);

	return warned;
}

int luokit_close(struct luokit *k, struct file *session)
{
	const void *priv = session->private_data;
	int err;

	if (k->frozen) {
		luokit_complain(k, "a session closed after the freeze waits for ever");
		return -EDEADLK;
	}
	if (!luokit_unhold(k, session)) {
		luokit_complain(k, "the test closes a session that the kit does not hold");
		return -EBADF;
	}
	luokit_settle(k, session);
	luokit_leave(k, session);
	__fput_sync(session);
	luokit_flush_puts(k);
	err = k->world->session_listed(priv) ? -EBUSY : 0;
	luokit_note(k, "close the session%s", err ? ", which stays: can_finish() refuses" : "");

	return err;
}

int luokit_data(struct luokit *k, struct file *session, u64 token, u64 *data)
{
	return k->world->data_of(session, token, data);
}

int luokit_freeze(struct luokit *k)
{
	int err;

	if (k->frozen) {
		luokit_complain(k, "the test freezes what is frozen");
		return -EDEADLK;
	}
	luokit_company(k);
	err = k->world->freeze();
	luokit_note(k, "freeze: %d", err);
	luokit_flush_puts(k);

	return err;
}

void luokit_thaw(struct luokit *k)
{
	if (!k->frozen) {
		luokit_complain(k, "the test thaws what is not frozen");
		return;
	}
	k->world->thaw();
	luokit_note(k, "unfreeze");
	luokit_flush_puts(k);
	k->frozen = false;
}

void luokit_between(struct luokit *k, void (*last)(struct luokit *k, void *ctx),
		    void (*first)(struct luokit *k, void *ctx), void *ctx)
{
	k->last = last;
	k->first = first;
	k->between_ctx = ctx;
}

int luokit_reboot(struct luokit *k)
{
	unsigned int quiet;
	int err;

	if (!k->frozen) {
		err = luokit_freeze(k);
		if (err)
			return err;
	}
	if (k->last)
		k->last(k, k->between_ctx);
	quiet = luokit_quiet_begin();
	err = luokit_kexec(k);
	luokit_quiet_end(quiet);
	if (err)
		return err;

	return luokit_enter(k);
}

struct file *luokit_carry(struct luokit *k, struct file *file)
{
	struct file *session;
	int err;

	session = luokit_create(k, "luokit");
	if (IS_ERR(session))
		return session;
	err = luokit_preserve(k, session, 1, file);
	if (!err)
		err = luokit_reboot(k);
	if (err)
		return ERR_PTR(err);
	session = luokit_retrieve_session(k, "luokit");
	if (IS_ERR(session))
		return session;
	file = luokit_retrieve(k, session, 1);
	err = luokit_finish(k, session);
	if (!err)
		err = luokit_close(k, session);

	return err && !IS_ERR(file) ? ERR_PTR(err) : file;
}
