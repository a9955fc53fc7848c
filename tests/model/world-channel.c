/* SPDX-License-Identifier: MIT */
/*
 * Channels: pairs of connected descriptors, each of whose ends a source may watch. An end is closed
 * in the right order, after its sources were freed, or in the wrong one; and a duplicate of it may
 * keep its file open then. Ends of a number are 2 * channel and 2 * channel + 1.
 */
#include "world.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHANNELS = 5, ENDS = 2 * CHANNELS };

static struct channel {
	bool open, is_socket, is_event;
	struct channel_end {
		int fd;  /* -1: closed */
		int dup; /* -1: none */
		int was; /* the number it had before it was closed */
	} ends[2];
} channels[CHANNELS];

static struct channel_end *
end_of(int end)
{
	return &channels[end / 2].ends[end % 2];
}

int
channel_end_fd(int end)
{
	return end_of(end)->fd;
}

bool
channel_end_alive(int end)
{
	return end_of(end)->fd >= 0 || end_of(end)->dup >= 0;
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
channels_reset(void)
{
	int end;

	for (end = 0; end < ENDS; end++) {
		channels[end / 2].open = false;
		*end_of(end) = (struct channel_end){ -1, -1, -1 };
	}
}

void
channels_close(void)
{
	int end;

	for (end = 0; end < ENDS; end++) {
		shut(&end_of(end)->fd);
		shut(&end_of(end)->dup);
	}
}

static void
open_channel(struct channel *channel)
{
	unsigned kind = pick(4);
	int fds[2] = { -1, -1 };
	int r;

	channel->is_socket = kind <= 1;
	channel->is_event = kind == 3;
	if (channel->is_socket)
		r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
	else if (kind == 2)
		r = pipe2(fds, O_NONBLOCK | O_CLOEXEC);
	else
		r = fds[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	check(r >= 0, "no descriptors for a channel");
	channel->open = true;
	channel->ends[0] = (struct channel_end){ fds[0], -1, -1 };
	channel->ends[1] = (struct channel_end){ fds[1], -1, -1 };
}

/* An end that is open, or -1. */
int
channel_end_pick(void)
{
	int end = (int)pick(ENDS);
	struct channel *channel = &channels[end / 2];

	if (!channel->open)
		open_channel(channel);
	if (channel->ends[end % 2].fd < 0)
		end ^= 1;
	return end_of(end)->fd < 0 ? -1 : end;
}

/* Both ends may have become ready for something, or not ready any more. */
static void
stir(int end)
{
	ios_stir(end, false);
	ios_stir(end ^ 1, false);
}

/* Once nothing of a channel is left, its place is free for another. */
static void
forget(int end)
{
	struct channel *channel = &channels[end / 2];

	if (!channel_end_alive(end) && !channel_end_alive(end ^ 1))
		channel->open = false;
}

void
op_channel_open(void)
{
	struct channel *channel = &channels[pick(CHANNELS)];

	if (!channel->open)
		open_channel(channel);
}

static bool
put(int end, size_t size)
{
	static const char zeros[512];
	static const uint64_t one = 1;
	bool is_event = channels[end / 2].is_event;
	ssize_t n = 0;

	if (channels[end / 2].is_socket)
		n = send(end_of(end)->fd, zeros, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	else
		n = write(end_of(end)->fd, is_event ? (const void *)&one : zeros,
			  is_event ? sizeof(one) : size);
	stir(end);
	/* An eventfd's writer is its reader. */
	if (n > 0)
		ios_stir(is_event ? end : end ^ 1, true);
	return n > 0;
}

/* The end that can write: of a pipe the second. */
static int
writer_pick(void)
{
	int end = channel_end_pick();

	if (end < 0 || channels[end / 2].is_socket || channels[end / 2].is_event)
		return end;
	return end_of(end | 1)->fd < 0 ? -1 : end | 1;
}

void
op_channel_write(void)
{
	int end = writer_pick();

	if (end >= 0)
		put(end, 1 + pick(100));
}

void
op_channel_fill(void)
{
	int end = writer_pick();
	int i = 0;

	while (end >= 0 && i++ < 200 && put(end, 512))
		;
}

static void
take(int end, unsigned times)
{
	char buffer[4096];

	while (times-- > 0 && read(end_of(end)->fd, buffer, sizeof(buffer)) > 0)
		;
	stir(end);
}

void
op_channel_read(void)
{
	int end = channel_end_pick();

	if (end >= 0)
		take(end, 1);
}

void
op_channel_drain(void)
{
	int end = channel_end_pick();

	if (end >= 0)
		take(end, 100);
}

void
op_channel_shutdown(void)
{
	int end = channel_end_pick();

	if (end < 0 || !channels[end / 2].is_socket)
		return;
	shutdown(end_of(end)->fd, (int)pick(3));
	stir(end);
}

void
op_channel_urgent(void)
{
	int end = channel_end_pick();

	/* Perhaps the system has it for these sockets, perhaps not. */
	if (end < 0 || !channels[end / 2].is_socket)
		return;
	if (send(end_of(end)->fd, "!", 1, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		stir(end);
}

static void
close_end(int end)
{
	end_of(end)->was = end_of(end)->fd;
	shut(&end_of(end)->fd);
	stir(end);
	forget(end);
}

void
op_channel_close(void)
{
	int end = channel_end_pick();

	if (end < 0)
		return;
	ios_free_on(end);
	close_end(end);
}

void
op_channel_dup(void)
{
	int end = channel_end_pick();

	if (end >= 0 && end_of(end)->dup < 0)
		end_of(end)->dup = fcntl(end_of(end)->fd, F_DUPFD_CLOEXEC, 0);
}

void
op_channel_close_dup(void)
{
	int end = (int)pick(ENDS);

	shut(&end_of(end)->dup);
	stir(end);
	forget(end);
}

/* The order that the header forbids. */
void
op_channel_close_first(void)
{
	int end = channel_end_pick();

	if (end < 0)
		return;
	if (end_of(end)->dup < 0 && one_in(2))
		end_of(end)->dup = fcntl(end_of(end)->fd, F_DUPFD_CLOEXEC, 0);
	ios_lost(end);
	close_end(end);
}

/* Have the file back under a number like the one it had. */
void
op_channel_restore(void)
{
	struct channel_end *end = end_of((int)pick(ENDS));

	if (end->fd < 0 && end->dup >= 0)
		end->fd = fcntl(end->dup, F_DUPFD_CLOEXEC, end->was >= 0 ? end->was : 0);
}
