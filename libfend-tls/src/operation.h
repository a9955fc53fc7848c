/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_OPERATION_H
#define FEND_TLS_SRC_OPERATION_H

#include "session.h"

/*
 * Go on with an operation, or give it up because of err unless that is 0. Returns 0 when it is
 * done, -EAGAIN when it waits, FEND__TLS_HELLO when the user is to be asked, else why it failed.
 * *interest is what it waits for, IN or OUT; it may be changed.
 */
typedef int fend__tls_step_fn(struct fend__tls_session *session, int err, unsigned *interest);

/* What the caller of fend_tls_handshake() or _shutdown() said. */
struct fend__tls_request {
	struct fend_socket *socket;
	struct fend_loop *loop;
	fend_time timeout;
	fend_tls_fn *fn;
	void *data;
	bool paced; /* its steps are work, which takes turns with that of others (pace.h) */
};

/*
 * Hold the socket and call step from the loop, whenever its interest is ready, until it has ended;
 * then call fn. Nothing is called before this returns. Errors of fend__socket_hold(); -EINVAL: no
 * fn or no such timeout.
 */
int fend__tls_operation_start(const struct fend__tls_request *request,
			      struct fend__tls_session *session, fend__tls_step_fn *step,
			      unsigned interest);

#endif
