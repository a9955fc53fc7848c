/* SPDX-License-Identifier: MIT */
/* A descriptor and whether it is ours to close. */
#include <fend/file.h>

#include <fend-internal/file.h>
#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

FEND_PUBLIC int
fend_file_wrap(int fd, unsigned flags, struct fend_file **ret_file)
{
	struct fend_file *file;
	int r;

	if (!ret_file || (flags & ~(unsigned)FEND_KEEP_OPEN))
		return -EINVAL;
	r = fend__kernel->get_flags(fd);
	if (r < 0)
		return r;
	file = fend__calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->fd = fd;
	file->flags = flags;
	*ret_file = file;
	return 0;
}

FEND_PUBLIC struct fend_file *
fend_file_free(struct fend_file *file)
{
	if (!file)
		return NULL;
	if (!(file->flags & FEND_KEEP_OPEN))
		fend__close(file->fd);
	return fend__release(file);
}

FEND_PUBLIC int
fend_file_fd(const struct fend_file *file)
{
	return file ? file->fd : -EINVAL;
}

FEND_PUBLIC int
fend_file_set_blocking(struct fend_file *file, bool blocking)
{
	return file ? fend__set_nonblocking(file->fd, !blocking) : -EINVAL;
}
