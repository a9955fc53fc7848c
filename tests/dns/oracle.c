/* SPDX-License-Identifier: MIT */
/* glibc's getaddrinfo(3) as the measure of lookups. */
#include "oracle.h"

#include <string.h>

static int n_compared;

int
oracle_is(const char *text, int error)
{
	return !strcmp(text, fend_strerror(error));
}

int
oracle_count(void)
{
	return n_compared;
}

static char *
ask_fend(const struct ask *ask)
{
	struct addrinfo *list = NULL;
	int err = fend_dns_lookup(ask->host, ask->service, &ask->hints, FEND_SEC(20), &list);
	char *text = err ? g_strdup(fend_strerror(err)) : list_describe(list);

	g_assert_true((err == 0) == (list != NULL));
	fend_addrinfo_free(list);
	return text;
}

static char *
ask_glibc(const struct ask *ask)
{
	struct addrinfo *list = NULL;
	int err = getaddrinfo(ask->host, ask->service, &ask->hints, &list);
	char *text = err ? g_strdup(fend_strerror(eai_error(err))) : list_describe(list);

	if (!err)
		freeaddrinfo(list);
	return text;
}

static int
is_excused(const struct ask *ask, const char *ours, const char *theirs, struct excuse *excuses,
	   size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (excuses[i].applies(ask, ours, theirs)) {
			excuses[i].used++;
			return 1;
		}
	}
	return 0;
}

void
oracle_compare(const struct ask *ask, struct excuse *excuses, size_t n)
{
	char *theirs = ask_glibc(ask);
	char *ours = ask_fend(ask);

	if (strcmp(ours, theirs) && !is_excused(ask, ours, theirs, excuses, n)) {
		g_test_message("host \"%s\" service \"%s\" family %d type %d protocol %d flags %x",
			       ask->host ? ask->host : "NULL", ask->service ? ask->service : "NULL",
			       ask->hints.ai_family, ask->hints.ai_socktype, ask->hints.ai_protocol,
			       (unsigned)ask->hints.ai_flags);
		g_assert_cmpstr(ours, ==, theirs);
	}
	n_compared++;
	g_free(ours);
	g_free(theirs);
}

void
oracle_check_excuses(const struct excuse *excuses, size_t n)
{
	char *document = NULL, *heading;
	size_t i;

	g_assert_true(g_file_get_contents(FEND_GETADDRINFO_DOCUMENT, &document, NULL, NULL));
	g_test_message("%d compared", n_compared);
	for (i = 0; i < n; i++) {
		g_test_message("%d differences: %s", excuses[i].used, excuses[i].title);
		g_assert_cmpint(excuses[i].used, >, 0);
		heading = g_strdup_printf("\n### %s\n", excuses[i].title);
		if (!strstr(document, heading))
			g_error("the document has no %s", heading);
		g_free(heading);
	}
	g_free(document);
}
