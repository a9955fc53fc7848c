/* SPDX-License-Identifier: MIT */
#include "provider.h"

#include <errno.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * The directory of authorities. It is read here, like every file: a provider would look for hashes
 * of names in it, or wait for who writes into a FIFO. All files count, whatever they are called;
 * what is not a regular one, links followed, cannot be read, or holds something else, does not.
 */
struct reading {
	const char *path;
	fend__tls_trust_fn *trust;
	void *data;
	bool found; /* a certificate */
};

/* What is wrong may be the program's lack of something, and not the file. */
static bool
concerns_all(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

static int
read_entry(const char *name, void *data)
{
	struct reading *reading = data;
	struct fend__tls_blob blob;
	char *path;
	int r;

	path = fend__printf("%s/%s", reading->path, name);
	if (!path)
		return -ENOMEM;
	r = fend__tls_read_file(path, &blob);
	fend__release(path);
	if (r < 0)
		return concerns_all(r) ? r : 0;
	r = reading->trust(&blob, reading->data);
	fend__tls_blob_fini(&blob);
	if (r > 0)
		reading->found = true;
	return r < 0 ? r : 0;
}

int
fend__tls_trust_directory(const char *path, fend__tls_trust_fn *trust, void *data,
			  struct fend__tls_failure *failure)
{
	struct reading reading = { path, trust, data, false };
	int r;

	r = fend__kernel->list(path, read_entry, &reading);
	if (r < 0)
		return fend__tls_fail(failure, r, "capath: %s: %s", path, fend_strerror(r));
	return reading.found ? 0
			     : fend__tls_fail(failure, -EBADMSG,
					      "capath: %s: no certificate in PEM form", path);
}
