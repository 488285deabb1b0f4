/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luosdk/guard.h - is this object preserved, by whom, and how far along?
 *
 * A live update must preserve an object at most once, whatever file, session
 * or thread asks. Files of anonymous inodes (eventfd, kvm, epoll and all
 * others) share one inode, so nothing that is recorded in an inode can tell
 * them apart. What tells them apart is the object behind the file: its
 * context. A guard is the record, in or beside the context, that says so.
 */
#ifndef _LUOSDK_GUARD_H
#define _LUOSDK_GUARD_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait_bit.h>

/**
 * DOC: guard
 *
 * There are two forms. They have the same operations and the same rules.
 *
 * &struct luosdk_guard is *embedded*: it sits in a context whose type the
 * driver owns, costs no allocation, and a claim is one compare-and-exchange.
 *
 * &struct luosdk_guards is *mapped*: one table per handler, keyed by the
 * address of a context of somebody else's type (an eventfd_ctx, a struct kvm,
 * an inode). An entry exists exactly while its context is claimed.
 *
 * A guard is idle, or it has a phase and a holder. In the old kernel the phases
 * go from idle to preserved and frozen, and back the same way when the update is
 * aborted; in the new kernel from idle, by way of reserved or not, to restored,
 * and with the finish of the session to idle.
 *
 * The holder is a pointer that names who claimed: the struct file that LUO
 * preserved or restored, or for a reservation any pointer of the driver's.
 * Whoever is not the holder can change nothing: the attempt warns, because it
 * means that a callback ran twice or for the wrong object.
 *
 * Handlers made with handler.h never call the operations below; the layer
 * does. A driver asks for the phase, and brackets what changes its object::
 *
 *	struct widget {
 *		struct luosdk_guard guard;
 *		u64 value;
 *	};
 *
 *	int widget_set(struct widget *w, u64 value)
 *	{
 *		int err = luosdk_access_begin_wait(&w->guard);
 *
 *		if (err)
 *			return err;
 *		w->value = value;
 *		luosdk_access_end(&w->guard);
 *		return 0;
 *	}
 *
 *	void widget_shutdown(struct widget *w)
 *	{
 *		if (luosdk_guard_phase(&w->guard) == LUOSDK_IDLE)
 *			widget_reset(w);
 *	}
 */

/**
 * enum luosdk_phase - Where an object stands in a live update.
 * @LUOSDK_IDLE:      Nothing holds it. It can be preserved.
 * @LUOSDK_PRESERVED: Old kernel. It will be carried over; it may still change.
 * @LUOSDK_FROZEN:    Old kernel. Its saved state is final; it must not change.
 * @LUOSDK_RESERVED:  New kernel. It is promised to an incoming file that was
 *                    not yet retrieved; nobody else may open it.
 * @LUOSDK_RESTORED:  New kernel. Its file was retrieved, and the session is
 *                    not yet finished.
 */
enum luosdk_phase {
	LUOSDK_IDLE,
	LUOSDK_PRESERVED,
	LUOSDK_FROZEN,
	LUOSDK_RESERVED,
	LUOSDK_RESTORED,
};

/* A holder is aligned to 8 bytes; its low three bits carry the phase. */
#define LUOSDK_PHASE_MASK	7UL

static inline unsigned long luosdk_guard_pack(const void *holder,
					      enum luosdk_phase phase)
{
	return (unsigned long)holder | phase;
}

/**
 * struct luosdk_guard - Embedded guard.
 *
 * All zeroes is the idle guard: kzalloc() initialises it.
 */
struct luosdk_guard {
	/* private: */
	/* Holder and phase in one word; zero when idle. */
	atomic_long_t word;
	/* How many sections of luosdk_access_begin() are open now. */
	atomic_t inside;
};

/**
 * luosdk_guard_phase() - Tell the phase of an embedded guard.
 * @guard: The guard.
 *
 * Context: Any. The answer can be out of date when it is used, unless the
 *          caller's own locking excludes the transition in question.
 * Return: The phase.
 */
