// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: rules broken. A complaint fails the test that runs, unless it expects it.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "luokit_internal.h"

struct luokit *luokit_machine;

static __printf(3, 0)
void luokit_say(struct luokit *k, unsigned int class, const char *fmt, va_list args)
{
	char text[256];

	vscnprintf(text, sizeof(text), fmt, args);
	if (!k) {
		pr_err("luokit: no test runs: %s\n", text);
		WARN_ON_ONCE(1);
		return;
	}
	if (k->expecting && strstr(text, k->expected)) {
		kunit_info(k->test, "as expected: %s\n", text);
		k->complained++;
		return;
	}
	if (k->judge) {
		luokit_finding(k, class, text);
		return;
	}
	KUNIT_FAIL(k->test, "%s", text);
	luokit_notes_print(k);
}

void luokit_complain(struct luokit *k, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	luokit_say(k, 0, fmt, args);
	va_end(args);
}

void luokit_complain_of(struct luokit *k, unsigned int class, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	luokit_say(k, class, fmt, args);
	va_end(args);
}

void luokit_expect_complaint(struct luokit *k, const char *text)
{
	strscpy(k->expected, text);
	k->complained = 0;
	k->expecting = true;
}

unsigned int luokit_complained(struct luokit *k)
{
	k->expecting = false;

	return k->complained;
}

/* LUO's core found the old kernel's data unusable; on a machine this is a panic. */
void luokit_restore_fail(const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	luokit_complain(luokit_machine, "the new kernel panics: %s", strim(text));
}
