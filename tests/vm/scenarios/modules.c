// SPDX-License-Identifier: GPL-2.0
/*
 * A handler in a module: loaded, live-updated through, unloaded.
 *
 * The kernel has the eventfd handler built in and is told to leave it off, so that
 * the same handler, built as a module outside of the tree, can take its place.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MODULE		"eventfd_luo"
#define WITHOUT		"eventfd_luo.enabled=0"

static void live_before(void)
{
	int fd = lt_must(lt_eventfd(81, 0), "eventfd");
	int session = lt_must(lt_session_create("modules"), "session");

	lt_result(lt_preserve(session, fd, 1), -ENOENT, "without the module there is no handler");
	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	lt_result(lt_module_unload(MODULE), 0, "idle, it is unloaded");
	lt_result(lt_preserve(session, fd, 1), -ENOENT, "and took its handler along");
	lt_result(lt_module_load(MODULE), 0, "it is loaded again");
	lt_result(lt_preserve(session, fd, 1), 0, "an eventfd is preserved");
	lt_result(lt_module_unload(MODULE), -EAGAIN, "in use, the module refuses to go");
	close(session);
	lt_result(lt_module_unload(MODULE), 0, "after unpreserve it is unloaded");
	lt_eventfd_is(fd, 81, 0, "the eventfd");

	lt_result(lt_module_load(MODULE), 0, "it is loaded a third time");
	session = lt_must(lt_session_create("modules"), "session");
	lt_result(lt_preserve(session, fd, 1), 0, "the eventfd is preserved");
	lt_must(lt_eventfd_write(fd, 1), "write");
	fd = lt_must(lt_eventfd(82, EFD_SEMAPHORE | EFD_NONBLOCK), "eventfd");
	lt_result(lt_preserve(session, fd, 2), 0, "and a second one");
}

static void live_after(void)
{
	int session, fd[2];

	/* First of all: opening /dev/liveupdate looks all handlers up, for good. */
	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	session = lt_must(lt_session_retrieve("modules"), "session");
	fd[0] = lt_must(lt_retrieve(session, 1), "retrieve");
	fd[1] = lt_must(lt_retrieve(session, 2), "retrieve");
	lt_eventfd_is(fd[0], 82, 0, "the first one");
	lt_eventfd_is(fd[1], 82, EFD_SEMAPHORE | EFD_NONBLOCK, "the second one");
	lt_result(lt_module_unload(MODULE), -EAGAIN, "before finish, the module refuses to go");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	lt_result(lt_module_unload(MODULE), 0, "after finish it is unloaded");
	lt_eventfd_works(fd[0], "the first one, without the handler that restored it,");
	lt_eventfd_works(fd[1], "the second one");
	close(fd[0]);
	close(fd[1]);
}

LT_SCENARIO(modules_live) = {
	.name	= "modules.live-update",
	.about	= "the eventfd handler as a module: pinned while in use, unloaded when idle",
	.stage	= { { live_before, 12 }, { live_after, 8 } },
	.flags	= LT_ALONE | LT_MODULES,
	.cmdline = WITHOUT,
};

static void late_before(void)
{
	int fd = lt_must(lt_eventfd(83, 0), "eventfd");
	int session;

	lt_must(lt_module_load(MODULE), "load the module");
	session = lt_must(lt_session_create("late"), "session");
	lt_result(lt_preserve(session, fd, 1), 0, "an eventfd is preserved");
}

static void late_after(void)
{
	lt_result(lt_device(), -EIO, "opened without the module, /dev/liveupdate fails");
	lt_must(lt_module_load(MODULE), "load the module");
	lt_result(lt_device(), -EIO, "and goes on failing, as the module came too late");
	lt_result(lt_module_unload(MODULE), 0, "the idle module is unloaded");
}

LT_SCENARIO(modules_late) = {
	.name	= "modules.late",
	.about	= "a module that is loaded too late: nothing comes back, nothing breaks",
	.stage	= { { late_before, 1 }, { late_after, 3 } },
	.flags	= LT_ALONE | LT_MODULES,
	.cmdline = WITHOUT,
};
