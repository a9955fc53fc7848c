/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <fend/core.h>

struct program {
	struct fend_loop *loop;
	struct fend_timer *timer;
	unsigned ticks;
};

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct program *program = data;

	printf("tick %u\n", ++program->ticks);
	if (program->ticks == 3)
		fend_loop_stop(program->loop, 0);
}

static int
start(struct program *program)
{
	int err = fend_loop_new(NULL, &program->loop);

	if (err == 0)
		err = fend_timer_new(program->loop, on_timer, program, &program->timer);
	if (err == 0)
		fend_timer_every(program->timer, FEND_MS(100), FEND_MS(100));
	return err;
}

static void
end(struct program *program)
{
	fend_timer_free(program->timer);
	fend_loop_free(program->loop);
}

int
main(void)
{
	struct program program = { 0 };
	int code = 1;
	int err = start(&program);

	if (err == 0)
		err = fend_loop_run(program.loop, &code);
	if (err < 0)
		fprintf(stderr, "%s\n", fend_strerror(err));
	end(&program);
	return code;
}