static inline enum luosdk_phase
luosdk_guard_phase(const struct luosdk_guard *guard)
{
	return atomic_long_read(&guard->word) & LUOSDK_PHASE_MASK;
}

/**
 * luosdk_guard_holder() - Tell who holds an embedded guard.
 * @guard: The guard.
 *
 * Context: Any. For comparison only: the holder may be gone.
 * Return: The holder, or NULL when the guard is idle.
 */
static inline const void *luosdk_guard_holder(const struct luosdk_guard *guard)
{
	return (const void *)(atomic_long_read(&guard->word) & ~LUOSDK_PHASE_MASK);
}

/* The holder moves the guard from one phase to another; anybody else cannot. */
static inline bool luosdk_guard_move(struct luosdk_guard *guard,
				     const void *holder, enum luosdk_phase from,
				     enum luosdk_phase to)
{
	long old = luosdk_guard_pack(holder, from);

	return atomic_long_try_cmpxchg(&guard->word, &old,
				       luosdk_guard_pack(holder, to));
}

/* Idle -> @phase. The one place where an embedded guard gets a holder. */
static inline int luosdk_guard_take(struct luosdk_guard *guard,
				    const void *holder, enum luosdk_phase phase)
{
	long old = 0;

	if (!atomic_long_try_cmpxchg(&guard->word, &old,
				     luosdk_guard_pack(holder, phase)))
		return -EBUSY;

	return 0;
}

/**
 * luosdk_guard_claim() - Claim an object for being preserved.
 * @guard:  The object's guard.
 * @holder: Who claims; not NULL, aligned to 8 bytes. A struct file is.
 *
 * The delegated double-preserve check. It belongs before everything else in a
 * preserve callback, so that whoever loses has nothing to undo.
 *
 * Context: Any. Orders like a full memory barrier when it succeeds.
 * Return: 0; -EBUSY if the object is claimed, by whomever and in whatever
 *         phase, also by @holder itself.
 */
static inline int luosdk_guard_claim(struct luosdk_guard *guard,
				     const void *holder)
{
	return luosdk_guard_take(guard, holder, LUOSDK_PRESERVED);
}

/**
 * luosdk_guard_release() - Give an object up.
 * @guard:  The object's guard.
 * @holder: Who claimed it.
 *
 * For unpreserve, for a preserve that fails after its claim, for finish, and
 * for a reservation that nobody came for. Warns and changes nothing if @holder
 * does not hold the guard.
 *
 * Context: Any. Orders like a full memory barrier.
 */
static inline void luosdk_guard_release(struct luosdk_guard *guard,
					const void *holder)
{
	long old = atomic_long_read(&guard->word);
	unsigned long was = old;

	if (WARN((was & ~LUOSDK_PHASE_MASK) != (unsigned long)holder ||
		 !atomic_long_try_cmpxchg(&guard->word, &old, 0),
		 "luosdk: released by who does not hold it\n"))
		return;

	if (unlikely((was & LUOSDK_PHASE_MASK) == LUOSDK_FROZEN))
		wake_up_var(&guard->word);
}

/**
 * luosdk_guard_thaw() - Let a frozen object change again.
 * @guard:  The object's guard.
 * @holder: Who claimed it.
 *
 * Those who wait in luosdk_access_begin_wait() go on. Warns and changes
 * nothing if @holder does not hold the guard frozen.
 *
 * Context: Any.
 */
static inline void luosdk_guard_thaw(struct luosdk_guard *guard,
				     const void *holder)
{
	if (!WARN(!luosdk_guard_move(guard, holder, LUOSDK_FROZEN,
				     LUOSDK_PRESERVED),
		  "luosdk: thawed by who did not freeze it\n"))
		wake_up_var(&guard->word);
}

