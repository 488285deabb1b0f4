# SPDX-License-Identifier: GPL-2.0
"""scripts/build-modules, and what refuses a kernel: sdk/probe, the Kbuild files, dkms.conf.

The kernel is a small one: the files that the probe reads, and a Makefile that enters
folders as the kernel's does, with the project's real Kbuild files, and notes what it
would compile.
"""

import glob
import os
import re
import shutil
import subprocess
import time

from fake import TOP, Case, read, snapshot, write

# The declarations that the probe looks for, in the form they have in the kernel.
LIVEUPDATE_H = """\
/**
 * struct liveupdate_file_op_args - Arguments.
 * @session: not a member, only a word of a comment
 */
struct liveupdate_file_op_args {
	struct liveupdate_file_handler *handler;
	int retrieve_status;	/* 0: not tried */
	struct file *file;
};

struct liveupdate_file_ops {
	unsigned long (*get_id)(struct file *file);
	struct module *owner;
};
"""

LUO_FILE_C = """\
int liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
}
EXPORT_SYMBOL_GPL(liveupdate_register_file_handler);
"""

AUTO_CONF = "".join(f"CONFIG_{name}=y\n" for name in (
    "MODULES", "KEXEC_HANDOVER", "LIVEUPDATE", "CRC32", "EVENTFD"))

EXPORTS = ("liveupdate_register_file_handler", "liveupdate_unregister_file_handler",
           "crc32c", "eventfd_ctx_mirror")

MAKEFILE = """\
# SPDX-License-Identifier: GPL-2.0
VERSION = 7
PATCHLEVEL = 3
SUBLEVEL = 4

modules modules_install:
	@test -z "$(MO)" || mkdir -p $(MO)
	@rm -f $(or $(MO),$(M))/modules.order
	@$(MAKE) --no-print-directory -f {0}/folder.mk KBUILD_EXTMOD=$(M) objtree={1} goal=$@
"""

# One folder of a build, as scripts/Makefile.build goes about it; folders last to first,
# as they may come with several jobs.
FOLDER_MK = """\
.DEFAULT_GOAL := all
srctree := {0}
CONFIG_SHELL := /bin/sh
top := $(or $(KBUILD_EXTMOD),$(srctree)/luosdk)
out := $(or $(MO),$(top))
src := $(top)$(addprefix /,$(F))
obj := .$(addprefix /,$(F))
include $(src)/Kbuild
all := $(obj-y) $(if $(KBUILD_EXTMOD),$(obj-m))

.PHONY: all FORCE $(all)
all: $(filter templates/%,$(all)) $(all)
$(filter %/,$(all)):
	@$(MAKE) --no-print-directory -f {0}/folder.mk F=$(@:%/=%)
$(filter %.o,$(all)):
	@echo '  CC [M]  $(F)/$@'
	@echo '$(F)/$@' >> $(objtree)/compiled
	@! grep -q FAIL $(src)/*.c || {{ echo 'error: it is broken'; exit 1; }}
	@! grep -q SLOW $(src)/*.c || {{ echo half > $(out)/half; sleep 60; }}
	@mkdir -p $(out)/$(F) && echo '$(ccflags-y)' > $(out)/$(F)/$(@:.o=.ko)
	@echo '$(F)/$@' >> $(out)/modules.order
	@test $(goal) = modules || install -D $(out)/$(F)/$(@:.o=.ko) \\
		$(INSTALL_MOD_PATH)/lib/modules/7.3.4/updates/$(F)/$(@:.o=.ko)
"""


