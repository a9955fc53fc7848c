/* SPDX-License-Identifier: MIT */
/*
 * Signals. Each source is told how often its signal came since it was made or told last, in the
 * iteration in which it came, if it came before the part of the signals. The disposition of before
 * comes back when the last source goes.
 */
#include "world.h"

#include <signal.h>

enum { SIGNALS = 4 };

static const int numbers[] = { SIGUSR1, SIGUSR2, SIGCHLD };
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static struct signal {
	struct fend_signal *fend; /* NULL: none */
	struct loop *loop;
	int signo;
	unsigned came; /* since it was collected */
	unsigned due;  /* to be told in this iteration */
} signals[SIGNALS];

/* What is there before the first source. */
static void
ours(int signo)
{
}

static void
reset(void)
{
	struct sigaction action = { .sa_handler = ours };
	int i;

	for (i = 0; i < NUMBERS; i++)
		sigaction(numbers[i], &action, NULL);
	for (i = 0; i < SIGNALS; i++)
		signals[i] = (struct signal){ 0 };
}

static bool
is_on(const struct signal *signal, const struct loop *loop)
{
	return signal->fend && signal->loop == loop;
}

bool
signals_pending(struct loop *loop)
{
	int i;

	for (i = 0; i < SIGNALS; i++)
		if (is_on(&signals[i], loop) && signals[i].came > 0)
			return true;
	return false;
}

static void
mark(struct loop *loop)
{
	loop->hurried = true;
}

void
signal_raise(int signo)
{
	int i;

	for (i = 0; i < SIGNALS; i++)
		if (signals[i].fend && signals[i].signo == signo && !signals[i].loop->freed)
			signals[i].came++;
	loop_each(mark);
	raise(signo);
}

void
op_signal_raise(void)
{
	signal_raise(numbers[pick(NUMBERS)]);
}

/* What came before is told in this iteration, what comes while it is told in the next. */
static void
collect(struct loop *loop)
{
	int i;

	if (loop->part >= PART_SIGNALS)
		return;
	for (i = 0; i < SIGNALS; i++) {
		if (!is_on(&signals[i], loop))
			continue;
		signals[i].due = signals[i].came;
		signals[i].came = 0;
	}
}

static void
on_signal(struct fend_signal *fend, int signo, unsigned count, void *data)
{
	struct signal *signal = data;
	struct loop *loop = signal->loop;

	check(signal->fend, "a freed signal source is called");
	collect(loop);
	callback_begin(loop, PART_SIGNALS);
	check(fend == signal->fend && signo == signal->signo,
	      "a signal is told to the wrong source");
	check(count == signal->due, "signal %d came %u times, and %u are told", signo, signal->due,
	      count);
	check(count > 0, "a signal that did not come is told");
	signal->due = 0;
	loop->stats.signals++;
	callback_end(loop);
}

/* A callback for children comes after all signals were told. */
void
signals_check_told(struct loop *loop)
{
	int i;

	collect(loop);
	for (i = 0; i < SIGNALS; i++)
		check(!is_on(&signals[i], loop) || signals[i].due == 0, "signal %d is not told",
		      signals[i].signo);
}

static void
check_dispositions(void)
{
	struct sigaction now;
	int i, k;

	for (i = 0; i < NUMBERS; i++) {
		bool watched = world.no_pidfd && numbers[i] == SIGCHLD;
		bool changed;

		for (k = 0; k < SIGNALS; k++)
			watched |= signals[k].fend && !signals[k].loop->freed &&
				   signals[k].signo == numbers[i];
		sigaction(numbers[i], NULL, &now);
		changed = now.sa_handler != ours;
		check(changed == watched || (watched && numbers[i] == SIGCHLD),
		      "the disposition of signal %d is not what it should be", numbers[i]);
	}
}

void
op_signal_new(void)
{
	struct loop *loop = loop_pick();
	int signo = numbers[pick(NUMBERS)], i;
	struct signal *signal = NULL;

	for (i = SIGNALS - 1; i >= 0; i--)
		if (!signals[i].fend)
			signal = &signals[i];
	if (!loop || !signal)
		return;
	if (!CALL(loop_error(loop),
		  fend_signal_new(loop->fend, signo, on_signal, signal, &signal->fend)))
		return;
	*signal = (struct signal){ signal->fend, loop, signo, 0, 0 };
	loop_object_made(loop);
	check_dispositions();
}

static void
release(struct signal *signal)
{
	if (!signal->fend)
		return;
	check(fend_signal_signo(signal->fend) == signal->signo, "fend_signal_signo() is wrong");
	signal->fend = fend_signal_free(signal->fend);
	check(!signal->fend, "fend_signal_free() returns something");
	loop_object_gone(signal->loop);
}

void
op_signal_free(void)
{
	release(&signals[pick(SIGNALS)]);
	check_dispositions();
}

static void
freed(struct loop *loop)
{
	if (!world.forked)
		check_dispositions();
}

void
signals_check_restored(void)
{
	struct sigaction now;
	int i;

	for (i = 0; i < NUMBERS; i++) {
		sigaction(numbers[i], NULL, &now);
		check(now.sa_handler == ours, "the disposition of signal %d was not restored",
		      numbers[i]);
	}
}

static void
free_all(void)
{
	int i;

	for (i = 0; i < SIGNALS; i++)
		release(&signals[i]);
}

const struct kind signal_kind = {
	.reset = reset,
	.end = signals_check_told,
	.freed = freed,
	.free = free_all,
};
