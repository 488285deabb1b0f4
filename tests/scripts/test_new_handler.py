# SPDX-License-Identifier: GPL-2.0
"""scripts/new-handler: what it makes of the real templates, and what it refuses.

What it makes is compiled and run by tests/templates/run-templates; here is what can be told
without a kernel.
"""

import glob
import importlib.machinery
import importlib.util
import os
import re
import resource
import shutil
import subprocess
import unittest

from fake import TOP, Case, make_tree, read, snapshot, write

NEW = f"{TOP}/scripts/new-handler"


def module():
    loader = importlib.machinery.SourceFileLoader("new_handler", NEW)
    found = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(found)
    return found


class Made(Case):

    def setUp(self):
        super().setUp()
        self.env["LUOSDK_CACHE"] = self.path("cache")   # no kernel to compare names with
        self.home = self.path("home")
        self.tree = self.path("linux")
        os.mkdir(self.home)
        os.mkdir(self.env["LUOSDK_CACHE"])
        make_tree(self.tree)
        for name in ("sdk/Kbuild.include", "tests/kit/Kbuild.include"):
            write(f"{self.tree}/luosdk/{name}", "")
        write(f"{self.tree}/drivers/misc/Kconfig", "config OTHER\n\tbool\n\nmenuconfig TAKEN_TOO\n")
        write(f"{self.tree}/drivers/misc/Makefile", "obj-$(CONFIG_OTHER) += other.o busy-bee.o\n")
        write(f"{self.tree}/include/linux/gadget.h",
              "struct gadget {\n};\nint widget_luo_register(void);\n#define sprocket\t1\n"
              '#define HORN_FH_COMPATIBLE\t"horn-v2"\n')
        self.templates = module().templates()

    def new(self, *args, **more):
        """(status, output)"""
        proc = subprocess.run([NEW, *args], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=120, **more)
        return proc.returncode, proc.stdout

    def make(self, name, dest, *args, template="anon-fd"):
        status, text = self.new(name, "--template", template, dest, *args)
        self.assertEqual(status, 0, text)
        return text

    def everything(self):
        """All but the log folder of the cache, which is nobody's."""
        return {k: v for k, v in snapshot(self.work).items() if not k.startswith("cache/")}

    def refused(self, pattern, *args, **more):
        before = self.everything()
        status, text = self.new(*args, **more)
        self.assertEqual(status, 1, text)
        self.assertRegex(text, f"^new-handler: [^\n]*{pattern}[^\n]*\\.\n$")
        self.assertEqual(self.everything(), before)
        return text

    def refuse_name(self, pattern, name, dest=None):
        return self.refused(pattern, name, "--template", "anon-fd", dest or f"{self.home}/x")


