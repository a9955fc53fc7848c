/* SPDX-License-Identifier: MIT */
#ifndef FEND_TLS_H
#define FEND_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <fend/net.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * TLS 1.2 and 1.3 (RFC 5246, RFC 8446) on a socket of libfend-net.
 *
 * Make a context from parameters, wrap a connected socket with it, run the handshake; from then on
 * fend_socket_recv(), _send(), _watch() and the rest carry plaintext. Which TLS library does the
 * work is chosen when fend is built and shows nowhere but in fend_tls_get(FEND_TLS_PROVIDER).
 *
 * Secure unless told otherwise: a client verifies the server's chain against the system's trust
 * and the server's name against the certificate's subjectAltName (RFC 9525: without the fall-back
 * to the common name); no version below 1.2, no compression, no renegotiation, no 0-RTT; of TLS
 * 1.2 only ECDHE with AEAD ciphers. Where there are no certificates, both sides may know a key
 * beforehand instead (struct fend_tls_psk). docs/tls-luasec.md says what LuaSec has and this has
 * not.
 */

/* Immutable once made, reference-counted, and to be shared by sockets of any loop and thread. */
struct fend_tls_context;

enum fend_tls_mode {
	FEND_TLS_CLIENT = 1,
	FEND_TLS_SERVER,
};

enum fend_tls_version {
	FEND_TLS_VERSION_DEFAULT, /* as minimum: 1.2; as maximum: 1.3 */
	FEND_TLS_1_2,
	FEND_TLS_1_3,
};

enum fend_tls_verify {
	FEND_TLS_VERIFY_DEFAULT,  /* a client: REQUIRE; a server: NONE */
	FEND_TLS_VERIFY_NONE,     /* take any certificate, and check no name */
	FEND_TLS_VERIFY_OPTIONAL, /* server: ask; a certificate that is sent must be valid */
	FEND_TLS_VERIFY_REQUIRE,  /* no connection without a valid certificate of the peer */
};

enum fend_tls_flag {
	FEND_TLS_ALLOW_TRUNCATION = 1 << 0, /* end of file without close_notify reads as 0 */
	FEND_TLS_ALPN_OPTIONAL = 1 << 1,    /* no protocol in common: go on without one */
	FEND_TLS_NO_NAME_CHECK = 1 << 2,    /* client: the chain alone; needs trust or pins */
	FEND_TLS_NO_TICKETS = 1 << 3,       /* nothing is given, or kept, to resume a connection */
	FEND_TLS_REQUIRE_STAPLE = 1 << 4,   /* client: the server must send an OCSP response */
};

/* Files in PEM form: a chain with the leaf first, its private key, and what decrypts the key. */
struct fend_tls_keypair {
	const char *certificate;
	const char *key;
	const char *password; /* NULL: the key is not encrypted, or fend_tls_password_fn knows */

	/*
	 * An OCSP response about the certificate, in DER form, which a server sends as it is to
	 * clients that ask for it (RFC 6066, section 8): the staple. It gets old within days, and
	 * has to be replaced before, by another context. NULL: none.
	 */
	const char *staple;
};

/* Bytes that a password may have. */
#define FEND_TLS_PASSWORD_MAX 1023

/*
 * The key in this file is encrypted: write the password into buffer, without a NUL, and return its
 * size, or -errno, which fend_tls_context_new() then returns. It is the one function that is called
 * inside the call that it is given to, on that thread, and at most once for each key. buffer is
 * wiped after use.
 */
typedef ssize_t fend_tls_password_fn(const char *key, char *buffer, size_t size, void *data);

/* A public key: SHA-256 of the SubjectPublicKeyInfo in DER form, as in RFC 7469, section 2.4. */
struct fend_tls_pin {
	unsigned char sha256[32];
};

/*
 * A key that both sides know beforehand, and what it is called (RFC 4279; RFC 8446, section
 * 4.2.11). The identity is sent in the clear. A key is random bytes and not a password, which
 * whoever has watched or tried one handshake could guess (RFC 9257, section 4.2).
 */
struct fend_tls_psk {
	const char *identity; /* 1 to 128 bytes */
	const void *key;
	size_t key_size; /* 16 to 64 */
};

/*
 * A client has said hello, and asks for name (NULL: for none). The handshake waits, as long as its
 * deadline lets it, for fend_tls_answer(), here or later. Called from the loop, once per handshake;
 * it may free the socket. name lives until it returns.
 */
typedef void fend_tls_hello_fn(struct fend_socket *socket, const char *name, void *data);

