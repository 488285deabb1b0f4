// SPDX-License-Identifier: GPL-2.0
/*
 * luosdk-preflight.c - say, before a kexec, what of the preserved files will come back.
 *
 * What is preserved now is in debugfs (luosdk/stats.h); what another kernel can bring back
 * is in the ELF notes of its image and modules (luosdk/note.h). This compares the two, and
 * changes nothing. scripts/preflight compiles and runs it, linked statically so that it
 * runs in an initramfs as well. Nothing in a file is believed before it was checked.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <gelf.h>
#include <glob.h>
#include <libelf.h>
#include <lz4.h>
#include <lzma.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define NAME		"preflight"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1u << (n))
#define ATTRIBUTE(a)	__attribute__((a))
#define __printf(a, b)	ATTRIBUTE(format(printf, a, b))

/* As in luosdk/note.h and luosdk/depend.h. */
#define NOTE_FILE	1
#define NOTE_SHARED	2
#define NOTE_FORM	1
#define BY_HANDLE	BIT(31)

#define STATE_MAGIC	0x534f554c

/* No kernel and no initramfs is larger; what claims to be is damaged. */
#define LARGEST		((size_t)BIT(31))

#define DEBUGFS		"/sys/kernel/debug"
#define STATS		DEBUGFS "/luosdk-*/stats"

enum { ALL_BACK, NOT_ALL, TROUBLE };

struct blob {
	uint8_t *data;
	size_t size;
};

/* A handler in the target. */
struct handler {
	uint32_t type, magic, version, min_version, bytes, sealed, layout;
	char *compatible;
	const struct module *module;	/* NULL: built in */
};

struct module {
	char *name;		/* as modprobe knows it */
	char *path;
	char *release;
	struct blob elf;
	struct module *next;
};

/* A kind of files, or a shared state, of the running kernel. */
struct kind {
	char *compatible;	/* NULL if its handler does not say */
	char *from;
	bool shared, has_version;
	uint32_t version, bytes, sealed, layout;
	long now, preserved, unpreserved, other_format;
};

static struct {
	const char *path, *root;
	struct blob elf;
	char *release;
	struct handler *handler;
	size_t nr_handlers;
	struct module *modules;
	char **early;		/* modules that something loads early */
	size_t nr_early;
	bool initrd;
} target = { .root = "" };

static struct kind *kinds;
static size_t nr_kinds;
static int verdicts[3];		/* by enum, without TROUBLE */

static void usage(FILE *to)
{
	fputs("Usage: " NAME " [OPTION]... IMAGE\n"
	      "Say whether the files that are preserved now will come back in the kernel IMAGE, a\n"
	      "bzImage or vmlinux. Reads only, and is to be run before kexec.\n"
	      "\n"
	      "  -m, --modules PATH     its modules: a directory, as /lib/modules/RELEASE, or one file;\n"
	      "                         may be repeated\n"
	      "  -i, --initrd FILE      its initramfs, for the modules in it and those it loads early\n"
	      "  -r, --root DIR         where the target's /etc/modules-load.d is (default: /)\n"
	      "  -p, --preserved FILE   what is preserved: a copy of " DEBUGFS "/luosdk-*/stats,\n"
	      "                         one after the other, instead of those files; '-' is\n"
	      "                         standard input\n"
	      "  -a, --all              judge all handlers of this kernel, also those without files\n"
	      "  -o, --also NAME        files of the handler with this compatible string are preserved\n"
	      "                         as well; for handlers without a note, as the kernel's own\n"
	      "                         memfd-v2, of which nobody can see it; may be repeated\n"
	      "  -l, --list             only list the handlers of IMAGE and its modules\n"
	      "  -h, --help             this text\n"
	      "\n"
	      "Exits with 0 if everything will come back, 1 if something will not or cannot be\n"
	      "judged, 2 if a file cannot be read or the command is wrong.\n", to);
}

__printf(1, 2) static void warn(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs(NAME ": ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

#define trouble(...)				\
	do {					\
		warn(__VA_ARGS__);		\
		exit(TROUBLE);			\
	} while (0)

static void *grow(void *old, size_t bytes)
{
	void *more = realloc(old, bytes);

	if (!more)
		trouble("out of memory");
	return more;
}

static char *copy(const char *s)
{
	return strcpy(grow(NULL, strlen(s) + 1), s);
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));

	return value;
}

/* ---- Files ---------------------------------------------------------------------- */

/* 0, or a negative errno. */
static int load(FILE *from, struct blob *blob)
{
	size_t room = 1 << 16;
	struct stat st;

	*blob = (struct blob){};
	if (!fstat(fileno(from), &st) && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!fstat(fileno(from), &st) && S_ISREG(st.st_mode) && st.st_size > 0)
		room = st.st_size + 1;
	for (;;) {
		if (room > LARGEST)
			return -EFBIG;
		blob->data = grow(blob->data, room);
		blob->size += fread(blob->data + blob->size, 1, room - blob->size, from);
		if (blob->size < room)
			return ferror(from) ? -EIO : 0;
		room *= 2;
	}
}

