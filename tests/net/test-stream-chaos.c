/* SPDX-License-Identifier: MIT */
/*
 * A crowd of streams that pipe into each other, share rates, stand on layers, and are misused: any
 * call, with any arguments, from any callback, at any time. No callback comes within a call, after
 * free or after closed, and nothing is left in the end. What sanitizers and valgrind see is the
 * other half of this test. FEND_TEST_SEED repeats one game.
 */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fend/rate.h>

#include "layers.h"

enum { CROWD = 8, RATES = 3 };

struct game;

struct player {
	struct game *game;
	struct fend_stream *stream;
	int closed;
};

struct game {
	struct fend_loop *loop;
	struct player players[CROWD];
	struct fend_socket *peers[CROWD];
	struct fend_rate *rates[RATES];
	guint32 random;
	int calling;  /* a call on the library is on the stack, inside which nothing is told */
	bool running; /* in a callback */
	bool fatal;   /* the loop may be freed */
};

static guint32
chance(struct game *game, guint32 below)
{
	game->random = game->random * 1664525 + 1013904223;
	return (guint32)(((guint64)game->random * below) >> 32);
}

static void misbehave(struct game *game);

static struct player *
told(struct fend_stream *stream, void *data)
{
	struct player *player = data;

	g_assert_true(player->stream == stream);
	g_assert_cmpint(player->closed, ==, 0);
	g_assert_cmpint(player->game->calling, ==, 0);
	return player;
}

static void
on_readable(struct fend_stream *stream, void *data)
{
	struct player *player = told(stream, data);
	struct game *game = player->game;
	const void *input;
	size_t size = fend_stream_peek(stream, &input);

	if (chance(game, 2))
		fend_stream_write(stream, input, size);
	if (chance(game, 4))
		fend_stream_consume(stream, chance(game, 2) ? size : size / 2);
	misbehave(game);
}

static void
on_drained(struct fend_stream *stream, void *data)
{
	misbehave(told(stream, data)->game);
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct player *player = told(stream, data);

	player->closed = 1;
	misbehave(player->game);
}

static const struct fend_stream_callbacks callbacks = {
	.readable = on_readable,
	.drained = on_drained,
	.closed = on_closed,
};

static void
push(struct game *game, struct fend_socket *socket)
{
	struct faulty *layer;

	switch (chance(game, 4)) {
	case 0:
		layer = faulty_push(socket);
		layer->max = chance(game, 500);
		layer->stall = chance(game, 4);
		if (chance(game, 4) == 0) {
			layer->recv_left = chance(game, 100000);
			layer->send_left = chance(game, 100000);
			layer->recv_error = chance(game, 2) ? -EBADMSG : 0;
			layer->send_error = -EPROTO;
		}
		break;
	case 1:
		rot13_push(socket, NULL);
		break;
	}
}

static void
join(struct game *game, unsigned i)
{
	struct fend_stream_options options = {
		.size = sizeof(options),
		.input_max = 1 + chance(game, 70000),
		.output_low = 1,
		.output_high = 1 + chance(game, 5000),
		.output_max = 5000 + chance(game, 100000),
		.idle_timeout = chance(game, 3) ? 0 : FEND_MS(1 + chance(game, 20)),
		.write_timeout = chance(game, 3) ? 0 : FEND_MS(1 + chance(game, 20)),
	};
	struct player *player = &game->players[i];
	struct pair pair;

	if (chance(game, 2))
		pair_init(&pair);
	else
		pair_init_tcp(&pair);
	push(game, pair.a);
	game->peers[i] = fend_socket_free(game->peers[i]);
	game->peers[i] = pair.b;
	player->closed = 0;
	if (fend_stream_new(game->loop, pair.a, &options, &callbacks, player, &player->stream) < 0)
		fend_socket_free(pair.a);
}

static void
leave(struct game *game, struct player *player)
{
	struct fend_socket *socket;

	if (chance(game, 4) == 0 && fend_stream_release(player->stream, &socket) >= 0) {
		fend_socket_free(socket);
		player->stream = NULL;
		return;
	}
	player->stream = fend_stream_free(player->stream);
}

static void
meddle_with_a_rate(struct game *game)
{
	struct fend_rate_options options = { .size = sizeof(options) };
	struct fend_rate **rate = &game->rates[chance(game, RATES)];

	options.bytes_per_second = chance(game, 2) ? 0 : 1 + chance(game, 10000000);
	options.burst = chance(game, 20000);
	options.group = game->rates[chance(game, RATES)];
	if (!*rate)
		fend_rate_new(game->loop, &options, rate);
	else if (chance(game, 2))
		fend_rate_set(*rate, options.bytes_per_second, options.burst);
	else
		*rate = fend_rate_free(*rate);
}

