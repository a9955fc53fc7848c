/* SPDX-License-Identifier: MIT */
#include "fend-test.h"

#include <errno.h>
#include <string.h>

static void
test_every_documented_error_has_a_text(struct test *test)
{
	/* clang-format off */
	static const int errors[] = {
		EINVAL, ENOMEM, ESHUTDOWN, ECHILD, ENOTSUP, E2BIG, EMFILE, ENFILE, EBUSY, EBADF, EPERM,
		EEXIST, ENOSPC, EALREADY, EAGAIN, EWOULDBLOCK, ENODEV, ENAMETOOLONG, ENOBUFS,
		EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EACCES, ENOTSOCK, ENOPROTOOPT,
		EINPROGRESS, EOPNOTSUPP, ENOENT, ENOTCONN, EBADMSG, EPROTO, ECONNRESET, EPIPE,
		ETIMEDOUT, EKEYREJECTED, EKEYEXPIRED, EKEYREVOKED, ECONNREFUSED, EHOSTUNREACH,
		ENETUNREACH, EADDRINUSE, EADDRNOTAVAIL, ECANCELED,
		-FEND_EAI_BADFLAGS, -FEND_EAI_NONAME, -FEND_EAI_AGAIN, -FEND_EAI_FAIL,
		-FEND_EAI_NODATA, -FEND_EAI_FAMILY, -FEND_EAI_SOCKTYPE, -FEND_EAI_SERVICE,
		-FEND_EAI_ADDRFAMILY, -FEND_EAI_MEMORY, -FEND_EAI_SYSTEM, -FEND_EAI_OVERFLOW,
		-FEND_EAI_IDN_ENCODE,
	};
	/* clang-format on */
	unsigned i;

	for (i = 0; i < G_N_ELEMENTS(errors); i++) {
		const char *text = fend_strerror(-errors[i]);

		g_assert_cmpstr(text, !=, "unknown error");
		g_assert_cmpstr(text, ==, fend_strerror(errors[i]));
		g_assert_cmpuint(strlen(text), >, 0);
		g_assert_null(strchr(text, '\n'));
		g_assert_cmpint(text[strlen(text) - 1], !=, '.');
	}
	g_assert_cmpstr(fend_strerror(0), ==, "success");
	g_assert_cmpstr(fend_strerror(-2999), ==, "unknown error");
	g_assert_cmpstr(fend_strerror(G_MININT), ==, "unknown error");
}

static void
test_version(struct test *test)
{
	g_assert_cmpstr(fend_version(), ==, FEND_VERSION);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/error/every-documented-error-has-a-text",
		 test_every_documented_error_has_a_text);
	test_add("/error/version-is-that-of-the-header", test_version);
	return g_test_run();
}
