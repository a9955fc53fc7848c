/* SPDX-License-Identifier: MIT */
/* Record queries: answers, errors, and every way in which they end. */
#include <fend/query.h>

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "dns-test.h"
#include "fault.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

struct told {
	struct fend_query *query;
	int calls, err, free_it;
	gsize n;     /* records */
	int rcode;   /* -1: there was no answer */
	char *first; /* the owner of the first record */
};

static void
on_told(struct fend_query *query, int err, const struct fend_answer *answer, void *data)
{
	struct told *told = data;

	g_assert_true(query == told->query);
	told->calls++;
	told->err = err;
	told->rcode = answer ? answer->rcode : -1;
	told->n = answer ? answer->n : 0;
	told->first = told->n ? g_strdup(answer->records[0].name) : NULL;
	if (told->free_it)
		told->query = fend_query_free(query);
}

static void
told_clear(struct told *told)
{
	fend_query_free(told->query);
	g_free(told->first);
	memset(told, 0, sizeof(*told));
}

static void
query_start(struct told *told, struct fend_resolver *resolver, const char *name, int type,
	    fend_time timeout)
{
	memset(told, 0, sizeof(*told));
	test_error(fend_resolver_query(resolver, name, type, timeout, on_told, told, &told->query),
		   0);
	g_assert_cmpint(told->calls, ==, 0);
}

static void
query_run(struct test *test, struct told *told, struct fend_resolver *resolver, const char *name,
	  int type)
{
	query_start(told, resolver, name, type, FEND_FOREVER);
	test_wait(test, &told->calls);
	test_drain(test);
	g_assert_cmpint(told->calls, ==, 1);
}

static void
expect(struct test *test, struct fend_resolver *resolver, const char *name, int type, int err)
{
	struct told told;

	query_run(test, &told, resolver, name, type);
	test_error(told.err, err);
	told_clear(&told);
}

static const struct server_record records[] = {
	{ FEND_RECORD_MX, 3600, BYTES("\0\12\5first\300\14") },
	{ FEND_RECORD_MX, 7, BYTES("\0\24\6second\300\14") },
	{ FEND_RECORD_TXT, 0, BYTES("\3one\3two") },
	{ FEND_RECORD_HTTPS, 60, BYTES("\0\1\0\0\3\0\2\1\273") },
	{ FEND_RECORD_SRV, 60, BYTES("\0\1") },
	{ 4711, 60, BYTES("\1\2\3") },
	{ 0, 0, NULL, 0 },
};

static void
test_records(struct test *test)
{
	struct setting setting;
	struct fend_answer *answer;
	struct told told;

	setting_start(&setting, test, PATIENT);
	setting.server->records = records;
	query_run(test, &told, setting.resolver, "Name.Test.", FEND_RECORD_MX);
	test_error(told.err, 0);
	g_assert_cmpuint(told.n, ==, 2);
	answer = fend_query_take(told.query);
	g_assert_null(fend_query_take(told.query));
	g_assert_null(fend_query_detail(told.query));
	told_clear(&told);
	g_assert_cmpuint(answer->records[0].ttl, ==, 3600);
	g_assert_cmpuint(answer->records[0].as.mx.preference, ==, 10);
	g_assert_cmpstr(answer->records[0].as.mx.exchange, ==, "first.Name.Test");
	g_assert_cmpuint(answer->records[1].ttl, ==, 7);
	g_assert_cmpuint(answer->message.size, >, 12);
	fend_answer_free(answer);
	expect(test, setting.resolver, "name.test", FEND_RECORD_HTTPS, 0);
	expect(test, setting.resolver, "name.test", 4711, 0);
	g_assert_cmpuint(setting.server->n_other, ==, 3);
	setting_end(&setting);
}

/*
 * A record that breaks the rules of its type. A version of c-ares that sees that itself asks again,
 * some when the answer would have had to be there, and fails in another way.
 */
