/* SPDX-License-Identifier: MIT */
/* getaddrinfo(3), which blocks: one at a time. */
#include "dns.h"

#include <netdb.h>

static void
run_getaddrinfo(struct dns_run *run)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	char name[DNS_NAME_SIZE];
	struct addrinfo *list;
	int i;

	while ((i = dns_begin(run, name)) >= 0) {
		int r = getaddrinfo(name, NULL, &hints, &list);

		dns_end(run, i, r == 0);
		if (r == 0)
			freeaddrinfo(list);
	}
}

const struct dns_contestant dns_getaddrinfo = {
	.name = "getaddrinfo",
	.in_flight_max = 1,
	.run = run_getaddrinfo,
};
