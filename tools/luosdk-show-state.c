// SPDX-License-Identifier: GPL-2.0
/*
 * luosdk-show-state.c - print the saved states in a dump, for a person.
 *
 * The dump may be a device tree blob, a page, or all of a machine's memory: what is
 * looked for are the headers of luosdk/state.h and the trees of luosdk/fdt.h. Nothing in
 * a dump is believed before it was checked. scripts/show-state compiles and runs it; the
 * constants below are ABI, and the headers in sdk/include/luosdk say what they mean.
 */
#include <ctype.h>
#include <errno.h>
#include <libfdt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME		"luosdk-show-state"

#define STATE_MAGIC	0x534f554c
#define PAGE_MAGIC	0x504f554c

/* As struct luosdk_state_hdr, in the byte order of the machine that was dumped. */
struct state_hdr {
	uint32_t magic;
	uint32_t compat;
	uint32_t version;
	uint32_t bytes;
	uint32_t sealed;
	uint32_t checksum;
};

/* As the begin of struct luosdk_slot_page. */
struct slot_page {
	uint32_t magic;
	uint32_t compat;
	uint32_t slot_bytes;
	uint32_t nr_slots;
};

/* As struct luosdk_fdt_ser. */
struct fdt_ser {
	uint64_t phys;
	uint32_t room;
	uint32_t bytes;
	uint32_t reserved;
	uint32_t crc;
};

/* A tree that was found. */
struct tree {
	size_t at;
	uint32_t bytes;
	uint32_t crc;
};

static struct {
	const char *file;
	uint8_t *data;
	size_t size;
	const char *const *compat;
	int nr_compat;
	struct tree *tree;
	size_t nr_trees;
	bool brief;
	unsigned int intact, damaged;
} dump;

static void usage(FILE *to)
{
	fputs("Usage: " NAME " [OPTION]... FILE\n"
	      "Print the saved states in FILE, a dump of memory or a device tree blob; '-' is\n"
	      "standard input. A dump of memory must begin at a page's begin.\n"
	      "\n"
	      "  -c, --compatible NAME  a handler's compatible string, to tell whose a state is;\n"
	      "                         may be repeated\n"
	      "  -b, --brief            one line for each, without what is in it\n"
	      "  -h, --help             this text\n"
	      "\n"
	      "Exits with 0 if all that was found is intact, 1 if something is damaged or nothing\n"
	      "was found, 2 for a wrong command.\n", to);
}

/* The CRC-32C that the kernel's crc32c() gives, which inverts nothing. */
static uint32_t crc32c(uint32_t crc, const uint8_t *at, size_t bytes)
{
	int bit;

	while (bytes--) {
		crc ^= *at++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}

	return crc;
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));

	return value;
}

static unsigned long long number64(const uint8_t *at)
{
	return fdt64_ld((const fdt64_t *)at);
}

/* ---- Trees --------------------------------------------------------------------- */

static void indent(int depth)
{
	for (; depth > 0; depth--)
		putchar('\t');
}

/* Names are another kernel's: odd letters do not reach the terminal. */
static void print_name(const char *name)
{
	for (; *name; name++)
		putchar(isgraph((unsigned char)*name) ? *name : '?');
}

static void print_bytes(const uint8_t *value, size_t len, int depth)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (len > 16 && i % 16 == 0) {
			putchar('\n');
			indent(depth + 1);
		}
		printf("%s%02x", len > 16 ? i % 16 ? " " : "" : i ? " " : "", value[i]);
	}
	if (len > 16) {
		putchar('\n');
		indent(depth);
	}
}

static bool is_string(const uint8_t *value, size_t len)
{
	size_t i;

	if (len < 2 || value[len - 1])
		return false;
	for (i = 0; i < len - 1; i++)
		if (!isprint(value[i]))
			return false;

	return true;
}

/* A tree does not say of what type its properties are; their lengths do, mostly. */
static void print_property(const char *name, const uint8_t *value, size_t len, int depth)
{
	size_t i;

	indent(depth);
	print_name(name);
	if (!len) {
		puts(";");
		return;
	}
	printf(" = ");
	if (is_string(value, len)) {
		putchar('"');
		for (i = 0; i < len - 1; i++)
			printf(value[i] == '"' || value[i] == '\\' ? "\\%c" : "%c", value[i]);
		putchar('"');
	} else if (len == 4) {
		uint32_t number = fdt32_ld((const fdt32_t *)value);

		printf("<0x%x>", number);
		if (number > 9)
			printf(" /* %u */", number);
	} else if (len % 8 == 0 && len <= 128) {
		printf("/bits/ 64 <");
		for (i = 0; i < len; i += 8)
			printf("%s0x%llx", i ? " " : "",
			       number64(value + i));
		putchar('>');
		if (len == 8 && number64(value) > 9)
			printf(" /* %llu */", number64(value));
	} else {
		putchar('[');
		print_bytes(value, len, depth);
		putchar(']');
	}
	puts(";");
}

