/* SPDX-License-Identifier: MIT */
/*
 * Each program has a line of this table: its command line, or nginx' configuration, in pieces of
 * which those are put together that are wished for. A shell takes it apart again.
 *
 * In it stand @port, @ca, @directory (the test's), @name, @alpn, @certificate and @key for what the
 * program is to use, @Certificate and @Key for what a server has as other.example.
 *
 * s_server cannot be asked for other than its first certificate without its option -servername, and
 * curl has no switch for tickets alone.
 */
#include "interop.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"

#define GNUTLS_1_2 " --priority NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define GNUTLS_1_3 " --priority NORMAL:-VERS-ALL:+VERS-TLS1.3"

struct program {
	const char *name;
	enum fend_tls_mode mode;
	bool configured; /* by a file */
	const char *line, *tls12, *tls13, *alpn, *without_alpn, *certificate, *other, *demand,
		*undemanding, *no_tickets, *page, *words, *quiet, *end;
};

static const struct program programs[] = {
	{
		.name = "s_client",
		.mode = FEND_TLS_CLIENT,
		.line = "openssl s_client -connect 127.0.0.1:@port -CAfile @ca -verify_return_error"
			" -servername @name -verify_hostname @name",
		.tls12 = " -tls1_2",
		.tls13 = " -tls1_3",
		.alpn = " -alpn @alpn",
		.certificate = " -cert @certificate -key @key",
		.no_tickets = " -no_ticket",
		.quiet = " -quiet -no_ign_eof",
	},
	{
		.name = "gnutls-cli",
		.mode = FEND_TLS_CLIENT,
		.line = "gnutls-cli --x509cafile @ca --port @port --sni-hostname @name"
			" --verify-hostname @name",
		.tls12 = GNUTLS_1_2,
		.tls13 = GNUTLS_1_3,
		.alpn = " --alpn @alpn",
		.certificate = " --x509certfile @certificate --x509keyfile @key",
		.no_tickets = GNUTLS_1_2 ":%NO_TICKETS", /* --noticket changes nothing */
		.quiet = " --logfile /dev/stderr",
		.end = " 127.0.0.1",
	},
	{
		.name = "curl",
		.mode = FEND_TLS_CLIENT,
		.line = "curl -sSN --http1.1 --cacert @ca --resolve @name:@port:127.0.0.1",
		.tls12 = " --tlsv1.2 --tls-max 1.2",
		.tls13 = " --tlsv1.3",
		.without_alpn = " --no-alpn",
		.certificate = " --cert @certificate --key @key",
		.end = " https://@name:@port/",
	},
	{
		.name = "s_server",
		.mode = FEND_TLS_SERVER,
		.line = "openssl s_server -accept 127.0.0.1:@port -CAfile @ca -cert @certificate"
			" -key @key",
		.tls12 = " -tls1_2",
		.tls13 = " -tls1_3",
		.alpn = " -alpn @alpn",
		.other = " -cert2 @Certificate -key2 @Key -servername other.example",
		.demand = " -Verify 3 -verify_return_error",
		.no_tickets = " -no_ticket",
		.page = " -www",
	},
	{
		.name = "gnutls-serv",
		.mode = FEND_TLS_SERVER,
		.line = "gnutls-serv --port @port --x509certfile @certificate --x509keyfile @key",
		.tls12 = GNUTLS_1_2,
		.tls13 = GNUTLS_1_3,
		.alpn = " --alpn @alpn",
		.other = " --x509certfile @Certificate --x509keyfile @Key",
		.demand = " --require-client-cert --verify-client-cert --x509cafile @ca",
		.undemanding = " --disable-client-cert",
		.no_tickets = " --noticket",
		.page = " --http",
		.words = " --echo",
	},
	{
		.name = "nginx",
		.mode = FEND_TLS_SERVER,
		.configured = true,
		.line = "daemon off; worker_processes 1; pid nginx.pid;\n"
			"events { worker_connections 64; }\n"
			"http {\n"
			"access_log off;\n"
			"client_body_temp_path body; proxy_temp_path proxy;\n"
			"fastcgi_temp_path fastcgi; scgi_temp_path scgi; uwsgi_temp_path uwsgi;\n"
			"server {\n"
			"listen 127.0.0.1:@port ssl;\n"
			"ssl_certificate @certificate; ssl_certificate_key @key;\n"
			"location = / { return 200 world\\n; }\n"
			/* The test decides when it has waited enough. */
			"client_body_timeout 1h; client_header_timeout 1h; send_timeout 1h;\n"
			"client_max_body_size 0;\n"
			"location /files/ { alias @directory/; dav_methods PUT; }\n",
		.tls12 = "ssl_protocols TLSv1.2;\n",
		.tls13 = "ssl_protocols TLSv1.3;\n",
		.demand = "ssl_verify_client on; ssl_client_certificate @ca;\n",
		.no_tickets = "ssl_session_tickets off; ssl_session_cache shared:all:1m;\n",
		.other = "}\nserver {\n"
			 "listen 127.0.0.1:@port ssl;\n"
			 "server_name other.example;\n"
			 "ssl_certificate @Certificate; ssl_certificate_key @Key;\n"
			 "location = / { return 200 world\\n; }\n",
		.end = "}\n}\n",
	},
};

