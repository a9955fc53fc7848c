/* SPDX-License-Identifier: MIT */
/*
 * A run: bytes become operations, at the top level and inside callbacks alike, until they are used
 * up. Then every loop must come to rest, everything is freed, and nothing may be left.
 */
#include "world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct world world;
unsigned long model_operation;

static const uint8_t *bytes, *end;

const struct kind *const kinds[] = {
	&task_kind, &hook_kind, &io_kind, &timer_kind, &signal_kind, &child_kind, NULL,
};

static const struct operation {
	const char *name;
	void (*fn)(void);
	unsigned weight;
} operations[] = {
	{ "loop dispatch", op_loop_dispatch, 40 },
	{ "loop run", op_loop_run, 6 },
	{ "loop stop", op_loop_stop, 4 },
	{ "loop prepare", op_loop_prepare, 4 },
	{ "loop fd", op_loop_fd, 2 },
	{ "loop now", op_loop_now, 3 },
	{ "loop stats", op_loop_stats, 3 },
	{ "loop timing", op_loop_timing, 1 },
	{ "loop new", op_loop_new, 4 },
	{ "loop free", op_loop_free, 1 },
	{ "loop ref", op_loop_ref, 2 },
	{ "loop unref", op_loop_unref, 2 },
	{ "channel open", op_channel_open, 6 },
	{ "channel write", op_channel_write, 14 },
	{ "channel fill", op_channel_fill, 3 },
	{ "channel read", op_channel_read, 4 },
	{ "channel drain", op_channel_drain, 8 },
	{ "channel shutdown", op_channel_shutdown, 2 },
	{ "channel close", op_channel_close, 3 },
	{ "channel close first", op_channel_close_first, 3 },
	{ "channel dup", op_channel_dup, 3 },
	{ "channel close dup", op_channel_close_dup, 2 },
	{ "channel restore", op_channel_restore, 2 },
	{ "channel urgent", op_channel_urgent, 1 },
	{ "io new", op_io_new, 18 },
	{ "io set", op_io_set, 14 },
	{ "io toggle", op_io_toggle, 3 },
	{ "io free", op_io_free, 6 },
	{ "timer new", op_timer_new, 6 },
	{ "timer after", op_timer_after, 8 },
	{ "timer at", op_timer_at, 5 },
	{ "timer every", op_timer_every, 5 },
	{ "timer stop", op_timer_stop, 3 },
	{ "timer free", op_timer_free, 3 },
	{ "task defer", op_task_defer, 8 },
	{ "task post", op_task_post, 8 },
	{ "task cancel", op_task_cancel, 4 },
	{ "hook new", op_hook_new, 3 },
	{ "hook free", op_hook_free, 2 },
	{ "signal new", op_signal_new, 4 },
	{ "signal raise", op_signal_raise, 6 },
	{ "signal free", op_signal_free, 2 },
	{ "child new", op_child_new, 4 },
	{ "child end", op_child_end, 4 },
	{ "child kill", op_child_kill, 2 },
	{ "child reap", op_child_reap, 1 },
	{ "child free", op_child_free, 2 },
	{ "fault", op_fault, 5 },
	{ "clock", op_clock, 4 },
	{ "fork", op_fork, 1 },
};

static void
print_and_abort(const char *text)
{
	fprintf(stderr, "operation %lu: %s\n", model_operation, text);
	abort();
}

void (*model_failed)(const char *text) = print_and_abort;

void
fail(const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (world.forked) {
		fprintf(stderr, "in the child: %s\n", text);
		_exit(1);
	}
	model_failed(text);
	abort();
}

unsigned
next_byte(void)
{
	return bytes < end ? *bytes++ : 0;
}

unsigned
pick(unsigned n)
{
	return next_byte() % n;
}

bool
one_in(unsigned n)
{
	return pick(n) == n - 1;
}

fend_time
pick_time(void)
{
	/* clang-format off */
	static const fend_time times[] = {
		0, 1, 10, FEND_US(5), FEND_MS(1), FEND_MS(1) + 1, FEND_MS(2), FEND_MS(3),
		FEND_MS(3), FEND_MS(10), FEND_SEC(1), -5, FEND_FOREVER, INT64_MAX,
	};
	/* clang-format on */

	return times[pick(COUNT(times))];
}

bool
judge(const char *call, int expected, int result)
{
	int fault = kernel_fault_struck();

	if (fault && result == fault)
		return false;
	check(result == expected, "%s is %d, not %d", call, result, expected);
	return result >= 0;
}

static const struct operation *
operation_of(unsigned byte)
{
	static const struct operation *map[256];

	if (!map[0]) {
		unsigned total = 0, sum = 0, at = 0, i;

		for (i = 0; i < COUNT(operations); i++)
			total += operations[i].weight;
		for (i = 0; i < COUNT(operations); i++) {
			sum += operations[i].weight;
			while (at < 256 * sum / total)
				map[at++] = &operations[i];
		}
	}
	return map[byte];
}

static void
operate(void)
{
	const struct operation *operation = operation_of(next_byte());

	model_operation++;
	if (world.options->trace)
		fprintf(world.options->trace, "# %4lu %*s%s\n", model_operation,
			2 * (int)world.nested, "", operation->name);
	operation->fn();
	if (!world.forked)
		loops_check();
}

/* In a callback. */
void
act(void)
{
	unsigned byte = next_byte();
	unsigned n = byte >= 160 ? byte & 3 : 0;

	while (n-- > 0 && bytes < end)
		operate();
}

void
world_end_bytes(void)
{
	bytes = end;
}

static void
begin(const struct model_options *options)
{
	static const unsigned batches[] = { 0, 0, 0, 0, 1, 2, 3, 5 };
	unsigned config = next_byte(), i;

	world = (struct world){
		.options = options,
		.is_epoll = strcmp(options->dispatcher, "epoll") == 0,
		.batch = batches[config & 7],
		.no_pidfd = config & 8,
		.loops_first = config & 16,
	};
	model_operation = 0;
	kernel_install();
	loops_reset();
	channels_reset();
	for (i = 0; kinds[i]; i++)
		kinds[i]->reset();
}

void
world_end(void)
{
	unsigned i;

	if (world.loops_first)
		loops_free();
	for (i = 0; kinds[i]; i++)
		kinds[i]->free();
	loops_free();
}

void
model_run(const uint8_t *given, size_t n, const struct model_options *options)
{
	bytes = given;
	end = given + n;
	begin(options);
	op_loop_new();
	while (bytes < end)
		operate();
	kernel_fault_off();
	if (world.forked)
		world_forked();
	else
		loop_each(loop_settle);
	world_end();
	if (!world.forked)
		signals_check_restored();
	channels_close();
	kernel_remove();
	if (world.forked)
		_exit(0);
}