static int load_path(const char *path, struct blob *blob)
{
	FILE *from = fopen(path, "rb");
	int err;

	if (!from)
		return -errno;
	err = load(from, blob);
	fclose(from);

	return err;
}

/* Room for what is being unpacked; false when it is too much. */
static bool more_room(struct blob *to, size_t *room)
{
	if (to->size < *room)
		return true;
	if (*room >= LARGEST)
		return false;
	*room = *room ? *room * 2 : 1 << 20;
	to->data = grow(to->data, *room);

	return true;
}

static const char *unpack_gzip(const uint8_t *data, size_t size, struct blob *to)
{
	z_stream z = { .next_in = (uint8_t *)data, .avail_in = size };
	size_t room = 0;
	int ret = inflateInit2(&z, 15 + 16);

	while (ret == Z_OK && more_room(to, &room)) {
		z.next_out = to->data + to->size;
		z.avail_out = room - to->size;
		ret = inflate(&z, Z_NO_FLUSH);
		to->size = room - z.avail_out;
	}
	inflateEnd(&z);

	return ret == Z_STREAM_END ? NULL : "what gzip packed in it is damaged or cut off";
}

static const char *unpack_xz(const uint8_t *data, size_t size, struct blob *to)
{
	lzma_stream lz = LZMA_STREAM_INIT;
	lzma_ret ret = lzma_auto_decoder(&lz, LARGEST, 0);
	size_t room = 0;

	lz.next_in = data;
	lz.avail_in = size;
	while (ret == LZMA_OK && more_room(to, &room)) {
		lz.next_out = to->data + to->size;
		lz.avail_out = room - to->size;
		ret = lzma_code(&lz, LZMA_RUN);
		to->size = room - lz.avail_out;
	}
	lzma_end(&lz);

	return ret == LZMA_STREAM_END ? NULL : "what xz packed in it is damaged or cut off";
}

static const char *unpack_zstd(const uint8_t *data, size_t size, struct blob *to)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = { data, size, 0 };
	size_t room = 0, ret = 1, before;

	if (!stream)
		trouble("out of memory");
	/* The kernel's own window is larger than the library takes unasked. */
	ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 31);
	while (ret && !ZSTD_isError(ret) && more_room(to, &room)) {
		ZSTD_outBuffer out = { to->data, room, to->size };

		before = in.pos;
		ret = ZSTD_decompressStream(stream, &out, &in);
		if (in.pos == before && out.pos == to->size)
			break;
		to->size = out.pos;
	}
	ZSTD_freeDStream(stream);

	return ret ? "what zstd packed in it is damaged or cut off" : NULL;
}

/* The form that the kernel uses: blocks that are up to 8 MiB when they are unpacked. */
static const char *unpack_lz4(const uint8_t *data, size_t size, struct blob *to)
{
	const size_t block = 8 << 20;
	size_t at = 4, packed;
	int got;

	/* A kernel's image ends with the size of what is packed. */
	while (at + 4 < size) {
		packed = word(data + at);
		at += 4;
		if (packed > size - at || to->size > LARGEST)
			return "what lz4 packed in it is damaged or cut off";
		to->data = grow(to->data, to->size + block);
		got = LZ4_decompress_safe((const char *)data + at, (char *)to->data + to->size,
					  packed, block);
		if (got < 0)
			return "what lz4 packed in it is damaged or cut off";
		to->size += got;
		at += packed;
	}

	return to->size ? NULL : "what lz4 packed in it is damaged or cut off";
}

static bool starts(const uint8_t *data, size_t size, const char *with, size_t len)
{
	return size >= len && !memcmp(data, with, len);
}

/*
 * Unpack if it is packed: NULL, or what is wrong. @to stays empty if it is not packed.
 */
static const char *unpack(const uint8_t *data, size_t size, struct blob *to)
{
	*to = (struct blob){};
	if (starts(data, size, "\x1f\x8b", 2))
		return unpack_gzip(data, size, to);
	if (starts(data, size, "\3757zXZ", 5) || starts(data, size, "\x5d\0\0", 3))
		return unpack_xz(data, size, to);
	if (starts(data, size, "\x28\xb5\x2f\xfd", 4))
		return unpack_zstd(data, size, to);
	if (starts(data, size, "\x02\x21\x4c\x18", 4))
		return unpack_lz4(data, size, to);
	if (starts(data, size, "BZh", 3) || starts(data, size, "\x89LZO", 4))
		return "it is packed with bzip2 or lzo; give the vmlinux (scripts/extract-vmlinux)";

	return NULL;
}

/* ---- ELF ------------------------------------------------------------------------ */

static bool is_elf(const struct blob *blob)
{
	return starts(blob->data, blob->size, ELFMAG, SELFMAG);
}

