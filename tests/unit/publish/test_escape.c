/* Escaping of attackers' words for each format. */
#include "publish/escape.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check(void (*escape)(struct buf *, const char *), const char *text,
    const char *expected)
{
	struct buf b = {0};

	escape(&b, text);
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_html(void **state)
{
	(void)state;
	check(publish_escape_html, "<b a='1' c=\"2\">&", "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
	check(publish_escape_html, "件\x01\n\t", "件\xef\xbf\xbd\n\t");
}

static void test_markdown(void **state)
{
	(void)state;
	check(publish_escape_markdown, "a|b *c* _d_ `e` ~~f~~", "a\\|b \\*c\\* \\_d\\_ \\`e\\` \\~\\~f\\~\\~");
	check(publish_escape_markdown, "<b>&amp;", "&lt;b\\>&amp;amp;");
	check(publish_escape_markdown, "[x](y) ![z]", "\\[x\\](y) !\\[z\\]");
	check(publish_escape_markdown, "http://a.b/c www.d.e f@g.h", "http:\\//a.b/c www\\.d.e f\\@g.h");
	check(publish_escape_markdown, "- item\n# no", "\\- item \\# no");
	check(publish_escape_markdown, "+9.2% (-1)", "+9.2% (-1)");
	check(publish_escape_markdown, "12. x", "12\\. x");
	check(publish_escape_markdown, "1) x 2. y", "1\\) x 2. y");
	check(publish_escape_markdown, "1,204.31", "1,204.31");
}

static void test_json(void **state)
{
	static const char hostile[] = "a\"b\\c\x01\x7f\n件\xff";
	struct buf b = {0};
	json_t *back;

	(void)state;
	publish_escape_json(&b, hostile);
	back = json_loads(buf_text(&b), JSON_DECODE_ANY, NULL);
	assert_non_null(back);
	assert_string_equal(json_string_value(back), "a\"b\\c\x01\x7f\n件\xef\xbf\xbd");
	json_decref(back);
	buf_fini(&b);
}

static void check_csv(const char *text, bool outside, const char *expected)
{
	struct buf b = {0};

	publish_escape_csv(&b, text, outside);
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_csv(void **state)
{
	(void)state;
	check_csv("plain 件", true, "plain 件");
	check_csv("a,b", true, "\"a,b\"");
	check_csv("say \"x\"", true, "\"say \"\"x\"\"\"");
	check_csv("=1+1", true, "\"'=1+1\"");
	check_csv("-1", false, "-1");
	check_csv("@x", true, "\"'@x\"");
	check_csv("two\nlines", true, "\"two\nlines\"");
	check_csv("", true, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
