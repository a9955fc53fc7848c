/* SPDX-License-Identifier: MIT */
#ifndef FEND_RECORD_H
#define FEND_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <fend/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Resource records of DNS, taken apart (RFC 1035).
 *
 * Names are text without a final dot, "." the root. A dot or backslash within a label has a
 * backslash before it, and what is not printable ASCII is "\DDD" with three decimal digits
 * (RFC 1035, 5.1). Numbers are in host order.
 */

/* The types that are taken apart. Numbers are those of the IANA's registry. */
enum fend_record_type {
	FEND_RECORD_A = 1,
	FEND_RECORD_NS = 2,
	FEND_RECORD_CNAME = 5,
	FEND_RECORD_SOA = 6,
	FEND_RECORD_PTR = 12,
	FEND_RECORD_MX = 15,
	FEND_RECORD_TXT = 16,
	FEND_RECORD_AAAA = 28,
	FEND_RECORD_SRV = 33,
	FEND_RECORD_NAPTR = 35,
	FEND_RECORD_TLSA = 52,
	FEND_RECORD_SVCB = 64,
	FEND_RECORD_HTTPS = 65,
	FEND_RECORD_URI = 256,
	FEND_RECORD_CAA = 257
};

/*
 * Bytes that may be anything, a NUL included. One more NUL, which does not count, is behind them,
 * so that what is known to be text can be used as such.
 */
struct fend_record_bytes {
	const unsigned char *bytes;
	size_t size;
};

struct fend_record_soa {
	const char *mname, *rname;
	uint32_t serial, refresh, retry, expire, minimum;
};

struct fend_record_mx {
	uint16_t preference;
	const char *exchange;
};

struct fend_record_txt {
	const struct fend_record_bytes *strings; /* one at least, each at most 255 bytes */
	size_t n;
};

/* RFC 2782 */
struct fend_record_srv {
	uint16_t priority, weight, port;
	const char *target;
};

/* RFC 3403 */
struct fend_record_naptr {
	uint16_t order, preference;
	struct fend_record_bytes flags, services, regexp;
	const char *replacement;
};

/* RFC 6698 */
struct fend_record_tlsa {
	uint8_t usage, selector, matching;
	struct fend_record_bytes association;
};

struct fend_record_svcb_param {
	uint16_t key;
	struct fend_record_bytes value; /* as in the message */
};

/* RFC 9460; of SVCB and HTTPS */
struct fend_record_svcb {
	uint16_t priority;
	const char *target;
	const struct fend_record_svcb_param *params; /* in ascending order of key */
	size_t n_params;
};

/* RFC 7553 */
struct fend_record_uri {
	uint16_t priority, weight;
	struct fend_record_bytes target;
};

/* RFC 8659 */
struct fend_record_caa {
	uint8_t flags;
	const char *tag; /* letters and digits */
	struct fend_record_bytes value;
};

struct fend_record {
	const char *name;
	int type;     /* FEND_RECORD_, or another number: then only data tells what it holds */
	uint32_t ttl; /* in seconds */
	struct fend_record_bytes data; /* within the message: names may be compressed, no NUL */
	union {
		unsigned char a[4], aaaa[16]; /* in network order, as inet_ntop(3) wants them */
		const char *target;           /* of NS, CNAME and PTR */
		struct fend_record_soa soa;
		struct fend_record_mx mx;
		struct fend_record_txt txt;
		struct fend_record_srv srv;
		struct fend_record_naptr naptr;
		struct fend_record_tlsa tlsa;
		struct fend_record_svcb svcb;
		struct fend_record_uri uri;
		struct fend_record_caa caa;
	} as; /* the one that type says */
};

/* A message that answers a question. It is one block, with all that it points to. */
struct fend_answer {
	const char *name; /* what was asked for; NULL: the message does not say */
	int type;
	const struct fend_record *records; /* of the answer section and class IN, in their order */
	size_t n;
	int rcode; /* what the server said of it: 0 is success (RFC 1035, 4.1.1) */
	/* All of it, as it came. Of a query with c-ares 1.28 or later: as c-ares has written it anew. */
	struct fend_record_bytes message;
};

/*
 * Take a DNS message apart, as it comes in a datagram. It may come from anybody.
 *   FEND_EAI_FAIL    it breaks the rules of RFC 1035, or those of a record's type; or it is none
 *   FEND_EAI_MEMORY  no memory
 * [any thread]
 */
int fend_answer_parse(const void *message, size_t size, struct fend_answer **ret_answer);

/* [any thread] NULL does nothing. Returns NULL. */
struct fend_answer *fend_answer_free(struct fend_answer *answer);

FEND_DEFINE_CLEANUP(fend_answer)

#ifdef __cplusplus
}
#endif

#endif