static void add_handler(uint32_t type, const uint8_t *desc, size_t size,
			const struct module *module, const char *path)
{
	struct handler *h;
	const char *name;

	if (size < 4 || word(desc) != NOTE_FORM)
		trouble("%s: its handlers' notes have a form that this program does not know; take the one that belongs to that kernel's luosdk",
			path);
	if (size < 32 || !memchr(desc + 28, 0, size - 28))
		trouble("%s: the note of a handler is damaged; build the kernel or module again",
			path);
	name = (const char *)desc + 28;
	target.handler = grow(target.handler, (target.nr_handlers + 1) * sizeof(*h));
	h = target.handler + target.nr_handlers++;
	*h = (struct handler){
		.type = type,
		.magic = word(desc + 4),
		.version = word(desc + 8),
		.min_version = word(desc + 12),
		.bytes = word(desc + 16),
		.sealed = word(desc + 20),
		.layout = word(desc + 24),
		.compatible = copy(name),
		.module = module,
	};
}

/* The notes in one piece of data. Returns whether one is the kernel's own. */
static bool read_notes(Elf_Data *data, const struct module *module, const char *path)
{
	size_t at = 0, name, desc;
	bool kernel = false;
	GElf_Nhdr note;

	while ((at = gelf_getnote(data, at, &note, &name, &desc))) {
		const char *owner = (const char *)data->d_buf + name;

		if (note.n_namesz == sizeof("Linux") && !memcmp(owner, "Linux", sizeof("Linux")))
			kernel = true;
		if (note.n_namesz == sizeof("luosdk") && !memcmp(owner, "luosdk", sizeof("luosdk")))
			add_handler(note.n_type, (uint8_t *)data->d_buf + desc, note.n_descsz,
				    module, path);
	}

	return kernel;
}

/* Where in an ELF file a section is, with its size; NULL if it is not there. */
static const char *find_section(Elf *elf, const char *want, size_t *size)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	Elf_Data *data;
	const char *name;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			return NULL;
		name = elf_strptr(elf, names, shdr.sh_name);
		if (!name || strcmp(name, want))
			continue;
		data = elf_rawdata(scn, NULL);
		*size = data ? data->d_size : 0;
		return data ? data->d_buf : NULL;
	}

	return NULL;
}

/*
 * Read the notes of an ELF file: NULL, or what is wrong with it. By its segments if it has
 * any, as a kernel; a module has none.
 */
static const char *read_elf(const struct blob *blob, const struct module *module,
			    const char *path, bool *kernel)
{
	Elf *elf = elf_memory((char *)blob->data, blob->size);
	const char *why = NULL;
	GElf_Ehdr ehdr;
	size_t nr, i;

	if (!elf || !gelf_getehdr(elf, &ehdr))
		why = "it is damaged: its ELF header cannot be read";
	else if (ehdr.e_ident[EI_DATA] != (*(const uint8_t *)&(uint16_t){ 1 } ?
					   ELFDATA2LSB : ELFDATA2MSB))
		why = "it is for a processor of another byte order";
	else if (elf_getphdrnum(elf, &nr))
		why = "it is damaged: its segments cannot be read";

	*kernel = false;
	for (i = 0; !why && i < nr; i++) {
		GElf_Phdr phdr;
		Elf_Data *data;

		if (!gelf_getphdr(elf, i, &phdr)) {
			why = "it is damaged or cut off: its segments cannot be read";
		} else if (phdr.p_offset > blob->size ||
			   phdr.p_filesz > blob->size - phdr.p_offset) {
			why = "it is damaged or cut off: a segment is missing";
		} else if (phdr.p_type == PT_NOTE) {
			data = elf_getdata_rawchunk(elf, phdr.p_offset, phdr.p_filesz, ELF_T_NHDR);
			if (!data)
				why = "it is damaged: its notes cannot be read";
			else if (read_notes(data, module, path))
				*kernel = true;
		}
	}
	if (!why && !nr) {
		Elf_Scn *scn = NULL;
		GElf_Shdr shdr;
		Elf_Data *data;

		if (!elf_nextscn(elf, NULL))
			why = "it is damaged or cut off: its sections cannot be read";
		while (!why && (scn = elf_nextscn(elf, scn))) {
			if (!gelf_getshdr(scn, &shdr)) {
				why = "it is damaged or cut off: its sections cannot be read";
			} else if (shdr.sh_type == SHT_NOTE) {
				data = elf_getdata(scn, NULL);
				if (!data)
					why = "it is damaged or cut off: its notes are missing";
				else
					read_notes(data, module, path);
			}
		}
	}
	elf_end(elf);

	return why;
}

/* ---- The target's image --------------------------------------------------------- */

/* What is packed in a bzImage: NULL, or what is wrong. */
static const char *open_bzimage(const struct blob *file, struct blob *elf)
{
	size_t sectors = file->data[0x1f1] ? file->data[0x1f1] : 4, at, size;
	const char *why;

	if ((file->data[0x206] | file->data[0x207] << 8) < 0x208)
		return "it is a bzImage of before Linux 2.6.26";
	at = (sectors + 1) * 512 + word(file->data + 0x248);
	size = word(file->data + 0x24c);
	if (!size || at > file->size || size > file->size - at)
		return "it is a bzImage that is damaged or cut off";
	why = unpack(file->data + at, size, elf);
	if (why)
		return why;
	if (!elf->size) {
		elf->data = file->data + at;
		elf->size = size;
	}

	return is_elf(elf) ? NULL : "it is a bzImage with something else than a kernel in it";
}

