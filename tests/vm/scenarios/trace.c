// SPDX-License-Identifier: GPL-2.0
/*
 * The trace events of two handlers in one kernel, read as a person would: in tracefs.
 *
 * What a freeze says before a kexec that succeeds can be read on the console only; the
 * demo does. Here a freeze is seen that was called off.
 */
#define _GNU_SOURCE
#include <luotest.h>
#include "../../../templates/anon-fd/anon_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#define TRACING		"/sys/kernel/tracing"
#define EVENTS		TRACING "/events/luosdk"
#define EVENTFD_STATS	"/sys/kernel/debug/luosdk-eventfd/stats"

#define EVENT	": %31[^:]: handler=%31s op=%15s ctx=%23s state=%llx bytes=%llu ns=%llu err=%d"

/* One line of the trace. */
struct event {
	char event[32];		/* the tracepoint */
	char handler[32], op[16], ctx[24];
	unsigned long long state, bytes, ns;
	int err;
};

/* One more than can be, so that the one after the last can be looked at. */
static struct event events[64 + 1];
static unsigned int nr_events;

static void open_tracefs(void)
{
	/* Events of two processors are sorted by time stamps: better only one. */
	lt_pin_cpu(0);
	if (mount("tracefs", TRACING, "tracefs", 0, NULL) && errno != EBUSY)
		lt_die("mount tracefs: %s", lt_errname(-errno));
}

static void switch_event(const char *event, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), EVENTS "%s%s/enable", *event ? "/" : "", event);
	lt_must(lt_write_file(path, on ? "1" : "0"), path);
}

