/*
 * Bytes of sessions that are kept for matching, within one budget.  Private to detect/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
	uint64_t used;
	uint64_t max;
	uint64_t refused; /* bytes that were not kept */
};

/* Zero-initialise to start empty. */
struct bytes {
	uint8_t *data;
	size_t len;
	size_t cap;
};

/* Appends up to max bytes in all; what does not fit is left out.  False: something was. */
bool bytes_append(struct budget *budget, struct bytes *b, const void *data, size_t len, size_t max);
/* Takes n bytes away from the front. */
void bytes_consume(struct bytes *b, size_t n);
void bytes_fini(struct budget *budget, struct bytes *b);