/**
 * luosdk_guard_freeze() - Make the state of a preserved object final.
 * @guard:   The object's guard.
 * @holder:  Who claimed it.
 * @timeout: How long to wait for open access sections, in jiffies.
 *
 * From here on luosdk_access_begin() fails. Then waits until the sections that
 * were open have ended. They are short by their contract, so @timeout passes
 * only when somebody broke it; the guard is then thawed again and the update
 * has to be aborted.
 *
 * Context: Sleeps. LUO calls freeze in the reboot system call, with the
 *          session's mutex held and user space running.
 * Return: 0; -EBUSY if sections were still open after @timeout; -EINVAL, with
 *         a warning, if @holder does not hold the guard preserved.
 */
static inline int luosdk_guard_freeze(struct luosdk_guard *guard,
				      const void *holder, long timeout)
{
	if (WARN(!luosdk_guard_move(guard, holder, LUOSDK_PRESERVED,
				    LUOSDK_FROZEN),
		 "luosdk: frozen by who did not preserve it\n"))
		return -EINVAL;

	if (wait_var_event_timeout(&guard->inside,
				   !atomic_read(&guard->inside), timeout))
		return 0;

	luosdk_guard_thaw(guard, holder);
	return -EBUSY;
}

/**
 * luosdk_guard_reserve() - Keep an object for its incoming file.
 * @guard:  The object's guard.
 * @holder: Who keeps it: any pointer of the driver's, aligned to 8 bytes.
 *
 * For a device that was probed in the new kernel before its file is retrieved.
 *
 * Context: Any.
 * Return: 0; -EBUSY if the object is claimed.
 */
static inline int luosdk_guard_reserve(struct luosdk_guard *guard,
				       const void *holder)
{
	return luosdk_guard_take(guard, holder, LUOSDK_RESERVED);
}

/**
 * luosdk_guard_restore() - Claim an object whose file was just restored.
 * @guard:  The object's guard.
 * @holder: The restored struct file.
 *
 * Ends a reservation: who reserved knows for which file. Until it is released
 * in finish, the object cannot be preserved for the next live update.
 *
 * Context: Any.
 * Return: 0; -EBUSY if the object is claimed by something else.
 */
static inline int luosdk_guard_restore(struct luosdk_guard *guard,
				       const void *holder)
{
	long old = atomic_long_read(&guard->word);

	do {
		if (old && (old & LUOSDK_PHASE_MASK) != LUOSDK_RESERVED)
			return -EBUSY;
	} while (!atomic_long_try_cmpxchg(&guard->word, &old,
					  luosdk_guard_pack(holder, LUOSDK_RESTORED)));

	return 0;
}

/**
 * luosdk_access_end() - End a section that changes a guarded object.
 * @guard: The object's guard.
 *
 * Context: Any.
 */
static inline void luosdk_access_end(struct luosdk_guard *guard)
{
	/* Pairs with luosdk_guard_freeze(): it sets the phase, then counts. */
	if (atomic_dec_and_test(&guard->inside) &&
	    unlikely(luosdk_guard_phase(guard) == LUOSDK_FROZEN))
		wake_up_var(&guard->inside);
}

/**
 * luosdk_access_begin() - Begin a section that changes a guarded object.
 * @guard: The object's guard.
 *
 * User space runs while LUO freezes, so without this no saved state is final.
 * A section must be short: never across a sleep on user action, nor across a
 * copy from or to user space, because freeze waits for it with a bound.
 *
 * Context: Any.
 * Return: 0, and the caller owes a luosdk_access_end(); -EBUSY if the object
 *         is frozen.
 */
static inline int luosdk_access_begin(struct luosdk_guard *guard)
{
	atomic_inc(&guard->inside);
	/* Either freeze sees the count, or this sees the phase. */
	smp_mb__after_atomic();
	if (likely(luosdk_guard_phase(guard) != LUOSDK_FROZEN))
		return 0;

	luosdk_access_end(guard);
	return -EBUSY;
}

/**
 * luosdk_access_begin_wait() - Like luosdk_access_begin(), but wait.
 * @guard: The object's guard.
 *
 * A user of an object whose update is aborted notices a delay and nothing
 * else; one whose update is carried out never returns.
 *
 * Context: Sleeps.
 * Return: 0, and the caller owes a luosdk_access_end(); -ERESTARTSYS if the
 *         task was killed meanwhile.
 */