/* All strings and arrays are copied or read while the context is made. */
struct fend_tls_params {
	size_t size; /* sizeof(struct fend_tls_params) */
	enum fend_tls_mode mode;
	enum fend_tls_version protocol_min, protocol_max;
	enum fend_tls_verify verify;
	unsigned flags; /* of enum fend_tls_flag */
	int depth;      /* intermediates a peer may send, at most 14; 0: 8 */

	/*
	 * Certificates to trust, in PEM form: a file, a directory of files, of which those count
	 * that are regular and hold some, whatever they are called. Both NULL: the system's, which
	 * are loaded when a context that wants them is used first, for all of them together, and go
	 * with the last. A server that verifies its clients must name one: the system's say nothing
	 * about who may be a client.
	 */
	const char *cafile, *capath;

	/*
	 * What to present; a server without psks needs one. It presents those with the name that
	 * the client asks for in subjectAltName, else those with a wildcard for it in place of the
	 * first label, else, and to clients that ask for none, the first ones. Among them may be
	 * one for each type of key: it takes one that the client can verify, of an elliptic curve
	 * if possible. A client's must differ in key type. Of one that would never be presented,
	 * since those before it have the same names and type, -EINVAL says so.
	 *
	 * A client that verifies asks for a staple, and what is sent must be good: signed by the
	 * certificate's issuer, or by whom that has appointed for it (not with RSASSA-PSS, which
	 * GnuTLS does not know there), about this certificate, and current (a clock may be wrong by
	 * five minutes; what does not say when the next one comes is current for a day). There must
	 * be one if the certificate says so (RFC 7633), or with FEND_TLS_REQUIRE_STAPLE. A resumed
	 * connection has none: it was looked at when it was new.
	 */
	const struct fend_tls_keypair *certificates;
	size_t certificates_count;

	/*
	 * Application protocols (RFC 7301), most wanted first; a server's order decides. With none
	 * in common, be it that the peer has none at all, the handshake fails unless
	 * FEND_TLS_ALPN_OPTIONAL. At most 8, of at most 32 bytes.
	 */
	const char *const *alpn;
	size_t alpn_count;

	/*
	 * What may protect records and agree on keys, most wanted first; a server's order decides.
	 * ciphers: some of "AES-256-GCM:CHACHA20-POLY1305:AES-128-GCM", which is the default, for
	 * both versions. groups: some of X25519, X448, P-256, P-384 and P-521;
	 * "X25519:P-256:P-384" is the default. There is nothing weaker to be chosen. In TLS 1.2 the
	 * groups are also the curves that certificates may be on (RFC 8422, section 5.1.1), though
	 * GnuTLS does not insist.
	 */
	const char *ciphers, *groups;

	/*
	 * The peer's certificate must have one of these keys, whatever else is verified; with
	 * FEND_TLS_VERIFY_NONE a client checks nothing else.
	 */
	const struct fend_tls_pin *pins;
	size_t pins_count;

	/*
	 * Lists of what was revoked (RFC 5280), in PEM form. With them every certificate of a chain
	 * but the last needs a valid one of its issuer. Without, nothing is known to be revoked.
	 */
	const char *crlfile;

	/*
	 * Server: 32 bytes, known to nobody else, that its session tickets are protected with.
	 * Servers that share them, demand the same of clients and have the same FEND_TLS_PROVIDER
	 * resume each other's connections; the keys made of them change with time. NULL: random
	 * ones, for this context alone. A ticket is good for two hours. To change them, make
	 * another context.
	 */
	const unsigned char *ticket_secret;

	/* Server: who chooses a context for each client; NULL: this one is for all. */
	fend_tls_hello_fn *hello;
	void *hello_data;

	/*
	 * A file to which the secrets of all connections are appended, for whoever is to decrypt a
	 * recording of them (the format of NSS, which Wireshark reads). If there is none it is
	 * made, to be read by its owner alone; one that is there keeps its mode. A line that cannot
	 * be written is told to the log (<fend/log.h>), and the connection goes on. NULL: none. The
	 * environment is not asked, but a program may: secure_getenv("SSLKEYLOGFILE").
	 */
	const char *keylog;

