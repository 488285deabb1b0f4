# SPDX-License-Identifier: GPL-2.0
"""scripts/preflight: kernels and modules are crafted with luosdk/note.h itself, and judged.

A kernel is an ELF program with the notes that one has, packed as the kernel's build packs
it. Nothing in them ever runs.
"""

import glob
import gzip
import lzma
import os
import shutil
import struct
import subprocess

from fake import TOP, Case, write

# What note.h needs of a kernel's headers.
SHIM = {
    "build_bug.h": "#define static_assert _Static_assert\n",
    "compiler.h": "#define asm_inline asm __inline\n",
    "stddef.h": "#include <stddef.h>\n",
    "stringify.h": "#define __stringify_1(x...) #x\n#define __stringify(x...) __stringify_1(x)\n",
    "types.h": "#include <stdbool.h>\n"
               "typedef unsigned char u8; typedef signed char s8;\n"
               "typedef unsigned short u16; typedef short s16;\n"
               "typedef unsigned int u32; typedef int s32;\n"
               "typedef unsigned long long u64; typedef long long s64;\n",
}

SOURCE = """\
#include <luosdk/note.h>
struct ser {{ {fields} }};
{head}
void _start(void);
void _start(void)
{{
{notes}
}}
"""

KERNEL = ('static const char banner[] __attribute__((used)) = "Linux version 7.3.4 (a@b) #1";\n'
          'asm(".pushsection .note.Linux, \\"a\\", @note\\n.long 6, 4, 0x100\\n"\n'
          '    ".asciz \\"Linux\\"\\n.balign 4\\n.long 0\\n.popsection");\n')

FIELDS = "u32 uid; u32 gid; u64 count;"
MAGIC = 0x534f554c


def note(compatible="a-v1", version=1, oldest=1, kind=1, sealed=16, magic=MAGIC,
         layout="LUOSDK_LAYOUT(struct ser, uid, gid, count)"):
    """A handler, as the statement that leaves its note."""
    return (f'\tLUOSDK_NOTE({kind}, "{compatible}", {magic:#x}u, {version}u, {oldest}u, '
            f'sizeof(struct ser), {sealed}, {layout});')


def stats(compatible="a-v1", now=2, version=1, payload=16, sealed=16, layout=0, kind="file",
          **more):
    """What debugfs shows of a handler."""
    lines = {"compatible": compatible, "kind": kind, "version": version, "payload": payload,
             "sealed": sealed, "layout": f"{layout:#x}", "preserved_now": now, "preserved": now,
             "unpreserved": 0, "failed_-EINVAL": 1, **more}
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def zstd(data):
    """A frame of blocks that are not packed, which every unpacker has to take."""
    out = b"\x28\xb5\x2f\xfd" + bytes([0x80 | 0x20]) + struct.pack("<I", len(data))
    parts = [data[i:i + 65536] for i in range(0, len(data), 65536)]
    for i, part in enumerate(parts):
        out += ((len(part) << 3) | (i == len(parts) - 1)).to_bytes(3, "little") + part
    return out


def lz4(data):
    """The kernel's form of lz4, of nothing but literals."""
    rest, length = len(data) - 15, b""
    while rest >= 255:
        length, rest = length + b"\xff", rest - 255
    block = b"\xf0" + length + bytes([rest]) + data
    return b"\x02\x21\x4c\x18" + struct.pack("<I", len(block)) + block


PACKERS = {
    "gzip": gzip.compress,
    "xz": lambda d: lzma.compress(d, lzma.FORMAT_XZ, lzma.CHECK_CRC32),
    "lzma": lambda d: lzma.compress(d, lzma.FORMAT_ALONE),
    "zstd": zstd,
    "lz4": lz4,
    "nothing": lambda d: d,
}


def bzimage(vmlinux, packer="gzip"):
    """A bzImage, as far as anybody looks who does not boot it."""
    packed = PACKERS[packer](vmlinux)
    if packer != "gzip":
        packed += struct.pack("<I", len(vmlinux))       # as the kernel's build does
    head = bytearray(3 * 512)
    head[0x1f1] = 2
    head[0x1fe:0x200] = b"\x55\xaa"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, 0x20f)
    struct.pack_into("<II", head, 0x248, 256, len(packed))
    return bytes(head) + bytes(256) + packed + b"the end of the image"


