# SPDX-License-Identifier: GPL-2.0
"""scripts/build-docs and the rule of scripts/check: what is wrong in a page is a failure."""

import os
import shutil
import subprocess
import unittest

from fake import Case, TOP, read, write

GUARD = """\
/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/guard.h - is this object preserved?
 */
/**
 * luosdk_ask() - Ask.
 * @what: What to ask.
 *
 * Return: 0.
 */
int luosdk_ask(int what);
"""
INDEX = """\
.. SPDX-License-Identifier: GPL-2.0

Pages
=====

.. toctree::
   :glob:

   one
   reference/*
   ../handlers/*/README
"""
ONE = """\
.. SPDX-License-Identifier: GPL-2.0

One
===

See `the handler <../handlers/a/README.rst#more>`_ and `its code <../handlers/a/a.c>`_.

.. graphviz:: one.dot
"""


@unittest.skipUnless(shutil.which("sphinx-build") and shutil.which("dot"),
                     "no Sphinx or no Graphviz; run scripts/ensure-packages --docs")
class BuildDocs(Case):

    @classmethod
    def setUpClass(cls):
        proc = subprocess.run([f"{TOP}/scripts/get-kernel", "--print", "source"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if proc.returncode:
            raise unittest.SkipTest("no kernel source; run scripts/get-kernel source")
        cls.tree = proc.stdout.strip()

    def setUp(self):
        super().setUp()
        self.env["LUOSDK_CACHE"] = self.path("cache")
        write(f"{self.top}/scripts/get-kernel", f"#!/bin/sh\necho {self.tree}\n", 0o755)
        write(f"{self.top}/docs/conf.py", read(f"{TOP}/docs/conf.py"))
        write(f"{self.top}/docs/index.rst", INDEX)
        write(f"{self.top}/docs/one.rst", ONE)
        write(f"{self.top}/docs/one.dot", "digraph one { a -> b }\n")
        write(f"{self.top}/handlers/a/README.rst", ".. SPDX-License-Identifier: GPL-2.0\n\nA\n=\n")
        write(f"{self.top}/sdk/include/luosdk/guard.h", GUARD)

    def test_pages(self):
        before = set(os.listdir(self.top)) | set(os.listdir(f"{self.top}/docs"))
        index = self.works("build-docs").strip()
        self.assertEqual(index, self.path("cache/docs/html/docs/index.html"))
        self.assertEqual(self.works("build-docs", "--print").strip(), index)
        page = read(os.path.join(os.path.dirname(index), "one.html"))
        self.assertIn('href="../handlers/a/README.html#more"', page)
        self.assertNotIn("a.c\"", page)
        self.assertIn("and its code.", page)
        self.assertIn(".svg\"", page)
        self.assertIn("luosdk_ask", read(os.path.join(os.path.dirname(index),
                                                      "reference/guard.html")))
        # A page that the index does not name is there as well.
        self.assertNotIn("More", read(index))
        write(f"{self.top}/docs/two.rst", ONE.replace("One", "Two"))
        self.works("build-docs")
        self.assertRegex(read(index), r'(?s)More<.*href="two.html">Two<')
        os.unlink(f"{self.top}/docs/two.rst")
        # A page that is gone leaves the HTML's sources; the checkout is left alone.
        os.unlink(f"{self.top}/sdk/include/luosdk/guard.h")
        write(f"{self.top}/docs/index.rst", INDEX.replace("   reference/*\n", ""))
        self.works("build-docs")
        self.assertEqual(set(os.listdir(self.top)) | set(os.listdir(f"{self.top}/docs")), before)

    def test_check(self):
        """Each of them once, and mended again."""
        docs = f"{self.top}/docs"
        self.assertEqual(self.script("check", "docs")[0], 0)
        for path, text, says in (
                (f"{docs}/one.rst", ONE.replace("README.rst", "READYOU.rst"),
                 "the link to '../handlers/a/READYOU.rst#more' leads nowhere"),
                (f"{docs}/one.rst", ONE.replace("One\n===", "One page\n===="), "Title underline too short"),
                (f"{docs}/one.dot", "digraph one { a -> }\n", "syntax error"),
                (f"{docs}/two/three.rst", ONE, "isn't included in any toctree"),
                (f"{docs}/index.rst", INDEX.replace("   one\n", "   one\n   gone\n"),
                 "nonexisting document 'docs/gone'"),
                (f"{self.top}/sdk/include/luosdk/guard.h", GUARD.replace("@what", "@who"),
                 "'what' not described in 'luosdk_ask'"),
                (f"{self.top}/sdk/include/luosdk/guard.h", GUARD.replace("Ask.", "**Ask."),
                 "Inline strong start-string")):
            with self.subTest(says=says):
                before = read(path) if os.path.exists(path) else None
                write(path, text)
                for _ in range(2):              # nor is it forgotten
                    status, said = self.script("check", "docs")
                    self.assertIn(says, said)
                    self.assertEqual(status, 1)
                if before is None:
                    os.unlink(path)
                else:
                    write(path, before)
        self.assertEqual(self.script("check", "docs")[0], 0)

    def test_refuses(self):
        os.mkdir(self.path("bin"))
        for name in ("python3", "env", "sphinx-build"):
            os.symlink(shutil.which(name), self.path(f"bin/{name}"))
        self.refuses("dot is missing; run scripts/ensure-packages --docs", "build-docs",
                     PATH=self.path("bin"))
        write(f"{self.top}/scripts/get-kernel", "#!/bin/sh\necho 'get-kernel: no net'; exit 1\n",
              0o755)
        self.refuses("no net", "build-docs")
        write(f"{self.top}/scripts/get-kernel", f"#!/bin/sh\necho {self.top}\n", 0o755)
        self.refuses("has no kernel-doc in Python", "build-docs")