static void
test_malformed_record(struct test *test)
{
	struct setting setting;
	struct told told;

	setting_start(&setting, test, cares_parses() ? HASTY : PATIENT);
	setting.server->records = records;
	query_run(test, &told, setting.resolver, "name.test", FEND_RECORD_SRV);
	if (!cares_parses() || told.err != FEND_EAI_AGAIN)
		test_error(told.err, FEND_EAI_FAIL);
	g_assert_cmpint(told.rcode, ==, -1);
	told_clear(&told);
	query_run(test, &told, setting.resolver, "name.test", FEND_RECORD_A);
	test_error(told.err, 0);
	g_assert_cmpstr(told.first, ==, "name.test");
	told_clear(&told);
	setting_end(&setting);
}

/*
 * Whatever is printable gets there and comes back. Some versions of c-ares refuse what is not in
 * the names of hosts, and some the root, but then with that error.
 */
static void
test_names(struct test *test)
{
	static const struct {
		const char *name, *asked;
		int odd;
	} names[] = {
		{ "_sip._tcp.name.test", "_sip._tcp.name.test" },
		{ ".", "." },
		{ "\\a\\046\\065/*.test", "a\\.A/*.test" },
		{ "*.te\"st", "*.te\"st", 1 },
		{ "a\\.b\\\\.test.", "a\\.b\\\\.test", 1 },
		{ "\\a\\046\\092\\065.test", "a\\.\\\\A.test", 1 },
	};
	struct setting setting;
	struct told told;
	size_t i;

	setting_start(&setting, test, PATIENT);
	setting.server->records = records;
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		int err = names[i].odd && cares_is_strict() ? FEND_EAI_IDN_ENCODE : 0;

		if (!strcmp(names[i].name, ".") && !cares_has_root())
			err = FEND_EAI_MEMORY;
		query_run(test, &told, setting.resolver, names[i].name, FEND_RECORD_TXT);
		test_error(told.err, err);
		g_assert_cmpstr(told.first, ==, err ? NULL : names[i].asked);
		told_clear(&told);
	}
	setting_end(&setting);
}

/* An alias that leads to nothing of the type is not an answer, but it is told. */
static void
test_alias(struct test *test)
{
	static const struct server_record alias[] = {
		{ FEND_RECORD_CNAME, 60, BYTES("\5other\4test\0") },
		{ 0, 0, NULL, 0 },
	};
	struct setting setting;
	struct told told;

	setting_start(&setting, test, PATIENT);
	setting.server->records = alias;
	query_run(test, &told, setting.resolver, "name.test", FEND_RECORD_MX);
	test_error(told.err, FEND_EAI_NODATA);
	g_assert_cmpuint(told.n, ==, 1);
	told_clear(&told);
	expect(test, setting.resolver, "name.test", FEND_RECORD_CNAME, 0);
	setting.server->a = SERVER_CNAME;
	query_run(test, &told, setting.resolver, "name.test", FEND_RECORD_A);
	test_error(told.err, 0);
	g_assert_cmpuint(told.n, ==, 2);
	told_clear(&told);
	setting_end(&setting);
}

static void
test_errors(struct test *test)
{
	static const struct {
		enum server_mode mode;
		int err, rcode;
	} cases[] = {
		{ SERVER_NXDOMAIN, FEND_EAI_NONAME, 3 },
		{ SERVER_NODATA, FEND_EAI_NODATA, 0 },
		{ SERVER_SERVFAIL, FEND_EAI_AGAIN, -1 },
		{ SERVER_REFUSED, FEND_EAI_AGAIN, -1 },
		{ SERVER_TRUNCATE, 0, 0 },
		{ SERVER_NOISE, 0, 0 },
	};
	struct setting setting;
	struct told told;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		setting_start(&setting, test, PATIENT);
		setting.server->records = records;
		setting.server->other = cases[i].mode;
		query_run(test, &told, setting.resolver, "name.test", FEND_RECORD_TXT);
		test_error(told.err, cases[i].err);
		if (cases[i].rcode >= 0)
			g_assert_cmpint(told.rcode, ==, cases[i].rcode);
		if (told.err)
			g_assert_nonnull(strstr(fend_query_detail(told.query), "name.test TXT"));
		told_clear(&told);
		setting_end(&setting);
	}
}

