/* SPDX-License-Identifier: GPL-2.0 */
/*
 * luokit: what the kit's own files share. Suites include luokit.h, worlds luokit_world.h.
 */
#ifndef LUOKIT_INTERNAL_H
#define LUOKIT_INTERNAL_H

#include <linux/list.h>
#include <linux/liveupdate.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <luokit.h>
#include <luokit_fake.h>
#include <luokit_subject.h>

#define LUOKIT_STACK_DEPTH	12
#define LUOKIT_MAX_NOTES	32
#define LUOKIT_FIRST_NOTES	4
#define LUOKIT_NOTE_LEN		112
#define LUOKIT_MAX_SUBTREES	16

/**
 * enum luokit_page_state - where preserved memory stands
 * @LUOKIT_PRESERVED: in this kernel, for the next one.
 * @LUOKIT_INCOMING: from the old kernel, not restored.
 * @LUOKIT_RESTORED: given back to a handler; the ledger still watches that it is freed.
 * @LUOKIT_IN_FILE: restored and since then part of a file's page cache. No reference.
 * @LUOKIT_DONE: restored and freed, or given up. Kept to tell "twice" from "never".
 */
enum luokit_page_state {
	LUOKIT_PRESERVED,
	LUOKIT_INCOMING,
	LUOKIT_RESTORED,
	LUOKIT_IN_FILE,
	LUOKIT_DONE,
};

/*
 * struct luokit_run - one line of the ledger: pages preserved as one
 * @list: in &luokit.runs.
 * @pfn: of the first page; also where it stands in &luokit.pages, as do the others.
 * @order: 1 << @order pages.
 * @state: see there. All but IN_FILE and DONE hold a reference on each page or the folio.
 * @folio: preserved as a folio, not as so many pages; or restored as one.
 * @whole: all of the pages that one call preserved, so that they can come back as one folio.
 * @core: by LUO's core, not by a handler.
 * @excused: its loss is the fault of an injected failure.
 * @shipped: part of the reboot under way; @released: and its owner let go of it in time.
 * @user_data: content of a file; may look like anything.
 * @state_memory: made for a state: kho_alloc_preserve() or an array of kho_preserve_vmalloc().
 * @kept: DONE, and the ledger goes on holding it.
 * @caller: who preserved it; @stack, @nr_stack: by which way.
 * @copy: the content at the last moment of the old kernel.
 */
struct luokit_run {
	struct list_head list;
	unsigned long pfn;
	unsigned int order;
	enum luokit_page_state state;
	bool folio;
	bool whole;
	bool core;
	bool excused;
	bool shipped;
	bool released;
	bool user_data;
	bool state_memory;
	bool kept;
	void *caller;
	unsigned int nr_stack;
	unsigned long stack[LUOKIT_STACK_DEPTH];
	void *copy;
};

struct luokit_subtree {
	const char *name;
	phys_addr_t phys;
	size_t size;
};

/* A file or session the kit holds for the test. */
struct luokit_held {
	struct list_head list;
	struct file *file;
	bool session;
};

/* A file the core put while it held locks; dropped when it holds none. */
struct luokit_late_put {
	struct list_head list;
	struct file *file;
};

/* A file on its way through luo_preserve_file(), which takes a number only. */
struct luokit_fd {
	struct list_head list;
	struct task_struct *task;
	struct file *file;
};

/* A file of the subject that is preserved or retrieved, or one that came in its company. */
struct luokit_joined {
	struct list_head list;
	struct file *session;
	struct file *file;
	bool came_along;
	bool arrived;
	bool settled;
};

struct luokit_misc {
	struct list_head list;
	struct miscdevice *misc;
};

/*
 * struct luokit_watched - a handler whose callbacks the kit looks at
 * @list: in &luokit.watched.
 * @fh: as the core has it; its ops are @proxy.
 * @real: its own ops.
 * @proxy: those that look, then call the real ones.
 */
