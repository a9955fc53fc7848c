/* SPDX-License-Identifier: MIT */
#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Files are read here and not by the provider, since only so is an error more than "cannot read
 * file", and the same with each provider. They are opened without waiting for the writer of a FIFO
 * and must be regular ones: everything else has no size to rely on.
 *
 * What is read may be a private key, so all of it is wiped before it is released.
 */
#define FILE_SIZE_MAX (16 << 20) /* the system's bundle of authorities has about 200 KiB */

void
fend__tls_blob_fini(struct fend__tls_blob *blob)
{
	if (blob->data)
		explicit_bzero(blob->data, blob->size);
	blob->data = fend__release(blob->data);
	blob->size = 0;
}

static int
read_all(int fd, unsigned char *data, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = fend__kernel->read(fd, data + done, size - done);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EBADMSG;
		done += (size_t)n;
	}
	return 0;
}

static int
read_fd(int fd, struct fend__tls_blob *ret_blob)
{
	struct fend__tls_blob blob = { 0 };
	struct stat status;
	int r;

	r = fend__kernel->fstat(fd, &status);
	if (r < 0)
		return r;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode) || status.st_size == 0)
		return -EBADMSG;
	if (status.st_size > FILE_SIZE_MAX)
		return -EFBIG;
	blob.size = (size_t)status.st_size;
	blob.data = fend__calloc(blob.size, 1);
	if (!blob.data)
		return -ENOMEM;
	r = read_all(fd, blob.data, blob.size);
	if (r < 0) {
		fend__tls_blob_fini(&blob);
		return r;
	}
	*ret_blob = blob;
	return 0;
}

int
fend__tls_read_file(const char *path, struct fend__tls_blob *ret_blob)
{
	int fd, r;

	fd = fend__kernel->open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	r = read_fd(fd, ret_blob);
	fend__close(fd);
	return r;
}

static const char *
file_error(int err)
{
	return err == -EBADMSG ? "empty, cut short or not a regular file" : fend_strerror(err);
}

static int
read_keys(struct fend__tls_config *config, struct fend__tls_failure *failure)
{
	const struct fend_tls_keypair *pair;
	size_t i;
	int r;

	for (i = 0; i < config->params.certificates_count; i++) {
		pair = &config->params.certificates[i];
		r = fend__tls_read_file(pair->certificate, &config->keys[i].certificate);
		if (r < 0)
			return fend__tls_fail(failure, r, "certificates[%zu].certificate: %s: %s",
					      i, pair->certificate, file_error(r));
		r = fend__tls_read_file(pair->key, &config->keys[i].key);
		if (r < 0)
			return fend__tls_fail(failure, r, "certificates[%zu].key: %s: %s", i,
					      pair->key, file_error(r));
		if (!pair->staple)
			continue;
		r = fend__tls_read_file(pair->staple, &config->keys[i].staple);
		if (r < 0)
			return fend__tls_fail(failure, r, "certificates[%zu].staple: %s: %s", i,
					      pair->staple, file_error(r));
	}
	return 0;
}

static int
read_trust(struct fend__tls_config *config, struct fend__tls_failure *failure)
{
	const struct fend_tls_params *params = &config->params;
	int r;

	if (params->cafile) {
		r = fend__tls_read_file(params->cafile, &config->cafile);
		if (r < 0)
			return fend__tls_fail(failure, r, "cafile: %s: %s", params->cafile,
					      file_error(r));
	}
	if (params->crlfile) {
		r = fend__tls_read_file(params->crlfile, &config->crlfile);
		if (r < 0)
			return fend__tls_fail(failure, r, "crlfile: %s: %s", params->crlfile,
					      file_error(r));
	}
	return 0;
}

int
fend__tls_config_init(struct fend__tls_config *ret_config, const struct fend_tls_params *params,
		      struct fend__tls_failure *failure)
{
	struct fend__tls_config config = { .params = *params };
	int r;

	r = fend__tls_algorithms(&config, failure);
	if (!r)
		r = fend__tls_psks_algorithms(&config, failure);
	if (r < 0)
		return r;
	config.system_trust = params->verify != FEND_TLS_VERIFY_NONE && !params->cafile &&
			      !params->capath;
	if (params->certificates_count) {
		config.keys = fend__calloc(params->certificates_count, sizeof(*config.keys));
		if (!config.keys)
			return fend__tls_fail(failure, -ENOMEM, "certificates: %s",
					      fend_strerror(-ENOMEM));
	}
	r = read_keys(&config, failure);
	if (!r)
		r = read_trust(&config, failure);
	if (r < 0) {
		fend__tls_config_fini(&config);
		return r;
	}
	*ret_config = config;
	return 0;
}

void
fend__tls_config_fini(struct fend__tls_config *config)
{
	size_t i;

	for (i = 0; config->keys && i < config->params.certificates_count; i++) {
		fend__tls_blob_fini(&config->keys[i].certificate);
		fend__tls_blob_fini(&config->keys[i].key);
		fend__tls_blob_fini(&config->keys[i].staple);
	}
	config->keys = fend__release(config->keys);
	fend__tls_blob_fini(&config->cafile);
	fend__tls_blob_fini(&config->crlfile);
	explicit_bzero(config->ticket_key, sizeof(config->ticket_key));
}
