/* SPDX-License-Identifier: MIT */
#include "operation.h"

#include <errno.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>
#include <fend-internal/public.h>
#include <fend-internal/socket.h>
#include <fend/io.h>
#include <fend/timer.h>

#include "pace.h"

/*
 * What a handshake and a shutdown have in common: they hold the socket's readiness, have a
 * deadline, and call back exactly once.
 *
 * An operation exists from its start to its callback, or until its socket goes. It is released
 * before the callback runs, and nothing is touched after that, so the callback may free the socket,
 * the loop or anything else. A loop that is freed calls nothing any more; the operation then waits
 * for its socket to be freed.
 *
 * An operation that is paced and has to wait for its turn has no interest meanwhile; what it was
 * told is kept for when it goes on.
 */
struct operation {
	struct fend__holder holder;
	struct fend__tls_turn turn;
	struct fend__tls_pace *pace; /* of the loop, or NULL */
	unsigned events;             /* it was told while it waits for its turn */
	struct fend_timer *timer;
	struct fend_socket *socket;
	struct fend__tls_session *session;
	fend__tls_step_fn *step;
	fend_tls_fn *fn;
	void *data;
};

static void
operation_free(struct operation *operation)
{
	fend__tls_turn_drop(&operation->turn);
	operation->timer = fend_timer_free(operation->timer);
	fend__release(operation);
}

/*
 * What an error event is about is found by the step when it receives. If it finds nothing, the
 * event would come again and again, or it says that the kernel refuses to wait.
 */
static int
pending_error(struct fend_socket *socket)
{
	struct msghdr message = { 0 };
	int err = fend_socket_error(socket);
	unsigned i;

	if (err)
		return err;
	/* Timestamps and the like, which the user's options ask for, are no error (socket(7)). */
	for (i = 0; i < FEND__TLS_TURNS; i++)
		if (fend__kernel->recvmsg(fend_socket_fd(socket), &message,
					  MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
	return i > 0 ? 0 : -EIO;
}

/* The user's function may have freed everything when it returns. */
static void
ask(const struct fend__tls_session *session, struct fend_socket *socket)
{
	session->context->hello(socket, session->asked.text, session->context->hello_data);
}

static int
take_step(struct operation *operation, int err, unsigned *interest)
{
	fend_time start;
	int r;

	if (!operation->pace)
		return operation->step(operation->session, err, interest);
	start = fend__kernel->now();
	r = operation->step(operation->session, err, interest);
	fend__tls_pace_spend(operation->pace, fend__kernel->now() - start);
	return r;
}

static void
proceed(struct operation *operation, unsigned events, int err)
{
	struct fend_socket *socket = operation->socket;
	unsigned interest = operation->holder.interest;
	fend_tls_fn *fn = operation->fn;
	void *data = operation->data;
	int r;

	r = take_step(operation, err, &interest);
	if (r == -EAGAIN && events & FEND_ERR) {
		err = pending_error(socket);
		if (err < 0)
			r = operation->step(operation->session, err, &interest);
	}
	fend__tls_buffer_trim(&operation->session->input);
	if (r == -EAGAIN || r == FEND__TLS_HELLO)
		fend__socket_interest(socket, &operation->holder, interest);
	if (r == FEND__TLS_HELLO)
		ask(operation->session, socket);
	if (r == -EAGAIN || r == FEND__TLS_HELLO)
		return;
	operation->session->holder = NULL;
	fend__socket_release(socket, &operation->holder);
	operation_free(operation);
	fn(socket, r, data);
}

static void
on_ready(struct fend__holder *holder, unsigned events)
{
	struct operation *operation = fend__container_of(holder, struct operation, holder);

	if (operation->pace && !fend__tls_pace_admits(operation->pace, &operation->turn)) {
		operation->events = events;
		fend__socket_interest(operation->socket, holder, 0);
		return;
	}
	proceed(operation, events, 0);
}

static void
on_turn(struct fend__tls_turn *turn)
{
	struct operation *operation = fend__container_of(turn, struct operation, turn);

	proceed(operation, operation->events, 0);
}

static void
on_expired(struct fend_timer *timer, uint64_t expirations, void *data)
{
	proceed(data, 0, -ETIMEDOUT);
}

static void
on_gone(struct fend__holder *holder)
{
	operation_free(fend__container_of(holder, struct operation, holder));
}

static const struct fend__holder_ops holder_ops = {
	.ready = on_ready,
	.gone = on_gone,
};

int
fend__tls_operation_start(const struct fend__tls_request *request,
			  struct fend__tls_session *session, fend__tls_step_fn *step,
			  unsigned interest)
{
	struct operation *operation;
	int r;

	if (!request->fn || !fend__timeout_valid(request->timeout))
		return -EINVAL;
	operation = fend__calloc(1, sizeof(*operation));
	if (!operation)
		return -ENOMEM;
	operation->holder.interest = interest;
	operation->holder.ops = &holder_ops;
	operation->socket = request->socket;
	operation->session = session;
	operation->step = step;
	operation->fn = request->fn;
	operation->data = request->data;
	operation->turn.run = on_turn;
	r = fend_timer_new(request->loop, on_expired, operation, &operation->timer);
	if (!r && request->paced)
		r = fend__tls_pace_of(request->loop, &operation->pace);
	if (!r)
		r = fend__socket_hold(request->socket, request->loop, &operation->holder, true);
	if (r < 0) {
		operation_free(operation);
		return r;
	}
	session->holder = &operation->holder;
	fend_timer_after(operation->timer, request->timeout);
	return 0;
}
