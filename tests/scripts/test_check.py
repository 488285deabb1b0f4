# SPDX-License-Identifier: GPL-2.0
"""scripts/check: each rule sees the file that breaks it, and only that one."""

import os
import shutil
import subprocess

from fake import Case, TOP, read, write


class Check(Case):

    def setUp(self):
        super().setUp()
        shutil.copytree(f"{TOP}/LICENSES", f"{self.top}/LICENSES")
        self.env["HOME"] = self.path("home")
        self.env.pop("XDG_CACHE_HOME", None)

    def c_file(self, name, body):
        write(f"{self.top}/{name}", "// SPDX-License-Identifier: GPL-2.0\n" + body)

    def check(self, rule):
        """(failed, output) of one rule."""
        status, text = self.script("check", rule)
        last = text.rstrip().splitlines()[-1]
        passed, failed = last.split(" passed, ")
        failed = int(failed.split()[0])
        self.assertEqual(bool(failed), bool(status), text)
        self.assertGreater(int(passed) + failed, 0, text)
        return failed, text

    def test_spdx(self):
        self.check("spdx")
        for name in self.git_files():           # the small project's own files have none
            if not name.startswith(("LICENSES/", "scripts/", "K")) and not name.endswith(".patch"):
                os.unlink(f"{self.top}/{name}")
        self.assertEqual(self.check("spdx")[0], 0)
        write(f"{self.top}/a.c", "int a;\n")
        self.assertIn("a.c:1: no SPDX", self.check("spdx")[1])
        write(f"{self.top}/a.c", "/* SPDX-License-Identifier: GPL-2.0 */\n")
        self.assertIn("a.c:1: the SPDX line begins with '/*' and should with '//'",
                      self.check("spdx")[1])
        write(f"{self.top}/a.c", "// SPDX-License-Identifier: GPL-3.0\n")
        self.assertIn("no text of 'GPL-3.0' in LICENSES/", self.check("spdx")[1])
        write(f"{self.top}/a.c", "// SPDX-License-Identifier: GPL-2.0 WITH Other-note\n")
        self.assertIn("no text of 'Other-note' in LICENSES/", self.check("spdx")[1])
        write(f"{self.top}/a.c", "// SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note\n")
        write(f"{self.top}/a.sh", "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\n")
        self.assertEqual(self.check("spdx")[0], 0)

    def git_files(self):
        return subprocess.run(["git", "-C", self.top, "ls-files", "-co", "--exclude-standard"],
                              check=True, text=True, stdout=subprocess.PIPE,
                              env=self.env).stdout.split()

    def test_shellcheck(self):
        write(f"{self.top}/a.sh", "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\necho hello\n")
        self.assertEqual(self.check("shellcheck")[0], 0)
        write(f"{self.top}/tool", "#!/bin/bash\nrm -rf $1\n")
        failed, text = self.check("shellcheck")
        self.assertEqual(failed, 1)
        self.assertIn("SC2086", text)

    def test_python(self):
        self.assertEqual(self.check("python")[0], 0)
        write(f"{self.top}/tool", "#!/usr/bin/env python3\nif 1 is 1:\n    pass\n")
        write(f"{self.top}/a.py", "def f(:\n")
        self.assertEqual(self.check("python")[0], 2)

    def test_machine(self):
        # As apt of a machine with a mirror of its own is configured.
        sources = self.path("apt")
        write(f"{sources}/a.sources", "Types: deb\nURIs: http://user:word@mirror.corp.test/debian\n")
        write(f"{sources}/b.list", "deb https://registry.corp.test/x y main\n")
        write(self.path("apt.conf"), f'Dir::Etc::sourceparts "{sources}";\n'
                                     'Dir::Etc::sourcelist "/dev/null";\n'
                                     'Acquire::http::Proxy "http://proxy.corp.test:3128";\n')
        self.env["APT_CONFIG"] = self.path("apt.conf")
        self.env["HTTPS_PROXY"] = "http://other.corp.test:1"
        self.assertEqual(self.check("machine")[0], 0)
        for number, words in enumerate((f"{self.top}/sdk", f"{self.path('home')}/notes",
                                        f"{self.work}/elsewhere", "http://mirror.corp.test/",
                                        "registry.corp.test", "proxy.corp.test",
                                        "other.corp.test")):
            with self.subTest(words=words):
                write(f"{self.top}/a.txt", f"see {words}\n")
                failed, text = self.check("machine")
                self.assertEqual(failed, 1)
                self.assertIn("a.txt:1: names this machine", text)
        write(f"{self.top}/a.txt", "see not-mirror.corp.test.example, /tmp/x and /home/y\n")
        self.assertEqual(self.check("machine")[0], 0)
        self.git(self.top, "commit", "--allow-empty", "-q", "-m", f"built in {self.top}")
        self.assertIn("commit messages: ", self.check("machine")[1])

    def test_cleanup(self):
        self.c_file("a.c", "int f(void)\n{\n\tgoto out;\nout:\n\treturn 0; /* guard(mutex) */\n}\n\n"
                           "int g(void)\n{\n\tguard(mutex)(&m);\n\tx = \"goto y;\";\n\treturn 0;\n}\n")
        self.assertEqual(self.check("cleanup")[0], 0)
        for use in ("guard(mutex)(&m);", "void *p __free(kfree) = NULL;",
                    "scoped_guard(rcu) { }", "CLASS(fd, f)(3);"):
            with self.subTest(use=use):
                self.c_file("b.c", f"int f(void)\n{{\n\t{use}\n\tgoto out;\nout:\n\treturn 0;\n}}\n")
                self.assertIn("b.c:3: goto and scope-based cleanup", self.check("cleanup")[1])
        self.c_file("b.c", "#define X(a) \\\n\tguard(mutex)(a); \\\n\tgoto out\n")
        self.assertEqual(self.check("cleanup")[0], 1)
        self.c_file("b.c", "int f(void)\n{\n\tluosdk_guard(a);\n\tgoto out;\n}\n")
        self.assertEqual(self.check("cleanup")[0], 0)

    def test_defects(self):
        names = ("tests/kit/rules.h", "tests/kit/luokit_subject.h", "docs/defects.rst")
        for name in names:
            write(f"{self.top}/{name}", read(f"{TOP}/{name}"))
        failed, text = self.check("defects")
        self.assertEqual(failed, 0, text)
        rules, cases, page = names
        for name, old, new, says in (
                (page, ".. _class-7:", ".. _seven:", "the headings behind '.. _class-N:' are of"),
                (page, "Class 7\n", "Class 7, sizes\n", "the headings behind '.. _class-N:' are of"),
                (page, "object is preserved and retrieved like", "object is retrieved like",
                 "class 6 lacks the rule"),
                (page, "``c23_freeze_is_undone``", "``c22_not_visible_early``",
                 "class 23 lacks '**The kit**, in c23_freeze_is_undone,'"),
                (page, "\nRight:\n", "\nRather:\n", "class 1 lacks 'Right: .. code-block:: c'"),
                (page, "**The layer**", "The layer", "class 1 lacks '**The layer**'"),
                (rules, "retrieved like any other", "retrieved", "class 6 lacks the rule"),
                (rules, "like any other.", "like any other", "'c06_empty_object' is not one sentence"),
                (rules, "like any other.", "so. It is.", "'c06_empty_object' is not one sentence"),
                (rules, "LUOKIT_RULE(6,", "LUOKIT_RULE(7,", "'c06_empty_object' is not of class 7"),
                (cases, "_case(c06_empty_object)", "_case(c06_no_object)",
                 "a rule for 'c06_empty_object' where LUOKIT_CASES has 'c06_no_object'"),
                (cases, "_case(race_of_changes)", "_case(race_of_changes) _case(one_more)",
                 "a rule for 'None' where LUOKIT_CASES has 'one_more'")):
            with self.subTest(old=old, new=new):
                text = read(f"{TOP}/{name}")
                self.assertIn(old, text)
                write(f"{self.top}/{name}", text.replace(old, new, 1))
                failed, said = self.check("defects")
                self.assertGreater(failed, 0)
                self.assertIn(says, said)
                write(f"{self.top}/{name}", text)

    def real_tree(self):
        """Let the small project use the kernel source that the real one has."""
        proc = subprocess.run([f"{TOP}/scripts/get-kernel", "--print", "source"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        if proc.returncode:
            self.skipTest("no kernel source; run scripts/get-kernel source")
        write(f"{self.top}/scripts/get-kernel", f"#!/bin/sh\necho {proc.stdout.strip()}\n", 0o755)

    def test_checkpatch(self):
        self.real_tree()
        for name in self.git_files():
            if name.endswith((".c", ".h", "Kconfig", "Kbuild", ".patch")):
                os.unlink(f"{self.top}/{name}")
        self.c_file("a.c", "int a;\n")
        self.assertEqual(self.check("checkpatch")[0], 0)
        self.c_file("b.c", "int b ;\nint *f(void)\n{\n\treturn NULL;\n}\n")
        failed, text = self.check("checkpatch")
        self.assertEqual(failed, 1, text)
        self.assertRegex(text, r"b.c:2: WARNING:SPACING")
        self.c_file("b.c", "int b;\n")
        good = ("From 0 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: [PATCH] say it\n\n"
                "Say it, because it was not said before and somebody asked for it.\n---\n a.c | 1 +\n\n"
                "diff --git a/kernel/fork.c b/kernel/fork.c\n--- a/kernel/fork.c\n+++ b/kernel/fork.c\n"
                "@@ -1,2 +1,3 @@\n a;\n+int x;\n b;\n")
        write(f"{self.top}/p.patch", good)
        self.git(self.top, "add", "-A")
        failed, text = self.check("checkpatch")
        self.assertEqual(failed, 0, text)
        write(f"{self.top}/p.patch", good.replace("int x;", "int x; "))
        self.assertIn("p.patch: ", self.check("checkpatch")[1])

    def test_kernel_doc(self):
        self.real_tree()
        doc = "/**\n * f() - do it\n * @a: what\n *\n * Return: 0.\n */\nint f(int a);\n"
        self.c_file("a.h", doc)
        self.assertEqual(self.check("kernel-doc")[0], 0)
        self.c_file("b.h", doc.replace("@a", "@b"))
        failed, text = self.check("kernel-doc")
        self.assertEqual(failed, 1)
        self.assertIn("b.h", text)
        self.c_file("b.h", doc.replace(" *\n * Return: 0.\n", ""))
        self.assertEqual(self.check("kernel-doc")[0], 1)

    def fake_build(self, said, status=0):
        """A get-kernel and a make that report what the compiler and sparse would."""
        tree = self.path("cache/luosdk/tree")
        os.makedirs(f"{tree}/luosdk/handlers/a", exist_ok=True)
        os.makedirs(self.path("cache/luosdk/um/include"), exist_ok=True)
        for name in ("luosdk/handlers/a/a.c", "other.c"):
            if not os.path.lexists(f"{tree}/{name}"):
                os.symlink(f"{self.top}/handlers/a/a.c", f"{tree}/{name}") if "luosdk" in name \
                    else write(f"{tree}/{name}", "")
        write(f"{self.top}/scripts/get-kernel", '#!/bin/sh\ncase "$1" in source) echo '
              f"{tree};; *) echo {self.path('cache/luosdk/um')};; esac\n", 0o755)
        write(self.path("said"), said.replace("TREE", tree))
        write(self.path("bin/make"), f"#!/bin/sh\necho \"$@\" > {self.path('called')}\n"
              f"cat {self.path('said')}\nexit {status}\n", 0o755)
        self.env["PATH"] = f"{self.path('bin')}:{os.environ['PATH']}"

    CHECKED = "  CC      luosdk/handlers/a/a.o\n  CHECK   TREE/luosdk/handlers/a/a.c\n"

    def test_sparse_and_warnings(self):
        self.fake_build(self.CHECKED)
        self.assertEqual(self.check("sparse-um")[0], 0)
        self.assertRegex(read(self.path("called")), r"ARCH=um .*C=2 W=1 luosdk/")
        for line in ("TREE/luosdk/handlers/a/a.c:3:5: warning: symbol 'a' was not declared",
                     "TREE/luosdk/handlers/a/a.c:3: error: bad"):
            self.fake_build(self.CHECKED + line + "\n")
            failed, text = self.check("sparse-um")
            self.assertEqual(failed, 1)
            self.assertIn("handlers/a/a.c:3:", text)
        # A macro that this sparse cannot judge, and the same words elsewhere.
        write(f"{self.top}/handlers/a/a.c", 'int a;\nMODULE_LICENSE("GPL");\nint b;\n')
        bad = "TREE/luosdk/handlers/a/a.c:{}:1: error: bad constant expression\n"
        self.fake_build(self.CHECKED + bad.format(2))
        self.assertEqual(self.check("sparse-um")[0], 0)
        self.fake_build(self.CHECKED + bad.format(3))
        self.assertEqual(self.check("sparse-um")[0], 1)
        write(f"{self.top}/handlers/a/a.c", "int a;\nluosdk_module_handler(a);\n")
        self.fake_build(self.CHECKED + bad.format(2))
        self.assertEqual(self.check("sparse-um")[0], 0)
        # What they say of the kernel's own files is the kernel's.
        self.fake_build(self.CHECKED + "TREE/other.c:3:5: warning: it is the kernel's\n")
        self.assertEqual(self.check("sparse-um")[0], 0)

    def test_a_build_that_checks_nothing(self):
        self.fake_build("  CC      kernel/bounds.s\n")
        self.assertIn("no object of the project was built", self.check("sparse-um")[1])
        self.fake_build(self.CHECKED + "make: *** [x] Error 2\n", status=2)
        self.assertIn("the um build failed: make: ***", self.check("sparse-um")[1])

    def test_a_kernel_that_cannot_be_had(self):
        write(f"{self.top}/scripts/get-kernel", "#!/bin/sh\necho 'get-kernel: no.'\nexit 1\n", 0o755)
        self.assertIn("kernel-doc: get-kernel: no.", self.check("kernel-doc")[1])
