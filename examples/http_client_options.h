/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CLIENT_OPTIONS_H
#define HTTP_CLIENT_OPTIONS_H

#include <stdbool.h>

#include "http_client.h"

/* The exit statuses of the command; the numbers are those of curl(1). */
enum status {
	STATUS_OK = 0,
	STATUS_SYSTEM = 1,
	STATUS_USAGE = 2,
	STATUS_URL = 3,
	STATUS_LOOKUP = 6,
	STATUS_CONNECT = 7,
	STATUS_PROTOCOL = 8,
	STATUS_TRUNCATED = 18,
	STATUS_HTTP = 22,
	STATUS_WRITE = 23,
	STATUS_TIMEOUT = 28,
	STATUS_TLS = 35,
	STATUS_REDIRECT = 47,
	STATUS_CERTIFICATE = 60,
	STATUS_TOO_LARGE = 63,
	STATUS_CAFILE = 77,
	STATUS_SIGNAL = 128, /* and the signal's number on top */
};

/* The command line. Strings point into argv. */
struct command_options {
	const char *url;
	const char *output; /* NULL: standard output */
	const char *cafile; /* NULL: what the system trusts */
	bool insecure;
	struct http_options http; /* without the callbacks and the TLS context */
};

/*
 * Read the command line. Returns -1: go on; otherwise the exit status, after --help or a mistake,
 * and what there is to say was printed.
 */
int command_options_parse(int argc, char **argv, struct command_options *ret_options);
void command_options_clear(struct command_options *options);

#endif