struct luokit_watched {
	struct list_head list;
	struct liveupdate_file_handler *fh;
	const struct liveupdate_file_ops *real;
	struct liveupdate_file_ops proxy;
};

/*
 * struct luokit_judge - the case of the conformance suite that runs, if one does
 * @subject: what is judged.
 * @id: the case; @class: its class of defects, 0 for none.
 * @verdict: where findings go. NULL: they fail the test.
 * @fops: of the subject's files.
 * @task: the thread of the case; a finding in it ends the case.
 * @escape: where to go on then.
 * @preempt: preempt_count() there.
 * @armed: @escape is valid.
 * @skipped: what the subject does not tell and the case needs; NULL if all is there.
 * @spoil: change the next file between can_preserve() and preserve().
 * @findings: so far.
 */
struct luokit_judge {
	const struct luokit_subject *subject;
	enum luokit_case_id id;
	unsigned int class;
	struct luokit_verdict *verdict;
	const struct file_operations *fops;
	struct task_struct *task;
	void *escape[5];
	unsigned int preempt;
	bool armed;
	const char *skipped;
	bool spoil;
	unsigned int findings;
};

/*
 * struct luokit - the machine a test runs on
 * @test: whose it is.
 * @world, @next_world: the kernel that runs, and the one of the next reboot.
 * @lock: the ledger, complaints and the lists of files.
 * @preserving: only one call at a time changes what is preserved.
 * @runs, @pages: the ledger, in order of time and by page frame.
 */
struct luokit {
	struct kunit *test;
	const struct luokit_world *world, *next_world;
	bool ended;
	bool abandoned;		/* left in the middle of something, for good */
	bool running;		/* booted and not shut down */
	bool frozen;
	bool leaving;		/* between two worlds: the ledger keeps what is let go */
	bool racing;		/* in luokit_race() */
	bool accompanying;	/* in luokit_company() */
	bool opened;		/* /dev/liveupdate was opened in this kernel */
	unsigned int reboots;

	spinlock_t lock;	/* runs, complaints, the lists of files */
	struct mutex preserving; /* one call at a time changes the ledger */
	struct list_head runs;
	struct xarray pages;
	struct luokit_subtree out[LUOKIT_MAX_SUBTREES], in[LUOKIT_MAX_SUBTREES];

	struct list_head held;
	struct list_head late, late_free;
	struct list_head fds;
	struct list_head joined;
	struct list_head miscs;

	struct luokit_stub stub;

	void (*last)(struct luokit *k, void *ctx);
	void (*first)(struct luokit *k, void *ctx);
	void *between_ctx;

	char expected[80];
	bool expecting;
	unsigned int complained;
	size_t expected_leak;
	bool expect_unretrieved;
	bool lost_vmalloc;	/* an injected failure hid what an array names */

	unsigned int fail_kho;	/* counts down to the call that fails */
	unsigned int fail_vmalloc, fail_hook;
	bool fail_kho_hit;	/* of these three */
	bool failing_alloc;
	bool fail_quiet;	/* and the one that failed was not to be reported */

	struct luokit_judge *judge;
	struct list_head watched;
	void *inside;		/* the callback that runs, in the thread below */
	struct task_struct *inside_task;
	int module_users;	/* references to the module that the world is */
	bool no_core_xarray;
	void (*thawed)(struct luokit *k, void *ctx);	/* as luokit_between() */

	char notes[LUOKIT_MAX_NOTES][LUOKIT_NOTE_LEN];
	unsigned int nr_notes;
	bool hush;		/* what the world logs is counted, not printed */
	u64 log_seq;		/* how far the kernel's log was read */
	unsigned int warnings;	/* lines of level warning and above since the boot */
};

/* The machine of the test that runs; tests run one after the other. */
extern struct luokit *luokit_machine;

/* Say that a rule was broken: fails the test, or is what it expects. Any context. */
__printf(2, 3) void luokit_complain(struct luokit *k, const char *fmt, ...);

/* The same, for a rule of class @class of docs/defects.rst. 0: that of the case. */
__printf(3, 4) void luokit_complain_of(struct luokit *k, unsigned int class,
				       const char *fmt, ...);

