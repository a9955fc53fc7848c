/* SPDX-License-Identifier: MIT */
/* A DNS message from anybody, taken apart; everything that comes out of it is looked at. */
#include "record.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
check(int condition)
{
	if (!condition)
		abort();
}

static volatile unsigned char sink;

static void
look_at_bytes(const struct fend_record_bytes *bytes)
{
	size_t i;

	for (i = 0; i < bytes->size; i++)
		sink = bytes->bytes[i];
}

static void
look_at_string(const struct fend_record_bytes *string)
{
	look_at_bytes(string);
	check(string->bytes[string->size] == '\0');
}

/* A name is never empty, is printable, and has no empty label unless it is the root. */
static void
look_at_name(const char *name)
{
	size_t length = strlen(name);

	check(length > 0 && length <= 1020);
	check(!strstr(name, "..") || strstr(name, "\\."));
	for (; *name; name++)
		check(*name > ' ' && *name < 0x7f);
}

static void
look_at_svcb(const struct fend_record_svcb *svcb)
{
	size_t i;

	look_at_name(svcb->target);
	for (i = 0; i < svcb->n_params; i++) {
		check(i == 0 || svcb->params[i - 1].key < svcb->params[i].key);
		look_at_string(&svcb->params[i].value);
	}
}

static void
look_at_txt(const struct fend_record_txt *txt)
{
	size_t i;

	check(txt->n > 0);
	for (i = 0; i < txt->n; i++) {
		check(txt->strings[i].size <= 255);
		look_at_string(&txt->strings[i]);
	}
}

static void
look_at_naptr(const struct fend_record_naptr *naptr)
{
	look_at_string(&naptr->flags);
	look_at_string(&naptr->services);
	look_at_string(&naptr->regexp);
	look_at_name(naptr->replacement);
}

static void
look_at_value(const struct fend_record *record)
{
	switch (record->type) {
	case FEND_RECORD_A:
		check(record->data.size == 4);
		break;
	case FEND_RECORD_AAAA:
		check(record->data.size == 16);
		break;
	case FEND_RECORD_NS:
	case FEND_RECORD_CNAME:
	case FEND_RECORD_PTR:
		look_at_name(record->as.target);
		break;
	case FEND_RECORD_SOA:
		look_at_name(record->as.soa.mname);
		look_at_name(record->as.soa.rname);
		break;
	case FEND_RECORD_MX:
		look_at_name(record->as.mx.exchange);
		break;
	case FEND_RECORD_TXT:
		look_at_txt(&record->as.txt);
		break;
	case FEND_RECORD_SRV:
		look_at_name(record->as.srv.target);
		break;
	case FEND_RECORD_NAPTR:
		look_at_naptr(&record->as.naptr);
		break;
	case FEND_RECORD_TLSA:
		look_at_string(&record->as.tlsa.association);
		break;
	case FEND_RECORD_SVCB:
	case FEND_RECORD_HTTPS:
		look_at_svcb(&record->as.svcb);
		break;
	case FEND_RECORD_URI:
		check(record->as.uri.target.size > 0);
		look_at_string(&record->as.uri.target);
		break;
	case FEND_RECORD_CAA:
		check(strlen(record->as.caa.tag) > 0);
		look_at_string(&record->as.caa.value);
		break;
	}
}

/* What a query makes of it: a record of the type asked for, if there is any. */
static void
look_for_answer(const struct fend_answer *answer)
{
	const struct fend_record *found = fend__answer_find(answer);
	size_t i;

	check(!found || found->type == answer->type);
	for (i = 0; !found && i < answer->n; i++)
		check(!answer->name || answer->records[i].type != answer->type ||
		      strcasecmp(answer->records[i].name, answer->name) != 0);
}

/* Once more, a while later: nothing is different but the TTLs. */
static void
read_again(const struct fend_answer *answer, const uint8_t *bytes, size_t n)
{
	struct fend_answer *later;
	size_t i;

	check(fend__answer_read(bytes, n, 60, &later) == 0 && later->n == answer->n);
	for (i = 0; i < later->n; i++)
		check(later->records[i].ttl ==
		      (answer->records[i].ttl > 60 ? answer->records[i].ttl - 60 : 0));
	fend_answer_free(later);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fend_answer *answer;
	size_t i, size = 0;

	if (fend_answer_parse(bytes, n, &answer) < 0)
		return 0;
	if (answer->name)
		look_at_name(answer->name);
	look_for_answer(answer);
	read_again(answer, bytes, n);
	check(answer->message.size == n && memcmp(answer->message.bytes, bytes, n) == 0);
	for (i = 0; i < answer->n; i++) {
		look_at_name(answer->records[i].name);
		look_at_bytes(&answer->records[i].data);
		look_at_value(&answer->records[i]);
		check(answer->records[i].ttl <= INT32_MAX);
		size += answer->records[i].data.size;
	}
	check(size <= n && answer->rcode >= 0 && answer->rcode <= 15);
	fend_answer_free(answer);
	return 0;
}
