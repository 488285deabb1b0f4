# SPDX-License-Identifier: GPL-2.0
"""What the suites executed: the part of tests/kit/run-kunit that --coverage adds.

The compiler is clang, because it counts in the source as it was written. gcc counts in
what is left after the first optimisations: a function that is inlined into five callbacks
is there five times, each time without the branches that its constants have decided. One
static inline function in ten worlds is still ten functions to both, so a line or branch
counts as executed here when any of them did execute it.

What was not executed, in the folders that have a bound, must stand in
tests/kit/uncovered.rst with a reason; what stands there must still be so.
"""

import collections
import json
import os
import re
import shutil
import subprocess

# Title, what belongs to it (relative to the project, or to the kernel), bounds in percent.
Group = collections.namedtuple("Group", "title files lines branches")
GROUPS = (
    Group("sdk/", r"sdk/include/luosdk/[\w-]+\.h", 95, 90),
    Group("handlers/", r"handlers/[\w-]+/(?!.*_(kunit|world|subject)\.)[\w-]+\.[ch]", 95, 90),
    Group("templates/", r"templates/[\w-]+/(?!.*_(kunit|world|subject)\.)[\w-]+\.[ch]", 0, 0),
    Group("core (as exercised)", r"kernel/liveupdate/luo_(file|flb|session)\.c", 0, 0),
)
LIST = "tests/kit/uncovered.rst"

# The clang that scripts/ensure-packages installs comes first, then whatever is newest.
PREFERRED = 19

Tools = collections.namedtuple("Tools", "clang cov profdata runtime")


class Failure(Exception):
    """One sentence that says what is wrong and what to do."""


# --- The compiler ------------------------------------------------------------------

def output(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False).stdout.strip()
    except OSError:
        return ""


def runtime_of(clang):
    """The library of a clang that writes profiles down, or None."""
    for name in ("libclang_rt.profile.a", "libclang_rt.profile-x86_64.a"):
        path = output(clang, f"-print-file-name={name}")
        if os.path.isabs(path) and os.path.exists(path):
            return os.path.realpath(path)
    return None


def find_tools(tree):
    """A clang that this kernel can be built with, and what belongs to it."""
    least = int(output("sh", os.path.join(tree, "scripts/min-tool-version.sh"), "llvm")
                .partition(".")[0] or 0)
    suffixes = [f"-{PREFERRED}", *(f"-{n}" for n in range(40, 0, -1)), ""]
    for suffix in suffixes:
        paths = [shutil.which(name + suffix) for name in ("clang", "llvm-cov", "llvm-profdata")]
        if not all(paths):
            continue
        version = re.search(r"clang version (\d+)", output(paths[0], "--version"))
        runtime = runtime_of(paths[0])
        if version and int(version[1]) >= least and runtime:
            return Tools(*paths, runtime)
    raise Failure(f"no clang {least} or newer with llvm-cov, llvm-profdata and its profile library "
                  "was found; run 'scripts/ensure-packages --coverage'.")


def make_options(tools):
    """What the kernel's make is told."""
    # Each counted function has a section group of its own. Without the option GNU ld keeps
    # them apart in vmlinux.o, and takes minutes where it takes a second.
    return [f"CC={tools.clang}", "LD=ld --force-group-allocation",
            f"LUOKIT_COVERAGE={tools.runtime}"]


# --- What was executed -------------------------------------------------------------

def group_of(name):
    return next((g for g in GROUPS if re.fullmatch(g.files, name)), None)


def short_name(path, tree):
    """A file's name relative to the project or the kernel; None for what is not reported."""
    name = os.path.relpath(path, tree) if os.path.isabs(path) else os.path.normpath(path)
    name = name.removeprefix("luosdk/")
    return name if group_of(name) else None


def lines_of(lcov, tree):
    """{file: {line: count}} of an lcov trace, which has all copies of a function added up."""
    found = {}
    lines = None
    for record in lcov.splitlines():
        kind, _, value = record.partition(":")
        if kind == "SF":
            name = short_name(value, tree)
            lines = found.setdefault(name, {}) if name else None
        elif kind == "DA" and lines is not None:
            number, count = (int(n) for n in value.split(",")[:2])
            lines[number] = lines.get(number, 0) + count
    return found