const char *const interop_clients[] = { "s_client", "gnutls-cli", "curl", NULL };
const char *const interop_servers[] = { "s_server", "gnutls-serv", "nginx", NULL };
const char *const interop_programs[] = { "s_client",    "gnutls-cli", "curl", "s_server",
					 "gnutls-serv", "nginx",      NULL };

static const struct program *
program(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(programs); i++)
		if (g_str_equal(programs[i].name, variant.program))
			return &programs[i];
	g_error("there is no program %s", variant.program);
}

bool
interop_is_client(void)
{
	return program()->mode == FEND_TLS_CLIENT;
}

struct fend_tls_params
interop_params(void)
{
	return interop_is_client() ? server_params() : client_params();
}

/* Frees text. */
static char *
replace(char *text, const char *what, const char *with)
{
	char **parts = g_strsplit(text, what, -1);

	g_free(text);
	text = g_strjoinv(with, parts);
	g_strfreev(parts);
	return text;
}

static char *
fill_in(char *text, const struct meeting *meeting, const struct wish *wish)
{
	const struct certificate *certificate = wish->certificate;
	char *port = g_strdup_printf("%d", meeting->port);

	if (!certificate)
		certificate = certificate_ec();
	text = replace(text, "@port", port);
	text = replace(text, "@ca", certificate_ca());
	text = replace(text, "@directory", test_directory());
	text = replace(text, "@name", wish->name ? wish->name : "localhost");
	text = replace(text, "@alpn", wish->alpn ? wish->alpn : "");
	text = replace(text, "@certificate", certificate->certificate);
	text = replace(text, "@key", certificate->key);
	text = replace(text, "@Certificate", wish->other ? wish->other->certificate : "");
	text = replace(text, "@Key", wish->other ? wish->other->key : "");
	g_free(port);
	return text;
}

static char *
put_together(const struct meeting *meeting, const struct wish *wish)
{
	const struct program *is = program();
	const char *pieces[] = {
		is->line,
		variant.version == FEND_TLS_1_2 ? is->tls12 : is->tls13,
		wish->alpn ? is->alpn : is->without_alpn,
		wish->certificate ? is->certificate : NULL,
		wish->demand ? is->demand : is->undemanding,
		wish->no_tickets ? is->no_tickets : NULL,
		wish->page ? is->page : is->words,
		wish->quiet ? is->quiet : NULL,
		wish->other ? is->other : NULL,
		is->end,
		wish->more,
	};
	GString *text = g_string_new(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(pieces); i++)
		if (pieces[i])
			g_string_append(text, pieces[i]);
	return fill_in(g_string_free(text, FALSE), meeting, wish);
}

static char *
configured(char *text)
{
	char *whole = g_strconcat(geteuid() ? "" : "user root;\n", text, NULL);
	char *path = test_file("interop.conf", whole);
	char *line = g_strdup_printf("nginx -p . -c %s -e stderr", path);

	g_free(path);
	g_free(whole);
	g_free(text);
	return line;
}

static void
listen_for(struct meeting *meeting)
{
	char text[FEND_ADDRESS_TEXT_MAX];
	struct fend_address address;

	meeting->listener = listener_new(&address);
	test_ok(fend_address_format(&address, text, sizeof(text)));
	meeting->port = (int)g_ascii_strtoll(strrchr(text, ':') + 1, NULL, 10);
}

