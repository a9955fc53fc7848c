/* SPDX-License-Identifier: MIT */
/*
 * Connections that are cut off in the handshake, at each record, by a reset or an end of file; and
 * such in which a byte is another one.
 */
#include "link.h"

#include <errno.h>

#include <fend/layer.h>

/* A byte more or less in a record's middle is no other case; the step meets every record. */
#define STEP 23
/* The heads of what a certificate is made of are close to each other. */
#define CHANGE_STEP 5

/* Lets left bytes in, and then what end says: 0 or -errno. */
struct cutter {
	size_t left;
	int end;
};

static ssize_t
cutter_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	struct cutter *cutter = layer;
	struct iovec part = { iov->iov_base, MIN(iov->iov_len, cutter->left) };
	ssize_t r;

	if (!cutter->left)
		return cutter->end;
	r = fend_below_recv(below, &part, 1, flags);
	if (r > 0)
		cutter->left -= (size_t)r;
	return r;
}

static ssize_t
cutter_send(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	return fend_below_send(below, iov, n, flags);
}

static int
cutter_shutdown(void *layer, struct fend_below *below, int how)
{
	return fend_below_shutdown(below, how);
}

static unsigned
cutter_wants(void *layer, unsigned interest)
{
	return interest;
}

static unsigned
cutter_pending(void *layer)
{
	const struct cutter *cutter = layer;

	return cutter->left ? FEND_OUT : FEND_IN | FEND_OUT;
}

static const struct fend_layer_ops cutter_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "cutter",
	.recv = cutter_recv,
	.send = cutter_send,
	.shutdown = cutter_shutdown,
	.wants = cutter_wants,
	.pending = cutter_pending,
};

/* Lets everything in, but changes the byte behind the first so many. */
static ssize_t
changer_recv(void *layer, struct fend_below *below, const struct iovec *iov, int n, int flags)
{
	size_t *left = layer;
	ssize_t r = fend_below_recv(below, iov, 1, flags);

	if (r <= 0 || *left == SIZE_MAX)
		return r;
	if (*left < (size_t)r) {
		((unsigned char *)iov->iov_base)[*left] ^= 1;
		*left = SIZE_MAX;
	} else {
		*left -= (size_t)r;
	}
	return r;
}

static unsigned
changer_pending(void *layer)
{
	return FEND_OUT;
}

static const struct fend_layer_ops changer_ops = {
	.size = sizeof(struct fend_layer_ops),
	.name = "changer",
	.recv = changer_recv,
	.send = cutter_send,
	.shutdown = cutter_shutdown,
	.wants = cutter_wants,
	.pending = changer_pending,
};

static void
start(struct side *side)
{
	test_ok(fend_tls_handshake(side->socket, side->test->loop, FEND_SEC(60), on_done, side));
}

/* Cut one of them off after size bytes. Did its handshake come to its end before that? */
static bool
cut(struct test *test, bool client, size_t size, int end)
{
	struct cutter cutter = { size, end };
	struct link link;
	struct side *near = client ? &link.client : &link.server;
	struct side *far = client ? &link.server : &link.client;

	link_init(&link, test);
	test_ok(fend_socket_push_layer(near->socket, &cutter_ops, &cutter));
	link_wrap(&link, NULL, NULL, NULL);
	start(&link.client);
	start(&link.server);
	while (!near->called)
		test_run(test);
	if (near->err)
		test_error(near->err, end ? end : -EBADMSG);
	near->socket = fend_socket_free(near->socket);
	while (!far->called)
		test_run(test);
	test->done = 0;
	if (far->err)
		g_assert_true(far->err == -EBADMSG || far->err == -ECONNRESET ||
			      far->err == -EPIPE);
	g_assert_cmpint(near->called, ==, 1);
	g_assert_cmpint(far->called, ==, 1);
	link_fini(&link);
	return !near->err;
}

static void
cut_everywhere(struct test *test, bool client, int end)
{
	size_t size = 0;

	while (!cut(test, client, size, end))
		size += STEP;
	g_assert_cmpuint(size, >, client ? 500 : 200);
	g_assert_cmpuint(size, <, 10000);
}

static void
test_reset(struct test *test)
{
	cut_everywhere(test, true, -ECONNRESET);
	cut_everywhere(test, false, -ECONNRESET);
}

static void
test_end_of_file(struct test *test)
{
	cut_everywhere(test, true, 0);
	cut_everywhere(test, false, 0);
}

/* In what the server says, of which nothing is encrypted but the end. Was there such a byte? */
static bool
change(struct test *test, size_t at)
{
	struct fend_tls_params client = client_params();
	const struct fend_tls_error *error;
	struct link link;

	client.protocol_min = client.protocol_max = FEND_TLS_1_2;
	link_init_unix(&link, test);
	test_ok(fend_socket_push_layer(link.client.socket, &changer_ops, &at));
	link_wrap(&link, &client, NULL, NULL);
	start(&link.client);
	start(&link.server);
	while (fend_loop_dispatch(test->loop, 0) > 0)
		;
	link.server.socket = fend_socket_free(link.server.socket);
	while (!link.client.called)
		test_run(test);
	test->done = 0;
	error = fend_tls_error(link.client.socket);
	if (link.client.err) {
		g_assert_cmpint(error->err, ==, link.client.err);
		g_assert_true(error->err == -EPROTO || error->err == -EKEYREJECTED ||
			      error->err == -EKEYEXPIRED || error->err == -EBADMSG);
		g_assert_cmpint(error->alert, >=, -1);
		g_assert_cmpint(error->alert, <=, 255);
		g_assert_cmpstr(error->text, !=, "");
	}
	link_fini(&link);
	return at == SIZE_MAX;
}

static void
test_changed_byte(struct test *test)
{
	size_t at = 0;

	while (change(test, at))
		at += CHANGE_STEP;
	g_assert_cmpuint(at, >, 500);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_all("/cut/reset", test_reset);
	variant_add_all("/cut/end-of-file", test_end_of_file);
	variant_add("/cut/changed-byte", test_changed_byte);
	return g_test_run();
}
