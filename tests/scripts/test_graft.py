# SPDX-License-Identifier: GPL-2.0
"""scripts/graft: into a tree, up to date, and out again byte for byte."""

import os
import shutil
import subprocess
import time
import unittest

from fake import Case, make_tree, read, snapshot, write


class Graft(Case):

    def setUp(self):
        super().setUp()
        self.tree = self.path("linux")
        make_tree(self.tree)
        self.before = snapshot(self.tree)

    def test_links_and_hooks(self):
        self.works("graft", self.tree)
        self.assertEqual(os.readlink(f"{self.tree}/luosdk/handlers/a/a.c"),
                         f"{self.top}/handlers/a/a.c")
        self.assertFalse(os.path.islink(f"{self.tree}/luosdk/handlers/a"))
        self.assertEqual(read(f"{self.tree}/Kbuild").count("\nobj-y += luosdk/\n"), 1)
        self.assertEqual(read(f"{self.tree}/Kconfig").count('\nsource "luosdk/Kconfig"\n'), 1)
        self.assertIn('\nsource "luosdk/handlers/a/Kconfig"\n',
                      read(f"{self.tree}/luosdk/Kconfig.folders"))
        self.assertTrue(os.path.exists(f"{self.tree}/luosdk/handlers/a/.kunitconfig"))

    def test_no_host_scripts_no_ignored_files(self):
        write(f"{self.top}/handlers/a/a.o", "object")
        write(f"{self.top}/handlers/a/new.c", "int not_added_yet;\n")
        self.works("graft", self.tree)
        self.assertFalse(os.path.exists(f"{self.tree}/luosdk/tests/scripts"))
        self.assertFalse(os.path.exists(f"{self.tree}/luosdk/tests/kit/run-kunit"))
        self.assertFalse(os.path.exists(f"{self.tree}/luosdk/handlers/a/a.o"))
        self.assertTrue(os.path.exists(f"{self.tree}/luosdk/handlers/a/new.c"))

    def test_undo_is_byte_for_byte(self):
        for option in ((), ("--copy",)):
            with self.subTest(option=option):
                self.works("graft", *option, self.tree)
                self.assertNotEqual(snapshot(self.tree), self.before)
                self.works("graft", "--undo", self.tree)
                self.assertEqual(snapshot(self.tree), self.before)

    def test_undo_without_final_newline_and_with_odd_bytes(self):
        with open(f"{self.tree}/Kbuild", "ab") as f:
            f.write(b"# \xff\xfe last line")
        os.chmod(f"{self.tree}/Kconfig", 0o640)
        before = snapshot(self.tree)
        self.works("graft", self.tree)
        self.assertIn(b"last line\n# luosdk", open(f"{self.tree}/Kbuild", "rb").read())
        self.works("graft", self.tree)
        self.works("graft", "--undo", self.tree)
        self.assertEqual(snapshot(self.tree), before)

    def test_undo_removes_what_was_built_there(self):
        self.works("graft", self.tree)
        for name in ("built-in.a", ".built-in.a.cmd", "modules.order", "handlers/a/a.o",
                     "handlers/a/.a.o.cmd", "handlers/a/a.ko", "handlers/a/a.mod.c"):
            write(f"{self.tree}/luosdk/{name}", "built")
        self.works("graft", "--undo", self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_undo_twice_is_harmless(self):
        self.works("graft", self.tree)
        self.works("graft", "--undo", self.tree)
        self.assertIn("nothing", self.works("graft", "--undo", self.tree))
        self.assertEqual(snapshot(self.tree), self.before)

    def test_undo_keeps_other_edits_of_the_hook_files(self):
        self.works("graft", self.tree)
        with open(f"{self.tree}/Kbuild", "a", encoding="utf-8") as f:
            f.write("obj-y += mine/\n")
        self.works("graft", "--undo", self.tree)
        self.assertTrue(read(f"{self.tree}/Kbuild").endswith("obj-y += fs/\nobj-y += mine/\n"))

    def test_twice_touches_nothing(self):
        for option in ((), ("--copy",)):
            with self.subTest(option=option):
                self.works("graft", *option, self.tree)
                times = self.times()
                time.sleep(0.02)
                self.works("graft", *option, self.tree)
                self.assertEqual(self.times(), times)
                self.works("graft", "--undo", self.tree)

    def times(self):
        return {os.path.join(d, f): (os.lstat(os.path.join(d, f)).st_mtime_ns,
                                     os.lstat(os.path.join(d, f)).st_ino)
                for d, _, files in os.walk(self.tree) for f in files}

    def test_refresh(self):
        for option in ((), ("--copy",)):
            with self.subTest(option=option):
                write(f"{self.top}/handlers/old/old.c", "int old;\n")
                self.works("graft", *option, self.tree)
                shutil.rmtree(f"{self.top}/handlers/old")
                write(f"{self.top}/handlers/b/Kconfig", "config B\n\tbool\n")
                write(f"{self.top}/handlers/a/a.c", "int changed;\n")
                self.works("graft", *option, self.tree)
                self.assertFalse(os.path.lexists(f"{self.tree}/luosdk/handlers/old"))
                self.assertIn("handlers/b/Kconfig", read(f"{self.tree}/luosdk/Kconfig.folders"))
                self.assertEqual(read(f"{self.tree}/luosdk/handlers/a/a.c"), "int changed;\n")
                self.works("graft", "--undo", self.tree)
                self.assertEqual(snapshot(self.tree), self.before)
                shutil.rmtree(f"{self.top}/handlers/b")
                write(f"{self.top}/handlers/a/a.c", "int a;\n")

    def test_from_links_to_copies_and_back(self):
        self.works("graft", self.tree)
        self.works("graft", "--copy", self.tree)
        self.assertFalse(os.path.islink(f"{self.tree}/luosdk/Kbuild"))
        self.works("graft", self.tree)
        self.assertTrue(os.path.islink(f"{self.tree}/luosdk/Kbuild"))
        self.works("graft", "--undo", self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    def test_hard_linked_tree_leaves_its_twin_alone(self):
        twin = self.path("twin")
        subprocess.run(["cp", "-al", self.tree, twin], check=True)
        self.works("graft", self.tree)
        self.assertEqual(snapshot(twin), self.before)

    def test_not_a_git_checkout(self):
        shutil.rmtree(f"{self.top}/.git")
        self.works("graft", self.tree)
        self.assertTrue(os.path.exists(f"{self.tree}/luosdk/handlers/a/a.c"))
        self.assertFalse(os.path.exists(f"{self.tree}/luosdk/tests/scripts"))

    def test_an_archive_inside_another_git_checkout(self):
        shutil.rmtree(f"{self.top}/.git")
        self.git(self.work, "init", "-q")
        write(self.path(".gitignore"), "*\n")
        self.works("graft", self.tree)
        self.assertTrue(os.path.exists(f"{self.tree}/luosdk/handlers/a/a.c"))

    def test_interrupted_graft_can_be_repeated_and_undone(self):
        self.works("graft", self.tree)
        for name in ("Kbuild", "Kconfig"):                       # hooks come last
            text = read(f"{self.tree}/{name}")
            write(f"{self.tree}/{name}", text[:text.index("# luosdk: begin")])
        os.unlink(f"{self.tree}/luosdk/handlers/a/a.c")
        half = snapshot(self.tree)
        self.works("graft", self.tree)
        self.assertTrue(os.path.exists(f"{self.tree}/luosdk/handlers/a/a.c"))
        self.works("graft", "--undo", self.tree)
        self.assertEqual(snapshot(self.tree), self.before)
        self.assertNotEqual(half, self.before)
        os.mkdir(f"{self.tree}/luosdk")                          # stopped even earlier
        self.works("graft", self.tree)
        self.works("graft", "--undo", self.tree)
        self.assertEqual(snapshot(self.tree), self.before)

    # --- What is refused -----------------------------------------------------------

    def refused_untouched(self, pattern, *args):
        before = snapshot(self.tree)
        self.refuses(pattern, "graft", *args)
        self.assertEqual(snapshot(self.tree), before)

    def test_no_kdir(self):
        self.refuses("KDIR is missing", "graft")

    def test_no_such_directory(self):
        self.refuses("is not a directory", "graft", self.path("nowhere"))

    def test_not_a_kernel_tree(self):
        os.unlink(f"{self.tree}/Kbuild")
        self.refused_untouched("not the top of a kernel source tree", self.tree)
        write(f"{self.tree}/Kbuild", "obj-y += a.o\n")
        write(f"{self.tree}/Makefile", "all:\n")                # somebody else's Kbuild
        self.refused_untouched("not the top of a kernel source tree", self.tree)

    def test_no_luo(self):
        os.unlink(f"{self.tree}/kernel/liveupdate/luo_file.c")
        self.refused_untouched("7.3.4 without the Live Update Orchestrator", self.tree)

    def test_foreign_directory(self):
        write(f"{self.tree}/luosdk/mine.c", "int mine;\n")
        self.refused_untouched("was not put there by graft", self.tree)
        self.assertIn("nothing", self.works("graft", "--undo", self.tree))

    def test_edited_hook(self):
        self.works("graft", self.tree)
        text = read(f"{self.tree}/Kbuild")
        write(f"{self.tree}/Kbuild", text.replace("obj-y += luosdk/", "obj-m += luosdk/"))
        self.refused_untouched("block in .*Kbuild was edited", "--undo", self.tree)
        self.refused_untouched("block in .*Kbuild was edited", self.tree)

    def test_edited_copy(self):
        self.works("graft", "--copy", self.tree)
        write(f"{self.tree}/luosdk/handlers/a/a.c", "int precious;\n")
        self.refused_untouched("a.c was edited in the tree", "--undo", self.tree)
        self.refused_untouched("a.c was edited in the tree", "--copy", self.tree)

    def test_foreign_file_in_the_graft(self):
        self.works("graft", self.tree)
        write(f"{self.tree}/luosdk/handlers/a/notes.txt", "precious\n")
        self.refused_untouched("notes.txt was not put there by graft", "--undo", self.tree)

    def test_linked_hook_file(self):
        os.rename(f"{self.tree}/Kbuild", self.path("Kbuild"))
        os.symlink(self.path("Kbuild"), f"{self.tree}/Kbuild")
        self.refused_untouched("Kbuild is a symbolic link", self.tree)

    @unittest.skipIf(os.geteuid(), "mounting needs root")
    def test_read_only_tree(self):
        subprocess.run(["mount", "-t", "tmpfs", "none", self.tree], check=True)
        self.addCleanup(subprocess.run, ["umount", self.tree], check=True)
        make_tree(self.tree)
        subprocess.run(["mount", "-o", "remount,ro", self.tree], check=True)
        self.refused_untouched("cannot be written to", self.tree)