/* "Linux version 7.3.4 (...": the release. */
static char *find_release(const struct blob *elf)
{
	static const char banner[] = "Linux version ";
	const uint8_t *at = elf->data, *end = at + elf->size;
	char release[65];
	size_t len;

	while ((at = memmem(at, end - at, banner, sizeof(banner) - 1))) {
		at += sizeof(banner) - 1;
		for (len = 0; len < 64 && at + len < end && isgraph(at[len]); len++)
			release[len] = at[len];
		release[len] = 0;
		if (len && isdigit(release[0]))
			return copy(release);
	}

	return NULL;
}

static void open_image(const char *path)
{
	const char *why = NULL;
	struct blob file, inner;
	Elf64_Ehdr ehdr;
	bool kernel;
	int err;

	target.path = path;
	err = load_path(path, &file);
	if (err)
		trouble("%s cannot be read: %s", path, strerror(-err));
	if (!file.size)
		trouble("%s is empty; give a kernel's bzImage or vmlinux", path);

	why = unpack(file.data, file.size, &inner);
	if (!why && inner.size)
		file = inner;
	target.elf = file;
	if (!why && file.size > 0x250 && !memcmp(file.data + 0x202, "HdrS", 4))
		why = open_bzimage(&file, &target.elf);
	else if (!why && !is_elf(&file))
		trouble("%s is no bzImage and no vmlinux; give the file that is to be given to kexec, or for another form of image the vmlinux that it was made from",
			path);
	if (!why)
		why = read_elf(&target.elf, NULL, path, &kernel);
	if (why)
		trouble("%s: %s", path, why);
	memcpy(&ehdr, target.elf.data, sizeof(ehdr));
	if (ehdr.e_type == ET_REL)
		trouble("%s is a module or an object, not a kernel; modules go with --modules",
			path);
	if (!kernel)
		trouble("%s is an ELF file but no Linux kernel; give a bzImage or vmlinux", path);
	target.release = find_release(&target.elf);
}

/* ---- Its modules ---------------------------------------------------------------- */

/* "key=" in .modinfo. */
static char *modinfo(const char *info, size_t size, const char *key)
{
	size_t len = strlen(key), at, n;

	for (at = 0; at < size; at += n + 1) {
		n = strnlen(info + at, size - at);
		if (n > len && info[at + len] == '=' && !memcmp(info + at, key, len) &&
		    at + n < size)
			return copy(info + at + len + 1);
	}

	return NULL;
}

/* What it is called: as a file, without folders and endings, with '_' for '-'. */
static char *module_name(const char *path)
{
	const char *base = strrchr(path, '/');
	char *name = copy(base ? base + 1 : path), *at;

	for (at = name; *at; at++)
		if (*at == '-')
			*at = '_';
	at = strstr(name, ".ko");
	if (at)
		*at = 0;

	return name;
}

static bool is_module_path(const char *path)
{
	static const char *const ends[] = { ".ko", ".ko.gz", ".ko.xz", ".ko.zst", ".ko.lzma" };
	size_t i, len = strlen(path), n;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		n = strlen(ends[i]);
		if (len > n && !strcmp(path + len - n, ends[i]))
			return true;
	}

	return false;
}

/* NULL, or what is wrong. */
static const char *add_module(struct blob file, const char *path)
{
	struct module *m = grow(NULL, sizeof(*m));
	size_t before = target.nr_handlers, size;
	struct blob inner;
	const char *why, *info;
	bool kernel;
	Elf *elf;

	*m = (struct module){ .path = copy(path) };
	why = unpack(file.data, file.size, &inner);
	if (why)
		return why;
	m->elf = inner.size ? inner : file;
	if (!m->elf.size)
		return "it is empty";
	if (!is_elf(&m->elf))
		return "it is no module";
	why = read_elf(&m->elf, m, path, &kernel);
	if (why)
		return why;
	elf = elf_memory((char *)m->elf.data, m->elf.size);
	info = elf ? find_section(elf, ".modinfo", &size) : NULL;
	if (info) {
		m->name = modinfo(info, size, "name");
		m->release = modinfo(info, size, "vermagic");
	}
	elf_end(elf);
	if (!info)
		return "it is no module: it has no .modinfo";
	if (!m->name)
		m->name = module_name(path);
	if (m->release)
		m->release[strcspn(m->release, " ")] = 0;
	if (target.nr_handlers == before) {
		/* Only a string could still be looked for in it. */
		m->next = target.modules;
		target.modules = m;
		return NULL;
	}
	if (m->release && target.release && strcmp(m->release, target.release))
		warn("%s was built for %s, and the image is %s: whether it can be loaded there is not known",
		     path, m->release, target.release);
	m->next = target.modules;
	target.modules = m;

	return NULL;
}

