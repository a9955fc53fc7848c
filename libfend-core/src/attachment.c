/* SPDX-License-Identifier: MIT */
/* What the libraries above keep with a loop: a short list, searched by key. */
#include <errno.h>
#include <stddef.h>

#include <fend-internal/public.h>

#include "loop.h"

struct attachment {
	const void *key;
	void *object;
	fend__attachment_free_fn *free;
	struct attachment *next;
};

FEND_PUBLIC void *
fend__loop_attached(const struct fend_loop *loop, const void *key)
{
	const struct attachment *attachment;

	for (attachment = loop->attachments; attachment; attachment = attachment->next)
		if (attachment->key == key)
			return attachment->object;
	return NULL;
}

FEND_PUBLIC int
fend__loop_attach(struct fend_loop *loop, const void *key, void *object,
		  fend__attachment_free_fn *free)
{
	struct attachment *attachment;

	if (fend__loop_attached(loop, key))
		return -EEXIST;
	attachment = fend__calloc(1, sizeof(*attachment));
	if (!attachment)
		return -ENOMEM;
	attachment->key = key;
	attachment->object = object;
	attachment->free = free;
	attachment->next = loop->attachments;
	loop->attachments = attachment;
	return 0;
}

void
fend__attachments_free(struct fend_loop *loop)
{
	while (loop->attachments) {
		struct attachment *attachment = loop->attachments;
		void *object = attachment->object;
		fend__attachment_free_fn *free = attachment->free;

		loop->attachments = attachment->next;
		fend__release(attachment);
		free(object);
	}
}
