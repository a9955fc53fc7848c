/* SPDX-License-Identifier: MIT */
#include "operation.h"

#include <errno.h>

#include <fend-internal/public.h>
#include <fend-internal/socket.h>
#include <fend/io.h>

/*
 * The orderly end as an operation: our close_notify and FIN leave at once if there is room, then
 * the peer's close_notify is waited for, and all data before it is dropped. Closing while the
 * peer's data is unread would make the kernel send RST, which may destroy what the peer has not
 * read yet of ours.
 *
 * Once the peer's close_notify is there, only our own output may be left to wait for. A session
 * that has ended is always readable, so the operation must not wait for that then.
 */
static int
drop(struct fend__tls_session *session, unsigned *interest)
{
	unsigned char dropped[4096];
	unsigned turn;
	ssize_t n = 1;

	fend__tls_buffer_clear(&session->plain);
	for (turn = 0; turn < FEND__TLS_TURNS && n > 0; turn++)
		n = fend__tls_read(session, dropped, sizeof(dropped));
	if (n > 0) {
		session->untried = true;
		return -EAGAIN;
	}
	if (n < 0)
		return (int)n;
	if (session->write_error || session->finished)
		return session->write_error;
	*interest = FEND_OUT;
	return -EAGAIN;
}

static int
step(struct fend__tls_session *session, int err, unsigned *interest)
{
	int r = err ? err : drop(session, interest);

	session->ending = r == -EAGAIN;
	return r;
}

FEND_PUBLIC int
fend_tls_shutdown(struct fend_socket *socket, struct fend_loop *loop, fend_time timeout,
		  fend_tls_fn *fn, void *data)
{
	const struct fend__tls_request request = { socket, loop, timeout, fn, data };
	struct fend__tls_session *session;
	int r;

	r = fend__tls_session_check(socket, loop, &session);
	if (r < 0)
		return r;
	if (session->state == FEND__TLS_HANDSHAKE)
		return -EBUSY;
	if (session->state != FEND__TLS_OPEN)
		return -ENOTCONN;
	r = fend__tls_operation_start(&request, session, step, FEND_IN);
	if (r < 0)
		return r;
	session->ending = true;
	fend__tls_close(session); /* an error is kept, and told by step */
	fend__socket_changed(socket);
	return 0;
}
