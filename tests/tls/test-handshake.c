/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "layers.h"

static void
test_basic(struct test *test)
{
	struct link link;

	link_open(&link, test, NULL, NULL);
	link_exchange(&link);
	link_fini(&link);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/handshake/basic", test_basic);
	return g_test_run();
}