	/*
	 * Pre-shared keys: a client's own, and only that; a server's, one for each client, of which
	 * the first counts that has an identity. Both sides are known by them, so there is nothing
	 * else: no certificates, nothing to verify them with, and no tickets. A server that has
	 * both kinds of clients keeps two contexts, and lets hello choose. The key exchange is by
	 * groups all the same, so who learns a key later cannot decrypt what was recorded.
	 *
	 * Of ciphers AES-256-GCM is left out, which goes with SHA-384: a key is for SHA-256. TLS
	 * 1.2 has CHACHA20-POLY1305 alone (RFC 7905), and is not spoken if ciphers lack it.
	 *
	 * A client whose identity is unknown, as is any with a NUL in it, is refused like one with
	 * the wrong key, by the same alert at the same moment, and a server looks at all its keys
	 * for each: nobody can tell which identities exist. They are copied, and wiped when the
	 * context is freed. To change them, make another context.
	 */
	const struct fend_tls_psk *psks;
	size_t psks_count;

	/*
	 * Server with pre-shared keys: what it tells clients with TLS 1.2, so that they can choose
	 * an identity (RFC 4279, section 5.2), at most 128 bytes. A client of fend has only one.
	 */
	const char *psk_hint;

	/* Who is asked for passwords of keys that have none given with them; NULL: nobody. */
	fend_tls_password_fn *password;
	void *password_data;
};

/*
 * Make a context. On failure *ret_reason (unless ret_reason is NULL) is one line that names the
 * parameter and the cause, to be freed with fend_free(), or NULL if there was no memory for it.
 *   -EINVAL   parameters that contradict each other
 *   -E2BIG    params hold a field that this version of fend does not know
 *   -ENOENT -EACCES ...   a file cannot be read
 *   -EBADMSG  a file is not what it should be: no PEM, no certificate in it, wrong password
 *   -EKEYREJECTED  certificate and key, or certificate and staple, do not belong together
 *   -ENOTSUP  this provider cannot do it
 *   -ENOMEM, and what the fend_tls_password_fn returns
 */
int fend_tls_context_new(const struct fend_tls_params *params, char **ret_reason,
			 struct fend_tls_context **ret_context);

/* [any thread] _ref returns its argument, _unref NULL; both take NULL. */
struct fend_tls_context *fend_tls_context_ref(struct fend_tls_context *context);
struct fend_tls_context *fend_tls_context_unref(struct fend_tls_context *context);

/*
 * Put TLS on a connected stream socket. It takes a reference of its own to context. name is what a
 * client demands of the certificate: a host name (at most 253 bytes, ASCII; one trailing dot is
 * ignored; sent to the server as SNI) or an IP address literal (never sent). A client's name may
 * be NULL only if the context does not check names; a server's must be.
 *   -EINVAL    no name, an empty one, one that starts with a dot or is no host name
 *   -EALREADY  there is TLS on this socket
 *   -EBUSY     something other than a watch holds the socket
 *   -ENOMEM    also for the system's trust
 *
 * Until the handshake has started recv and send are -ENOTCONN, then -EAGAIN until it has ended;
 * after it failed they return its error for ever.
 *
 * Then, through TLS: recv returns 0 only after the peer's close_notify, and -EBADMSG when the
 * connection ended without one, which may be an attacker's truncation. A receive error of the
 * record layer is -EPROTO, and final. A client whose certificate the server refuses learns that in
 * TLS 1.3 from its first recv, after a handshake that succeeded. fend_socket_shutdown(SHUT_WR)
 * sends close_notify and then FIN; receiving goes on, as does sending after the peer's
 * close_notify. fend_socket_free() sends close_notify as well, if there is room for it. A peek sees
 * 16 KiB at most.
 */
int fend_tls_wrap(struct fend_socket *socket, struct fend_tls_context *context, const char *name);

/* err: 0 or -errno; fend_tls_error() tells more. The callback may free the socket. */
typedef void fend_tls_fn(struct fend_socket *socket, int err, void *data);

/*
 * Run the handshake, until all that it takes is sent and received. fn is called exactly once, from
 * the loop, never before this returns, unless the socket or the loop is freed before. On failure
 * the socket is good for nothing but freeing; an alert was sent, the one that RFC 8446, section
 * 6.2, has for the reason, except to a peer that had sent one itself, was gone or was too slow.
 * (Once records are encrypted OpenSSL lets nobody choose: a client that resumes a connection and is
 * offered no application protocol may say unexpected_message or bad_record_mac.) A watch is
 * suspended meanwhile and resumes before fn is called.
 *   0          fn will be called
 *   -EINVAL    no TLS on this socket, or another loop
 *   -EBUSY     something other than a watch holds the socket
 *   -EALREADY  it ran before
 * In fn, err is
 *   -ETIMEDOUT     not done in time
 *   -EPROTO        the protocol failed: no common version, cipher or ALPN; an alert from the peer
 *   -EKEYREJECTED  the certificate is missing or not acceptable: unknown issuer, wrong name, ...;
 *                  the peer's pre-shared key is unknown or wrong
 *   -EKEYEXPIRED   it is expired or not yet valid
 *   -EKEYREVOKED   it is revoked
 *   -EBADMSG       the peer closed the connection
 *   -ECONNRESET, -EPIPE, ...  the socket failed
 */
