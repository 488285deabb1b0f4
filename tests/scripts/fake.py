# SPDX-License-Identifier: GPL-2.0
"""Small stand-ins for what the scripts work on: a checkout, a kernel tree, an archive.

The kernel tree has a Makefile that answers the goals get-kernel asks for; the archive
is a real apt repository, signed with a key made for the test.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import textwrap
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

PATCH = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Date: Sat, 1 Jan 2022 00:00:00 +0000
Subject: [PATCH] eventfd: say two

---
--- a/fs/eventfd.c
+++ b/fs/eventfd.c
@@ -1,3 +1,3 @@
 /* eventfd */
-int one;
+int two;
 /* end */
"""

# Writes what get-kernel looks at. CONFIG_NEVER never takes; FAIL and SLOW in
# fs/eventfd.c make the build fail and linger.
MAKEFILE = """\
# SPDX-License-Identifier: GPL-2.0
VERSION = {0}
PATCHLEVEL = {1}
SUBLEVEL = {2}
EXTRAVERSION =

# Two goals of one recipe write the same files.
.NOTPARALLEL:

tinyconfig:
	@mkdir -p $(O)
	@echo 'CONFIG_TINY=y' > $(O)/.config
olddefconfig:
	@sed -i '/CONFIG_NEVER/d' $(O)/.config
mrproper:
	@rm -rf .config include/config
all bzImage modules:
	@echo run >> $(O)/runs
	@mkdir -p $(O)/luosdk $(O)/arch/x86/boot
	@echo object > $(O)/luosdk/a.o
	@! grep -q FAIL fs/eventfd.c || {{ echo 'fs/eventfd.c:1:1: error: it is broken'; exit 1; }}
	@! grep -q FULL fs/eventfd.c || {{ echo 'ld: final close failed: No space left on device'; exit 1; }}
	@if grep -q SLOW fs/eventfd.c; then echo half > $(O)/half.o; sleep 60; fi
	@cat fs/eventfd.c luosdk/handlers/a/a.c > $(O)/linux
	@cp $(O)/linux $(O)/arch/x86/boot/bzImage
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def make_tree(path, version="7.3.4", luo=True):
    """A kernel tree, as far as the scripts look at one."""
    write(f"{path}/Makefile", MAKEFILE.format(*version.split(".")))
    write(f"{path}/Kbuild", "# SPDX-License-Identifier: GPL-2.0\nobj-y += init/\nobj-y += fs/\n")
    write(f"{path}/Kconfig", 'mainmenu "x"\n\nsource "init/Kconfig"\n\nsource "fs/Kconfig"\n')
    write(f"{path}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\n")
    write(f"{path}/fs/other.c", "int other;\n")
    if luo:
        write(f"{path}/kernel/liveupdate/luo_file.c", "/* LUO */\n")


def snapshot(path):
    """{name: what it is} of everything below path: content, mode, link target."""
    found = {}
    for folder, dirs, files in os.walk(path):
        for name in dirs + files:
            p = os.path.join(folder, name)
            mode = os.lstat(p).st_mode
            if os.path.islink(p):
                what = os.readlink(p)
            elif os.path.isdir(p):
                what = "dir"
            else:
                with open(p, "rb") as f:
                    what = hashlib.sha256(f.read()).hexdigest()
            found[os.path.relpath(p, path)] = (mode, what)
    return found


class Case(unittest.TestCase):
    """A temporary directory with a checkout of a small project in it."""

    maxDiff = None

    def setUp(self):
        self.work = os.path.realpath(tempfile.mkdtemp(prefix="luosdk-test."))
        os.chmod(self.work, 0o755)      # apt's own user reads the archive
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("LUOSDK_", "KERNEL_", "GIT_", "MAKE", "APT_"))}
        self.env["GIT_CONFIG_GLOBAL"] = self.path("gitconfig")
        self.env["GIT_CONFIG_NOSYSTEM"] = "1"
        write(self.path("gitconfig"), "[user]\n\tname = A\n\temail = a@example.org\n"
                                      "[init]\n\tdefaultBranch = main\n")
        self.top = self.make_project("project")

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def make_project(self, name):
        top = self.path(name)
        os.makedirs(top)
        shutil.copytree(os.path.join(TOP, "scripts"), os.path.join(top, "scripts"))
        for f in ("Kbuild", "Kconfig"):
            shutil.copy2(os.path.join(TOP, f), top)
        write(f"{top}/.gitignore", "*.o\n")
        write(f"{top}/sdk/include/luosdk/a.h", "/* a */\n")
        write(f"{top}/handlers/a/a.c", "int a;\n")
        write(f"{top}/handlers/a/Kbuild", "obj-y += a.o\n")
        write(f"{top}/handlers/a/Kconfig", "config A\n\tbool\n")
        write(f"{top}/handlers/a/.kunitconfig", "CONFIG_A=y\n")
        write(f"{top}/tests/kit/uml.config", "CONFIG_KUNIT=y\n# CONFIG_OFF is not set\n")
        write(f"{top}/tests/kit/debug.config", "CONFIG_KASAN=y\n")
        write(f"{top}/tests/kit/run-kunit", "#!/bin/sh\n", 0o755)
        write(f"{top}/tests/scripts/test_a.py", "\n")
        write(f"{top}/tests/vm/x86_64.config", "CONFIG_LIVEUPDATE=y\n")
        write(f"{top}/patches/7.3/0001-eventfd.patch", PATCH)
        self.git(top, "init", "-q")
        self.git(top, "add", "-A")
        self.git(top, "commit", "-q", "-m", "first")
        return top

    def git(self, folder, *args):
        subprocess.run(["git", "-C", folder, *args], check=True, env=self.env,
                       stdin=subprocess.DEVNULL, capture_output=True)

    def script(self, name, *args, top=None, **more):
        """Run one of the checkout's scripts. Returns (status, its whole output)."""
        env = dict(self.env, **more)
        proc = subprocess.run([os.path.join(top or self.top, "scripts", name), *args],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=env, check=False,
                              timeout=120)
        self.assertNotIn("Traceback", proc.stdout)
        return proc.returncode, proc.stdout

    def works(self, name, *args, **more):
        status, text = self.script(name, *args, **more)
        self.assertEqual(status, 0, text)
        return text

    def refuses(self, pattern, name, *args, **more):
        """The script fails with one sentence that matches; returns its output."""
        status, text = self.script(name, *args, **more)
        self.assertNotEqual(status, 0, text)
        said = [l for l in text.splitlines() if l.startswith(f"{name}: ")]
        self.assertEqual(len(said), 1, text)
        self.assertRegex(said[0], pattern)
        return text


