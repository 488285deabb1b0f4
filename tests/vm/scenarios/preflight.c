// SPDX-License-Identifier: GPL-2.0
/*
 * scripts/preflight where it belongs: in a machine that has files preserved, about the kernel
 * that comes next, and about kernels that it had better not be.
 *
 * Those others are made here: an ELF file with the notes that such a kernel would have.
 */
#define _GNU_SOURCE
#include "../luotest.h"
#include "../../../templates/anon-fd/anon_fd.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFLIGHT	"/preflight"
#define IMAGE		"/bzImage"
#define CRAFTED		"/crafted"
#define EVENTFD_STATS	"/sys/kernel/debug/luosdk-eventfd/stats"
#define MEMFD_STATS	"/sys/kernel/debug/luosdk-memfd/stats"

static char said[65536];

/* Run it: its exit status, or a negative errno. What it says is in @said. */
static int preflight(const char *const options[], const char *image)
{
	const char *argv[16] = { PREFLIGHT };
	unsigned int n = 1;

	while (options && *options && n < ARRAY_SIZE(argv) - 2)
		argv[n++] = *options++;
	argv[n] = image;
	said[0] = '\0';
	return lt_run(argv, said, sizeof(said));
}

/* One result: the exit status, and words that must be among what it said. */
static bool says(int status, int want, const char *words, const char *what)
{
	bool good = status == want && strstr(said, words);

	if (!good)
		lt_note("status %d instead of %d, or nothing of '%s'", status, want, words);
	return lt_ok(good, "%s", what);
}

/* A handler as the target's note describes it; words in the order of the note. */
struct claim {
	__u32 form, magic, version, min_version, bytes, sealed, layout;
	char compatible[48];
};

static __u32 stat_number(const char *text, const char *name)
{
	char line[64], *at;

	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(text, line);
	if (!at)
		lt_die("no line '%s' in the stats", name);
	return strtoul(at + strlen(line), NULL, 0);
}

/* What this kernel writes itself: a target that claims the same takes it. */
static struct claim own_claim(const char *stats, const char *compatible)
{
	struct claim c = { .form = 1, .magic = 0x534f554c };
	char text[4096];

	lt_must(lt_read_file(stats, text, sizeof(text)), stats);
	c.version = stat_number(text, "version");
	c.min_version = c.version;
	c.bytes = stat_number(text, "payload");
	c.sealed = stat_number(text, "sealed");
	c.layout = stat_number(text, "layout");
	snprintf(c.compatible, sizeof(c.compatible), "%s", compatible);
	return c;
}

static size_t add_note(char *at, const char *owner, __u32 type, const void *desc, size_t size)
{
	Elf64_Nhdr *note = (void *)at;
	size_t len = strlen(owner) + 1, room = (len + 3) & ~3ul;

	*note = (Elf64_Nhdr){ .n_namesz = len, .n_descsz = size, .n_type = type };
	memset(note + 1, 0, room);
	memcpy(note + 1, owner, len);
	memcpy((char *)(note + 1) + room, desc, size);
	return sizeof(*note) + room + size;
}

/* A kernel with these handlers, as far as anybody can tell who does not start it. */
static void craft(const struct claim *claims, unsigned int nr)
{
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdr;
		char notes[1024];
	} elf = {
		.ehdr = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				     EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		},
		.phdr = {
			.p_type = PT_NOTE,
			.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			.p_align = 4,
		},
	};
	static const __u32 salt;
	size_t size;
	int fd;

	size = add_note(elf.notes, "Linux", 0x100, &salt, sizeof(salt));
	while (nr--)
		size += add_note(elf.notes + size, "luosdk", 1, claims++, sizeof(*claims));
	elf.phdr.p_filesz = size;
	fd = lt_must(open(CRAFTED, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600), CRAFTED);
	if (write(fd, &elf, sizeof(elf)) != sizeof(elf))
		lt_die("write " CRAFTED);
	close(fd);
}

/* The begin of the real image, and nothing more. */
static void cut_off(void)
{
	static char part[1 << 20];
	int fd = lt_must(open(IMAGE, O_RDONLY | O_CLOEXEC), IMAGE);

	if (read(fd, part, sizeof(part)) != sizeof(part))
		lt_die("read " IMAGE);
	close(fd);
	fd = lt_must(open(CRAFTED, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600), CRAFTED);
	if (write(fd, part, sizeof(part)) != sizeof(part))
		lt_die("write " CRAFTED);
	close(fd);
}

