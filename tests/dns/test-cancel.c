/* SPDX-License-Identifier: MIT */
/*
 * Lookups that are freed at any moment, from outside and from callbacks, while servers do whatever
 * servers do: after that they never call back, and the others do as if nothing had happened.
 */
#include "dns-test.h"

enum {
	MEMBERS = 200,
};

struct member {
	struct crowd *crowd;
	struct fend_lookup *lookup;
	int calls, calls_when_freed; /* the latter -1 until then */
};

struct crowd {
	GRand *random;
	struct member members[MEMBERS];
	int n_alive;
	int in_callbacks; /* free some there, too */
};

/* Any of what servers may do, by the name. */
static enum server_mode
choose_any(const char *name, gboolean aaaa)
{
	static const enum server_mode modes[] = {
		SERVER_ANSWER,     SERVER_NXDOMAIN, SERVER_NODATA, SERVER_TRUNCATE, SERVER_SERVFAIL,
		SERVER_CNAME_LOOP, SERVER_DROP,     SERVER_NOISE,  SERVER_NO_EDNS,  SERVER_CUT,
	};

	return modes[(g_str_hash(name) + (guint)aaaa) % G_N_ELEMENTS(modes)];
}

static void
free_member(struct crowd *crowd, struct member *member)
{
	if (!member->lookup)
		return;
	member->lookup = fend_lookup_free(member->lookup);
	member->calls_when_freed = member->calls;
	crowd->n_alive--;
}

static void
free_any(struct crowd *crowd)
{
	free_member(crowd, &crowd->members[g_rand_int_range(crowd->random, 0, MEMBERS)]);
}

static void
member_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct member *member = data;
	struct crowd *crowd = member->crowd;

	g_assert_true(lookup == member->lookup);
	member->calls++;
	if (!crowd->in_callbacks)
		return;
	if (g_rand_boolean(crowd->random))
		free_member(crowd, member);
	free_any(crowd);
}

static void
crowd_start(struct crowd *crowd, struct fend_resolver *resolver, int n_names)
{
	char name[32];
	int i;

	crowd->n_alive = MEMBERS;
	for (i = 0; i < MEMBERS; i++) {
		struct member *member = &crowd->members[i];

		*member = (struct member){ .crowd = crowd, .calls_when_freed = -1 };
		g_snprintf(name, sizeof(name), "name%d.test", i % n_names);
		test_ok(fend_resolver_lookup(resolver, name, NULL, NULL, FEND_FOREVER, member_fn,
					     member, &member->lookup));
	}
}

static void
crowd_check(const struct crowd *crowd)
{
	int i;

	for (i = 0; i < MEMBERS; i++) {
		const struct member *member = &crowd->members[i];

		g_assert_cmpint(member->calls, <=, 1);
		g_assert_true(!member->lookup);
		g_assert_cmpint(member->calls, ==, member->calls_when_freed);
	}
}

static void
cancel_at_random(struct test *test, struct crowd *crowd, int n_names, fend_time delay)
{
	struct setting setting;

	setting_start(&setting, test, HASTY);
	setting.server->choose = choose_any;
	setting.server->delay = delay;
	crowd_start(crowd, setting.resolver, n_names);
	while (crowd->n_alive > 0) {
		free_any(crowd);
		if (g_rand_int_range(crowd->random, 0, 4) == 0)
			test_ok(fend_loop_dispatch(test->loop, FEND_MS(1)));
	}
	test_drain(test);
	/* The resolver works as ever. */
	setting.server->choose = NULL;
	setting_expect(test, &setting, "last.test", AF_UNSPEC, 0, 0, "192.0.2.1 2001:db8::1");
	setting_end(&setting);
	crowd_check(crowd);
}

static void
run(struct test *test, int in_callbacks)
{
	guint32 seed = (guint32)g_test_rand_int();
	struct crowd crowd = {
		.random = g_rand_new_with_seed(seed),
		.in_callbacks = in_callbacks,
	};

	g_test_message("seed %u", seed);
	cancel_at_random(test, &crowd, MEMBERS, 0);
	cancel_at_random(test, &crowd, MEMBERS, FEND_MS(1));
	/* Ten each share their questions. */
	cancel_at_random(test, &crowd, MEMBERS / 10, 0);
	cancel_at_random(test, &crowd, MEMBERS / 10, FEND_MS(1));
	g_rand_free(crowd.random);
}

static void
test_from_outside(struct test *test)
{
	run(test, 0);
}

static void
test_in_callbacks(struct test *test)
{
	run(test, 1);
}

/* The resolver is freed at some moment, with whatever runs then. */
static void
test_free_the_resolver_at_random(struct test *test)
{
	guint32 seed = (guint32)g_test_rand_int();
	struct crowd crowd = { .random = g_rand_new_with_seed(seed) };
	struct setting setting;
	int round, i, calls;

	g_test_message("seed %u", seed);
	for (round = 0; round < 20; round++) {
		setting_start(&setting, test, HASTY);
		setting.server->choose = choose_any;
		crowd_start(&crowd, setting.resolver, MEMBERS);
		for (i = g_rand_int_range(crowd.random, 0, 40); i > 0; i--)
			test_ok(fend_loop_dispatch(test->loop, FEND_MS(1)));
		setting.resolver = fend_resolver_free(setting.resolver);
		for (calls = 0, i = 0; i < MEMBERS; i++)
			calls += crowd.members[i].calls;
		test_drain(test);
		for (i = 0; i < MEMBERS; i++) {
			calls -= crowd.members[i].calls;
			free_member(&crowd, &crowd.members[i]);
		}
		g_assert_cmpint(calls, ==, 0);
		crowd_check(&crowd);
		setting_end(&setting);
	}
	g_rand_free(crowd.random);
}

/*
 * c-ares cannot take back one question. It costs no more than it would have, and in the end no
 * descriptor.
 */
static void
test_what_was_asked_comes_to_its_end(struct test *test)
{
	struct setting setting;
	int before;

	setting_start(&setting, test, HASTY);
	setting.server->a = setting.server->aaaa = SERVER_DROP;
	before = test_count_fds();
	lookup_start(&setting.outcome, setting.resolver, "name.test", AF_INET, 0, FEND_FOREVER);
	while (setting.server->n_a == 0)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	outcome_clear(&setting.outcome);
	g_assert_cmpint(test_count_fds(), >, before);
	while (test_count_fds() > before)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	g_assert_cmpuint(setting.server->n_a, ==, 2);

	/* Who asks the same meanwhile does not have to ask anew. */
	setting.server->a = SERVER_ANSWER;
	setting.server->a_delay = FEND_MS(20);
	lookup_start(&setting.outcome, setting.resolver, "name.test", AF_INET, 0, FEND_FOREVER);
	while (setting.server->n_a == 2)
		test_ok(fend_loop_dispatch(test->loop, FEND_SEC(1)));
	setting_expect(test, &setting, "name.test", AF_INET, 0, 0, "192.0.2.1");
	g_assert_cmpuint(setting.server->n_a, ==, 3);
	setting_end(&setting);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/cancel/from-outside", test_from_outside);
	test_add("/cancel/in-callbacks", test_in_callbacks);
	test_add("/cancel/free-the-resolver-at-random", test_free_the_resolver_at_random);
	test_add("/cancel/what-was-asked-comes-to-its-end", test_what_was_asked_comes_to_its_end);
	return g_test_run();
}
