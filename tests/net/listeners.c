/* SPDX-License-Identifier: MIT */
#include "listeners.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "pair.h"
#include "process.h"

void
service_on_accept(struct fend_listener *listener, struct fend_socket *socket,
		  const struct fend_address *peer, void *data)
{
	struct service *service = data;

	g_assert_true(listener == service->listener);
	g_assert_nonnull(socket);
	g_assert_cmpint(service->accepted, <, CONNECTIONS_MAX);
	service->sockets[service->accepted] = socket;
	service->known[service->accepted] = peer != NULL;
	if (peer)
		service->peers[service->accepted] = *peer;
	service->accepted++;
	if (service->on_accept)
		service->on_accept(service);
}

static void
on_paused(struct fend_listener *listener, int err, void *data)
{
	struct service *service = data;

	g_assert_true(listener == service->listener);
	service->paused++;
	service->pause_error = err;
	if (service->on_paused)
		service->on_paused(service);
}

static void
on_drained(struct fend_listener *listener, unsigned left, void *data)
{
	struct service *service = data;

	g_assert_true(listener == service->listener);
	service->drained++;
	service->left = left;
	if (service->on_drained)
		service->on_drained(service);
}

struct fend_listener_options
service_options(unsigned flags)
{
	return (struct fend_listener_options){
		.size = sizeof(struct fend_listener_options),
		.flags = flags,
		.paused = on_paused,
	};
}

int
service_try(struct service *service, struct test *test, const char *text,
	    const struct fend_listener_options *options)
{
	struct fend_address address;
	int r;

	memset(service, 0, sizeof(*service));
	service->test = test;
	test_ok(fend_address_parse(text ? text : "127.0.0.1:0", &address));
	r = fend_listener_new(test->loop, &address, options, service_on_accept, service,
			      &service->listener);
	if (r >= 0)
		test_error(fend_listener_address(service->listener, &service->address), 0);
	return r;
}

void
service_init(struct service *service, struct test *test, const char *text,
	     const struct fend_listener_options *options)
{
	test_error(service_try(service, test, text, options), 0);
}

void
service_fini(struct service *service)
{
	int i;

	for (i = 0; i < service->accepted; i++)
		service->sockets[i] = fend_socket_free(service->sockets[i]);
	service->listener = fend_listener_free(service->listener);
}

void
service_drain(struct service *service, fend_time timeout)
{
	test_error(fend_listener_drain(service->listener, timeout, on_drained, service), 0);
	g_assert_cmpint(service->drained, ==, 0);
	test_error(fend_listener_drain(service->listener, timeout, on_drained, service), -EALREADY);
}

struct fend_listener_stats
service_stats(const struct service *service)
{
	struct fend_listener_stats stats = { .size = sizeof(stats) };

	test_error(fend_listener_stats(service->listener, &stats), 0);
	return stats;
}

struct fend_socket *
client_new(const struct fend_address *address)
{
	struct fend_socket *client;
	int r;

	test_ok(fend_socket_new(address->storage.ss_family, SOCK_STREAM, 0, &client));
	r = fend_socket_connect(client, address);
	if (r == -EINPROGRESS) {
		wait_fd(fend_socket_fd(client), POLLOUT);
		r = fend_socket_error(client);
	}
	test_error(r, 0);
	return client;
}

void
assert_closed(struct fend_socket *client)
{
	ssize_t n;
	char byte;

	wait_fd(fend_socket_fd(client), POLLIN);
	n = fend_socket_recv(client, &byte, 1, 0);
	g_assert_true(n == 0 || n == -ECONNRESET);
}

void
clients_init(struct fend_socket **clients, int n, const struct fend_address *address)
{
	int i;

	for (i = 0; i < n; i++)
		clients[i] = client_new(address);
}

void
clients_fini(struct fend_socket **clients, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fend_socket_free(clients[i]);
}

char *
socket_path(const char *name)
{
	return g_strdup_printf("unix:%s/%s", test_directory(), name);
}
