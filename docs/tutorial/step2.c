/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <fend/core.h>

#define PATIENCE FEND_SEC(60)

struct program {
	struct fend_loop *loop;
	struct fend_timer *timer;
	struct fend_io *input;
};

static void
fail(struct program *program, const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, fend_strerror(err));
	fend_loop_stop(program->loop, 1);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	fail(data, "nothing happens", -ETIMEDOUT);
}

static void
on_input(struct fend_io *io, unsigned events, void *data)
{
	struct program *program = data;
	char text[4096];
	ssize_t size = read(fend_io_fd(io), text, sizeof(text));

	if (size > 0) {
		fend_timer_after(program->timer, PATIENCE);
		printf("%zd bytes\n", size);
		fflush(stdout);
	} else if (size == 0) {
		fend_loop_stop(program->loop, 0);
	} else if (errno != EAGAIN && errno != EINTR) {
		fail(program, "standard input", -errno);
	}
}

static int
start(struct program *program)
{
	int err = fend_loop_new(NULL, &program->loop);

	if (err == 0)
		err = fend_timer_new(program->loop, on_timer, program, &program->timer);
	if (err == 0)
		err = fend_io_new(program->loop, STDIN_FILENO, FEND_IN, on_input, program,
				  &program->input);
	if (err == 0)
		fend_timer_after(program->timer, PATIENCE);
	return err;
}

static void
end(struct program *program)
{
	fend_io_free(program->input);
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
