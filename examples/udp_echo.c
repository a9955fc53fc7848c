/* SPDX-License-Identifier: MIT */
/*
 * udp_echo ADDRESS...: send each datagram back to where it came from, until SIGINT or SIGTERM.
 *
 * Datagrams are received and sent in batches, each one system call. Whatever more there is makes
 * the socket ready again, so no address waits for another for long. UDP promises nothing, and so
 * nothing is kept: a datagram that cannot be sent at once is dropped.
 *
 * A socket that is bound to all addresses of the host has to answer from the one that was asked, or
 * the client takes no notice. With PKTINFO it is told, and a datagram carries that with it.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include <fend/net.h>

enum { DATAGRAM_MAX = 65535, ADDRESSES_MAX = 16 };

static void
on_datagrams(struct fend_socket *socket, unsigned events, void *data)
{
	static unsigned char memory[FEND_DATAGRAM_BATCH][DATAGRAM_MAX];
	struct fend_datagram batch[FEND_DATAGRAM_BATCH];
	int n, sent;

	for (int i = 0; i < FEND_DATAGRAM_BATCH; i++)
		batch[i] = (struct fend_datagram){ .data = memory[i], .capacity = DATAGRAM_MAX };
	n = fend_socket_recv_batch(socket, batch, FEND_DATAGRAM_BATCH);
	for (int i = 0; i < n; i += (sent > 0) ? sent : 1)
		sent = fend_socket_send_batch(socket, batch + i, n - i);
}

static int
serve(struct fend_loop *loop, const struct fend_address *address, struct fend_socket **ret_socket)
{
	const int family = address->storage.ss_family;
	int err = fend_socket_new(family, SOCK_DGRAM, 0, ret_socket);

	if (err >= 0 && family == AF_INET)
		err = fend_socket_set_option_name(*ret_socket, "IP_PKTINFO", 1);
	if (err >= 0 && family == AF_INET6)
		err = fend_socket_set_option_name(*ret_socket, "IPV6_RECVPKTINFO", 1);
	if (err >= 0)
		err = fend_socket_bind(*ret_socket, address);
	if (err >= 0)
		err = fend_socket_watch(*ret_socket, loop, FEND_IN, on_datagrams, NULL);
	return err;
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *loop)
{
	fend_loop_stop(loop, 0);
}

int
main(int argc, char **argv)
{
	FEND_CLEANUP(fend_loop) struct fend_loop *loop = NULL;
	FEND_CLEANUP(fend_signal) struct fend_signal *interrupt = NULL, *terminate = NULL;
	struct fend_socket *sockets[ADDRESSES_MAX] = { NULL };
	struct fend_address addresses[ADDRESSES_MAX];
	int n = 0, err;

	while (n < ADDRESSES_MAX && n + 1 < argc &&
	       fend_address_parse(argv[n + 1], &addresses[n]) >= 0)
		n++;
	if (n == 0 || n + 1 < argc) {
		fprintf(stderr, "Usage: udp_echo ADDRESS...\n");
		return 2;
	}
	err = fend_loop_new(NULL, &loop);
	if (err >= 0)
		err = fend_signal_new(loop, SIGINT, on_signal, loop, &interrupt);
	if (err >= 0)
		err = fend_signal_new(loop, SIGTERM, on_signal, loop, &terminate);
	for (int i = 0; err >= 0 && i < n; i++)
		err = serve(loop, &addresses[i], &sockets[i]);
	if (err >= 0)
		err = fend_loop_run(loop, NULL);
	if (err < 0)
		fprintf(stderr, "udp_echo: %s\n", fend_strerror(err));
	for (int i = 0; i < n; i++)
		fend_socket_free(sockets[i]);
	return err < 0;
}
