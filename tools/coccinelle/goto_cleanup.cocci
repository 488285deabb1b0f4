// SPDX-License-Identifier: GPL-2.0
/// One function cleans up with goto or at the end of a scope, never both
///
//# With both, a path releases twice or not at all, and which one it is cannot be read off the
//# page. linux/cleanup.h says so as well.
//
// Confidence: High
// Options: --no-includes --include-headers

virtual context
virtual org
virtual report

@initialize:python@
@@

import re

lines = {}
scopes = set()
seen = set()

def function(p):
    return p[0].file, p[0].current_element, p[0].current_element_line

def is_freed(p):
    """Whether a declaration has __free(), which the parser of C leaves out."""
    name = p[0].file
    if name not in lines:
        with open(name, encoding="utf-8", errors="replace") as f:
            lines[name] = f.read().splitlines()
    return bool(re.search(r"\b__free\(", lines[name][int(p[0].line) - 1]))

def first(p):
    """One report for each function."""
    fresh = function(p) not in seen
    seen.add(function(p))
    return fresh

@freed@
identifier x;
type T;
expression E;
position p : script:python() { is_freed(p) };
@@

(
T x@p = E;
|
T x@p;
)

@script:python@
p << freed.p;
@@

scopes.add(function(p))

@scope@
iterator name scoped_guard;
statement S;
position p;
@@

(
guard@p(...)(...);
|
CLASS@p(...)(...);
|
ACQUIRE@p(...)(...);
|
scoped_guard@p(...) S
)

@script:python@
p << scope.p;
@@

scopes.add(function(p))

@r@
identifier l;
position p : script:python() { function(p) in scopes };
@@

* goto@p l;

@script:python depends on org@
p << r.p;
@@

cocci.print_main("goto beside scope-based cleanup", p)

@script:python depends on report@
p << r.p;
@@

if first(p):
    coccilib.report.print_report(p[0], "WARNING: goto and scope-based cleanup in one function")