/* watch.c */
__printf(2, 3) void luokit_note(struct luokit *k, const char *fmt, ...);
void luokit_notes_reset(struct luokit *k);
void luokit_notes_print(struct luokit *k);
void luokit_log_start(struct luokit *k);
void luokit_log_read(struct luokit *k, bool judge);
void luokit_unwatch_all(struct luokit *k);

/* conform.c */
void luokit_judge_rearm(struct luokit *k);
void luokit_finding(struct luokit *k, unsigned int class, const char *text);
/* Leave the case, in its own thread, as it is. */
void __noreturn luokit_escape(struct luokit_judge *judge);
/* The case needs what the subject does not tell. Returns; the case then ends by itself. */
void luokit_skip(struct luokit *k, const char *why);
void luokit_conformance_case(struct kunit *test, enum luokit_case_id id);

/* conform_cases.c */
extern void (* const luokit_case_fns[LUOKIT_NR_CASES])(struct luokit *k,
						       const struct luokit_subject *s);

/* company.c: the files that a subject's files need. */
void luokit_join(struct luokit *k, struct file *session, struct file *file, bool arrived);
void luokit_leave(struct luokit *k, struct file *session);
void luokit_company(struct luokit *k);
void luokit_settle(struct luokit *k, struct file *session);
int luokit_preserve_one(struct luokit *k, struct file *session, u64 token, struct file *file);

bool luokit_should_fail_kho(struct luokit *k);
/* One kind of failure: what a report calls it, and how to have the @nth one fail. */
struct luokit_fault {
	const char *name;
	void (*arm)(struct luokit *k, unsigned int nth);
};

extern const struct luokit_fault luokit_faults[];
#define LUOKIT_FAULTS_MAX	4
unsigned int luokit_nr_faults(void);

/* fake_kho.c */
void luokit_ledger_init(struct luokit *k);
/* Look which restored memory was given back or went into a file. */
void luokit_ledger_watch(struct luokit *k);
/* Watch what went into files again: they are about to be closed. */
void luokit_ledger_rearm(struct luokit *k);
/* Complain about restored memory that nobody freed, and forget about it. */
void luokit_ledger_check_restored(struct luokit *k, const char *when);
/* Whether what the old kernel handed over and nobody freed is for this case to find. */
bool luokit_leaks_matter(struct luokit *k);
/* Bytes that handlers should have restored by now, described; what is excused is not. */
size_t luokit_ledger_unclaimed(struct luokit *k);
/* The handler reported them as lost. */
void luokit_ledger_excuse(struct luokit *k);
/* Complain about what is left, and let go of everything. */
void luokit_ledger_close(struct luokit *k);
size_t luokit_run_bytes(const struct luokit_run *run);
void luokit_run_put(struct luokit_run *run);
void luokit_run_forget(struct luokit *k, struct luokit_run *run);
void luokit_describe(struct luokit_run *run, const char *what);

/* reboot.c */
int luokit_kexec(struct luokit *k);

/* lifecycle.c */
/* The case was left in the middle: nothing of this machine may be touched again. */
void luokit_abandon(struct luokit *k);
int luokit_start(struct luokit *k);
void luokit_shutdown(struct luokit *k);
void luokit_close_all(struct luokit *k);
void luokit_flush_puts(struct luokit *k);

/* stub.c: with room for what a patched core's handlers have at their end, and this one has not. */
struct luokit_stub_room {
	struct liveupdate_file_handler fh;
	u64 more[16];
};

extern struct luokit_stub_room luokit_stub_room;
#define luokit_stub_handler	luokit_stub_room.fh

void luokit_stub_reset(void);

/* statics.c */
int luokit_statics_reset(const struct luokit_world *world);
void luokit_statics_forget(struct module *module);

/* watch.c: the module that worlds take themselves for. Built in, an initcall. */
int luokit_module_init(void);

#endif /* LUOKIT_INTERNAL_H */
