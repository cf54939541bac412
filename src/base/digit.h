/*
 * What a character is worth as a digit of encoded bytes (RFC 4648): hexadecimal in either case, and
 * base64.  Values are below the base; -1: no digit.
 */
#pragma once

#include <stdint.h>

static inline int digit_hex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The standard alphabet (RFC 4648 §4): + and / are 62 and 63. */
static inline int digit_base64(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}
