# SPDX-License-Identifier: GPL-2.0
"""tests/kit/coverage.py: what counts as executed, and what the list of the rest must say."""

import sys
import unittest

from fake import TOP

sys.path.insert(0, f"{TOP}/tests/kit")
import coverage         # pylint: disable=wrong-import-position

TREE = "/tree"
HEADER = "/tree/luosdk/sdk/include/luosdk/a.h"
NAME = "sdk/include/luosdk/a.h"
HANDLER = "handlers/eventfd/eventfd_luo.c"
CODE, EXPANSION, BRANCH = 0, 1, 4

SOURCE = """\
static inline int a(int x)
{
	if (x && b(x))
		return 1;
	if (WARN(x, "no"))
		return 2;
	return 0;
}
""".splitlines()


def region(l1, c1, l2, c2, count=1, file=0, expanded=0, kind=CODE):
    return [l1, c1, l2, c2, count, file, expanded, kind]


def branch(l1, c1, l2, c2, true, false, file=0):
    return [l1, c1, l2, c2, true, false, file, 0, BRANCH]


def function(regions, branches, filenames=(HEADER,)):
    return {"filenames": list(filenames), "regions": regions, "branches": branches}


class Executed(unittest.TestCase):

    def branches(self, *functions):
        return {(k[0], k[2]): v for k, v in
                coverage.branches_of(functions, TREE).get(NAME, {}).items()}

    def test_lines_of_all_copies_add_up(self):
        trace = (f"SF:{HEADER}\nDA:1,0\nDA:2,3\nend_of_record\n"
                 "SF:/tree/include/linux/fs.h\nDA:7,0\nend_of_record\n"
                 f"SF:{HEADER}\nDA:1,2\nDA:2,0\nend_of_record\n")
        self.assertEqual(coverage.lines_of(trace, TREE), {NAME: {1: 2, 2: 3}})

    def test_a_branch_is_taken_when_any_copy_takes_it(self):
        body = [region(2, 1, 8, 2)]
        found = self.branches(function(body, [branch(3, 6, 3, 7, 4, 0)]),
                              function(body, [branch(3, 6, 3, 7, 0, 5)]))
        self.assertEqual(found, {((3, 6), False): [4, 5]})

    def test_files_that_are_not_reported(self):
        for name in ("/tree/include/linux/fs.h", "/tree/luosdk/tests/kit/race.c",
                     "/tree/luosdk/handlers/eventfd/eventfd_luo_kunit.c",
                     "/tree/luosdk/handlers/eventfd/eventfd_luo_world.c"):
            self.assertIsNone(coverage.short_name(name, TREE), name)
        self.assertEqual(coverage.short_name(f"/tree/luosdk/{HANDLER}", TREE), HANDLER)
        self.assertEqual(coverage.short_name("/tree/kernel/liveupdate/luo_file.c", TREE),
                         "kernel/liveupdate/luo_file.c")

    def test_a_condition_that_is_a_macro_belongs_to_its_user(self):
        files = (HEADER, "/tree/include/asm-generic/bug.h")
        regions = [region(2, 1, 8, 2), region(5, 6, 5, 10, expanded=1, kind=EXPANSION),
                   region(50, 30, 54, 3, file=1)]
        whole, inner = branch(50, 30, 54, 3, 0, 9, file=1), branch(52, 5, 52, 9, 0, 9, file=1)
        found = self.branches(function(regions, [whole, inner], files))
        self.assertEqual(found, {((5, 6), True): [0, 9]})

    def test_macros_in_macros(self):
        files = (HEADER, "/tree/include/a.h", "/tree/include/b.h")
        regions = [region(2, 1, 8, 2), region(5, 6, 5, 10, expanded=1, kind=EXPANSION),
                   region(1, 20, 1, 26, file=1, expanded=2, kind=EXPANSION),
                   region(1, 27, 1, 50, file=1),
                   region(7, 3, 9, 4, file=2)]
        found = self.branches(function(regions, [branch(7, 3, 9, 4, 1, 1, file=2)], files))
        self.assertEqual(found, {((5, 6), True): [1, 1]})
        # Not what the inner macro is, but what stands behind it in the outer one.
        regions[2][1] = 28
        self.assertEqual(self.branches(function(regions, [branch(7, 3, 9, 4, 1, 1, file=2)],
                                                files)), {})


