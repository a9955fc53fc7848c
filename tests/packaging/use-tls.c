/* SPDX-License-Identifier: MIT */
/* A user's program, in the common subset of C99 and C++11: a client's context with its defaults. */
#include <stdio.h>
#include <string.h>

#include <fend/core.h>
#include <fend/tls.h>

int
main(void)
{
	struct fend_tls_context *context;
	struct fend_tls_params params;
	char *reason;
	int err;

	memset(&params, 0, sizeof(params));
	params.size = sizeof(params);
	params.mode = FEND_TLS_CLIENT;
	err = fend_tls_context_new(&params, &reason, &context);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", fend_strerror(err), reason);
		fend_free(reason);
		return 1;
	}
	printf("%s\n", fend_tls_get(NULL, FEND_TLS_PROVIDER));
	fend_tls_context_unref(context);
	return 0;
}
