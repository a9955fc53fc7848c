/* SPDX-License-Identifier: MIT */
/*
 * Sources. What is ready is asked of the kernel itself, with poll(2), at the very moment when the
 * library's wait is over; by that each callback is judged, and those that do not come.
 *
 * A source is lost once its descriptor was closed first. Then only what the header still promises
 * is asked for. A source is unsure while the kernel has refused a change of its interest.
 */
#include "world.h"

#include <fcntl.h>
#include <poll.h>

enum {
	IOS = 8,
	INTEREST = FEND_IN | FEND_OUT | FEND_PRI | FEND_RDHUP,
	ALWAYS = FEND_ERR | FEND_HUP,
	MODE = FEND_EDGE | FEND_ONESHOT | FEND_EXCLUSIVE,
};

static struct io {
	struct fend_io *fend; /* NULL: none */
	struct loop *loop;
	int end, fd;
	unsigned interest, mode;
	unsigned told; /* the interest that the kernel knows */
	bool armed;    /* not a ONESHOT source that has fired */
	bool changed;  /* set since the last wait */
	bool refused;  /* ERR is to be told for that */
	bool unsure;
	bool lost;

	/* for EDGE */
	bool stirred; /* something that may be news has happened since the last wait */
	bool news;    /* the same, before that wait and after the last callback */
	bool fed;     /* its peer wrote, after the last callback */
	bool must;    /* and before the last wait: there is news for sure */

	/* this iteration */
	bool waited;  /* it was there when the wait ended */
	bool touched; /* its interest was set since */
	bool called;
	bool alive; /* what its descriptor stands for was open then */
	unsigned ready;
	unsigned missed; /* iterations in a row that found it ready and did not serve it */
} ios[IOS];

static void
reset(void)
{
	int i;

	for (i = 0; i < IOS; i++)
		ios[i] = (struct io){ 0 };
}

static bool
is_on(const struct io *io, const struct loop *loop)
{
	return io->fend && io->loop == loop;
}

static unsigned
poll_now(const struct io *io)
{
	struct pollfd entry = { .fd = io->fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

	check(poll(&entry, 1, 0) >= 0 && !(entry.revents & POLLNVAL), "descriptor %d is closed",
	      io->fd);
	return (entry.revents & POLLIN ? FEND_IN : 0) | (entry.revents & POLLOUT ? FEND_OUT : 0) |
	       (entry.revents & POLLPRI ? FEND_PRI : 0) | (entry.revents & POLLERR ? FEND_ERR : 0) |
	       (entry.revents & POLLHUP ? FEND_HUP : 0) |
	       (entry.revents & POLLRDHUP ? FEND_RDHUP : 0);
}

/* What of events is to be told by the interest at this moment. */
static unsigned
wanted(const struct io *io, unsigned events)
{
	return io->interest && io->armed ? events & (io->interest | ALWAYS) : 0;
}

static bool
is_certain(const struct io *io)
{
	return !io->lost && !io->unsure && !io->refused;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
wait(struct loop *loop)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (is_on(&ios[i], loop) && is_certain(&ios[i]))
			ios[i].told = ios[i].interest;
}

static void
woken(struct loop *loop)
{
	int i;

	for (i = 0; i < IOS; i++) {
		struct io *io = &ios[i];

		if (!is_on(io, loop))
			continue;
		io->waited = true;
		io->news |= io->stirred;
		io->stirred = false;
		io->must = io->fed;
		io->touched = io->called = io->changed = false;
		io->alive = world.is_epoll ? channel_end_alive(io->end) : is_open(io->fd);
		io->ready = io->lost ? 0 : poll_now(io);
	}
}

/* Is there something that it must be told? An edge only if it is one for sure. */
static bool
is_due(const struct io *io)
{
	if (io->mode & FEND_EDGE)
		return io->must && wanted(io, io->ready & FEND_IN);
	return wanted(io, io->ready);
}

static void
check_served(struct io *io)
{
	unsigned n = 0;
	int i;

	if (io->loop->complete)
		fail("source %d is not told of events 0x%x", (int)(io - ios), io->ready);
	/* More were ready than fit, so it is for the next: but not for ever. */
	io->missed++;
	for (i = 0; i < IOS; i++)
		n += is_on(&ios[i], io->loop);
	n += 4; /* the wake-up and children */
	check(io->missed <= (n + (unsigned)io->loop->batch - 1) / (unsigned)io->loop->batch,
	      "source %d starves", (int)(io - ios));
}

static void
end(struct loop *loop)
{
	int i;

	for (i = 0; i < IOS; i++) {
		struct io *io = &ios[i];

		if (!is_on(io, loop) || !io->waited || io->touched)
			continue;
		check(!io->refused || !wanted(io, FEND_ERR),
		      "source %d is not told of a change that was refused", i);
		io->refused = false;
		if (io->called || !loop->reported || !is_certain(io) || !is_due(io))
			io->missed = 0;
		else
			check_served(io);
	}
}

static void
on_io(struct fend_io *fend, unsigned events, void *data)
{
	struct io *io = data;
	struct loop *loop = io->loop;
	bool refused = io->refused;
	unsigned told;

	check(io->fend, "a freed source is called");
	callback_begin(loop, PART_IO);
	check(fend == io->fend, "a source is called with another's address");
	check(io->waited, "a source is called in the iteration it was made in");
	check(!io->called, "a source is called twice in an iteration");
	check(events && events == wanted(io, events), "events 0x%x with interest 0x%x%s", events,
	      io->interest, io->armed ? "" : ", which has fired");
	if (io->refused) {
		check(events & FEND_ERR, "a refused change is told as events 0x%x", events);
		io->refused = false;
	} else if (io->lost) {
		/* A file that is open under another number is told of until the source is freed. */
		check(io->alive || events == FEND_ERR,
		      "a callback for a descriptor that was closed");
	} else if (!io->unsure) {
		told = io->ready & (io->told | ALWAYS);
		check(events == wanted(io, told), "events 0x%x, though 0x%x is ready", events,
		      io->ready);
		check(!(io->mode & FEND_EDGE) || io->news, "an edge without news");
	}
	io->called = !refused;
	io->armed = !(io->mode & FEND_ONESHOT);
	io->news = false;
	if (events & FEND_IN)
		io->fed = false;
	loop->stats.ios++;
	callback_end(loop);
}

static struct io *
on_same_fd(const struct loop *loop, int fd)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (is_on(&ios[i], loop) && ios[i].fd == fd)
			return &ios[i];
	return NULL;
}