static void
peer_acts(struct game *game, unsigned i)
{
	static char buffer[50000];

	if (!game->peers[i])
		return;
	switch (chance(game, 8)) {
	case 0:
		reset(&game->peers[i]);
		break;
	case 1:
		fend_socket_shutdown(game->peers[i], SHUT_WR);
		break;
	case 2:
	case 3:
		fend_socket_recv(game->peers[i], buffer, 1 + chance(game, sizeof(buffer)), 0);
		break;
	default:
		fend_socket_send(game->peers[i], buffer, 1 + chance(game, sizeof(buffer)), 0);
	}
}

static void
send_file(struct game *game, struct fend_stream *stream)
{
	int fd = chance(game, 8) ? open("/proc/self/exe", O_RDONLY | O_CLOEXEC) : -1;

	if (fend_stream_sendfile(stream, fd, chance(game, 30000000), chance(game, 60000)) < 0 &&
	    fd >= 0)
		close(fd);
}

static void
call(struct game *game, struct player *player, struct player *other)
{
	static const char bytes[50000];
	struct fend_stream *stream = player->stream;
	const struct iovec iov[] = {
		{ .iov_base = (void *)bytes, .iov_len = chance(game, 3000) },
		{ .iov_base = NULL, .iov_len = 0 },
		{ .iov_base = (void *)bytes, .iov_len = chance(game, 3000) },
	};

	switch (chance(game, 20)) {
	case 0:
		leave(game, player);
		break;
	case 1:
		fend_stream_abort(stream, chance(game, 2) ? -EPROTO : 0);
		break;
	case 2:
		fend_stream_finish(stream, FEND_MS(chance(game, 20)));
		break;
	case 3:
		fend_stream_pause(stream);
		break;
	case 4:
		fend_stream_resume(stream);
		break;
	case 5:
		fend_stream_pipe(stream, other->stream);
		break;
	case 6:
		fend_stream_pipe(stream, other->stream);
		break;
	case 7:
		fend_stream_pipe(stream, NULL);
		break;
	case 8:
		fend_stream_want(stream, chance(game, 80000));
		break;
	case 9:
		fend_stream_consume(stream, chance(game, 1000));
		break;
	case 10:
		fend_stream_writev(stream, iov, 3);
		break;
	case 11:
		send_file(game, stream);
		break;
	case 12:
		fend_stream_set_rate(stream, game->rates[chance(game, RATES)],
				     game->rates[chance(game, RATES)]);
		break;
	case 13:
		fend_socket_shutdown(fend_stream_socket(stream), (int)chance(game, 3));
		break;
	case 14:
		fend_socket_unwatch(fend_stream_socket(stream));
		break;
	case 15:
		fend_socket_set_events(fend_stream_socket(stream), FEND_OUT);
		break;
	case 16:
		if (game->running && game->loop)
			test_error(fend_loop_dispatch(game->loop, 0), -EBUSY);
		break;
	default:
		fend_stream_write(stream, bytes, chance(game, sizeof(bytes)));
		break;
	}
}

/* A few of everything. */
static void
misbehave(struct game *game)
{
	unsigned n = chance(game, 4);

	while (n-- > 0) {
		unsigned i = chance(game, CROWD);
		struct player *player = &game->players[i];

		game->calling++;
		if (player->stream)
			call(game, player, &game->players[chance(game, CROWD)]);
		else if (game->loop)
			join(game, i);
		if (chance(game, 8) == 0)
			meddle_with_a_rate(game);
		peer_acts(game, i);
		if (game->fatal && chance(game, 300) == 0)
			game->loop = fend_loop_free(game->loop);
		game->calling--;
	}
}

static void
play(guint32 seed)
{
	struct game game = { .random = seed, .fatal = seed % 2 };
	unsigned turns = 1000, i;

	test_ok(fend_loop_new(NULL, &game.loop));
	for (i = 0; i < CROWD; i++)
		game.players[i].game = &game;
	while (turns-- > 0 && game.loop) {
		misbehave(&game);
		game.running = true;
		if (game.loop)
			fend_loop_dispatch(game.loop, chance(&game, 8) ? 0 : FEND_MS(1));
		game.running = false;
	}
	for (i = 0; i < CROWD; i++) {
		game.players[i].stream = fend_stream_free(game.players[i].stream);
		fend_socket_free(game.peers[i]);
	}
	for (i = 0; i < RATES; i++)
		fend_rate_free(game.rates[i]);
	fend_loop_free(game.loop);
}

static void
test_any_call_at_any_time(struct test *test)
{
	const char *given = getenv("FEND_TEST_SEED");
	guint32 seed = given ? (guint32)strtoul(given, NULL, 10) : 1;
	guint32 last = given ? seed : (guint32)(60 / test_slowness());
	int fds = test_count_fds();

	for (; seed <= last; seed++) {
		g_test_message("seed %u", seed);
		play(seed);
		g_assert_cmpint(test_count_fds(), ==, fds);
	}
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/stream-chaos/any-call-at-any-time", test_any_call_at_any_time);
	return g_test_run();
}
