/*
 * Printing numbers: rounding half away from zero in decimal, thousands separators, signs.
 *
 * Rounding works on decimal digits, not on the binary fraction, because readers check us with the
 * decimal numbers they see: 0.15 is 0.1499999999999999944 in binary and still has to print as 0.2.
 * A double carries 15 decimal digits without loss, so a value is taken to be what its first 15
 * significant digits say (this also absorbs the last-bit noise of a computed 28.499999999999996)
 * and those digits are rounded half away from zero.
 *
 * The minus sign is the ASCII hyphen everywhere: one column wide, in every charset of a mail, and
 * a table pasted into a spreadsheet stays numeric.  A value that rounds to zero has no sign.
 */
#include "publish/number.h"

#include "publish/publish.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 10^15: from here on all 15 digits stand before the decimal point. */
#define EXACT_DIGITS 15
#define EXACT_LIMIT 1e15
/* 309 digits of the largest double, decimals, sign, NUL. */
#define DIGITS_MAX 340

/* Appends a string of digits with separators, `decimals` of them behind the point. */
static void append_grouped(struct buf *b, const char *digits, size_t count, size_t decimals)
{
	size_t whole = count - decimals;

	for (size_t i = 0; i < whole; i++) {
		if (i > 0 && (whole - i) % 3 == 0)
			buf_putc(b, ',');
		buf_putc(b, digits[i]);
	}
	if (decimals > 0) {
		buf_putc(b, '.');
		buf_append(b, digits + whole, decimals);
	}
}

/* Adds one to a string of digits; digits[-1] must be writable and holds a zero. */
static char *increment(char *digits, size_t count)
{
	size_t i = count;

	while (i > 0 && digits[i - 1] == '9')
		digits[--i] = '0';
	if (i > 0) {
		digits[i - 1]++;
		return digits;
	}
	digits[-1] = '1';
	return digits - 1;
}

/*
 * Writes |value| × 10^decimals, rounded, as at least decimals + 1 digits into text[DIGITS_MAX].
 * Returns their number.
 */
static size_t round_decimal(double value, size_t decimals, char text[DIGITS_MAX])
{
	char scientific[32];
	char digits[DIGITS_MAX] = "0";
	char *start = digits + 1;
	size_t count = 0;
	long kept;

	if (fabs(value) >= EXACT_LIMIT) {
		count = (size_t)snprintf(text, DIGITS_MAX - 16, "%.0f", fabs(value));
		memset(text + count, '0', decimals);
		return count + decimals;
	}
	/* "d.dddddddddddddde+XX"; the point may be a comma, its place is fixed. */
	(void)snprintf(scientific, sizeof(scientific), "%.*e", EXACT_DIGITS - 1, fabs(value));
	start[0] = scientific[0];
	memcpy(start + 1, scientific + 2, EXACT_DIGITS - 1);
	kept = strtol(scientific + EXACT_DIGITS + 2, NULL, 10) + 1 + (long)decimals;
	if (kept > EXACT_DIGITS) {
		memset(start + EXACT_DIGITS, '0', (size_t)kept - EXACT_DIGITS);
		count = (size_t)kept;
	} else if (kept >= 0) {
		char *grown;

		count = (size_t)kept;
		if (count < EXACT_DIGITS && start[count] >= '5') {
			grown = increment(start, count);
			count += (size_t)(start - grown);
			start = grown;
		}
	}
	if (count < decimals + 1) {
		memset(text, '0', decimals + 1);
		memcpy(text + decimals + 1 - count, start, count);
		return decimals + 1;
	}
	memcpy(text, start, count);
	return count;
}

static void append_number(struct buf *b, double value, int decimals, bool plus)
{
	char digits[DIGITS_MAX];
	size_t places = decimals < 0 ? 0 : (size_t)decimals;
	size_t count;
	bool zero = true;

	if (!isfinite(value)) {
		buf_putc(b, '-');
		return;
	}
	if (places > PUBLISH_DECIMALS_MAX)
		places = PUBLISH_DECIMALS_MAX;
	count = round_decimal(value, places, digits);
	for (size_t i = 0; i < count && zero; i++)
		zero = digits[i] == '0';
	if (!zero && value < 0)
		buf_putc(b, '-');
	else if (!zero && plus)
		buf_putc(b, '+');
	append_grouped(b, digits, count, places);
}

void publish_number(struct buf *b, double value, int decimals)
{
	append_number(b, value, decimals, false);
}

void publish_number_signed(struct buf *b, double value, int decimals)
{
	append_number(b, value, decimals, true);
}

void publish_integer(struct buf *b, int64_t value)
{
	char digits[24];
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	int count = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);

	if (value < 0)
		buf_putc(b, '-');
	append_grouped(b, digits, (size_t)count, 0);
}

void publish_number_raw(struct buf *b, double value)
{
	char text[40];

	if (!isfinite(value))
		return;
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	for (char *p = text; *p; p++)
		if (*p == ',')
			*p = '.';
	buf_puts(b, text);
}
