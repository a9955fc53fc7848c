/* SPDX-License-Identifier: MIT */
/*
 * One configuration with four servers, which share their locations. Everything nginx would write to
 * the system's directories is kept in the test's own.
 */
#include "nginx.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "certificate.h"
#include "process.h"

struct nginx {
	struct process *process;
	char *files;
	int port, tls_port, expired_port, other_port;
};

static const char locations[] =
	"root files;\n"
	"location /chunked/ { alias files/; ssi on; ssi_types *; }\n"
	"location /closed/ {\n"
	"	alias files/; ssi on; ssi_types *; chunked_transfer_encoding off;\n"
	"}\n"
	"location = /redirect { return 302 /hello; }\n"
	"location = /loop { return 302 /loop; }\n"
	"location = /empty { return 204; }\n";

static void
add_large_head(GString *locations_file)
{
	char *value = g_strnfill(4000, 'v');

	g_string_append(locations_file, "location = /large-head {\n");
	for (int i = 0; i < 12; i++)
		g_string_append_printf(locations_file, "add_header X-%d %s;\n", i, value);
	g_string_append(locations_file, "return 200 large;\n}\n");
	g_free(value);
}

static char *
write_locations(const struct nginx *nginx)
{
	GString *text = g_string_new(locations);
	char *path;

	add_large_head(text);
	g_string_append_printf(text,
			       "location = /plain { return 301 http://localhost:%d/hello; }\n",
			       nginx->port);
	path = test_file("locations.conf", text->str);
	g_string_free(text, TRUE);
	return path;
}

static void
add_server(GString *config, int port, const struct certificate *certificate)
{
	g_string_append_printf(config, "server {\nlisten 127.0.0.1:%d%s;\n", port,
			       certificate ? " ssl" : "");
	if (certificate)
		g_string_append_printf(config, "ssl_certificate %s;\nssl_certificate_key %s;\n",
				       certificate->certificate, certificate->key);
	g_string_append(config, "include locations.conf;\n}\n");
}

static char *
write_config(const struct nginx *nginx)
{
	static const struct certificate_options expired = { .days_from = -10, .days_to = -2 };
	static const struct certificate_options other = { .common_name = "other.example",
							  .san = "DNS:other.example" };
	GString *config = g_string_new(NULL);
	char *path;

	if (geteuid() == 0)
		g_string_append(config, "user root;\n"); /* the files are root's alone */
	g_string_append(config, "daemon off;\n"
				"worker_processes 1;\n"
				"pid nginx.pid;\n"
				"events { worker_connections 64; }\n"
				"http {\n"
				"access_log off;\n"
				"ssl_protocols TLSv1.2 TLSv1.3;\n"
				"default_type application/octet-stream;\n"
				"client_body_temp_path body;\n"
				"proxy_temp_path proxy;\n"
				"fastcgi_temp_path fastcgi;\n"
				"uwsgi_temp_path uwsgi;\n"
				"scgi_temp_path scgi;\n");
	add_server(config, nginx->port, NULL);
	add_server(config, nginx->tls_port, certificate_new("nginx-good", NULL));
	add_server(config, nginx->expired_port, certificate_new("nginx-expired", &expired));
	add_server(config, nginx->other_port, certificate_new("nginx-other", &other));
	g_string_append(config, "}\n");
	path = test_file("nginx.conf", config->str);
	g_string_free(config, TRUE);
	return path;
}

struct nginx *
nginx_start(void)
{
	struct nginx *nginx = g_new0(struct nginx, 1);
	char *config, *hello, *locations_path;

	nginx->port = test_port(SOCK_STREAM);
	nginx->tls_port = test_port(SOCK_STREAM);
	nginx->expired_port = test_port(SOCK_STREAM);
	nginx->other_port = test_port(SOCK_STREAM);
	nginx->files = g_build_filename(test_directory(), "files", NULL);
	g_mkdir_with_parents(nginx->files, 0755);
	hello = test_file("files/hello", "Hello, world.\n");
	locations_path = write_locations(nginx);
	config = write_config(nginx);
	nginx->process = process_start((const char *const[]){ "nginx", "-p", test_directory(), "-c",
							      config, "-e", "stderr", NULL });
	test_wait_port(nginx->other_port);
	g_free(config);
	g_free(locations_path);
	g_free(hello);
	return nginx;
}

struct nginx *
nginx_stop(struct nginx *nginx)
{
	process_stop(nginx->process);
	g_free(nginx->files);
	g_free(nginx);
	return NULL;
}

int
nginx_port(const struct nginx *nginx)
{
	return nginx->port;
}

int
nginx_tls_port(const struct nginx *nginx)
{
	return nginx->tls_port;
}

int
nginx_expired_port(const struct nginx *nginx)
{
	return nginx->expired_port;
}

int
nginx_other_port(const struct nginx *nginx)
{
	return nginx->other_port;
}

char *
nginx_add_file(const struct nginx *nginx, const char *name, size_t size)
{
	guint32 block[16384], state = 2463534242u;
	GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
	char *path = g_build_filename(nginx->files, name, NULL), *sum;
	FILE *file = fopen(path, "we");

	g_assert_nonnull(file);
	while (size > 0) {
		size_t n = MIN(size, sizeof(block));

		/* xorshift32 */
		for (size_t i = 0; i < G_N_ELEMENTS(block); i++) {
			state ^= state << 13;
			state ^= state >> 17;
			state ^= state << 5;
			block[i] = state;
		}
		g_assert_cmpuint(fwrite(block, 1, n, file), ==, n);
		g_checksum_update(checksum, (const guchar *)block, n);
		size -= n;
	}
	g_assert_cmpint(fclose(file), ==, 0);
	sum = g_strdup(g_checksum_get_string(checksum));
	g_checksum_free(checksum);
	g_free(path);
	return sum;
}
