/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_WORLD_H
#define FEND_TEST_WORLD_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fend/core.h>

#include "model.h"

/*
 * The world that a run takes place in: the library's objects, each with what the model expects of
 * it. Every kind of object has a file of its own, which keeps its objects, offers the operations on
 * them, and judges the callbacks.
 */

/* The parts of an iteration, in the order they have to come in. */
enum part {
	PART_TASKS,
	PART_BEFORE, /* hooks before the wait */
	PART_WAIT,
	PART_AFTER, /* hooks after it */
	PART_IO,
	PART_TIMERS,
	PART_SIGNALS,
	PART_CHILDREN,
};

/* One life of a loop. It stays known after fend_loop_free() as long as objects refer to it. */
struct loop {
	struct fend_loop *fend;
	bool used, freed;
	unsigned refs;    /* references of ours, besides the owner's */
	unsigned objects; /* ours that were made on it and are not freed */

	bool stopped; /* and nobody has run into it yet */
	int code;

	/* the iteration in progress, if there is one */
	bool dispatching, running;
	unsigned waits_left; /* of a run, until somebody stops it */
	enum part part;
	fend_time max_wait;
	int calls;       /* callbacks that count */
	int error;       /* of the wait */
	bool disturbed;  /* something came meanwhile that had to end it */
	fend_time woken; /* when it ended */
	bool reported;   /* it told what was ready */
	bool complete;   /* and all of it */
	int batch;       /* what it could tell at most */
	bool now_read;   /* fend_loop_now() was called since, and returned now */
	fend_time now;

	/*
	 * Since the last wait, and before that: something came that the next one may look after
	 * without waiting, though nobody is left whom it concerns.
	 */
	bool hurried, was_hurried;

	int fd;                       /* fend_loop_fd(), or -1 */
	struct fend_loop_stats stats; /* the counters only */
};

/* What a kind of object has to say to the course of things. Each may be NULL. */
struct kind {
	void (*reset)(void);              /* a run begins */
	void (*begin)(struct loop *loop); /* an iteration begins */
	void (*wait)(struct loop *loop);  /* all that comes before the wait must be done */
	void (*woken)(struct loop *loop); /* the wait is over */
	void (*end)(struct loop *loop);   /* all that the iteration has to do must be done */
	void (*freed)(struct loop *loop); /* the loop was freed */
	void (*forked)(void);             /* in a child: objects refuse everything */
	void (*free)(void);               /* free every object */
};

extern const struct kind *const kinds[];
extern const struct kind io_kind, timer_kind, task_kind, hook_kind, signal_kind, child_kind;

/* What the bytes ask for. */
unsigned next_byte(void);
unsigned pick(unsigned n); /* 0 to n - 1 */
bool one_in(unsigned n);
fend_time pick_time(void);

void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define check(condition, ...)              \
	do {                               \
		if (!(condition))          \
			fail(__VA_ARGS__); \
	} while (0)

/*
 * CALL(expected, call): make a call of the library and judge what it returns: what is expected or,
 * if a fault struck inside, that error. True if it has succeeded.
 */
bool judge(const char *call, int expected, int result);
#define CALL(expected, call) (kernel_no_fault_yet(), judge(#call, expected, call))

/* Around each callback. At its end the bytes may ask for more operations. */
void callback_begin(struct loop *loop, enum part part);
void callback_end(struct loop *loop);
void act(void);

struct world {
	/* for the whole run */
	const struct model_options *options;
	bool is_epoll;
	bool no_pidfd;    /* children are told of by SIGCHLD */
	bool loops_first; /* in the end, free the loops before their objects */
	unsigned batch;   /* what one wait may report at most; 0: as much as the library asks for */

	bool has_forked; /* it does so once */
	bool forked;     /* this is the child */

	struct loop *innermost; /* of the loops that dispatch, one inside another */
	unsigned nested;        /* how many these are */
	bool core;              /* the library is running, not one of our callbacks */

	struct loop *maker; /* for whose sources an epoll is made outside of an iteration */
	int remade;         /* the epoll that is to take the place of a loop's, or 0 */
};
extern struct world world;

void world_end(void);       /* free everything */
void world_forked(void);    /* in a child: everything refuses */
void world_end_bytes(void); /* no more operations */

