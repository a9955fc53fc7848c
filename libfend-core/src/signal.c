/* SPDX-License-Identifier: MIT */
/*
 * Signal sources: the loop's side of signals. Each loop that has any owns a port, where the
 * process's handler (signal-port.c) leaves word; after I/O and timers the loop collects it there.
 */
#include <fend/signal.h>

#include <errno.h>
#include <signal.h>

#include <fend-internal/public.h>

#include "callback.h"
#include "signal-port.h"

struct fend_signal {
	struct fend_loop *loop;
	fend_signal_fn *fn;
	void *data;
	const char *name;
	int signo;
	unsigned count; /* collected, to be told; less what came before the source, until then */
	struct fend_link link; /* in loop->signals */
};

static struct fend_signal *
signal_of(struct fend_link *link)
{
	return fend__container_of(link, struct fend_signal, link);
}

static bool
is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE;
}

static int
watch(struct fend_loop *loop, int signo)
{
	int r;

	if (!loop->port) {
		r = fend__signal_port_open(loop, &loop->port);
		if (r < 0)
			return r;
	}
	r = fend__signal_port_watch(loop->port, signo);
	if (r < 0 && loop->n_signals == 0)
		loop->port = fend__signal_port_close(loop->port);
	return r;
}

static void
unwatch(struct fend_loop *loop, int signo)
{
	fend__signal_port_unwatch(loop->port, signo);
	if (--loop->n_signals == 0)
		loop->port = fend__signal_port_close(loop->port);
}

FEND_PUBLIC int
fend_signal_new(struct fend_loop *loop, int signo, fend_signal_fn *fn, void *data,
		struct fend_signal **ret_signal)
{
	struct fend_signal *signal;
	unsigned before;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fn || !ret_signal || signo < 1 || signo >= NSIG || is_fault(signo))
		return -EINVAL;
	signal = fend__calloc(1, sizeof(*signal));
	if (!signal)
		return -ENOMEM;
	before = loop->port ? fend__signal_port_count(loop->port, signo) : 0;
	r = watch(loop, signo);
	if (r < 0) {
		fend__release(signal);
		return r;
	}
	signal->loop = fend__loop_hold(loop);
	signal->fn = fn;
	signal->data = data;
	signal->signo = signo;
	signal->count = 0u - before;
	list_append(&loop->signals, &signal->link);
	loop->n_signals++;
	*ret_signal = signal;
	return 0;
}

FEND_PUBLIC struct fend_signal *
fend_signal_free(struct fend_signal *signal)
{
	struct fend_loop *loop;

	if (!signal)
		return NULL;
	loop = signal->loop;
	list_remove(&signal->link);
	if (!loop->closed)
		unwatch(loop, signal->signo);
	fend__loop_drop(loop);
	return fend__release(signal);
}

FEND_PUBLIC void
fend_signal_set_name(struct fend_signal *signal, const char *name)
{
	if (signal)
		signal->name = name;
}

FEND_PUBLIC int
fend_signal_signo(const struct fend_signal *signal)
{
	return signal ? signal->signo : -EINVAL;
}

/* Hand what has come in for each signal to all sources that watch it. */
static void
collect(struct fend_loop *loop)
{
	unsigned counts[NSIG] = { 0 };
	struct fend_link *link;
	int signo;

	fend__signal_port_clear(loop->port);
	for (signo = 1; signo < NSIG; signo++)
		counts[signo] = fend__signal_port_take(loop->port, signo);
	for (link = loop->signals.next; link != &loop->signals; link = link->next)
		signal_of(link)->count += counts[signal_of(link)->signo];
}

void
fend__signals_run(struct fend_loop *loop)
{
	struct callback callback;
	struct fend_link batch;

	collect(loop);
	list_init(&batch);
	list_take(&batch, &loop->signals);
	while (!list_is_empty(&batch)) {
		struct fend_signal *signal = signal_of(batch.next);
		unsigned count = signal->count;

		list_remove(&signal->link);
		list_append(&loop->signals, &signal->link);
		signal->count = 0;
		if (count == 0 || fend__loop_is_over(loop))
			continue;
		/* SIGCHLD for the loop's own children is not the user's. */
		loop->stats.signals += signal != loop->sigchld;
		callback_begin(loop, &callback, "signal", signal->name);
		signal->fn(signal, signal->signo, count, signal->data);
		callback_end(loop, &callback);
	}
}

void
fend__signals_close(struct fend_loop *loop)
{
	if (loop->port)
		loop->port = fend__signal_port_close(loop->port);
}
