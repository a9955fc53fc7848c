/* SPDX-License-Identifier: MIT */
/* Some MiB there and some MiB back, of which not one byte may be missing, twice or another. */
#include "interop.h"

#include <errno.h>
#include <string.h>

#include <sys/stat.h>

enum { SIZE = 4 * 1024 * 1024, LITTLE = 256 * 1024, PIECE_MAX = 40000, ECHO = 16000 };

static bool
is(const char *program)
{
	return g_str_equal(variant.program, program);
}

/* Letters in lines, since gnutls-serv takes what it returns for text. */
static char *
text_new(size_t size)
{
	guint32 state = 2463534242u;
	char *text = g_malloc(size + 1);
	size_t i;

	for (i = 0; i < size; i++) {
		/* xorshift32 */
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		text[i] = i % 64 == 63 ? '\n' : (char)('a' + state % 26);
	}
	text[size] = '\0';
	return text;
}

static size_t
piece(size_t at, size_t size)
{
	size_t n = at * 7919 % PIECE_MAX + 1;

	return n < size - at ? n : size - at;
}

static void
send_text(struct meeting *meeting, const char *text, size_t size)
{
	size_t at, n;

	for (at = 0; at < size; at += n) {
		n = piece(at, size);
		tls_send(meeting->test, meeting->side.socket, text + at, n);
	}
}

static void
expect_text(struct meeting *meeting, const char *text, size_t size)
{
	char *received = g_malloc(size);
	size_t at, n;

	for (at = 0; at < size; at += n) {
		n = piece(at, size);
		tls_recv(meeting->test, meeting->side.socket, received + at, n);
	}
	g_assert_cmpmem(received, size, text, size);
	g_free(received);
}

static void
expect_file(const char *path, const char *text, size_t size)
{
	gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC * test_slowness();
	struct stat status = { 0 };
	char *content;
	gsize actual;

	while ((stat(path, &status) < 0 || (size_t)status.st_size < size) &&
	       g_get_monotonic_time() < deadline)
		g_usleep(1000);
	g_assert_true(g_file_get_contents(path, &content, &actual, NULL));
	g_assert_cmpmem(content, actual, text, size);
	g_free(content);
}

static void
say(struct meeting *meeting, const char *text)
{
	tls_send(meeting->test, meeting->side.socket, text, strlen(text));
}

/* gnutls-cli writes byte by byte, and takes long over some MiB. */
static void
test_to_them(struct test *test)
{
	size_t size = is("gnutls-cli") ? LITTLE : SIZE;
	char *text = text_new(size), *path = test_path("taken"), *more, *head;
	struct meeting meeting;

	if (is("nginx"))
		more = NULL;
	else
		more = g_strdup_printf("%s >%s", is("s_server") ? " -quiet" : "", path);
	interop_meet(&meeting, test, NULL, &(struct wish){ .quiet = true, .more = more });
	test_error(meeting.side.err, 0);
	if (is("curl")) {
		interop_answer(&meeting, "", size);
	} else if (is("nginx")) {
		head = g_strdup_printf("PUT /files/%s HTTP/1.0\r\nHost: localhost\r\n"
				       "Content-Length: %zu\r\n\r\n",
				       strrchr(path, '/') + 1, size);
		say(&meeting, head);
		g_free(head);
	}
	send_text(&meeting, text, size);
	if (is("nginx"))
		interop_receive_until(&meeting, "\r\n\r\n");
	expect_file(path, text, size);
	meeting_part(&meeting);
	g_free(more);
	g_free(path);
	g_free(text);
}

static void
test_from_them(struct test *test)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char *text = text_new(SIZE), *path = test_file("given", text), *more = NULL;
	struct meeting meeting;

	if (is("curl"))
		more = g_strdup_printf(" -H Expect: -T %s", path);
	else if (is("s_server"))
		more = g_strdup(" -WWW");
	else if (!is("nginx"))
		more = g_strdup_printf("%s <%s", is("s_client") ? " -quiet" : "", path);
	interop_meet(&meeting, test, NULL,
		     &(struct wish){ .beside = is("s_server"), .more = more });
	test_error(meeting.side.err, 0);
	if (is("curl"))
		interop_receive_until(&meeting, "\r\n\r\n");
	if (is("nginx") || is("s_server")) {
		say(&meeting, is("nginx") ? "GET /files/given HTTP/1.0\r\n\r\n"
					  : "GET /given HTTP/1.0\r\n\r\n");
		interop_receive_until(&meeting, "\r\n\r\n");
	}
	expect_text(&meeting, text, SIZE);
	if (is("gnutls-cli") || is("s_server") || is("nginx"))
		test_error(tls_recv_some(test, meeting.side.socket, &(char){ 0 }, 1), 0);
	if (is("curl")) {
		say(&meeting, answer);
		g_assert_cmpint(process_wait(meeting.process), ==, 0);
	}
	meeting_part(&meeting);
	g_free(more);
	g_free(path);
	g_free(text);
}

static void
test_there_and_back(struct test *test)
{
	char *text = text_new(SIZE);
	struct meeting meeting;
	size_t at, n;

	interop_meet(&meeting, test, NULL, &(struct wish){ 0 });
	test_error(meeting.side.err, 0);
	for (at = 0; at < SIZE; at += n) {
		n = SIZE - at < ECHO ? SIZE - at : ECHO;
		tls_send(test, meeting.side.socket, text + at, n);
		expect_text(&meeting, text + at, n);
	}
	meeting_part(&meeting);
	g_free(text);
}

int
main(int argc, char **argv)
{
	static const char *const one_way[] = { "s_client", "gnutls-cli", "curl",
					       "s_server", "nginx",      NULL };
	static const char *const echoing[] = { "gnutls-serv", NULL };

	test_init(&argc, &argv);
	variant_add_programs("/interop/bulk/to-them", one_way, FEND_TLS_VERSION_DEFAULT,
			     test_to_them);
	variant_add_programs("/interop/bulk/from-them", one_way, FEND_TLS_VERSION_DEFAULT,
			     test_from_them);
	variant_add_programs("/interop/bulk/there-and-back", echoing, FEND_TLS_VERSION_DEFAULT,
			     test_there_and_back);
	return g_test_run();
}