/* world-loop.c */
void loops_reset(void);
void loop_each(void (*fn)(struct loop *loop));
struct loop *loop_pick(void);            /* one that can be called, perhaps freed; NULL: none */
int loop_error(const struct loop *loop); /* what it and its objects return: 0 or an error */
void loop_object_made(struct loop *loop);
void loop_object_gone(struct loop *loop);
void loop_forget(struct loop *loop); /* if nothing refers to it any more */
bool loop_stop(struct loop *loop);   /* true if that has to end its wait */
void loops_check(void);              /* after each operation */
void loops_forked(void);
void loops_free(void);

/* world-iteration.c */
void loop_wait(struct loop *loop, fend_time timeout); /* it is about to */
void loop_woken(struct loop *loop, int ready, int limit);
bool loop_disturb(struct loop *loop); /* as others would while it sleeps; true if it must wake */
void loop_check_timeout(struct loop *loop, fend_time timeout);
void loop_settle(struct loop *loop); /* with nothing to do it must sleep */

/* world-kernel.c: the faulty door */
extern fend_time kernel_clock;
void kernel_clock_move(fend_time by);
void kernel_install(void);
void kernel_remove(void); /* nothing may have leaked */
void kernel_fault_off(void);
void kernel_no_fault_yet(void);
int kernel_fault_struck(void); /* the error, or 0 */

/* world-channel.c: descriptors to watch */
void channels_reset(void);
void channels_close(void);
int channel_end_pick(void);
int channel_end_fd(int end);     /* -1: closed */
bool channel_end_alive(int end); /* the open file exists, perhaps by another number */

/* What one kind tells another, and the kernel tells them. */
void ios_stir(int end, bool wrote); /* something happened at this end of a channel */
void ios_lost(int end);             /* its descriptor is closed before its sources are freed */
void ios_free_on(int end);
bool ios_watch(struct loop *loop, int fd); /* is there a source of this number? */
void ios_park(struct loop *loop);          /* no source has any interest */
void ios_told(struct loop *loop, int fd, int result, bool fault); /* the kernel, of an interest */
void ios_remade(struct loop *loop); /* in another epoll, where edges are reported again */
bool ios_urgent(struct loop *loop); /* is a refused change to be told? */
bool ios_ready(struct loop *loop);  /* is there anything to report now? */
bool timers_due(struct loop *loop);
fend_time timers_remaining(struct loop *loop); /* FEND_FOREVER: none is armed */
void timers_stop(struct loop *loop);
bool tasks_queued(struct loop *loop);
bool task_post_from_outside(struct loop *loop);
bool signals_pending(struct loop *loop);
void signal_raise(int signo);
void signals_check_told(struct loop *loop);
void signals_check_restored(void);
bool children_ended(struct loop *loop); /* one has, and was not told yet */

/* Children of the process, which only the model knows of. */
int process_pidfd(int pid);
int process_wait(int pid, bool reap, bool *ret_exited, int *ret_status);
int process_kill(int pid, int signo);
int process_kill_by_pidfd(int pidfd, int signo);

/* The operations, a table in world.c. */
void op_loop_new(void), op_loop_free(void), op_loop_ref(void), op_loop_unref(void);
void op_loop_dispatch(void), op_loop_run(void), op_loop_stop(void), op_loop_prepare(void);
void op_loop_fd(void), op_loop_now(void), op_loop_stats(void), op_loop_timing(void);
void op_channel_open(void), op_channel_write(void), op_channel_fill(void), op_channel_read(void);
void op_channel_drain(void), op_channel_shutdown(void), op_channel_close(void);
void op_channel_close_first(void), op_channel_dup(void), op_channel_close_dup(void);
void op_channel_restore(void), op_channel_urgent(void);
void op_io_new(void), op_io_set(void), op_io_toggle(void), op_io_free(void);
void op_timer_new(void), op_timer_after(void), op_timer_at(void), op_timer_every(void);
void op_timer_stop(void), op_timer_free(void);
void op_task_defer(void), op_task_post(void), op_task_cancel(void);
void op_hook_new(void), op_hook_free(void);
void op_signal_new(void), op_signal_raise(void), op_signal_free(void);
void op_child_new(void), op_child_end(void), op_child_kill(void), op_child_reap(void);
void op_child_free(void);
void op_fork(void);
void op_fault(void);
void op_clock(void);

#endif
