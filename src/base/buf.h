/*
 * A growing byte buffer for text that is being composed (reports, SQL, JSON fragments).
 *
 * Not for data paths: it allocates.  Running out of memory is remembered (`failed`), so a chain
 * of appends is checked once at its end.  The content is always followed by a NUL that does not
 * count in len.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise to start empty. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) ST_PRINTF(2, 3);

/* The text, never NULL; stays owned by b and valid until the next append. */
const char *buf_text(const struct buf *b);

/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);

/* Hands the memory to the caller (free()); b is empty afterwards.  NULL when failed. */
char *buf_take(struct buf *b);

void buf_fini(struct buf *b);
