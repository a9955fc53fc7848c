/* SPDX-License-Identifier: MIT */
/* The sockets of the name server with faults, and what it notes; reply.c is what it says. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fend/address.h>

#include "fend-test.h"
#include "process.h"
#include "reply.h"
#include "server.h"

enum {
	HEADER = 12,
	TYPE_A = 1,
	TYPE_AAAA = 28,
	TYPE_OPT = 41,
	OPT_SIZE = 11, /* with the root as its name */
};

/* Where a question came from. */
struct client {
	int fd;
	gboolean tcp;
	struct sockaddr_storage address;
	socklen_t size;
};

struct delayed {
	struct server *server;
	struct fend_timer *timer;
	struct question question;
	struct client client;
};

static void
send_bytes(const struct client *client, const void *bytes, gsize size)
{
	/* Who asked may be gone by now, which a name server does not care about. */
	if (client->tcp)
		send(client->fd, bytes, size, MSG_NOSIGNAL);
	else
		sendto(client->fd, bytes, size, MSG_NOSIGNAL,
		       (const struct sockaddr *)&client->address, client->size);
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
	send_reply(client, reply_new(SERVER_WRONG, &wrong, client->tcp));
	wrong = *question;
	wrong.name[1] ^= 1;
	send_reply(client, reply_new(SERVER_WRONG, &wrong, client->tcp));
}

static void
reply(enum server_mode mode, const struct client *client, const struct question *question)
{
	if (mode == SERVER_DROP)
		return;
	if (mode == SERVER_NOISE)
		send_noise(client, question);
	if (mode == SERVER_HALF) {
		send_bytes(client, "\0", 1);
		return;
	}
	send_reply(client, reply_new(mode, question, client->tcp));
}

/*
 * It goes by the last name that was noted: of a question that is answered at once this is its own.
 */
static enum server_mode
mode_of(const struct server *server, const struct question *question)
{
	if (server->choose)
		return server->choose(server->name, question->type != TYPE_A);
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
	return server->delay + (question->type == TYPE_A ? server->a_delay : server->aaaa_delay);
}

static void
note_given(const struct server *server, struct question *question)
{
	question->ttl = server->ttl;
	if (question->type == TYPE_A)
		question->addresses = server->a_addresses;
	else if (question->type == TYPE_AAAA)
		question->addresses = server->aaaa_addresses;
	else
		question->records = server->records;
}

static void
on_delay(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct delayed *delayed = data;
	struct server *server = delayed->server;

	server->delayed = g_list_remove(server->delayed, delayed);
	reply(mode_of(server, &delayed->question), &delayed->client, &delayed->question);
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
	note_given(server, &question);
	end += 4;
	if (size >= end + OPT_SIZE && message[end] == 0 && message[end + 2] == TYPE_OPT)
		question.edns_size = (guint16)(message[end + 3] << 8 | message[end + 4]);
	server->edns_size = question.edns_size;
	note(server, client, &question);
	if (!delay_of(server, &question)) {
		reply(mode_of(server, &question), client, &question);
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
	guint8 message[1500];
	unsigned n = 0;
	ssize_t r;

	for (;;) {
		client.size = sizeof(client.address);
		r = recvfrom(server->udp, message, sizeof(message), 0,
			     (struct sockaddr *)&client.address, &client.size);
		if (r <= 0)
			break;
		/* It is in the same place in an address of IPv6. */
		server->port = ntohs(((struct sockaddr_in *)&client.address)->sin_port);
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
bind_socket(int type, const struct fend_address *address)
{
	int fd = socket(address->storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, (const struct sockaddr *)&address->storage, address->size), ==, 0);
	return fd;
}

struct server *
server_start_at(struct fend_loop *loop, const char *text)
{
	struct server *server = g_new0(struct server, 1);
	struct fend_address address;

	server->loop = loop;
	server->ttl = 60;
	server->address = g_strdup(text);
	server->input = g_byte_array_new();
	server->connection = -1;
	test_ok(fend_address_parse(server->address, &address));
	server->udp = bind_socket(SOCK_DGRAM, &address);
	server->tcp = bind_socket(SOCK_STREAM, &address);
	g_assert_cmpint(listen(server->tcp, 8), ==, 0);
	test_ok(fend_io_new(loop, server->udp, FEND_IN, on_datagrams, server, &server->udp_io));
	test_ok(fend_io_new(loop, server->tcp, FEND_IN, on_connection, server, &server->tcp_io));
	return server;
}

struct server *
server_start_on(struct fend_loop *loop, const char *host)
{
	char *text = g_strdup_printf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host,
				     test_port(SOCK_DGRAM));
	struct server *server = server_start_at(loop, text);

	g_free(text);
	return server;
}

struct server *
server_start(struct fend_loop *loop)
{
	return server_start_on(loop, "127.0.0.1");
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