static void
test_mistakes(struct test *test)
{
#define SIXTY_THREE "aaaaaaaaabbbbbbbbbcccccccccdddddddddeeeeeeeeefffffffffggggggggg"
#define LONGEST SIXTY_THREE "." SIXTY_THREE "." SIXTY_THREE "."
	static const char *const labels[] = {
		"two..dots",
		".dot",
		"..",
		SIXTY_THREE "x",
		LONGEST "12345678901234567890123456789012345678901234567890123456789012",
	};
	char *long_name = g_strnfill(1021, 'a');
	struct fend_query *query = NULL;
	size_t i;
	struct setting setting;

	setting_start(&setting, test, PATIENT);
	expect(test, setting.resolver, "", FEND_RECORD_A, FEND_EAI_NONAME);
	expect(test, setting.resolver, "name\\", FEND_RECORD_A, FEND_EAI_NONAME);
	for (i = 0; i < G_N_ELEMENTS(labels); i++)
		expect(test, setting.resolver, labels[i], FEND_RECORD_A, FEND_EAI_NONAME);
	expect(test, setting.resolver, "\303\244.test", FEND_RECORD_A, FEND_EAI_IDN_ENCODE);
	expect(test, setting.resolver, "\\000.test", FEND_RECORD_A, FEND_EAI_IDN_ENCODE);
	expect(test, setting.resolver, long_name, FEND_RECORD_A, FEND_EAI_OVERFLOW);
	g_assert_cmpuint(setting.server->n_a, ==, 0);
	expect(test, setting.resolver,
	       LONGEST "1234567890123456789012345678901234567890123456789012345678901",
	       FEND_RECORD_A, 0);
	test_error(fend_query_start(NULL, "a", 1, 0, on_told, NULL, &query), -EINVAL);
	test_error(fend_query_start(test->loop, NULL, 1, 0, on_told, NULL, &query), -EINVAL);
	test_error(fend_query_start(test->loop, "a", 0, 0, on_told, NULL, &query), -EINVAL);
	test_error(fend_query_start(test->loop, "a", 65536, 0, on_told, NULL, &query), -EINVAL);
	test_error(fend_query_start(test->loop, "a", 1, -2, on_told, NULL, &query), -EINVAL);
	test_error(fend_query_start(test->loop, "a", 1, 0, NULL, NULL, &query), -EINVAL);
	test_error(fend_query_start(test->loop, "a", 1, 0, on_told, NULL, NULL), -EINVAL);
	test_error(fend_resolver_query(NULL, "a", 1, 0, on_told, NULL, &query), -EINVAL);
	g_assert_null(query);
	g_assert_true(!fend_query_take(NULL) && !fend_query_detail(NULL) && !fend_query_free(NULL));
	setting_end(&setting);
	g_free(long_name);
}

/* What is kept grows old, and so do its records. */
static void
test_kept(struct test *test)
{
	struct fend_resolver_options options = { .size = sizeof(options),
						 .keep_max = FEND_SEC(60) };
	struct server *server = server_start(test->loop);
	struct fend_resolver *resolver;
	struct fend_answer *answer;
	struct told told;

	clock_start();
	options.servers = server_address(server);
	server->records = records;
	test_ok(fend_resolver_new(test->loop, &options, &resolver));
	query_run(test, &told, resolver, "name.test", FEND_RECORD_MX);
	told_clear(&told);
	clock_forward(FEND_SEC(5));
	query_run(test, &told, resolver, "name.test", FEND_RECORD_MX);
	test_error(told.err, 0);
	g_assert_cmpuint(server->n_other, ==, 1);
	answer = fend_query_take(told.query);
	told_clear(&told);
	g_assert_cmpuint(answer->n, ==, 2);
	g_assert_cmpuint(answer->records[0].ttl, <=, 3595);
	g_assert_cmpuint(answer->records[0].ttl, >=, 3590);
	g_assert_cmpuint(answer->records[1].ttl, <=, 2);
	fend_answer_free(answer);
	fend_resolver_free(resolver);
	server_stop(server);
	clock_end();
}