/* All events since the last call, in order. */
static void read_events(void)
{
	static char buf[65536];
	char *line, *save, *p;

	lt_must(lt_read_file(TRACING "/trace", buf, sizeof(buf)), "read the trace");
	/* That empties it. */
	close(lt_must(open(TRACING "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC), "open the trace"));
	nr_events = 0;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct event *e = &events[nr_events];

		p = strstr(line, ": luosdk_");
		if (*line == '#' || !p || nr_events + 1 == ARRAY_SIZE(events))
			continue;
		if (sscanf(p, EVENT, e->event, e->handler, e->op, e->ctx, &e->state,
			   &e->bytes, &e->ns, &e->err) == 8)
			nr_events++;
		else
			lt_note("not understood: %s", line);
	}
}

/* One result: the events are these, in this order, "handler op err" each. */
static bool events_are(const char *const want[], const char *name)
{
	unsigned int i;
	char got[96];

	for (i = 0; i < nr_events || *want; i++, want++) {
		snprintf(got, sizeof(got), "%s %s %d", events[i].handler, events[i].op,
			 events[i].err);
		if (i < nr_events && *want && !strcmp(got, *want))
			continue;
		lt_note("event %u is '%s', expected '%s'", i + 1, i < nr_events ? got : "none",
			*want ?: "none");
		return lt_ok(false, "%s", name);
	}
	return lt_ok(true, "%s", name);
}

#define EVENTS_ARE(name, ...) ({						\
	static const char *const want[] = { NULL, ##__VA_ARGS__, NULL };			\
	events_are(want + 1, name);						\
})

/* The first event of this kind. */
static const struct event *find(const char *handler, const char *op, int err)
{
	static const struct event none;
	unsigned int i;

	for (i = 0; i < nr_events; i++)
		if (!strcmp(events[i].handler, handler) && !strcmp(events[i].op, op) &&
		    events[i].err == err)
			return &events[i];
	return &none;
}

struct book {
	unsigned long long eventfd[2], memfd;	/* states */
};

static void before(void)
{
	int one, two, fd[2], mem, other, fail;
	struct lt_tally t = {};
	struct event first;
	struct book *book;
	unsigned int i;

	open_tracefs();
	lt_ok(!access(EVENTS "/luosdk_eventfd/format", R_OK) &&
	      !access(EVENTS "/luosdk_memfd/format", R_OK),
	      "two handlers have an event each in one system");

	book = lt_carry_new("trace-book", sizeof(*book));
	one = lt_must(lt_session_create("trace"), "session");
	two = lt_must(lt_session_create("trace-two"), "session");
	fd[0] = lt_must(lt_eventfd(7, 0), "eventfd");
	fd[1] = lt_must(lt_eventfd(8, 0), "eventfd");
	mem = lt_memfd(0, 8192);

	lt_must(lt_preserve(one, fd[0], 1), "preserve");
	read_events();
	EVENTS_ARE("switched off, they say nothing");
	close(one);
	one = lt_must(lt_session_create("trace"), "session");

	switch_event("luosdk_eventfd", true);
	lt_must(lt_preserve(one, fd[0], 1), "preserve");
	lt_must(lt_preserve(one, mem, 2), "preserve");
	read_events();
	EVENTS_ARE("each can be switched on by itself", "eventfd preserve 0");
	lt_ok(!strcmp(events[0].event, "luosdk_eventfd"), "under the handler's name");
	first = *find("eventfd", "preserve", 0);
	lt_ok(first.state, "it names the saved state");
	lt_eq(first.bytes, lt_stat(EVENTFD_STATS, "bytes"), "with as many bytes as the statistics");
	lt_ok(first.ns > 0 && first.ns < 1000000000, "and how long it took");

	/* From here on both. */
	switch_event("", true);
	lt_must(lt_preserve(two, fd[1], 1), "preserve");
	close(two);
	read_events();
	EVENTS_ARE("a session that is closed unpreserves",
		   "eventfd preserve 0", "eventfd unpreserve 0");
	lt_ok(events[0].state && events[0].state == events[1].state &&
	      !strcmp(events[0].ctx, events[1].ctx), "the same object, with the same state");
	lt_ok(strcmp(events[0].ctx, first.ctx), "which is another one than the first");
	/* LUO itself tells struct files apart; that this is one memory knows the handler. */
	two = lt_must(lt_session_create("trace-two"), "session");
	other = lt_reopen(mem, O_RDWR);
	lt_must(lt_preserve(two, other, 1) == -EBUSY ? 0 : -EINVAL, "be refused the memfd");
	lt_must(lt_preserve(two, fd[1], 2), "preserve");
	close(one);
	lt_must(lt_preserve(two, other, 1), "preserve");
	close(two);
	read_events();
	EVENTS_ARE("a memfd that is preserved is refused, with the errno",
		   "memfd preserve -16", "eventfd preserve 0",
		   "memfd unpreserve 0", "eventfd unpreserve 0", "memfd preserve 0",
		   "memfd unpreserve 0", "eventfd unpreserve 0");
	lt_ok(!events[0].state && !events[0].bytes, "which has no state and no bytes");
	lt_ok(*events[0].ctx && !strcmp(events[0].ctx, events[4].ctx),
	      "and names the object, which is that of both struct files");
	one = lt_must(lt_session_create("trace"), "session");
	lt_must(lt_preserve(one, fd[0], 1), "preserve");
	lt_must(lt_preserve(one, mem, 2), "preserve");
	read_events();
	book->eventfd[0] = find("eventfd", "preserve", 0)->state;

	/* An update that is called off by the last file. */
	fail = open("/dev/luosdk_fail", O_RDWR | O_CLOEXEC);
	lt_must(lt_write_fd(fail, "freeze -5"), "make a freeze fail");
	two = lt_must(lt_session_create("trace-fail"), "session");
	lt_must(lt_preserve(one, fd[1], 3), "preserve");
	lt_must(lt_preserve(two, fail, 1), "preserve a file that fails");
	lt_must(lt_kexec_load(), "load the next kernel");
	read_events();
	book->eventfd[1] = find("eventfd", "preserve", 0)->state;
	lt_result(lt_kexec_reboot(), -EIO, "a live update is aborted in freeze");
	read_events();
	EVENTS_ARE("every file freezes and is thawed again, first to last",
		   "eventfd freeze 0", "memfd freeze 0", "eventfd freeze 0",
		   "eventfd unfreeze 0", "memfd unfreeze 0", "eventfd unfreeze 0");
	book->memfd = find("memfd", "freeze", 0)->state;
	for (i = 0; i < nr_events; i++)
		lt_tally(&t, events[i].state == (i % 3 == 1 ? book->memfd :
						 book->eventfd[i % 3 / 2]),
			 "event %u: state %#llx", i + 1, events[i].state);
	lt_tally_ok(&t, "under the states they were preserved with");
	lt_ok(!strcmp(events[0].ctx, events[3].ctx) && strcmp(events[0].ctx, events[2].ctx),
	      "and objects are told apart");
	close(two);
}

static void after(void)
{
	struct book *book;
	int session;

	open_tracefs();
	book = lt_carry_get("trace-book", sizeof(*book));
	session = lt_must(lt_session_retrieve("trace"), "session");
	lt_must(lt_retrieve(session, 2), "retrieve the memfd");
	lt_must(lt_retrieve(session, 1), "retrieve the eventfd");
	lt_must(lt_finish(session), "finish");
	read_events();
	EVENTS_ARE("the command line switched them on: retrieve, finish, discard",
		   "memfd retrieve 0", "eventfd retrieve 0",
		   "eventfd discard 0", "memfd finish 0", "eventfd finish 0");
	lt_ok(book->memfd && events[0].state == book->memfd,
	      "the memfd's state is called as in the old kernel");
	lt_ok(book->eventfd[0] && events[1].state == book->eventfd[0], "and the eventfd's");
	lt_ok(book->eventfd[1] && events[2].state == book->eventfd[1],
	      "and that of the eventfd which nobody retrieved");
	lt_ok(!strcmp(events[1].ctx, events[4].ctx) && strcmp(events[1].ctx, events[0].ctx),
	      "objects are told apart");
	close(session);
}

LT_SCENARIO(trace) = {
	.name	= "trace.two-handlers",
	.about	= "trace events of eventfds and memfds in tracefs, in both kernels",
	.stage	= { { before, 17 }, { after, 5, .cmdline = "trace_event=luosdk:*" } },
	.flags	= LT_ALONE,
};

/* As a module: the event comes with it, and goes with it. */
static void as_module(void)
{
	int dev, fd, other, session;

	open_tracefs();
	lt_ok(access(EVENTS "/luosdk_anon_fd", F_OK), "without the module there is no event");
	lt_must(lt_module_load("anon_fd"), "load the module");
	lt_ok(!access(EVENTS "/luosdk_anon_fd/format", R_OK), "it comes with the module");
	switch_event("", true);
	dev = lt_must(open("/dev/anon_fd", O_RDWR | O_CLOEXEC), "open /dev/anon_fd");
	fd = lt_must(ioctl(dev, ANON_FD_CREATE), "make a file");
	close(dev);
	session = lt_must(lt_session_create("trace-module"), "session");
	lt_must(lt_preserve(session, fd, 1), "preserve");
	other = lt_must(lt_eventfd(1, 0), "eventfd");
	lt_must(lt_preserve(session, other, 2), "preserve");
	close(session);
	close(fd);
	read_events();
	EVENTS_ARE("beside that of a handler that is built in",
		   "anon_fd preserve 0", "eventfd preserve 0",
		   "eventfd unpreserve 0", "anon_fd unpreserve 0");
	lt_ok(!strcmp(events[0].event, "luosdk_anon_fd"), "under its own name");
	lt_must(lt_module_unload("anon_fd"), "unload the module");
	lt_ok(access(EVENTS "/luosdk_anon_fd", F_OK) && !access(EVENTS "/luosdk_eventfd", F_OK),
	      "it goes with the module, and the other one stays");
}

LT_SCENARIO(trace_module) = {
	.name	= "trace.module",
	.about	= "the trace event of a handler that is a module",
	.stage	= { { as_module, 5 } },
	.flags	= LT_ALONE | LT_MODULES,
};
