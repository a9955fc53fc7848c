/* SPDX-License-Identifier: MIT */
/*
 * The kernel as this world has it: the real one, but with a clock that only waiting and the bytes
 * move, with faults, with descriptors and memory counted, and with children that are not really
 * there.
 *
 * What the library does in a wait is judged here as well: how long it is willing to wait, and that
 * an iteration neither allocates nor asks for more than it should.
 */
#include "world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fend-internal/kernel.h>

#define REAL (&fend__kernel_real)

enum fault {
	FAULT_MEMORY,
	FAULT_WAKEUP,
	FAULT_EPOLL_CREATE,
	FAULT_EPOLL_CTL,
	FAULT_WAIT,
	FAULT_INTERRUPT,
	FAULT_SIGACTION,
	FAULT_PIDFD,
	FAULT_FSTAT,
	FAULT_TIMERFD,
	FAULTS
};

static const int errors[FAULTS] = {
	[FAULT_MEMORY] = -ENOMEM,    [FAULT_WAKEUP] = -EMFILE, [FAULT_EPOLL_CREATE] = -EMFILE,
	[FAULT_EPOLL_CTL] = -ENOSPC, [FAULT_WAIT] = -EFAULT,   [FAULT_INTERRUPT] = -EINTR,
	[FAULT_SIGACTION] = -EFAULT, [FAULT_PIDFD] = -ENFILE,  [FAULT_FSTAT] = -EOVERFLOW,
	[FAULT_TIMERFD] = -EMFILE,
};

static struct {
	enum fault fault;
	unsigned left; /* calls until it strikes; 0: off */
	int struck;    /* the error of the last one that did */
} fault;

fend_time kernel_clock;

enum { FDS = 512 };
static bool owned[FDS];          /* by the library */
static struct loop *owners[FDS]; /* of an epoll that sources are registered with */
static fend_time clock_fds[FDS]; /* when a timerfd is due; 0: no timerfd */
static long blocks;

void
op_fault(void)
{
	fault.fault = pick(FAULTS);
	fault.left = 1 + pick(4);
}

void
kernel_fault_off(void)
{
	fault.left = 0;
}

void
kernel_no_fault_yet(void)
{
	fault.struck = 0;
}

int
kernel_fault_struck(void)
{
	return fault.struck;
}

static int
strike(enum fault which)
{
	if (fault.left == 0 || fault.fault != which || --fault.left > 0)
		return 0;
	return fault.struck = errors[which];
}

/* In a child nothing may reach what it shares with its parent. */
static void
check_not_forked(const char *call)
{
	check(!world.forked, "%s in a child", call);
}

static int
own(int fd)
{
	if (fd >= 0) {
		check(fd < FDS, "descriptor %d", fd);
		owned[fd] = true;
	}
	return fd;
}

static void *
door_allocate(void *pointer, size_t size)
{
	void *result;

	check(size == 0 || !world.core, "an iteration allocates");
	if (size > 0 && strike(FAULT_MEMORY))
		return NULL;
	result = REAL->allocate(pointer, size);
	if (!pointer && result)
		blocks++;
	else if (pointer && size == 0)
		blocks--;
	return result;
}

static fend_time
door_now(void)
{
	return kernel_clock;
}

static int
door_close(int fd)
{
	check(fd >= 0 && fd < FDS && owned[fd], "descriptor %d closed, which is not the library's",
	      fd);
	owned[fd] = false;
	clock_fds[fd] = 0;
	return REAL->close(fd);
}

static ssize_t
door_write(int fd, const void *buffer, size_t size)
{
	check_not_forked("write");
	return REAL->write(fd, buffer, size);
}

static int
door_fstat(int fd, struct stat *stat)
{
	int error = strike(FAULT_FSTAT);

	return error ? error : REAL->fstat(fd, stat);
}