static inline int luosdk_access_begin_wait(struct luosdk_guard *guard)
{
	while (luosdk_access_begin(guard)) {
		int err = wait_var_event_killable(&guard->word,
						  luosdk_guard_phase(guard) !=
						  LUOSDK_FROZEN);

		if (err)
			return err;
	}

	return 0;
}

/* The embedded table serves the first few contexts without an allocation. */
#define LUOSDK_GUARDS_MIN_BITS	3

/*
 * One claimed context. Chained by one pointer rather than by an hlist_node so
 * that it fits a 32-byte slab object: that, with its share of the table, is
 * the whole memory cost of guarding an object of a foreign type.
 */
struct luosdk_guards_entry {
	struct luosdk_guards_entry *next;
	const void *ctx;
	unsigned long word;
};

/**
 * struct luosdk_guards - Mapped guards: a table of claimed contexts.
 *
 * Grows with the number of contexts that are claimed at once, and gives
 * everything back when the last one is released, so it needs no destructor.
 *
 * Why not a table the kernel has: an rhashtable must be initialised and
 * destroyed, frees entries after a grace period, and its insert can fail for
 * want of memory, which a claim in retrieve cannot afford. An xarray under
 * pointer keys takes 650 bytes to 6 KiB an object. See docs/guard.rst for the
 * figures.
 */
struct luosdk_guards {
	/* private: */
	spinlock_t lock;
	unsigned int bits;
	unsigned int count;
	struct luosdk_guards_entry **grown;
	struct luosdk_guards_entry *small[1 << LUOSDK_GUARDS_MIN_BITS];
};

/**
 * LUOSDK_GUARDS_INIT() - Static initialiser of a struct luosdk_guards.
 * @name: The variable that is being initialised.
 */
#define LUOSDK_GUARDS_INIT(name) {					\
	.lock = __SPIN_LOCK_UNLOCKED((name).lock),			\
	.bits = LUOSDK_GUARDS_MIN_BITS,					\
}

/**
 * luosdk_guards_init() - Initialise a struct luosdk_guards at run time.
 * @guards: The table.
 *
 * Context: Any.
 */
static inline void luosdk_guards_init(struct luosdk_guards *guards)
{
	*guards = (struct luosdk_guards){ .bits = LUOSDK_GUARDS_MIN_BITS };
	spin_lock_init(&guards->lock);
}

static inline struct luosdk_guards_entry **
luosdk_guards_chain(struct luosdk_guards *guards, const void *ctx)
{
	struct luosdk_guards_entry **table = guards->grown ?: guards->small;

	return &table[hash_ptr(ctx, guards->bits)];
}

/* Where the pointer to the entry of @ctx stands, or the end of its chain. */
static inline struct luosdk_guards_entry **
luosdk_guards_find(struct luosdk_guards *guards, const void *ctx)
{
	struct luosdk_guards_entry **link;

	lockdep_assert_held(&guards->lock);

	for (link = luosdk_guards_chain(guards, ctx); *link; link = &(*link)->next)
		if ((*link)->ctx == ctx)
			break;

	return link;
}

/*
 * Double the table when there are as many entries as chains. Without memory
 * for it the chains get longer and nothing else happens.
 */
static inline void luosdk_guards_grow(struct luosdk_guards *guards)
{
	unsigned int bits = READ_ONCE(guards->bits);
	struct luosdk_guards_entry **table, **old;
	unsigned int i;

	if (likely(READ_ONCE(guards->count) >> bits == 0))
		return;

	table = kvcalloc(2UL << bits, sizeof(*table), GFP_KERNEL | __GFP_NOWARN);
	if (!table)
		return;

	spin_lock(&guards->lock);
	if (guards->bits != bits) {
		/* Somebody else was faster. */
		old = table;
	} else {
		old = guards->grown;
		for (i = 0; i < 1U << bits; i++) {
			struct luosdk_guards_entry *entry, *next;

			for (entry = (old ?: guards->small)[i]; entry; entry = next) {
				u32 slot = hash_ptr(entry->ctx, bits + 1);

				next = entry->next;
				entry->next = table[slot];
				table[slot] = entry;
			}
		}
		memset(guards->small, 0, sizeof(guards->small));
		guards->grown = table;
		guards->bits = bits + 1;
	}
	spin_unlock(&guards->lock);

	kvfree(old);
}

