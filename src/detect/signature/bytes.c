/* Bytes of sessions; the contract is in bytes.h. */
#include "detect/signature/bytes.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MIN 256

bool bytes_append(struct budget *budget, struct bytes *b, const void *data, size_t len, size_t max)
{
	bool all = true;

	if (b->len + len > max) {
		len = b->len < max ? max - b->len : 0;
		all = false;
	}
	if (len == 0)
		return all;
	if (b->len + len > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : BYTES_MIN;
		uint8_t *grown;

		while (cap < b->len + len)
			cap *= 2;
		if (budget->used + (cap - b->cap) > budget->max || !(grown = realloc(b->data, cap))) {
			budget->refused += len;
			return false;
		}
		budget->used += cap - b->cap;
		b->data = grown;
		b->cap = cap;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return all;
}

void bytes_consume(struct bytes *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

void bytes_fini(struct budget *budget, struct bytes *b)
{
	budget->used -= b->cap;
	free(b->data);
	*b = (struct bytes){0};
}
