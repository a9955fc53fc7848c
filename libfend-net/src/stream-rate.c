/* SPDX-License-Identifier: MIT */
/*
 * The limits of a stream's rate, in memory of their own, which only a stream that has one needs. A
 * direction that has used up what its rate allows neither receives nor sends until the rate lets it
 * go on; the descriptor is not watched for it meanwhile.
 */
#include "stream.h"

#include <fend-internal/kernel.h>

#include "rate.h"

struct stream_rates {
	struct fend_stream *stream;
	struct rate_user receive, send;
};

static void
on_receive_resumed(struct rate_user *user)
{
	struct fend_stream *stream = fend__container_of(user, struct stream_rates, receive)->stream;

	stream->slow_input = false;
	if (fend__stream_check(stream) == 0)
		fend__stream_changed(stream);
}

static void
on_send_resumed(struct rate_user *user)
{
	struct fend_stream *stream = fend__container_of(user, struct stream_rates, send)->stream;

	stream->slow_output = false;
	if (fend__stream_check(stream) == 0)
		fend__stream_changed(stream);
}

size_t
fend__stream_allow_input(struct fend_stream *stream, size_t size)
{
	size = fend__rate_allow(&stream->extras->rates->receive, size);
	stream->slow_input = size == 0;
	return size;
}

size_t
fend__stream_allow_output(struct fend_stream *stream, size_t size)
{
	size = fend__rate_allow(&stream->extras->rates->send, size);
	stream->slow_output = size == 0;
	return size;
}

void
fend__stream_spend_input(struct fend_stream *stream, size_t size)
{
	fend__rate_spend(&stream->extras->rates->receive, size);
}

void
fend__stream_spend_output(struct fend_stream *stream, size_t size)
{
	fend__rate_spend(&stream->extras->rates->send, size);
}

void
fend__stream_rates_free(struct fend_stream *stream)
{
	if (!stream->rated)
		return;
	fend__rate_leave(&stream->extras->rates->receive);
	fend__rate_leave(&stream->extras->rates->send);
	stream->extras->rates = fend__release(stream->extras->rates);
	stream->rated = stream->slow_input = stream->slow_output = false;
}

static int
make(struct fend_stream *stream)
{
	struct stream_rates *rates;

	if (fend__stream_need_extras(stream) < 0)
		return -ENOMEM;
	rates = fend__calloc(1, sizeof(*rates));
	if (!rates)
		return -ENOMEM;
	rates->stream = stream;
	rates->receive.resume = on_receive_resumed;
	rates->send.resume = on_send_resumed;
	stream->extras->rates = rates;
	stream->rated = true;
	return 0;
}

static bool
is_elsewhere(const struct fend_stream *stream, const struct fend_rate *rate)
{
	return rate && fend__rate_loop(rate) != stream->socket->loop;
}

FEND_PUBLIC int
fend_stream_set_rate(struct fend_stream *stream, struct fend_rate *receive, struct fend_rate *send)
{
	int r = fend__stream_check(stream);

	if (r < 0)
		return r;
	if (is_elsewhere(stream, receive) || is_elsewhere(stream, send))
		return -EINVAL;
	if (!stream->rated && (receive || send)) {
		r = make(stream);
		if (r < 0)
			return r;
	}
	if (!receive && !send) {
		fend__stream_rates_free(stream);
	} else {
		fend__rate_leave(&stream->extras->rates->receive);
		fend__rate_leave(&stream->extras->rates->send);
		fend__rate_join(receive, &stream->extras->rates->receive);
		fend__rate_join(send, &stream->extras->rates->send);
		stream->slow_input = stream->slow_output = false;
	}
	fend__stream_changed(stream);
	return 0;
}
