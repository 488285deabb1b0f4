# SPDX-License-Identifier: GPL-2.0
#
# Prints the code examples of a header: the tab-indented lines that follow a
# line ending in "::" within a comment.
/^ \* .*::$/		{ on = 1; next }
on && /^ \*\t/		{ sub(/^ \*\t/, ""); print; next }
on && /^ \*$/		{ print ""; next }
			{ on = 0 }
