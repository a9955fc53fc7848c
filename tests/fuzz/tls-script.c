/* SPDX-License-Identifier: MIT */
/*
 * The first byte sets the scene, the second says how the subject lives; then there is a command
 * after the other, each of one byte and its arguments. Where bytes are lacking they are 0. Commands
 * change records by their heads alone, so whatever the keys are, a script does the same.
 *
 * In the end either all is freed as it stands, or the connection is cut and the deadlines pass,
 * and whoever waited for a callback must have got it.
 */
#include "tls-script.h"

#include <errno.h>
#include <sys/socket.h>

#include <fend/io.h>
#include <fend/loop.h>

#include "tls-world.h"

struct script {
	const uint8_t *bytes;
	size_t n;
};

enum {
	PASS,       /* so many records of the peer */
	MOVE,       /* so many bytes of them */
	DROP,       /* a record */
	DOUBLE,     /* a record */
	CUT,        /* a record, its head left alone or not */
	SPOIL,      /* a byte of a record */
	SPOIL_TYPE, /* and other bytes of its head */
	SWAP,       /* the next two records */
	INSERT,     /* these bytes */
	INSERT_RECORD,
	SPOIL_OTHER, /* a byte of what the subject has sent and the peer has yet to get */
	HOLD,        /* such bytes, or no more */
	END,         /* of the connection */
	FAIL_IN,
	FAIL_OUT,
	PIECES, /* how much of what is there arrives in one */
	ROOM,   /* for so many bytes */
	RECEIVE,
	PEEK,
	SEND,
	SEND_MUCH,
	SHUT,
	SHUT_AND_WAIT,
	WATCH,
	QUERY,
	ANSWER,
	FREE,
	FREE_LOOP,
	PEER_SENDS,
	PEER_SENDS_MUCH,
	PEER_CLOSES,
	PEER_GOES,
	PEER_REKEYS,
	WAIT,
	STARVE,
	COMMANDS,
};

static uint8_t
next(struct script *script)
{
	if (script->n == 0)
		return 0;
	script->n--;
	return *script->bytes++;
}

static size_t
next_pair(struct script *script)
{
	size_t high = next(script);

	return high << 8 | next(script);
}

/* A copy of so many bytes, or as many as there are; to be freed. */
static uint8_t *
next_bytes(struct script *script, size_t *size)
{
	uint8_t *copy;

	if (*size > script->n)
		*size = script->n;
	copy = fuzz_copy(script->bytes, *size);
	script->bytes += *size;
	script->n -= *size;
	return copy;
}

static void
insert(struct script *script, struct queue *in, bool with_head)
{
	size_t size = with_head ? next(script) : 1 + (size_t)(next(script) & 63);
	uint8_t head[5] = { next(script), 3, 3, 0, 0 }, *data = next_bytes(script, &size);

	head[4] = (uint8_t)size;
	if (with_head)
		queue_append(in, head, sizeof(head));
	queue_append(in, data, size);
	free(data);
}

/* What happens to the next record of the peer, of which there is one, before it arrives. */
static void
spoil(struct script *script, unsigned command, struct queue *out)
{
	size_t size = queue_record(out, 0), at = next_pair(script), second;
	uint8_t value = next(script), *copy;

	switch (command) {
	case DROP:
		queue_remove(out, 0, size);
		break;
	case DOUBLE:
		copy = fuzz_copy(out->data, size);
		queue_insert(out, size, copy, size);
		free(copy);
		break;
	case CUT:
		at = size > 5 ? 5 + at % (size - 5) : 0;
		queue_remove(out, at, size - at);
		if (value & 1 && at > 5) {
			out->data[3] = (uint8_t)((at - 5) >> 8);
			out->data[4] = (uint8_t)(at - 5);
		}
		break;
	case SPOIL:
	case SPOIL_TYPE:
		out->data[at % (command == SPOIL || size < 5 ? size : 5)] ^= value;
		break;
	case SWAP:
		second = size < out->size ? queue_record(out, size) : 0;
		copy = fuzz_copy(out->data, size);
		queue_insert(out, size + second, copy, size);
		queue_remove(out, 0, size);
		free(copy);
		break;
	}
}

static void
set_once(int *error, int value)
{
	if (!*error)
		*error = value;
}

