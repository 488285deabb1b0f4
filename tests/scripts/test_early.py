# SPDX-License-Identifier: GPL-2.0
"""sdk/boot: a module that is loaded before anything opens /dev/liveupdate.

Beside what the script writes, the real mkinitramfs and dracut are asked what they make of
it, in a mount namespace whose /lib/modules has one module that is nothing but its name.
"""

import glob
import os
import shutil
import subprocess
import unittest

from fake import TOP, Case, read, snapshot, write

RELEASE = "7.3.4-luosdk"
EARLY = f"{TOP}/sdk/boot/early"
FILES = ("etc/modules-load.d/{}.conf", "etc/initramfs-tools/hooks/{}", "etc/dracut.conf.d/{}.conf")


def namespace():
    """The command that runs another one with mounts of its own; None where that is refused."""
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        if shutil.which("unshare") and not subprocess.run(
                [*command, "mount", "-t", "tmpfs", "x", "/mnt"], check=False,
                stderr=subprocess.DEVNULL).returncode:
            return command
    return None


class Early(Case):

    def setUp(self):
        super().setUp()
        self.root = self.path("root")
        os.mkdir(self.root)

    def early(self, *args):
        """(status, output)"""
        proc = subprocess.run([EARLY, *args], env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return proc.returncode, proc.stdout

    def refused(self, pattern, *args):
        before = snapshot(self.root)
        status, text = self.early("--root", self.root, *args)
        self.assertNotEqual(status, 0, text)
        self.assertRegex(text, f"^early: .*{pattern}.*\n$")
        self.assertEqual(snapshot(self.root), before)

    def test_three_files_of_its_name(self):
        status, text = self.early("--root", self.root, "one_luo", "two")
        self.assertEqual(status, 0, text)
        self.assertIn("update-initramfs -u", text)
        for module in ("one_luo", "two"):
            for name in FILES:
                self.assertRegex(read(f"{self.root}/{name.format(module)}"), rf"\b{module}\b")
        self.assertEqual(len(glob.glob(f"{self.root}/etc/**/*.*", recursive=True)), 6)
        self.assertEqual(subprocess.run(f"grep -r foo_bar {self.root}", shell=True, check=False,
                                        stdout=subprocess.PIPE).returncode, 1)
        lines = read(f"{self.root}/{FILES[0].format('two')}").splitlines()
        self.assertEqual([l for l in lines if l[0] != "#"], ["two"])
        self.assertTrue(os.access(f"{self.root}/{FILES[1].format('two')}", os.X_OK))

    def test_removed(self):
        before = snapshot(self.root)
        self.early("--root", self.root, "one_luo")
        self.assertNotEqual(snapshot(self.root), before)
        status, text = self.early("--root", self.root, "--remove", "one_luo")
        self.assertEqual(status, 0, text)
        self.assertEqual([f for _, _, f in os.walk(self.root) if f], [])

    def test_refused(self):
        self.refused("name the module")
        self.refused("'../x' is no name of a module", "../x")
        self.refused("'one-luo.ko' is no name of a module", "two", "one-luo.ko")
        self.refused("'--no-such' is no option", "--no-such", "two")
        self.refused("there is no directory .*/nowhere", "--root", self.path("nowhere"), "two")
        write(f"{self.root}/etc", "a file\n")
        self.refused("cannot be written", "two")

    # --- What makes an initramfs

    def system(self, tool, package):
        """A root with a kernel that has the module one_luo; returns what runs in it."""
        space = namespace()
        if not shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            raise unittest.SkipTest(f"{tool} is not installed; install {package}")
        if not space:
            raise unittest.SkipTest("no mount namespaces: run this as root")
        self.early("--root", self.root, "one_luo")
        modules = f"{self.root}/lib/modules/{RELEASE}"
        source = self.path("one_luo.S")
        write(source, '.section .modinfo, "a"\n.asciz "name=one_luo"\n.asciz "license=GPL"\n')
        os.makedirs(f"{modules}/updates")
        subprocess.run(["gcc", "-c", "-o", f"{modules}/updates/one_luo.ko", source], check=True)
        for name in ("order", "builtin", "builtin.modinfo"):
            write(f"{modules}/modules.{name}", "")
        subprocess.run(["depmod", "-b", self.root, RELEASE], check=True,
                       env=dict(self.env, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
        write(f"{self.root}/boot/config-{RELEASE}", "CONFIG_RD_GZIP=y\nCONFIG_BLK_DEV_INITRD=y\n")
        return lambda script: subprocess.run(
            [*space, "sh", "-ec", f"""
PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd {self.work}
if ! [ -d /lib/modules ]; then
	mkdir -p over
	mount -t tmpfs over over
	mkdir over/upper over/work
	mount -t overlay -o lowerdir=/lib,upperdir=over/upper,workdir=over/work over /lib
	mkdir /lib/modules
fi
mount --bind {self.root}/lib/modules /lib/modules
mount --bind {self.root}/boot /boot
{script}"""], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def test_mkinitramfs(self):
        """The module is in the initramfs, and the line that has its /init load it."""
        inside = self.system("mkinitramfs", "initramfs-tools-core")
        config = f"{self.root}/etc/initramfs-tools"
        for folder in glob.glob("/etc/initramfs-tools/scripts/*"):
            os.makedirs(f"{config}/scripts/{os.path.basename(folder)}")
        os.mkdir(f"{config}/conf.d")
        write(f"{config}/initramfs.conf", "MODULES=list\nBUSYBOX=auto\nCOMPRESS=gzip\n")
        write(f"{config}/modules", "")
        done = inside(f"""mkdir out tmp
TMPDIR=$PWD/tmp mkinitramfs -d {config} -o initrd {RELEASE}
unmkinitramfs initrd out""")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotRegex(done.stdout, "one_luo")
        out = self.path("out")
        self.assertTrue(glob.glob(f"{out}/**/one_luo.ko", recursive=True), done.stdout)
        self.assertEqual(read(f"{out}/conf/modules").split(), ["one_luo"])

        # A kernel without it: said, and no reason for a system without an initramfs.
        os.unlink(f"{self.root}/lib/modules/{RELEASE}/updates/one_luo.ko")
        done = inside(f"""depmod {RELEASE}
TMPDIR=$PWD/tmp mkinitramfs -d {config} -o initrd2 {RELEASE}""")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, f"W: there is no module one_luo for {RELEASE}: ")

    def test_dracut(self):
        inside = self.system("dracut", "dracut-core")
        done = inside(f"""mkdir tmp out
dracut --force --tmpdir tmp --confdir {self.root}/etc/dracut.conf.d --conf /dev/null \\
	--no-hostonly --modules base --no-compress --nostrip initrd {RELEASE}
cd out
cpio -idm --quiet < ../initrd""")
        self.assertEqual(done.returncode, 0, done.stdout)
        out = self.path("out")
        self.assertTrue(glob.glob(f"{out}/**/one_luo.ko", recursive=True), done.stdout)
        asked = "".join(read(f) for f in glob.glob(f"{out}/etc/cmdline.d/*"))
        self.assertRegex(asked, r"(?m)^rd\.driver\.pre=one_luo$", done.stdout)