def branches_of(functions, tree):
    """{file: {(begin, end, in_macro): [times true, times false]}}; places are (line, column).

    A condition is found in the file it is written in. One that is a macro of the kernel's
    as a whole, as in 'if (WARN(...))', belongs to the place where the macro is used;
    conditions inside of such macros are the kernel's own. To clang that goes for what is
    in their arguments, too: the two halves of 'WARN(a || b, ...)' are not told apart.
    """
    found = {}
    for function in functions:
        names = [short_name(n, tree) for n in function["filenames"]]
        if not any(names):
            continue
        extent, used_at = {}, {}
        for begin, end, file, expanded, kind in [
                ((r[0], r[1]), (r[2], r[3]), r[5], r[6], r[7]) for r in function["regions"]] + [
                ((b[0], b[1]), (b[2], b[3]), b[6], b[7], b[8]) for b in function["branches"]]:
            was = extent.get(file, (begin, end))
            extent[file] = (min(was[0], begin), max(was[1], end))
            if kind == 1:       # an expansion: 'expanded' is the macro's body
                used_at[expanded] = (file, begin, end)
        for b in function["branches"]:
            begin, end, file = (b[0], b[1]), (b[2], b[3]), b[6]
            in_macro = extent[file] == (begin, end)
            while in_macro and not names[file] and file in used_at and begin == extent[file][0]:
                file, begin, end = used_at[file]
            in_macro = in_macro and file != b[6]
            if names[file]:
                counts = found.setdefault(names[file], {}).setdefault((begin, end, in_macro),
                                                                      [0, 0])
                counts[0] += b[4]
                counts[1] += b[5]
    return found


# --- What was not ------------------------------------------------------------------

# what: 'run' for lines, 'true' or 'false' for a condition. where: a line number, to show.
Hole = collections.namedtuple("Hole", "file text what where")


def squeeze(text):
    return " ".join(text.rstrip("\\").split())


def text_between(source, begin, end):
    rows = source[begin[0] - 1:end[0]]
    rows[-1] = rows[-1][:end[1] - 1]
    rows[0] = rows[0][begin[1] - 1:]
    return squeeze(" ".join(row.rstrip().rstrip("\\") for row in rows))


def function_above(source, number):
    """The name of the function whose body begins in a line."""
    for row in reversed(source[:number - 1]):
        if m := re.match(r"\w.*?(\w+)\(", row):
            return f"{m[1]}()"
        if not row.strip():
            break
    return squeeze(source[number - 1])


def holes_of(name, lines, branches, source):
    """The holes of one file: runs of lines, then conditions in lines that were executed."""
    previous = None
    for number in sorted(lines):
        if not lines[number] and (previous is None or lines[previous]):
            text = squeeze(source[number - 1])
            yield Hole(name, function_above(source, number) if text == "{" else text, "run", number)
        previous = number
    for (begin, end, in_macro), counts in sorted(branches.items()):
        if not lines.get(begin[0]):
            continue
        text = text_between(source, begin, end)
        if in_macro or "##" in text:
            text = squeeze(source[begin[0] - 1])
        for what, count in zip(("true", "false"), counts):
            if not count:
                yield Hole(name, text, what, begin[0])


Entry = collections.namedtuple("Entry", "file text how what number")


def read_list(text):
    """The entries of tests/kit/uncovered.rst; raises ValueError with a sentence."""
    entries = []
    name = pending = None
    rows = text.splitlines()
    for number, row in enumerate(rows, 1):
        if number < len(rows) and row and set(rows[number]) == {"-"}:
            name = row.strip()
        elif m := re.fullmatch(r"``(.+)``", row):
            if not name:
                raise ValueError(f"{LIST}:{number}: no file above '{m[1]}'; "
                                 "write its name as a heading")
            pending = (squeeze(m[1]), number)
        elif pending:
            m = re.fullmatch(r"\s+(never|seldom) (run|true|false): \S.*", row)
            if not m:
                raise ValueError(f"{LIST}:{number}: after '{pending[0]}' say 'never' or 'seldom', "
                                 "'run', 'true' or 'false', a colon and a reason")
            entries.append(Entry(name, pending[0], m[1], m[2], pending[1]))
            pending = None
    return entries


def compare(holes, entries):
    """(holes that are not in the list, entries that are no holes any more)."""
    listed = {(e.file, e.text, e.what) for e in entries}
    real = {(h.file, h.text, h.what) for h in holes}
    return ([h for h in holes if (h.file, h.text, h.what) not in listed],
            [e for e in entries if e.how == "never" and (e.file, e.text, e.what) not in real])


