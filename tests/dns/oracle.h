/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_DNS_ORACLE_H
#define FEND_TEST_DNS_ORACLE_H

#include "dns-test.h"

/* One question for fend_dns_lookup() and for glibc's getaddrinfo(3). */
struct ask {
	const char *host, *service;
	struct addrinfo hints;
};

/*
 * A difference between the two that is meant. docs/getaddrinfo.md gives the reason for each under
 * its title.
 */
struct excuse {
	const char *title;
	/* Is this ask one of those, and what fend says what it is to say? Both as oracle texts. */
	int (*applies)(const struct ask *ask, const char *ours, const char *theirs);
	int used;
};

/* Does an oracle text, that of a list or of an error, tell this error? */
int oracle_is(const char *text, int error);
/* The two must come out the same, the list with its order as well as the error, or be excused. */
void oracle_compare(const struct ask *ask, struct excuse *excuses, size_t n);
/* Each excuse must have been needed, and be in the document. */
void oracle_check_excuses(const struct excuse *excuses, size_t n);
/* How many questions were compared so far. */
int oracle_count(void);

#endif