void
interop_start(struct meeting *meeting, struct test *test, const struct wish *wish)
{
	char *line, *command;

	*meeting = (struct meeting){ .test = test, .side.test = test };
	if (interop_is_client())
		listen_for(meeting);
	else
		meeting->port = test_port(SOCK_STREAM);
	line = put_together(meeting, wish);
	if (program()->configured)
		line = configured(line);
	command = g_strdup_printf("PATH=$PATH:/usr/sbin:/sbin; cd %s && exec %s",
				  wish->beside ? test_directory() : ".", line);
	meeting->process = process_start((const char *const[]){ "sh", "-c", command, NULL });
	if (!interop_is_client())
		test_wait_port(meeting->port);
	g_free(command);
	g_free(line);
}

static void
on_connection(struct fend_socket *listener, unsigned events, void *data)
{
	struct meeting *meeting = data;

	test_ok(fend_socket_accept(listener, NULL, &meeting->side.socket));
	fend_socket_unwatch(listener);
	meeting->test->done = 1;
}

static void
connect_to(struct meeting *meeting)
{
	char *text = g_strdup_printf("127.0.0.1:%d", meeting->port);
	struct fend_address address;
	int r;

	test_ok(fend_address_parse(text, &address));
	test_ok(fend_socket_new_tcp(AF_INET, &meeting->side.socket));
	r = fend_socket_connect(meeting->side.socket, &address);
	g_assert_true(r == 0 || r == -EINPROGRESS);
	g_free(text);
}

void
interop_join(struct meeting *meeting, struct fend_tls_context *context, const char *name,
	     const void *session, size_t size)
{
	struct side *side = &meeting->side;
	struct test *test = meeting->test;

	side->socket = fend_socket_free(side->socket);
	if (meeting->listener) {
		test_ok(fend_socket_watch(meeting->listener, test->loop, FEND_IN, on_connection,
					  meeting));
		test_run(test);
		name = NULL;
	} else {
		connect_to(meeting);
		name = name ? name : "localhost";
	}
	test_ok(fend_tls_wrap(side->socket, context, name));
	if (session)
		test_ok(fend_tls_set_session(side->socket, session, size));
	test_ok(fend_tls_handshake(side->socket, test->loop, FEND_FOREVER, on_done, side));
	test_run(test);
}

void
interop_meet(struct meeting *meeting, struct test *test, const struct fend_tls_params *params,
	     const struct wish *wish)
{
	struct fend_tls_params own = interop_params();
	struct fend_tls_context *context = context_new(params ? params : &own);

	interop_start(meeting, test, wish);
	interop_join(meeting, context, NULL, NULL, 0);
	fend_tls_context_unref(context);
}

void
interop_receive_until(struct meeting *meeting, const char *end)
{
	GString *text = g_string_new(NULL);
	ssize_t n;
	char c;

	while (!g_str_has_suffix(text->str, end)) {
		n = tls_recv_some(meeting->test, meeting->side.socket, &c, 1);
		if (n <= 0)
			g_error("%d after \"%s\"", (int)n, text->str);
		g_string_append_c(text, c);
	}
	g_string_free(text, TRUE);
}

static void
say(struct meeting *meeting, const char *text)
{
	tls_send(meeting->test, meeting->side.socket, text, strlen(text));
}

void
interop_answer(struct meeting *meeting, const char *body, size_t more)
{
	char *head = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
				     "Connection: close\r\n\r\n",
				     strlen(body) + more);

	interop_receive_until(meeting, "\r\n\r\n");
	say(meeting, head);
	say(meeting, body);
	g_free(head);
}

void
interop_talk(struct meeting *meeting)
{
	static unsigned times; /* what was printed before does not count */
	const char *name = program()->name;
	char *there = g_strdup_printf("hello %u\n", ++times);
	char *back = g_strdup_printf("world %u\n", times);

	if (g_str_equal(name, "curl")) {
		interop_answer(meeting, back, 0);
		process_expect(meeting->process, back);
	} else if (g_str_equal(name, "nginx")) {
		say(meeting, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
		interop_receive_until(meeting, "world\n");
	} else if (g_str_equal(name, "gnutls-serv")) {
		say(meeting, there);
		interop_receive_until(meeting, there);
	} else {
		meeting_converse(meeting, there, back);
	}
	g_free(back);
	g_free(there);
}
