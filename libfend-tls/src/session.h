/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_SRC_SESSION_H
#define FEND_TLS_SRC_SESSION_H

#include "buffer.h"
#include "context.h"
#include "name.h"

#include <fend-internal/socket.h>
#include <fend/layer.h>

enum fend__tls_state {
	FEND__TLS_NEW,       /* wrapped */
	FEND__TLS_HANDSHAKE, /* it runs */
	FEND__TLS_OPEN,      /* it succeeded */
	FEND__TLS_FAILED,    /* it did not */
};

/* Who answers a client's hello. */
enum fend__tls_hello {
	FEND__TLS_UNASKED,  /* nobody, or nobody yet */
	FEND__TLS_ASKED,    /* the user, who has not done so yet */
	FEND__TLS_ANSWERED, /* the user has */
	FEND__TLS_REFUSED,  /* so */
};

/* TLS on one socket: the layer. session.c has the model. */
struct fend__tls_session {
	struct fend_tls_context *context; /* a reference */
	void *implementation;             /* the provider's session */
	struct fend_below *below;
	struct fend__tls_name name; /* of a client */
	enum fend__tls_state state;
	enum fend__tls_hello hello;
	const struct fend__tls_psk *psk; /* of the context: the client's */
	struct fend__tls_name asked;     /* what the client asks for; kept while hello is ASKED */
	struct fend__holder *holder;     /* of the operation that runs */

	struct fend__tls_buffer input;  /* received, not yet pulled */
	struct fend__tls_buffer output; /* pushed, not yet sent */
	struct fend__tls_buffer plain;  /* decrypted for a peek, not yet received */

	bool agreed;         /* the handshake is done, but for what is yet to leave */
	bool blocked;        /* pull had nothing in this turn */
	bool drained;        /* below gave less than was asked for, so there is no more now */
	bool untried;        /* the provider may find something without more input */
	unsigned char heard; /* of the first two bytes, how many were received */
	bool foreign;        /* and they are not how TLS begins */
	bool input_ended;    /* end of file below */
	bool ended;    /* recv returns 0: close_notify, or end of file where that is allowed */
	bool closing;  /* close_notify is pushed; FIN follows when output is empty */
	bool finished; /* FIN was sent */
	bool last;     /* what is pushed ends a send: it goes at once, with what is held */
	bool deaf;     /* SHUT_RD */
	bool ending;   /* fend_tls_shutdown() runs, and reads whatever the user has shut */
	fend_time rekeyed_since; /* when the peer's last updates of its keys began to be counted */
	unsigned rekeyed;        /* how many there were */
	unsigned record;         /* plaintext that fits into one, as far as is known */
	unsigned
		fruitless; /* bytes pulled since the handshake began, or since the last plaintext */

	int input_error; /* what receiving below failed with, to be judged */
	int read_error;  /* recv returns it for ever */
	int write_error; /* send returns it for ever */
	struct fend_tls_error error;
	char *error_text; /* what error.text points to, if that had to be allocated */
};

extern const struct fend_layer_ops fend__tls_layer;

/* Release a session that is on no socket. Returns NULL. */
struct fend__tls_session *fend__tls_session_free(struct fend__tls_session *session);

/* The TLS on socket, or NULL. */
struct fend__tls_session *fend__tls_session_of(const struct fend_socket *socket);
/* The same at the start of an operation: 0, -EINVAL without TLS, -ESHUTDOWN, -ECHILD. */
int fend__tls_session_check(const struct fend_socket *socket, const struct fend_loop *loop,
			    struct fend__tls_session **ret_session);

/*
 * Latch the error that ends the connection, the first and last one, and let the alert leave that
 * the provider has pushed. Returns failure->err.
 */
int fend__tls_session_fail(struct fend__tls_session *session,
			   const struct fend__tls_failure *failure);

/*
 * A server whose context has somebody to be asked: 0 to go on with the handshake, -EAGAIN to wait,
 * FEND__TLS_HELLO to ask now, or why it failed, with the failure filled in.
 */
int fend__tls_hello_step(struct fend__tls_session *session, struct fend__tls_failure *failure);
#define FEND__TLS_HELLO 1

/* What the client's pre-shared key is called, or NULL. */
const char *fend__tls_identity(const struct fend__tls_session *session);

/* The provider need not be asked any more then. */
bool fend__tls_rekeys_too_often(const struct fend__tls_session *session);

/* Receive into the input buffer, without giving it to the provider. As recv. */
ssize_t fend__tls_fill(struct fend__tls_session *session);

/* Send what is held. 0: nothing is left; -EAGAIN: something is; else the write error. */
int fend__tls_flush(struct fend__tls_session *session);

/* Judge what below said when pull had nothing: -EAGAIN, or -errno with the failure filled in. */
int fend__tls_judge_input(struct fend__tls_session *session, struct fend__tls_failure *failure);

/* Plaintext of one record: bytes, 0 at the end, -EAGAIN, or the connection's error. */
ssize_t fend__tls_read(struct fend__tls_session *session, void *buffer, size_t size);

/* Send iov, total bytes, as records: how many bytes of it were taken, or -errno. */
ssize_t fend__tls_write(struct fend__tls_session *session, const struct iovec *iov, int n,
			size_t total);

/* Push close_notify, once, and send it and FIN when possible. 0 or the write error. */
int fend__tls_close(struct fend__tls_session *session);

/* How often a provider is called without result before others get their turn. */
#define FEND__TLS_TURNS 32

#endif
