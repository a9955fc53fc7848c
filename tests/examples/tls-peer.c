/* SPDX-License-Identifier: MIT */
#include "tls-peer.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "certificate.h"
#include "fend-test.h"

enum { FATAL = 2, UNEXPECTED_MESSAGE = 10, PERIOD = 251, NAP = 2000, DEADLINE = 20 };

static char *
command(int port, const char *name)
{
	char *who = name ? g_strdup_printf("-servername %s -verify_hostname %s", name, name)
			 : g_strdup("-noservername");
	char *line = g_strdup_printf("exec openssl s_client -connect 127.0.0.1:%d -CAfile %s "
				     "-verify_return_error -verify_quiet -quiet %s",
				     port, certificate_ca(), who);

	g_free(who);
	return line;
}

static struct process *
shell(const char *line)
{
	const char *argv[] = { "sh", "-c", line, NULL };

	return process_start(argv);
}

struct process *
tls_client(int port, const char *name, const char *file)
{
	char *line = command(port, name);
	char *redirected = g_strdup_printf("%s %s %s", line, file ? ">" : "", file ? file : "");
	struct process *client;

	test_wait_port(port);
	client = shell(redirected);
	g_free(redirected);
	g_free(line);
	return client;
}

void
tls_client_echo(struct process *client, const char *text)
{
	process_write(client, text);
	process_expect(client, text);
}

gboolean
tls_is_served(int port, const char *name)
{
	char *line = command(port, name);
	/* At the end of its input it leaves, with 0 if there was a handshake. */
	char *brief = g_strdup_printf("%s -no_ign_eof </dev/null", line);
	struct process *client;
	int status;

	test_wait_port(port);
	client = shell(brief);
	status = process_wait(client);
	process_stop(client);
	g_free(brief);
	g_free(line);
	return status == 0;
}

void
tls_expect_refusal(int fd)
{
	/* the header, the level and the description: RFC 8446, section 6 */
	static const unsigned char alert[] = { 21, 3, 3, 0, 2, FATAL, UNEXPECTED_MESSAGE };
	unsigned char record[sizeof(alert)];
	ssize_t n = recv(fd, record, sizeof(record), MSG_WAITALL);

	g_assert_cmpmem(record, n, alert, sizeof(alert));
	peer_expect_end(fd);
}

static gsize
file_size(const char *file)
{
	struct stat status;

	return stat(file, &status) < 0 ? 0 : (gsize)status.st_size;
}

void
tls_expect_file(const char *file, gsize size)
{
	gint64 deadline = g_get_monotonic_time() + DEADLINE * G_USEC_PER_SEC * test_slowness();
	gsize actual, i;
	char *bytes;

	while (file_size(file) < size && g_get_monotonic_time() < deadline)
		g_usleep(NAP);
	g_assert_true(g_file_get_contents(file, &bytes, &actual, NULL));
	g_assert_cmpuint(actual, ==, size);
	for (i = 0; i < size && (unsigned char)bytes[i] == i % PERIOD; i++)
		;
	g_assert_cmpuint(i, ==, size);
	g_free(bytes);
}
