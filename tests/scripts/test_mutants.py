# SPDX-License-Identifier: GPL-2.0
"""tests/mutants: run-mutants with a kernel's log made up, and mutate.sh."""

import os
import shutil
import subprocess

from fake import Case, TOP, read, write

SUBJECT = """\
#define LUOKIT_CASES(_case)			\\
	_case(c01_first)	\\
	_case(c02_second)	\\
	_case(every_order)
"""

# What each case of a suite that finds nothing prints, and a kernel around it.
CLEAN = """\
    # Subtest: {0}_conformance
    ok 1 c01_first
    ok 2 c02_second # SKIP the subject does not say
    ok 3 every_order
ok 2 {0}_conformance
"""
CAUGHT = """\
mutant 01_one class 1: c01_first=2 every_order=1
    ok 1 mutant_01_one
mutant 02_sdk_two class 2: c02_second=1
    ok 2 mutant_02_sdk_two
"""


class RunMutants(Case):

    def setUp(self):
        super().setUp()
        shutil.copy2(f"{TOP}/tests/mutants/run-mutants", self.folder())
        write(f"{self.top}/tests/kit/luokit_subject.h", SUBJECT)
        for name in ("01-one", "02-sdk-two"):
            write(f"{self.top}/tests/mutants/{name}.patch", "a patch\n")
        write(f"{self.top}/scripts/get-kernel", f"#!/bin/sh\necho {self.path('slot/tree')}\n", 0o755)

    def folder(self):
        os.makedirs(f"{self.top}/tests/mutants", exist_ok=True)
        return f"{self.top}/tests/mutants"

    def kernel(self, log, says="", status=0):
        """The next run-kunit leaves this log."""
        write(self.path("log"), log)
        write(f"{self.top}/tests/kit/run-kunit",
              f"#!/bin/sh\necho \"$@\" > {self.path('asked')}\n"
              f"mkdir -p {self.path('slot/kunit')}\ncp {self.path('log')} "
              f"{self.path('slot/kunit/test.log')}\necho '{says}'\nexit {status}\n", 0o755)

    def mutants(self, *args):
        done = subprocess.run([f"{self.folder()}/run-mutants", *args], text=True, env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def references(self):
        return CLEAN.format("mutants_hand") + CLEAN.format("mutants_sdk")

    def test_all_caught(self):
        self.kernel(CAUGHT + self.references() + CLEAN.format("eventfd_luo"))
        status, text = self.mutants()
        lines = text.splitlines()
        self.assertEqual((status, lines[-2:]), (0, ["mutants caught 2/2", "8 passed, 0 failed"]))
        rows = {l.split()[0]: l.split()[1:] for l in lines if l}
        self.assertEqual(rows["01-one"], ["#", ".", "x"])
        self.assertEqual(rows["02-sdk-two"], [".", "#", "."])
        self.assertEqual(rows["eventfd_luo"], [".", "-", "."])
        self.assertIn("*_conformance", read(self.path("asked")))

    def test_found_by_another_case_only(self):
        self.kernel(CAUGHT.replace("c02_second=1", "c01_first=1") + self.references())
        status, text = self.mutants()
        self.assertEqual((status, text.splitlines()[-2:]),
                         (1, ["mutants caught 1/2", "5 passed, 1 failed"]))
        self.assertIn("02_sdk_two: c02_second finds nothing; found in: c01_first", text)

    def test_kernel_stops_early(self):
        self.kernel(CAUGHT.partition("mutant 02")[0] + self.references())
        status, text = self.mutants()
        self.assertEqual((status, text.splitlines()[-2]), (1, "mutants caught 1/2"))
        self.assertIn("02_sdk_two: not judged; the kernel stopped before", text)

    def test_reference_with_a_finding(self):
        self.kernel(CAUGHT + self.references().replace("ok 3 every", "not ok 3 every", 1))
        status, text = self.mutants()
        self.assertEqual((status, text.splitlines()[-1]), (1, "5 passed, 1 failed"))
        self.assertIn("mutants_hand: every_order is not ok", text)

    def test_reference_missing(self):
        self.kernel(CAUGHT + CLEAN.format("mutants_hand"))
        status, text = self.mutants()
        self.assertEqual(status, 1)
        self.assertIn("the references' conformance suites did not run", text)

    def test_warning_outside(self):
        self.kernel(CAUGHT + self.references(),
                    says="run-kunit: 2 warnings of the kernel, each is one failure; see x")
        status, text = self.mutants()
        self.assertEqual((status, text.splitlines()[-1]), (1, "6 passed, 1 failed"))
        self.assertIn("2 warnings outside", text)

    def test_some(self):
        self.kernel(CAUGHT.partition("mutant 02")[0])
        status, text = self.mutants("--mutant", "01")
        self.assertEqual((status, text.splitlines()[-2:]),
                         (0, ["mutants caught 1/1", "1 passed, 0 failed"]))
        self.assertIn("mutants_conformance.mutant_01*", read(self.path("asked")))

    def test_no_such_mutant(self):
        status, text = self.mutants("--mutant", "99")
        self.assertEqual(status, 2)
        self.assertIn("--mutant 99: no patch in tests/mutants has a name like this", text)

    def test_nothing_built(self):
        self.kernel("", says="mutants: 01-one.patch no longer applies", status=1)
        status, text = self.mutants()
        self.assertEqual(status, 2)
        self.assertIn("01-one.patch no longer applies", text)
        self.assertIn("nothing was judged", text)


class Mutate(Case):
    """mutate.sh on a small driver."""

    def setUp(self):
        super().setUp()
        self.src = self.path("src")
        write(f"{self.src}/notebook.c", "int one;\nint two;\n")
        write(f"{self.src}/notebook.h", "/* h */\n")
        write(f"{self.src}/other.c", "int other;\n")
        self.patch = f"{self.src}/01-sdk-one.patch"
        self.make_patch("int two;")

    def make_patch(self, context):
        write(self.patch, "One is three.\n---\n--- a/tests/mutants/notebook.c\n"
                          "+++ b/tests/mutants/notebook.c\n@@ -1,2 +1,2 @@\n"
                          f"-int one;\n+int three;\n {context}\n")

    def mutate(self, env=None):
        os.makedirs(self.path("obj"), exist_ok=True)
        done = subprocess.run(["/bin/sh", f"{TOP}/tests/mutants/mutate.sh", self.src, self.patch,
                               "obj/mutant_01_sdk_one_world.c"], cwd=self.work, text=True,
                              env=env or self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def test_makes_a_world(self):
        self.assertEqual(self.mutate(), (0, ""))
        folder = self.path("obj/mutant_01_sdk_one")
        self.assertEqual(read(f"{folder}/notebook.c"), "int three;\nint two;\n")
        self.assertEqual(read(f"{self.src}/notebook.c"), "int one;\nint two;\n")
        self.assertFalse(os.path.exists(f"{folder}/other.c"))
        world = read(self.path("obj/mutant_01_sdk_one_world.c"))
        self.assertIn("#define NOTEBOOK_SDK", world)
        self.assertIn('#include "mutant_01_sdk_one/notebook_world.h"', world)
        self.assertIn("LUOKIT_WORLD(mutant_01_sdk_one_world,", world)

    def test_does_not_apply(self):
        self.make_patch("int four;")
        status, text = self.mutate()
        self.assertEqual(status, 1)
        self.assertIn("01-sdk-one.patch no longer applies", text)
        self.assertFalse(os.path.exists(self.path("obj/mutant_01_sdk_one_world.c")))

    def test_no_patch_program(self):
        status, text = self.mutate({**self.env, "PATH": self.path("nowhere")})
        self.assertEqual(status, 1)
        self.assertIn("the program 'patch' is missing", text)