def cpio(files):
    """An archive as an initramfs has it."""
    out = b""
    for name, data in [*files.items(), ("TRAILER!!!", b"")]:
        name = name.encode() + b"\0"
        head = "070701" + "".join(f"{n:08X}" for n in (0, 0o100644, 0, 0, 1, 0, len(data), 0, 0,
                                                       0, 0, len(name), 0))
        out += head.encode() + name
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out


class Preflight(Case):

    def setUp(self):
        super().setUp()
        if not shutil.which("cc"):
            raise AssertionError("cc is missing; run scripts/ensure-packages")
        self.env["LUOSDK_CACHE"] = os.environ.get("LUOSDK_TEST_CACHE", self.path("cache"))
        self.env["CC"] = "cc"
        for name, text in SHIM.items():
            write(self.path("shim/linux", name), text)
        self.count = 0

    def compile(self, out, notes, head, fields, *args):
        self.count += 1
        source = self.path(f"{self.count}.c")
        write(source, SOURCE.format(notes="\n".join(notes), head=head, fields=fields))
        proc = subprocess.run(
            ["cc", "-std=gnu11", "-O2", "-Wall", "-ffreestanding", "-I", self.path("shim"),
             "-I", f"{TOP}/sdk/include", *args, "-o", out, source],
            check=False, capture_output=True, text=True)
        self.assertEqual(proc.returncode, 0, proc.stderr)
        with open(out, "rb") as f:
            return f.read()

    def vmlinux(self, *notes, fields=FIELDS, head=""):
        """A kernel with these handlers built in; returns its bytes, at self.path('vmlinux')."""
        return self.compile(self.path("vmlinux"), notes, KERNEL + head, fields,
                            "-nostdlib", "-static", "-no-pie", "-Wl,-z,noseparate-code")

    def module(self, name, *notes, release="7.3.4", fields=FIELDS, head=""):
        """A module with these; returns its bytes, at self.path('modules', name + '.ko')."""
        info = f"license=GPL\\0name={name}\\0vermagic={release} SMP mod_unload \\0"
        head += f'static const char info[] __attribute__((used, section(".modinfo"))) = "{info}";\n'
        os.makedirs(self.path("modules"), exist_ok=True)
        return self.compile(self.path("modules", name + ".ko"), notes, head, fields, "-c")

    def image(self, data, name="bzImage"):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def preflight(self, *args):
        """(status, standard output, standard error)."""
        proc = subprocess.run([f"{TOP}/scripts/preflight", *args], env=self.env, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120)
        self.assertIn(proc.returncode, (0, 1, 2), proc.stderr)
        return proc.returncode, proc.stdout, proc.stderr

    def layout(self, vmlinux):
        """The layout's number in the first note of a kernel."""
        at = vmlinux.index(struct.pack("<II", 1, MAGIC))
        return struct.unpack_from("<I", vmlinux, at + 24)[0]

    def judge(self, *args, preserved=None):
        """The same for crafted files, with what is preserved as text."""
        write(self.path("preserved"), stats() if preserved is None else preserved)
        return self.preflight("-r", self.path("root"), "-p", self.path("preserved"), *args)

    def verdict(self, status, words, *args, preserved=None):
        """One verdict; returns the whole output."""
        got, out, err = self.judge(*args, preserved=preserved)
        self.assertEqual((got, err), (status, ""), out)
        self.assertIn(words, out)
        return out

    def refused(self, words, *args, preserved=None):
        """Trouble, with one sentence."""
        status, out, err = self.judge(*args, preserved=preserved)
        self.assertEqual((status, out), (2, ""), err)
        self.assertRegex(err, r"\Apreflight: [^\n]*\n\Z")
        self.assertIn(words, err)

    def test_all_well(self):
        elf = self.vmlinux(note(), note("b-v1", kind=2))
        mine = stats(layout=self.layout(elf)) + stats("b-v1", 1, kind="shared",
                                                      layout=self.layout(elf))
        for packer in PACKERS:
            with self.subTest(packer):
                out = self.verdict(0, "Everything that could be seen will come back.\n",
                                   self.image(bzimage(elf, packer)), preserved=mine)
                self.assertIn("Linux 7.3.4\n", out)
                self.assertIn("\nyes       a-v1 (2 files): built in\n", out)
                self.assertIn("\nyes       b-v1 (state that files share): built in\n", out)
        for name in ("vmlinux", "vmlinux.xz"):
            with self.subTest(name):
                self.verdict(0, "Everything", self.image(lzma.compress(elf) if "xz" in name
                                                         else elf, name), preserved=mine)

    def test_lacks_a_handler(self):
        image = self.image(bzimage(self.vmlinux(note("b-v1"))))
        out = self.verdict(1, "no        a-v1 (2 files): the target has no handler for them\n",
                           image, preserved=stats() + stats("b-v1", 1))
        self.assertIn("\nyes       b-v1 (1 file): built in; only sizes were compared", out)
        self.assertIn("\n1 of 2 will not come back, or cannot be judged", out)
        # State that files share is no handler of files, whatever its name.
        self.vmlinux(note(kind=2))
        self.verdict(1, "the target has no handler for them", self.path("vmlinux"))
        self.vmlinux()
        self.verdict(1, "if its handlers are modules, name those with --modules",
                     self.path("vmlinux"))

    def test_older_and_newer(self):
        for version, oldest, status, words in (
                (1, 1, 1, "this kernel writes version 3, the target's handler reads only older "
                          "ones: 1 to 1"),
                (2, 1, 1, "reads only older ones: 1 to 2"),
                (3, 1, 0, "yes       a-v1 (2 files): built in"),
                (4, 3, 0, "; upgraded from version 3 to 4"),
                (5, 4, 1, "reads only newer ones: 4 to 5"),
                ((1 << 31) + 3, (1 << 31) + 3, 1, "the links are recorded in another way")):
            with self.subTest(f"{version} from {oldest}"):
                self.vmlinux(note(version=version, oldest=oldest))
                self.verdict(status, words, self.path("vmlinux"), preserved=stats(version=3))

    def test_other_layout(self):
        mine = stats(layout=self.layout(self.vmlinux(note())))
        other = "the target has another layout under the same version 1: the same size, other fields"
        for name, fields, listed, words in (
                ("swapped", "u32 gid; u32 uid; u64 count;", "gid, uid, count", other),
                ("moved", "u64 count; u32 uid; u32 gid;", "count, uid, gid", other),
                ("signed", "s32 uid; u32 gid; u64 count;", "uid, gid, count", other),
                ("resized", "u32 uid; u32 gid; u32 count; u32 more;", "uid, gid, count, more", other),
                ("renamed", "u32 uid; u32 gid; u64 total;", "uid, gid, total", other),
                ("added", FIELDS + " u64 more;", "uid, gid, count, more",
                 "under the same version 1: 16 bytes, 16 of them sealed, here; 24 and 16 there")):
            with self.subTest(name):
                self.vmlinux(note(layout=f"LUOSDK_LAYOUT(struct ser, {listed})"), fields=fields)
                self.verdict(1, words, self.path("vmlinux"), preserved=mine)
        self.vmlinux(note(sealed=8))
        self.verdict(1, "16 of them sealed, here; 16 and 8 there", self.path("vmlinux"),
                     preserved=mine)
        # Whoever lists no fields is told that less was compared.
        self.vmlinux(note(layout=0))
        self.verdict(0, "only sizes were compared", self.path("vmlinux"), preserved=mine)
        self.vmlinux(note(magic=0))
        self.verdict(1, "saves in a form of its own", self.path("vmlinux"), preserved=mine)

    def test_modules(self):
        elf = self.module("a-mod", note())
        self.module("other")
        self.vmlinux()
        image, mine = self.path("vmlinux"), stats(layout=self.layout(elf))
        self.verdict(1, "no handler", image, preserved=mine)
        late = "yes, if   a-v1 (2 files): module a-mod is loaded before anybody opens /dev/liveupdate"
        self.verdict(0, late, "-m", self.path("modules"), image, preserved=mine)
        self.verdict(0, late, "-m", self.path("modules/a-mod.ko"), image, preserved=mine)
        for end, pack in (("gz", gzip.compress), ("xz", lzma.compress), ("zst", zstd)):
            with self.subTest(end):
                folder = self.path(end, "kernel/drivers")
                os.makedirs(folder)
                self.image(pack(elf), f"{folder}/a-mod.ko.{end}")
                self.verdict(0, late, "-m", self.path(end), image, preserved=mine)
        # What is built in comes first, right or wrong.
        self.vmlinux(note(version=2, oldest=2))
        self.verdict(1, "reads only newer ones", "-m", self.path("modules"), image,
                     preserved=mine)

    def test_early(self):
        elf = self.module("a_mod", note())
        self.vmlinux()
        image, args = self.path("vmlinux"), ("-m", self.path("modules"))
        early = "yes       a-v1 (2 files): module a_mod, loaded early"
        for name in ("etc/modules", "etc/modules-load.d/x.conf", "usr/lib/modules-load.d/x.conf"):
            with self.subTest(name):
                write(self.path("root", name), "# of the live update\na-mod\n")
                self.verdict(0, early, *args, image)
                os.unlink(self.path("root", name))
        write(self.path("root/etc/modules-load.d/x.conf"), "# a_mod\nan_other\n")
        self.verdict(0, "yes, if", *args, image)
        os.unlink(self.path("root/etc/modules-load.d/x.conf"))

        module = {"usr/lib/modules/7.3.4/a_mod.ko.xz": lzma.compress(elf)}
        for name, text in (("conf/modules", b"a_mod\n"), ("etc/modules-load.d/x.conf", b"a-mod"),
                           ("etc/cmdline.d/20-force_drivers.conf", b"rd.driver.pre=a_mod\n"),
                           ("conf/other", None)):
            files = {**module, name: text or b"a_mod\n"}
            for kind, data in (("plain", cpio(files)), ("gzip", gzip.compress(cpio(files))),
                               ("two", cpio({"early": b"x"}) + bytes(512) + zstd(cpio(files)))):
                with self.subTest(f"{name} {kind}"):
                    self.verdict(0, early if text else "nor one in the initramfs",
                                 "-i", self.image(data, "initrd"), image)

    def test_built_for_another_kernel(self):
        self.module("a_mod", note(), release="6.19.9")
        self.vmlinux()
        status, out, err = self.judge("-m", self.path("modules"), self.path("vmlinux"))
        self.assertEqual(status, 0, out)
        self.assertIn("was built for 6.19.9, and the image is 7.3.4", err)

    def test_without_a_note(self):
        text = 'static const char s[] __attribute__((used)) = "\\0c-v1";\n'
        self.vmlinux(head=text)
        image = self.path("vmlinux")
        self.verdict(0, "likely    c-v1: no note, but the string is in the target's image",
                     "-o", "c-v1", image, preserved="")
        for name in ("c-v", "-v1", "d-v1"):
            self.verdict(1, f"no        {name}: the string is nowhere in the target", "-o", name,
                         image, preserved="")
        self.vmlinux()
        self.module("c_mod", head=text)
        self.verdict(0, "likely    c-v1: no note, but the string is in module c_mod", "-o", "c-v1",
                     "-m", self.path("modules"), image, preserved="")
        self.vmlinux(note("c-v1", magic=0))
        self.verdict(0, "likely    c-v1: the target has a handler of that name", "-o", "c-v1",
                     image, preserved="")

    def test_what_is_preserved(self):
        self.vmlinux(note())
        image = self.path("vmlinux")
        self.verdict(0, "Nothing is preserved that could be seen.", image,
                     preserved=stats(now=0) + stats("b-v1", 0))
        self.verdict(1, "no        b-v1 (0 files)", "--all", image,
                     preserved=stats(now=0) + stats("b-v1", 0))
        self.verdict(0, "remark    a-v1: 3 files of it are preserved in another handler's format",
                     image, preserved=stats(other_format=3))
        for words, text in (("is no line of luosdk's stats", "rubbish\n"),
                            ("does not begin with the line", "preserved 1\n"),
                            ("is no number", stats(now="many")),
                            ("nothing says which version", "compatible a-v1\npreserved_now 1\n"),
                            ("is no text", "compatible a\0v1\n")):
            with self.subTest(words):
                self.refused(words, image, preserved=text)

    def test_list(self):
        self.vmlinux(note(), note("b-v1", kind=2, version=4, oldest=2), note("c-v1", kind=77))
        self.module("m", note("d-v1"))
        status, out, err = self.preflight("--list", "-m", self.path("modules"),
                                          self.path("vmlinux"))
        self.assertEqual((status, err), (0, ""))
        self.assertIn("b-v1: state that files share, built in, writes version 4, reads 2 to 4, 16",
                      out)
        self.assertIn("d-v1: files, module m, writes version 1", out)
        self.assertNotIn("c-v1", out)

    def test_no_image(self):
        elf = self.vmlinux(note())
        self.module("m", note())
        good = bzimage(elf, "xz")
        broken = bytearray(good)
        broken[3 * 512 + 256 + 200] ^= 0xff             # in what is packed
        for words, data in (
                ("is empty", b""),
                ("is no bzImage and no vmlinux", b"#!/bin/sh\n" * 200),
                ("is no bzImage and no vmlinux", b"\0" * 4096),
                ("damaged or cut off", good[:len(good) // 2]),
                ("what xz packed in it is damaged or cut off", bytes(broken)),
                ("what gzip packed in it is damaged or cut off", gzip.compress(elf)[:-100]),
                ("something else than a kernel", bzimage(b"rubbish" * 99, "gzip")),
                ("packed with bzip2 or lzo", bzimage(b"BZh91AY", "nothing")),
                ("before Linux 2.6.26", good[:0x206] + b"\5\2" + good[0x208:]),
                ("damaged", elf[:40]),
                ("damaged or cut off", elf[:200])):
            with self.subTest(words):
                self.refused(words, self.image(data))
        long = self.vmlinux(note(), head="const char big[65536] __attribute__((used)) = { 1 };\n")
        self.refused("a segment is missing", self.image(long[:-60000]))
        self.refused("is a module or an object, not a kernel", self.path("modules/m.ko"))
        self.refused("no Linux kernel", shutil.which("cc"))
        self.refused("cannot be read: No such file", self.path("nothing"))
        self.refused("cannot be read: Is a directory", self.path("modules"))

    def test_every_cut_of_an_image_is_trouble_or_no(self):
        """However damaged it is, nothing is said to come back, and nothing crashes."""
        elf = self.vmlinux(note())
        mine = stats(layout=self.layout(elf))
        for size in list(range(0, 256, 8)) + list(range(256, len(elf) - 1, len(elf) // 20)):
            status, out, err = self.judge(self.image(elf[:size], "vmlinux"), preserved=mine)
            if size < 64 + 56:
                self.assertEqual(status, 2, err)
            self.assertFalse(status == 0 and elf.index(b"luosdk\0") > size, out)

    def test_damaged_notes(self):
        elf = bytearray(self.vmlinux(note()))
        at = elf.index(struct.pack("<II", 1, MAGIC))
        newer = bytearray(elf)
        newer[at] = 9
        self.refused("have a form that this program does not know", self.image(newer))
        endless = bytearray(elf)
        endless[at + 28:at + 36] = b"x" * 8
        self.refused("the note of a handler is damaged", self.image(endless))

    def test_no_modules(self):
        elf = self.vmlinux()
        image = self.path("vmlinux")
        self.refused("cannot be read: No such file", "-m", self.path("nothing"), image)
        for words, data in (("it is empty", b""), ("it is no module", b"rubbish"),
                            ("damaged or cut off", self.module("m", note())[:100]),
                            ("it has no .modinfo", elf)):
            with self.subTest(words):
                self.refused(words, "-m", self.image(data, "x.ko"), image)
        # In a folder one that is damaged does not hide the others.
        self.module("a_mod", note())
        os.rename(self.path("x.ko"), self.path("modules/x.ko"))
        status, out, err = self.judge("-m", self.path("modules"), image)
        self.assertEqual(status, 0, out)
        self.assertIn("x.ko is left out: it is no module: it has no .modinfo", err)
        for words, data in (("is empty", b""), ("is no initramfs, or damaged", b"rubbish"),
                            ("is no initramfs, or damaged", cpio({"a": b"b"})[:150])):
            self.refused(words, "-i", self.image(data, "initrd"), image)

    def test_command(self):
        for args in ((), ("--nonsense",), ("a", "b"), ("-p",)):
            with self.subTest(args):
                status, out, err = self.preflight(*args)
                self.assertEqual((status, out), (2, ""))
                self.assertIn("--help", err)
        status, out, _ = self.preflight("--help")
        self.assertEqual(status, 0)
        self.assertTrue(out.startswith("Usage: preflight "))
        program = self.preflight("--print")[1].strip()
        described = subprocess.run(["readelf", "-lW", program], check=True, text=True,
                                   stdout=subprocess.PIPE).stdout
        self.assertNotIn("INTERP", described)       # it runs in an initramfs

    def test_the_real_kernel(self):
        """The VM's, if it was built."""
        cache = os.environ.get("LUOSDK_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "luosdk")
        images = glob.glob(f"{cache}/kernel/*/*/x86_64/arch/x86/boot/bzImage")
        if not images:
            self.skipTest("no kernel was built; scripts/get-kernel x86_64")
        newest = max(images, key=os.path.getmtime)
        out = self.verdict(0, "likely    memfd-v2: ", "-o", "memfd-v2", newest, preserved="")
        self.assertRegex(out, r"\ATarget: [^ ]*bzImage, Linux \d+\.\d+")