static int
door_wakeup(int fds[2])
{
	int error = strike(FAULT_WAKEUP);
	int r = error ? error : REAL->wakeup(fds);

	if (r == 0) {
		own(fds[0]);
		own(fds[1]);
	}
	return r;
}

static int
door_sigaction(int signo, const struct sigaction *action, struct sigaction *old)
{
	check_not_forked("sigaction");
	/* Only where a handler is installed is there somebody to tell. */
	if (action && old && strike(FAULT_SIGACTION))
		return fault.struck;
	return REAL->sigaction(signo, action, old);
}

/* Not under the number of a source that was closed first. */
static int
elsewhere(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FDS / 2);

	close(fd);
	return moved;
}

/* In an iteration it is for an epoll that takes the place of the one there is. */
static int
door_epoll_create(void)
{
	int error = strike(FAULT_EPOLL_CREATE);
	int fd;

	if (error)
		return error;
	fd = own(elsewhere(REAL->epoll_create()));
	owners[fd] = world.core ? world.innermost : world.maker;
	if (world.core) {
		world.remade = fd;
		ios_remade(world.innermost);
	}
	return fd;
}

/* A failure that there is nobody to tell of, and that the kernel has no reason for. */
static bool
is_strange(int epoll, int op, int fd)
{
	return op == EPOLL_CTL_DEL || (world.remade && epoll != world.remade) ||
	       (op == EPOLL_CTL_MOD && owners[epoll] && !ios_watch(owners[epoll], fd));
}

static int
door_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	int error, r;

	check_not_forked("epoll_ctl");
	error = is_strange(epoll, op, fd) ? 0 : strike(FAULT_EPOLL_CTL);
	r = error ? error : REAL->epoll_ctl(epoll, op, fd, event);
	if (owners[epoll] && !world.remade && (op != EPOLL_CTL_DEL || r < 0))
		ios_told(owners[epoll], fd, r, error);
	return r;
}

/* Before the real wait, which is one that does not wait: the error to fail with, or 0. */
static int
fall_asleep(fend_time timeout)
{
	int error;

	world.remade = 0;
	loop_wait(world.innermost, timeout);
	/* What a wait has found would be lost, so it fails before it looks. */
	error = strike(FAULT_WAIT);
	return error ? error : strike(FAULT_INTERRUPT);
}

/* After it: if there was nothing, the time passes that the library was willing to wait. */
static int
wake_up(int ready, int limit, fend_time timeout)
{
	/* Nobody would ever come: say it was a signal that nobody asked for. */
	if (ready == 0 && timeout == FEND_FOREVER)
		ready = -EINTR;
	else if (ready == 0)
		kernel_clock_move(timeout);
	loop_woken(world.innermost, ready, limit);
	return ready;
}

static int
door_poll(struct pollfd *fds, size_t n, fend_time timeout)
{
	int error = fall_asleep(timeout);

	return wake_up(error ? error : REAL->poll(fds, n, 0), INT32_MAX, timeout);
}

static int
door_epoll_wait(int epoll, struct epoll_event *events, int n, fend_time timeout)
{
	int error = fall_asleep(timeout);

	if (world.batch && n > (int)world.batch)
		n = (int)world.batch;
	return wake_up(error ? error : REAL->epoll_wait(epoll, events, n, 0), n, timeout);
}

/* A descriptor that becomes readable when the clock says so. */
static void
settle_clock(int fd)
{
	static const uint64_t one = 1;
	uint64_t count;

	if (clock_fds[fd] > 0 && clock_fds[fd] <= kernel_clock)
		REAL->write(fd, &one, sizeof(one));
	else
		REAL->read(fd, &count, sizeof(count));
}

void
kernel_clock_move(fend_time by)
{
	int fd;

	/* Nobody waits longer than this world lasts. */
	kernel_clock = by > FEND_SEC(100) ? kernel_clock : kernel_clock + by;
	for (fd = 0; fd < FDS; fd++)
		if (clock_fds[fd])
			settle_clock(fd);
}