static int walk_module(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct blob file;
	const char *why;
	int err;

	(void)st;
	(void)ftw;
	if (type != FTW_F || !is_module_path(path))
		return 0;
	err = load_path(path, &file);
	why = err ? strerror(-err) : add_module(file, path);
	if (why)
		warn("%s is left out: %s", path, why);

	return 0;
}

static void open_modules(const char *path)
{
	struct blob file;
	const char *why;
	struct stat st;
	int err;

	if (stat(path, &st))
		trouble("%s cannot be read: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		if (nftw(path, walk_module, 32, FTW_PHYS))
			trouble("%s cannot be read: %s", path, strerror(errno));
		return;
	}
	err = load_path(path, &file);
	if (err)
		trouble("%s cannot be read: %s", path, strerror(-err));
	why = add_module(file, path);
	if (why)
		trouble("%s: %s", path, why);
}

/* ---- What is loaded early ------------------------------------------------------- */

static void add_early(const char *text, size_t size)
{
	size_t at = 0, n, len;
	char line[64];

	for (; at < size; at += n + 1) {
		for (n = 0; at + n < size && text[at + n] != '\n'; n++)
			;
		/* No module has a name that is as long. */
		len = n < sizeof(line) ? n : sizeof(line) - 1;
		memcpy(line, text + at, len);
		line[len] = 0;
		line[strcspn(line, " \t#;")] = 0;
		if (!*line)
			continue;
		target.early = grow(target.early, (target.nr_early + 1) * sizeof(char *));
		target.early[target.nr_early++] = module_name(line);
	}
}

/* What dracut makes of force_drivers: parameters as on the kernel's command line. */
static void add_early_params(const char *text, size_t size)
{
	static const char *const params[] = { "rd.driver.pre=", "modules-load=" };
	size_t at = 0, n, i;

	for (; at < size; at += n + 1) {
		for (n = 0; at + n < size && !isspace((unsigned char)text[at + n]); n++)
			;
		for (i = 0; i < ARRAY_SIZE(params); i++)
			if (n > strlen(params[i]) &&
			    !memcmp(text + at, params[i], strlen(params[i])))
				add_early(text + at + strlen(params[i]), n - strlen(params[i]));
	}
}

static void find_early(void)
{
	static const char *const lists[] = {
		"/etc/modules", "/etc/modules-load.d/*.conf", "/run/modules-load.d/*.conf",
		"/usr/local/lib/modules-load.d/*.conf", "/usr/lib/modules-load.d/*.conf",
	};
	struct blob file;
	char *pattern;
	glob_t found;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		if (asprintf(&pattern, "%s%s", target.root, lists[i]) < 0)
			trouble("out of memory");
		if (!glob(pattern, 0, NULL, &found)) {
			for (j = 0; j < found.gl_pathc; j++)
				if (!load_path(found.gl_pathv[j], &file))
					add_early((char *)file.data, file.size);
			globfree(&found);
		}
		free(pattern);
	}
}

static bool is_early(const char *module)
{
	size_t i;

	for (i = 0; i < target.nr_early; i++)
		if (!strcmp(target.early[i], module))
			return true;

	return false;
}

static void initrd_file(const char *name, const uint8_t *data, size_t size)
{
	struct blob file = { (uint8_t *)data, size };
	size_t len = strlen(name);
	const char *why;

	if (is_module_path(name)) {
		why = add_module(file, name);
		if (why)
			warn("%s in the initramfs is left out: %s", name, why);
	} else if (!strcmp(name, "conf/modules") ||
		   (strstr(name, "modules-load.d/") && len > 5 &&
		    !strcmp(name + len - 5, ".conf"))) {
		add_early((const char *)data, size);
	} else if (strstr(name, "etc/cmdline.d/")) {
		add_early_params((const char *)data, size);
	}
}

static long cpio_number(const uint8_t *at)
{
	char digits[9] = {};
	char *end;
	long value;

	memcpy(digits, at, 8);
	value = strtol(digits, &end, 16);

	return *end ? -1 : value;
}

/* One archive: how long it is, or 0 if it is damaged. */
static size_t read_cpio(const uint8_t *data, size_t size)
{
	size_t at = 0, body;
	long len, named;

	while (size - at >= 110 && !memcmp(data + at, "07070", 5)) {
		len = cpio_number(data + at + 54);
		named = cpio_number(data + at + 94);
		if (len < 0 || named <= 0 || (size_t)named > size - at - 110 ||
		    data[at + 110 + named - 1])
			return 0;
		body = (at + 110 + named + 3) & ~3ul;
		if (body > size || (size_t)len > size - body)
			return 0;
		if (!strcmp((const char *)data + at + 110, "TRAILER!!!"))
			return body;
		initrd_file((const char *)data + at + 110, data + body, len);
		at = (body + len + 3) & ~3ul;
		if (at > size)
			return 0;
	}

	return 0;
}

