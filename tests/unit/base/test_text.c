/* Buffers, errors and UTF-8 repair (Unicode 15.0 table 3-7 and section 3.9, maximal subparts). */
#include "base/buf.h"
#include "base/embed.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void buffers(void **state)
{
	struct buf b = {0};
	char *taken;

	(void)state;
	assert_string_equal(buf_text(&b), "");
	buf_puts(&b, "a");
	buf_putc(&b, 'b');
	buf_printf(&b, "%d-%s", 42, "c");
	buf_append(&b, "\0x", 2);
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.data, "ab42-c\0x", 9);
	buf_reset(&b);
	assert_string_equal(buf_text(&b), "");
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "%04d", i);
	assert_int_equal(b.len, 20000);
	assert_memory_equal(buf_text(&b) + 19996, "4999", 5);
	taken = buf_take(&b);
	assert_non_null(taken);
	assert_int_equal(strlen(taken), 20000);
	assert_int_equal(b.len, 0);
	free(taken);
	taken = buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
	buf_fini(&b);
}

static void failure_is_remembered(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "kept");
	buf_append(&b, "", SIZE_MAX - 2); /* cannot be had; nothing is read */
	assert_true(b.failed);
	buf_puts(&b, "more");
	assert_string_equal(buf_text(&b), "kept");
	assert_null(buf_take(&b));
	assert_int_equal(b.len, 0);
}

static void errors(void **state)
{
	struct err err = {0};
	char longer[2 * ERR_TEXT_MAX];

	(void)state;
	assert_int_equal(err_set(&err, ST_LIMIT, "%s:%d: no", "f", 7), ST_LIMIT);
	assert_string_equal(err.text, "f:7: no");
	assert_int_equal(err_prefix(&err, "store %d", 1), ST_LIMIT);
	assert_string_equal(err.text, "store 1: f:7: no");
	assert_int_equal(err_set(NULL, -2, "x"), -2);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(err_set(&err, -5, "%s", longer), -5);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_int_equal(err_prefix(&err, "p"), -5);
	assert_memory_equal(err.text, "p: xxx", 6);
	assert_true(strlen(err.text) < ERR_TEXT_MAX);
	assert_int_equal(err_prefix(&err, "%s", longer), -5);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_string_equal(st_text(ST_MALFORMED), "malformed");
	assert_string_equal(st_text(-2), strerror(2));
	assert_string_equal(st_text(-4711), "unknown error");
}

static void repair(void **state)
{
	static const struct {
		const char *in;
		const char *out; /* ? stands for U+FFFD */
	} cases[] = {
	    {"plain", "plain"},
	    {"\xe5\xae\x9a\xe7\x82\xb9", "\xe5\xae\x9a\xe7\x82\xb9"},
	    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	    {"\xef\xbf\xbd", "?"},
	    {"a\x80z", "a?z"},
	    {"\xc0\xaf", "??"},      /* overlong: never a start byte */
	    {"\xe0\x80\xaf", "???"}, /* overlong */
	    {"\xe0\x9f\xbf", "???"},
	    {"\xed\xa0\x80", "???"}, /* surrogate */
	    {"\xed\x9f\xbf", "\xed\x9f\xbf"},
	    {"\xf0\x80\x80\xaf", "????"}, /* overlong */
	    {"\xf4\x90\x80\x80", "????"}, /* above U+10FFFF */
	    {"\xf5z", "?z"},
	    {"\xff\xfe", "??"},
	    {"\xe5\xaez", "?z"}, /* cut: one replacement for the part that was right */
	    {"\xf0\x9f\x98z", "?z"},
	    {"\xe5\xae", "?"},
	    {"\xc3", "?"},
	    {"a\xe3\x81\xc3\xa9", "a?\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf got = {0};
		struct buf want = {0};

		utf8_append_valid(&got, cases[i].in, strlen(cases[i].in));
		for (const char *p = cases[i].out; *p; p++) {
			if (*p == '?')
				buf_puts(&want, "\xef\xbf\xbd");
			else
				buf_putc(&want, *p);
		}
		if (strcmp(buf_text(&got), buf_text(&want)) != 0)
			fail_msg(
			    "case %zu: '%s', expected '%s'", i, buf_text(&got), buf_text(&want));
		buf_fini(&got);
		buf_fini(&want);
	}
}

/* Every code point survives, and repairing twice changes nothing. */
static void round_trip(void **state)
{
	(void)state;
	for (uint32_t cp = 1; cp <= 0x10ffff; cp++) {
		char text[4];
		uint32_t got = 0;
		size_t n;

		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		if (cp < 0x80) {
			n = 1;
			text[0] = (char)cp;
		} else if (cp < 0x800) {
			n = 2;
			text[0] = (char)(0xc0 | cp >> 6);
		} else if (cp < 0x10000) {
			n = 3;
			text[0] = (char)(0xe0 | cp >> 12);
		} else {
			n = 4;
			text[0] = (char)(0xf0 | cp >> 18);
		}
		for (size_t i = 1; i < n; i++)
			text[i] = (char)(0x80 | (cp >> (6 * (n - 1 - i)) & 0x3f));
		if (utf8_decode(text, n, &got) != n || got != cp)
			fail_msg("U+%04X", cp);
		/* Cut short it is not taken for anything, and no byte past the end is read. */
		if (n > 1 && (utf8_decode(text, n - 1, &got) != n - 1 || got != 0xfffd))
			fail_msg("cut U+%04X", cp);
	}
}

static void embedded(void **state)
{
	static const struct embed_file table[] = {{"a", "1", 1}, {"b", "22", 2}, {NULL, NULL, 0}};

	(void)state;
	assert_ptr_equal(embed_find(table, "b"), &table[1]);
	assert_null(embed_find(table, "c"));
	assert_null(embed_find(table, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buffers),
	    cmocka_unit_test(failure_is_remembered),
	    cmocka_unit_test(errors),
	    cmocka_unit_test(repair),
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(embedded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
