// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: files that need each other, preserved and retrieved in every order.
 *
 * User space is free in both orders, so a set of files has to arrive whole in all of them, and
 * has to end cleanly whichever of them are retrieved at all.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/string.h>

#include "luokit_internal.h"

/* Set @order to the @n-th permutation of 0 to @nr - 1; the 0th is as they are. */
static void luokit_permute(unsigned int n, unsigned int nr, unsigned int *order)
{
	unsigned int left[LUOKIT_MAX_ORDERED], i, j;

	for (i = 0; i < nr; i++)
		left[i] = i;
	for (i = 0; i < nr; i++) {
		unsigned int rest = nr - i, pick = n % rest;

		n /= rest;
		order[i] = left[pick];
		for (j = pick; j + 1 < rest; j++)
			left[j] = left[j + 1];
	}
}

static unsigned int luokit_factorial(unsigned int n)
{
	return n ? n * luokit_factorial(n - 1) : 1;
}

/* One round, for reports: who is preserved and who is retrieved, in which order. */
struct luokit_round {
	const struct luokit_ordered *files;
	unsigned int preserve[LUOKIT_MAX_ORDERED];
	unsigned int retrieve[LUOKIT_MAX_ORDERED];
	unsigned int nr_retrieve;
	bool close;
};

static void luokit_round_names(const struct luokit_round *r, const unsigned int *order,
			       unsigned int nr, char *text, size_t size)
{
	unsigned int i;
	size_t len = 0;

	strscpy(text, "nothing", size);
	for (i = 0; i < nr; i++)
		len += scnprintf(text + len, size - len, "%s%s", i ? ", " : "",
				 r->files->names[order[i]]);
}

static void luokit_round_complain(struct luokit *k, const struct luokit_round *r,
				  const char *what, const char *which, int err)
{
	char preserve[64], retrieve[64];

	luokit_round_names(r, r->preserve, r->files->nr, preserve, sizeof(preserve));
	luokit_round_names(r, r->retrieve, r->nr_retrieve, retrieve, sizeof(retrieve));
	luokit_complain(k, "preserved %s; retrieved %s; %s: %s%s%s (%d)", preserve, retrieve,
			r->close ? "closed" : "finished", what, which ? " " : "", which ?: "",
			err);
}

/* Whether all went well. */
static bool luokit_round(struct luokit *k, const struct luokit_round *r)
{
	struct file *files[LUOKIT_MAX_ORDERED] = {}, *s;
	unsigned int i;
	const char *differ;
	int err;

	err = r->files->make(k, files);
	if (err) {
		luokit_round_complain(k, r, "the files cannot be made", NULL, err);
		return false;
	}
	s = luokit_create(k, "orders");
	for (i = 0; i < r->files->nr && !IS_ERR(s); i++) {
		unsigned int at = r->preserve[i];

		err = luokit_preserve(k, s, at + 1, files[at]);
		if (err) {
			luokit_round_complain(k, r, "cannot preserve", r->files->names[at], err);
			return false;
		}
	}
	err = PTR_ERR_OR_ZERO(s) ?: luokit_reboot(k);
	if (err) {
		luokit_round_complain(k, r, "the update fails", NULL, err);
		return false;
	}

	memset(files, 0, sizeof(files));
	s = luokit_retrieve_session(k, "orders");
	for (i = 0; i < r->nr_retrieve && !IS_ERR(s); i++) {
		unsigned int at = r->retrieve[i];

		files[at] = luokit_retrieve(k, s, at + 1);
		if (IS_ERR(files[at])) {
			luokit_round_complain(k, r, "cannot retrieve", r->files->names[at],
					      PTR_ERR(files[at]));
			return false;
		}
	}
	differ = r->files->differ(k, files);
	if (differ)
		luokit_round_complain(k, r, "what arrived differs in", differ, 0);
	err = PTR_ERR_OR_ZERO(s);
	if (!err && !r->close)
		err = luokit_finish(k, s);
	err = err ?: luokit_close(k, s);
	if (err)
		luokit_round_complain(k, r, "the session does not end", NULL, err);
	for (i = 0; i < r->files->nr; i++)
		if (files[i])
			luokit_put(k, files[i]);

	return !err && !differ;
}

unsigned int luokit_orders(struct luokit *k, const struct luokit_ordered *files)
{
	struct luokit_round r = { .files = files };
	unsigned int nr = luokit_factorial(files->nr), rounds = 0, p, q, i;
	u64 start = ktime_get_ns();

	if (!files->nr || files->nr > LUOKIT_MAX_ORDERED) {
		luokit_complain(k, "there are orders of 1 to %u files, not of %u",
				LUOKIT_MAX_ORDERED, files->nr);
		return 0;
	}

	for (p = 0; p < nr; p++) {
		luokit_permute(p, files->nr, r.preserve);
		for (q = 0; q < nr; q++) {
			luokit_permute(q, files->nr, r.retrieve);
			r.nr_retrieve = files->nr;
			if (!luokit_round(k, &r))
				return rounds;
			rounds++;
		}
	}
	pr_info("luokit: %u x %u orders of %u files in %llu ms\n", nr, nr, files->nr,
		(ktime_get_ns() - start) / NSEC_PER_MSEC);

	/* Some of them only, in a first and in a last order of preserving. */
	for (p = 0; p < nr; p += max(nr - 1, 1U)) {
		luokit_permute(p, files->nr, r.preserve);
		for (q = 0; q < 1U << (files->nr + 1); q++) {
			r.close = q & 1;
			r.nr_retrieve = 0;
			for (i = 0; i < files->nr; i++)
				if (q & 2U << i)
					r.retrieve[r.nr_retrieve++] = i;
			if (!luokit_round(k, &r))
				return rounds;
			rounds++;
		}
	}

	return rounds;
}
