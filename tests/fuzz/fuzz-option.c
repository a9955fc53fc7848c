/* SPDX-License-Identifier: MIT */
/*
 * The bytes as the name of a socket option. What is asked of the kernel is recorded instead, and
 * must be what a search through the whole table finds.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <fend/socket.h>

#include <fend-internal/kernel.h>

#include "fuzz.h"

#define VALUE 4711

struct option {
	const char *name;
	int level, option;
};

static const struct option options[] = {
#define OPTION(level_, name_) { #name_, level_, name_ },
#include "socket-option-table.h"
#undef OPTION
};

static int asked_level, asked_option, asked;

static int
record_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	int given;

	require(size == sizeof(given));
	memcpy(&given, value, sizeof(given));
	require(given == VALUE);
	asked_level = level;
	asked_option = option;
	asked++;
	return 0;
}

/* A name may do without its SO_, unless there is an option of that name. */
static const struct option *
search(const char *name)
{
	const struct option *found = NULL;
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *full = options[i].name;

		if (strcmp(full, name) == 0)
			return &options[i];
		if (strncmp(full, "SO_", 3) == 0 && strcmp(full + 3, name) == 0)
			found = &options[i];
	}
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fend__kernel kernel = fend__kernel_real;
	char *name = fuzz_string(bytes, n);
	const struct option *expected = search(name);
	struct fend_socket *socket;
	int r;

	kernel.setsockopt = record_setsockopt;
	fend__kernel = &kernel;
	require(fend_socket_new(AF_INET, SOCK_STREAM, 0, &socket) == 0);
	asked = 0;
	r = fend_socket_set_option_name(socket, name, VALUE);
	if (expected) {
		require(r == 0 && asked == 1);
		require(asked_level == expected->level && asked_option == expected->option);
	} else {
		require(r == -ENOPROTOOPT && asked == 0);
	}
	require(fend_socket_set_option_name(socket, NULL, VALUE) == -EINVAL);
	require(fend_socket_set_option_name(NULL, name, VALUE) == -EINVAL);
	fend_socket_free(socket);
	fend__kernel = &fend__kernel_real;
	free(name);
	return 0;
}
