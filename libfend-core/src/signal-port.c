/* SPDX-License-Identifier: MIT */
/*
 * From a signal handler to loops.
 *
 * A handler runs at any moment on any thread, so it may take no lock and follow no pointer that
 * could be freed under it. Ports are therefore kept in a list that only ever grows at its head: a
 * port that is closed stays there for the next loop that wants one. While the handler looks at a
 * port it counts itself in busy; closing takes the loop out of the port and then waits for that
 * count to fall to zero, which takes as long as another thread needs for the few lines in between.
 *
 * The table of what is installed is changed under a lock, which the handler never takes. After a
 * fork the child inherits handler, table and ports; the ports are the parent's loops' then, which
 * the handler in the child leaves alone, and dispositions are left as they are.
 */
#include "signal-port.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include <fend-internal/kernel.h>
#include <fend-internal/loop.h>

#include "loop.h"

struct signal_port {
	struct signal_port *next; /* never changes once the port is in the list */
	_Atomic(struct fend_loop *) loop;
	atomic_uint busy;
	atomic_bool pending;
	atomic_uint watches[NSIG]; /* sources of this loop for each signal */
	atomic_uint counts[NSIG];
	bool used;
};

static struct {
	pthread_mutex_t lock;
	sigset_t mask; /* of who holds the lock, before he took it */
	struct {
		unsigned watches; /* of all ports */
		struct sigaction old;
	} signals[NSIG];
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Atomic(struct signal_port *) ports;

static void
handle(int signo)
{
	struct signal_port *port;
	int saved = errno;

	for (port = atomic_load(&ports); port; port = port->next) {
		struct fend_loop *loop;

		atomic_fetch_add(&port->busy, 1);
		loop = atomic_load(&port->loop);
		if (loop && atomic_load(&port->watches[signo]) && loop->owner == fend__process()) {
			atomic_fetch_add(&port->counts[signo], 1);
			atomic_store(&port->pending, true);
			fend__loop_wake(loop);
		}
		atomic_fetch_sub(&port->busy, 1);
	}
	errno = saved;
}

/* With all signals blocked, since a handler of the user's may fork, which takes the lock as well. */
static void
lock(void)
{
	sigset_t all, before;

	sigfillset(&all);
	fend__kernel->set_signal_mask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&table.lock);
	table.mask = before;
}

static void
unlock(void)
{
	sigset_t mask = table.mask;

	pthread_mutex_unlock(&table.lock);
	fend__kernel->set_signal_mask(SIG_SETMASK, &mask, NULL);
}

/*
 * A child has none of the threads that were in the handler at the moment of the fork, and none of
 * the loops that watch. What is installed stays, until the child's own sources come and go.
 */
static void
start_child(void)
{
	struct signal_port *port;
	int signo;

	for (port = atomic_load(&ports); port; port = port->next)
		atomic_store(&port->busy, 0);
	for (signo = 1; signo < NSIG; signo++)
		table.signals[signo].watches = 0;
	unlock();
}

/* Nor the thread that may have held the lock, so it is taken before. */
static void
survive_fork(void)
{
	pthread_atfork(lock, unlock, start_child);
}

int
fend__signal_port_open(struct fend_loop *loop, struct signal_port **ret_port)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct signal_port *port;

	pthread_once(&once, survive_fork);
	lock();
	for (port = atomic_load(&ports); port && port->used; port = port->next)
		;
	if (!port) {
		port = fend__calloc(1, sizeof(*port));
		if (!port) {
			unlock();
			return -ENOMEM;
		}
		port->next = atomic_load(&ports);
		atomic_store(&ports, port);
	}
	port->used = true;
	unlock();
	atomic_store(&port->loop, loop);
	*ret_port = port;
	return 0;
}

/* Is this process the one that the port's loop was made in? */
static bool
is_ours(struct signal_port *port)
{
	return atomic_load(&port->loop)->owner == fend__process();
}

/* POSIX leaves it to systems whether handlers can have a stack of their own. */
#ifndef SA_ONSTACK
#define SA_ONSTACK 0
#endif

static int
install(int signo)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct sigaction old;
	int r;

	sigfillset(&action.sa_mask);
	r = fend__kernel->sigaction(signo, &action, &old);
	if (r < 0)
		return r;
	/* If the handler was there, from another source or the parent, what it replaced is known. */
	if ((old.sa_flags & SA_SIGINFO) || old.sa_handler != handle)
		table.signals[signo].old = old;
	return 0;
}

static void
restore(int signo)
{
	struct sigaction now;

	if (fend__kernel->sigaction(signo, NULL, &now) < 0)
		return;
	if (!(now.sa_flags & SA_SIGINFO) && now.sa_handler == handle)
		fend__kernel->sigaction(signo, &table.signals[signo].old, NULL);
}

/* The source counts before the handler is there, so that nothing falls in between. */
int
fend__signal_port_watch(struct signal_port *port, int signo)
{
	int r;

	lock();
	if (atomic_load(&port->watches[signo]) == 0)
		atomic_store(&port->counts[signo], 0);
	atomic_fetch_add(&port->watches[signo], 1);
	/* Each time: somebody may have put something else in its place. */
	r = install(signo);
	if (r < 0)
		atomic_fetch_sub(&port->watches[signo], 1);
	else
		table.signals[signo].watches++;
	unlock();
	return r;
}

void
fend__signal_port_unwatch(struct signal_port *port, int signo)
{
	lock();
	atomic_fetch_sub(&port->watches[signo], 1);
	if (is_ours(port) && --table.signals[signo].watches == 0)
		restore(signo);
	unlock();
}

struct signal_port *
fend__signal_port_close(struct signal_port *port)
{
	int signo;

	for (signo = 1; signo < NSIG; signo++)
		while (atomic_load(&port->watches[signo]) > 0)
			fend__signal_port_unwatch(port, signo);
	atomic_store(&port->loop, NULL);
	while (atomic_load(&port->busy) > 0)
		sched_yield();
	atomic_store(&port->pending, false);
	lock();
	port->used = false;
	unlock();
	return NULL;
}

bool
fend__signal_port_pending(struct signal_port *port)
{
	return atomic_load(&port->pending);
}

void
fend__signal_port_clear(struct signal_port *port)
{
	atomic_store(&port->pending, false);
}

unsigned
fend__signal_port_take(struct signal_port *port, int signo)
{
	return atomic_exchange(&port->counts[signo], 0);
}

unsigned
fend__signal_port_count(struct signal_port *port, int signo)
{
	return atomic_load(&port->watches[signo]) ? atomic_load(&port->counts[signo]) : 0;
}
