# SPDX-License-Identifier: GPL-2.0
"""scripts/coccicheck, the kernel's own coccicheck with our rules, and the rule of scripts/check."""

import os
import re
import shutil
import subprocess
import unittest

from fake import Case, TOP, read, write

OWNED = """\
// SPDX-License-Identifier: GPL-2.0
static const struct liveupdate_file_ops lamp_ops = {
	.finish = lamp_finish,
	.owner = THIS_MODULE,
};
"""
LOOSE = OWNED.replace("\t.owner = THIS_MODULE,\n", "")


@unittest.skipUnless(shutil.which("spatch"), "no spatch; run scripts/ensure-packages")
class Coccicheck(Case):

    def setUp(self):
        super().setUp()
        shutil.copytree(f"{TOP}/tools/coccinelle", f"{self.top}/tools/coccinelle")
        self.driver = self.path("driver")
        write(f"{self.driver}/a/lamp.c", LOOSE)
        write(f"{self.driver}/good.c", OWNED)
        write(f"{self.driver}/other.c", "int liveupdate;\n")

    def test_reports(self):
        status, text = self.script("coccicheck", self.driver)
        self.assertEqual(status, 1)
        self.assertIn(f"{self.driver}/a/lamp.c:2:40-48: ERROR: lamp_ops has no .owner", text)
        self.assertIn("[ops_owner]", text)
        self.assertIn("1 reports of 9 rules on 2 files", text)
        self.assertIn("0 reports", self.works("coccicheck", f"{self.driver}/good.c"))
        self.assertIn("0 reports", self.works("coccicheck", "--rule", "goto_cleanup", self.driver))

    def test_each_file_by_itself(self):
        """A rule that looks for what is missing must not find it in the next file."""
        write(f"{self.driver}/a/lamp.c", LOOSE.replace(".finish = lamp_finish", ".preserve = p"))
        write(f"{self.driver}/good.c", OWNED + "int p(void)\n{\n\treturn -EBUSY;\n}\n")
        self.assertIn("lamp.c:2:40-48: WARNING: lamp_ops has no .get_id",
                      self.script("coccicheck", "--rule", "unclaimed", self.driver)[1])

    def test_patches(self):
        """What is printed applies, and then only that is reported which has no patch."""
        for rule in ("alloc_preserve_null", "phys_to_virt_test", "ops_owner"):
            shutil.copy(f"{TOP}/tests/coccinelle/{rule}_wrong.c", self.driver)
        for folder in (self.driver, "."):
            with self.subTest(folder=folder):
                proc = subprocess.run([f"{self.top}/scripts/coccicheck", "--mode", "patch", folder],
                                      cwd=self.driver, check=True, env=self.env,
                                      capture_output=True, text=True)
                self.assertIn("+++ " + ("b/a/lamp.c\n" if folder == "." else
                                        f"{self.driver}/a/lamp.c\n"), proc.stdout)
        subprocess.run(["patch", "--strip=1"], cwd=self.driver, check=True, input=proc.stdout,
                       text=True, stdout=subprocess.DEVNULL)
        self.assertEqual(read(f"{self.driver}/a/lamp.c"), OWNED)
        text = self.script("coccicheck", self.driver)[1]
        left = re.findall(r"^\S+/(\w+)\.c:(\d+):.*\[(?:alloc_|phys_|ops_)\w+\]$", text, re.M)
        self.assertEqual(left, [("alloc_preserve_null_wrong", "51")], text)

    def test_other_modes(self):
        self.assertRegex(self.works("coccicheck", "--mode", "context", f"{self.driver}/a"),
                         r"(?m)^-static const struct liveupdate_file_ops lamp_ops")
        self.assertIn("operations without .owner",
                      self.works("coccicheck", "--mode", "org", f"{self.driver}/a"))

    def test_refuses(self):
        self.refuses("'nowhere' does not exist", "coccicheck", "nowhere")
        os.mkdir(self.path("home"))
        self.refuses("nothing in .* uses LUO", "coccicheck", self.path("home"))
        self.refuses("'x' is none of alloc_preserve_null", "coccicheck", "--rule", "x", ".")
        self.refuses("name a source", "coccicheck")
        self.refuses("no such rule has the mode patch", "coccicheck", "--mode", "patch", "--rule",
                     "unclaimed", self.driver)
        os.mkdir(self.path("bin"))
        for name in ("python3", "env"):
            os.symlink(shutil.which(name), self.path(f"bin/{name}"))
        self.refuses("spatch is missing; install Coccinelle", "coccicheck", self.driver,
                     PATH=self.path("bin"))
        write(f"{self.top}/tools/coccinelle/ops_owner.cocci",
              read(f"{TOP}/tools/coccinelle/ops_owner.cocci") + "@broken@\n@@\n(\n")
        self.refuses("ops_owner.cocci failed", "coccicheck", self.driver)

    def test_the_kernels_own(self):
        proc = subprocess.run([f"{TOP}/scripts/get-kernel", "--print", "source"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if proc.returncode:
            self.skipTest("no kernel source; run scripts/get-kernel source")
        tree = proc.stdout.strip()
        for rule in (f for f in os.listdir(f"{TOP}/tools/coccinelle") if f.endswith(".cocci")):
            with self.subTest(rule=rule):
                folder = self.path(f"of-{rule[:-6]}")
                os.mkdir(folder)
                wrong = rule.replace(".cocci", "_wrong.c")
                shutil.copy(f"{TOP}/tests/coccinelle/{wrong}", folder)
                said = subprocess.run(["bash", f"{tree}/scripts/coccicheck"], cwd=self.work,
                                      check=True, capture_output=True, text=True, env=dict(
                                          self.env, MODE="report", J="1", srctree=tree,
                                          srcroot=folder, COCCI=f"{TOP}/tools/coccinelle/{rule}"))
                want = [n for n, line in enumerate(read(f"{folder}/{wrong}").splitlines(), 1)
                        if line.endswith("/* flagged */")]
                got = {int(n) for n in re.findall(rf"{wrong}:(\d+):", said.stdout)}
                self.assertEqual(sorted(got), want, said.stdout)

    def check(self):
        status, text = self.script("check", "coccinelle")
        self.assertEqual(bool(status), not re.search(r" 0 failed$", text.rstrip()))
        return text

    def test_check(self):
        """Each thing that can be wrong, by itself."""
        rule = "tools/coccinelle/ops_owner.cocci"
        shutil.rmtree(f"{self.top}/tools/coccinelle")
        write(f"{self.top}/{rule}", read(f"{TOP}/{rule}"))
        names = {"wrong": "tests/coccinelle/ops_owner_wrong.c",
                 "right": "tests/coccinelle/ops_owner_right.c",
                 "list": "tests/coccinelle/mutants.list", "ours": "handlers/a/a.c",
                 "reference": "tests/mutants/notebook.c", "mutant": "tests/mutants/17-x.patch"}
        good = {"wrong": LOOSE.replace("= {", "= {\t/* flagged */"), "right": OWNED, "ours": OWNED,
                "reference": OWNED, "list": "17-x\tops_owner\n",
                "mutant": "--- a/tests/mutants/notebook.c\n+++ b/tests/mutants/notebook.c\n"
                          "@@ -2,4 +2,3 @@\n static const struct liveupdate_file_ops lamp_ops = {\n"
                          " \t.finish = lamp_finish,\n-\t.owner = THIS_MODULE,\n };\n"}
        for change, says in (
                ({}, r"coccinelle: \d+ passed, 0 failed"),
                ({"wrong": OWNED.replace("= {", "= {\t/* flagged */")},
                 r"ops_owner_wrong.c:2: ops_owner does not see this"),
                ({"wrong": LOOSE}, r"ops_owner_wrong.c:2: ops_owner sees something here"),
                ({"wrong": OWNED}, r"ops_owner_wrong.c: no line ends with /\* flagged \*/"),
                ({"right": LOOSE}, r"ops_owner_right.c:2: ops_owner sees something here"),
                ({"right": None}, r"ops_owner.cocci: no tests/coccinelle/ops_owner_right.c"),
                ({"ours": LOOSE}, r"handlers/a/a.c:2:.* lamp_ops has no .owner"),
                ({"list": ""}, r"17-x.patch: ops_owner sees it, and .* does not say so"),
                ({"mutant": good["mutant"].replace("2,3", "2,4").replace(
                    " };", "+\t.owner = OTHER,\n };")},
                 r"17-x.patch: ops_owner does not see it"),
                ({"mutant": None}, r"17-x.patch: ops_owner does not see it"),
                ({"mutant": good["mutant"].replace("finish", "freeze")}, r"17-x.patch does not apply"),
                ({"reference": LOOSE, "mutant": None, "list": ""},
                 r"tests/mutants/notebook.c:2:.* lamp_ops has no .owner")):
            with self.subTest(says=says, change=change):
                for name, path in names.items():
                    text = {**good, **change}[name]
                    if text is None:
                        os.unlink(f"{self.top}/{path}")
                    else:
                        write(f"{self.top}/{path}", text)
                self.assertRegex(self.check(), says)
