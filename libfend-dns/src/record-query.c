/* SPDX-License-Identifier: MIT */
/*
 * Record queries: one question, whose answer is given to the user taken apart.
 *
 * What c-ares makes of the answer is not enough: there may be nothing but aliases in it. So the
 * records themselves decide whether there are any of the type.
 */
#include <fend/query.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "operation.h"
#include "record.h"

enum {
	NAME_SIZE_MAX = 1020,  /* 255 bytes as text */
	NAME_LENGTH_MAX = 255, /* in a message, the root included; RFC 1035, 2.3.4 */
	LABEL_LENGTH_MAX = 63,
	TYPE_MAX = 65535,
};

struct fend_query {
	struct operation operation;
	fend_query_fn *fn;
	void *data;
	struct fend_answer *answer;
	char name[];
};

static struct fend_query *
query_of(struct operation *operation)
{
	return fend__container_of(operation, struct fend_query, operation);
}

static void
on_answer(struct operation *operation, const struct answer *answer)
{
	struct fend_query *query = query_of(operation);
	int err = answer->err, r = 0;

	if (answer->size > 0)
		r = fend__answer_read(answer->message, answer->size, answer->age, &query->answer);
	if (err == 0)
		err = r;
	if (err == 0 && !fend__answer_find(query->answer))
		err = FEND_EAI_NODATA;
	fend__operation_end(operation, err);
}

static void
tell(struct operation *operation)
{
	struct fend_query *query = query_of(operation);

	query->fn(query, operation->err, query->answer, query->data);
}

/* What has been read: of the name, as long as it is in a message, and of its last label. */
struct lengths {
	size_t name, label;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The byte that is meant by the text, which is moved behind it. */
static int
read_byte(const char **text)
{
	const char *at = *text;

	if (*at == '\\' && is_digit(at[1]) && is_digit(at[2]) && is_digit(at[3])) {
		*text = at + 4;
		return (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
	}
	if (*at == '\\')
		at++;
	*text = at + 1;
	return (unsigned char)*at;
}

/* One more byte of a name, or a dot that ends a label. */
static bool
count_byte(struct lengths *lengths, bool is_end)
{
	if (is_end && lengths->label == 0)
		return false;
	if (!is_end)
		lengths->name += lengths->label == 0 ? 2 : 1;
	lengths->label = is_end ? 0 : lengths->label + 1;
	return lengths->name < NAME_LENGTH_MAX && lengths->label <= LABEL_LENGTH_MAX;
}

/*
 * Write a name, not longer than it was, as all versions of c-ares read it: those before 1.19 know
 * no decimal digits behind a backslash. Its labels are looked at here, so that there is nothing
 * left for c-ares to refuse but characters. 0 or a FEND_EAI_ code.
 */
static int
read_name(const char *name, char *ret_name)
{
	struct lengths lengths = { 0 };

	if (!*name)
		return FEND_EAI_NONAME;
	if (strlen(name) > NAME_SIZE_MAX)
		return FEND_EAI_OVERFLOW;
	if (!strcmp(name, ".")) {
		strcpy(ret_name, name);
		return 0;
	}
	while (*name) {
		bool escaped = *name == '\\';
		int byte;

		if (escaped && !name[1])
			return FEND_EAI_NONAME;
		byte = read_byte(&name);
		if (byte <= ' ' || byte >= 0x7f)
			return FEND_EAI_IDN_ENCODE;
		if (!count_byte(&lengths, byte == '.' && !escaped))
			return FEND_EAI_NONAME;
		if (escaped && (byte == '.' || byte == '\\'))
			*ret_name++ = '\\';
		*ret_name++ = (char)byte;
	}
	*ret_name = '\0';
	return 0;
}

static int
start(struct fend_loop *loop, struct fend_resolver *resolver, const char *name, int type,
      fend_time timeout, fend_query_fn *fn, void *data, struct fend_query **ret_query)
{
	struct fend_query *query;
	size_t size;
	int err, r;

	if (!name || type < 1 || type > TYPE_MAX || !fn || !ret_query)
		return -EINVAL;
	size = strlen(name) + 1;
	query = fend__calloc(1, sizeof(*query) + size);
	if (!query)
		return -ENOMEM;
	query->fn = fn;
	query->data = data;
	query->operation.on_answer = on_answer;
	query->operation.tell = tell;
	r = fend__operation_begin(&query->operation, loop, resolver, timeout);
	if (r < 0) {
		fend_query_free(query);
		return r;
	}
	err = read_name(name, query->name);
	if (err < 0)
		fend__operation_end(&query->operation, err);
	else
		fend__operation_ask(&query->operation, query->name, type);
	*ret_query = query;
	return 0;
}

FEND_PUBLIC int
fend_query_start(struct fend_loop *loop, const char *name, int type, fend_time timeout,
		 fend_query_fn *fn, void *data, struct fend_query **ret_query)
{
	return start(loop, NULL, name, type, timeout, fn, data, ret_query);
}

FEND_PUBLIC int
fend_resolver_query(struct fend_resolver *resolver, const char *name, int type, fend_time timeout,
		    fend_query_fn *fn, void *data, struct fend_query **ret_query)
{
	if (!resolver)
		return -EINVAL;
	return start(NULL, resolver, name, type, timeout, fn, data, ret_query);
}

FEND_PUBLIC struct fend_answer *
fend_query_take(struct fend_query *query)
{
	struct fend_answer *answer;

	if (!query || !query->operation.told)
		return NULL;
	answer = query->answer;
	query->answer = NULL;
	return answer;
}

FEND_PUBLIC const char *
fend_query_detail(const struct fend_query *query)
{
	return query ? fend__operation_detail(&query->operation) : NULL;
}

FEND_PUBLIC struct fend_query *
fend_query_free(struct fend_query *query)
{
	if (!query)
		return NULL;
	fend__operation_fini(&query->operation);
	fend_answer_free(query->answer);
	return fend__release(query);
}
