/* Takes a sensor's own address out of texts; the contract is in scrub.h. */
#include "tally/scrub.h"

#include "base/digit.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SPELLINGS_MAX 8
#define SPELLING_LEN 64
#define NUMBER_MIN 10000000u /* numbers below eight digits would hit ordinary numbers */

struct spellings {
	char text[SPELLINGS_MAX][SPELLING_LEN];
	size_t len[SPELLINGS_MAX];
	size_t count;
	bool may_begin[256]; /* a spelling, by its first byte */
};

static char *put_decimal(char *out, uint32_t n)
{
	char digits[10];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

static char *put_hex(char *out, unsigned byte)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = digits[byte >> 4];
	*out++ = digits[byte & 15];
	return out;
}

/* By its first character, in either case; percent-encoded it may be any. */
static void note_begin(struct spellings *s, char first)
{
	s->may_begin[(uint8_t)first] = true;
	if (first >= 'a' && first <= 'z')
		s->may_begin[(uint8_t)(first - 'a' + 'A')] = true;
	s->may_begin['%'] = true;
}

static void end_spelling(struct spellings *s, const char *end)
{
	note_begin(s, s->text[s->count][0]);
	s->len[s->count] = (size_t)(end - s->text[s->count]);
	s->count++;
}

/* Decimal numbers with something between them. */
static void add_decimal(struct spellings *s, const uint8_t bytes[4], char between)
{
	char *out = s->text[s->count];

	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			*out++ = between;
		out = put_decimal(out, bytes[i]);
	}
	end_spelling(s, out);
}

/* Hexadecimal digits: each byte with something before it, or something in the middle. */
static void add_hex(struct spellings *s, const uint8_t bytes[4], const char *before,
    const char *middle)
{
	char *out = s->text[s->count];

	for (size_t i = 0; i < 4; i++) {
		for (const char *c = i == 2 ? middle : ""; *c; c++)
			*out++ = *c;
		for (const char *c = before; *c; c++)
			*out++ = *c;
		out = put_hex(out, bytes[i]);
	}
	end_spelling(s, out);
}

/* By hand and not by printf: it is done for every text that is kept. */
static void spell_v4(struct spellings *s, uint32_t v4)
{
	const uint8_t bytes[4] = {(uint8_t)(v4 >> 24), (uint8_t)(v4 >> 16), (uint8_t)(v4 >> 8),
		(uint8_t)v4};

	add_decimal(s, bytes, '.');
	add_decimal(s, bytes, '-');
	add_hex(s, bytes, "", "");
	add_hex(s, bytes, "", ":");
	add_hex(s, bytes, "\\x", "");
	if (v4 >= NUMBER_MIN)
		end_spelling(s, put_decimal(s->text[s->count], v4));
}

static void spell_v6(struct spellings *s, struct ip ip)
{
	uint16_t w[8];
	char brief[IP_TEXT_MAX];
	int n;

	for (unsigned i = 0; i < 4; i++) {
		w[i] = (uint16_t)(ip.hi >> (48 - 16 * i));
		w[4 + i] = (uint16_t)(ip.lo >> (48 - 16 * i));
	}
	n = snprintf(s->text[s->count], SPELLING_LEN, "%s", ip_format(ip, brief));
	end_spelling(s, s->text[s->count] + n);
	n = snprintf(s->text[s->count], SPELLING_LEN, "%x:%x:%x:%x:%x:%x:%x:%x", w[0], w[1], w[2],
	    w[3], w[4], w[5], w[6], w[7]);
	end_spelling(s, s->text[s->count] + n);
	n = snprintf(s->text[s->count], SPELLING_LEN, "%04x:%04x:%04x:%04x:%04x:%04x:%04x:%04x", w[0],
	    w[1], w[2], w[3], w[4], w[5], w[6], w[7]);
	end_spelling(s, s->text[s->count] + n);
	n = snprintf(s->text[s->count], SPELLING_LEN, "%04x%04x%04x%04x%04x%04x%04x%04x", w[0], w[1],
	    w[2], w[3], w[4], w[5], w[6], w[7]);
	end_spelling(s, s->text[s->count] + n);
}

/* One character, percent-encoded or not; returns the bytes it takes. */
static size_t one(const char *text, size_t len, char *ret_c)
{
	if (*text == '%' && len > 2 && digit_hex(text[1]) >= 0 && digit_hex(text[2]) >= 0) {
		*ret_c = (char)(digit_hex(text[1]) << 4 | digit_hex(text[2]));
		return 3;
	}
	*ret_c = *text;
	return 1;
}

/* How many bytes of text are this spelling; 0 when they are not. */
static size_t matches(const char *text, size_t len, const char *spelling, size_t spelling_len)
{
	size_t at = 0;

	for (size_t i = 0; i < spelling_len; i++) {
		char c;

		if (at == len)
			return 0;
		at += one(text + at, len - at, &c);
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != spelling[i])
			return 0;
	}
	return at;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t match_any(const struct spellings *s, const char *text, size_t at, size_t len)
{
	for (size_t i = 0; i < s->count; i++) {
		size_t n = matches(text + at, len - at, s->text[i], s->len[i]);

		/* 192.0.2.1 is not inside 192.0.2.10 or 1192.0.2.1. */
		if (n > 0 && !(is_digit(s->text[i][s->len[i] - 1]) && at + n < len && is_digit(text[at + n]))
		    && !(at > 0 && is_digit(s->text[i][0]) && is_digit(text[at - 1])))
			return n;
	}
	return 0;
}

size_t scrub_text(struct ip address, const char *text, size_t len, char *out, size_t cap)
{
	static const char broken[] = "\xef\xbf\xbd";
	struct spellings s = {.count = 0};
	size_t n = 0;

	if (ip_is_v4(address))
		spell_v4(&s, ip_v4(address));
	else
		spell_v6(&s, address);
	for (size_t at = 0; at < len;) {
		size_t found = s.may_begin[(uint8_t)text[at]] ? match_any(&s, text, at, len) : 0;
		const char *piece = text + at;
		size_t piece_len;
		uint32_t cp;

		if (found) {
			piece = SCRUB_MARK;
			piece_len = sizeof(SCRUB_MARK) - 1;
			at += found;
		} else {
			piece_len = utf8_decode(text + at, len - at, &cp);
			at += piece_len;
			if (cp == 0 || cp == 0xfffd) {
				piece = broken;
				piece_len = sizeof(broken) - 1;
			}
		}
		if (n + piece_len > cap)
			break;
		memcpy(out + n, piece, piece_len);
		n += piece_len;
	}
	return n;
}
