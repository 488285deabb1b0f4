# SPDX-License-Identifier: GPL-2.0
#
# Prints the C examples of docs/defects.rst as one source. The wrong and the right way to
# write a function have the same name on the page, so what an example defines gets a name of
# its own here. What the first example, in front of the classes, defines is for all of them.

function flush(	i, name, names)
{
	for (i = 1; i <= nr; i++) {
		if (!class || text[i] !~ /^static .*[a-z_]+ ?(\(|=)/)
			continue
		name = text[i]
		sub(/ ?[(=].*/, "", name)
		sub(/.*[ *]/, "", name)
		if (name in names)
			continue
		names[name]
		print "#define " name " " name "_" first
	}
	if (nr)
		print "#line " first " \"docs/defects.rst\""
	for (i = 1; i <= nr; i++)
		print text[i]
	for (name in names)
		print "#undef " name
	nr = 0
}

/^\.\. _class-/			{ class = 1 }
/^\.\. code-block:: c$/		{ on = 1; blocks++; next }
on && /^$/			{ if (nr) text[++nr] = ""; next }
on && /^\t/			{ if (!nr) first = FNR; text[++nr] = substr($0, 2); next }
				{ flush(); on = 0 }

# A page that has another form is not to pass for one without mistakes.
END {
	flush()
	print "static_assert(" blocks " == 1 + 2 * 23, \"an example is missing\");"
}
