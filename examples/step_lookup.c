/* SPDX-License-Identifier: MIT */
/* A name, looked up without waiting for it. */
#include "step.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "localhost";

struct state {
	struct fend_lookup *lookup;
};

static void
append_address(char *text, size_t size, const struct addrinfo *entry)
{
	char address[FEND_ADDRESS_TEXT_MAX];
	struct fend_address value;
	size_t used = strlen(text);

	if (fend_address_set(entry->ai_addr, entry->ai_addrlen, &value) < 0 ||
	    fend_address_format(&value, address, sizeof(address)) < 0)
		return;
	snprintf(text + used, size - used, "%s%s", used ? ", " : "", address);
}

static void
on_lookup(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	char text[512] = "";

	if (err < 0) {
		step_end(data, err, "%s: %s", name, fend_strerror(err));
		return;
	}
	for (const struct addrinfo *entry = addrinfo; entry; entry = entry->ai_next)
		append_address(text, sizeof(text), entry);
	step_end(data, 0, "%s is %s", name, text);
}

static int
start(struct step *step)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct state *state = step->state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	return fend_lookup_start(step->stage->loop, name, "https", &hints, FEND_SEC(10), on_lookup,
				 step, &state->lookup);
}

static void
stop(struct step *step)
{
	struct state *state = step->state;

	if (!state)
		return;
	fend_lookup_free(state->lookup);
	free(state);
}

const struct step_type step_lookup = { .name = "lookup", .start = start, .stop = stop };
