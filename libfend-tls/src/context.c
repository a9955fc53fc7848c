/* SPDX-License-Identifier: MIT */
#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>
#include <fend/error.h>

/*
 * A context is what connections have in common: checked parameters, and the provider's
 * certificates and trust made of them. Nothing in it changes after it was made, so threads share
 * it without locks (but for the provider's loading of the system's trust at first use); only the
 * count of references is shared state.
 */
static void
context_free(struct fend_tls_context *context)
{
	if (context->implementation)
		context->provider->context_free(context->implementation);
	fend__close(context->keylog);
	fend__tls_psks_fini(&context->psks);
	fend__release(context->pins);
	fend__release(context);
}

/*
 * Whoever reads it reads the connections. It is the last thing to be done, so that a context which
 * cannot be made leaves no file behind; and a FIFO without a reader is an error, nothing to wait
 * for.
 */
static int
open_keylog(struct fend_tls_context *context, const char *path, struct fend__tls_failure *failure)
{
	if (!path)
		return 0;
	context->keylog = fend__kernel->create(path, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK,
					       S_IRUSR | S_IWUSR);
	if (context->keylog >= 0)
		return 0;
	return fend__tls_fail(failure, context->keylog, "keylog: %s: %s", path,
			      fend_strerror(context->keylog));
}

/* params become the context's own where they must outlive this call. */
static int
context_init(struct fend_tls_context *context, struct fend_tls_params *params,
	     struct fend__tls_failure *failure)
{
	struct fend__tls_config config;
	int r;

	atomic_init(&context->references, 1);
	context->keylog = -1;
	context->provider = fend__tls_provider(params->mode);
	context->mode = params->mode;
	context->verify = params->verify;
	context->flags = params->flags;
	context->alpn = params->alpn_count && !(params->flags & FEND_TLS_ALPN_OPTIONAL);
	context->hello = params->hello;
	context->hello_data = params->hello_data;
	if (params->pins_count) {
		context->pins = fend__calloc(params->pins_count, sizeof(*params->pins));
		if (!context->pins)
			return fend__tls_fail(failure, -ENOMEM, "pins: %s", fend_strerror(-ENOMEM));
		memcpy(context->pins, params->pins, params->pins_count * sizeof(*params->pins));
		params->pins = context->pins;
	}
	r = fend__tls_psks_init(&context->psks, params, context->provider, failure);
	if (!r)
		r = fend__tls_config_init(&config, params, failure);
	if (r < 0)
		return r;
	config.psks = params->psks_count ? &context->psks : NULL;
	r = fend__tls_fingerprint(&config, context->provider, failure);
	if (!r)
		r = context->provider->context_new(&config, failure, &context->implementation);
	memcpy(context->fingerprint, config.fingerprint, sizeof(context->fingerprint));
	fend__tls_config_fini(&config);
	return r < 0 ? r : open_keylog(context, params->keylog, failure);
}

static int
context_new(const struct fend_tls_params *given, struct fend__tls_failure *failure,
	    struct fend_tls_context **ret_context)
{
	struct fend_tls_params params = { 0 };
	struct fend_tls_context *context;
	int r;

	r = fend__options_copy(&params, sizeof(params), given);
	if (r < 0)
		return fend__tls_fail(failure, r, "params: %s", fend_strerror(r));
	r = fend__tls_params_check(&params, failure);
	if (r < 0)
		return r;
	context = fend__calloc(1, sizeof(*context));
	if (!context)
		return fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
	r = context_init(context, &params, failure);
	if (r < 0) {
		context_free(context);
		return r;
	}
	*ret_context = context;
	return 0;
}

FEND_PUBLIC int
fend_tls_context_new(const struct fend_tls_params *params, char **ret_reason,
		     struct fend_tls_context **ret_context)
{
	struct fend__tls_failure failure;
	int r;

	if (ret_context)
		r = context_new(params, &failure, ret_context);
	else
		r = fend__tls_fail(&failure, -EINVAL, "ret_context: NULL");
	if (r < 0 && ret_reason)
		*ret_reason = fend__strdup(failure.text);
	return r;
}

FEND_PUBLIC struct fend_tls_context *
fend_tls_context_ref(struct fend_tls_context *context)
{
	if (context)
		atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
	return context;
}

FEND_PUBLIC struct fend_tls_context *
fend_tls_context_unref(struct fend_tls_context *context)
{
	if (!context ||
	    atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
		return NULL;
	context_free(context);
	return NULL;
}
