/* SPDX-License-Identifier: MIT */
#include "tls-world.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fend-internal/kernel.h>
#include <fend/loop.h>

static struct world *stage; /* where a hello is heard */
static struct fend__kernel kernel;
static fend_time now;
static unsigned allocations_left;

static fend_time
fixed_now(void)
{
	return now;
}

static void *
allocate(void *pointer, size_t size)
{
	if (size > 0 && allocations_left > 0 && --allocations_left == 0) {
		stage->starved = true;
		return NULL;
	}
	return fend__kernel_real.allocate(pointer, size);
}

void
world_starve(struct world *world, unsigned allocation)
{
	allocations_left = allocation;
}

static void
on_handshake(struct fend_socket *socket, int err, void *data)
{
	struct end *end = data;

	require(socket == end->socket && end->called++ == 0);
	end->err = err;
	if (end == &end->world->subject && end->world->frees)
		end_free(end);
	else
		end_query(end);
}

void
world_hello(struct fend_socket *socket, const char *name, void *data)
{
	struct world *world = stage;

	require(!name || strcmp(name, ""));
	if (socket == world->subject.socket && world->late) {
		require(!world->asked);
		world->asked = true;
		return;
	}
	fend_tls_answer(socket, world->scene->chosen);
}

static void
end_init(struct end *end, struct world *world, bool client, int fd)
{
	*end = (struct end){ .world = world, .client = client };
	end->other = end == &world->subject ? &world->peer : &world->subject;
	require(fend_socket_wrap(fd, &end->socket) == 0);
	wire_push(&end->wire, end->socket);
	require(fend_tls_wrap(end->socket, client ? world->scene->client : world->scene->server,
			      client ? "localhost" : NULL) == 0);
}

void
world_init(struct world *world, const struct scene *scene, bool client)
{
	int fds[2];

	if (!kernel.now) {
		kernel = fend__kernel_real;
		kernel.now = fixed_now;
		kernel.allocate = allocate;
	}
	fend__kernel = &kernel;
	now = FEND_SEC(1000);
	allocations_left = 0;
	scene_fix_randomness();
	*world = (struct world){ .scene = scene, .in_piece = SIZE_MAX };
	stage = world;
	require(fend_loop_new(NULL, &world->loop) == 0);
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	end_init(&world->subject, world, client, fds[0]);
	end_init(&world->peer, world, !client, fds[1]);
}

void
world_begin(struct world *world, fend_time timeout, bool resume)
{
	struct end *client = world->subject.client ? &world->subject : &world->peer;

	if (resume && world->scene->session)
		require(fend_tls_set_session(client->socket, world->scene->session,
					     world->scene->session_size) == 0);
	require(fend_tls_handshake(world->subject.socket, world->loop, timeout, on_handshake,
				   &world->subject) == 0);
	require(fend_tls_handshake(world->peer.socket, world->loop, FEND_FOREVER, on_handshake,
				   &world->peer) == 0);
	require(!world->subject.called && !world->peer.called);
	world_pump(world);
}

static void
changed(struct end *end)
{
	if (end->socket)
		fend_socket_layer_changed(end->socket);
}

/*
 * Until there is nothing more to do. What that takes is bounded by what there is to be received: a
 * byte at a time, if that is how it comes.
 */
static void
settle(struct world *world)
{
	size_t bytes = world->subject.wire.in.size + world->peer.wire.in.size;
	size_t recvs = world->subject.wire.recvs, n = 0;
	int r = 0;

	changed(&world->subject);
	changed(&world->peer);
	while (world->loop && (r = fend_loop_dispatch(world->loop, 0)) > 0)
		require(++n <= 64 + bytes);
	require(r >= 0 || r == -ESHUTDOWN || world->starved);
	require(world->subject.wire.recvs - recvs <= 256 + 4 * bytes);
}

static void
drain(struct end *end)
{
	size_t before;

	if (!end->socket || !end->called || end->err)
		return;
	do {
		before = end->received;
		end_receive(end, 4096, 0);
	} while (end->received > before);
}

void
world_pump(struct world *world)
{
	struct wire *from = &world->subject.wire, *to = &world->peer.wire;

	settle(world);
	while (!world->held && (from->out.size || (from->out_ended && !to->in_ended))) {
		queue_append(&to->in, from->out.data, from->out.size);
		from->out.size = 0;
		to->in_ended = from->out_ended;
		settle(world);
		drain(&world->peer);
	}
}

void
world_move(struct world *world, size_t size)
{
	struct wire *from = &world->peer.wire, *to = &world->subject.wire;

	if (size > from->out.size)
		size = from->out.size;
	queue_append(&to->in, from->out.data, size);
	queue_remove(&from->out, 0, size);
	world_pump(world);
}

void
world_pass(struct world *world, unsigned records)
{
	const struct queue *out = &world->peer.wire.out;

	for (; records > 0 && out->size > 0; records--)
		world_move(world, queue_record(out, 0));
}

void
world_wait(struct world *world, fend_time time)
{
	now += time;
	world_pump(world);
}

void
world_end(struct world *world)
{
	world_starve(world, 0);
	world->held = false;
	world->subject.wire.room = SIZE_MAX;
	world_pump(world);
	world->subject.wire.in_ended = true;
	world_pump(world);
	world_wait(world, FEND_SEC(100));
	world_pump(world);
	if (!world->subject.socket || !world->loop)
		return;
	require(world->subject.called == 1);
	require(world->subject.shut == world->subject.shutting);
	end_query(&world->subject);
	end_receive(&world->subject, 65536, 0);
}

void
world_fini(struct world *world)
{
	end_free(&world->subject);
	end_free(&world->peer);
	fend_loop_free(world->loop);
	wire_fini(&world->subject.wire);
	wire_fini(&world->peer.wire);
}

void
world_rehearse(struct scene *scene)
{
	struct world world;
	void *session;

	world_init(&world, scene, true);
	world_begin(&world, FEND_SEC(10), false);
	world_pass(&world, UINT_MAX);
	require(world.subject.called && !world.subject.err);
	require(world.peer.called && !world.peer.err);
	end_send(&world.peer, 1, 1);
	world_pass(&world, UINT_MAX);
	end_receive(&world.subject, 1, 0);
	require(world.subject.received == 1);
	if (fend_tls_session(world.subject.socket, &session, &scene->session_size) == 0)
		scene->session = session;
	world_fini(&world);
}
