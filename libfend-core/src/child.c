/* SPDX-License-Identifier: MIT */
/*
 * Children. The end of one is noticed by its pidfd becoming readable, or, where there are no
 * pidfds, by asking after each SIGCHLD; it is told at the end of an iteration.
 *
 * Not of any iteration: what the child wrote before it ended is ready no later than its end, but
 * the wait may have looked at its output before the writing and at the child after its end, or
 * there were so many ready descriptors that the output is reported in one of the next batches. So
 * the telling comes after one more wait, and as many as all sources together could fill.
 */
#include <fend/child.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>

#include <fend/signal.h>

#include <fend-internal/public.h>

#include "callback.h"
#include "dispatcher.h"
#include "timer.h"

#define RETRY FEND_MS(10)

struct fend_child {
	struct fend_loop *loop;
	fend_child_fn *fn;
	void *data;
	const char *name;
	pid_t pid;
	int pidfd;          /* or -1 */
	struct fend_io *io; /* on pidfd */
	struct fend_timer *retry;
	bool ended, told;
	uint64_t tell;         /* in which iteration, once it has ended */
	struct fend_link link; /* in loop->children */
};

static struct fend_child *
child_of(struct fend_link *link)
{
	return fend__container_of(link, struct fend_child, link);
}

/* Has it ended, without reaping it? 1, 0, or -ECHILD. */
static int
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };
	int r = fend__kernel->waitid(pid, &info, WEXITED | WNOHANG | WNOWAIT);

	return r < 0 ? r : info.si_pid == pid;
}

static void
note_end(struct fend_child *child)
{
	struct fend_loop *loop = child->loop;
	unsigned batch = loop->ops->batch;

	if (child->ended)
		return;
	child->ended = true;
	child->tell = loop->stats.iterations + 1 + (batch ? loop->ios.n_slots / batch : 0);
	loop->ended++;
}

static void
on_pidfd(struct fend_io *io, unsigned events, void *data)
{
	fend_io_set(io, 0);
	note_end(data);
}

static void
on_sigchld(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct fend_loop *loop = data;
	struct fend_link *link;

	for (link = loop->children.next; link != &loop->children; link = link->next)
		if (!child_of(link)->io && has_ended(child_of(link)->pid) != 0)
			note_end(child_of(link));
}

static void
on_retry(struct fend_timer *timer, uint64_t expirations, void *data)
{
	note_end(data);
}

static int
watch_pidfd(struct fend_child *child)
{
	int r;

	child->pidfd = fend__kernel->pidfd_open(child->pid);
	if (child->pidfd < 0)
		return child->pidfd;
	r = fend_io_new(child->loop, child->pidfd, FEND_IN, on_pidfd, child, &child->io);
	if (r == 0)
		child->io->counts = 0;
	return r;
}

static int
watch_sigchld(struct fend_child *child)
{
	struct fend_loop *loop = child->loop;
	int r = 0;

	child->pidfd = fend__close(child->pidfd);
	if (!loop->sigchld)
		r = fend_signal_new(loop, SIGCHLD, on_sigchld, loop, &loop->sigchld);
	/* It may have ended before anybody listened for the signal. */
	if (r == 0 && has_ended(child->pid) != 0)
		note_end(child);
	return r;
}

static void
destroy(struct fend_child *child)
{
	struct fend_loop *loop = child->loop;

	list_remove(&child->link);
	if (child->ended && !child->told)
		loop->ended--;
	fend_io_free(child->io);
	fend_timer_free(child->retry);
	fend__close(child->pidfd);
	fend__release(child);
	if (--loop->n_children == 0)
		loop->sigchld = fend_signal_free(loop->sigchld);
	fend__loop_drop(loop);
}