class NewHandler(Made):

    def test_list_has_a_line_for_each_template(self):
        status, text = self.new("--list")
        self.assertEqual(status, 0, text)
        folders = [os.path.basename(os.path.dirname(p))
                   for p in glob.glob(f"{TOP}/templates/*/*_luo_abi.h")]
        self.assertEqual(sorted(line.split()[0] for line in text.splitlines()), sorted(folders))
        for line in text.splitlines():
            self.assertRegex(line, r"^\S+ +\w.{10,}$")

    def test_nothing_keeps_the_template_s_name(self):
        for name, template in self.templates.items():
            for new in ("foo", "long-name_of_it"):
                dest = f"{self.home}/{name}-{new}"
                self.make(new, dest, template=name)
                stem = new.replace("-", "_")
                old = re.compile("|".join((template.stem, template.stem.upper(),
                                           template.stem.replace("_", "-"))))
                for folder, _, files in os.walk(dest):
                    for f in files:
                        path = os.path.join(folder, f)
                        if not path.startswith(f"{dest}/luosdk/") and f != ".luosdk.mk":
                            self.assertIsNone(old.search(f), path)
                            self.assertIsNone(old.search(read(path)), path)
                self.assertEqual(
                    sorted(f.replace(template.stem, stem) for f in template.files()),
                    sorted(f for f in os.listdir(dest) if f in
                           {n.replace(template.stem, stem) for n in template.files()}))
                abi = read(f"{dest}/{stem}_luo_abi.h")
                self.assertIn(f'"{stem.replace("_", "-")}-v1"', abi)
                self.assertIn(f"config {stem.upper()}\n", read(f"{dest}/Kconfig"))

    def test_a_name_that_holds_the_old_one(self):
        dest = f"{self.home}/x"
        self.make("my-anon-fd", dest)
        text = read(f"{dest}/my_anon_fd_luo_abi.h")
        self.assertIn('"my-anon-fd-v1"', text)
        self.assertNotIn("my_my", text)
        self.assertIn("struct my_anon_fd_luo_ser {", text)

    def test_lines_fit_with_the_longest_name(self):
        longest = module().MAX_NAME
        for name in self.templates:
            stem = "long_name_that_fits_just_so_far"[:longest]
            dest = f"{self.home}/{name}"
            self.make(stem, dest, template=name)
            for path in glob.glob(f"{dest}/*.[ch]"):
                for n, line in enumerate(read(path).splitlines(), 1):
                    if '"' not in line:
                        self.assertLessEqual(len(line.expandtabs(8)), 100, f"{path}:{n}")
        self.refuse_name(f"at most {longest}", "a" * (longest + 1))

    def test_next_steps_are_three(self):
        for dest in (f"{self.home}/x", f"{self.tree}/drivers/misc/x"):
            text = self.make("foo", dest)
            self.assertEqual(re.findall(r"^(\d)\. ", text, re.M), ["1", "2", "3"])

    def test_what_is_no_name(self):
        for name in ("9to5", "a.b", "foo bar", "ü", ""):
            if name:
                self.refuse_name("is no C identifier", name)
        for name in ("Foo", "foo__bar", "_foo", "foo_"):
            self.refuse_name("single underscores or dashes", name)
        for name in ("while", "u32", "file", "luosdk_x", "linux"):
            self.refuse_name("a meaning of its own", name)
        self.refuse_name("too short", "a")

    def test_what_is_taken_in_the_project(self):
        for name in ("eventfd", "anon-fd", "vfio_stub", "memfd"):
            self.refuse_name("is taken", name)
        # lt_ok() and the like, and what the conformance kit has
        self.refuse_name("a meaning of its own", "lt")

    def test_what_is_taken_in_the_tree(self):
        dest = f"{self.tree}/drivers/misc/x"
        self.refuse_name("'other' is taken: .*misc/Kconfig has CONFIG_OTHER", "other", dest)
        self.refuse_name("CONFIG_TAKEN_TOO", "taken-too", dest)
        self.refuse_name("misc/Makefile builds a module", "busy_bee", dest)
        self.refuse_name("gadget.h:1 has 'struct gadget", "gadget", dest)
        self.refuse_name("gadget.h:3 has 'int widget_luo_register", "widget", dest)
        self.refuse_name("gadget.h:4 has '#define sprocket 1'", "sprocket", dest)
        write(f"{self.tree}/include/linux/abi.h", '#define HORN_COMPATIBLE\t"horn-v2"\n')
        self.refuse_name("compatible string", "horn", dest)

    def test_where_it_cannot_go(self):
        args = ("foo", "--template", "anon-fd")
        self.refused("exists; give a folder that does not", *args, self.home)
        os.symlink("nowhere", f"{self.home}/dangling")
        self.refused("exists", *args, f"{self.home}/dangling")
        self.refused("there is no folder", *args, f"{self.home}/a/b")
        self.refused("space or sign", *args, f"{self.home}/a b")
        self.refused("is in handlers/foo", *args, f"{TOP}/docs/foo")
        self.refused("is in handlers/foo", *args, f"{TOP}/handlers/bar")
        self.refused("project's own folder", *args, f"{self.tree}/luosdk/foo")
        self.refused("no Makefile or no Kconfig", *args, f"{self.tree}/include/foo")
        self.refused("--hook is for", *args, f"{self.home}/x", "--hook")
        shutil.rmtree(f"{self.tree}/luosdk")
        self.refused(f"run 'scripts/graft {self.tree}'", *args, f"{self.tree}/drivers/misc/x")

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "root may write anywhere")
    def test_where_it_may_not_write(self):
        os.chmod(self.work, 0o755)
        os.chmod(self.home, 0o555)
        command = [NEW, "foo", "--template", "anon-fd", f"{self.home}/x"]
        if os.geteuid() == 0:
            command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
            shutil.chown(self.home, 65534, 65534)
        proc = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(proc.returncode, 1, proc.stdout)
        self.assertRegex(proc.stdout, "^new-handler: .*cannot be written to; [^\n]*\\.\n$")
        self.assertEqual(os.listdir(self.home), [])

    def test_an_unknown_template_and_missing_words(self):
        text = self.refused("no template 'nope'", "foo", "--template", "nope", f"{self.home}/x")
        for name in self.templates:
            self.assertIn(name, text)
        self.refused("TEMPLATE is missing", "foo", f"{self.home}/x")
        self.refused("DEST is missing", "foo", "--template", "anon-fd")
        proc = subprocess.run(["make", "-s", "-C", TOP, "new", "NAME=foo", "TEMPLATE=anon-fd"],
                              env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        self.assertNotEqual(proc.returncode, 0)
        self.assertIn("new-handler: DEST is missing", proc.stdout)

    def test_nothing_half_made(self):
        """A disk that is full, as far as a process can be made to believe it."""
        self.refused("free space or fix", "foo", "--template", "anon-fd", f"{self.home}/x",
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))

    def test_in_a_tree(self):
        dest = f"{self.tree}/drivers/misc/foo"
        before = snapshot(self.tree)
        text = self.make("foo", dest)
        after = snapshot(self.tree)
        self.assertEqual({k: v for k, v in after.items() if not k.startswith("drivers/misc/foo")},
                         before)
        self.assertFalse(os.path.exists(f"{dest}/luosdk"))
        kbuild = read(f"{dest}/Kbuild")
        self.assertIn("include $(srctree)/luosdk/sdk/Kbuild.include\n", kbuild)
        self.assertIn("include $(srctree)/luosdk/tests/kit/Kbuild.include\n", kbuild)
        self.assertNotIn("../..", kbuild)
        self.assertIn("\tdepends on LUOSDK\n", read(f"{dest}/Kconfig"))
        # What is printed for a person to paste does what --hook does.
        for command in re.findall(r"^ +(echo .*)$", text, re.M):
            subprocess.run(command, shell=True, check=True)
        self.make("bar", f"{self.tree}/drivers/misc/bar", "--hook")
        self.assertEqual(read(f"{self.tree}/drivers/misc/Makefile").splitlines()[1:],
                         ["obj-y += foo/", "obj-y += bar/"])
        self.assertEqual(read(f"{self.tree}/drivers/misc/Kconfig").splitlines()[-2:],
                         ['source "drivers/misc/foo/Kconfig"', 'source "drivers/misc/bar/Kconfig"'])
        self.refuse_name("CONFIG_FOO", "foo", f"{self.tree}/drivers/misc/other")