void
op_clock(void)
{
	static const fend_time steps[] = { 1, FEND_US(5), FEND_MS(1), FEND_MS(3), FEND_MS(34) };

	kernel_clock_move(steps[pick(sizeof(steps) / sizeof(steps[0]))]);
}

static int
event_fd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : own(fd);
}

static int
door_timerfd_create(void)
{
	int error = strike(FAULT_TIMERFD);
	int fd = error ? error : event_fd();

	if (fd >= 0)
		clock_fds[fd] = INT64_MAX;
	return fd;
}

static int
door_timerfd_set(int fd, fend_time when)
{
	check_not_forked("timerfd_settime");
	clock_fds[fd] = when == FEND_FOREVER ? INT64_MAX : when < 1 ? 1 : when;
	settle_clock(fd);
	return 0;
}

static int
door_pidfd_open(pid_t pid)
{
	int error;

	if (world.no_pidfd)
		return -ENOSYS;
	error = strike(FAULT_PIDFD);
	return error ? error : own(process_pidfd(pid));
}

static int
door_pidfd_send_signal(int pidfd, int signo)
{
	check_not_forked("pidfd_send_signal");
	return process_kill_by_pidfd(pidfd, signo);
}

static int
door_waitid(pid_t pid, siginfo_t *info, int options)
{
	bool exited = false;
	int status = 0;
	int r = process_wait(pid, !(options & WNOWAIT), &exited, &status);

	check_not_forked("waitid");
	info->si_pid = r > 0 ? pid : 0;
	info->si_code = exited ? CLD_EXITED : CLD_KILLED;
	info->si_status = status;
	return r < 0 ? r : 0;
}

static int
door_kill(pid_t pid, int signo)
{
	check_not_forked("kill");
	return process_kill(pid, signo);
}

/* What signals leave behind for the next loop is allocated once, before anything is counted. */
static void
warm_up(void)
{
	enum { N = 4 };
	static bool warm;
	struct fend_signal *signals[N];
	struct fend_loop *loops[N];
	int i;

	if (warm)
		return;
	warm = true;
	for (i = 0; i < N; i++) {
		check(fend_loop_new(NULL, &loops[i]) == 0, "no loop");
		check(fend_signal_new(loops[i], SIGUSR1, (fend_signal_fn *)abort, NULL,
				      &signals[i]) == 0,
		      "no signal");
	}
	for (i = 0; i < N; i++) {
		fend_signal_free(signals[i]);
		fend_loop_free(loops[i]);
	}
}

void
kernel_install(void)
{
	static struct fend__kernel door;

	warm_up();
	kernel_clock = FEND_SEC(1000);
	fault.left = 0;
	blocks = 0;
	memset(owned, 0, sizeof(owned));
	memset(clock_fds, 0, sizeof(clock_fds));
	door = *REAL;
	door.allocate = door_allocate;
	door.now = door_now;
	door.close = door_close;
	door.write = door_write;
	door.fstat = door_fstat;
	door.wakeup = door_wakeup;
	door.sigaction = door_sigaction;
	door.poll = door_poll;
	door.epoll_create = door_epoll_create;
	door.epoll_ctl = door_epoll_ctl;
	door.epoll_wait = door_epoll_wait;
	door.timerfd_create = door_timerfd_create;
	door.timerfd_set = door_timerfd_set;
	door.pidfd_open = door_pidfd_open;
	door.pidfd_send_signal = door_pidfd_send_signal;
	door.waitid = door_waitid;
	door.kill = door_kill;
	signal(SIGPIPE, SIG_IGN);
	fend__kernel = &door;
}

void
kernel_remove(void)
{
	int fd;

	for (fd = 0; fd < FDS; fd++)
		check(!owned[fd], "descriptor %d was left open", fd);
	check(blocks == 0, "%ld blocks of memory leaked", blocks);
	fend__kernel = REAL;
}
