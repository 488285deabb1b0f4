# SPDX-License-Identifier: GPL-2.0
"""scripts/get-kernel: what it takes, what it refuses, and what an interruption leaves."""

import fcntl
import http.server
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

from fake import Archive, Case, PATCH, TOP, make_tree, read, snapshot, write


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


class KernelCase(Case):

    def setUp(self):
        super().setUp()
        self.cache = self.path("cache")
        self.env["LUOSDK_CACHE"] = self.cache

    def clean_cache(self, source=False):
        """Nothing half-made is in the cache, and (unless told) no source either."""
        self.assertFalse(os.path.exists(f"{self.cache}/tmp"))
        names = [os.path.join(d, n) for d, _, f in os.walk(self.cache) for n in f]
        self.assertEqual([n for n in names if n.endswith((".tmp", ".deb", ".busy"))], [])
        if not source:
            self.assertFalse(os.path.exists(f"{self.cache}/source"), names)

    def tree(self):
        return self.works("get-kernel", "--print", "source").strip()

    def build_dir(self, name="um"):
        return self.works("get-kernel", "--print", name).strip()

    def runs(self, folder=None):
        return read((folder or self.build_dir()) + "/runs").count("run")

    def start(self, *args, **more):
        return subprocess.Popen([f"{self.top}/scripts/get-kernel", *args],
                                env=dict(self.env, **more), stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class FromTheArchive(KernelCase):
    """The distribution's source: a real apt against a small signed archive."""

    @classmethod
    def setUpClass(cls):
        if not all(shutil.which(t) for t in ("apt-get", "dpkg-deb", "gpg")):
            raise unittest.SkipTest("apt, dpkg and gpg are needed")

    def setUp(self):
        super().setUp()
        self.archive = Archive(self.path())
        self.addCleanup(self.archive.stop)
        self.env["APT_CONFIG"] = self.archive.apt_config()

    def test_takes_the_newest_release_of_the_series(self):
        self.archive.add("trixie-backports", "linux-source-7.3", "7.3.4-1~bpo13+1")
        self.archive.add("trixie-backports", "linux-source-7.2", "7.2.9-1")
        self.archive.add("unstable", "linux-source-7.3", "7.3.12-1")
        self.archive.add("unstable", "linux-source-7.3", "7.3.9-1")
        self.archive.add("experimental", "linux-source-7.3", "7.3.20~rc1-1~exp1")
        self.archive.add("experimental", "linux-source-7.4", "7.4.1-1~exp1")
        self.archive.publish()
        text = self.works("get-kernel", "source")
        self.assertIn("fetching linux-source-7.3 7.3.12-1", text)
        self.assertRegex(text, r"(?m)^\[ +\d+ s\] unpacking linux-source-7.3$")
        tree = self.tree()
        self.assertIn("int two;", read(f"{tree}/fs/eventfd.c"))
        self.assertEqual(os.readlink(f"{tree}/luosdk/handlers/a/a.c"), f"{self.top}/handlers/a/a.c")
        self.clean_cache(source=True)
        # Not a byte in the machine's own apt state.
        self.assertEqual(snapshot(self.path("machine-state")), {})
        # Again, with the archive gone: nothing to do.
        shutil.rmtree(self.archive.root)
        self.assertEqual(self.works("get-kernel", "source"), "")

    def test_update_takes_a_newer_one(self):
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1")
        self.archive.publish()
        self.works("get-kernel", "source")
        self.archive.add("unstable", "linux-source-7.3", "7.3.5-1")
        self.archive.publish()
        self.works("get-kernel", "source")
        stamp = f"{self.cache}/source/package-7.3/source.json"
        self.assertEqual(json.loads(read(stamp))["version"], "7.3.4-1")
        self.works("get-kernel", "source", "--update")
        self.assertEqual(json.loads(read(stamp))["version"], "7.3.5-1")
        self.clean_cache(source=True)

    def test_a_candidate_only_where_nothing_else_is(self):
        self.archive.add("experimental", "linux-source-7.3", "7.3~rc4-1~exp1")
        self.archive.add("unstable", "linux-source-7.2", "7.2.9-1")
        self.archive.publish()
        text = self.works("get-kernel", "source")
        self.assertIn("7.3 is only there as a candidate (7.3~rc4-1~exp1)", text)

    def test_series_gone_takes_the_newest(self):
        self.archive.add("unstable", "linux-source-7.4", "7.4.2-1")
        self.archive.add("unstable", "linux-source-7.5", "7.5.1-1")
        self.archive.add("experimental", "linux-source-7.6", "7.6~rc1-1~exp1")
        self.archive.publish()
        text = self.works("get-kernel", "source")
        self.assertIn("no linux-source-7.3 there any more; taking the newest, "
                      "linux-source-7.5 7.5.1-1", text)
        self.assertIn("int two;", read(f"{self.tree()}/fs/eventfd.c"))

    def test_another_series_on_request(self):
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1")
        self.archive.add("unstable", "linux-source-7.2", "7.2.9-1")
        self.archive.publish()
        self.assertIn("linux-source-7.2 7.2.9-1", self.works("get-kernel", "source",
                                                             KERNEL_SERIES="7.2"))

    def test_nothing_with_luo(self):
        self.archive.add("unstable", "linux-source-6.12", "6.12.9-1")
        self.archive.publish()
        self.refuses("no linux-source-7.3 and none with LUO.*KERNEL_SRC=", "get-kernel", "source")
        self.clean_cache()

    def test_package_without_luo(self):
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1", luo=False)
        self.archive.publish()
        self.refuses("without the Live Update Orchestrator.*KERNEL_SRC=", "get-kernel", "source")
        self.clean_cache()

    def test_no_network(self):
        self.archive.apt_config("http://127.0.0.1:9/debian")
        self.refuses("archive cannot be reached .*127.0.0.1.*KERNEL_SRC=", "get-kernel", "source")
        self.clean_cache()

    def test_no_archive_configured(self):
        shutil.rmtree(self.path("machine.sources.d"))
        os.mkdir(self.path("machine.sources.d"))
        self.refuses("names no archive.*KERNEL_SRC=", "get-kernel", "source")

    def test_signed_by_somebody_else(self):
        os.mkdir(self.path("other"))
        other = Archive(self.path("other"))
        self.addCleanup(other.stop)
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1")
        self.archive.publish(key=other)
        self.refuses("signature does not verify", "get-kernel", "source")
        self.clean_cache()

    def test_damaged_package(self):
        deb = self.archive.add("unstable", "linux-source-7.3", "7.3.4-1")
        self.archive.publish()
        with open(deb, "r+b") as f:
            f.seek(1000)
            f.write(b"damage")
        self.refuses("arrived damaged: its checksum", "get-kernel", "source")
        self.clean_cache()

    def test_damage_that_apt_does_not_see(self):
        # The script's own check: an apt-get that hands over another file than it was asked for.
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1")
        self.archive.publish()
        write(self.path("bin/apt-get"), '#!/bin/sh\ncase "$*" in *download*) echo x > x.deb;; '
                                        '*) exec /usr/bin/apt-get "$@";; esac\n', 0o755)
        self.refuses("arrived damaged: its checksum", "get-kernel", "source",
                     PATH=f"{self.path('bin')}:{self.env['PATH']}")
        self.clean_cache()

    def test_no_apt(self):
        os.mkdir(self.path("bin"))
        for tool in ("python3", "env", "git", "patch", "tar", "xz", "cp", "gcc"):
            os.symlink(shutil.which(tool), self.path("bin", tool))
        self.refuses("has no apt.*KERNEL_SRC=", "get-kernel", "source", PATH=self.path("bin"))

    def serve_slowly(self):
        """The archive over HTTP; packages stop half-way until .go is set."""
        root, test = self.archive.root, self
        self.go = threading.Event()
        self.stalled = threading.Event()

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=root)

            def log_message(self, *args):
                pass

            def copyfile(self, source, out):
                data = source.read()
                if self.path.endswith(".deb") and not test.go.is_set():
                    out.write(data[:len(data) // 2])
                    out.flush()
                    test.stalled.set()
                    test.go.wait(60)
                    data = data[len(data) // 2:]
                out.write(data)

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *args):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.addCleanup(self.go.set)
        self.archive.apt_config(f"http://127.0.0.1:{server.server_port}")

    def test_interrupted_download(self):
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1", padding=3000000)
        self.archive.publish()
        self.serve_slowly()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                self.stalled.clear()
                proc = self.start("source")
                self.assertTrue(self.stalled.wait(20))
                proc.send_signal(number)
                text, _ = proc.communicate(timeout=20)
                self.assertEqual(proc.returncode, 130, text)
                self.assertRegex(text, "(?m)^get-kernel: interrupted; .* run the same command again")
                self.clean_cache()
        self.go.set()
        self.works("get-kernel", "source")
        self.clean_cache(source=True)

    def test_killed_download(self):
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1", padding=3000000)
        self.archive.publish()
        self.serve_slowly()
        proc = self.start("source")
        self.assertTrue(self.stalled.wait(20))
        proc.kill()
        proc.communicate()
        self.assertTrue(os.listdir(f"{self.cache}/tmp"))        # what it could not clear
        self.go.set()
        self.works("get-kernel", "source")
        self.clean_cache(source=True)

    @unittest.skipIf(os.geteuid(), "mounting needs root")
    def test_disk_full_half_way(self):
        self.archive.add("unstable", "linux-source-7.3", "7.3.4-1", padding=3000000)
        self.archive.publish()
        os.mkdir(self.cache)
        for size in ("2m", "5m"):       # the package does not fit; it does and its content does not
            with self.subTest(size=size):
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.cache],
                               check=True)
                self.addCleanup(subprocess.run, ["umount", self.cache], check=False,
                                stderr=subprocess.DEVNULL)
                script = f"{self.top}/scripts/get-kernel"
                text = read(f"{TOP}/scripts/get-kernel")
                write(script, text.replace('"source": 6000', '"source": 0'), 0o755)
                self.refuses("no space left in the cache", "get-kernel", "source")
                self.clean_cache()
                subprocess.run(["umount", self.cache], check=True)

    @unittest.skipIf(os.geteuid(), "mounting needs root")
    def test_too_small_from_the_start(self):
        os.mkdir(self.cache)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", self.cache], check=True)
        self.addCleanup(subprocess.run, ["umount", self.cache], check=True)
        self.refuses("MB free and source needs 6000 MB", "get-kernel", "source")
        self.clean_cache()