bool
ios_watch(struct loop *loop, int fd)
{
	return on_same_fd(loop, fd) != NULL;
}

static unsigned
pick_mode(void)
{
	switch (pick(16)) {
	case 0 ... 1:
		return FEND_ONESHOT;
	case 2 ... 4:
		return FEND_EDGE;
	case 5:
		return FEND_EDGE | FEND_ONESHOT;
	case 6 ... 7:
		return FEND_EXCLUSIVE;
	case 8:
		return FEND_EXCLUSIVE | FEND_EDGE;
	default:
		return 0;
	}
}

static unsigned
pick_interest(void)
{
	/* clang-format off */
	static const unsigned interests[] = {
		FEND_IN, FEND_IN, FEND_IN, FEND_IN, FEND_OUT, FEND_OUT, FEND_IN | FEND_OUT, 0, 0,
		FEND_RDHUP, FEND_IN | FEND_RDHUP, FEND_PRI, FEND_PRI | FEND_IN, INTEREST, FEND_ERR,
	};
	/* clang-format on */

	return interests[pick(sizeof(interests) / sizeof(interests[0]))];
}

/* What the header says of such a set of events. */
static int
events_error(const struct loop *loop, unsigned events)
{
	if (events & ~(unsigned)(INTEREST | MODE))
		return -EINVAL;
	if ((events & FEND_EXCLUSIVE) && (events & (FEND_PRI | FEND_RDHUP | FEND_ONESHOT)))
		return -EINVAL;
	if ((events & (FEND_EDGE | FEND_EXCLUSIVE)) && !world.is_epoll)
		return -ENOTSUP;
	if ((events & FEND_RDHUP) && !(fend_loop_features(loop->fend) & FEND_LOOP_RDHUP))
		return -ENOTSUP;
	return 0;
}

void
op_io_new(void)
{
	struct loop *loop = loop_pick();
	unsigned events = pick_mode() | pick_interest();
	int target = channel_end_pick(), error, i;
	struct io *io = NULL;

	for (i = IOS - 1; i >= 0; i--)
		if (!ios[i].fend)
			io = &ios[i];
	if (!loop || !io || target < 0)
		return;
	error = loop_error(loop);
	if (!error)
		error = events_error(loop, events);
	if (!error && on_same_fd(loop, channel_end_fd(target)))
		error = -EEXIST;
	*io = (struct io){ .loop = loop, .end = target, .fd = channel_end_fd(target) };
	if (!CALL(error, fend_io_new(loop->fend, io->fd, events, on_io, io, &io->fend)))
		return;
	io->interest = io->told = events & INTEREST;
	io->mode = events & MODE;
	io->armed = io->stirred = true;
	loop_object_made(loop);
	check(fend_io_fd(io->fend) == io->fd, "fend_io_fd() is wrong");
}

