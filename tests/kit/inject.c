// SPDX-License-Identifier: GPL-2.0
/*
 * luokit: injected failures.
 *
 * kho_*() calls, vmalloc() and hooks fail by counts of the kit's own. Allocations fail by the
 * kernel's fault injection, per thread (current->fail_nth). As shipped it spares every
 * allocation that may sleep and every single page, so nothing of interest would fail; the
 * switches for that are files in debugfs, and the kit sets what stands behind them.
 */
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "luokit_internal.h"

#if defined(CONFIG_FAILSLAB) && defined(CONFIG_FAIL_PAGE_ALLOC) && \
	defined(CONFIG_FAULT_INJECTION_DEBUG_FS)
#define LUOKIT_FAULTS 1
#endif

unsigned int luokit_quiet_begin(void)
{
#ifdef LUOKIT_FAULTS
	unsigned int saved = current->fail_nth;

	current->fail_nth = 0;
	return saved;
#else
	return 0;
#endif
}

void luokit_quiet_end(unsigned int saved)
{
#ifdef LUOKIT_FAULTS
	current->fail_nth = saved;
#endif
}

bool luokit_should_fail_kho(struct luokit *k)
{
	if (!READ_ONCE(k->fail_kho) || --k->fail_kho)
		return false;
	k->fail_kho_hit = true;
	luokit_note(k, "  kho call fails, by %ps", __builtin_return_address(0));

	return true;
}

void luokit_fail_kho_nth(struct luokit *k, unsigned int nth)
{
	k->fail_kho_hit = false;
	k->fail_kho = nth;
}

/* vmalloc() falls back from many pages to single ones: to fail it, fail the call. */
bool luokit_should_fail_vmalloc(void)
{
	struct luokit *k = luokit_machine;

	if (!k || !READ_ONCE(k->fail_vmalloc) || --k->fail_vmalloc)
		return false;
	k->fail_kho_hit = true;
	luokit_note(k, "  vmalloc fails, in %ps", __builtin_return_address(0));

	return true;
}

static void luokit_fail_vmalloc_nth(struct luokit *k, unsigned int nth)
{
	k->fail_kho_hit = false;
	k->fail_vmalloc = nth;
}

int luokit_hook(const char *name)
{
	struct luokit *k = luokit_machine;

	if (!k || !READ_ONCE(k->fail_hook) || --k->fail_hook)
		return 0;
	k->fail_kho_hit = true;
	luokit_note(k, "  %s fails", name);

	return -EIO;
}

static void luokit_fail_hook_nth(struct luokit *k, unsigned int nth)
{
	k->fail_kho_hit = false;
	k->fail_hook = nth;
}

#ifdef LUOKIT_FAULTS
/* What is behind the file @name of fault injection @dir; NULL if there is none. */
static void *luokit_fault_knob(const char *dir, const char *name)
{
	struct dentry *parent = debugfs_lookup(dir, NULL);
	struct dentry *file;
	void *knob = NULL;

	if (IS_ERR_OR_NULL(parent))
		return NULL;
	file = debugfs_lookup(name, parent);
	if (!IS_ERR_OR_NULL(file)) {
		knob = d_inode(file)->i_private;
		dput(file);
	}
	dput(parent);

	return knob;
}

/* Of failslab and fail_page_alloc: counts the reports it suppressed. */
static struct ratelimit_state *luokit_reports[2];

/*
 * A failure that the allocation did not announce to be harmless (__GFP_NOWARN) is
 * reported, at a limited rate. With the rate at none it is only counted, and that count
 * says whether the failure had to surface.
 */
static struct ratelimit_state *luokit_fault_setup(const char *dir)
{
	bool *sleeping = luokit_fault_knob(dir, "ignore-gfp-wait");
	unsigned long *verbose = luokit_fault_knob(dir, "verbose");
	int *interval = luokit_fault_knob(dir, "verbose_ratelimit_interval_ms");
	int *burst = luokit_fault_knob(dir, "verbose_ratelimit_burst");
	bool *highmem = luokit_fault_knob(dir, "ignore-gfp-highmem");
	u32 *min_order = luokit_fault_knob(dir, "min-order");

	if (!sleeping || !verbose || !interval || !burst)
		return NULL;
	*sleeping = false;
	*verbose = 1;
	*interval = HZ;
	*burst = 0;
	if (highmem)
		*highmem = false;
	if (min_order)
		*min_order = 0;