class Repository(Made):

    def setUp(self):
        super().setUp()
        self.repo = f"{self.home}/foo"
        self.make("foo", self.repo)

    def test_it_names_no_place_that_git_would_keep(self):
        for folder, _, files in os.walk(self.repo):
            for f in files:
                if f != ".luosdk.mk":
                    self.assertNotIn(TOP, read(os.path.join(folder, f)), f)
        self.assertIn("/.luosdk.mk\n", read(f"{self.repo}/.gitignore"))
        self.assertIn(f"LUOSDK ?= {TOP}\n", read(f"{self.repo}/.luosdk.mk"))

    def test_what_is_vendored_is_what_is_here(self):
        for name in ("Kbuild.include", "probe", "libfdt.c", "boot/early"):
            self.assertEqual(read(f"{self.repo}/luosdk/{name}"), read(f"{TOP}/sdk/{name}"))
            self.assertEqual(os.access(f"{self.repo}/luosdk/{name}", os.X_OK),
                             os.access(f"{TOP}/sdk/{name}", os.X_OK))
        self.assertEqual(sorted(os.listdir(f"{self.repo}/luosdk/include/luosdk")),
                         sorted(os.listdir(f"{TOP}/sdk/include/luosdk")))
        version = read(f"{self.repo}/luosdk/VERSION")
        self.assertRegex(version, r"(?m)^commit ([0-9a-f]{40}|unknown)")
        sums = "".join(l + "\n" for l in version.splitlines() if re.match(r"[0-9a-f]{64}  ", l))
        done = subprocess.run(["sha256sum", "--check", "--quiet", "--strict"], input=sums, text=True,
                              cwd=f"{self.repo}/luosdk", capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_headers_are_renewed_but_not_over_edits(self):
        state = f"{self.repo}/luosdk/include/luosdk/state.h"
        whole = snapshot(self.repo)
        status, text = self.new("--update-headers", self.repo)
        self.assertEqual(status, 0, text)
        self.assertEqual(snapshot(self.repo), whole)

        write(state, read(state) + "/* mine */\n")
        self.refused("state.h was edited, which would be lost; .*--force",
                     "--update-headers", self.repo)
        status, text = self.new("--force", "--update-headers", self.repo)
        self.assertEqual(status, 0, text)
        self.assertEqual(snapshot(self.repo), whole)

        os.unlink(state)
        self.refused("state.h is missing", "--update-headers", self.repo)
        self.new("--force", "--update-headers", self.repo)
        write(f"{self.repo}/luosdk/mine.h", "\n")
        self.refused("mine.h was added", "--update-headers", self.repo)
        self.new("--force", "--update-headers", self.repo)
        self.assertEqual(snapshot(self.repo), whole)
        self.refused("no repository that new-handler made", "--update-headers", self.home)

    def test_an_older_copy_becomes_the_new_one(self):
        whole = snapshot(self.repo)
        state = f"{self.repo}/luosdk/include/luosdk/state.h"
        write(state, "/* an older one */\n")
        record = f"{self.repo}/luosdk/VERSION"
        digest = module().digest(state)
        write(record, re.sub(r"[0-9a-f]{64}(?=  include/luosdk/state.h)", digest, read(record)))
        status, text = self.new("--update-headers", self.repo)
        self.assertEqual(status, 0, text)
        self.assertEqual(snapshot(self.repo), whole)

    def test_the_commands_say_what_is_missing(self):
        done = subprocess.run(["make", "-s", "-C", self.repo, "kunit", "LUOSDK=/nowhere"], text=True,
                              env=self.env, capture_output=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("LUOSDK is no checkout of the luosdk project", done.stderr)
        done = subprocess.run(["make", "-s", "-C", self.repo], text=True, env=self.env,
                              capture_output=True, check=False)
        for target in ("modules", "modules_install", "clean", "kunit", "vmtest", "check",
                       "update-headers", "help"):
            self.assertRegex(done.stdout, rf"(?m)^  {target} ")


class Lines(unittest.TestCase):
    """What lines up still does, what does not fit is cut."""

    def renamed(self, text, new="a_rather_long_name_too"):
        return module().Renamer("ab", new).code(text)

    def test_alignment_follows(self):
        self.assertEqual(self.renamed("int ab_f(int a,\n\t int b)\n{\n\tab_g(\"(\", '(', /* ( */\n"
                                      "\t     1);\n}\n", "abcdef"),
                         "int abcdef_f(int a,\n\t     int b)\n{\n\tabcdef_g(\"(\", '(', /* ( */\n"
                         "\t\t 1);\n}\n")

    def test_a_long_line_is_cut_at_the_least_nesting(self):
        text = self.renamed("\treturn f(ab_first_of_all(one, two), ab_second_of_them(three, four), "
                            "ab_third_and_last);\n")
        self.assertEqual(text, "\treturn f(a_rather_long_name_too_first_of_all(one, two),\n"
                               "\t\t a_rather_long_name_too_second_of_them(three, four),\n"
                               "\t\t a_rather_long_name_too_third_and_last);\n")

    def test_a_comment_flows(self):
        text = self.renamed(" */\n/*\n * " + "word " * 14 + "ab_thing\n * and the rest.\n */\n")
        self.assertEqual(text.splitlines()[2:4],
                         [" * " + " ".join(["word"] * 14), " * a_rather_long_name_too_thing and the "
                          "rest."])

    def test_a_macro_keeps_its_backslashes(self):
        text = self.renamed("#define X(a)\t\t\\\n\tab_call(a, ab_one, ab_two, ab_three, ab_four)\t\\\n"
                            "\tend(a)\n")
        self.assertEqual([line[-1] for line in text.splitlines()][:-1],
                         ["\\"] * (len(text.splitlines()) - 1))
        self.assertLessEqual(max(len(l.expandtabs(8)) for l in text.splitlines()), 100)
