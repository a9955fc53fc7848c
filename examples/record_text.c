/* SPDX-License-Identifier: MIT */
/* DNS records as text. */
#include "record_text.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

/* clang-format off */
static const struct {
	int type;
	const char *name;
} types[] = {
	{ FEND_RECORD_A, "A" },
	{ FEND_RECORD_NS, "NS" },
	{ FEND_RECORD_CNAME, "CNAME" },
	{ FEND_RECORD_SOA, "SOA" },
	{ FEND_RECORD_PTR, "PTR" },
	{ FEND_RECORD_MX, "MX" },
	{ FEND_RECORD_TXT, "TXT" },
	{ FEND_RECORD_AAAA, "AAAA" },
	{ FEND_RECORD_SRV, "SRV" },
	{ FEND_RECORD_NAPTR, "NAPTR" },
	{ FEND_RECORD_TLSA, "TLSA" },
	{ FEND_RECORD_SVCB, "SVCB" },
	{ FEND_RECORD_HTTPS, "HTTPS" },
	{ FEND_RECORD_URI, "URI" },
	{ FEND_RECORD_CAA, "CAA" },
};
/* clang-format on */

#define N_TYPES (sizeof(types) / sizeof(types[0]))

int
record_type(const char *name)
{
	char *end;
	long type;

	for (size_t i = 0; i < N_TYPES; i++)
		if (strcasecmp(types[i].name, name) == 0)
			return types[i].type;
	if (strncasecmp(name, "TYPE", 4) != 0)
		return -1;
	type = strtol(name + 4, &end, 10);
	return end > name + 4 && !*end && type > 0 && type < 65536 ? (int)type : -1;
}

static void
print_string(FILE *file, const struct fend_record_bytes *string)
{
	fputs(" \"", file);
	for (size_t i = 0; i < string->size; i++) {
		unsigned char c = string->bytes[i];

		if (c < ' ' || c >= 0x7f)
			fprintf(file, "\\%03u", c);
		else
			fprintf(file, c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	fputs("\"", file);
}

static void
print_hex(FILE *file, const struct fend_record_bytes *data)
{
	fputs(" ", file);
	for (size_t i = 0; i < data->size; i++)
		fprintf(file, "%02x", data->bytes[i]);
}

static void
print_address(FILE *file, int family, const unsigned char *bytes)
{
	char text[INET6_ADDRSTRLEN];

	fprintf(file, " %s", inet_ntop(family, bytes, text, sizeof(text)));
}

static void
print_soa(FILE *file, const struct fend_record_soa *soa)
{
	fprintf(file, " %s %s %u %u %u %u %u", soa->mname, soa->rname, (unsigned)soa->serial,
		(unsigned)soa->refresh, (unsigned)soa->retry, (unsigned)soa->expire,
		(unsigned)soa->minimum);
}

static void
print_naptr(FILE *file, const struct fend_record_naptr *naptr)
{
	fprintf(file, " %u %u", naptr->order, naptr->preference);
	print_string(file, &naptr->flags);
	print_string(file, &naptr->services);
	print_string(file, &naptr->regexp);
	fprintf(file, " %s", naptr->replacement);
}

static void
print_svcb(FILE *file, const struct fend_record_svcb *svcb)
{
	fprintf(file, " %u %s", svcb->priority, svcb->target);
	for (size_t i = 0; i < svcb->n_params; i++) {
		fprintf(file, " key%u", svcb->params[i].key);
		print_string(file, &svcb->params[i].value);
	}
}

static void
print_value(FILE *file, const struct fend_record *record)
{
	switch (record->type) {
	case FEND_RECORD_A:
		print_address(file, AF_INET, record->as.a);
		break;
	case FEND_RECORD_AAAA:
		print_address(file, AF_INET6, record->as.aaaa);
		break;
	case FEND_RECORD_NS:
	case FEND_RECORD_CNAME:
	case FEND_RECORD_PTR:
		fprintf(file, " %s", record->as.target);
		break;
	case FEND_RECORD_SOA:
		print_soa(file, &record->as.soa);
		break;
	case FEND_RECORD_MX:
		fprintf(file, " %u %s", record->as.mx.preference, record->as.mx.exchange);
		break;
	case FEND_RECORD_TXT:
		for (size_t i = 0; i < record->as.txt.n; i++)
			print_string(file, &record->as.txt.strings[i]);
		break;
	case FEND_RECORD_SRV:
		fprintf(file, " %u %u %u %s", record->as.srv.priority, record->as.srv.weight,
			record->as.srv.port, record->as.srv.target);
		break;
	case FEND_RECORD_NAPTR:
		print_naptr(file, &record->as.naptr);
		break;
	case FEND_RECORD_TLSA:
		fprintf(file, " %u %u %u", record->as.tlsa.usage, record->as.tlsa.selector,
			record->as.tlsa.matching);
		print_hex(file, &record->as.tlsa.association);
		break;
	case FEND_RECORD_SVCB:
	case FEND_RECORD_HTTPS:
		print_svcb(file, &record->as.svcb);
		break;
	case FEND_RECORD_URI:
		fprintf(file, " %u %u", record->as.uri.priority, record->as.uri.weight);
		print_string(file, &record->as.uri.target);
		break;
	case FEND_RECORD_CAA:
		fprintf(file, " %u %s", record->as.caa.flags, record->as.caa.tag);
		print_string(file, &record->as.caa.value);
		break;
	default: /* RFC 3597, section 5 */
		fprintf(file, " \\# %zu", record->data.size);
		print_hex(file, &record->data);
	}
}

void
record_print(FILE *file, const struct fend_record *record)
{
	size_t i;

	for (i = 0; i < N_TYPES && types[i].type != record->type; i++)
		continue;
	fprintf(file, "%s %u ", record->name, (unsigned)record->ttl);
	if (i < N_TYPES)
		fputs(types[i].name, file);
	else
		fprintf(file, "TYPE%d", record->type);
	print_value(file, record);
	fputs("\n", file);
}