class Holes(unittest.TestCase):

    def holes(self, lines, branches):
        return [tuple(h)[1:] for h in coverage.holes_of(NAME, lines, branches, SOURCE)]

    def test_a_run_of_lines_is_one_hole(self):
        self.assertEqual(self.holes({2: 1, 3: 1, 4: 0, 5: 0, 6: 1, 7: 0}, {}),
                         [("return 1;", "run", 4), ("return 0;", "run", 7)])

    def test_a_function_that_never_ran_has_its_name(self):
        self.assertEqual(self.holes({2: 0, 3: 0}, {}), [("a()", "run", 2)])

    def test_conditions(self):
        branches = {((3, 6), (3, 7), False): [1, 1], ((3, 11), (3, 15), False): [0, 2],
                    ((5, 6), (5, 10), True): [0, 2]}
        self.assertEqual(self.holes({3: 1, 5: 1}, branches),
                         [("b(x)", "true", 3), ('if (WARN(x, "no"))', "true", 5)])

    def test_conditions_in_lines_that_never_ran_are_one_hole_with_them(self):
        branches = {((3, 6), (3, 7), False): [0, 0]}
        self.assertEqual(self.holes({3: 0}, branches), [("if (x && b(x))", "run", 3)])


LIST = f"""\
Title
=====

{NAME}
----------------------

``b(x)``
	never true: nothing
	makes it.

``return  1;``
	seldom run: a race.
"""


class List(unittest.TestCase):

    def test_entries(self):
        self.assertEqual([tuple(e)[:4] for e in coverage.read_list(LIST)],
                         [(NAME, "b(x)", "never", "true"), (NAME, "return 1;", "seldom", "run")])

    def test_a_reason_is_asked_for(self):
        for wrong in ("never true:", "never true", "sometimes true: x", "never taken: x"):
            with self.assertRaisesRegex(ValueError, "and a reason"):
                coverage.read_list(LIST.replace("never true: nothing", wrong))

    def test_a_file_is_asked_for(self):
        with self.assertRaisesRegex(ValueError, "no file above"):
            coverage.read_list("``x``\n\tnever true: x\n")


class Judge(unittest.TestCase):

    def judge(self, lines, branches, text):
        said = []
        full = {HANDLER: {1: 1}}
        counts = coverage.judge({NAME: lines, **full},
                                {NAME: branches, HANDLER: {((1, 1), (1, 2), False): [1, 1]}},
                                {NAME: SOURCE, HANDLER: ["x"]}, text, said.append)
        return counts, "\n".join(said)

    def test_all_executed(self):
        counts, said = self.judge({n: 1 for n in range(1, 21)}, {((3, 6), (3, 7), False): [1, 1]}, "")
        self.assertEqual(counts, (6, 0), said)
        self.assertIn("20 of    20  100.0 %", said)

    def test_bounds(self):
        branches = {((1, n), (1, n + 1), False): [1, 1] for n in range(1, 10)}
        lines = {n: 1 for n in range(1, 9)}
        branches[((3, 11), (3, 15), False)] = [0, 0]
        counts, said = self.judge(lines, branches, "")
        self.assertIn("sdk/: 90.0 % of branches, at least 90", said)
        self.assertRegex(said, "not ok . what is not executed stands")
        branches[((3, 6), (3, 7), False)] = [0, 1]
        counts, said = self.judge(lines, branches, "")
        self.assertRegex(said, "not ok . sdk/: 86.4 % of branches")
        self.assertRegex(said, "ok . sdk/: 100.0 % of lines")
        lines[8] = 0
        self.assertRegex(self.judge(lines, {}, "")[1], "not ok . sdk/: 87.5 % of lines")
        self.assertEqual(counts, (4, 2))

    def test_a_group_without_code_is_no_success(self):
        counts, said = self.judge({}, {}, "")
        self.assertRegex(said, "not ok . sdk/: 100.0 % of lines")
        self.assertEqual(counts[1], 2)

    def test_listed_and_not(self):
        lines = {n: 1 for n in range(1, 101)}
        lines[4] = 0
        branches = {((1, n), (1, n + 1), False): [1, 1] for n in range(20)}
        branches[((3, 11), (3, 15), False)] = [0, 7]
        self.assertEqual(self.judge(lines, branches, LIST)[0], (6, 0))
        counts, said = self.judge(lines, branches, LIST.replace("b(x)", "c(x)"))
        self.assertEqual(counts, (4, 2))
        self.assertIn(f"{NAME}:3: never true: b(x)", said)
        self.assertIn("tests/kit/uncovered.rst:7: is executed now, or is not in", said)

    def test_seldom_may_be_executed_and_never_may_not(self):
        lines = {n: 1 for n in range(1, 101)}
        branches = {((3, 11), (3, 15), False): [0, 7]}
        branches |= {((1, n), (1, n + 1), False): [1, 1] for n in range(20)}
        self.assertEqual(self.judge(lines, branches, LIST)[0], (6, 0))
        branches[((3, 11), (3, 15), False)] = [1, 7]
        self.assertEqual(self.judge(lines, branches, LIST)[0], (5, 1))

    def test_a_list_that_cannot_be_read_is_a_failure(self):
        counts, said = self.judge({3: 1}, {((3, 6), (3, 7), False): [1, 1]},
                                  "``x``\n\tnever true: x\n")
        self.assertEqual(counts[1], 1)
        self.assertIn("no file above", said)