/* Archives one after the other, from some place on packed. */
static void open_initrd(const char *path)
{
	struct blob file, inner;
	const char *why = NULL;
	size_t at = 0, len;
	int err = load_path(path, &file);

	if (err)
		trouble("%s cannot be read: %s", path, strerror(-err));
	target.initrd = true;
	for (;;) {
		while (at < file.size && !file.data[at])
			at++;
		if (at >= file.size)
			break;
		len = 0;
		if (starts(file.data + at, file.size - at, "07070", 5)) {
			len = read_cpio(file.data + at, file.size - at);
		} else {
			why = unpack(file.data + at, file.size - at, &inner);
			if (!why && inner.size) {
				file = inner;
				at = 0;
				continue;
			}
		}
		if (why || !len)
			trouble("%s: %s", path, why ? why : "it is no initramfs, or damaged");
		at += len;
	}
	if (!file.size)
		trouble("%s is empty; give an initramfs", path);
}

/* ---- What is preserved now ------------------------------------------------------ */

/* One stats file after the other: a handler begins where its string stands. */
static void read_stats(char *text, const char *from, bool live)
{
	struct kind *k = NULL;
	char *line, *save, *value, *end;
	unsigned long long number;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, ' ');
		if (!value)
			trouble("%s: '%.40s' is no line of luosdk's stats; give a copy of %s",
				from, line, STATS);
		*value++ = 0;
		if (!k || !strcmp(line, "compatible")) {
			if (strcmp(line, "compatible") && !live)
				trouble("%s: it does not begin with the line of a handler's compatible string; give a copy of %s, of a kernel with this luosdk",
					from, STATS);
			kinds = grow(kinds, (nr_kinds + 1) * sizeof(*k));
			k = kinds + nr_kinds++;
			*k = (struct kind){ .from = copy(from) };
			if (!strcmp(line, "compatible")) {
				k->compatible = copy(value);
				continue;
			}
		}
		if (!strcmp(line, "kind")) {
			k->shared = !strcmp(value, "shared");
			continue;
		}
		errno = 0;
		number = strtoull(value, &end, 0);
		if (errno || end == value || *end)
			trouble("%s: the value of '%.40s' is no number", from, line);
		if (!strcmp(line, "version")) {
			k->version = number;
			k->has_version = true;
		} else if (!strcmp(line, "payload")) {
			k->bytes = number;
		} else if (!strcmp(line, "sealed")) {
			k->sealed = number;
		} else if (!strcmp(line, "layout")) {
			k->layout = number;
		} else if (!strcmp(line, "preserved_now")) {
			k->now = number;
		} else if (!strcmp(line, "preserved")) {
			k->preserved = number;
		} else if (!strcmp(line, "unpreserved")) {
			k->unpreserved = number;
		} else if (!strcmp(line, "other_format")) {
			k->other_format = number;
		}
	}
	for (k = kinds; k < kinds + nr_kinds; k++) {
		if (!k->compatible)
			k->now = k->preserved - k->unpreserved;
		else if (!k->has_version)
			trouble("%s: nothing says which version %s is; give a complete copy of %s",
				k->from, k->compatible, STATS);
	}
}

static char *load_text(const char *path, FILE *from)
{
	struct blob file;
	int err = from ? load(from, &file) : load_path(path, &file);

	if (err)
		trouble("%s cannot be read: %s%s", path, strerror(-err),
			err == -EACCES ? "; become root" : "");
	file.data = grow(file.data, file.size + 1);
	file.data[file.size] = 0;
	if (strlen((char *)file.data) != file.size)
		trouble("%s is no text; give a copy of %s", path, STATS);

	return (char *)file.data;
}

static void read_running(bool needed)
{
	glob_t found;
	size_t i;

	switch (glob(STATS, 0, NULL, &found)) {
	case 0:
		break;
	case GLOB_NOMATCH:
		if (!needed)
			return;
		if (access(DEBUGFS, R_OK | X_OK))
			trouble("%s cannot be looked into: %s; become root, or mount debugfs there",
				DEBUGFS, strerror(errno));
		trouble("no handler shows in %s/luosdk-* what it has preserved: debugfs is not mounted there, or this kernel has no handler made with luosdk; name others with --also",
			DEBUGFS);
	default:
		trouble("%s/luosdk-* cannot be read: %s", DEBUGFS, strerror(errno));
	}
	for (i = 0; i < found.gl_pathc; i++)
		read_stats(load_text(found.gl_pathv[i], NULL), found.gl_pathv[i], true);
	globfree(&found);
}

/* ---- Verdicts ------------------------------------------------------------------- */

