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
#include <string.h>
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

/*
 * The trap. The first open of /dev/liveupdate looks up the handlers of all incoming files,
 * once: where one is missing, all sessions are lost, and every later open fails.
 */
static void trap_set(void)
{
	int fd, session;

	lt_must(lt_module_load(MODULE), "load the module");
	fd = lt_must(lt_eventfd(83, 0), "eventfd");
	session = lt_must(lt_session_create("trap"), "session");
	lt_result(lt_preserve(session, fd, 1), 0, "an eventfd is preserved");
	/* Its handler is the kernel's own, and always there. */
	fd = lt_memfd_with(0, "innocent", 8);
	session = lt_must(lt_session_create("innocent"), "session");
	lt_result(lt_preserve(session, fd, 1), 0, "and a memfd, in a session of its own");
}

static void trap_late(void)
{
	int i;

	lt_result(lt_device(), -EIO, "opened without the module, /dev/liveupdate fails");
	lt_must(lt_module_load(MODULE), "load the module");
	for (i = 0; i < 3; i++)
		if (lt_device() != -EIO)
			break;
	lt_ok(i == 3, "and each time it is opened again, as the module came too late");
	lt_result(lt_session_retrieve("innocent"), -EIO, "so the memfd is lost as well");
	lt_result(lt_session_create("new"), -EIO, "nor can anything new be preserved");
	lt_result(lt_module_unload(MODULE), 0, "the idle module is unloaded");
}

static void trap_again(void)
{
	lt_result(lt_device(), 0, "after a reboot it opens: there is nothing left to come");
	lt_result(lt_session_retrieve("innocent"), -ENOENT, "the sessions are gone for good");
	trap_set();
}

static void trap_early(void)
{
	char text[8] = "";
	int fd, session;

	lt_must(lt_module_load(MODULE), "load the module");
	lt_result(lt_device(), 0, "loaded before the first open, all is well");
	session = lt_must(lt_session_retrieve("trap"), "session");
	fd = lt_must(lt_retrieve(session, 1), "retrieve");
	lt_eventfd_is(fd, 83, 0, "the eventfd");
	lt_result(lt_finish(session), 0, "its session is finished");
	session = lt_must(lt_session_retrieve("innocent"), "session");
	fd = lt_must(lt_retrieve(session, 1), "retrieve");
	lt_ok(pread(fd, text, sizeof(text), 0) == 8 && !memcmp(text, "innocent", 8),
	      "the memfd is as it was");
	lt_result(lt_finish(session), 0, "and that of the memfd");
}

LT_SCENARIO(modules_trap) = {
	.name	= "modules.trap",
	.about	= "loaded after the first open of /dev/liveupdate: all is lost; before it: all is well",
	.stage	= { { trap_set, 2 }, { trap_late, 5 }, { trap_again, 4 }, { trap_early, 5 } },
	.flags	= LT_ALONE | LT_MODULES,
	.cmdline = WITHOUT,
};
