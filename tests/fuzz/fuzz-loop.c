/* SPDX-License-Identifier: MIT */
/* A fuzzer's way into the model of tests/model. A failure aborts. */
#include "fuzz.h"
#include "model.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct model_options options = { .dispatcher = getenv("FEND_DISPATCHER") };

	if (!options.dispatcher)
		options.dispatcher = "epoll";
	model_run(bytes, n, &options);
	return 0;
}
