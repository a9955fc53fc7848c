/* SPDX-License-Identifier: MIT */
/*
 * The name server with faults. It knows as much of RFC 1035 as a test needs: a query has one
 * question, whose name is not compressed, and a reply repeats it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fend-test.h"
#include "process.h"
#include "server.h"

enum {
	HEADER = 12,
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	TTL = 60,
	FLAGS_REPLY = 0x8180, /* QR RD RA */
	FLAG_TC = 0x0200,
	FORMERR = 1,
	SERVFAIL = 2,
	NXDOMAIN = 3,
	NOTIMP = 4,
	REFUSED = 5,
};

struct question {
	guint16 id;
	guint16 type;
	guint8 name[256]; /* as in the message */
	gsize name_size;
};

/* Where a question came from. */
struct client {
	int fd;
	gboolean tcp;
	struct sockaddr_in address;
};

struct delayed {
	struct server *server;
	struct fend_timer *timer;
	struct question question;
	struct client client;
};

static void
put16(GByteArray *message, unsigned value)
{
	guint8 bytes[2] = { (guint8)(value >> 8), (guint8)value };

	g_byte_array_append(message, bytes, 2);
}

static void
put_name(GByteArray *message, const char *name)
{
	char **labels = g_strsplit(name, ".", -1);
	int i;

	for (i = 0; labels[i]; i++) {
		guint8 length = (guint8)strlen(labels[i]);

		g_byte_array_append(message, &length, 1);
		g_byte_array_append(message, (const guint8 *)labels[i], length);
	}
	g_byte_array_append(message, (const guint8 *)"", 1);
	g_strfreev(labels);
}

static void
put_record(GByteArray *message, const void *name, gsize name_size, unsigned type, unsigned ttl,
	   const void *data, gsize size)
{
	g_byte_array_append(message, name, (guint)name_size);
	put16(message, type);
	put16(message, CLASS_IN);
	put16(message, ttl >> 16);
	put16(message, ttl);
	put16(message, (unsigned)size);
	g_byte_array_append(message, data, (guint)size);
}

static GByteArray *
reply_new(const struct question *question, unsigned flags, unsigned n_answers)
{
	GByteArray *message = g_byte_array_new();

	put16(message, question->id);
	put16(message, FLAGS_REPLY | flags);
	put16(message, 1);
	put16(message, n_answers);
	put16(message, 0);
	put16(message, 0);
	g_byte_array_append(message, question->name, (guint)question->name_size);
	put16(message, question->type);
	put16(message, CLASS_IN);
	return message;
}

/* last: of the address, so that a test can tell a wrong answer from a right one. */
static GByteArray *
answer_new(const struct question *question, const char *alias_of, guint8 last)
{
	static const guint8 in[] = { 192, 0, 2 };
	static const guint8 in6[15] = { 0x20, 0x01, 0x0d, 0xb8 };
	GByteArray *message = reply_new(question, 0, alias_of ? 2 : 1);
	GByteArray *data = g_byte_array_new();
	GByteArray *name = g_byte_array_new();

	g_byte_array_append(name, question->name, (guint)question->name_size);
	if (alias_of) {
		put_name(data, alias_of);
		put_record(message, name->data, name->len, TYPE_CNAME, TTL, data->data, data->len);
		g_byte_array_set_size(name, 0);
		g_byte_array_append(name, data->data, data->len);
		g_byte_array_set_size(data, 0);
	}
	if (question->type == TYPE_A)
		g_byte_array_append(data, in, sizeof(in));
	else
		g_byte_array_append(data, in6, sizeof(in6));
	g_byte_array_append(data, &last, 1);
	put_record(message, name->data, name->len, question->type, TTL, data->data, data->len);
	g_byte_array_unref(name);
	g_byte_array_unref(data);
	return message;
}

/* The addresses that the test has given, NULL-terminated. */
static GByteArray *
addresses_new(const struct question *question, const char *const *addresses)
{
	int family = question->type == TYPE_A ? AF_INET : AF_INET6;
	GByteArray *message = reply_new(question, 0, g_strv_length((char **)addresses));
	GByteArray *data = g_byte_array_new();

	g_byte_array_set_size(data, family == AF_INET ? 4 : 16);
	for (; *addresses; addresses++) {
		g_assert_cmpint(inet_pton(family, *addresses, data->data), ==, 1);
		put_record(message, question->name, question->name_size, question->type, TTL,
			   data->data, data->len);
	}
	g_byte_array_unref(data);
	return message;
}

