# SPDX-License-Identifier: GPL-2.0
"""scripts/mkpatch: git am of the patch gives what graft --copy gives."""

import os
import shutil
import subprocess

from fake import Case, make_tree, read, snapshot, write


class MkPatch(Case):

    def setUp(self):
        super().setUp()
        self.tree = self.path("linux")
        make_tree(self.tree)
        write(f"{self.tree}/.gitignore", ".*\n*.o\n")           # as the kernel's own

    def am(self, patch):
        self.git(self.tree, "init", "-q")
        self.git(self.tree, "add", "-A")
        self.git(self.tree, "commit", "-q", "-m", "linux")
        self.git(self.tree, "am", "-q", patch)

    def without_git(self, tree):
        return {n: v for n, v in snapshot(tree).items()
                if n.split("/")[0] != ".git" and n != "luosdk/.graft.json"}

    def test_am_gives_what_graft_gives(self):
        copy = self.path("copy")
        shutil.copytree(self.tree, copy)
        write(f"{self.top}/sdk/probe", "#!/bin/sh\n", 0o755)     # a mode that must survive
        patch = self.path("x.patch")
        before = snapshot(self.tree)
        self.works("mkpatch", self.tree, "-o", patch)
        self.assertEqual(snapshot(self.tree), before)
        self.am(patch)
        self.works("graft", "--copy", copy)
        self.assertEqual(self.without_git(self.tree), self.without_git(copy))
        self.assertIn("luosdk/handlers/a/.kunitconfig", self.without_git(self.tree))
        log = subprocess.run(["git", "-C", self.tree, "log", "-1", "--format=%s%n%b"], check=True,
                             stdout=subprocess.PIPE, text=True, env=self.env).stdout
        self.assertRegex(log, "^luosdk: add .*\n\\S")
        self.assertRegex(read(patch), r"(?m)^ \d+ files changed, \d+ insertions")

    def test_from_a_grafted_tree(self):
        plain = self.works("mkpatch", self.tree)
        self.works("graft", self.tree)
        grafted = self.works("mkpatch", self.tree)
        self.assertEqual([l for l in plain.splitlines() if not l.startswith("Date:")],
                         [l for l in grafted.splitlines() if not l.startswith("Date:")])

    def test_without_an_identity(self):
        write(self.path("gitconfig"), "[user]\n\tuseConfigOnly = true\n")
        self.assertIn("\nSubject: [PATCH] luosdk: ", self.works("mkpatch", self.tree))

    def test_refusals_leave_no_file(self):
        patch = self.path("x.patch")
        os.unlink(f"{self.tree}/kernel/liveupdate/luo_file.c")
        self.refuses("not a kernel source tree with LUO", "mkpatch", self.tree, "-o", patch)
        self.refuses("give one as KDIR", "mkpatch", "-o", patch,
                     LUOSDK_CACHE=self.path("cache"))
        self.assertFalse(os.path.exists(patch))
