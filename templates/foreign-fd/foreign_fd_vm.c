// SPDX-License-Identifier: GPL-2.0
/*
 * foreign_fd_vm.c - the handler as a module, over a real live update in a VM.
 *
 * A program of user space. Two files of one object are one object to the guard; the owner of
 * the type keeps it as it is while it is preserved, and no longer; it comes back.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULE	"foreign_fd"
#define FOLDER	"/foreign-fd"

#define TEXT	"nobody changes this"
#define AT	7

/* Yours: how a program makes a file of the type. */
static int make_file(const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	fd = lt_must(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "make a file");
	lt_must(lt_write_fd(fd, text), "write to it");
	close(fd);
	return lt_must(open(path, O_RDONLY | O_CLOEXEC), "open it for reading");
}

/* What open(2) for writing says of a file that is open already. */
static int try_write(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_WRONLY | O_CLOEXEC);
	if (again < 0)
		return -errno;
	close(again);
	return 0;
}

/* Yours: whether it came back as it was. */
static bool foreign_fd_has(int fd, const char *text, const char *name)
{
	char buf[64] = "";
	int n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0 || strcmp(buf, text))
		lt_note("it has '%s' (%d), expected '%s'", buf, n, text);
	return lt_ok(n >= 0 && !strcmp(buf, text), "%s has its contents", name);
}

static void first_kernel(void)
{
	int one, two, file, other, empty, writer;

	mkdir(FOLDER, 0755);
	if (mount("none", FOLDER, "ramfs", 0, NULL))
		lt_die("mount a ramfs: %s", lt_errname(-errno));
	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	one = lt_must(lt_session_create("foreign-fd"), "session");
	two = lt_must(lt_session_create("foreign-fd-two"), "session");
	file = make_file("file", TEXT);
	empty = make_file("empty", "");

	writer = lt_must(open(FOLDER "/file", O_WRONLY | O_CLOEXEC), "open it for writing");
	lt_result(lt_preserve(one, file, 1), -ETXTBSY, "refused: somebody has it open for writing");
	close(writer);
	lt_result(lt_preserve(one, file, 1), 0, "a file is preserved");
	lt_result(lt_preserve(one, empty, 2), 0, "an empty one is preserved beside it");

	/* LUO knows files; only the guard knows that these two are the same. */
	other = lt_must(open(FOLDER "/file", O_RDONLY | O_CLOEXEC), "open it again");
	lt_result(lt_preserve(one, other, 3), -EBUSY, "refused: another file of the same object");
	lt_result(lt_preserve(two, other, 3), -EBUSY, "refused: the same in another session");
	lt_result(lt_module_unload(MODULE), -EAGAIN, "in use, the module refuses to go");

	lt_result(try_write(file), -ETXTBSY, "preserved, it is not opened for writing");
	lt_result(truncate(FOLDER "/file", 1) ? -errno : 0, -ETXTBSY, "nor truncated");
	close(one);
	lt_result(try_write(file), 0, "given up, it is opened for writing again");

	one = lt_must(lt_session_create("foreign-fd"), "session");
	lt_must(lt_preserve(one, file, 1), "preserve it");
	lt_must(lt_preserve(one, empty, 2), "preserve the empty one");
	lt_must(lseek(file, AT, SEEK_SET), "move its position");
}

static void second_kernel(void)
{
	int session, file, empty;
	struct stat st;

	lt_result(lt_module_load(MODULE), 0, "the module is loaded");
	session = lt_must(lt_session_retrieve("foreign-fd"), "session");
	empty = lt_must(lt_retrieve(session, 2), "retrieve");
	file = lt_must(lt_retrieve(session, 1), "retrieve");
	foreign_fd_has(file, TEXT, "the file");
	lt_eq(lseek(file, 0, SEEK_CUR), AT, "its position is where it was last");
	foreign_fd_has(empty, "", "the empty one");
	lt_ok(!fstat(file, &st) && S_ISREG(st.st_mode) && !st.st_nlink, "it has no name");

	lt_result(lt_preserve(session, file, 3), -EINVAL, "an incoming session takes no file");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
	lt_result(try_write(file), 0, "it can be opened for writing");
	session = lt_must(lt_session_create("foreign-fd"), "session");
	lt_result(lt_preserve(session, file, 1), 0, "it can be preserved again");
	close(session);
	lt_result(lt_module_unload(MODULE), 0, "idle, the module is unloaded");
	foreign_fd_has(file, TEXT, "without the module the file");
	close(file);
	close(empty);
}

/* The numbers are how many results each stage gives. */
LT_SCENARIO(foreign_fd) = {
	.name	= "foreign-fd.live-update",
	.about	= "as a module: files of ramfs come back, and are held still meanwhile",
	.stage	= { { first_kernel, 10 }, { second_kernel, 11 } },
	.flags	= LT_ALONE | LT_MODULES,
};