static void
disturb(struct script *script, struct world *world, unsigned command)
{
	static const int errors[] = { -ECONNRESET, -ETIMEDOUT, -EIO, -EPIPE };
	struct wire *wire = &world->subject.wire;
	size_t at;

	switch (command) {
	case PASS:
		world_pass(world, 1 + next(script) % 16u);
		break;
	case MOVE:
		world_move(world, next_pair(script));
		break;
	case INSERT:
	case INSERT_RECORD:
		insert(script, &wire->in, command == INSERT_RECORD);
		break;
	case SPOIL_OTHER:
		at = next_pair(script);
		if (wire->out.size)
			wire->out.data[at % wire->out.size] ^= next(script);
		break;
	case HOLD:
		world->held = !world->held;
		break;
	case END:
		wire->in_ended = true;
		break;
	case FAIL_IN:
		set_once(&wire->in_error, errors[next(script) % 4]);
		break;
	case FAIL_OUT:
		set_once(&wire->out_error, errors[next(script) % 4]);
		break;
	case PIECES:
		wire->cut = next(script);
		break;
	case ROOM:
		wire->room = next_pair(script);
		if (wire->room == 0xffff)
			wire->room = SIZE_MAX;
		break;
	}
	world_pump(world);
}

static void
use(struct script *script, struct world *world, unsigned command)
{
	struct end *subject = &world->subject;
	size_t size;

	switch (command) {
	case RECEIVE:
		end_receive(subject, next_pair(script), 0);
		break;
	case PEEK:
		end_receive(subject, next_pair(script), MSG_PEEK);
		break;
	case SEND:
		size = next(script);
		end_send(subject, size, 1 + next(script) % 4);
		break;
	case SEND_MUCH:
		size = 64 * next_pair(script);
		end_send(subject, size, 1 + next(script) % 4);
		break;
	case SHUT:
		end_shut(subject, next(script) % 3);
		break;
	case SHUT_AND_WAIT:
		end_shut_and_wait(subject, FEND_MS(next(script)));
		break;
	case WATCH:
		world->in_piece = 1 + next_pair(script);
		end_watch(subject, next(script) & (FEND_IN | FEND_OUT));
		break;
	case QUERY:
		end_query(subject);
		break;
	case FREE:
		end_free(subject);
		break;
	case FREE_LOOP:
		world->loop = fend_loop_free(world->loop);
		break;
	}
	world_pump(world);
}

static void
answer(struct world *world, bool yes)
{
	struct end *subject = &world->subject;
	int r;

	if (!subject->socket)
		return;
	r = fend_tls_answer(subject->socket, yes ? world->scene->chosen : NULL);
	require(r != 0 || world->asked);
	if (r == 0)
		world->asked = false;
}

static void
direct(struct script *script, struct world *world, unsigned command)
{
	struct end *peer = &world->peer;

	switch (command) {
	case ANSWER:
		answer(world, next(script) & 1);
		break;
	case PEER_SENDS:
		end_send(peer, next(script), 1);
		break;
	case PEER_SENDS_MUCH:
		end_send(peer, 16 * next_pair(script), 1);
		break;
	case PEER_CLOSES:
		end_shut(peer, SHUT_WR);
		break;
	case PEER_GOES:
		end_free(peer);
		break;
	case PEER_REKEYS:
		if (peer->socket && peer->called && !peer->err && !peer->closed)
			scene_rekey(peer->socket, next(script) & 1);
		break;
	case WAIT:
		world_wait(world, FEND_MS(next_pair(script)));
		break;
	case STARVE:
		world_starve(world, next(script) % 64u);
		break;
	}
	world_pump(world);
}

static void
play(struct script *script, struct world *world)
{
	unsigned command = next(script) % COMMANDS;
	struct queue *out = &world->peer.wire.out;

	switch (command) {
	case DROP:
	case DOUBLE:
	case CUT:
	case SPOIL:
	case SPOIL_TYPE:
	case SWAP:
		if (out->size)
			spoil(script, command, out);
		break;
	case RECEIVE:
	case PEEK:
	case SEND:
	case SEND_MUCH:
	case SHUT:
	case SHUT_AND_WAIT:
	case WATCH:
	case QUERY:
	case FREE:
	case FREE_LOOP:
		use(script, world, command);
		break;
	case ANSWER:
	case PEER_SENDS:
	case PEER_SENDS_MUCH:
	case PEER_CLOSES:
	case PEER_GOES:
	case PEER_REKEYS:
	case WAIT:
	case STARVE:
		direct(script, world, command);
		break;
	default:
		disturb(script, world, command);
	}
}

void
script_play(bool client, const uint8_t *bytes, size_t n)
{
	struct script script = { bytes, n };
	struct world world;
	uint8_t scenery = next(&script), life = next(&script);

	world_init(&world, scene_get(scenery % VERSIONS, scenery / VERSIONS % SCENES, world_hello),
		   client);
	world.late = !client && life & 1;
	world.frees = life & 2;
	world_begin(&world, life & 4 ? FEND_SEC(1) : FEND_SEC(30), life & 8);
	if (life & 16)
		world_pass(&world, 16); /* most scripts would begin so */
	while (script.n > 0)
		play(&script, &world);
	if (life & 32)
		world_end(&world);
	world_fini(&world);
}