class BuildModules(Case):

    def setUp(self):
        super().setUp()
        shutil.rmtree(f"{self.top}/handlers/a")
        for name in ("sdk/probe", "sdk/Kbuild.include", "sdk/libfdt.c", "handlers/eventfd/Kbuild",
                     "templates/anon-fd/Kbuild", "tests/kit/Kbuild.include", "dkms.conf",
                     *(os.path.relpath(f, TOP) for f in glob.glob(f"{TOP}/sdk/boot/*"))):
            os.makedirs(os.path.dirname(f"{self.top}/{name}"), exist_ok=True)
            shutil.copy2(f"{TOP}/{name}", f"{self.top}/{name}")
        for name in ("handlers/eventfd/eventfd_luo.c", "templates/anon-fd/anon_fd.c"):
            write(f"{self.top}/{name}", "int a;\n")
        shutil.rmtree(f"{self.top}/patches")
        shutil.copytree(f"{TOP}/patches", f"{self.top}/patches")
        self.tree, self.build = self.path("linux"), self.path("build")
        self.cache = self.path("cache")
        self.env["LUOSDK_CACHE"] = self.cache
        self.make_kernel()

    def make_kernel(self):
        for path in (self.tree, self.build):
            shutil.rmtree(path, ignore_errors=True)
        write(f"{self.tree}/Makefile", MAKEFILE.format(self.tree, self.build))
        write(f"{self.tree}/folder.mk", FOLDER_MK.format(self.tree))
        write(f"{self.tree}/include/linux/liveupdate.h", LIVEUPDATE_H)
        write(f"{self.tree}/include/linux/eventfd.h",
              "void eventfd_ctx_mirror(struct eventfd_ctx *ctx, __u64 *mirror);\n")
        write(f"{self.tree}/kernel/liveupdate/luo_file.c", LUO_FILE_C)
        write(f"{self.build}/Makefile", f"# Automatically generated\ninclude {self.tree}/Makefile\n")
        write(f"{self.build}/.config", AUTO_CONF)
        write(f"{self.build}/include/config/auto.conf", AUTO_CONF)
        write(f"{self.build}/include/generated/autoconf.h", "")
        write(f"{self.build}/Module.symvers", "".join(
            f"0x00000000\t{name}\tvmlinux\tEXPORT_SYMBOL_GPL\t\n" for name in EXPORTS))

    def drop(self, name, pattern=None):
        """Remove a file of the kernel, or the lines of it that match."""
        path = self.path(name)
        if pattern is None:
            os.unlink(path)
            return
        lines = read(path).splitlines(keepends=True)
        kept = [l for l in lines if not re.search(pattern, l)]
        self.assertNotEqual(kept, lines, "the test changes nothing")
        write(path, "".join(kept))

    def compiled(self):
        path = f"{self.build}/compiled"
        found = sorted(read(path).split()) if os.path.exists(path) else []
        if found:
            os.unlink(path)
        return found

    def make(self, *args, folder=None):
        """The kernel's own way. Returns (status, output)."""
        proc = subprocess.run(["make", "--no-print-directory", "-C", folder or self.build, *args],
                              env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
        return proc.returncode, proc.stdout

    def plainly(self, *args):
        return self.make(f"M={self.top}", *args, "modules")

    def one_sentence(self, text):
        """What a refusal says, without who says it; make adds where it stopped."""
        said = [l for l in text.splitlines() if re.search(r"luosdk: |build-modules: ", l)]
        self.assertEqual(len(said), 1, text)
        return re.sub(r"^.*?(luosdk|build-modules): ", "", said[0]).split("; or leave")[0] \
            .removesuffix("  Stop.").removesuffix(".")

    def refused(self, pattern, plain=True, rest=False):
        """Both ways refuse with the same sentence, compile nothing and leave nothing.

        rest: the kernel is good for the other folders, and the sentence says so. The folder
        that it is not good for is handlers/eventfd, or the one that is given.
        """
        top = snapshot(self.top)
        text = self.refuses(pattern, "build-modules", self.build)
        folder = rest if isinstance(rest, str) else "handlers/eventfd"
        self.assertEqual(f"; or leave it out with '--without {folder}'." in text, bool(rest), text)
        why = self.one_sentence(text)
        self.assertRegex(why, "^" + pattern + "$")
        self.refuses(pattern, "build-modules", "--check", self.build)
        self.assertFalse(os.path.exists(f"{self.cache}/modules"))
        if plain:
            status, text = self.plainly()
            self.assertNotEqual(status, 0, text)
            self.assertEqual(self.one_sentence(text), why)
            self.assertEqual(snapshot(self.top), top)
        self.assertEqual(self.compiled(), [])

    # --- What is refused

    def test_no_directory(self):
        self.build = self.path("nowhere")
        self.refused(".*/nowhere is not a directory: give a kernel's build directory as KDIR.*",
                     plain=False)

    def test_no_kernel(self):
        for folder in ("empty", "else"):
            self.build = self.path(folder)
            os.makedirs(self.build)
            if folder == "else":
                write(f"{self.build}/Makefile", "include ../nothing/Makefile\nall:\n")
            self.refused(".* is not a kernel build directory: give the O= directory .* as KDIR",
                         plain=False)

    def test_not_configured(self):
        for name in (".config", "include/config/auto.conf", "include/generated/autoconf.h"):
            self.drop(f"build/{name}")
        self.refused(r".*/build is not configured \(no \.config\): configure and build it first")

    def test_a_source_tree_that_was_never_built(self):
        self.build = self.tree
        self.refused(r".*/linux is not configured \(no \.config\): configure and build it first",
                     plain=False)

    def test_not_built(self):
        for name in ("include/config/auto.conf", "include/generated/autoconf.h"):
            with self.subTest(name=name):
                self.make_kernel()
                self.drop(f"build/{name}")
                self.refused(".*/build is configured but not built: run 'make -C .*/build' first")

    def test_not_built_to_its_end(self):
        self.drop("build/Module.symvers")
        self.refused(r".*/build is not built to its end \(no Module\.symvers\): run 'make -C "
                     ".*/build' first")

    def test_no_modules(self):
        self.drop("build/include/config/auto.conf", "CONFIG_MODULES")
        self.refused(r".*/build takes no modules: set CONFIG_MODULES=y and rebuild it.*")

    def test_no_luo(self):
        self.drop("linux/include/linux/liveupdate.h")
        self.refused(r".*/linux has no Live Update Orchestrator \(no include/linux/liveupdate\.h\)"
                     r": take Linux 6\.19\.9 or later")

    def test_luo_switched_off(self):
        self.drop("build/include/config/auto.conf", "CONFIG_LIVEUPDATE")
        self.refused(".*/build has its Live Update Orchestrator switched off: "
                     "set CONFIG_LIVEUPDATE=y and rebuild it")
        self.drop("build/include/config/auto.conf", "CONFIG_KEXEC_HANDOVER")
        self.refused(".* switched off: set CONFIG_KEXEC_HANDOVER=y and CONFIG_LIVEUPDATE=y and "
                     "rebuild it")

    def test_too_old(self):
        self.drop("linux/include/linux/liveupdate.h", "retrieve_status")
        self.refused(r".*/linux is too old: it forgets that a retrieve failed .*; "
                     r"update it to 6\.19\.9 or later")

    def test_too_old_whatever_a_comment_says(self):
        path = f"{self.tree}/include/linux/liveupdate.h"
        write(path, read(path).replace("int retrieve_status;", "/* no retrieve_status */"))
        self.refused(".* is too old: .*")

    def test_no_crc32(self):
        self.drop("build/include/config/auto.conf", "CONFIG_CRC32")
        self.refused(r".*/build has no crc32c\(\), .*: set CONFIG_CRC32=y and rebuild it")

    def test_crc32_not_built_yet(self):
        self.drop("build/Module.symvers", "crc32c")
        self.refused(r".*/build was built without crc32c\(\) .*: run 'make -C .*/build' again")

    def want_libfdt(self):
        """The template saves a device tree, and the kernel has what that takes."""
        path = f"{self.top}/templates/anon-fd/Kbuild"
        write(path, read(path).replace("\ninclude", "\nluosdk-libfdt := yes\ninclude", 1))
        for name in ("include/linux/libfdt.h", "include/linux/libfdt_env.h",
                     "scripts/dtc/libfdt/libfdt.h", "scripts/dtc/libfdt/fdt.c",
                     "scripts/dtc/libfdt/fdt_ro.c"):
            write(f"{self.tree}/{name}", "/* libfdt */\n")

    def probed(self, *args):
        """Whether the probe finds that handlers can look for other files of their session."""
        proc = subprocess.run(["sh", f"{self.top}/sdk/probe", *args], check=True, text=True,
                              stdout=subprocess.PIPE)
        return "-DLUOSDK_HAVE_SESSION" in proc.stdout.split()

    def test_look_ups(self):
        """The session, and both functions; a module has to be allowed to call them."""
        header, symvers = f"{self.tree}/include/linux/liveupdate.h", f"{self.build}/Module.symvers"
        functions = ("liveupdate_get_token_outgoing", "liveupdate_get_file_incoming")
        declared = "".join(f"int {f}(struct liveupdate_session *s);\n" for f in functions)
        exported = "".join(f"0x0\t{f}\tvmlinux\tEXPORT_SYMBOL_GPL\t\n" for f in functions)
        member = LIVEUPDATE_H.replace("\tint retrieve_status;",
                                      "\tstruct liveupdate_session *session;\n\tint retrieve_status;")
        module, symbols = ("--module", self.build), read(symvers)
        self.assertNotEqual(member, LIVEUPDATE_H)

        write(symvers, symbols + exported)
        for text, found in ((LIVEUPDATE_H, False), (LIVEUPDATE_H + declared, False),
                            (member, False), (member + declared.split("\n", maxsplit=1)[0], False),
                            (f"{member}/* {functions[0]}(s), {functions[1]}(s) */\n", False),
                            (member + declared, True)):
            write(header, text)
            self.assertEqual((self.probed(self.tree), self.probed(*module)), (found, found), text)
        for lines in ("", exported.split("\n", maxsplit=1)[0] + "\n"):
            write(symvers, symbols + lines)
            self.assertEqual((self.probed(self.tree), self.probed(*module)), (True, False), lines)

    def test_with_libfdt(self):
        self.want_libfdt()
        path = f"{self.top}/templates/anon-fd/Kbuild"
        write(path, read(path) + "obj-$(luosdk-anon-fd) += $(luosdk-libfdt-$(luosdk-anon-fd))\n")
        self.works("build-modules", self.build)
        self.assertIn("templates/anon-fd/luosdk_libfdt.o", self.compiled())
        status, text = self.plainly()
        self.assertEqual(status, 0, text)
        self.assertIn("templates/anon-fd/luosdk_libfdt.o", self.compiled())

    def test_no_libfdt(self):
        for name in ("include/linux/libfdt.h", "scripts/dtc/libfdt/fdt_ro.c"):
            with self.subTest(name=name):
                self.want_libfdt()
                self.drop(f"linux/{name}")
                self.refused(rf".*/linux has no {re.escape(name)}, of which a module .*: give a "
                             "build directory whose kernel source is complete as KDIR",
                             rest="templates/anon-fd")
        self.works("build-modules", "--without", "templates/anon-fd", self.build)

    def want_flb(self):
        """The template's files share state, which takes a function that a patch exports."""
        path = f"{self.top}/templates/anon-fd/Kbuild"
        write(path, read(path).replace("\ninclude", "\nluosdk-needs := liveupdate_register_flb "
                                       "kernel/liveupdate/luo_flb.c "
                                       "0005-liveupdate-let-modules-share-state-by-FLBs\n"
                                       "luosdk-needs-$(luosdk-anon-fd) := $(luosdk-needs)\n"
                                       "include", 1))
        write(f"{self.tree}/kernel/liveupdate/luo_flb.c",
              "EXPORT_SYMBOL_GPL(liveupdate_register_flb);\n")

    def test_with_flb(self):
        self.want_flb()
        symvers = f"{self.build}/Module.symvers"
        write(symvers, read(symvers) +
              "0x00000000\tliveupdate_register_flb\tvmlinux\tEXPORT_SYMBOL_GPL\t\n")
        self.works("build-modules", self.build)

    def test_flb_not_exported(self):
        self.want_flb()
        self.drop("linux/kernel/liveupdate/luo_flb.c", "EXPORT")
        self.refused(r".*/build does not let modules use liveupdate_register_flb\(\), which is not "
                     r"exported, for which there is a patch: apply it with 'patch -d .*/linux -p1 "
                     r"-i .*/patches/7\.3/0005-[\w-]+\.patch' and rebuild the kernel",
                     rest="templates/anon-fd")

    def test_flb_exported_and_not_rebuilt(self):
        self.want_flb()
        self.refused(r".*/linux lets modules use liveupdate_register_flb\(\), and the kernel in "
                     ".*/build was built before that: run 'make -C .*/build' again",
                     rest="templates/anon-fd")

    # --- The suites as modules

    SUITES = ["handlers/eventfd/eventfd_luo_test.o", "sdk/kunit/luosdk_test.o",
              "templates/anon-fd/anon_fd_luo_test.o", "tests/kit/luokit.o"]

    def want_kunit(self):
        """The kernel has KUnit, LUO's core and the patch that the kit needs."""
        for name in ("handlers/eventfd/Kconfig", "templates/anon-fd/Kconfig", "sdk/kunit/Kconfig",
                     "sdk/kunit/Kbuild", "tests/kit/Kbuild"):
            os.makedirs(os.path.dirname(f"{self.top}/{name}"), exist_ok=True)
            shutil.copy2(f"{TOP}/{name}", f"{self.top}/{name}")
        self.make_kernel()
        self.want_libfdt()
        path = f"{self.build}/include/config/auto.conf"
        write(path, read(path) + "CONFIG_KUNIT=m\n")
        write(f"{self.tree}/kernel/liveupdate/luo_core.c", "int a;\n")
        write(f"{self.tree}/kernel/kallsyms.c",
              "EXPORT_SYMBOL_IF_KUNIT(kallsyms_lookup_size_offset);\n")
        path = f"{self.build}/Module.symvers"
        write(path, read(path) + "0x0\tkallsyms_lookup_size_offset\tvmlinux\tEXPORT_SYMBOL\t"
              "EXPORTED_FOR_KUNIT_TESTING\n")

    def kunit_refused(self, pattern):
        """The suites are, in both ways, and the handlers are not."""
        why = self.one_sentence(self.refuses(pattern, "build-modules", "--kunit", self.build))
        self.assertRegex(why, "^" + pattern + "$")
        status, text = self.plainly("LUOSDK_KUNIT=y", "CONFIG_LUOSDK_LUOKIT=m")
        self.assertNotEqual(status, 0, text)
        self.assertEqual(self.one_sentence(text), why)
        self.assertEqual(self.compiled(), [])
        self.works("build-modules", self.build)
        self.assertEqual(len([f for f in self.compiled() if "libfdt" not in f]), 2)

    def test_with_kunit(self):
        self.want_kunit()
        self.works("build-modules", self.build)
        self.assertEqual(set(self.compiled()) & set(self.SUITES), set())
        self.works("build-modules", "--kunit", self.build)
        compiled = self.compiled()
        self.assertLess(set(self.SUITES), set(compiled), compiled)
        self.assertIn("handlers/eventfd/eventfd_luo.o", compiled)
        self.assertFalse([f for f in compiled if "_kunit.o" in f], compiled)
        plain, kunit = (self.works("build-modules", "--print", *option, self.build).strip()
                        for option in ([], ["--kunit"]))
        self.assertNotEqual(plain, kunit)
        self.assertTrue(os.path.exists(f"{kunit}/tests/kit/luokit.ko"))
        self.assertFalse(os.path.exists(f"{plain}/tests/kit/luokit.ko"))
        self.works("build-modules", "--clean", self.build)
        self.assertFalse(os.path.exists(kunit))

    def test_no_kunit(self):
        self.want_kunit()
        self.drop("build/include/config/auto.conf", "CONFIG_KUNIT")
        self.kunit_refused(r".*/build has no KUnit, which runs the suites: set CONFIG_KUNIT=y "
                           r"\(or m\) and rebuild it, or leave them out")

    def test_kunit_without_the_core(self):
        self.want_kunit()
        self.drop("linux/kernel/liveupdate/luo_core.c")
        self.kunit_refused(r".*/linux has no kernel/liveupdate/luo_core\.c, on which suites run: give "
                           "a build directory whose kernel source is complete as KDIR, or .*")

    def test_kunit_without_the_patch(self):
        self.want_kunit()
        self.drop("build/Module.symvers", "kallsyms")
        self.kunit_refused(r".*/linux lets modules use kallsyms_lookup_size_offset\(\), and the "
                           ".*/build was built before that: run 'make -C .*/build' again")
        self.drop("linux/kernel/kallsyms.c")
        self.kunit_refused(r".*/build does not let modules use kallsyms_lookup_size_offset\(\), .* "
                           r"apply it with 'patch -d .*/linux -p1 -i "
                           r".*/patches/7\.3/0006-[\w-]+\.patch' and rebuild the kernel")

    def test_registration_not_exported(self):
        for name in ("liveupdate_register_file_handler", "liveupdate_unregister_file_handler"):
            with self.subTest(name=name):
                self.make_kernel()
                self.drop("build/Module.symvers", rf"\t{name}\t")
                self.drop("linux/kernel/liveupdate/luo_file.c", "EXPORT")
                self.refused(rf".*/build does not let modules register .*{name} is not exported.*: "
                             r"apply it with 'patch -d .*/linux -p1 -i "
                             r".*/patches/7\.3/0001-[\w-]+\.patch' and rebuild the kernel")

    def test_the_remedy_names_a_patch_that_is_there(self):
        self.drop("build/Module.symvers", "liveupdate_register")
        self.drop("linux/kernel/liveupdate/luo_file.c", "EXPORT")
        text = self.refuses("patch -d", "build-modules", self.build)
        self.assertIn("register_file_handler", read(re.search(r"-i ([^']+)'", text)[1]))

    def test_headers_alone_without_the_export(self):
        shutil.rmtree(f"{self.tree}/kernel")    # as a distribution's headers package has it
        self.drop("build/Module.symvers", r"\tliveupdate_register")
        self.refused(".* does not let modules register .*")

    def test_patched_but_not_rebuilt(self):
        self.drop("build/Module.symvers", r"\tliveupdate_register")
        self.refused(".*/linux lets modules register file handlers, and the kernel in .*/build was "
                     "built before that: run 'make -C .*/build' again")

    def test_no_eventfd_patch(self):
        self.drop("linux/include/linux/eventfd.h", "mirror")
        self.refused(r".*/linux lacks eventfd_ctx_mirror\(\) in include/linux/eventfd\.h, for which "
                     r"there is a patch: apply it with 'patch -d .*/linux -p1 -i "
                     r".*/patches/7\.3/0002-[\w-]+\.patch' and rebuild the kernel", rest=True)

    def test_eventfd_patch_not_rebuilt(self):
        self.drop("build/Module.symvers", r"\teventfd_ctx_mirror")
        self.refused(r".*/linux declares eventfd_ctx_mirror\(\), and the kernel in .*/build was built "
                     "before that or without the code .*run 'make -C .*/build' again", rest=True)

    def test_without_eventfd_the_rest_builds(self):
        self.drop("linux/include/linux/eventfd.h", "mirror")
        text = self.refuses("or leave it out with '--without handlers/eventfd'", "build-modules",
                            self.build)
        option = re.search(r"'(--without \S+)'", text)[1].split()
        self.works("build-modules", *option, self.build)
        self.assertEqual(self.compiled(), ["templates/anon-fd/anon_fd.o"])
        status, text = self.plainly("LUOSDK_WITHOUT=handlers/eventfd")
        self.assertEqual((status, self.compiled()), (0, ["templates/anon-fd/anon_fd.o"]), text)
        status, text = self.make(f"M={self.top}/templates/anon-fd", "modules")
        self.assertEqual((status, self.compiled()), (0, ["/anon_fd.o"]), text)

    def test_in_tree_without_the_eventfd_patch(self):
        """Built in, what refuses is the handler's own Kbuild, when its option is on."""
        shutil.copytree(self.top, f"{self.tree}/luosdk")

        def build(*options):
            return self.make("-f", f"{self.tree}/folder.mk", f"objtree={self.build}",
                             "CONFIG_LUOSDK=y", "CONFIG_LUOSDK_ANON_FD=y", *options)

        on = "CONFIG_LUOSDK_EVENTFD=y"
        status, text = build(on)
        self.assertEqual(status, 0, text)
        self.assertIn("handlers/eventfd/eventfd_luo.o", self.compiled())
        self.drop("linux/include/linux/eventfd.h", "mirror")
        status, text = build()
        self.assertEqual((status, self.compiled()), (0, ["templates/anon-fd/anon_fd.o"]), text)
        for option in (on, "CONFIG_LUOSDK_EVENTFD=m", "CONFIG_EVENTFD_LUO_KUNIT_TEST=y"):
            status, text = build(option)
            self.assertNotEqual(status, 0, text)
            self.assertRegex(self.one_sentence(text), r"lacks eventfd_ctx_mirror\(\).*apply it with")
            self.assertNotIn("handlers/eventfd/eventfd_luo.o", self.compiled())

    def test_clean_is_never_refused(self):
        """The kernel's Makefile.clean reads the same Kbuild files."""
        self.drop("linux/include/linux/liveupdate.h")
        for folder in ("", "handlers/eventfd/", "templates/anon-fd/"):
            write(f"{self.tree}/scripts/Makefile.clean",
                  f"src := {self.top}/{folder}.\nsrctree := {self.tree}\nobjtree := {self.build}\n"
                  f"KBUILD_EXTMOD := {self.top}\ninclude $(src)/Kbuild\nall: ; @echo $(obj-m)\n"
                  "FORCE:\n")
            status, text = self.make("-f", f"{self.tree}/scripts/Makefile.clean", "all")
            self.assertEqual(status, 0, text)
            self.assertRegex(text, r"\S")

    def test_dkms(self):
        """dkms.conf asks before it builds, builds what Kbuild makes, and names real modules."""
        script = (f"kernel_source_dir={self.build} dkms_tree=/var/lib/dkms; . {self.top}/dkms.conf; "
                  'printf "%s\\n" "$PRE_BUILD" "${MAKE[0]}" "$POST_INSTALL"; '
                  'for i in "${!BUILT_MODULE_NAME[@]}"; do echo "${BUILT_MODULE_NAME[i]}" '
                  '"${BUILT_MODULE_LOCATION[i]}" "${DEST_MODULE_LOCATION[i]}"; done')
        pre, make, post, *modules = subprocess.run(
            ["bash", "-euc", script], check=True, stdout=subprocess.PIPE,
            text=True).stdout.splitlines()
        self.assertEqual(make, f"make -C {self.build} M=/var/lib/dkms/luosdk/0.1/build modules")

        # Every handler that can be a module, and no template.
        wanted = []
        for kbuild in sorted(glob.glob(f"{TOP}/handlers/*/Kbuild")):
            folder = os.path.relpath(os.path.dirname(kbuild), TOP)
            if "$(if $(KBUILD_EXTMOD),m," in read(kbuild):
                name = re.search(r"(?m)^obj-\$\(luosdk-.*\) \+= (\w+)\.o$", read(kbuild))[1]
                wanted.append(f"{name} {folder} /updates/dkms")
        self.assertEqual(modules, wanted)
        tool, *early = post.split()
        self.assertTrue(os.access(f"{TOP}/{tool}", os.X_OK))
        self.assertLess(set(early), {m.split()[0] for m in modules})

        tool, *args = pre.split()
        self.assertEqual(tool, "scripts/build-modules")
        self.assertIn("modules can be built", self.works("build-modules", *args))
        self.drop("build/Module.symvers", r"\tliveupdate_register")
        self.drop("linux/kernel/liveupdate/luo_file.c", "EXPORT")
        self.refuses("does not let modules register", "build-modules", *args)
        self.assertEqual(self.compiled(), [])

    # --- What is built

    def test_builds_into_the_cache(self):
        before = snapshot(self.top)
        text = self.works("build-modules", self.build)
        self.assertEqual(self.compiled(), ["handlers/eventfd/eventfd_luo.o",
                                           "templates/anon-fd/anon_fd.o"])
        self.assertEqual(snapshot(self.top), before)
        out = self.works("build-modules", "--print", self.build).strip()
        self.assertTrue(out.startswith(self.cache + "/"))
        for ko in ("handlers/eventfd/eventfd_luo.ko", "templates/anon-fd/anon_fd.ko"):
            self.assertIn(f"{out}/{ko}\n", text)
            self.assertRegex(read(f"{out}/{ko}"), "-I.*/sdk/include.* -DLUOSDK_PROBED"
                                                  ".*-DLUOSDK_HAVE_RETRIEVE_STATUS")
            self.assertNotIn("HAVE_SESSION", read(f"{out}/{ko}"))

    def test_tests_are_no_part_of_it(self):
        """Their options may be on in the kernel's configuration."""
        write(f"{self.top}/tests/bench/Kbuild", "obj-m := bench.o\n")
        write(f"{self.top}/tests/bench/bench.c", "int a;\n")
        self.works("build-modules", self.build)
        self.assertNotIn("tests/bench/bench.o", self.compiled())

    def test_a_tree_built_in_place(self):
        for name in (".config", "include", "Module.symvers"):
            subprocess.run(["cp", "-r", f"{self.build}/{name}", f"{self.tree}/"], check=True)
        self.works("build-modules", self.tree)
        self.assertEqual(len(self.compiled()), 2)

    def test_a_source_given_relative_to_the_build_directory(self):
        write(f"{self.build}/Makefile", "include ../linux/Makefile\n")
        self.works("build-modules", self.build)
        self.assertEqual(len(self.compiled()), 2)

    def test_without_a_kdir(self):
        write(f"{self.top}/scripts/get-kernel", f"""#!/bin/sh
[ "$1" = --print ] || {{ echo asked for $1; exit 0; }}
echo {self.build}
""", 0o755)
        self.assertIn("asked for x86_64", self.works("build-modules"))
        self.assertTrue(os.path.isdir(self.works("build-modules", "--print").strip()))

    def test_a_make_around_it(self):
        self.env["MAKEFLAGS"] = "n --jobserver-auth=3,4 -j2 -- M=/nowhere"
        self.env["KBUILD_OUTPUT"] = self.path("elsewhere")
        self.works("build-modules", self.build)
        self.assertEqual(len(self.compiled()), 2)

    def test_left_out_later(self):
        self.works("build-modules", self.build)
        self.works("build-modules", "--without", "handlers/eventfd/", self.build)
        out = self.works("build-modules", "--print", self.build).strip()
        self.assertEqual(glob.glob(f"{out}/**/*.ko", recursive=True),
                         [f"{out}/templates/anon-fd/anon_fd.ko"])

    def test_bad_options(self):
        self.refuses("no option", "build-modules", "--no-such")
        self.refuses("none of the folders", "build-modules", "--without", "sdk", self.build)
        self.refuses("there is no 'handlers/eventdf'", "build-modules", "--without",
                     "handlers/eventdf", self.build)
        self.refuses("takes a folder", "build-modules", "--without")
        self.refuses("one KDIR", "build-modules", self.build, self.build)
        self.refuses("nothing is left", "build-modules", "--without", "handlers/eventfd",
                     "--without", "templates/anon-fd", self.build)
        self.refuses("no modules are built for .*; run", "build-modules", "--print", self.build)
        self.refuses("cannot take a space", "build-modules", self.build,
                     LUOSDK_CACHE=self.path("a b"))
        self.refuses("cannot be written to", "build-modules", self.build,
                     LUOSDK_CACHE="/proc/nowhere")
        self.assertIn("--without", self.works("build-modules", "--help"))

    def test_a_build_that_fails(self):
        write(f"{self.top}/templates/anon-fd/anon_fd.c", "FAIL\n")
        self.assertIn("it is broken",
                      self.refuses("could not be built, see above", "build-modules", self.build))
        self.refuses("no modules are built", "build-modules", "--print", self.build)
        write(f"{self.top}/templates/anon-fd/anon_fd.c", "int a;\n")
        self.works("build-modules", self.build)
        self.works("build-modules", "--print", self.build)

    def test_killed(self):
        write(f"{self.top}/templates/anon-fd/anon_fd.c", "SLOW\n")
        proc = subprocess.Popen([f"{self.top}/scripts/build-modules", self.build], env=self.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)
        end = time.monotonic() + 30
        while not glob.glob(f"{self.cache}/modules/*/*/half"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        os.killpg(proc.pid, 9)
        proc.wait()
        write(f"{self.top}/templates/anon-fd/anon_fd.c", "int a;\n")
        self.refuses("no modules are built", "build-modules", "--print", self.build)
        self.works("build-modules", self.build)
        self.assertEqual(glob.glob(f"{self.cache}/modules/*/*/half"), [])

    def test_install(self):
        root = self.path("root")
        self.works("build-modules", f"--install={root}", self.build)
        self.assertTrue(os.path.exists(
            f"{root}/lib/modules/7.3.4/updates/handlers/eventfd/eventfd_luo.ko"))

    def test_install_early(self):
        root = self.path("root")
        self.works("build-modules", f"--install={root}", "--early", "eventfd_luo", self.build)
        self.assertTrue(os.path.exists(f"{root}/etc/modules-load.d/eventfd_luo.conf"))
        shutil.rmtree(root)
        self.refuses("there is no module 'eventfd' to load early", "build-modules",
                     f"--install={root}", "--early", "eventfd", self.build)
        self.refuses("--early is for --install", "build-modules", "--early", "eventfd_luo",
                     self.build)
        self.refuses("--early takes a module", "build-modules", "--install", "--early")
        self.assertFalse(os.path.exists(root))

    def test_clean(self):
        twin = self.path("twin")
        shutil.copytree(self.build, twin)
        for kdir in (self.build, twin):
            self.works("build-modules", kdir)
        self.works("build-modules", "--clean", self.build)
        self.refuses("no modules are built", "build-modules", "--print", self.build)
        self.works("build-modules", "--print", twin)
        self.works("build-modules", "--clean")
        self.assertEqual(glob.glob(f"{self.cache}/modules/*"), [])