class Archive:
    """An apt repository with linux-source packages, in a folder, signed by a key of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.home = os.path.join(folder, "gnupg")
        self.root = os.path.join(folder, "repo")
        os.makedirs(self.home, mode=0o700)
        os.makedirs(self.root)
        self.packages = {}
        self.gpg("--passphrase", "", "--quick-generate-key", "test@example.org", "ed25519",
                 "sign", "never")
        self.key = os.path.join(folder, "key.gpg")
        with open(self.key, "wb") as f:
            f.write(self.gpg("--export"))

    def gpg(self, *args, data=b""):
        return subprocess.run(["gpg", "--homedir", self.home, "--batch", "--quiet", "--yes", *args],
                              input=data, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def stop(self):
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False,
                       stderr=subprocess.DEVNULL)

    def add(self, suite, name, version, luo=True, padding=0):
        """Put a package of linux-source into a suite; padding makes it large."""
        work = tempfile.mkdtemp(dir=self.folder)
        series = name.rpartition("-")[2]
        make_tree(f"{work}/tree/{name}", f"{series}.{version.split('-')[0].count('.') and 4}", luo)
        if padding:
            with open(f"{work}/tree/{name}/padding", "wb") as f:
                f.write(os.urandom(padding))
        os.makedirs(f"{work}/deb/usr/src")
        subprocess.run(["tar", "-C", f"{work}/tree", "-cJf", f"{work}/deb/usr/src/{name}.tar.xz", name],
                       check=True, env=dict(os.environ, XZ_OPT="-0"))
        write(f"{work}/deb/DEBIAN/control", textwrap.dedent(f"""\
            Package: {name}
            Version: {version}
            Architecture: all
            Maintainer: A <a@example.org>
            Description: a source
            """))
        os.makedirs(f"{self.root}/pool", exist_ok=True)
        file = f"pool/{name}_{version.replace(':', '%3a')}_all.deb"
        subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", f"{work}/deb",
                        f"{self.root}/{file}"], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(work)
        with open(f"{self.root}/{file}", "rb") as f:
            data = f.read()
        self.packages.setdefault(suite, []).append(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@example.org>\n"
            f"Filename: {file}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
            "Description: a source\n")
        return f"{self.root}/{file}"

    def publish(self, key=None):
        """Write and sign the indices."""
        arch = subprocess.run(["dpkg", "--print-architecture"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()
        for suite, stanzas in self.packages.items():
            index = f"main/binary-{arch}/Packages"
            text = "\n".join(stanzas)
            write(f"{self.root}/dists/{suite}/{index}", text)
            data = text.encode()
            release = (f"Origin: Test\nSuite: {suite}\nCodename: {suite}\n"
                       "Date: Sat, 01 Jan 2022 00:00:00 UTC\n"
                       f"Architectures: {arch}\nComponents: main\nSHA256:\n"
                       f" {hashlib.sha256(data).hexdigest()} {len(data)} {index}\n")
            signed = (key or self).gpg("--clearsign", data=release.encode())
            with open(f"{self.root}/dists/{suite}/InRelease", "wb") as f:
                f.write(signed)

    def apt_config(self, uri=None):
        """A configuration of apt whose only archive this is. Returns its path."""
        path = os.path.join(self.folder, "apt.conf")
        sources = os.path.join(self.folder, "machine.sources.d")
        write(f"{sources}/debian.sources",
              f"Types: deb\nURIs: {uri or 'file:' + self.root}\nSuites: stable\nComponents: main\n"
              f"Signed-By: {self.key}\n")
        state = os.path.join(self.folder, "machine-state")
        os.makedirs(state, exist_ok=True)
        write(path, f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{sources}";\n'
                    f'Dir::State "{state}";\nAcquire::http::Proxy "DIRECT";\n')
        return path
