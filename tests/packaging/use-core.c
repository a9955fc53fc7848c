/* SPDX-License-Identifier: MIT */
/* A user's program, in the common subset of C99 and C++11: a timer that ends the loop. */
#include <stdio.h>
#include <string.h>

#include <fend/core.h>

static void
ring(struct fend_timer *timer, uint64_t expirations, void *data)
{
	(void)timer;
	fend_loop_stop((struct fend_loop *)data, expirations == 1 ? 0 : 1);
}

int
main(void)
{
	struct fend_loop *loop;
	struct fend_timer *timer;
	int code = 1, err;

	err = fend_loop_new(NULL, &loop);
	if (err >= 0)
		err = fend_timer_new(loop, ring, loop, &timer);
	if (err < 0) {
		fprintf(stderr, "%s\n", fend_strerror(err));
		return 1;
	}
	fend_timer_after(timer, FEND_MS(1));
	fend_loop_run(loop, &code);
	timer = fend_timer_free(timer);
	loop = fend_loop_free(loop);
	return code || timer || loop || strcmp(fend_version(), FEND_VERSION) != 0;
}
