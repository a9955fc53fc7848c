/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_REPLY_H
#define FEND_TEST_DNS_REPLY_H

#include <glib.h>

#include "server.h"

struct question {
	guint16 id;
	guint16 type;
	guint8 name[256]; /* as in the message */
	gsize name_size;
	guint16 edns_size;            /* 0: without EDNS */
	unsigned ttl;                 /* for the answer */
	const char *const *addresses; /* NULL: the usual one */
	const struct server_record *records;
};

/* The message that mode has for a question that came over UDP or TCP. */
GByteArray *reply_new(enum server_mode mode, const struct question *question, gboolean tcp);

#endif
