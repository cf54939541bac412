/*
 * UTF-8 (RFC 3629): validity, repair and code points, for text that came from outside.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/*
 * Decodes one code point at text[0..len), len > 0.  Returns the bytes used (at least 1);
 * *ret_cp is U+FFFD where the bytes are not valid.
 */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_cp);

/* Appends text to b with every invalid sequence replaced by U+FFFD. */
void utf8_append_valid(struct buf *b, const char *text, size_t len);
