/* SPDX-License-Identifier: MIT */
/* A user's program, in the common subset of C99 and C++11: a lookup that needs no network. */
#include <stdio.h>

#include <fend/core.h>
#include <fend/dns.h>

int
main(void)
{
	struct addrinfo *list;
	int err = fend_dns_lookup("localhost", "80", NULL, FEND_SEC(5), &list);

	if (err < 0) {
		fprintf(stderr, "%s\n", fend_strerror(err));
		return 1;
	}
	fend_addrinfo_free(list);
	return 0;
}