static GByteArray *
records_new(const struct question *question, const struct server_record *records)
{
	GByteArray *message = reply_new(question, 0, 0);
	guint8 n = 0;

	for (; records && records->data; records++) {
		if (records->type != question->type && records->type != TYPE_CNAME)
			continue;
		put_record(message, question->name, question->name_size, records->type,
			   records->ttl, records->data, records->size);
		n++;
	}
	message->data[7] = n;
	return message;
}

static void
send_bytes(const struct client *client, const void *bytes, gsize size)
{
	/* Who asked may be gone by now, which a name server does not care about. */
	if (client->tcp)
		send(client->fd, bytes, size, MSG_NOSIGNAL);
	else
		sendto(client->fd, bytes, size, MSG_NOSIGNAL,
		       (const struct sockaddr *)&client->address, sizeof(client->address));
}

static void
send_reply(const struct client *client, GByteArray *message)
{
	guint8 length[2] = { (guint8)(message->len >> 8), (guint8)message->len };

	if (client->tcp)
		g_byte_array_prepend(message, length, 2);
	send_bytes(client, message->data, message->len);
	g_byte_array_unref(message);
}

static void
send_noise(const struct client *client, const struct question *question)
{
	struct question wrong = *question;

	send_bytes(client, "", 0);
	send_bytes(client, "\1\2\3\4\5", 5);
	wrong.id ^= 1;
	send_reply(client, answer_new(&wrong, NULL, 66));
	wrong = *question;
	wrong.name[1] ^= 1;
	send_reply(client, answer_new(&wrong, NULL, 66));
}

static enum server_mode
mode_of(const struct server *server, const struct question *question)
{
	switch (question->type) {
	case TYPE_A:
		return server->a;
	case TYPE_AAAA:
		return server->aaaa;
	default:
		return server->other;
	}
}

/* How long after it came a question is answered. */
static fend_time
delay_of(const struct server *server, const struct question *question)
{
	return server->delay +
	       (question->type == TYPE_A ? server->a_delay : server->aaaa_delay);
}

static void
reply(const struct server *server, const struct client *client, const struct question *question)
{
	const char *const *addresses =
		question->type == TYPE_A ? server->a_addresses : server->aaaa_addresses;

	switch (mode_of(server, question)) {
	case SERVER_DROP:
		return;
	case SERVER_NODATA:
		send_reply(client, reply_new(question, 0, 0));
		return;
	case SERVER_NXDOMAIN:
		send_reply(client, reply_new(question, NXDOMAIN, 0));
		return;
	case SERVER_SERVFAIL:
		send_reply(client, reply_new(question, SERVFAIL, 0));
		return;
	case SERVER_REFUSED:
		send_reply(client, reply_new(question, REFUSED, 0));
		return;
	case SERVER_FORMERR:
		send_reply(client, reply_new(question, FORMERR, 0));
		return;
	case SERVER_NOTIMP:
		send_reply(client, reply_new(question, NOTIMP, 0));
		return;
	case SERVER_TRUNCATE:
		if (!client->tcp) {
			send_reply(client, reply_new(question, FLAG_TC, 0));
			return;
		}
		break;
	case SERVER_NOISE:
		send_noise(client, question);
		break;
	case SERVER_CNAME:
		send_reply(client, answer_new(question, "real.test", 1));
		return;
	case SERVER_BAD_CNAME:
		send_reply(client, answer_new(question, "no/host.test", 1));
		return;
	case SERVER_ANSWER:
		break;
	}
	if (question->type != TYPE_A && question->type != TYPE_AAAA)
		send_reply(client, records_new(question, server->records));
	else
		send_reply(client, addresses ? addresses_new(question, addresses)
					     : answer_new(question, NULL, 1));
}

static void
on_delay(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct delayed *delayed = data;
	struct server *server = delayed->server;

	server->delayed = g_list_remove(server->delayed, delayed);
	reply(server, &delayed->client, &delayed->question);
	fend_timer_free(delayed->timer);
	g_free(delayed);
}

static void
note(struct server *server, const struct client *client, const struct question *question)
{
	GString *name = g_string_new(NULL);
	gsize i;

	for (i = 0; question->name[i]; i += question->name[i] + 1U)
		g_string_append_printf(name, "%s%.*s", i ? "." : "", question->name[i],
				       (const char *)&question->name[i + 1]);
	g_free(server->name);
	server->name = g_string_free(name, FALSE);
	if (question->type == TYPE_A)
		server->n_a++;
	else if (question->type == TYPE_AAAA)
		server->n_aaaa++;
	else
		server->n_other++;
	server->n_tcp += client->tcp;
	server->last = fend_now();
	if (!server->first)
		server->first = server->last;
}

