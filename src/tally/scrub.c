/* Takes a sensor's own address out of texts; the contract is in scrub.h. */
#include "tally/scrub.h"

#include "base/byteset.h"
#include "base/digit.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SPELLINGS_MAX 8
#define SPELLING_LEN 64
#define DECIMAL_MAX 10 /* digits of 32 bits */
#define NUMBER_MIN 10000000u /* numbers below eight digits would hit ordinary numbers */

struct spellings {
	char text[SPELLINGS_MAX][SPELLING_LEN];
	size_t len[SPELLINGS_MAX];
	size_t count;         /* 0: not written yet */
	struct byteset begin; /* bytes that a spelling may begin with */
};

static char *put_decimal(char *out, uint32_t n)
{
	char digits[DECIMAL_MAX];
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

/* A spelling's first character, in either case. */
static void note_begin(struct spellings *s, char first)
{
	byteset_add(&s->begin, (uint8_t)first);
	if (first >= 'a' && first <= 'z')
		byteset_add(&s->begin, (uint8_t)(first - 'a' + 'A'));
}

static void end_spelling(struct spellings *s, const char *end)
{
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

/* By hand and not by printf: it is done for many of the texts that are kept. */
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

static void spell(struct spellings *s, struct ip address)
{
	if (ip_is_v4(address))
		spell_v4(s, ip_v4(address));
	else
		spell_v6(s, address);
}

/* What spellings begin with.  Most texts have nothing of it, so spelling waits. */
static void prepare(struct spellings *s, struct ip address)
{
	char digits[DECIMAL_MAX];

	s->count = 0;
	s->begin = (struct byteset){0};
	note_begin(s, '%'); /* percent-encoded it may be any */
	if (!ip_is_v4(address)) {
		spell(s, address);
		for (size_t i = 0; i < s->count; i++)
			note_begin(s, s->text[i][0]);
		return;
	}
	(void)put_decimal(digits, ip_v4(address) >> 24);
	note_begin(s, digits[0]);
	(void)put_hex(digits, ip_v4(address) >> 24);
	note_begin(s, digits[0]);
	(void)put_decimal(digits, ip_v4(address));
	note_begin(s, digits[0]);
	note_begin(s, '\\');
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

/* How many bytes are ASCII characters that no spelling begins with; NUL is not. */
static size_t plain_len(const struct spellings *s, const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (uint8_t)(text[n] - 1) < 0x7f && !byteset_has(&s->begin, (uint8_t)text[n]))
		n++;
	return n;
}

/* How many bytes of a spelling begin at a place; 0: none. */
static size_t find_spelling(struct spellings *s, struct ip address, const char *text, size_t at,
    size_t len)
{
	if (!byteset_has(&s->begin, (uint8_t)text[at]))
		return 0;
	if (s->count == 0)
		spell(s, address);
	return match_any(s, text, at, len);
}

size_t scrub_text(struct ip address, const char *text, size_t len, char *out, size_t cap)
{
	static const char broken[] = "\xef\xbf\xbd";
	struct spellings s;
	size_t n = 0;

	if (len == 0)
		return 0;
	prepare(&s, address);
	for (size_t at = 0; at < len;) {
		size_t plain = plain_len(&s, text + at, len - at);
		size_t taken = plain < cap - n ? plain : cap - n;
		const char *piece = SCRUB_MARK;
		size_t piece_len = sizeof(SCRUB_MARK) - 1;
		size_t found;
		uint32_t cp;

		memcpy(out + n, text + at, taken);
		n += taken;
		at += plain;
		if (at == len || taken < plain)
			break;
		found = find_spelling(&s, address, text, at, len);
		if (!found) {
			piece = text + at;
			piece_len = found = utf8_decode(text + at, len - at, &cp);
			if (cp == 0 || cp == 0xfffd) {
				piece = broken;
				piece_len = sizeof(broken) - 1;
			}
		}
		if (piece_len > cap - n)
			break;
		memcpy(out + n, piece, piece_len);
		n += piece_len;
		at += found;
	}
	return n;
}