static void judge_before(void)
{
	static const char *const also[] = { "--also", "memfd-v2", NULL };
	static const char *const nobody[] = { "--also", "nobody-v1", NULL };
	int session = lt_must(lt_session_create("preflight"), "session");
	struct claim c[2];

	says(preflight(NULL, IMAGE), 0, "Nothing is preserved", "nothing is preserved yet");
	lt_must(lt_preserve(session, lt_must(lt_eventfd(7, 0), "eventfd"), 1), "preserve");
	lt_must(lt_preserve(session, lt_must(lt_eventfd(8, 0), "eventfd"), 2), "preserve");
	lt_must(lt_preserve(session, lt_memfd_with(0, "kept", 4), 3), "preserve");
	lt_must(lt_preserve_by_kernel(session, lt_memfd_with(0, "also", 4), 4), "preserve");

	says(preflight(NULL, IMAGE), 0, "yes       luosdk-eventfd-v1 (2 files): built in\n",
	     "this very kernel: the eventfds will come back");
	lt_ok(strstr(said, "yes       luosdk-memfd-v1 (1 file): built in\n"), "and the memfd");
	says(preflight(also, IMAGE), 0, "likely    memfd-v2: ",
	     "and likely one of a handler that nobody can look into");
	says(preflight(nobody, IMAGE), 1, "no        nobody-v1: the string is nowhere",
	     "but not one of a handler that the target does not have");

	c[0] = own_claim(MEMFD_STATS, "luosdk-memfd-v1");
	c[1] = own_claim(EVENTFD_STATS, "luosdk-eventfd-v1");
	craft(c, 2);
	says(preflight(NULL, CRAFTED), 0, "Everything that could be seen will come back",
	     "a target that says the same of itself");
	craft(c, 1);
	says(preflight(NULL, CRAFTED), 1,
	     "no        luosdk-eventfd-v1 (2 files): the target has no handler",
	     "one that lacks a handler");
	lt_ok(strstr(said, "1 of 2 will not come back"), "whose other files would come back");
	c[1].version = 0;
	c[1].min_version = 0;
	craft(c, 2);
	says(preflight(NULL, CRAFTED), 1, "reads only older ones: 0 to 0", "one with an older handler");
	c[1].version = 3;
	c[1].min_version = 2;
	craft(c, 2);
	says(preflight(NULL, CRAFTED), 1, "reads only newer ones: 2 to 3",
	     "one with a newer handler, which forgot the version");
	c[1].version = 2;
	c[1].min_version = 1;
	craft(c, 2);
	says(preflight(NULL, CRAFTED), 0, "upgraded from version 1 to 2",
	     "one with a newer handler, which knows it");
	c[1] = own_claim(EVENTFD_STATS, "luosdk-eventfd-v1");
	c[1].layout ^= 1;
	craft(c, 2);
	says(preflight(NULL, CRAFTED), 1, "another layout under the same version 1",
	     "one with another layout under the same version");
	cut_off();
	says(preflight(NULL, CRAFTED), 2, "damaged or cut off", "half an image");
	says(preflight(NULL, "/init"), 2, "no Linux kernel", "a program");
	unlink(CRAFTED);
}

static void judge_after(void)
{
	int session = lt_must(lt_session_retrieve("preflight"), "session"), fd;
	char text[8] = "";

	lt_eventfd_is(lt_retrieve(session, 1), 7, 0, "the first eventfd");
	lt_eventfd_is(lt_retrieve(session, 2), 8, 0, "the second eventfd");
	fd = lt_retrieve(session, 3);
	lt_ok(fd >= 0 && pread(fd, text, sizeof(text), 0) == 4 && !strcmp(text, "kept"),
	      "the memfd came back as well");
	fd = lt_retrieve(session, 4);
	lt_ok(fd >= 0 && pread(fd, text, sizeof(text), 0) == 4 && !strcmp(text, "also"),
	      "and the one of the other handler");
	lt_result(lt_finish(session), 0, "the session is finished");
	close(session);
}

LT_SCENARIO(preflight_judges) = {
	.name	= "preflight.judges",
	.about	= "what will come back is said before, and comes back",
	.stage	= { { judge_before, 14 }, { judge_after, 5 } },
	.flags	= LT_ALONE,
};

static void modules_before(void)
{
	static const char *const with[] = { "--modules", "/modules", NULL };
	int session = lt_must(lt_session_create("preflight"), "session"), dev, fd;

	lt_must(lt_module_load("anon_fd"), "load the module");
	dev = lt_must(open("/dev/anon_fd", O_RDWR | O_CLOEXEC), "/dev/anon_fd");
	fd = lt_must(ioctl(dev, ANON_FD_CREATE), "make a file");
	close(dev);
	lt_must(lt_write_fd(fd, "kept"), "write");
	lt_must(lt_preserve(session, fd, 1), "preserve");

	says(preflight(NULL, IMAGE), 1, "(1 file): the target has no handler",
	     "the image alone cannot bring it back");
	says(preflight(with, IMAGE), 0, "yes, if   luosdk-anon-fd-v1 (1 file): module anon_fd is loaded before",
	     "a module of it can, if it is loaded early");
	mkdir("/etc", 0755);
	mkdir("/etc/modules-load.d", 0755);
	fd = lt_must(open("/etc/modules-load.d/x.conf", O_CREAT | O_WRONLY | O_CLOEXEC, 0644),
		     "modules-load.d");
	lt_must(lt_write_fd(fd, "# early\nanon-fd\n"), "write");
	close(fd);
	says(preflight(with, IMAGE), 0,
	     "yes       luosdk-anon-fd-v1 (1 file): module anon_fd, loaded early",
	     "as modules-load.d says it is");
	unlink("/etc/modules-load.d/x.conf");
}

static void modules_after(void)
{
	char text[8] = "";
	int session, fd;

	lt_must(lt_module_load("anon_fd"), "load the module");
	session = lt_must(lt_session_retrieve("preflight"), "session");
	fd = lt_retrieve(session, 1);
	lt_ok(fd >= 0 && read(fd, text, sizeof(text)) == 4 && !strcmp(text, "kept"),
	      "loaded early, it brings the file back");
	lt_must(lt_finish(session), "finish");
	close(session);
}

LT_SCENARIO(preflight_modules) = {
	.name	= "preflight.modules",
	.about	= "a handler in a module: only with it, and only if it is loaded early",
	.stage	= { { modules_before, 3 }, { modules_after, 1 } },
	.flags	= LT_ALONE | LT_MODULES,
};
