# SPDX-License-Identifier: GPL-2.0
"""tests/bench/run-bench, with the figures of a VM made up."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as xml

from fake import Case, TOP, read, write

# Prints what a file beside it says of each scenario that it is asked for.
VMTEST = """\
#!/bin/sh
for word; do
	case "$word" in bench.*) cat "${0%/*}/$word" ;; esac
done
[ ! -e "${0%/*}/fails" ] || { echo "not ok 1 measured: unit"; exit 1; }
"""

# Two functions with an atomic operation each, and one call that is never made.
OBJDUMP = """\
#!/bin/sh
cat <<END

0000000000000000 <bench_guard_claim>:
   0:	lock cmpxchg %rdx,(%rdi)
   5:	call   a <bench_guard_claim+0xa>
			6: R_X86_64_PLT32	__warn_printk-0x4

0000000000000010 <bench_guard_release>:
  10:	lock cmpxchg %rdx,(%rdi)
END
"""

FORMS = ("packed", "slots", "tree", "libfdt")
SIZES = [4096 << 2 * n for n in range(10)]

# Each is at its limit: the figure that is judged is what is beside it, times its ratio.
FIGURES = {
    "unit.short": 1, "unit.long": 1,
    "guard_embedded.1": 20, "guard_embedded.100": 18, "xarray.dense": 2500, "xarray.sparse": 5000,
    "guard_access": 12, "guard_mapped": 2500, "guard_mapped.bytes": 64,
    "guard_mapped.page_bytes": 64, "xarray.sparse.page_bytes": 2000,
    "eventfd_bytes.layer": 68, "eventfd_bytes.naive": 4096,
    "eventfd_memory.layer": 800, "eventfd_memory.naive": 5000, "eventfd_memory.hand": 800,
    "memfd_bytes.congruent.luosdk": 0.1, "memfd_bytes.contig.luosdk": 0,
    "memfd_bytes.frag.luosdk": 8.5, "memfd_small.memory.luosdk": 256,
    "memfd_small.preserved.luosdk": 160,
    "memfd_small.memory.kernel": 12500, "memfd_small.preserved.kernel": 12288,
}
for name in ("preserve", "retrieve"):
    for inside in ("", ".inside"):
        FIGURES |= {f"eventfd_{name}.layer{inside}": 1030, f"eventfd_{name}.hand{inside}": 1000,
                    f"eventfd_{name}.naive{inside}": 2000}
for layout, preserve, retrieve in (("congruent", 600, 100), ("pieces", 600, 100),
                                   ("contig", 600, 600), ("frag", 1000, 1000),
                                   ("huge", 1000, 1000)):
    FIGURES |= {f"memfd_{step}.{layout}.kernel": 1000
                for step in ("preserve", "unpreserve", "retrieve", "folios")}
    FIGURES |= {f"memfd_preserve.{layout}.luosdk": preserve,
                f"memfd_unpreserve.{layout}.luosdk": 500,
                f"memfd_retrieve.{layout}.luosdk": retrieve,
                f"memfd_folios.{layout}.luosdk": 128, f"memfd_bytes.{layout}.kernel": 16}
# 8000 instructions as a struct, 16000 as a tree.
FIGURES |= {f"fdt_state.{form}.{step}": cost for step, one in (("write", 5000), ("read", 3000))
            for form, cost in zip(FORMS, (one, one / 2, 2 * one, 5 * one))}
for size in SIZES:
    FIGURES |= {f"memfd_size.{size}.{step}.{who}": 5000 + size * share
                for step in ("preserve", "retrieve")
                for who, share in (("luosdk", 0.1), ("kernel", 0.2))}

# What is judged, and a figure of the VM that misses its target.
MISSED = {
    "guard_embedded": ("guard_embedded.1", 21),
    "guard_embedded.flat": ("guard_embedded.100", 16),
    "guard_access": ("guard_access", 13),
    "guard_mapped": ("guard_mapped", 2600),
    "guard_mapped.bytes": ("guard_mapped.bytes", 65),
    "guard_mapped.page_bytes": ("guard_mapped.page_bytes", 65),
    "eventfd_preserve": ("eventfd_preserve.layer", 1031),
    "eventfd_retrieve": ("eventfd_retrieve.layer", 1031),
    "eventfd_bytes": ("eventfd_bytes.layer", 69),
    "memfd_retrieve_congruent": ("memfd_retrieve.congruent.luosdk", 101),
    "memfd_retrieve_contig": ("memfd_retrieve.contig.luosdk", 601),
    "memfd_retrieve_frag": ("memfd_retrieve.frag.luosdk", 1001),
    "memfd_retrieve_huge": ("memfd_retrieve.huge.luosdk", 1001),
    "memfd_preserve_contig": ("memfd_preserve.contig.luosdk", 601),
    "memfd_preserve_frag": ("memfd_preserve.frag.luosdk", 1001),
    "memfd_bytes_contig": ("memfd_bytes.contig.luosdk", 0.01),
    "memfd_bytes_frag": ("memfd_bytes.frag.luosdk", 8.6),
    "memfd_bytes_small": ("memfd_small.memory.luosdk", 257),
    "fdt_state": ("fdt_state.tree.read", 6001),
}


class RunBench(Case):

    def setUp(self):
        super().setUp()
        os.mkdir(f"{self.top}/tests/bench")
        os.mkdir(f"{self.top}/docs")
        for name in ("run-bench", "memfd_plot.py"):
            shutil.copy2(f"{TOP}/tests/bench/{name}", f"{self.top}/tests/bench")
        write(f"{self.top}/tests/vm/vmtest", VMTEST, 0o755)
        write(self.path("bin", "objdump"), OBJDUMP, 0o755)
        self.env |= {"LUOSDK_CACHE": self.path("cache"), "LUOSDK_X86": self.path("build"),
                     "PATH": f"{self.path('bin')}:{self.env['PATH']}",
                     "PYTHONDONTWRITEBYTECODE": "1"}

    def bench(self, *args, figures=None):
        figures = FIGURES if figures is None else figures
        write(f"{self.top}/tests/vm/bench.memfd",
              "".join(f"    # figure {name} {value:.3f}\n" for name, value in figures.items()))
        for name in ("bench.count", "bench.contention", "bench.memfd_size", "bench.state"):
            write(f"{self.top}/tests/vm/{name}", "")
        proc = subprocess.run([f"{self.top}/tests/bench/run-bench", *args],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=self.env, check=False, timeout=60)
        self.assertNotIn("Traceback", proc.stderr)
        return proc.returncode, proc.stdout, proc.stderr

    def judged(self, out):
        """{metric: its verdict} of a table."""
        return {m[1]: m[2] for m in re.finditer(r"^(\S+) .* (pass|MISSED)$", out, re.M)}

    def test_every_figure_is_judged_at_its_limit(self):
        status, out, _ = self.bench()
        judged = self.judged(out)
        self.assertEqual(set(judged),
                         set(MISSED) | {"guard_embedded.atomics", "guard_embedded.calls"})
        self.assertEqual({m for m, verdict in judged.items() if verdict == "MISSED"}, set())
        self.assertEqual((status, out.splitlines()[-1]), (0, f"{len(judged)} passed, 0 failed"))

    def test_every_figure_can_be_missed(self):
        for metric, (name, value) in MISSED.items():
            with self.subTest(metric):
                status, out, _ = self.bench(figures=FIGURES | {name: value})
                judged = self.judged(out)
                self.assertEqual({m for m, verdict in judged.items() if verdict == "MISSED"},
                                 {metric})
                self.assertEqual((status, out.splitlines()[-1]),
                                 (1, f"{len(judged) - 1} passed, 1 failed"))

    def test_figures_are_json_lines(self):
        self.bench()
        rows = [json.loads(line) for line in read(self.path("cache", "bench.json")).splitlines()]
        row = next(row for row in rows if row["metric"] == "memfd_retrieve_contig")
        self.assertEqual(row, {"metric": "memfd_retrieve_contig", "value": 600.0,
                               "unit": "instructions", "baseline": 1000.0, "ratio": 0.6})

    def test_plot_is_drawn_and_always_the_same(self):
        self.bench()
        first = read(self.path("cache", "memfd-cost.svg"))
        self.bench()
        self.assertEqual(read(self.path("cache", "memfd-cost.svg")), first)
        root = xml.fromstring(first)
        svg = "{http://www.w3.org/2000/svg}"
        self.assertEqual(len(root.findall(f"{svg}circle")), 4 * len(SIZES))
        self.assertIn("prefers-color-scheme: dark", first)
        self.assertEqual(os.listdir(f"{self.top}/docs"), [])

    def test_docs_get_the_plot_if_asked_for(self):
        self.bench("--update-docs")
        self.assertEqual(read(f"{self.top}/docs/memfd-cost.svg"),
                         read(self.path("cache", "memfd-cost.svg")))

    def refused(self, pattern, *args, figures=None):
        status, out, err = self.bench(*args, figures=figures)
        self.assertEqual((status, self.judged(out)), (2, {}))
        self.assertRegex(err.splitlines()[-1], "^run-bench: .*" + pattern)

    def test_a_missing_figure_is_named(self):
        for name in ("guard_access", "memfd_retrieve.huge.kernel", "memfd_small.memory.luosdk"):
            with self.subTest(name):
                self.refused(re.escape(name),
                             figures={k: v for k, v in FIGURES.items() if k != name})

    def test_a_clock_that_does_not_count_is_refused(self):
        self.refused("does not count instructions", figures=FIGURES | {"unit.long": 1.2})

    def test_a_state_in_somebody_elses_page_is_refused(self):
        self.refused("in no page of its own", figures=FIGURES | {"memfd_bytes.congruent.luosdk": 0})

    def test_sizes_that_do_not_match_are_refused(self):
        self.refused("same sizes", figures={k: v for k, v in FIGURES.items()
                                            if k != "memfd_size.4096.preserve.kernel"})

    def test_a_vm_that_fails_is_reported(self):
        write(f"{self.top}/tests/vm/fails", "")
        self.refused("the VM did not measure everything.*not ok 1 measured: unit")

    def test_profile(self):
        write(f"{self.top}/tests/vm/bench.memfd_profile",
              "    # profile memfd_preserve.frag.luosdk kho_radix_add_key 163\n"
              "    # profile memfd_preserve.frag.luosdk crc32c 92\n")
        status, out, _ = self.bench("--profile")
        self.assertEqual((status, out), (0, "\nmemfd_preserve.frag.luosdk\n"
                                            "   16.3 %  kho_radix_add_key\n    9.2 %  crc32c\n"))
