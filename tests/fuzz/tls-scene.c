/* SPDX-License-Identifier: MIT */
#include "tls-scene.h"

#include <stdarg.h>
#include <unistd.h>

#include "tls-world.h"

struct files {
	char directory[64], certificate[96], key[96], hash[96];
	struct fend_tls_pin pin;
};

static struct scene scenes[VERSIONS][SCENES];
static bool made;

static void
run(const char *format, ...)
{
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	require(vsnprintf(line, sizeof(line), format, arguments) < (int)sizeof(line));
	va_end(arguments);
	require(system(line) == 0);
}

/* One certificate for both sides, which trust nobody but it. */
static void
make_files(struct files *files)
{
	FILE *file;

	strcpy(files->directory, "/tmp/fend-fuzz-XXXXXX");
	require(mkdtemp(files->directory));
	snprintf(files->certificate, sizeof(files->certificate), "%s/crt", files->directory);
	snprintf(files->key, sizeof(files->key), "%s/key", files->directory);
	snprintf(files->hash, sizeof(files->hash), "%s/pin", files->directory);
	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 "
	    "-subj /CN=localhost -addext subjectAltName=DNS:localhost "
	    "-keyout %s -out %s 2>/dev/null",
	    files->key, files->certificate);
	run("openssl pkey -in %s -pubout -outform DER | openssl dgst -sha256 -binary -out %s",
	    files->key, files->hash);
	file = fopen(files->hash, "rb");
	require(file && fread(files->pin.sha256, 1, 32, file) == 32);
	fclose(file);
}

static void
remove_files(const struct files *files)
{
	unlink(files->certificate);
	unlink(files->key);
	unlink(files->hash);
	rmdir(files->directory);
}

static struct fend_tls_context *
context_new(const struct fend_tls_params *params)
{
	struct fend_tls_context *context;
	char *reason = NULL;

	if (fend_tls_context_new(params, &reason, &context) < 0) {
		fprintf(stderr, "%s\n", reason);
		abort();
	}
	return context;
}

static void
make(unsigned version, unsigned kind, const struct files *files, fend_tls_hello_fn *hello)
{
	static const char *const protocols[] = { "h2", "http/1.1" };
	const struct fend_tls_keypair pair = { files->certificate, files->key, NULL };
	struct scene *scene = &scenes[version][kind];
	struct fend_tls_params client = {
		.size = sizeof(client),
		.mode = FEND_TLS_CLIENT,
		.protocol_min = (enum fend_tls_version)version,
		.protocol_max = (enum fend_tls_version)version,
		.cafile = files->certificate,
	}, server = client;

	server.mode = FEND_TLS_SERVER;
	server.certificates = &pair;
	server.certificates_count = 1;
	server.cafile = NULL;
	server.hello = kind >= RELAXED ? hello : NULL;
	if (kind == MUTUAL || kind == RELAXED) {
		client.alpn = server.alpn = protocols;
		client.alpn_count = 1;
		server.alpn_count = 2;
	}
	if (kind == MUTUAL || kind == PINNED) {
		server.cafile = files->certificate;
		server.verify = kind == MUTUAL ? FEND_TLS_VERIFY_REQUIRE : FEND_TLS_VERIFY_OPTIONAL;
	}
	if (kind == MUTUAL) {
		client.certificates = &pair;
		client.certificates_count = 1;
		client.keylog = server.keylog = "/dev/null";
	}
	if (kind == RELAXED) {
		scene->truncation = true;
		client.flags = server.flags = FEND_TLS_ALLOW_TRUNCATION | FEND_TLS_ALPN_OPTIONAL |
					      FEND_TLS_NO_TICKETS;
	}
	if (kind == PINNED) {
		client.verify = FEND_TLS_VERIFY_NONE;
		client.pins = &files->pin;
		client.pins_count = 1;
		client.cafile = NULL;
	}
	scene->client = context_new(&client);
	scene->server = context_new(&server);
	scene->chosen = kind == RELAXED ? scenes[version][PLAIN].server : scene->server;
}

const struct scene *
scene_get(unsigned version, unsigned kind, fend_tls_hello_fn *hello)
{
	struct files files;
	unsigned v, k;

	if (!made) {
		made = true;
		make_files(&files);
		for (v = 0; v < VERSIONS; v++)
			for (k = 0; k < SCENES; k++)
				make(v, k, &files, hello);
		remove_files(&files);
		for (v = 0; v < VERSIONS; v++)
			for (k = 0; k < SCENES; k++)
				world_rehearse(&scenes[v][k]);
	}
	return &scenes[version][kind];
}