FEND_PUBLIC int
fend_child_new(struct fend_loop *loop, pid_t pid, fend_child_fn *fn, void *data,
	       struct fend_child **ret_child)
{
	struct fend_child *child;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fn || !ret_child || pid <= 0)
		return -EINVAL;
	r = has_ended(pid);
	if (r < 0)
		return r;
	child = fend__calloc(1, sizeof(*child));
	if (!child)
		return -ENOMEM;
	child->loop = fend__loop_hold(loop);
	child->fn = fn;
	child->data = data;
	child->pid = pid;
	child->pidfd = -1;
	list_append(&loop->children, &child->link);
	loop->n_children++;
	r = fend_timer_new(loop, on_retry, child, &child->retry);
	if (r == 0) {
		child->retry->internal = true;
		r = watch_pidfd(child);
	}
	/* Not there, forbidden by a sandbox, or under the number of a source that was freed too late. */
	if (r == -ENOSYS || r == -EPERM || r == -EEXIST)
		r = watch_sigchld(child);
	if (r < 0) {
		destroy(child);
		return r;
	}
	fend__embed_changed(loop);
	*ret_child = child;
	return 0;
}

FEND_PUBLIC struct fend_child *
fend_child_free(struct fend_child *child)
{
	if (child)
		destroy(child);
	return NULL;
}

FEND_PUBLIC int
fend_child_kill(struct fend_child *child, int signo)
{
	int r;

	if (!child)
		return -EINVAL;
	r = fend__loop_check(child->loop);
	if (r < 0)
		return r;
	if (child->ended)
		return -ESRCH;
	/* The kernel takes signals for who has ended and was not reaped, and does nothing with them. */
	if (has_ended(child->pid))
		return -ESRCH;
	if (child->pidfd >= 0)
		return fend__kernel->pidfd_send_signal(child->pidfd, signo);
	/* While it has not been reaped its number is its own; what is not ours any more may be anybody's. */
	return fend__kernel->kill(child->pid, signo);
}

FEND_PUBLIC void
fend_child_set_name(struct fend_child *child, const char *name)
{
	if (child)
		child->name = name;
}

FEND_PUBLIC pid_t
fend_child_pid(const struct fend_child *child)
{
	return child ? child->pid : -EINVAL;
}

/* Reap it: 0 and the status, -ECHILD if somebody else has, -EAGAIN if that is not possible yet. */
static int
reap(pid_t pid, struct fend_child_status *ret_status)
{
	siginfo_t info = { 0 };
	int r = fend__kernel->waitid(pid, &info, WEXITED | WNOHANG);

	if (r < 0)
		return -ECHILD;
	if (info.si_pid != pid)
		return -EAGAIN;
	*ret_status = (struct fend_child_status){
		.exited = info.si_code == CLD_EXITED,
		.core_dumped = info.si_code == CLD_DUMPED,
	};
	if (ret_status->exited)
		ret_status->code = info.si_status;
	else
		ret_status->signal = info.si_status;
	return 0;
}

static void
tell(struct fend_child *child)
{
	struct fend_loop *loop = child->loop;
	struct fend_child_status status;
	struct callback callback;
	int err = reap(child->pid, &status);

	loop->ended--;
	if (err == -EAGAIN) {
		/* It is being traced, and its end shown to the tracer first (ptrace(2)). */
		child->ended = false;
		fend_timer_after(child->retry, RETRY);
		return;
	}
	child->told = true;
	loop->stats.children++;
	callback_begin(loop, &callback, "child", child->name);
	child->fn(child, err, err < 0 ? NULL : &status, child->data);
	callback_end(loop, &callback);
}

void
fend__children_run(struct fend_loop *loop)
{
	struct fend_link batch;

	list_init(&batch);
	list_take(&batch, &loop->children);
	while (!list_is_empty(&batch)) {
		struct fend_child *child = child_of(batch.next);

		list_remove(&child->link);
		list_append(&loop->children, &child->link);
		if (!child->ended || child->told || child->tell > loop->stats.iterations ||
		    fend__loop_is_over(loop))
			continue;
		tell(child);
	}
}

void
fend__children_close(struct fend_loop *loop)
{
	loop->sigchld = fend_signal_free(loop->sigchld);
}