static void
set(struct io *io, unsigned events)
{
	int error = loop_error(io->loop);

	if (!error && (events & ~(unsigned)INTEREST))
		error = -EINVAL;
	if (!error)
		error = events_error(io->loop, events | io->mode);
	/* If the loop is inside another one, the kernel may be told before the call returns. */
	if (!error) {
		io->interest = events;
		io->armed = io->changed = io->touched = io->stirred = true;
		io->refused = false;
		io->loop->hurried |= io->lost;
	}
	CALL(error, fend_io_set(io->fend, events));
	check(fend_io_events(io->fend) == (io->interest | io->mode), "fend_io_events() is wrong");
}

static struct io *
pick_io(void)
{
	struct io *io = &ios[pick(IOS)];

	return io->fend ? io : NULL;
}

void
op_io_set(void)
{
	struct io *io = pick_io();
	unsigned events = pick_interest();

	if (io)
		set(io, events);
}

/* To and fro. */
void
op_io_toggle(void)
{
	struct io *io = pick_io();
	unsigned events = pick_interest();

	if (!io)
		return;
	set(io, events);
	set(io, io->told & INTEREST);
}

static void
release(struct io *io)
{
	if (!io->fend)
		return;
	/* Of one that goes it does not matter what the kernel says. */
	io->lost = true;
	io->fend = fend_io_free(io->fend);
	check(!io->fend, "fend_io_free() returns something");
	loop_object_gone(io->loop);
}

void
op_io_free(void)
{
	release(&ios[pick(IOS)]);
}

void
ios_stir(int end, bool wrote)
{
	int i;

	for (i = 0; i < IOS; i++) {
		if (ios[i].end != end)
			continue;
		ios[i].stirred = true;
		ios[i].fed |= wrote;
	}
}

void
ios_lost(int end)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (ios[i].end == end)
			ios[i].lost = true;
}

void
ios_free_on(int end)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (ios[i].end == end && !ios[i].lost)
			release(&ios[i]);
}

void
ios_park(struct loop *loop)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (is_on(&ios[i], loop))
			set(&ios[i], 0);
}

void
ios_told(struct loop *loop, int fd, int result, bool fault)
{
	struct io *io = on_same_fd(loop, fd);

	/* The library's own, on a pidfd. */
	if (!io) {
		loop->hurried |= result < 0;
		return;
	}
	check(!world.core || io->changed, "a change of interest that nobody asked for");
	check(!world.core || io->told != io->interest || io->unsure ||
		      (io->mode & (FEND_ONESHOT | FEND_EDGE)),
	      "the kernel is told what it knows");
	check(result == 0 || io->lost || fault, "the kernel refuses interest 0x%x: %d",
	      io->interest, result);
	io->refused = io->unsure = result < 0;
	if (result == 0)
		io->told = io->interest;
}

void
ios_remade(struct loop *loop)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (is_on(&ios[i], loop))
			ios[i].stirred = true;
}

bool
ios_urgent(struct loop *loop)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (is_on(&ios[i], loop) && ios[i].refused)
			return true;
	return false;
}

bool
ios_ready(struct loop *loop)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (is_on(&ios[i], loop) && is_certain(&ios[i]) && !(ios[i].mode & FEND_EDGE) &&
		    wanted(&ios[i], poll_now(&ios[i])))
			return true;
	return false;
}

static void
forked(void)
{
	int i;

	for (i = 0; i < IOS; i++) {
		struct io *io = &ios[i];

		if (!io->fend)
			continue;
		CALL(loop_error(io->loop), fend_io_set(io->fend, FEND_IN));
		check(fend_io_fd(io->fend) == io->fd, "fend_io_fd() is wrong");
		check(fend_io_events(io->fend) == (io->interest | io->mode),
		      "fend_io_events() is wrong");
	}
}

static void
free_all(void)
{
	int i;

	for (i = 0; i < IOS; i++)
		release(&ios[i]);
}

const struct kind io_kind = {
	.reset = reset,
	.wait = wait,
	.woken = woken,
	.end = end,
	.forked = forked,
	.free = free_all,
};
