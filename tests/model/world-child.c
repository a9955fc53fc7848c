/* SPDX-License-Identifier: MIT */
/*
 * Children, which exist in this world only: the kernel door asks here after them. Each is told of
 * once, at the end of an iteration, soon after it has ended.
 */
#include "world.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CHILDREN = 3, FIRST_PID = 1000000 };

static struct child {
	struct fend_child *fend; /* NULL: none */
	struct loop *loop;

	int pid; /* 0: there is no such process */
	bool ended, exited, reaped;
	bool stolen; /* reaped by somebody else */
	int status;
	int pidfd; /* a copy of ours, or -1 */

	bool told;
	unsigned late; /* iterations since it ended */
} children[CHILDREN];
static int last_pid;

static void
reset(void)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		children[i] = (struct child){ .pidfd = -1 };
	last_pid = FIRST_PID;
}

static struct child *
find(int pid)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		if (children[i].pid == pid && !children[i].reaped)
			return &children[i];
	return NULL;
}

int
process_pidfd(int pid)
{
	struct child *child = find(pid);
	int fd;

	check(child, "a pidfd for somebody else");
	fd = eventfd(child->ended, EFD_NONBLOCK | EFD_CLOEXEC);
	if (child->pidfd >= 0)
		close(child->pidfd);
	child->pidfd = dup(fd);
	/* Under the number of a source that was closed first it cannot be watched. */
	world.no_pidfd |= ios_watch(child->loop, fd);
	return fd;
}

int
process_wait(int pid, bool reap, bool *ret_exited, int *ret_status)
{
	struct child *child = find(pid);

	if (!child)
		return -ECHILD;
	if (!child->ended)
		return 0;
	*ret_exited = child->exited;
	*ret_status = child->status;
	child->reaped = reap;
	return 1;
}

static void
end_process(struct child *child, bool exited, int status)
{
	static const uint64_t one = 1;

	child->ended = true;
	child->exited = exited;
	child->status = status;
	if (child->pidfd >= 0)
		check(write(child->pidfd, &one, sizeof(one)) == sizeof(one), "no event");
	signal_raise(SIGCHLD);
}

int
process_kill(int pid, int signo)
{
	struct child *child = find(pid);

	check(child, "a signal for somebody else");
	if (!child->ended && signo == SIGKILL)
		end_process(child, false, signo);
	return 0;
}

/* There is one child that a call is about at a time. */
static struct child *killed;

int
process_kill_by_pidfd(int pidfd, int signo)
{
	return killed->reaped ? -ESRCH : process_kill(killed->pid, signo);
}

static void
on_child(struct fend_child *fend, int err, const struct fend_child_status *status, void *data)
{
	struct child *child = data;
	struct loop *loop = child->loop;

	check(child->fend, "a freed child is told of");
	signals_check_told(loop);
	callback_begin(loop, PART_CHILDREN);
	check(fend == child->fend, "a child is told of with another's address");
	check(child->ended && !child->told, "a child is told of that %s",
	      child->told ? "was told of before" : "runs");
	/* It has just been reaped by the library, or before by somebody else. */
	if (child->stolen) {
		check(err == -ECHILD && !status, "somebody else's status is told as %d", err);
	} else {
		check(err == 0 && status && child->reaped, "a child is told of with error %d", err);
		check(status->exited == child->exited && !status->core_dumped &&
			      status->code == (child->exited ? child->status : 0) &&
			      status->signal == (child->exited ? 0 : child->status),
		      "a child is told of with the wrong status");
	}
	child->told = true;
	loop->stats.children++;
	callback_end(loop);
}

/* Whoever is told of too late is not told of at all. */
static void
end(struct loop *loop)
{
	unsigned limit = 3 + (world.batch ? 16 / world.batch : 0);
	int i;

	for (i = 0; i < CHILDREN && loop->reported; i++) {
		struct child *child = &children[i];

		if (!child->fend || child->loop != loop || !child->ended || child->told)
			continue;
		check(++child->late <= limit, "child %d is not told of", i);
	}
}

bool
children_ended(struct loop *loop)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		if (children[i].fend && children[i].loop == loop && children[i].ended &&
		    !children[i].told)
			return true;
	return false;
}

static void
forget(struct child *child)
{
	if (child->pidfd >= 0)
		close(child->pidfd);
	*child = (struct child){ .pidfd = -1 };
}

void
op_child_new(void)
{
	struct loop *loop = loop_pick();
	bool ended = one_in(4);
	struct child *child = NULL;
	int i;

	for (i = CHILDREN - 1; i >= 0; i--)
		if (!children[i].fend)
			child = &children[i];
	if (!loop || !child)
		return;
	forget(child);
	child->loop = loop;
	child->pid = ++last_pid;
	if (ended)
		end_process(child, true, 1);
	if (CALL(loop_error(loop),
		 fend_child_new(loop->fend, child->pid, on_child, child, &child->fend)))
		loop_object_made(loop);
	else
		forget(child);
}

void
op_child_end(void)
{
	struct child *child = &children[pick(CHILDREN)];
	bool exited = pick(2);
	int status = (int)pick(256);

	if (child->pid && !child->ended)
		end_process(child, exited, exited ? status : SIGTERM);
}

void
op_child_kill(void)
{
	static const int numbers[] = { 0, SIGTERM, SIGKILL };
	struct child *child = &children[pick(CHILDREN)];
	int signo = numbers[pick(3)], error;

	if (!child->fend)
		return;
	killed = child;
	error = loop_error(child->loop);
	if (!error && child->ended)
		error = -ESRCH;
	CALL(error, fend_child_kill(child->fend, signo));
}

void
op_child_reap(void)
{
	struct child *child = &children[pick(CHILDREN)];

	if (child->pid && child->ended && !child->reaped)
		child->stolen = child->reaped = true;
}

static void
release(struct child *child)
{
	struct loop *loop = child->loop;

	if (!child->fend)
		return;
	check(fend_child_pid(child->fend) == child->pid, "fend_child_pid() is wrong");
	check(!fend_child_free(child->fend), "fend_child_free() returns something");
	forget(child);
	loop_object_gone(loop);
}

void
op_child_free(void)
{
	release(&children[pick(CHILDREN)]);
}

static void
forked(void)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		if (children[i].fend)
			CALL(loop_error(children[i].loop),
			     fend_child_kill(children[i].fend, SIGKILL));
}

static void
free_all(void)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		release(&children[i]);
}

const struct kind child_kind = {
	.reset = reset,
	.end = end,
	.forked = forked,
	.free = free_all,
};
