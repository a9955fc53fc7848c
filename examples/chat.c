/* SPDX-License-Identifier: MIT */
/*
 * chat ADDRESS: pass on what somebody says to everybody else. The first line is one's name.
 *
 * Half a line stays in the stream, which offers it again when there is more. Who lets UNREAD_MAX
 * wait is dropped. On SIGINT and SIGTERM everybody is told, and has PATIENCE to leave.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <fend/net.h>

#define PATIENCE FEND_SEC(2)
enum { MEMBERS_MAX = 1000, NAME_SIZE = 24, LINE_MAX_SIZE = 1000, UNREAD_MAX = 256 * 1024 };

struct member {
	struct chat *chat;
	struct fend_stream *stream; /* NULL: nobody */
	char name[NAME_SIZE];       /* "": not told yet */
};

struct chat {
	struct fend_loop *loop;
	struct fend_listener *listener;
	struct member members[MEMBERS_MAX];
};

static void __attribute__((format(printf, 3, 4)))
tell(struct chat *chat, const struct member *speaker, const char *format, ...)
{
	char text[NAME_SIZE + LINE_MAX_SIZE + 80];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (struct member *member = chat->members; member < chat->members + MEMBERS_MAX; member++)
		if (member->name[0] && member != speaker &&
		    fend_stream_write(member->stream, text, strlen(text)) > 0)
			fend_stream_abort(member->stream, -ENOBUFS);
}

static void
take_line(struct member *member, const char *line, int size)
{
	size -= size > 0 && line[size - 1] == '\r';
	if (member->name[0])
		tell(member->chat, member, "%s: %.*s\n", member->name, size, line);
	else if (snprintf(member->name, sizeof(member->name), "%.*s", size, line) > 0)
		tell(member->chat, NULL, "* %s has come\n", member->name);
}

static void
on_readable(struct fend_stream *stream, void *data)
{
	const void *input;
	size_t size = fend_stream_peek(stream, &input), used = 0;
	const char *text = input, *end;

	while (used < size && (end = memchr(text + used, '\n', size - used))) {
		take_line(data, text + used, (int)(end - (text + used)));
		used = (size_t)(end + 1 - text);
	}
	fend_stream_consume(stream, used);
	if (size - used == LINE_MAX_SIZE)
		fend_stream_abort(stream, -EMSGSIZE);
	else if (fend_stream_at_end(stream))
		fend_stream_finish(stream, PATIENCE);
}

static void
on_closed(struct fend_stream *stream, int err, void *data)
{
	struct member *member = data, gone = *member;

	member->stream = fend_stream_free(stream);
	member->name[0] = '\0';
	if (gone.name[0])
		tell(gone.chat, NULL, "* %s has gone (%s)\n", gone.name, fend_strerror(err));
}

static void
on_connection(struct fend_listener *listener, struct fend_socket *socket,
	      const struct fend_address *peer, void *data)
{
	static const struct fend_stream_options options = {
		.size = sizeof(options),
		.input_max = LINE_MAX_SIZE,
		.output_high = UNREAD_MAX,
	};
	static const struct fend_stream_callbacks callbacks = {
		.readable = on_readable,
		.closed = on_closed,
	};
	struct chat *chat = data;
	struct member *member = chat->members;

	while (member->stream) /* connections_max sees to it that there is an end */
		member++;
	member->chat = chat;
	if (fend_stream_new(chat->loop, socket, &options, &callbacks, member, &member->stream) < 0)
		fend_socket_free(socket);
}

static void
on_drained(struct fend_listener *listener, unsigned left, void *loop)
{
	fend_loop_stop(loop, 0);
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct chat *chat = data;

	tell(chat, NULL, "* the end\n");
	for (int i = 0; i < MEMBERS_MAX; i++)
		fend_stream_finish(chat->members[i].stream, PATIENCE); /* NULL: -EINVAL */
	fend_listener_drain(chat->listener, FEND_FOREVER, on_drained, chat->loop);
}

int
main(int argc, char **argv)
{
	static const struct fend_listener_options options = {
		.size = sizeof(options),
		.connections_max = MEMBERS_MAX,
	};
	static struct chat chat;
	FEND_CLEANUP(fend_signal) struct fend_signal *interrupt = NULL, *terminate = NULL;
	struct fend_address address;
	int err;

	if (argc != 2 || fend_address_parse(argv[1], &address) < 0) {
		fprintf(stderr, "Usage: chat ADDRESS\n");
		return 2;
	}
	err = fend_loop_new(NULL, &chat.loop);
	if (err >= 0)
		err = fend_listener_new(chat.loop, &address, &options, on_connection, &chat,
					&chat.listener);
	if (err >= 0)
		err = fend_signal_new(chat.loop, SIGINT, on_signal, &chat, &interrupt);
	if (err >= 0)
		err = fend_signal_new(chat.loop, SIGTERM, on_signal, &chat, &terminate);
	if (err >= 0)
		err = fend_loop_run(chat.loop, NULL);
	if (err < 0)
		fprintf(stderr, "chat: %s: %s\n", argv[1], fend_strerror(err));
	fend_listener_free(chat.listener);
	fend_loop_free(chat.loop);
	return err < 0;
}
