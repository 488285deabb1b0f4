# SPDX-License-Identifier: GPL-2.0
"""scripts/show-state: the program is compiled with the host's libfdt and given real trees.

Trees are made by dtc, states by what luosdk/state.h says of their layout.
"""

import os
import random
import shutil
import struct
import subprocess

from fake import TOP, Case

DTS = """\
/dts-v1/;
/ {
	model = "test engine";
	speed = <7>;
	turbo;
	size = /bits/ 64 <0x123456789a>;
	numbers = /bits/ 64 <1 2 3>;
	odd = [01 02 03];
	mapping@0 {
		iova = <0x1 0x2>;
	};
	mapping@1f {
		part { };
	};
};
"""

STATE, PAGE = 0x534f554c, 0x504f554c


def crc32c(crc, data):
    """As the kernel has it: nothing is inverted."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc


def state(compatible, payload, version=1, sealed=None):
    """A sealed state."""
    sealed = len(payload) if sealed is None else sealed
    head = struct.pack("<5I", STATE, crc32c(0xffffffff, compatible.encode()), version,
                       len(payload), sealed)
    return head + struct.pack("<I", crc32c(crc32c(0xffffffff, head), payload[:sealed])) + payload


class ShowState(Case):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for need in ("cc", "dtc"):
            if not shutil.which(need):
                raise AssertionError(f"{need} is missing; run scripts/ensure-packages")
        proc = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=DTS.encode(),
                              stdout=subprocess.PIPE, check=True)
        cls.blob = proc.stdout

    def setUp(self):
        super().setUp()
        self.env["LUOSDK_CACHE"] = os.environ.get("LUOSDK_TEST_CACHE", self.path("cache"))
        self.env["CC"] = "cc"

    def show(self, data, *args):
        """(status, standard output, standard error) for a dump."""
        with open(self.path("dump"), "wb") as f:
            f.write(data)
        return self.run_it(*args, self.path("dump"))

    def run_it(self, *args, **more):
        proc = subprocess.run([f"{TOP}/scripts/show-state", *args], env=self.env, check=False,
                              capture_output=True, timeout=120, **more)
        self.assertIn(proc.returncode, (0, 1, 2), proc.stderr)
        return proc.returncode, proc.stdout.decode("ascii"), proc.stderr.decode()

    def test_a_blob(self):
        status, out, err = self.show(self.blob)
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith(f"0x0: device tree, {len(self.blob)} bytes, CRC-32C "), out)
        self.assertIn(f"{crc32c(0xffffffff, self.blob):08x}\n", out)
        for line in ('\t/ {', '\t\tmodel = "test engine";', '\t\tspeed = <0x7>;', '\t\tturbo;',
                     '\t\tsize = /bits/ 64 <0x123456789a> /* 78187493530 */;',
                     '\t\tnumbers = /bits/ 64 <0x1 0x2 0x3>;', '\t\todd = [01 02 03];',
                     '\t\tmapping@0 {', '\t\t\tiova = /bits/ 64 <0x100000002> /* 4294967298 */;',
                     '\t\tmapping@1f {', '\t\t\tpart {', '\t};'):
            self.assertIn(line, out.splitlines())

    def test_from_standard_input(self):
        self.assertEqual(self.run_it("-", input=self.blob)[:2], self.show(self.blob)[:2])

    def test_a_page_and_what_is_in_it(self):
        ser = struct.pack("<Q4I", 0x12345000, 8192, len(self.blob),
                          0, crc32c(0xffffffff, self.blob))
        one = state("luosdk-engine-v1", b"\7\0\0\0\0\0\0\0" + ser)
        slots = struct.pack("<4I", PAGE, crc32c(0xffffffff, b"luosdk-engine-v1"), 56, 72)
        page = (slots + bytes(32) + one).ljust(4096, b"\0")
        dump = bytes(4096) + page + self.blob.ljust(8192, b"\0")
        status, out, err = self.show(dump, "-c", "other", "-c", "luosdk-engine-v1")
        self.assertEqual((status, err), (0, ""), out)
        self.assertIn("0x1000: page of slots for 'luosdk-engine-v1', 72 of 56 bytes each\n", out)
        self.assertIn("0x1030: state of 'luosdk-engine-v1', version 1, 32 bytes, 32 of them sealed, "
                      "checksum right\n", out)
        self.assertIn("at 8: its tree, physically at 0x12345000, is at 0x2000 in here\n", out)
        self.assertIn(f"0x2000: device tree, {len(self.blob)} bytes", out)
        self.assertIn("\t\tspeed = <0x7>;", out)
        # Without the name it is a number; in brief, a line each.
        status, out, _ = self.show(dump, "--brief")
        self.assertEqual((status, len(out.splitlines())), (0, 3))
        self.assertIn(f"state of compatible {crc32c(0xffffffff, b'luosdk-engine-v1'):08x}", out)

    def test_what_is_not_sealed_may_change(self):
        one = state("x", b"12345678abcdefgh", sealed=8)
        self.assertEqual(self.show(one[:-1] + b"!")[0], 0)
        status, out, err = self.show(one[:24] + b"!" + one[25:])
        self.assertEqual(status, 1)
        self.assertIn("its checksum is wrong, or it was not sealed yet", out)
        self.assertIn("0 intact, 1 damaged", err)

    def test_damaged_states(self):
        one = state("x", b"12345678")
        for name, data in (("its header is damaged", one[:16] + b"\11" + one[17:]),
                           ("longer than the dump", one[:12] + b"\x09" + one[13:]),
                           ("longer than the dump", one[:-1])):
            with self.subTest(name):
                status, out, _ = self.show(data)
                self.assertEqual(status, 1)
                self.assertIn(name, out)

    def test_damaged_trees(self):
        cut, wrong = self.blob[:-1], self.blob[:40] + self.blob[40:].replace(b"\0\0\0\3", b"\0\0\0\7")
        for name, data in (("it is longer than the dump", cut), ("it is cut off", self.blob[:16]),
                           ("header is damaged", self.blob[:4] + bytes(4) + self.blob[8:]),
                           ("FDT_ERR_", wrong)):
            with self.subTest(name):
                status, out, err = self.show(data)
                self.assertEqual(status, 1)
                self.assertIn("0x0: a device tree that cannot be read: ", out)
                self.assertIn(name, out)
                self.assertIn("0 intact, 1 damaged", err)
        # What is damaged does not hide what is not.
        status, out, err = self.show(wrong.ljust(4096, b"\0") + self.blob)
        self.assertEqual(status, 1)
        self.assertIn("0x1000: device tree", out)
        self.assertIn("1 intact, 1 damaged", err)

    def test_any_damage(self):
        """Each byte of a tree, seeded: printed or refused, and only letters come out."""
        rnd = random.Random(5)
        whole = self.blob + bytes(-len(self.blob) % 8) + state("x", b"12345678")
        for _ in range(300):
            data = bytearray(whole)
            for _ in range(rnd.randrange(1, 4)):
                data[rnd.randrange(len(data))] = rnd.randrange(256)
            _, out, _ = self.show(bytes(data))
            self.assertTrue(all(c.isprintable() or c in "\n\t" for c in out))

    def test_names_do_not_reach_the_terminal(self):
        data = self.blob.replace(b"speed\0", b"s\x1b[2d\0").replace(b"part\0", b"p\x1brt\0")
        status, out, _ = self.show(data)
        self.assertIn("\t\ts?[2d = <0x7>;", out)
        self.assertNotIn("\x1b", out)

    def test_nothing_there(self):
        for data in (b"", b"abc", bytes(10000), self.blob[1:]):
            status, out, err = self.show(data)
            self.assertEqual((status, out), (1, ""))
            self.assertIn(f"no saved state in its {len(data)} bytes; dump the preserved memory",
                          err)

    def test_bad_usage(self):
        self.assertEqual(self.run_it()[0], 2)
        self.assertEqual(self.run_it("a", "b")[0], 2)
        for args, said in ((("--no-such", "a"), "'--no-such' is no option"),
                           (("-c",), "takes a handler's compatible string")):
            status, _, err = self.run_it(*args)
            self.assertEqual(status, 2)
            self.assertIn(said, err)
        status, out, err = self.run_it("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("--compatible NAME", out)

    def test_files_that_cannot_be_read(self):
        for name, said in ((self.path("nowhere"), "No such file"), (self.path(""), "Is a directory")):
            status, _, err = self.run_it(name)
            self.assertEqual(status, 1)
            self.assertIn(said, err)
            self.assertEqual(len(err.splitlines()), 1)

    def test_what_is_missing_is_named(self):
        self.env["CC"] = "false"
        status, _, err = self.show(self.blob)
        self.assertEqual(status, 1)
        self.assertIn("apt-get install gcc libc6-dev libfdt-dev", err)
        self.env["CC"] = "cc"
        self.env["LUOSDK_CACHE"] = "/proc/nowhere"
        status, _, err = self.show(self.blob)
        self.assertEqual(status, 1)
        self.assertIn("cannot be written to; set LUOSDK_CACHE", err)

    def test_compiled_once(self):
        self.show(self.blob)
        self.env["CC"] = "false"
        self.assertEqual(self.show(self.blob)[0], 0)
