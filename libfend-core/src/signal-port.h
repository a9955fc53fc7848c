/* SPDX-License-Identifier: MIT */
#ifndef FEND_SIGNAL_PORT_H
#define FEND_SIGNAL_PORT_H

#include <signal.h>
#include <stdbool.h>

struct fend_loop;

/* One more than the highest number, which POSIX.1-2008 does not tell. */
#ifndef NSIG
#define NSIG 65
#endif

/* Where the process's signal handler leaves word for one loop. */
struct signal_port;

int fend__signal_port_open(struct fend_loop *loop, struct signal_port **ret_port);
/* After it returns no handler touches the loop. All watches are taken back. NULL. */
struct signal_port *fend__signal_port_close(struct signal_port *port);

/* Installs the handler for signo unless it is there. */
int fend__signal_port_watch(struct signal_port *port, int signo);
/* Puts the old disposition back if it was the process's last. */
void fend__signal_port_unwatch(struct signal_port *port, int signo);

bool fend__signal_port_pending(struct signal_port *port);
/* Begin to collect: what comes after this is pending again. */
void fend__signal_port_clear(struct signal_port *port);
/* How often signo has come since the last call. */
unsigned fend__signal_port_take(struct signal_port *port, int signo);
/* What that would be now for the sources that watch signo; 0 if none does. */
unsigned fend__signal_port_count(struct signal_port *port, int signo);

#endif