static inline int luosdk_guards_take(struct luosdk_guards *guards,
				     const void *ctx, const void *holder,
				     enum luosdk_phase phase, gfp_t gfp)
{
	struct luosdk_guards_entry *entry, **link;
	int err = -EBUSY;

	entry = kmalloc(sizeof(*entry), gfp);
	if (!entry)
		return -ENOMEM;

	entry->ctx = ctx;
	entry->word = luosdk_guard_pack(holder, phase);
	luosdk_guards_grow(guards);

	spin_lock(&guards->lock);
	link = luosdk_guards_find(guards, ctx);
	if (likely(!*link)) {
		entry->next = NULL;
		*link = entry;
		guards->count++;
		spin_unlock(&guards->lock);
		return 0;
	}
	if (phase == LUOSDK_RESTORED &&
	    ((*link)->word & LUOSDK_PHASE_MASK) == LUOSDK_RESERVED) {
		(*link)->word = entry->word;
		err = 0;
	}
	spin_unlock(&guards->lock);

	kfree(entry);
	return err;
}

static inline bool luosdk_guards_move(struct luosdk_guards *guards,
				      const void *ctx, const void *holder,
				      enum luosdk_phase from, enum luosdk_phase to)
{
	struct luosdk_guards_entry *entry;
	bool moved;

	spin_lock(&guards->lock);
	entry = *luosdk_guards_find(guards, ctx);
	moved = entry && entry->word == luosdk_guard_pack(holder, from);
	if (moved)
		entry->word = luosdk_guard_pack(holder, to);
	spin_unlock(&guards->lock);

	return moved;
}

/**
 * luosdk_guards_claim() - Claim a context for being preserved.
 * @guards: The handler's table.
 * @ctx:    The context: what the file is a handle of, not the file.
 * @holder: Who claims, as for luosdk_guard_claim().
 *
 * Context: Sleeps.
 * Return: 0; -EBUSY if the context is claimed; -ENOMEM.
 */
static inline int luosdk_guards_claim(struct luosdk_guards *guards,
				      const void *ctx, const void *holder)
{
	return luosdk_guards_take(guards, ctx, holder, LUOSDK_PRESERVED,
				  GFP_KERNEL);
}

/**
 * luosdk_guards_reserve() - Keep a context for its incoming file.
 * @guards: The handler's table.
 * @ctx:    The context.
 * @holder: Who keeps it, as for luosdk_guard_reserve().
 *
 * Context: Sleeps.
 * Return: 0; -EBUSY if the context is claimed; -ENOMEM.
 */
static inline int luosdk_guards_reserve(struct luosdk_guards *guards,
					const void *ctx, const void *holder)
{
	return luosdk_guards_take(guards, ctx, holder, LUOSDK_RESERVED,
				  GFP_KERNEL);
}

/**
 * luosdk_guards_restore() - Claim a context whose file was just restored.
 * @guards: The handler's table.
 * @ctx:    The context.
 * @holder: The restored struct file.
 *
 * LUO remembers an error of retrieve for ever, so this one does not fail for
 * want of memory: it waits for the 32 bytes it needs.
 *
 * Context: Sleeps.
 * Return: 0; -EBUSY if the context is claimed by something else.
 */
static inline int luosdk_guards_restore(struct luosdk_guards *guards,
					const void *ctx, const void *holder)
{
	return luosdk_guards_take(guards, ctx, holder, LUOSDK_RESTORED,
				  GFP_KERNEL | __GFP_NOFAIL);
}

/**
 * luosdk_guards_release() - Give a context up.
 * @guards: The handler's table.
 * @ctx:    The context.
 * @holder: Who claimed it.
 *
 * Warns and changes nothing if @holder does not hold @ctx.
 *
 * Context: Sleeps (it may free a table).
 */