/* What fdt_check_full() has let through. */
static void print_tree(const void *fdt)
{
	int at = 0, next = 0, depth = 0;
	bool first = true;

	for (;; at = next) {
		uint32_t tag = fdt_next_tag(fdt, at, &next);
		const char *name;
		const void *value;
		int len;

		switch (tag) {
		case FDT_BEGIN_NODE:
			name = fdt_get_name(fdt, at, NULL);
			if (!first)
				putchar('\n');
			indent(depth++ + 1);
			print_name(name && *name ? name : "/");
			puts(" {");
			first = true;
			break;
		case FDT_PROP:
			value = fdt_getprop_by_offset(fdt, at, &name, &len);
			if (value)
				print_property(name, value, len, depth + 1);
			first = false;
			break;
		case FDT_END_NODE:
			indent(depth--);
			puts("};");
			first = false;
			break;
		case FDT_END:
			return;
		}
	}
}

static const char *tree_damage(size_t at, uint32_t *bytes)
{
	const uint8_t *fdt = dump.data + at;
	size_t left = dump.size - at;
	int err;

	if (left < FDT_V17_SIZE)
		return "it is cut off";
	*bytes = fdt_totalsize(fdt);
	if (*bytes < FDT_V17_SIZE)
		return "its header is damaged";
	if (*bytes > left)
		return "it is longer than the dump";
	err = fdt_check_full(fdt, left);

	return err ? fdt_strerror(err) : NULL;
}

static void find_tree(size_t at)
{
	uint32_t bytes;
	const char *why = tree_damage(at, &bytes);
	struct tree *more;

	if (why) {
		/* Four bytes can be there by chance, in a dump of much memory. */
		printf("0x%zx: a device tree that cannot be read: %s\n", at, why);
		dump.damaged++;
		return;
	}
	more = realloc(dump.tree, (dump.nr_trees + 1) * sizeof(*more));
	if (!more) {
		fputs(NAME ": out of memory\n", stderr);
		exit(1);
	}
	dump.tree = more;
	more += dump.nr_trees++;
	more->at = at;
	more->bytes = bytes;
	more->crc = crc32c(~0, dump.data + at, bytes);
}

static void show_tree(const struct tree *tree)
{
	printf("0x%zx: device tree, %u bytes, CRC-32C %08x\n",
	       tree->at, tree->bytes, tree->crc);
	dump.intact++;
	if (!dump.brief)
		print_tree(dump.data + tree->at);
}

/* ---- States -------------------------------------------------------------------- */

static void print_compat(uint32_t hash)
{
	int i;

	for (i = 0; i < dump.nr_compat; i++) {
		const char *name = dump.compat[i];

		if (crc32c(~0, (const uint8_t *)name, strlen(name)) == hash) {
			printf("'%s'", name);
			return;
		}
	}
	printf("compatible %08x", hash);
}

/* Does the payload name one of the trees? Then the dump has both parts of a state. */
static void show_links(size_t at, uint32_t bytes)
{
	size_t i, t;

	for (i = 0; i + sizeof(struct fdt_ser) <= bytes; i += 8) {
		struct fdt_ser ser;

		memcpy(&ser, dump.data + at + i, sizeof(ser));
		if (!ser.phys || ser.reserved || ser.bytes > ser.room || ser.phys % 4096)
			continue;
		for (t = 0; t < dump.nr_trees; t++) {
			if (dump.tree[t].bytes != ser.bytes || dump.tree[t].crc != ser.crc)
				continue;
			printf("\tat %zu: its tree, physically at 0x%llx, is at 0x%zx in here\n",
			       i, (unsigned long long)ser.phys, dump.tree[t].at);
		}
	}
}