/* NULL if what @k writes is what @h reads, or why it is not; @remark as for any result. */
static const char *judge(const struct kind *k, const struct handler *h, const char **remark)
{
	static char why[256], more[128];

	*remark = "";
	if (h->magic != STATE_MAGIC)
		return "the target's handler of that name saves in a form of its own";
	if ((k->version ^ h->version) & BY_HANDLE)
		return "the links are recorded in another way: one kernel lacks patches/7.3/0004";
	if (k->version > h->version || k->version < h->min_version) {
		snprintf(why, sizeof(why),
			 "this kernel writes version %u, the target's handler reads only %s ones: %u to %u",
			 k->version & ~BY_HANDLE, k->version > h->version ? "older" : "newer",
			 h->min_version & ~BY_HANDLE, h->version & ~BY_HANDLE);
		return why;
	}
	if (k->version < h->version) {
		snprintf(more, sizeof(more), "; upgraded from version %u to %u",
			 k->version & ~BY_HANDLE, h->version & ~BY_HANDLE);
		*remark = more;
		return NULL;
	}
	if (k->bytes != h->bytes || k->sealed != h->sealed) {
		snprintf(why, sizeof(why),
			 "the target has another layout under the same version %u: %u bytes, %u of them sealed, here; %u and %u there",
			 k->version & ~BY_HANDLE, k->bytes, k->sealed, h->bytes, h->sealed);
		return why;
	}
	if (!k->layout || !h->layout) {
		*remark =
			"; only sizes were compared: one handler has no LUOSDK_LAYOUT()";
		return NULL;
	}
	if (k->layout != h->layout) {
		snprintf(why, sizeof(why),
			 "the target has another layout under the same version %u: the same size, other fields",
			 k->version & ~BY_HANDLE);
		return why;
	}

	return NULL;
}

static void say(int verdict, const char *head, const struct kind *k, const char *fmt, ...)
	__printf(4, 5);

