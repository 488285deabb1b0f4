/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: the rule behind each conformance case, in one sentence.
 *
 * What the kit prints when a handler breaks a rule, and what docs/defects.rst explains; both
 * say it in these words, which scripts/check compares. A table, to be included where it is
 * needed, in the order of LUOKIT_CASES(), with the class of defects the case looks for::
 *
 *	#define LUOKIT_RULE(_class, _case, _rule) [LUOKIT_CASE_##_case] = { _class, _rule },
 *	#include "rules.h"
 *
 * Class 0 is no class: those cases try orders of calls and races, in which any rule can turn
 * out to be broken.
 */
#ifndef LUOKIT_RULE
#error "Define LUOKIT_RULE(_class, _case, _rule) before this file is included."
#endif

LUOKIT_RULE(1, c01_finish_after_failed_retrieve,
	    "After a retrieve that failed, finish leaves the saved state alone: retrieve has consumed it.")
LUOKIT_RULE(2, c02_failed_retrieve_leaks_nothing,
	    "However retrieve ends, all that was preserved for the file is in use or freed when the session is finished.")
LUOKIT_RULE(3, c03_errors_are_not_lost,
	    "A call that fails makes the operation fail with a negative errno, unless the operation can do without it.")
LUOKIT_RULE(4, c04_cleanup_uses_real_addresses,
	    "Cleanup gives back to KHO the addresses that were preserved, never a page frame number in place of one.")
LUOKIT_RULE(5, c05_half_done_is_undone,
	    "What an operation had already inserted or taken when it failed is removed or given back, once.")
LUOKIT_RULE(6, c06_empty_object,
	    "An empty object is preserved and retrieved like any other.")
LUOKIT_RULE(7, c07_every_size,
	    "Every size and count that the type allows arrives unchanged or is refused; none wraps around or is cut off.")
LUOKIT_RULE(8, c08_late_changes_arrive,
	    "A change made after preserve arrives in the new kernel, or whoever makes it is refused.")
LUOKIT_RULE(9, c09_foreign_files_are_refused,
	    "can_preserve refuses a file of another type without a look into its private_data.")
LUOKIT_RULE(10, c10_preserve_checks_again,
	    "preserve checks again what can_preserve checked, because the object may have changed since.")
LUOKIT_RULE(11, c11_locks_and_context,
	    "No callback sleeps in atomic context, returns with a lock held, or takes locks in an order that can deadlock.")
LUOKIT_RULE(12, c12_failed_preserve_leaves_no_trace,
	    "After a preserve that failed, and after unpreserve, the object is as it was before preserve.")
LUOKIT_RULE(13, c13_cleanup_frees_once,
	    "What a failing operation holds is released once, by goto or by scope-based cleanup, never by both in one function.")
LUOKIT_RULE(14, c14_error_pointers,
	    "A result is tested in the way its function reports failure: kho_alloc_preserve() by an ERR_PTR(), kho_restore_*() by NULL, phys_to_virt() never.")
LUOKIT_RULE(15, c15_queries_keep_no_reference,
	    "can_preserve, can_finish and get_id give back every reference that they take.")
LUOKIT_RULE(16, c16_half_built_file,
	    "A file is made of a complete object, so that its release can run as soon as the file exists.")
LUOKIT_RULE(17, c17_module_reference,
	    ".owner names the handler's module, so that the module stays as long as LUO can call it, and no longer.")
LUOKIT_RULE(18, c18_return_values,
	    "A callback returns 0 or a negative errno, and retrieve sets a file of its type, with one reference, exactly if it returns 0.")
LUOKIT_RULE(19, c19_failure_strands_no_session,
	    "can_finish can become true after a retrieve that failed, so that the session can end.")
LUOKIT_RULE(20, c20_damaged_state,
	    "Nothing in a saved state is used before it is checked, and memory that a damaged state names is not freed.")
LUOKIT_RULE(21, c21_preserved_once,
	    "An object, and each of its pages, is preserved at most once, through whatever file it is reached.")
LUOKIT_RULE(22, c22_not_visible_early,
	    "Until retrieve returns, nobody else can reach the new file, by a descriptor or in any other way.")
LUOKIT_RULE(23, c23_freeze_is_undone,
	    "When an update is aborted, the object works on as before: unfreeze undoes all that freeze did, and a freeze that fails undoes it itself.")
LUOKIT_RULE(0, every_order,
	    "Every order of calls that LUO allows works, and leaves nothing behind.")
LUOKIT_RULE(0, several_files_and_sessions,
	    "Several files of one handler, in one session or in several, do not disturb each other.")
LUOKIT_RULE(0, two_updates,
	    "A file that was retrieved can be preserved again, and the next update loses nothing either.")
LUOKIT_RULE(0, race_of_two_preserves,
	    "Of several threads that preserve one object at the same moment, exactly one succeeds.")
LUOKIT_RULE(0, race_of_changes,
	    "A change made during preserve, freeze or unpreserve arrives whole or is refused, and disturbs none of them.")

#undef LUOKIT_RULE
