/* SPDX-License-Identifier: MIT */
/* Texts that say more than an error code can: what was asked, of whom, and what came of it. */
#include "detail.h"

#include <stdio.h>
#include <string.h>

#include <fend/address.h>
#include <fend/error.h>
#include <fend/record.h>

#include <fend-internal/kernel.h>

#include "cares.h"
#include "config.h"

enum {
	SERVERS_SHOWN = 3,
	SERVERS_TEXT_MAX = SERVERS_SHOWN * (FEND_ADDRESS_TEXT_MAX + 2) + 8,
	TYPE_TEXT_MAX = 16,
};

/* RFC 1035, 4.1.1, by the names of the IANA's registry. */
static const char *
rcode_text(int rcode, char *number, size_t size)
{
	static const char *const names[] = { "NOERROR",  "FORMERR", "SERVFAIL",
					     "NXDOMAIN", "NOTIMP",  "REFUSED" };

	if (rcode < (int)(sizeof(names) / sizeof(names[0])))
		return names[rcode];
	snprintf(number, size, "RCODE%d", rcode);
	return number;
}

static const char *
type_text(int type, char *number, size_t size)
{
	static const struct {
		int type;
		const char *text;
	} types[] = {
		{ FEND_RECORD_A, "A" },         { FEND_RECORD_AAAA, "AAAA" },
		{ FEND_RECORD_CAA, "CAA" },     { FEND_RECORD_CNAME, "CNAME" },
		{ FEND_RECORD_HTTPS, "HTTPS" }, { FEND_RECORD_MX, "MX" },
		{ FEND_RECORD_NAPTR, "NAPTR" }, { FEND_RECORD_NS, "NS" },
		{ FEND_RECORD_PTR, "PTR" },     { FEND_RECORD_SOA, "SOA" },
		{ FEND_RECORD_SRV, "SRV" },     { FEND_RECORD_SVCB, "SVCB" },
		{ FEND_RECORD_TLSA, "TLSA" },   { FEND_RECORD_TXT, "TXT" },
		{ FEND_RECORD_URI, "URI" },
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].text;
	snprintf(number, size, "TYPE%d", type); /* RFC 3597, section 5 */
	return number;
}

static void
format(const struct fend_address *server, char *text)
{
	if (fend_address_format(server, text, FEND_ADDRESS_TEXT_MAX) < 0)
		*text = '\0';
}

char *
fend__silence_describe(const struct config *config, const char *name, int type)
{
	char servers[SERVERS_TEXT_MAX] = "", *end = servers;
	char number[TYPE_TEXT_MAX];
	size_t i;

	for (i = 0; i < config->n_servers && i < SERVERS_SHOWN; i++) {
		if (i > 0)
			end = stpcpy(end, ", ");
		format(&config->servers[i], end);
		end += strlen(end);
	}
	if (i < config->n_servers)
		stpcpy(end, ", ...");
	return fend__printf("no answer from %s for %s %s", servers, name,
			    type_text(type, number, sizeof(number)));
}

char *
fend__answer_describe(const struct answer *answer, const struct config *config, const char *name,
		      int type)
{
	char server[FEND_ADDRESS_TEXT_MAX + 8] = "", number[TYPE_TEXT_MAX], code[TYPE_TEXT_MAX];
	const char *what, *type_name = type_text(type, number, sizeof(number));

	if (answer->silent)
		return fend__silence_describe(config, name, type);
	if (answer->server) {
		memcpy(server, " from ", 7);
		format(answer->server, server + 6);
	}
	if (answer->rcode > 0)
		what = rcode_text(answer->rcode, code, sizeof(code));
	else if (answer->err == FEND_EAI_NODATA || answer->size > 0)
		what = "no such record";
	else
		what = answer->err == FEND_EAI_AGAIN ? "no connection to a server"
						     : fend_strerror(answer->err);
	return fend__printf("%s%s for %s %s", what, server, name, type_name);
}
