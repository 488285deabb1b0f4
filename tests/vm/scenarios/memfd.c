// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own memfd handler, which none of our code touches.
 *
 * When these fail, the fault is in the kernel, the VM or the harness; look here
 * first when everything fails.
 */
#define _GNU_SOURCE
#include "../luotest.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TOKEN	1

static const char text[] = "written before the live update";

static void memfd_before(void)
{
	int session = lt_must(lt_session_create("memfd"), "session");
	int fd = memfd_create("memfd", MFD_CLOEXEC);

	lt_ok(write(fd, text, sizeof(text)) == sizeof(text), "a memfd is written");
	lt_result(lt_preserve(session, fd, TOKEN), 0, "it is preserved");
}

static void memfd_between(void)
{
	char buf[sizeof(text)] = "";
	int session = lt_must(lt_session_retrieve("memfd"), "session");
	int fd = lt_must(lt_retrieve(session, TOKEN), "retrieve");

	lt_ok(pread(fd, buf, sizeof(buf), 0) == sizeof(buf) && !strcmp(buf, text),
	      "its content is there");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	session = lt_must(lt_session_create("memfd"), "second session");
	lt_result(lt_preserve(session, fd, TOKEN), 0, "it is preserved again");
}

LT_SCENARIO(memfd_twice) = {
	.name	= "memfd.twice",
	.about	= "the kernel's own handler over two live updates in a row",
	.stage	= { { memfd_before, 2 }, { memfd_between, 3 }, { memfd_between, 3 } },
};
