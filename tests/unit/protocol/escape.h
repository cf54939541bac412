/* The escapes of transcripts: \r \n \t \\ \" \xHH. */
#pragma once

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* Appends the bytes that the text stands for; returns why it is none, NULL when it is. */
static inline const char *unescape_text(struct buf *b, const char *text, size_t len)
{
	static const char from[] = "rnt\\\"";
	static const char to[] = "\r\n\t\\\"";

	for (size_t i = 0; i < len; i++) {
		const char *at;
		char hex[3] = {0};
		char *end;

		if (text[i] != '\\') {
			buf_putc(b, text[i]);
			continue;
		}
		if (++i == len)
			return "a \\ at the end";
		at = text[i] ? strchr(from, text[i]) : NULL;
		if (at) {
			buf_putc(b, to[at - from]);
			continue;
		}
		if (text[i] != 'x')
			return "unknown escape";
		if (len - i < 3)
			return "\\x wants two digits";
		memcpy(hex, text + i + 1, 2);
		buf_putc(b, (char)strtol(hex, &end, 16));
		if (end != hex + 2)
			return "\\x wants two digits";
		i += 2;
	}
	return NULL;
}