int fend_tls_handshake(struct fend_socket *socket, struct fend_loop *loop, fend_time timeout,
		       fend_tls_fn *fn, void *data);

/*
 * How much time per iteration of the loop the handshakes on it may take together, clients' and
 * servers', so that a storm of them does not hold up connections that are established. Once it is
 * spent the others go on in the next iterations, in the order in which they became ready; their
 * deadlines run meanwhile. There is always time for one step, which may take longer: up to some
 * milliseconds, where a server signs with RSA. 0: the default, 2 ms; FEND_FOREVER: no limit.
 *   -EINVAL  no loop, or no such time
 *   -ENOMEM
 */
int fend_tls_set_handshake_time(struct fend_loop *loop, fend_time time);

/*
 * Let a handshake go on that has called a fend_tls_hello_fn, with all that this context says, to
 * which it takes a reference of its own; NULL: refuse the client, which gets the alert
 * unrecognized_name, and fail with -EPROTO.
 *   -EINVAL  no TLS on this socket, nothing to be answered, or a client's context
 *   -ENOMEM  it can be tried again
 */
int fend_tls_answer(struct fend_socket *socket, struct fend_tls_context *context);

/*
 * Send close_notify and FIN, then wait for the peer's close_notify; what the peer sends before
 * it is dropped. The same rules for fn as for fend_tls_handshake(); its err is 0, -ETIMEDOUT,
 * -EBADMSG (end of file without close_notify), or the error that ended the connection.
 *   0          fn will be called
 *   -EINVAL    no TLS on this socket, or another loop
 *   -EBUSY     a handshake, or something other than a watch, holds the socket
 *   -ENOTCONN  no handshake has succeeded
 */
int fend_tls_shutdown(struct fend_socket *socket, struct fend_loop *loop, fend_time timeout,
		      fend_tls_fn *fn, void *data);

/* What is wrong with a peer's certificate, or with its chain. */
enum fend_tls_fault {
	FEND_TLS_FAULT_MISSING = 1 << 0, /* there is none */
	FEND_TLS_FAULT_REVOKED = 1 << 1,
	FEND_TLS_FAULT_UNKNOWN_ISSUER = 1 << 2, /* nobody who is trusted has issued it */
	FEND_TLS_FAULT_ISSUER_IS_NO_CA = 1 << 3,
	FEND_TLS_FAULT_SIGNATURE = 1 << 4,  /* it is wrong */
	FEND_TLS_FAULT_CONSTRAINT = 1 << 5, /* an issuer was not allowed to issue it */
	FEND_TLS_FAULT_EXTENSION = 1 << 6,  /* a critical one is unknown */
	FEND_TLS_FAULT_STATUS = 1 << 7,     /* the staple is not valid, or knows nothing */
	FEND_TLS_FAULT_WEAK = 1 << 8,       /* less than 112 bits of security */
	FEND_TLS_FAULT_PURPOSE = 1 << 9,    /* made for another use */
	FEND_TLS_FAULT_NOT_YET_VALID = 1 << 10,
	FEND_TLS_FAULT_EXPIRED = 1 << 11,
	FEND_TLS_FAULT_NAME = 1 << 12,         /* not the name that was asked for */
	FEND_TLS_FAULT_CHAIN_LENGTH = 1 << 13, /* more certificates than allowed */
	FEND_TLS_FAULT_PIN = 1 << 14,          /* its key is none of the pins */
	FEND_TLS_FAULT_CRL = 1 << 15,          /* no valid list of what its issuer has revoked */
	FEND_TLS_FAULT_OTHER = 1 << 16,
	FEND_TLS_FAULT_STAPLE_MISSING = 1 << 17, /* there is none, but has to be */
	FEND_TLS_FAULT_STAPLE_EXPIRED = 1 << 18, /* it is not of today */
};

struct fend_tls_error {
	int err;          /* -errno; 0: nothing has failed */
	int alert;        /* the alert's number (RFC 8446, section 6), or -1 */
	bool from_peer;   /* the alert came from the peer */
	const char *text; /* one line: "certificate expired", "peer sent alert handshake_failure" */
	unsigned faults;  /* of enum fend_tls_fault: all that were found in the certificate */
};