static void
on_query(struct server *server, const struct client *client, const guint8 *message, gsize size)
{
	struct question question = { 0 };
	struct delayed *delayed;
	gsize end = HEADER;

	g_assert_cmpuint(size, >, HEADER);
	while (message[end]) {
		end += message[end] + 1U;
		g_assert_cmpuint(end, <, size);
	}
	end++;
	g_assert_cmpuint(end + 4, <=, size);
	question.id = (guint16)(message[0] << 8 | message[1]);
	question.name_size = end - HEADER;
	memcpy(question.name, message + HEADER, question.name_size);
	question.type = (guint16)(message[end] << 8 | message[end + 1]);
	note(server, client, &question);
	if (!delay_of(server, &question)) {
		reply(server, client, &question);
		return;
	}
	delayed = g_new0(struct delayed, 1);
	delayed->server = server;
	delayed->question = question;
	delayed->client = *client;
	test_ok(fend_timer_new(server->loop, on_delay, delayed, &delayed->timer));
	fend_timer_after(delayed->timer, delay_of(server, &question));
	server->delayed = g_list_append(server->delayed, delayed);
}

static void
on_datagrams(struct fend_io *io, unsigned events, void *data)
{
	struct server *server = data;
	struct client client = { .fd = server->udp };
	socklen_t size = sizeof(client.address);
	guint8 message[1500];
	unsigned n = 0;
	ssize_t r;

	while ((r = recvfrom(server->udp, message, sizeof(message), 0,
			     (struct sockaddr *)&client.address, &size)) > 0) {
		on_query(server, &client, message, (gsize)r);
		n++;
	}
	server->max_at_once = MAX(server->max_at_once, n);
}

static void
close_connection(struct server *server)
{
	server->connection_io = fend_io_free(server->connection_io);
	if (server->connection >= 0)
		close(server->connection);
	server->connection = -1;
}

static void
on_stream(struct fend_io *io, unsigned events, void *data)
{
	struct server *server = data;
	struct client client = { .fd = server->connection, .tcp = TRUE };
	guint8 bytes[1500];
	ssize_t r = recv(server->connection, bytes, sizeof(bytes), 0);
	gsize size;

	if (r <= 0) {
		close_connection(server);
		return;
	}
	g_byte_array_append(server->input, bytes, (guint)r);
	while (server->input->len >= 2) {
		size = (gsize)(server->input->data[0] << 8 | server->input->data[1]);
		if (server->input->len < size + 2)
			break;
		on_query(server, &client, server->input->data + 2, size);
		g_byte_array_remove_range(server->input, 0, (guint)size + 2);
	}
}

static void
on_connection(struct fend_io *io, unsigned events, void *data)
{
	struct server *server = data;
	int fd = accept4(server->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	close_connection(server);
	server->connection = fd;
	g_byte_array_set_size(server->input, 0);
	test_ok(fend_io_new(server->loop, fd, FEND_IN, on_stream, server, &server->connection_io));
}

static int
bind_socket(int type, int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

struct server *
server_start(struct fend_loop *loop)
{
	struct server *server = g_new0(struct server, 1);
	int port = test_port(SOCK_DGRAM);

	server->loop = loop;
	server->address = g_strdup_printf("127.0.0.1:%d", port);
	server->input = g_byte_array_new();
	server->connection = -1;
	server->udp = bind_socket(SOCK_DGRAM, port);
	server->tcp = bind_socket(SOCK_STREAM, port);
	g_assert_cmpint(listen(server->tcp, 8), ==, 0);
	test_ok(fend_io_new(loop, server->udp, FEND_IN, on_datagrams, server, &server->udp_io));
	test_ok(fend_io_new(loop, server->tcp, FEND_IN, on_connection, server, &server->tcp_io));
	return server;
}

struct server *
server_stop(struct server *server)
{
	while (server->delayed) {
		struct delayed *delayed = server->delayed->data;

		server->delayed = g_list_remove(server->delayed, delayed);
		fend_timer_free(delayed->timer);
		g_free(delayed);
	}
	close_connection(server);
	fend_io_free(server->udp_io);
	fend_io_free(server->tcp_io);
	close(server->udp);
	close(server->tcp);
	g_byte_array_unref(server->input);
	g_free(server->address);
	g_free(server->name);
	g_free(server);
	return NULL;
}

const char *
server_address(const struct server *server)
{
	return server->address;
}