static void show_state(size_t at)
{
	const uint8_t *payload = dump.data + at + sizeof(struct state_hdr);
	struct state_hdr hdr;
	const char *why = NULL;
	uint32_t crc;
	size_t left;

	if (dump.size - at < sizeof(hdr))
		return;
	memcpy(&hdr, dump.data + at, sizeof(hdr));
	left = dump.size - at - sizeof(hdr);
	if (hdr.sealed > hdr.bytes) {
		why = "its header is damaged";
	} else if (hdr.bytes > left) {
		why = "it is longer than the dump";
	} else {
		crc = crc32c(~0, dump.data + at, offsetof(struct state_hdr, checksum));
		if (crc32c(crc, payload, hdr.sealed) != hdr.checksum)
			why = "its checksum is wrong, or it was not sealed yet";
	}
	printf("0x%zx: state of ", at);
	print_compat(hdr.compat);
	printf(", version %u, %u bytes, %u of them sealed", hdr.version,
	       hdr.bytes, hdr.sealed);
	if (why) {
		printf(": %s\n", why);
		dump.damaged++;
		return;
	}
	printf(", checksum right\n");
	dump.intact++;
	if (dump.brief)
		return;
	indent(1);
	print_bytes(payload, hdr.bytes, 0);
	if (hdr.bytes <= 16)
		putchar('\n');
	show_links(at + sizeof(hdr), hdr.bytes);
}

static void show_page(size_t at)
{
	struct slot_page page;

	if (dump.size - at < sizeof(page))
		return;
	memcpy(&page, dump.data + at, sizeof(page));
	printf("0x%zx: page of slots for ", at);
	print_compat(page.compat);
	printf(", %u of %u bytes each\n", page.nr_slots, page.slot_bytes);
}

/* ---- The dump ------------------------------------------------------------------ */

static int load(FILE *from)
{
	size_t room = 1 << 16, got;
	struct stat st;

	if (!fstat(fileno(from), &st) && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (!fstat(fileno(from), &st) && S_ISREG(st.st_mode) && st.st_size > 0)
		room = st.st_size + 1;
	for (;;) {
		uint8_t *more = realloc(dump.data, room);

		if (!more)
			return -1;
		dump.data = more;
		got = fread(dump.data + dump.size, 1, room - dump.size, from);
		dump.size += got;
		if (dump.size < room)
			return ferror(from) ? -1 : 0;
		room *= 2;
	}
}

static int show(void)
{
	size_t at, t = 0;

	/* Trees first: states are printed with those that belong to them. */
	for (at = 0; at + 4 <= dump.size; at += 8)
		if (fdt32_ld((const fdt32_t *)(dump.data + at)) == FDT_MAGIC)
			find_tree(at);
	for (at = 0; at + 4 <= dump.size; at += 8) {
		uint32_t magic = word(dump.data + at);

		if (t < dump.nr_trees && dump.tree[t].at == at)
			show_tree(&dump.tree[t++]);
		else if (magic == STATE_MAGIC)
			show_state(at);
		else if (magic == PAGE_MAGIC && at % 4096 == 0)
			show_page(at);
	}

	if (!dump.intact && !dump.damaged) {
		fprintf(stderr, NAME
			": %s: no saved state in its %zu bytes; dump the preserved memory from a page's begin, or give a device tree blob\n",
			dump.file, dump.size);
		return 1;
	}
	if (dump.damaged)
		fprintf(stderr, NAME ": %s: %u intact, %u damaged\n", dump.file, dump.intact,
			dump.damaged);

	return dump.damaged ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *compat[64];
	FILE *from = stdin;
	int i, ret;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
			usage(stdout);
			return 0;
		}
		if (!strcmp(argv[i], "-b") || !strcmp(argv[i], "--brief")) {
			dump.brief = true;
		} else if (!strcmp(argv[i], "-c") || !strcmp(argv[i], "--compatible")) {
			if (i + 1 == argc || dump.nr_compat == 64) {
				fprintf(stderr, NAME
					": --compatible takes a handler's compatible string, 64 at most\n");
				return 2;
			}
			compat[dump.nr_compat++] = argv[++i];
		} else {
			fprintf(stderr, NAME ": '%s' is no option; --help lists them\n", argv[i]);
			return 2;
		}
	}
	if (i + 1 != argc) {
		usage(stderr);
		return 2;
	}
	dump.compat = compat;
	dump.file = argv[i];
	if (strcmp(dump.file, "-")) {
		from = fopen(dump.file, "rb");
		if (!from) {
			fprintf(stderr, NAME ": %s: %s\n", dump.file, strerror(errno));
			return 1;
		}
	}
	if (load(from)) {
		fprintf(stderr, NAME ": %s cannot be read: %s\n", dump.file, strerror(errno));
		return 1;
	}
	ret = show();
	if (fflush(stdout) || ferror(stdout)) {
		fputs(NAME ": the output cannot be written\n", stderr);
		ret = 1;
	}
	free(dump.tree);
	free(dump.data);

	return ret;
}
