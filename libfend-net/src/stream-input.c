/* SPDX-License-Identifier: MIT */
/* Input as the user sees it: how it comes here tells stream-run.c. */
#include "stream.h"

FEND_PUBLIC size_t
fend_stream_peek(struct fend_stream *stream, const void **ret_data)
{
	const struct stream_buffer *input = stream ? stream->input : NULL;

	if (ret_data && stream)
		*ret_data = input ? input->bytes + input->start : NULL;
	return stream_buffer_size(input);
}

FEND_PUBLIC int
fend_stream_consume(struct fend_stream *stream, size_t size)
{
	int r = fend__stream_check(stream);
	size_t held;

	if (r < 0)
		return r;
	held = stream_buffer_size(stream->input);
	if (size > held)
		return -EINVAL;
	if (size == held)
		stream->input = stream_buffer_free(stream->input);
	else
		stream->input->start += size;
	fend__stream_changed(stream);
	return 0;
}

FEND_PUBLIC int
fend_stream_want(struct fend_stream *stream, size_t size)
{
	int r = fend__stream_check(stream);

	if (r < 0)
		return r;
	if (size > fend__stream_kind(stream)->limits.input_max)
		return -EMSGSIZE;
	stream->want = (uint32_t)size;
	if (size > 0 && stream_buffer_size(stream->input) >= size)
		stream->fresh = true;
	fend__stream_changed(stream);
	return 0;
}

FEND_PUBLIC bool
fend_stream_at_end(const struct fend_stream *stream)
{
	return stream && stream->at_end;
}

FEND_PUBLIC void
fend_stream_pause(struct fend_stream *stream)
{
	if (fend__stream_check(stream) < 0)
		return;
	stream->paused = true;
	fend__stream_changed(stream);
}

FEND_PUBLIC void
fend_stream_resume(struct fend_stream *stream)
{
	if (fend__stream_check(stream) < 0 || !stream->paused)
		return;
	stream->paused = false;
	stream->fresh = true;
	fend__stream_changed(stream);
}
