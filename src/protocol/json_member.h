/*
 * The value of a JSON member, found without parsing: devices' requests are flat, hostile and often
 * cut, and only a few of their strings matter.
 */
#pragma once

#include "protocol/line.h"

/*
 * The value of the first "name" : value in the text, as it is written: a string without its quotes
 * (escapes stay), else up to what ends it.  data is NULL when there is no such member.
 */
static inline struct protocol_text json_member(struct protocol_text text, const char *name)
{
	const struct protocol_text none = {NULL, 0};
	size_t n = strlen(name);
	size_t at = 0;
	size_t start;

	for (;; at++) {
		if (text.len < n + 2 || at > text.len - n - 2)
			return none;
		if (text.data[at] == '"' && memcmp(text.data + at + 1, name, n) == 0
		    && text.data[at + 1 + n] == '"')
			break;
	}
	at += n + 2;
	while (at < text.len && strchr(" \t\r\n:", text.data[at]) && text.data[at])
		at++;
	if (at == text.len)
		return none;
	start = at;
	if (text.data[at] != '"') {
		while (at < text.len && !strchr(",}] \r\n", text.data[at]))
			at++;
		return (struct protocol_text){text.data + start, at - start};
	}
	for (at = ++start; at < text.len && text.data[at] != '"'; at++)
		at += text.data[at] == '\\' && at + 1 < text.len;
	return (struct protocol_text){text.data + start, at - start};
}
