/* SPDX-License-Identifier: MIT */
/*
 * Names beyond ASCII, beside glibc's getaddrinfo(3), which needs a locale for them. A build without
 * libidn2 refuses the flags.
 */
#include <locale.h>

#include "oracle.h"

static const char *const records[] = {
	"--host-record=xn--bcher-kva.test,192.0.2.1,2001:db8::1",
	"--host-record=xn--fa-hia.test,192.0.2.2",
	"--cname=alias.test,xn--bcher-kva.test",
	"--host-record=plain.test,192.0.2.3",
	NULL,
};

/* clang-format off */
static const char *const names[] = {
	"b\u00fccher.test", "B\u00dcCHER.Test", "bu\u0308cher.test", "b\u00fccher.test.",
	"fa\u00df.test", "\uff11\uff19\uff12.0.2.77", "alias.test", "plain.test",
	"xn--bcher-kva.test", "XN--BCHER-KVA.test", "xn--a.test", "nosuch\u00fc.test", "\u00fc",
	"b\374cher.test", "\xff", "a\u200db.test", "\u2488.test", "b\u00fccher..test", "::1",
};
/* clang-format on */

static void
compare(const char *host, int flags)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(families); i++) {
		const struct ask ask = {
			.host = host,
			.hints = { .ai_family = families[i],
				   .ai_socktype = SOCK_STREAM,
				   .ai_flags = flags },
		};

		oracle_compare(&ask, NULL, 0);
	}
}

static void
test_as_glibc(struct test *test)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		compare(names[i], AI_IDN);
		compare(names[i], AI_IDN | AI_CANONNAME);
		compare(names[i], AI_IDN | AI_CANONNAME | AI_CANONIDN);
		compare(names[i], AI_IDN | AI_NUMERICHOST);
	}
}

static void
expect(const char *host, int flags, int err)
{
	const struct addrinfo hints = { .ai_flags = flags };
	struct addrinfo *list;

	test_error(fend_dns_lookup(host, NULL, &hints, FEND_SEC(20), &list), err);
}

static void
expect_name(const char *host, int flags, const char *name)
{
	const struct addrinfo hints = { .ai_flags = flags | AI_CANONNAME };
	struct addrinfo *list;

	test_error(fend_dns_lookup(host, NULL, &hints, FEND_SEC(20), &list), 0);
	g_assert_cmpstr(list->ai_canonname, ==, name);
	fend_addrinfo_free(list);
}

static void
test_canonical_names(struct test *test)
{
	expect_name("B\u00dcCHER.test", AI_IDN, "xn--bcher-kva.test");
	expect_name("b\u00fccher.test", AI_IDN | AI_CANONIDN, "b\u00fccher.test");
	expect_name("alias.test", AI_CANONIDN, "b\u00fccher.test");
	expect_name("plain.test", AI_IDN | AI_CANONIDN, "plain.test");
}

static void
test_without_the_flag(struct test *test)
{
	expect("b\u00fccher.test", 0, FEND_EAI_IDN_ENCODE);
	expect("b\374cher.test", 0, FEND_EAI_IDN_ENCODE);
}

static void
test_refused(struct test *test)
{
	expect("plain.test", AI_IDN, FEND_EAI_BADFLAGS);
	expect("plain.test", AI_CANONNAME | AI_CANONIDN, FEND_EAI_BADFLAGS);
}

int
main(int argc, char **argv)
{
	struct process *dnsmasq;
	int r;

	test_init(&argc, &argv);
	if (namespace_enter("", "nameserver 127.0.0.1\n", "files dns", 1))
		return 0;
	g_assert_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	test_add("/idn/without-the-flag", test_without_the_flag);
	if (has_idn()) {
		test_add("/idn/as-glibc", test_as_glibc);
		test_add("/idn/canonical-names", test_canonical_names);
	} else {
		test_add("/idn/refused", test_refused);
	}
	dnsmasq = dnsmasq_start(53, records);
	r = g_test_run();
	process_stop(dnsmasq);
	return r;
}
