# SPDX-License-Identifier: GPL-2.0
"""scripts/test-all, scripts/ensure-packages and the Makefile's own words."""

import os
import re
import shutil
import subprocess

from fake import Case, TOP, read, write


class TestAll(Case):

    def setUp(self):
        super().setUp()
        text = read(f"{TOP}/scripts/test-all")
        self.parts = re.findall(r'^    \("[\w-]+", \["([\w/-]+)"', text, re.M)
        for part in self.parts:
            self.part(part, "echo 1 passed, 0 failed")
        write(f"{self.top}/scripts/get-kernel", "#!/bin/sh\n", 0o755)

    def part(self, path, script):
        write(f"{self.top}/{path}", f"#!/bin/sh\n{script}\n", 0o755)

    def outcome(self, *args):
        status, text = self.script("test-all", *args)
        return status, text.rstrip().splitlines()[-1], text

    def test_sums_all_parts(self):
        self.assertEqual(set(self.parts), {"tests/scripts/run", "tests/kit/run-kunit",
                                           "tests/mutants/run-mutants", "scripts/check",
                                           "tests/compat/run-compat", "tests/vm/vmtest",
                                           "tests/templates/run-templates", "tests/bench/run-bench"})
        self.part("tests/kit/run-kunit",
                  '[ "$1" = --debug ] && echo "20 passed, 0 failed" || echo "300 passed, 0 failed"')
        self.assertEqual(self.outcome()[:2], (0, f"{320 + len(self.parts) - 2} passed, 0 failed"))

    def test_counts_ktap(self):
        self.part("scripts/check", "printf 'KTAP version 1\\n1..3\\n    ok 1 inner\\nok 1 a\\n"
                                   "not ok 2 b\\nok 3 c # SKIP d\\n'; exit 1")
        self.assertEqual(self.outcome("check")[:2], (1, "2 passed, 1 failed"))

    def test_failures_add_up(self):
        self.part("scripts/check", "echo 5 passed, 2 failed; exit 1")
        self.assertEqual(self.outcome()[:2], (1, f"{5 + len(self.parts) - 1} passed, 2 failed"))

    def test_no_count_is_a_failure(self):
        self.part("scripts/check", "echo all is well")
        status, last, text = self.outcome("check")
        self.assertEqual((status, last), (1, "0 passed, 1 failed"))
        self.assertIn("it printed no count", text)

    def test_no_test_is_a_failure(self):
        self.part("scripts/check", "echo 0 passed, 0 failed")
        self.assertEqual(self.outcome("check")[:2], (1, "0 passed, 1 failed"))

    def test_what_failed_is_named_again_at_the_end(self):
        said = ("not ok 2 console.one", "    # not ok reading it back", "[11:50:51] [FAILED] c02_x",
                "FAIL: test_list (test_make_test.Packages)", "sparse-um: 0 passed, 1 failed",
                "run-mutants: 01_x: finds nothing", "ok 3 two", "not ok 4 later # TODO",
                "scripts: 3 passed, 0 failed", "[11:50:51] [PASSED] c03_x")
        self.part("scripts/check", "".join(f"echo '{line}'\n" for line in said * 2) +
                  "echo 9 passed, 6 failed\nexit 1")
        status, last, text = self.outcome("check")
        self.assertEqual((status, last), (1, "9 passed, 6 failed"))
        self.assertEqual(text.split("=== failed\n")[1].split("\n\n")[0].splitlines(),
                         ["check: console.one", "check: reading it back", "check: c02_x",
                          "check: test_list (test_make_test.Packages)",
                          "check: sparse-um: 0 passed, 1 failed",
                          "check: run-mutants: 01_x: finds nothing"])
        # A part that passed has nothing to name, whatever its lines look like.
        self.part("scripts/check", "echo not ok 1 on purpose\necho 9 passed, 0 failed")
        self.assertNotIn("=== failed", self.outcome("check")[2])
        # A great many do not push the summary out of sight.
        self.part("scripts/check", "for i in $(seq 99); do echo not ok $i case $i; done\n"
                                   "echo 0 passed, 99 failed\nexit 1")
        self.assertRegex(self.outcome("check")[2], r"check: case 40\nand 59 more, see above\n")

    def test_exit_status_without_a_failure_is_one(self):
        self.part("scripts/check", "echo 5 passed, 0 failed; exit 3")
        self.assertEqual(self.outcome("check")[:2], (1, "5 passed, 1 failed"))

    def test_missing_part_is_a_failure(self):
        os.unlink(f"{self.top}/scripts/check")
        status, last, text = self.outcome("check")
        self.assertEqual((status, last), (1, "0 passed, 1 failed"))
        self.assertIn("scripts/check is missing", text)


