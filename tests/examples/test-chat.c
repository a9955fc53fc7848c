/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fend-test.h"
#include "peer.h"

enum { LINE_MAX_SIZE = 1000, LINES_MAX = 200 * 1000, MEMORY_MAX = 8 * 1024 * 1024 };

/* Anna, Bert and Carl, who have come in this order. */
struct room {
	struct process *server;
	int port;
	int anna, bert, carl;
};

static void
room_open(struct room *room)
{
	char *address;

	room->port = test_port(SOCK_STREAM);
	address = g_strdup_printf("127.0.0.1:%d", room->port);
	room->server = server_start(CHAT, address, NULL);
	g_free(address);
	room->anna = peer_connect(room->port);
	peer_say(room->anna, "Anna\n");
	peer_expect(room->anna, "* Anna has come\n");
	room->bert = peer_connect(room->port);
	peer_say(room->bert, "Bert\n");
	peer_expect(room->bert, "* Bert has come\n");
	room->carl = peer_connect(room->port);
	peer_say(room->carl, "Carl\n");
	peer_expect(room->carl, "* Carl has come\n");
	peer_expect(room->anna, "* Bert has come\n* Carl has come\n");
	peer_expect(room->bert, "* Carl has come\n");
}

static void
room_close(struct room *room)
{
	close(room->anna);
	close(room->bert);
	close(room->carl);
	server_end(room->server, SIGTERM, 0);
}

/* What one says all others hear, in order. */
static void
test_broadcast(struct test *test)
{
	struct room room;

	room_open(&room);
	peer_say(room.anna, "hello\n");
	peer_expect(room.bert, "Anna: hello\n");
	peer_expect(room.carl, "Anna: hello\n");
	peer_say(room.bert, "well\nwell\n");
	peer_expect(room.anna, "Bert: well\nBert: well\n");
	peer_expect(room.carl, "Bert: well\nBert: well\n");
	room_close(&room);
}

static void
test_lines_in_pieces(struct test *test)
{
	struct room room;

	room_open(&room);
	peer_say(room.anna, "one");
	peer_say(room.bert, "two\n");
	peer_expect(room.anna, "Bert: two\n");
	peer_say(room.anna, " and a half\r\n\nthr");
	peer_expect(room.carl, "Bert: two\nAnna: one and a half\nAnna: \n");
	peer_say(room.anna, "ee\n");
	peer_expect(room.carl, "Anna: three\n");
	room_close(&room);
}

static void
test_nobody_without_a_name(struct test *test)
{
	struct room room;
	int fd;

	room_open(&room);
	fd = peer_connect(room.port);
	peer_say(fd, "\n"); /* is no name */
	peer_say(room.anna, "secret\n");
	peer_expect(room.bert, "Anna: secret\n");
	peer_say(fd, "Dora\n");
	peer_expect(fd, "* Dora has come\n");
	peer_expect(room.carl, "Anna: secret\n* Dora has come\n");
	close(fd);
	peer_expect(room.carl, "* Dora has gone (success)\n");
	room_close(&room);
}

/* A name that is longer than there is room for is cut; the longest line is passed on whole. */
static void
test_longest(struct test *test)
{
	char *name = g_strnfill(40, 'n'), *line = g_strnfill(LINE_MAX_SIZE - 1, 'x');
	char *expected = g_strdup_printf("%.23s: %s\n", name, line);
	struct room room;
	int fd;

	room_open(&room);
	fd = peer_connect(room.port);
	peer_say(fd, name);
	peer_say(fd, "\n");
	peer_expect(fd, "* nnnnnnnnnnnnnnnnnnnnnnn has come\n");
	peer_say(fd, line);
	peer_say(fd, "\n");
	peer_expect(room.bert, "* nnnnnnnnnnnnnnnnnnnnnnn has come\n");
	peer_expect(room.bert, expected);
	close(fd);
	room_close(&room);
	g_free(expected);
	g_free(line);
	g_free(name);
}

static void
test_too_long(struct test *test)
{
	char *line = g_strnfill(LINE_MAX_SIZE, 'x');
	struct room room;

	room_open(&room);
	peer_say(room.anna, line);
	peer_expect_reset(room.anna);
	peer_expect(room.bert, "* Anna has gone (message too long)\n");
	room_close(&room);
	g_free(line);
}

/* Carl takes nothing, and has to go; nobody else notices anything but that. */
static void
test_slow_reader_is_dropped(struct test *test)
{
	static const char gone[] = "* Carl has gone (no buffer space)\n";
	char *text = g_strnfill(LINE_MAX_SIZE - 100, 'x');
	char *line = g_strconcat(text, "\n", NULL), *heard = g_strdup_printf("Anna: %s", line);
	struct room room;
	gsize memory;
	char byte;
	int i;

	room_open(&room);
	memory = server_memory(room.server);
	for (i = 0; i < LINES_MAX; i++) {
		peer_say(room.anna, line);
		g_assert_cmpint(recv(room.bert, &byte, 1, MSG_PEEK), ==, 1);
		if (byte == gone[0])
			break;
		peer_expect(room.bert, heard);
	}
	g_assert_cmpint(i, <, LINES_MAX);
	g_assert_cmpuint(server_memory(room.server), <, memory + MEMORY_MAX);
	peer_expect(room.bert, gone);
	peer_expect(room.anna, gone);
	peer_expect(room.bert, heard);
	room_close(&room);
	g_free(heard);
	g_free(line);
	g_free(text);
}

static void
test_end(struct test *test)
{
	struct room room;

	room_open(&room);
	g_assert_cmpint(kill(process_pid(room.server), SIGINT), ==, 0);
	peer_expect(room.anna, "* the end\n");
	peer_expect_end(room.anna);
	peer_wait_refused(room.port);
	peer_expect(room.bert, "* the end\n");
	peer_expect_end(room.bert);
	close(room.anna);
	close(room.bert);
	close(room.carl);
	server_end(room.server, 0, 0);
}

static void
test_usage(struct test *test)
{
	static const char usage[] = "Usage: chat ADDRESS\n";

	server_check_usage(server_start(CHAT, NULL), usage);
	server_check_usage(server_start(CHAT, "localhost:7", NULL), usage);
	server_check_usage(server_start(CHAT, "127.0.0.1:7", "127.0.0.1:8", NULL), usage);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/chat/broadcast", test_broadcast);
	test_add("/chat/lines-in-pieces", test_lines_in_pieces);
	test_add("/chat/nobody-without-a-name", test_nobody_without_a_name);
	test_add("/chat/longest", test_longest);
	test_add("/chat/too-long", test_too_long);
	test_add("/chat/slow-reader-is-dropped", test_slow_reader_is_dropped);
	test_add("/chat/end", test_end);
	test_add("/chat/usage", test_usage);
	return g_test_run();
}
