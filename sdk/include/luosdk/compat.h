/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/compat.h - the only place that knows that kernel releases differ.
 *
 * The Live Update Orchestrator's interface to file handlers has changed in
 * almost every release since 6.19, and two stable releases of one series can
 * differ. Everything that differs is absorbed here, so that neither the rest
 * of the layer nor a handler has a line that depends on a release.
 *
 * What the compiler can see is told apart by types. What it cannot see
 * (whether a struct has a member) comes as LUOSDK_HAVE_* from the command
 * line, where sdk/Kbuild.include puts what sdk/probe found in the headers
 * of the kernel that is being built against. Version numbers decide nothing.
 */
#ifndef _LUOSDK_COMPAT_H
#define _LUOSDK_COMPAT_H

#include <linux/build_bug.h>
#include <linux/kexec_handover.h>
#include <linux/liveupdate.h>

/**
 * DOC: compat
 *
 * A driver does not include this header: the others do. It needs nothing but
 * the probe flags, which a driver gets by one line in its Kbuild::
 *
 *	include $(src)/../../sdk/Kbuild.include
 *
 * ============================  =========================================
 * flag                          the kernel ...
 * ============================  =========================================
 * LUOSDK_PROBED                 was looked at by sdk/probe at all
 * LUOSDK_HAVE_RETRIEVE_STATUS   remembers that a retrieve failed
 * LUOSDK_HAVE_SESSION           lets a handler find files of its session
 * LUOSDK_HAVE_CORE_GET_ID       checks for double preserves on its own
 * LUOSDK_HAVE_FLB               has state that files share (FLB)
 * LUOSDK_HAVE_FLB_PUT           counts who uses such a state in the new kernel
 * ============================  =========================================
 */

#ifndef LUOSDK_PROBED
#error "luosdk: include sdk/Kbuild.include in this Kbuild, it says what this kernel has"
#endif

/*
 * Before 6.19.9 the core forgets that a retrieve failed: it retries, and tells
 * finish() nothing. A state would be consumed twice, and no layer above the
 * core can prevent that.
 */
#ifndef LUOSDK_HAVE_RETRIEVE_STATUS
#error "luosdk: this kernel forgets failed retrieves (fixed by f85b1c6af5bc, in 6.19.9): update it"
#endif

/* Addresses that cross the kexec, and bitmaps in saved state, are 64 bit wide. */
static_assert(BITS_PER_LONG == 64);

/**
 * luosdk_unregister_file_handler() - Unregister a handler from LUO.
 * @fh: The handler.
 *
 * 6.19 and 7.0 return an error while one of the handler's files is preserved
 * or incoming; from 7.1 on the module's reference count makes this impossible
 * and there is nothing to return. The casts serve both.
 *
 * Context: May sleep.
 */
#define luosdk_unregister_file_handler(fh)				\
	((void)liveupdate_unregister_file_handler(fh))

/*
 * Whether a handler can find other files of its session; for depend.h. Without,
 * there is no session, and the other two are never called.
 */
#ifdef LUOSDK_HAVE_SESSION
#define LUOSDK_LOOKUPS		1

static inline struct liveupdate_session *
luosdk_args_session(const struct liveupdate_file_op_args *args)
{
	return args->session;
}

static inline int luosdk_session_token(struct liveupdate_session *s,
				       struct file *file, u64 *token)
{
	return liveupdate_get_token_outgoing(s, file, token);
}

static inline int luosdk_session_file(struct liveupdate_session *s, u64 token,
				      struct file **filep)
{
	return liveupdate_get_file_incoming(s, token, filep);
}
#else
#define LUOSDK_LOOKUPS		0

static inline struct liveupdate_session *
luosdk_args_session(const struct liveupdate_file_op_args *args)
{
	return NULL;
}

static inline int luosdk_session_token(struct liveupdate_session *s,
				       struct file *file, u64 *token)
{
	return -EOPNOTSUPP;
}

static inline int luosdk_session_file(struct liveupdate_session *s, u64 token,
				      struct file **filep)
{
	return -EOPNOTSUPP;
}
#endif

#ifdef LUOSDK_HAVE_FLB
/**
 * luosdk_unregister_flb() - Unregister a shared state from a handler.
 * @fh:  The handler.
 * @flb: The state.
 *
 * As with handlers, 7.0 returns an error and later kernels nothing.
 *
 * Context: May sleep.
 */
#define luosdk_unregister_flb(fh, flb)					\
	((void)liveupdate_unregister_flb(fh, flb))

/**
 * luosdk_flb_put_incoming() - Give back what liveupdate_flb_get_incoming() gave.
 * @flb: The state.
 *
 * Before 7.2 there is nothing to give back: the object lives until the last file
 * is finished, whoever uses it.
 *
 * Context: May sleep.
 */
static inline void luosdk_flb_put_incoming(struct liveupdate_flb *flb)
{
#ifdef LUOSDK_HAVE_FLB_PUT
	liveupdate_flb_put_incoming(flb);
#endif
}
#endif

#endif /* _LUOSDK_COMPAT_H */
