// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: the files that a subject's files need.
 *
 * A device's file may come back only beside that of its container, and this one only beside
 * memory. The cases of the conformance suite know of one file. What it needs comes along
 * before the freeze: that is early enough, for the order of preserves is the user's to
 * choose, and late enough not to be taken for something the subject's own preserve did.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "luokit_internal.h"

#define LUOKIT_MAX_COMPANY	32

/*
 * Tokens that no case uses. Whichever way round they are saved, none of their halves is a number
 * like an address of User Mode Linux: the kit would take it for one.
 */
#define LUOKIT_COMPANY_TOKEN	(BIT_ULL(48) | 0xff)
#define LUOKIT_COMPANY_STEP	0x100

static void luokit_joined_add(struct luokit *k, struct file *session, struct file *file,
			      bool came_along, bool arrived)
{
	unsigned int quiet = luokit_quiet_begin();
	struct luokit_joined *joined = kzalloc_obj(*joined, GFP_KERNEL | __GFP_NOFAIL);

	joined->session = session;
	joined->file = file;
	joined->came_along = came_along;
	joined->arrived = arrived;
	spin_lock(&k->lock);
	list_add_tail(&joined->list, &k->joined);
	spin_unlock(&k->lock);
	luokit_quiet_end(quiet);
}

/* @file was preserved in @session, or retrieved from it. */
void luokit_join(struct luokit *k, struct file *session, struct file *file, bool arrived)
{
	struct luokit_judge *judge = k->judge;

	if (judge && (judge->subject->company || judge->subject->settle) &&
	    file->f_op == judge->fops)
		luokit_joined_add(k, session, file, false, arrived);
}

/* @session is over, or with NULL all of them. */
void luokit_leave(struct luokit *k, struct file *session)
{
	struct luokit_joined *joined, *next;
	LIST_HEAD(over);

	spin_lock(&k->lock);
	list_for_each_entry_safe(joined, next, &k->joined, list)
		if (!session || joined->session == session)
			list_move(&joined->list, &over);
	spin_unlock(&k->lock);

	list_for_each_entry_safe(joined, next, &over, list)
		kfree(joined);
}

static bool luokit_came_along(struct luokit *k, struct file *file)
{
	struct luokit_joined *joined;

	list_for_each_entry(joined, &k->joined, list)
		if (joined->came_along && joined->file == file)
			return true;

	return false;
}

static void luokit_bring(struct luokit *k, const struct luokit_joined *joined, u64 *token)
{
	struct file *files[LUOKIT_MAX_COMPANY];
	unsigned int i, nr = 0;
	int err;

	if (k->judge->subject->company)
		nr = k->judge->subject->company(k, joined->file, files, LUOKIT_MAX_COMPANY);

	for (i = 0; i < nr; i++, *token += LUOKIT_COMPANY_STEP) {
		if (luokit_came_along(k, files[i]))
			continue;
		/* In an aborted update's second attempt, some of them have these tokens. */
		while ((err = luokit_preserve_one(k, joined->session, *token,
						  files[i])) == -EEXIST)
			*token += LUOKIT_COMPANY_STEP;
		if (err)
			luokit_complain(k, "a file that the subject's file needs cannot be preserved: %pe",
					ERR_PTR(err));
		else
			luokit_joined_add(k, joined->session, files[i], true, false);
	}
}

/* Nothing of what is done for the subject fails on purpose. */
struct luokit_calm {
	unsigned int kho, vmalloc, hook, quiet;
};

static struct luokit_calm luokit_calm_begin(struct luokit *k)
{
	struct luokit_calm calm = {
		k->fail_kho, k->fail_vmalloc, k->fail_hook, luokit_quiet_begin()
	};

	WRITE_ONCE(k->fail_kho, 0);
	WRITE_ONCE(k->fail_vmalloc, 0);
	WRITE_ONCE(k->fail_hook, 0);

	return calm;
}

static void luokit_calm_end(struct luokit *k, struct luokit_calm calm)
{
	WRITE_ONCE(k->fail_kho, calm.kho);
	WRITE_ONCE(k->fail_vmalloc, calm.vmalloc);
	WRITE_ONCE(k->fail_hook, calm.hook);
	luokit_quiet_end(calm.quiet);
}

/* Before a freeze: preserve all that is needed and was not preserved before. */
void luokit_company(struct luokit *k)
{
	struct luokit_calm calm = luokit_calm_begin(k);
	u64 token = LUOKIT_COMPANY_TOKEN;
	struct luokit_joined *joined;

	/* A thread that changes the subject's file may take references to them. */
	k->accompanying = true;
	/* Entries that are added meanwhile came along, and bring nothing. */
	list_for_each_entry(joined, &k->joined, list)
		if (!joined->came_along && !joined->arrived)
			luokit_bring(k, joined, &token);
	k->accompanying = false;
	luokit_calm_end(k, calm);
}

/* Before the finish of @session: what it takes for its retrieved files to be ready. */
void luokit_settle(struct luokit *k, struct file *session)
{
	struct luokit_calm calm = luokit_calm_begin(k);
	struct luokit_joined *joined;
	int err;

	list_for_each_entry(joined, &k->joined, list) {
		if (joined->session != session || !joined->arrived || joined->settled ||
		    !k->judge->subject->settle)
			continue;
		joined->settled = true;
		err = k->judge->subject->settle(k, joined->file);
		if (err)
			luokit_complain(k, "a retrieved file cannot be settled: %pe", ERR_PTR(err));
	}
	luokit_calm_end(k, calm);
}