# --- The report --------------------------------------------------------------------

def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def columns(title, lines, branches):
    hit = sum(1 for n in lines.values() if n)
    taken = sum(bool(c) for pair in branches.values() for c in pair)
    return (f"{title:38} {hit:5} of {len(lines):5} {percent(hit, len(lines)):6.1f} %"
            f" {taken:6} of {2 * len(branches):4} {percent(taken, 2 * len(branches)):6.1f} %")


def judge(lines, branches, sources, list_text, say):
    """Print the table and what is wrong; (passed, failed). sources: {file: list of lines}."""
    passed = failed = 0
    holes = []
    verdicts = []

    def check(good, text):
        nonlocal passed, failed
        passed, failed = passed + bool(good), failed + (not good)
        verdicts.append(f"{'ok' if good else 'not ok'} {passed + failed} {text}")

    say(f"{'':38} {'lines':>23} {'branches':>24}")
    for group in GROUPS:
        names = sorted(n for n in lines if group_of(n) == group)
        all_lines, all_branches = {}, {}
        for name in names:
            mine = branches.get(name, {})
            say(columns(name, lines[name], mine))
            all_lines |= {(name, k): v for k, v in lines[name].items()}
            all_branches |= {(name, k): v for k, v in mine.items()}
            if group.lines:
                holes += holes_of(name, lines[name], mine, sources[name])
        say(columns(f"= {group.title}", all_lines, all_branches))
        say("")
        if group.lines:
            hit = percent(sum(1 for n in all_lines.values() if n), len(all_lines))
            taken = percent(sum(bool(c) for p in all_branches.values() for c in p),
                            2 * len(all_branches))
            check(all_lines and hit >= group.lines,
                  f"{group.title}: {hit:.1f} % of lines, at least {group.lines}")
            check(all_branches and taken >= group.branches,
                  f"{group.title}: {taken:.1f} % of branches, at least {group.branches}")

    try:
        entries = read_list(list_text)
    except ValueError as e:
        say(f"coverage: {e}")
        entries = []
        check(False, "the list of what is not executed can be read")
    unlisted, stale = compare(holes, entries)
    for h in unlisted:
        say(f"{h.file}:{h.where}: never {h.what}: {h.text}")
    for e in stale:
        say(f"{LIST}:{e.number}: is executed now, or is not in {e.file} any more: "
            f"never {e.what}: {e.text}")
    check(not unlisted, f"what is not executed stands in {LIST} with a reason"
          + (f": {len(unlisted)} do not" if unlisted else f" ({len(holes)})"))
    check(not stale, "what stands there is not executed"
          + (f": {len(stale)} are" if stale else ""))
    for verdict in verdicts:
        say(verdict)
    return passed, failed


def report(build, tree, top, profile, tools):
    """From the raw profile to the table and HTML; (passed, failed)."""
    if not os.path.exists(profile):
        print("coverage: the kernel wrote no profile; the reason is above")
        return 0, 1
    merged = os.path.join(build, "coverage.profdata")
    html = os.path.join(build, "coverage-html")
    kernel = os.path.join(build, "linux")

    def tool(*command):
        done = subprocess.run(command, cwd=tree, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
            raise Failure(f"{os.path.basename(command[0])} cannot read {profile}: {why}")
        return done.stdout

    def cov(command, *options):
        return tool(tools.cov, command, kernel, f"-instr-profile={merged}", *options)

    tool(tools.profdata, "merge", "-o", merged, profile)

    data = json.loads(cov("export", "-format=text"))["data"][0]
    paths = {short_name(f["filename"], tree): f["filename"] for f in data["files"]}
    paths.pop(None, None)
    lines = lines_of(cov("export", "-format=lcov", *paths.values()), tree)
    branches = branches_of(data["functions"], tree)
    sources = {}
    for name, path in paths.items():
        with open(os.path.join(tree, path), encoding="utf-8") as f:
            sources[name] = f.read().splitlines()
    with open(os.path.join(top, LIST), encoding="utf-8") as f:
        list_text = f.read()

    shutil.rmtree(html, ignore_errors=True)
    cov("show", "-format=html", f"-output-dir={html}", "-show-branches=count",
        "-show-instantiations=false", "-project-title=luosdk", *paths.values())
    counts = judge(lines, branches, sources, list_text, print)
    print(f"coverage: line by line in {html}/index.html")
    return counts