class Packages(Case):

    def setUp(self):
        super().setUp()
        self.bin = self.path("bin")
        os.mkdir(self.bin)
        for tool in ("sh", "awk", "sort", "mktemp", "rm", "grep", "tail", "python3", "gcc"):
            os.symlink(shutil.which(tool), f"{self.bin}/{tool}")
        # Looked for in PATH alone, whatever the machine has in its sbin directories.
        script = f"{self.top}/scripts/ensure-packages"
        write(script, read(script).replace("PATH=$PATH:/usr/sbin:/sbin\n", ""), 0o755)
        self.needs = re.search(r"needs='\n(.*?)'", read(script), re.S)[1].split("\n")

    def user(self, uid):
        write(f"{self.bin}/id", f"#!/bin/sh\necho {uid}\n", 0o755)

    def packages(self, **more):
        return self.script("ensure-packages", PATH=self.bin, **more)

    def test_elsewhere_says_what_is_missing(self):
        self.user(0)
        text = self.refuses("not found: .*make .*sparse .*system's package manager",
                            "ensure-packages", PATH=self.bin)
        self.assertNotIn(" gcc ", text)                         # that one is there

    def test_not_root_says_the_command(self):
        self.user(1000)
        write(f"{self.bin}/apt-get", "#!/bin/sh\nexit 9\n", 0o755)
        self.refuses("as root say: apt-get install .*binutils", "ensure-packages", PATH=self.bin)

    def test_root_updates_and_installs_just_what_is_missing(self):
        self.user(0)
        log = self.path("apt.log")
        write(f"{self.bin}/apt-get", f'#!/bin/sh\necho "$@" >> {log}\n', 0o755)
        status, text = self.packages()
        self.assertEqual(status, 0, text)
        first, second = read(log).splitlines()
        self.assertRegex(first, r"\bupdate$")
        self.assertRegex(second, r"\binstall .* make\b.* flex\b")
        self.assertNotRegex(second, r" gcc\b")

    def test_install_fails(self):
        self.user(0)
        write(f"{self.bin}/apt-get", "#!/bin/sh\necho 'E: no such luck'\nexit 100\n", 0o755)
        text = self.refuses("apt-get could not install", "ensure-packages", PATH=self.bin)
        self.assertIn("E: no such luck", text)

    def test_nothing_missing_is_quick_and_silent(self):
        write(f"{self.bin}/apt-get", "#!/bin/sh\nexit 9\n", 0o755)
        script = f"{self.top}/scripts/ensure-packages"
        kept = [n for n in self.needs if n.split()[:1] and n[0] not in "/<" and shutil.which(n.split()[0])]
        text = read(script)
        write(script, text.replace("\n".join(self.needs), "\n".join(kept) + "\n"), 0o755)
        for need in kept:
            path = f"{self.bin}/{need.split()[0]}"
            if not os.path.lexists(path):
                os.symlink(shutil.which(need.split()[0]), path)
        self.assertEqual(self.packages(), (0, ""))

    def test_list(self):
        self.assertIn("qemu-system-x86\n", self.works("ensure-packages", "--list"))
        self.assertNotIn("clang", self.works("ensure-packages", "--list"))
        more = self.works("ensure-packages", "--coverage", "--list")
        self.assertRegex(more, r"(?s)\bclang-\d+\n.*\blibclang-rt-\d+-dev\n.*\bllvm-\d+\n")
        self.assertIn("qemu-system-x86\n", more)
        self.assertEqual(self.script("ensure-packages", "--coverages")[0], 2)


class Makefile(Case):

    def make(self, *args):
        shutil.copy2(f"{TOP}/Makefile", self.top)
        return subprocess.run(["make", "-C", self.top, "--no-print-directory", *args],
                              env=self.env, text=True, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def test_help_is_the_default_and_names_every_target(self):
        proc = self.make()
        phony = re.search(r"^\.PHONY: (.*)$", read(f"{TOP}/Makefile"), re.M)[1].split()
        self.assertEqual(re.findall(r"^  ([\w-]+) ", proc.stdout, re.M), phony)

    def test_every_script_that_is_called_exists(self):
        called = set(re.findall(r"\t@?((?:scripts|tests)/[\w/-]+)", read(f"{TOP}/Makefile")))
        self.assertGreater(len(called), 8)
        self.assertEqual([c for c in sorted(called) if not os.access(f"{TOP}/{c}", os.X_OK)], [])

    def test_graft_needs_kdir(self):
        proc = self.make("graft")
        self.assertNotEqual(proc.returncode, 0)
        self.assertIn("make graft: KDIR is missing", proc.stdout)

    def test_arguments_reach_the_scripts(self):
        for path in ("tests/kit/run-kunit", "tests/vm/vmtest", "scripts/graft"):
            write(f"{self.top}/{path}", '#!/bin/sh\necho "$0 $*"\n', 0o755)
        self.assertIn("tests/kit/run-kunit --handler eventfd --debug\n",
                      self.make("kunit", "HANDLER=eventfd", "DEBUG=1").stdout)
        self.assertIn("tests/vm/vmtest eventfd\n", self.make("vmtest", "SCENARIO=eventfd").stdout)
        self.assertIn("scripts/graft --undo /a/tree\n", self.make("ungraft", "KDIR=/a/tree").stdout)