/* Not by its answer and by its deadline. */
static void
test_told_once(struct test *test)
{
	struct setting setting;
	struct told told;

	setting_start(&setting, test, PATIENT);
	query_start(&told, setting.resolver, "", FEND_RECORD_MX, FEND_MS(5));
	test_wait(test, &told.calls);
	test_ok(fend_loop_dispatch(test->loop, FEND_MS(20)));
	test_drain(test);
	g_assert_cmpint(told.calls, ==, 1);
	told_clear(&told);
	setting_end(&setting);
}

/* Where nothing happens but in fend_resolver_process(). */
static void
test_without_a_loop(struct test *test)
{
	struct fend_resolver *resolver;
	struct told told = { 0 };

	test_ok(fend_resolver_new(NULL, NULL, &resolver));
	query_start(&told, resolver, "", FEND_RECORD_MX, FEND_SEC(9));
	test_drain(test);
	g_assert_cmpint(told.calls, ==, 0);
	test_ok(fend_resolver_process(resolver));
	g_assert_cmpint(told.calls, ==, 1);
	test_error(told.err, FEND_EAI_NONAME);
	told_clear(&told);
	fend_resolver_free(resolver);
}

static void
test_deadline(struct test *test)
{
	struct setting setting;
	struct told told, zero = { 0 };

	setting_start(&setting, test, PATIENT);
	setting.server->other = SERVER_DROP;
	query_start(&told, setting.resolver, "name.test", FEND_RECORD_MX, FEND_MS(20));
	query_start(&zero, setting.resolver, "name.test", FEND_RECORD_MX, 0);
	told.free_it = 1;
	test_wait(test, &told.calls);
	test_error(told.err, -ETIMEDOUT);
	g_assert_null(told.query);
	test_error(zero.err, -ETIMEDOUT);
	g_assert_cmpint(zero.calls, ==, 1);
	g_assert_nonnull(strstr(fend_query_detail(zero.query), "name.test"));
	told_clear(&told);
	told_clear(&zero);
	setting_end(&setting);
}

static void
test_freed_before_it_is_told(struct test *test)
{
	struct setting setting;
	struct told asked, ended, other;

	setting_start(&setting, test, PATIENT);
	setting.server->records = records;
	query_start(&asked, setting.resolver, "a.test", FEND_RECORD_MX, FEND_SEC(9));
	query_start(&ended, setting.resolver, "", FEND_RECORD_MX, FEND_SEC(9));
	query_start(&other, setting.resolver, "a.test", FEND_RECORD_MX, FEND_SEC(9));
	asked.query = fend_query_free(asked.query);
	ended.query = fend_query_free(ended.query);
	test_wait(test, &other.calls);
	test_error(other.err, 0);
	test_drain(test);
	g_assert_cmpint(asked.calls + ended.calls, ==, 0);
	g_assert_cmpuint(setting.server->n_other, ==, 1);
	told_clear(&other);
	setting_end(&setting);
}

static void
test_resolver_is_freed(struct test *test)
{
	struct setting setting;
	struct told asked, ended;

	setting_start(&setting, test, PATIENT);
	query_start(&asked, setting.resolver, "a.test", FEND_RECORD_MX, FEND_MS(10));
	query_start(&ended, setting.resolver, "", FEND_RECORD_MX, FEND_MS(10));
	setting.resolver = fend_resolver_free(setting.resolver);
	test_ok(fend_loop_dispatch(test->loop, FEND_MS(20)));
	test_drain(test);
	g_assert_cmpint(asked.calls + ended.calls, ==, 0);
	g_assert_null(fend_query_take(asked.query));
	told_clear(&asked);
	told_clear(&ended);
	setting_end(&setting);
}