static void say(int verdict, const char *head, const struct kind *k, const char *fmt, ...)
{
	const char *name = k->compatible ? k->compatible : k->from;
	va_list args;

	verdicts[verdict]++;
	printf("%-9s %s", head, name);
	if (k->shared)
		printf(" (state that files share)");
	else if (k->now >= 0)
		printf(" (%ld file%s)", k->now, k->now == 1 ? "" : "s");
	printf(": ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

static void judge_kind(const struct kind *k)
{
	const struct handler *best = NULL, *h;
	const char *why = NULL, *remark = "", *better;

	if (!k->compatible) {
		say(NOT_ALL, "unknown", k, "its handler does not say what it saves; it can with luosdk_stats_describe()");
		return;
	}
	/* Of two handlers LUO takes the first: what is built in. Of modules, one that fits. */
	for (h = target.handler; h < target.handler + target.nr_handlers; h++) {
		if (strcmp(h->compatible, k->compatible) ||
		    h->type != (k->shared ? NOTE_SHARED : NOTE_FILE))
			continue;
		if (best && (!best->module || (h->module && !why)))
			continue;
		better = judge(k, h, &remark);
		best = h;
		why = better;
	}
	if (!best) {
		say(NOT_ALL, "no", k, "the target has no handler for %s%s", k->shared ? "it" : "them",
		    target.modules || target.nr_handlers ? "" :
		    ", nor any other; if its handlers are modules, name those with --modules");
		return;
	}
	why = judge(k, best, &remark);
	if (why)
		say(NOT_ALL, "no", k, "%s%s%s", why, best->module ? "; module " : "",
		    best->module ? best->module->name : "");
	else if (!best->module)
		say(ALL_BACK, "yes", k, "built in%s", remark);
	else if (is_early(best->module->name))
		say(ALL_BACK, "yes", k, "module %s, loaded early%s", best->module->name, remark);
	else
		say(ALL_BACK, "yes, if", k, "module %s is loaded before anybody opens /dev/liveupdate, and no modules-load.d%s names it (sdk/boot/early sees to that)%s",
		    best->module->name, target.initrd ? ", nor one in the initramfs," : "", remark);
}

/* Is this in there as a string of its own? */
static bool has_string(const struct blob *elf, const char *s)
{
	const uint8_t *at = elf->data, *end = at + elf->size;
	size_t len = strlen(s) + 1;

	for (; (at = memmem(at, end - at, s, len)); at++)
		if (at == elf->data || !isgraph(at[-1]))
			return true;

	return false;
}

/* Files of a handler that has no note here. */
static void judge_also(const char *compatible)
{
	const struct kind k = { .compatible = (char *)compatible, .now = -1 };
	const struct handler *h;
	const struct module *m;

	for (h = target.handler; h < target.handler + target.nr_handlers; h++) {
		if (h->type == NOTE_FILE && !strcmp(h->compatible, compatible)) {
			say(ALL_BACK, "likely", &k, "%s%s has a handler of that name; versions and layouts could not be compared",
			    h->module ? "module " : "the target",
			    h->module ? h->module->name : "");
			return;
		}
	}
	if (has_string(&target.elf, compatible)) {
		say(ALL_BACK, "likely", &k, "no note, but the string is in the target's image");
		return;
	}
	for (m = target.modules; m; m = m->next) {
		if (has_string(&m->elf, compatible)) {
			say(ALL_BACK, "likely", &k, "no note, but the string is in module %s",
			    m->name);
			return;
		}
	}
	say(NOT_ALL, "no", &k, "the string is nowhere in the target");
}

static void list_handlers(void)
{
	const struct handler *h;

	for (h = target.handler; h < target.handler + target.nr_handlers; h++) {
		/* Another type of note than those above is none of a handler. */
		if (h->type != NOTE_FILE && h->type != NOTE_SHARED)
			continue;
		printf("%s: %s, %s%s, writes version %u, reads %u to %u, %u bytes, %u of them sealed, layout %#x\n",
		       h->compatible, h->type == NOTE_SHARED ? "state that files share" : "files",
		       h->module ? "module " : "built in", h->module ? h->module->name : "",
		       h->version & ~BY_HANDLE, h->min_version & ~BY_HANDLE,
		       h->version & ~BY_HANDLE, h->bytes, h->sealed, h->layout);
	}
	if (!target.nr_handlers)
		printf("%s%s has no handler with a note\n", target.path,
		       target.modules ? " with its modules" : "");
}

/* ---- The command ---------------------------------------------------------------- */

static const struct {
	char letter;
	const char *name;
	bool value;
} options[] = {
	{ 'm', "modules", true }, { 'i', "initrd", true }, { 'r', "root", true },
	{ 'p', "preserved", true }, { 'a', "all", false }, { 'o', "also", true },
	{ 'l', "list", false }, { 'h', "help", false },
};

/* The letter of an option, 0 if it is none. */
static char find_option(const char *arg, bool *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		*value = options[i].value;
		if ((arg[1] == options[i].letter && !arg[2]) ||
		    (arg[1] == '-' && !strcmp(arg + 2, options[i].name)))
			return options[i].letter;
	}

	return 0;
}

/* What was asked, in words for a script that looks at the last line. */
static int sum_up(void)
{
	int all = verdicts[ALL_BACK] + verdicts[NOT_ALL];

	if (!all)
		puts("Nothing is preserved that could be seen.");
	else if (verdicts[NOT_ALL])
		printf("%d of %d will not come back, or cannot be judged: do not start this kernel.\n",
		       verdicts[NOT_ALL], all);
	else
		puts("Everything that could be seen will come back.");
	if (fflush(stdout) || ferror(stdout))
		trouble("the output cannot be written");

	return verdicts[NOT_ALL] ? NOT_ALL : ALL_BACK;
}

int main(int argc, char **argv)
{
	const char *preserved = NULL, *modules[64], *also[64], *initrd = NULL, *value;
	size_t nr_modules = 0, nr_also = 0, i;
	bool all = false, list = false, takes;
	int arg;
	char c;

	for (arg = 1; arg < argc && argv[arg][0] == '-' && argv[arg][1]; arg++) {
		c = find_option(argv[arg], &takes);
		if (!c)
			trouble("'%s' is no option; --help lists them", argv[arg]);
		value = NULL;
		if (takes) {
			if (arg + 1 == argc)
				trouble("%s takes a value; --help says which", argv[arg]);
			value = argv[++arg];
		}
		switch (c) {
		case 'h':
			usage(stdout);
			return 0;
		case 'm':
		case 'o':
			if (nr_modules == 64 || nr_also == 64)
				trouble("%s can be given 64 times", argv[arg - 1]);
			if (c == 'm')
				modules[nr_modules++] = value;
			else
				also[nr_also++] = value;
			break;
		case 'i':
			initrd = value;
			break;
		case 'r':
			target.root = value;
			break;
		case 'p':
			preserved = value;
			break;
		case 'a':
			all = true;
			break;
		case 'l':
			list = true;
			break;
		}
	}
	if (arg + 1 != argc) {
		usage(stderr);
		return TROUBLE;
	}
	if (elf_version(EV_CURRENT) == EV_NONE)
		trouble("libelf is too old");

	/* First what is quick: a wrong command is known before images are unpacked. */
	if (list)
		;
	else if (preserved)
		read_stats(load_text(preserved, strcmp(preserved, "-") ? NULL : stdin), preserved,
			   false);
	else
		read_running(!nr_also);
	open_image(argv[arg]);
	for (i = 0; i < nr_modules; i++)
		open_modules(modules[i]);
	if (initrd)
		open_initrd(initrd);
	find_early();
	if (list) {
		list_handlers();
		return 0;
	}

	if (target.release)
		printf("Target: %s, Linux %s\n", target.path, target.release);
	else
		printf("Target: %s\n", target.path);
	for (i = 0; i < nr_kinds; i++) {
		if (kinds[i].now > 0 || all)
			judge_kind(&kinds[i]);
		if (kinds[i].other_format)
			printf("remark    %s: %ld files of it are preserved in another handler's format; name that with --also\n",
			       kinds[i].compatible ? kinds[i].compatible : kinds[i].from,
			       kinds[i].other_format);
	}
	for (i = 0; i < nr_also; i++)
		judge_also(also[i]);

	return sum_up();
}
