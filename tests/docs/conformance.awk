# SPDX-License-Identifier: GPL-2.0
#
# Prints one of the two sources in docs/conformance.rst: the C example behind the line that
# says handlers/trial/trial_<file>.c; -v file=world or subject.

BEGIN				{ name = "handlers/trial/trial_" (file == "world" ? file : "kunit") "\\.c" }
$0 ~ name			{ near = 1 }
near && /^\.\. code-block:: c$/	{ on = 1; near = 0; next }
on && /^$/			{ print; next }
on && /^\t/			{ if (!nr++) print "#line " FNR " \"docs/conformance.rst\""
				  print substr($0, 2); next }
				{ on = 0 }
END				{ if (!nr) print "#error docs/conformance.rst has no such example" }