class FromATree(KernelCase):
    """KERNEL_SRC=, the patched copy and the builds."""

    def setUp(self):
        super().setUp()
        self.src = self.path("linux")
        make_tree(self.src)
        self.env["KERNEL_SRC"] = self.src

    def test_the_tree_is_only_read(self):
        for git in (False, True):
            with self.subTest(git=git):
                if git:
                    self.git(self.src, "init", "-q")
                    self.git(self.src, "add", "-A")
                    self.git(self.src, "commit", "-q", "-m", "x")
                before = snapshot(self.src)
                self.works("get-kernel", "um", "x86_64")
                self.assertEqual(snapshot(self.src), before)
                self.assertIn("int two;", read(f"{self.tree()}/fs/eventfd.c"))
                self.clean_cache(source=True)

    def test_what_was_built_or_grafted_in_the_tree_stays_there(self):
        write(f"{self.src}/.config", "CONFIG_OLD=y\n")
        write(f"{self.src}/fs/eventfd.o", "object")
        other = self.make_project("other")
        self.works("graft", self.src, top=other)
        before = snapshot(self.src)
        self.works("get-kernel", "source")
        tree = self.tree()
        self.assertFalse(os.path.exists(f"{tree}/.config"))
        self.assertFalse(os.path.exists(f"{tree}/fs/eventfd.o"))
        self.assertEqual(os.readlink(f"{tree}/luosdk/Kbuild"), f"{self.top}/Kbuild")
        self.assertEqual(snapshot(self.src), before)

    def test_an_edit_of_the_tree_is_seen(self):
        self.works("get-kernel", "um")
        self.assertEqual(self.runs(), 1)
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\nint more;\n")
        self.works("get-kernel", "um")
        self.assertEqual(self.runs(), 2)
        self.assertIn("int more;", read(f"{self.build_dir()}/linux"))

    def test_patches_that_are_in_already(self):
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint two;\n/* end */\n")
        text = self.works("get-kernel", "source")
        self.assertIn("patches/7.3/0001-eventfd.patch: the tree has it already", text)

    def test_a_patch_that_does_not_apply(self):
        write(f"{self.src}/fs/eventfd.c", "/* other */\nint three;\n/* words */\n")
        text = self.refuses("0001-eventfd.patch does not apply", "get-kernel", "source")
        self.assertIn("rebase the patch", text)
        self.clean_cache(source=True)
        self.refuses("source is not there yet", "get-kernel", "--print", "source")

    def test_not_a_kernel_and_no_luo(self):
        os.unlink(f"{self.src}/kernel/liveupdate/luo_file.c")
        self.refuses("7.3.4 without the Live Update Orchestrator", "get-kernel", "source")
        os.unlink(f"{self.src}/Makefile")
        self.refuses("not the top of a kernel source tree", "get-kernel", "source")
        shutil.rmtree(self.src)
        self.refuses("is not a directory", "get-kernel", "source")
        self.clean_cache()

    def test_a_changed_patch_rebuilds_what_it_touches(self):
        self.works("get-kernel", "um")
        tree, build = self.tree(), self.build_dir()
        old = os.stat(f"{tree}/fs/eventfd.c").st_mtime_ns
        other = os.stat(f"{tree}/fs/other.c").st_mtime_ns
        write(f"{self.top}/patches/7.3/0001-eventfd.patch", PATCH.replace("two", "three"))
        self.works("get-kernel", "um")
        self.assertEqual((self.tree(), self.build_dir()), (tree, build))
        self.assertIn("int three;", read(f"{build}/linux"))
        self.assertGreater(os.stat(f"{tree}/fs/eventfd.c").st_mtime_ns, old)
        self.assertEqual(os.stat(f"{tree}/fs/other.c").st_mtime_ns, other)
        pristine = f"{self.cache}/source/{os.listdir(self.cache + '/source')[0]}/tree/fs/eventfd.c"
        first = os.stat(pristine).st_mtime_ns
        # Without the patch the file has its old content again, and yet must look new to make.
        old = os.stat(f"{tree}/fs/eventfd.c").st_mtime_ns
        os.unlink(f"{self.top}/patches/7.3/0001-eventfd.patch")
        self.works("get-kernel", "um")
        self.assertIn("int one;", read(f"{build}/linux"))
        self.assertGreater(os.stat(f"{tree}/fs/eventfd.c").st_mtime_ns, old)
        # The two shared that file until its time was set.
        self.assertEqual(os.stat(pristine).st_mtime_ns, first)

    def test_a_patch_changed_in_words_only_rebuilds_nothing(self):
        self.works("get-kernel", "um")
        old = os.stat(f"{self.tree()}/fs/eventfd.c").st_mtime_ns
        write(f"{self.top}/patches/7.3/0001-eventfd.patch", PATCH.replace("say two", "say 2"))
        self.works("get-kernel", "um")
        self.assertEqual(os.stat(f"{self.tree()}/fs/eventfd.c").st_mtime_ns, old)

    # --- Builds --------------------------------------------------------------------

    def test_builds_and_says_so(self):
        text = self.works("get-kernel", "all")
        for name in ("um", "um-debug", "x86_64"):
            self.assertRegex(text, rf"(?m)^\[ +\d+ s\] {name}: building")
        config = read(f"{self.build_dir('um')}/.config")
        self.assertIn("CONFIG_TINY=y\nCONFIG_KUNIT=y\n", config)
        self.assertIn("CONFIG_A=y\n", config)                   # handlers/a/.kunitconfig
        self.assertNotIn("CONFIG_KASAN", config)
        self.assertIn("CONFIG_KASAN=y\n", read(f"{self.build_dir('um-debug')}/.config"))
        self.assertIn("CONFIG_LIVEUPDATE=y\n", read(f"{self.build_dir('x86_64')}/.config"))
        self.clean_cache(source=True)

    def test_second_time_runs_nothing(self):
        self.works("get-kernel", "um")
        start = time.monotonic()
        self.assertIn("um: up to date", self.works("get-kernel", "um"))
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(self.runs(), 1)

    def test_a_project_edit_is_an_incremental_build(self):
        self.works("get-kernel", "um")
        build = self.build_dir()
        write(f"{self.top}/handlers/a/a.c", "int changed_here;\n")
        text = self.works("get-kernel", "um")
        self.assertNotIn("configuring", text)
        self.assertEqual((self.build_dir(), self.runs()), (build, 2))
        self.assertIn("changed_here", read(f"{build}/linux"))

    def test_a_new_project_file_is_grafted(self):
        self.works("get-kernel", "um")
        write(f"{self.top}/handlers/b/Kbuild", "obj-y += b.o\n")
        self.works("get-kernel", "um")
        self.assertTrue(os.path.exists(f"{self.tree()}/luosdk/handlers/b/Kbuild"))

    def test_a_changed_fragment_configures_anew(self):
        self.works("get-kernel", "um")
        write(f"{self.top}/tests/kit/uml.config", "CONFIG_KUNIT=y\nCONFIG_MORE=m\n")
        self.assertIn("configuring", self.works("get-kernel", "um"))
        self.assertIn("CONFIG_MORE=m\n", read(f"{self.build_dir()}/.config"))

    def test_an_option_that_does_not_take(self):
        write(f"{self.top}/tests/kit/uml.config", "CONFIG_KUNIT=y\n\nCONFIG_NEVER=y\n")
        self.refuses(r"did not take CONFIG_NEVER=y \(tests/kit/uml.config:3\)", "get-kernel", "um")
        self.refuses("um is not there yet", "get-kernel", "--print", "um")

    def test_a_bad_fragment(self):
        write(f"{self.top}/tests/kit/uml.config", "KUNIT=y\n")
        self.refuses("uml.config:1: 'KUNIT=y' is no CONFIG_ line", "get-kernel", "um")

    def test_a_build_that_fails(self):
        write(f"{self.src}/fs/other.c", "")
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\n// FAIL\n")
        text = self.refuses("um: the build failed", "get-kernel", "um")
        self.assertIn("    fs/eventfd.c:1:1: error: it is broken", text)
        log = text.rstrip().rpartition("log is ")[2]
        self.assertIn("it is broken", read(log))
        self.refuses("um is not there yet", "get-kernel", "--print", "um")
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\n")
        self.works("get-kernel", "um")

    def test_disk_full_during_a_build(self):
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\n// FULL\n")
        self.refuses("no space left in the cache", "get-kernel", "um")
        self.clean_cache(source=True)
        self.assertEqual([d for d, _, _ in os.walk(self.cache) if d.endswith("/um")], [])

    def slow_build(self):
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\n// SLOW\n")
        proc = self.start("um")
        half = f"{self.cache}/kernel"
        self.assertTrue(wait_for(lambda: any("half.o" in f for _, _, f in os.walk(half))))
        return proc

    def test_interrupted_build(self):
        proc = self.slow_build()
        proc.terminate()
        text, _ = proc.communicate(timeout=20)
        self.assertEqual(proc.returncode, 130, text)
        self.assertRegex(text, "(?m)^get-kernel: interrupted; ")
        self.clean_cache(source=True)
        self.refuses("um is not there yet", "get-kernel", "--print", "um")
        self.no_orphans()

    def test_killed_build(self):
        proc = self.slow_build()
        proc.kill()
        proc.communicate()
        self.no_orphans()
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\n")
        text = self.works("get-kernel", "um")
        self.assertIn("starting afresh after a build that was killed", text)
        self.assertFalse(os.path.exists(f"{self.build_dir()}/half.o"))
        self.clean_cache(source=True)

    def no_orphans(self):
        """No process of the build lives on."""
        def gone():
            out = subprocess.run(["pgrep", "-f", f"O={self.cache}/"], stdout=subprocess.PIPE,
                                 text=True, check=False).stdout
            return not out.strip()
        self.assertTrue(wait_for(gone, 10))

    def test_two_at_once(self):
        write(f"{self.src}/fs/eventfd.c", "/* eventfd */\nint one;\n/* end */\n")
        os.makedirs(self.cache)
        with open(f"{self.cache}/.lock-source", "w", encoding="utf-8") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)                    # until all of them wait
            procs = [self.start("um") for _ in range(3)]
            for p in procs:
                self.assertIn("waiting for another get-kernel", p.stdout.readline())
        texts = [p.communicate(timeout=60)[0] for p in procs]
        self.assertEqual([p.returncode for p in procs], [0, 0, 0], texts)
        self.assertEqual(self.runs(), 1, texts)
        self.assertEqual(sum("copying" in t for t in texts), 1, texts)

    def one_overtakes(self, top):
        """Two see no tree; the one of @top waits until the other one is done."""
        self.works("get-kernel", "source")                      # the source is there, a tree is not
        shutil.rmtree(f"{self.cache}/kernel")
        with open(f"{self.cache}/.lock-source", "w", encoding="utf-8") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            procs = []
            for place in (self.top, top):
                p = subprocess.Popen([f"{place}/scripts/get-kernel", "um"], env=self.env, text=True,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
                self.assertIn("waiting for another get-kernel", p.stdout.readline())
                procs.append(p)
            procs[1].send_signal(signal.SIGSTOP)
        first = procs[0].communicate(timeout=60)[0]
        procs[1].send_signal(signal.SIGCONT)
        second = procs[1].communicate(timeout=60)[0]
        self.assertEqual([p.returncode for p in procs], [0, 0], first + second)
        return first + second

    def test_overtaken_it_finds_all_done(self):
        texts = self.one_overtakes(self.top)
        self.assertEqual(self.runs(), 1, texts)

    def test_overtaken_by_another_checkout_it_takes_the_next_slot(self):
        other = self.make_project("other")
        texts = self.one_overtakes(other)
        folders = [self.works("get-kernel", "--print", "um", top=top).strip()
                   for top in (self.top, other)]
        self.assertNotEqual(*folders)
        self.assertEqual([self.runs(f) for f in folders], [1, 1], texts)

    # --- Checkouts -----------------------------------------------------------------

    def test_two_checkouts_share_the_source_and_no_tree(self):
        self.works("get-kernel", "um")
        other = self.make_project("other")
        self.works("get-kernel", "um", top=other)
        there = self.works("get-kernel", "--print", "source", top=other).strip()
        self.assertNotEqual(there, self.tree())
        self.assertEqual(os.readlink(f"{there}/luosdk/Kbuild"), f"{other}/Kbuild")
        self.assertEqual(os.readlink(f"{self.tree()}/luosdk/Kbuild"), f"{self.top}/Kbuild")
        self.assertEqual(len(os.listdir(f"{self.cache}/source")), 1)

    def test_the_place_of_a_vanished_checkout_is_used_again(self):
        other = self.make_project("other")
        self.works("get-kernel", "um", top=other)
        there = self.works("get-kernel", "--print", "um", top=other).strip()
        os.unlink(f"{there}/luosdk/a.o")
        write(f"{there}/luosdk/stale.o", "of the other checkout")
        shutil.rmtree(other)
        self.works("get-kernel", "um")
        self.assertEqual(self.build_dir(), there)
        self.assertFalse(os.path.exists(f"{there}/luosdk/stale.o"))
        self.assertEqual(os.readlink(f"{self.tree()}/luosdk/Kbuild"), f"{self.top}/Kbuild")

    def test_clean(self):
        self.works("get-kernel", "um")
        self.works("get-kernel", "--clean")
        self.refuses("not there yet", "get-kernel", "--print", "um")
        self.assertTrue(os.listdir(f"{self.cache}/source"))
        self.works("get-kernel", "um")

    # --- Bad surroundings ----------------------------------------------------------

    def test_cache_with_a_space(self):
        self.refuses("space or colon in its name", "get-kernel", "source",
                     LUOSDK_CACHE=self.path("a cache"))

    def test_cache_that_cannot_be_written(self):
        write(self.path("file"), "")
        self.refuses("cannot be written to", "get-kernel", "source",
                     LUOSDK_CACHE=self.path("file/cache"))

    def test_bad_series(self):
        self.refuses("KERNEL_SERIES=seven is not a series", "get-kernel", "source",
                     KERNEL_SERIES="seven")

    def test_missing_tools(self):
        os.mkdir(self.path("bin"))
        for tool in ("python3", "env", "git"):
            os.symlink(shutil.which(tool), self.path("bin", tool))
        self.refuses("patch, tar, xz, cp not found; run scripts/ensure-packages", "get-kernel",
                     "source", PATH=self.path("bin"))

    def test_missing_fragment(self):
        os.unlink(f"{self.top}/tests/kit/uml.config")
        self.refuses("tests/kit/uml.config is missing", "get-kernel", "um")


class Pieces(unittest.TestCase):
    """Functions of the script that are easier to see alone."""

    @classmethod
    def setUpClass(cls):
        loader = importlib.machinery.SourceFileLoader("get_kernel", f"{TOP}/scripts/get-kernel")
        spec = importlib.util.spec_from_loader("get_kernel", loader)
        cls.module = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode = True
        loader.exec_module(cls.module)

    def test_one_line_sources(self):
        text = ("# deb http://commented.example x main\n"
                "deb-src http://a.example/debian bookworm main\n"
                "deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main contrib # x\n"
                "deb http://b.example/debian bookworm main\n")
        self.assertEqual(self.module.one_line(text), [
            {"uri": "http://a.example/debian", "suites": ["bookworm"],
             "components": ["main", "contrib"], "signed-by": "/k.gpg"},
            {"uri": "http://b.example/debian", "suites": ["bookworm"], "components": ["main"],
             "signed-by": ""}])

    def test_deb822_sources(self):
        text = ("# comment\nTypes: deb deb-src\nURIs: http://a.example/ http://b.example/\n"
                "Suites: bookworm bookworm-updates\n# inside\nComponents: main\nSigned-By:\n -----BEGIN\n .\n X\n"
                "\nTypes: deb\nEnabled: no\nURIs: http://off.example/\nSuites: bookworm\nComponents: main\n"
                "\nTypes: deb-src\nURIs: http://src.example/\nSuites: bookworm\nComponents: main\n")
        self.assertEqual([(e["uri"], e["suites"], e["signed-by"]) for e in self.module.deb822(text)],
                         [(u, ["bookworm", "bookworm-updates"], "\n -----BEGIN\n .\n X")
                          for u in ("http://a.example/", "http://b.example/")])

    def test_ubuntu_and_foreign_archives(self):
        m = self.module
        m_release, m_sources = m.os_release, m.apt_sources
        self.addCleanup(setattr, m, "os_release", m_release)
        self.addCleanup(setattr, m, "apt_sources", m_sources)
        m.os_release = lambda: {"ID": "ubuntu", "VERSION_CODENAME": "noble"}
        m.apt_sources = lambda: [
            {"uri": "http://u.example", "suites": ["noble"], "components": ["main"], "signed-by": "/u"},
            {"uri": "http://ppa.example", "suites": ["nodistro"], "components": ["main"],
             "signed-by": "/p"}]
        text = m.private_sources()
        self.assertIn("URIs: http://u.example\nSuites: devel\nComponents: main\nSigned-By: /u\n", text)
        self.assertNotIn("ppa", text)
        m.os_release = lambda: {"ID": "debian", "VERSION_CODENAME": "trixie"}
        m.apt_sources = lambda: [{"uri": "http://d.example", "suites": ["trixie"],
                                  "components": ["main"], "signed-by": "/d"}]
        text = m.private_sources()
        self.assertNotIn("bookworm-backports", text)
        for suite in ("trixie-backports", "forky-backports", "unstable", "experimental"):
            self.assertIn(f"Suites: {suite}\n", text)