/*
 * The first error of the connection, except that one of sending gives way to what is received
 * after it, which may be the alert that explains it. Lives as long as the socket. NULL: no TLS on
 * it.
 */
const struct fend_tls_error *fend_tls_error(const struct fend_socket *socket);

enum fend_tls_item {
	FEND_TLS_PROTOCOL, /* "TLSv1.2", "TLSv1.3" */
	FEND_TLS_CIPHER,   /* IANA name: "TLS_AES_128_GCM_SHA256" */
	FEND_TLS_GROUP,    /* "X25519", "P-256", "P-384", ... */
	FEND_TLS_ALPN,     /* the protocol agreed on */
	FEND_TLS_SNI,      /* the name the client asked for */
	FEND_TLS_PROVIDER, /* "gnutls 3.7.9", "openssl 3.0.22"; socket may be NULL */
	FEND_TLS_IDENTITY, /* of the client's pre-shared key, on both sides */
};

/*
 * What was agreed on; NULL if nothing was, before the handshake succeeded, or without TLS. Lives as
 * long as the socket.
 */
const char *fend_tls_get(const struct fend_socket *socket, enum fend_tls_item item);

/*
 * The peer's certificate (n 0) and what was sent with it, in DER form. *ret_der lives as long as
 * the socket. A resumed connection has the peer's own at most.
 *   -EINVAL -ENOTCONN  no TLS on this socket; no handshake has succeeded
 *   -ENOENT            there are not so many
 *   -ENOMEM
 */
int fend_tls_peer_certificate(const struct fend_socket *socket, unsigned n, const void **ret_der,
			      size_t *ret_size);

/*
 * Client: the OCSP response that the server has sent, in DER form; with FEND_TLS_VERIFY_NONE nobody
 * has looked at it. *ret_der lives as long as the socket.
 *   -EINVAL -ENOTCONN  no TLS on this socket, or a server's; no handshake has succeeded
 *   -ENOENT            there is none, as when the connection was resumed
 */
int fend_tls_staple(const struct fend_socket *socket, const void **ret_der, size_t *ret_size);

/*
 * Keys for another protocol, the same on both sides (RFC 5705; RFC 8446, section 7.5). context may
 * be NULL, which TLS 1.2 tells from an empty one. Errors as above, and
 *   -EINVAL  no or an empty label, key_size 0 or more than 4096, context_size more than 4096
 *   -ENOTSUP the provider cannot do it
 */
int fend_tls_export(const struct fend_socket *socket, const char *label, const void *context,
		    size_t context_size, void *ret_key, size_t key_size);

/*
 * The newest of what the server has given to resume this connection, to be freed with fend_free().
 * It is there once something was received after the handshake, in TLS 1.3, and should be used once.
 * Keep it as secret as a password.
 *   -EINVAL -ENOTCONN  no TLS on this socket, or a server's; no handshake has succeeded
 *   -ENOENT            there is none yet, or FEND_TLS_NO_TICKETS
 *   -ENOMEM
 */
int fend_tls_session(const struct fend_socket *socket, void **ret_data, size_t *ret_size);

/*
 * Try to resume a connection, instead of verifying the server's certificate again; if the server
 * will not, there is an ordinary handshake. Call it before that.
 *   -EINVAL    no TLS on this socket, or a server's; size 0
 *   -EALREADY  the handshake has started
 *   -ESTALE    data is not of a connection to this name, with such a context and this provider
 *   -ENOMEM
 */
int fend_tls_set_session(struct fend_socket *socket, const void *data, size_t size);

/* Was the connection resumed? false without TLS. */
bool fend_tls_is_resumed(const struct fend_socket *socket);

enum fend_tls_binding {
	FEND_TLS_BINDING_EXPORTER,  /* "tls-exporter" (RFC 9266), 32 bytes */
	FEND_TLS_BINDING_END_POINT, /* "tls-server-end-point" (RFC 5929), 32 to 64 bytes */
};

/*
 * What binds an authentication above TLS to this connection. Returns the number of bytes. Errors as
 * above, and
 *   -EINVAL  no such binding
 *   -ENOBUFS size is less than that
 *   -ENOTSUP no such binding here: the exporter's needs TLS 1.3 or an extended master secret, the
 *            other a certificate of the server
 */
ssize_t fend_tls_binding(const struct fend_socket *socket, enum fend_tls_binding binding,
			 void *ret_data, size_t size);

#ifdef __GNUC__
static inline __attribute__((unused)) void
fend_tls_context_unrefp(struct fend_tls_context **pointer)
{
	*pointer = fend_tls_context_unref(*pointer);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
