/* SPDX-License-Identifier: MIT */
/*
 * What fend and glibc's getaddrinfo(3) make of each pair of answers for the two families. The
 * server with faults is a process of its own, since glibc waits for it.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "oracle.h"

/* A name of two of these has them as answers: "servfail-answer.test" fails for A only. */
static const struct {
	const char *name;
	enum server_mode mode;
} modes[] = {
	{ "answer", SERVER_ANSWER },
	{ "nodata", SERVER_NODATA },
	{ "nxdomain", SERVER_NXDOMAIN },
	{ "servfail", SERVER_SERVFAIL },
	{ "refused", SERVER_REFUSED },
	{ "formerr", SERVER_FORMERR },
	{ "notimp", SERVER_NOTIMP },
	{ "truncate", SERVER_TRUNCATE },
	{ "cname", SERVER_CNAME },
	{ "chain", SERVER_CNAME_CHAIN },
	{ "nowhere", SERVER_CNAME_ONLY },

	/* What glibc reads in a way of its own; these do not take part in pairs. */
	{ "backwards", SERVER_CNAME_BACKWARDS },
	{ "loop", SERVER_CNAME_LOOP },
	{ "badname", SERVER_BAD_CNAME },
	{ "foreign", SERVER_FOREIGN },
};

enum {
	STRANGE = 4,
	ORDINARY = G_N_ELEMENTS(modes) - STRANGE,
};

static enum server_mode
choose(const char *name, gboolean aaaa)
{
	const char *dash = strchr(name, '-');
	size_t i;

	for (i = 0; dash && i < G_N_ELEMENTS(modes); i++)
		if (g_str_has_prefix(aaaa ? dash + 1 : name, modes[i].name))
			return modes[i].mode;
	return SERVER_NXDOMAIN;
}

/* A server fails for one family and says of the other that there is nothing. */
static int
is_half_known(const struct ask *ask, const char *ours, const char *theirs)
{
	return oracle_is(ours, FEND_EAI_AGAIN) &&
	       (oracle_is(theirs, FEND_EAI_NODATA) || oracle_is(theirs, FEND_EAI_NONAME)) &&
	       (strstr(ask->host, "servfail") || strstr(ask->host, "refused") ||
		strstr(ask->host, "notimp"));
}

static int
is_formerr(const struct ask *ask, const char *ours, const char *theirs)
{
	return strstr(ask->host, "formerr") && oracle_is(ours, FEND_EAI_FAIL) &&
	       oracle_is(theirs, FEND_EAI_NONAME);
}

static int
is_alias(const struct ask *ask, const char *ours, const char *theirs)
{
	return strstr(ask->host, "nowhere") && oracle_is(ours, FEND_EAI_NODATA) &&
	       oracle_is(theirs, FEND_EAI_NONAME);
}

static int
is_backwards(const struct ask *ask, const char *ours, const char *theirs)
{
	return g_str_has_prefix(ask->host, "backwards") &&
	       (strstr(ours, "192.0.2.1") || strstr(ours, "2001:db8::1"));
}

static int
is_loop(const struct ask *ask, const char *ours, const char *theirs)
{
	return g_str_has_prefix(ask->host, "loop") && oracle_is(ours, FEND_EAI_FAIL);
}

static int
is_no_host(const struct ask *ask, const char *ours, const char *theirs)
{
	return g_str_has_prefix(ask->host, "badname") && oracle_is(ours, FEND_EAI_FAIL) &&
	       (ask->hints.ai_flags & AI_CANONNAME);
}

static int
is_foreign(const struct ask *ask, const char *ours, const char *theirs)
{
	return g_str_has_prefix(ask->host, "foreign") && !strstr(ours, "192.0.2.66") &&
	       !strstr(ours, "2001:db8::42");
}

static struct excuse excuses[] = {
	{ "A failure for one family leaves the name unknown", is_half_known, 0 },
	{ "A message that a server cannot read is a failure", is_formerr, 0 },
	{ "An alias is a name without data", is_alias, 0 },
	{ "Aliases may be in any order", is_backwards, 0 },
	{ "A circle of aliases is a failure", is_loop, 0 },
	{ "A canonical name is that of a host", is_no_host, 0 },
	{ "Addresses of other names do not count", is_foreign, 0 },
};

static void
compare(const char *a, const char *aaaa, const char *end)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };
	static const int flag_sets[] = { 0, AI_CANONNAME, AI_V4MAPPED };
	char *name = g_strdup_printf("%s-%s.test%s", a, aaaa, end);
	size_t family, flags;

	for (family = 0; family < G_N_ELEMENTS(families); family++) {
		for (flags = 0; flags < G_N_ELEMENTS(flag_sets); flags++) {
			const struct ask ask = {
				.host = name,
				.hints = { .ai_family = families[family],
					   .ai_flags = flag_sets[flags],
					   .ai_socktype = SOCK_STREAM },
			};

			oracle_compare(&ask, excuses, G_N_ELEMENTS(excuses));
		}
	}
	g_free(name);
}

static void
test_pairs(struct test *test)
{
	size_t a, aaaa;

	for (a = 0; a < ORDINARY; a++) {
		for (aaaa = 0; aaaa < ORDINARY; aaaa++) {
			compare(modes[a].name, modes[aaaa].name, ".");
			compare(modes[a].name, modes[aaaa].name, "");
		}
	}
}

static void
test_strange_answers(struct test *test)
{
	size_t i;

	for (i = ORDINARY; i < G_N_ELEMENTS(modes); i++)
		compare(modes[i].name, modes[i].name, ".");
}

static void
test_excuses(struct test *test)
{
	oracle_check_excuses(excuses, G_N_ELEMENTS(excuses));
}

/* Until the test ends, which it does not tell. */
static void
serve(int ready)
{
	struct fend_loop *loop;
	struct server *server;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	test_ok(fend_loop_new(NULL, &loop));
	server = server_start_at(loop, "127.0.0.1:53");
	server->choose = choose;
	g_assert_cmpint(write(ready, "", 1), ==, 1);
	for (;;)
		test_ok(fend_loop_dispatch(loop, FEND_FOREVER));
}

static pid_t
start_server(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	g_assert_cmpint(pipe(ready), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		serve(ready[1]);
	close(ready[1]);
	g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
	close(ready[0]);
	return pid;
}

int
main(int argc, char **argv)
{
	pid_t server;
	int r;

	test_init(&argc, &argv);
	if (namespace_enter("", "nameserver 127.0.0.1\nsearch more.test\noptions attempts:1\n",
			    "files dns", 1))
		return 0;
	server = start_server();
	test_add("/getaddrinfo-faults/pairs-as-glibc", test_pairs);
	test_add("/getaddrinfo-faults/strange-answers", test_strange_answers);
	test_add("/getaddrinfo-faults/every-excuse-is-needed", test_excuses);
	r = g_test_run();
	kill(server, SIGKILL);
	return r;
}
