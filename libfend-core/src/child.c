/* SPDX-License-Identifier: MIT */
/*
 * Children. The end of one is noticed by its pidfd becoming readable, or, where there are no
 * pidfds, by asking after each SIGCHLD; it is told at the end of an iteration.
 *
 * Not of any iteration: what the child wrote before it ended is ready no later than its end, but
 * with many ready descriptors the wait may have reported the end first and the output in one of the next
 * batches. So the telling waits until as many batches have gone by as all sources could fill. SIGCHLD
 * comes between waits: then at least one more wait has to pass.
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

struct fend_child {
	struct fend_loop *loop;
	fend_child_fn *fn;
	void *data;
	const char *name;
	pid_t pid;
	int pidfd;          /* or -1 */
	struct fend_io *io; /* on pidfd */
	bool ended, told;
	uint64_t tell; /* in which iteration, once it has ended */
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
note_end(struct fend_child *child, unsigned waits)
{
	struct fend_loop *loop = child->loop;
	unsigned batch = loop->ops->batch;

	if (child->ended)
		return;
	child->ended = true;
	child->tell = loop->stats.iterations + waits + (batch ? loop->ios.n_slots / batch : 0);
	loop->ended++;
}

static void
on_pidfd(struct fend_io *io, unsigned events, void *data)
{
	fend_io_set(io, 0);
	note_end(data, 0);
}

static void
on_sigchld(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct fend_loop *loop = data;
	struct fend_link *link;

	for (link = loop->children.next; link != &loop->children; link = link->next)
		if (!child_of(link)->io && has_ended(child_of(link)->pid) != 0)
			note_end(child_of(link), 1);
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

	child->pidfd = -1;
	if (!loop->sigchld)
		r = fend_signal_new(loop, SIGCHLD, on_sigchld, loop, &loop->sigchld);
	/* It may have ended before anybody listened for the signal. */
	if (r == 0 && has_ended(child->pid) != 0)
		note_end(child, 1);
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
	list_append(&loop->children, &child->link);
	loop->n_children++;
	r = watch_pidfd(child);
	/* Not there, or forbidden by a sandbox. */
	if (r == -ENOSYS || r == -EPERM)
		r = watch_sigchld(child);
	if (r < 0) {
		destroy(child);
		return r;
	}
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
	if (child->pidfd >= 0)
		return fend__kernel->pidfd_send_signal(child->pidfd, signo);
	/* While it has not been reaped its number is its own; what is not ours any more may be anybody's. */
	r = has_ended(child->pid);
	return r ? -ESRCH : fend__kernel->kill(child->pid, signo);
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

static void
tell(struct fend_child *child)
{
	struct fend_child_status status = { 0 };
	siginfo_t info = { 0 };
	int r = fend__kernel->waitid(child->pid, &info, WEXITED | WNOHANG);

	if (r == 0 && info.si_pid != child->pid)
		r = -ECHILD;
	if (r < 0) {
		child->fn(child, -ECHILD, NULL, child->data);
		return;
	}
	status.exited = info.si_code == CLD_EXITED;
	status.core_dumped = info.si_code == CLD_DUMPED;
	if (status.exited)
		status.code = info.si_status;
	else
		status.signal = info.si_status;
	child->fn(child, 0, &status, child->data);
}

int
fend__children_run(struct fend_loop *loop)
{
	struct callback callback;
	struct fend_link batch;
	int calls = 0;

	list_init(&batch);
	list_take(&batch, &loop->children);
	while (!list_is_empty(&batch)) {
		struct fend_child *child = child_of(batch.next);

		list_remove(&child->link);
		list_append(&loop->children, &child->link);
		if (!child->ended || child->told || child->tell > loop->stats.iterations ||
		    fend__loop_is_over(loop))
			continue;
		child->told = true;
		loop->ended--;
		callback_begin(loop, &callback, "child", child->name);
		tell(child);
		callback_end(loop, &callback);
		calls++;
	}
	loop->stats.children += (unsigned)calls;
	return calls;
}

void
fend__children_close(struct fend_loop *loop)
{
	loop->sigchld = fend_signal_free(loop->sigchld);
}
