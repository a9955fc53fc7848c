/* SPDX-License-Identifier: MIT */
#include "meeting.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.h"

/* Start line, in whose words "%s" stands for the next argument. */
static struct process *
start(const char *line, ...)
{
	char **words = g_strsplit(line, " ", -1), **word;
	GPtrArray *argv = g_ptr_array_new();
	struct process *process;
	va_list args;

	va_start(args, line);
	for (word = words; *word; word++)
		g_ptr_array_add(argv, g_str_equal(*word, "%s") ? va_arg(args, char *) : *word);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	process = process_start((const char *const *)argv->pdata);
	g_ptr_array_unref(argv);
	g_strfreev(words);
	return process;
}

static void
handshake(struct meeting *meeting, const struct fend_tls_params *params, const char *name)
{
	struct fend_tls_context *context = context_new(params);
	struct side *side = &meeting->side;

	side->test = meeting->test;
	test_ok(fend_tls_wrap(side->socket, context, name));
	fend_tls_context_unref(context);
	test_ok(fend_tls_handshake(side->socket, meeting->test->loop, FEND_SEC(20), on_done, side));
	test_run(meeting->test);
}

static void
on_connection(struct fend_socket *listener, unsigned events, void *data)
{
	struct meeting *meeting = data;

	test_ok(fend_socket_accept(listener, NULL, &meeting->side.socket));
	meeting->test->done = 1;
}

void
meeting_serve(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
	      const char *line)
{
	struct fend_address address;
	struct fend_socket *listener = listener_new(&address);
	char text[FEND_ADDRESS_TEXT_MAX];
	const char *port;

	*meeting = (struct meeting){ .test = test };
	test_ok(fend_address_format(&address, text, sizeof(text)));
	port = strrchr(text, ':') + 1;
	meeting->process = start(line, certificate_ca(), port, certificate_ec()->certificate,
				 certificate_ec()->key);
	test_ok(fend_socket_watch(listener, test->loop, FEND_IN, on_connection, meeting));
	test_run(test);
	fend_socket_free(listener);
	handshake(meeting, params, NULL);
}

void
meeting_part(struct meeting *meeting)
{
	meeting->side.socket = fend_socket_free(meeting->side.socket);
	meeting->listener = fend_socket_free(meeting->listener);
	process_stop(meeting->process);
}

void
meeting_visit(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
	      const char *line)
{
	struct fend_address address;
	int port = test_port(SOCK_STREAM);
	char *number = g_strdup_printf("%d", port);
	char *text = g_strdup_printf("127.0.0.1:%d", port);
	int r;

	*meeting = (struct meeting){ .test = test };
	meeting->process = start(line, certificate_ec()->certificate, certificate_ec()->key, number,
				 certificate_ca());
	test_wait_port(port);
	test_ok(fend_address_parse(text, &address));
	test_ok(fend_socket_new_tcp(AF_INET, &meeting->side.socket));
	r = fend_socket_connect(meeting->side.socket, &address);
	g_assert_true(r == 0 || r == -EINPROGRESS);
	handshake(meeting, params, "localhost");
	g_free(text);
	g_free(number);
}

void
meeting_converse(struct meeting *meeting, const char *there, const char *back)
{
	char *data = g_malloc(strlen(there));

	process_write(meeting->process, there);
	tls_recv(meeting->test, meeting->side.socket, data, strlen(there));
	g_assert_cmpmem(data, strlen(there), there, strlen(there));
	g_free(data);
	tls_send(meeting->test, meeting->side.socket, back, strlen(back));
	process_expect(meeting->process, back);
}

size_t
meeting_send_lines(struct meeting *meeting, size_t first, size_t n)
{
	GString *text = g_string_new(NULL);
	size_t i;

	for (i = first; i < first + n; i++)
		g_string_append_printf(text, "line %08zu\n", i);
	tls_send(meeting->test, meeting->side.socket, text->str, text->len);
	g_string_free(text, TRUE);
	return first + n;
}

size_t
meeting_fill_with_lines(struct meeting *meeting, size_t first)
{
	char *chunk = g_malloc(14 * 1000 + 1), *at;
	size_t i, offset;
	ssize_t n = 0;

	do {
		for (i = 0, at = chunk; i < 1000; i++)
			at += g_snprintf(at, 15, "line %08zu\n", first + i);
		for (offset = 0; offset < 14000; offset += (size_t)n) {
			n = fend_socket_send(meeting->side.socket, chunk + offset, 14000 - offset,
					     0);
			if (n == -EAGAIN)
				break;
			g_assert_cmpint(n, >, 0);
		}
		first += offset / 14;
		g_assert_cmpuint(offset % 14, ==, 0);
	} while (n > 0);
	g_free(chunk);
	return first;
}

void
meeting_take_record_without_data(struct meeting *meeting)
{
	struct told told = { 0 };

	test_ok(fend_socket_watch(meeting->side.socket, meeting->test->loop, FEND_IN, on_told,
				  &told));
	test_wait(meeting->test, &told.calls);
	fend_socket_unwatch(meeting->side.socket);
	test_error(fend_socket_recv(meeting->side.socket, &(char){ 0 }, 1, 0), -EAGAIN);
}

/* Remove what the programs say themselves, mostly of commands to update the keys. */
static char *
without_noise(const char *output)
{
	static const char *const noise[] = { "KEYUPDATE\n", "SSL_do_handshake -> 1\n",
					     "Read BLOCK\n", "- Rekey was completed\n" };
	char *text = g_strdup(output), **parts;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(noise); i++) {
		parts = g_strsplit(text, noise[i], -1);
		g_free(text);
		text = g_strjoinv("", parts);
		g_strfreev(parts);
	}
	return text;
}

void
meeting_check_lines(struct meeting *meeting, size_t total)
{
	char *output, *text, expected[16];
	const char *at;
	size_t i;

	tls_send(meeting->test, meeting->side.socket, "end\n", 4);
	process_expect(meeting->process, "end\n");
	output = process_output(meeting->process);
	text = without_noise(output);
	at = strstr(text, "line 00000000\n");
	g_assert_nonnull(at);
	for (i = 0; i < total; i++, at += 14) {
		g_snprintf(expected, sizeof(expected), "line %08zu\n", i);
		if (strncmp(at, expected, 14))
			g_error("\"%.14s\" instead of line %zu", at, i);
	}
	g_assert_cmpstr(at, ==, "end\n");
	g_free(text);
	g_free(output);
}