	return container_of(interval, struct ratelimit_state, interval);
}

bool luokit_can_fail_alloc(void)
{
	static bool asked;

	if (!asked) {
		luokit_reports[0] = luokit_fault_setup("failslab");
		luokit_reports[1] = luokit_fault_setup("fail_page_alloc");
	}
	asked = true;

	return luokit_reports[0] && luokit_reports[1];
}

/* Whether a failed allocation had to surface, and start over. */
static bool luokit_alloc_was_loud(void)
{
	return ratelimit_state_reset_miss(luokit_reports[0]) +
	       ratelimit_state_reset_miss(luokit_reports[1]);
}

void luokit_fail_alloc_nth(struct luokit *k, unsigned int nth)
{
	if (!luokit_can_fail_alloc())
		return;
	k->failing_alloc = true;
	luokit_alloc_was_loud();
	current->fail_nth = nth;
}

static bool luokit_fail_alloc_end(struct luokit *k)
{
	bool hit = k->failing_alloc && !current->fail_nth;

	k->fail_quiet = hit && !luokit_alloc_was_loud();
	current->fail_nth = 0;
	k->failing_alloc = false;

	return hit;
}
#else
bool luokit_can_fail_alloc(void)
{
	return false;
}

void luokit_fail_alloc_nth(struct luokit *k, unsigned int nth)
{
}

static bool luokit_fail_alloc_end(struct luokit *k)
{
	return false;
}
#endif

bool luokit_fail_end(struct luokit *k)
{
	bool alloc_hit = luokit_fail_alloc_end(k);

	k->fail_kho = 0;
	k->fail_vmalloc = 0;
	k->fail_hook = 0;

	return alloc_hit || k->fail_kho_hit;
}

/* The last needs the kernel's fault injection. */
const struct luokit_fault luokit_faults[LUOKIT_FAULTS_MAX] = {
	{ "kho call", luokit_fail_kho_nth },
	{ "vmalloc", luokit_fail_vmalloc_nth },
	{ "hook", luokit_fail_hook_nth },
	{ "allocation", luokit_fail_alloc_nth },
};

unsigned int luokit_nr_faults(void)
{
	return luokit_can_fail_alloc() ? LUOKIT_FAULTS_MAX : LUOKIT_FAULTS_MAX - 1;
}

static size_t luokit_sweep_bytes(struct luokit *k)
{
	luokit_ledger_watch(k);

	return luokit_preserved_bytes(k) + luokit_core_bytes(k);
}

/* One kind of failure, from the first call on until none is reached. */
static unsigned int luokit_sweep_kind(struct luokit *k, const struct luokit_sweep *s,
				      const struct luokit_fault *fault)
{
	const char *kind = fault->name;
	unsigned int nth;

	for (nth = 1; ; nth++) {
		size_t before = luokit_sweep_bytes(k), after;
		bool hit;
		int err;

		if (s->prepare)
			s->prepare(k, s->ctx);
		fault->arm(k, nth);
		err = s->run(k, s->ctx);
		hit = luokit_fail_end(k);
		k->fail_kho_hit = false;

		if (err > 0)
			luokit_complain(k, "%s %u failed: returned %d, neither 0 nor an error",
					kind, nth, err);
		else if (hit && !err && !s->may_succeed && !k->fail_quiet)
			luokit_complain(k, "%s %u failed and nothing reports it", kind, nth);
		else if (!hit && err)
			luokit_complain(k, "%s: nothing failed, but it returns %d", kind, err);

		if (s->undo)
			s->undo(k, s->ctx, err);
		after = luokit_sweep_bytes(k);
		if (before != after)
			luokit_complain(k, "%s %u failed: %zu bytes preserved before, %zu after",
					kind, nth, before, after);
		if (!hit)
			return nth - 1;
		if (nth > 100000 || k->test->status == KUNIT_FAILURE)
			return nth;
	}
}

unsigned int luokit_sweep(struct luokit *k, const struct luokit_sweep *sweep)
{
	unsigned int nr = 0, i;

	for (i = 0; i < luokit_nr_faults(); i++)
		nr += luokit_sweep_kind(k, sweep, &luokit_faults[i]);

	return nr;
}