static inline void luosdk_guards_release(struct luosdk_guards *guards,
					 const void *ctx, const void *holder)
{
	struct luosdk_guards_entry *entry, **link, **grown = NULL;
	bool held;

	spin_lock(&guards->lock);
	link = luosdk_guards_find(guards, ctx);
	entry = *link;
	held = entry && (entry->word & ~LUOSDK_PHASE_MASK) == (unsigned long)holder;
	if (held) {
		*link = entry->next;
		if (!--guards->count) {
			grown = guards->grown;
			guards->grown = NULL;
			guards->bits = LUOSDK_GUARDS_MIN_BITS;
		}
	}
	spin_unlock(&guards->lock);

	if (WARN(!held, "luosdk: released by who does not hold it\n"))
		return;

	kfree(entry);
	/* Seldom: it was the last one, and there had been many. */
	if (unlikely(grown))
		kvfree(grown);
}

/**
 * luosdk_guards_freeze() - Note that the saved state of a context is final.
 * @guards: The handler's table.
 * @ctx:    The context.
 * @holder: Who claimed it.
 *
 * A foreign type cannot look into this table, so it keeps nobody out: the type
 * needs a mark of its own, or better a mirror (see the eventfd handler).
 *
 * Context: Any but hard interrupt.
 * Return: 0; -EINVAL, with a warning, if @holder does not hold @ctx preserved.
 */
static inline int luosdk_guards_freeze(struct luosdk_guards *guards,
				       const void *ctx, const void *holder)
{
	if (WARN(!luosdk_guards_move(guards, ctx, holder, LUOSDK_PRESERVED,
				     LUOSDK_FROZEN),
		 "luosdk: frozen by who did not preserve it\n"))
		return -EINVAL;

	return 0;
}

/**
 * luosdk_guards_thaw() - Undo luosdk_guards_freeze().
 * @guards: The handler's table.
 * @ctx:    The context.
 * @holder: Who claimed it.
 *
 * Context: Any but hard interrupt.
 */
static inline void luosdk_guards_thaw(struct luosdk_guards *guards,
				      const void *ctx, const void *holder)
{
	WARN(!luosdk_guards_move(guards, ctx, holder, LUOSDK_FROZEN,
				 LUOSDK_PRESERVED),
	     "luosdk: thawed by who did not freeze it\n");
}

/**
 * luosdk_guards_phase() - Tell the phase of a context.
 * @guards: The handler's table.
 * @ctx:    The context. Only its address is used: it may be gone.
 *
 * Context: Any but hard interrupt.
 * Return: The phase.
 */
static inline enum luosdk_phase luosdk_guards_phase(struct luosdk_guards *guards,
						    const void *ctx)
{
	struct luosdk_guards_entry *entry;

	guard(spinlock)(&guards->lock);
	entry = *luosdk_guards_find(guards, ctx);
	return entry ? entry->word & LUOSDK_PHASE_MASK : LUOSDK_IDLE;
}

/**
 * luosdk_guards_get_file() - Find the file as which a context is preserved.
 * @guards: The handler's table.
 * @ctx:    The context.
 *
 * A driver that uses an eventfd holds its eventfd_ctx, not the struct file that
 * was preserved; this is the way from one to the other. LUO's own reference to
 * the file is dropped after the claim, so the file is alive while it is found.
 *
 * Context: Any but hard interrupt.
 * Return: The file, and the caller owes an fput(); NULL if @ctx is not
 *         preserved, frozen or restored.
 */
static inline struct file *luosdk_guards_get_file(struct luosdk_guards *guards,
						  const void *ctx)
{
	struct luosdk_guards_entry *entry;

	guard(spinlock)(&guards->lock);
	entry = *luosdk_guards_find(guards, ctx);
	if (!entry || (entry->word & LUOSDK_PHASE_MASK) == LUOSDK_RESERVED)
		return NULL;

	return get_file((struct file *)(entry->word & ~LUOSDK_PHASE_MASK));
}

#endif /* _LUOSDK_GUARD_H */