static void
on_free_loop(struct fend_query *query, int err, const struct fend_answer *answer, void *data)
{
	struct test *test = data;

	test->loop = fend_loop_free(test->loop);
}

static void
test_loop_is_freed(struct test *test)
{
	struct fend_query *query, *none = NULL;
	struct told told = { 0 };

	test_ok(fend_query_start(test->loop, "", 1, FEND_SEC(9), on_free_loop, test, &query));
	test_ok(fend_query_start(test->loop, "", 1, FEND_SEC(9), on_told, &told, &told.query));
	test_error(fend_loop_dispatch(test->loop, FEND_SEC(9)), -ESHUTDOWN);
	g_assert_cmpint(told.calls, ==, 0);
	fend_query_free(query);
	told_clear(&told);
	test_ok(fend_loop_new(NULL, &test->loop));
	g_assert_null(none);
}

static void
test_fork(struct test *test)
{
	struct fend_query *none = NULL;
	struct setting setting;
	struct told told;
	int status;
	pid_t pid;

	setting_start(&setting, test, PATIENT);
	setting.server->records = records;
	query_start(&told, setting.resolver, "a.test", FEND_RECORD_MX, FEND_SEC(9));
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		int r = fend_resolver_query(setting.resolver, "a", 1, 0, on_told, &told, &none);

		fend_query_free(told.query);
		_exit(r == -ECHILD && !none ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	test_wait(test, &told.calls);
	test_error(told.err, 0);
	told_clear(&told);
	setting_end(&setting);
}

/* Memory runs out at each point in turn: an error, and nothing is lost. */
static void
test_no_memory(struct test *test)
{
	struct setting setting;
	struct told told;
	unsigned n;
	int r, struck;

	/* Everything that is counted is to be made and freed while it is. */
	fend_loop_free(test->loop);
	fault_install();
	test_ok(fend_loop_new(NULL, &test->loop));
	setting_start(&setting, test, PATIENT);
	setting.server->records = records;
	for (n = 1, struck = 1; struck; n++) {
		memset(&told, 0, sizeof(told));
		fault_set(FAULT_ALLOCATE, n, -ENOMEM, 0);
		r = fend_resolver_query(setting.resolver, "a.test", FEND_RECORD_TXT, FEND_SEC(9),
					on_told, &told, &told.query);
		if (r == 0)
			test_wait(test, &told.calls);
		struck = fault_struck();
		fault_clear();
		if (r < 0)
			test_error(r, -ENOMEM);
		else if (struck)
			g_assert_true(told.err == FEND_EAI_MEMORY || told.err == FEND_EAI_AGAIN ||
				      told.err == 0);
		else
			test_error(told.err, 0);
		told_clear(&told);
	}
	g_assert_cmpuint(n, >, 3);
	setting_end(&setting);
	fend_loop_free(test->loop);
	fault_remove();
	test_ok(fend_loop_new(NULL, &test->loop));
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/query/records", test_records);
	test_add("/query/malformed-record", test_malformed_record);
	test_add("/query/names", test_names);
	test_add("/query/alias", test_alias);
	test_add("/query/errors", test_errors);
	test_add("/query/mistakes", test_mistakes);
	test_add("/query/kept", test_kept);
	test_add("/query/told-once", test_told_once);
	test_add("/query/without-a-loop", test_without_a_loop);
	test_add("/query/deadline", test_deadline);
	test_add("/query/freed-before-it-is-told", test_freed_before_it_is_told);
	test_add("/query/resolver-is-freed", test_resolver_is_freed);
	test_add("/query/loop-is-freed", test_loop_is_freed);
	test_add("/query/fork", test_fork);
	test_add("/query/no-memory", test_no_memory);
	return g_test_run();
}
