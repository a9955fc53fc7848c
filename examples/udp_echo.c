/* SPDX-License-Identifier: MIT */
/*
 * udp_echo ADDRESS...: send each datagram back to where it came from, until SIGINT or SIGTERM.
 *
 * UDP promises nothing, and so nothing is kept here: a datagram that cannot be sent at once is
 * dropped. One is served for each time that the socket is ready, so that no address has to wait
 * for another; while there are more it stays ready.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include <fend/net.h>

enum { DATAGRAM_MAX = 65535, ADDRESSES_MAX = 16 };

static void
on_datagram(struct fend_socket *socket, unsigned events, void *data)
{
	unsigned char bytes[DATAGRAM_MAX];
	struct fend_address peer = { .size = sizeof(peer.storage) };
	const int fd = fend_socket_fd(socket);
	ssize_t size = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT,
				(struct sockaddr *)&peer.storage, &peer.size);

	if (size >= 0)
		sendto(fd, bytes, (size_t)size, MSG_DONTWAIT, (struct sockaddr *)&peer.storage,
		       peer.size);
}

static int
serve(struct fend_loop *loop, const struct fend_address *address, struct fend_socket **ret_socket)
{
	int err = fend_socket_new(address->storage.ss_family, SOCK_DGRAM, 0, ret_socket);

	if (err >= 0)
		err = fend_socket_bind(*ret_socket, address);
	if (err >= 0)
		err = fend_socket_watch(*ret_socket, loop, FEND_IN, on_datagram, NULL);
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
