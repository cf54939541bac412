/* Display width and the Japanese line breaking rules. */
#include "publish/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct publish_style ja = {.language = PUBLISH_JA};
static const struct publish_style en = {.language = PUBLISH_EN};

static void test_width(void **state)
{
	static const struct {
		const char *text;
		size_t ja, en;
	} rows[] = {
		{"", 0, 0}, {"23/TCP", 6, 6}, {"件数", 4, 4}, {"ｱｲｳﾞ", 4, 4}, {"○", 2, 1}, {"━", 2, 1},
		{"α±", 4, 2}, {"が", 4 - 2, 2}, {"か\xe3\x82\x99", 2, 2}, {"e\xcc\x81", 1, 1},
		{"\xe2\x80\x8b", 0, 0}, {"\xf0\x9f\x98\x80", 2, 2}, {"〜", 2, 2}, {"※", 2, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(publish_width(&ja, rows[i].text, strlen(rows[i].text)), rows[i].ja);
		assert_int_equal(publish_width(&en, rows[i].text, strlen(rows[i].text)), rows[i].en);
	}
}

static void check(const struct publish_style *style, const char *text, size_t width,
    const char *expected)
{
	struct buf b = {0};

	publish_wrap(&b, style, text, width, "", "");
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_kinsoku(void **state)
{
	(void)state;
	/* 10 columns: five wide characters. */
	check(&ja, "あいうえおか", 10, "あいうえお\nか\n");
	check(&ja, "あいうえお。か", 10, "あいうえ\nお。か\n");
	check(&ja, "あいうえお、", 10, "あいうえ\nお、\n");
	check(&ja, "あいうえおー", 10, "あいうえ\nおー\n");
	check(&ja, "あいうえおっか", 10, "あいうえ\nおっか\n");
	check(&ja, "あいうえ「おか」", 10, "あいうえ\n「おか」\n");
	check(&ja, "あいうえお」。か", 10, "あいうえ\nお」。か\n");
	check(&ja, "あいうえ(おか)", 9, "あいうえ\n(おか)\n");
	check(&ja, "あいう・えおか", 6, "あい\nう・え\nおか\n");
}

static void test_words_and_numbers_stay_whole(void **state)
{
	(void)state;
	check(&ja, "今期は9,612.4件で", 10, "今期は\n9,612.4件\nで\n");
	check(&ja, "割合は12.3%です", 10, "割合は\n12.3%です\n");
	check(&ja, "宛先23/TCPの", 7, "宛先\n23/TCP\nの\n");
	check(&ja, "認証CONNECT後", 10, "認証\nCONNECT後\n");
	check(&ja, "あいう8728/TCPへ", 9, "あいう\n8728/TCP\nへ\n");
	check(&ja, "あいう190〜350件台", 12, "あいう\n190〜350件台\n");
	check(&ja, "あいうえ件/日の", 10, "あいうえ\n件/日の\n");
	check(&ja, "発行は第509号です", 10, "発行は\n第509号で\nす\n");
	check(&ja, "増減は+12.5でした", 10, "増減は\n+12.5でし\nた\n");
}

static void test_long_runs_are_cut(void **state)
{
	(void)state;
	check(&ja, "aaaaaaaaaaaaaaaaaaaaaaa", 10, "aaaaaaaaaa\naaaaaaaaaa\naaa\n");
	check(&en, "aaaaaaaaaaaaaaa b", 10, "aaaaaaaaaa\naaaaa b\n");
	check(&ja, "。。。。。。。", 6, "。。。\n。。。\n。\n");
	check(&ja, "あ", 1, "あ\n");
}

static void test_english(void **state)
{
	(void)state;
	check(&en, "packets per day per address", 12, "packets per\nday per\naddress\n");
	check(&en, "a  b", 1, "a\nb\n");
	check(&en, "9,612.4 packets (5.1%).", 14, "9,612.4\npackets\n(5.1%).\n");
	check(&en, "", 10, "");
}

static void test_indents_count(void **state)
{
	struct buf b = {0};

	(void)state;
	publish_wrap(&b, &ja, "あいうえおかきく", 10, "・", "  ");
	assert_string_equal(buf_text(&b), "・あいうえ\n  おかきく\n");
	buf_fini(&b);
}

static void check_heading(const struct publish_style *style, const char *heading,
    const char *cell, const char *expected)
{
	char *cells[] = {strdup(heading), strdup(heading), strdup(cell), strdup(cell)};
	const enum report_align align[] = {REPORT_LEFT, REPORT_LEFT};
	struct publish_grid grid = {.columns = 2, .rows = 2, .cells = cells, .align = align};
	struct buf b = {0};
	char first[200];
	size_t lines = 0;
	size_t len = 0;

	/* As wide as the second heading needs in two lines. */
	publish_text_grid(&b, style, &grid, publish_width(style, heading, strlen(heading)) + 10);
	for (const char *at = buf_text(&b); lines < 2 && len + 1 < sizeof(first); at++) {
		lines += *at == '\n';
		first[len++] = *at;
	}
	first[len] = '\0';
	assert_string_equal(first, expected);
	buf_fini(&b);
	for (size_t i = 0; i < 4; i++)
		free(cells[i]);
}

/* Headings break at seams of words, evenly, and never inside an English word. */
static void test_headings(void **state)
{
	(void)state;
	check_heading(&ja, "国内発の宛先ポート", "23/TCP",
	    "国内発の       国内発の\n宛先ポート     宛先ポート\n");
	check_heading(&ja, "寄与が最大の送信元国・地域", "中国",
	    "寄与が最大の       寄与が最大の\n送信元国・地域     送信元国・地域\n");
	check_heading(&en, "Destination port", "23/TCP",
	    "Destination   Destination\nport          port\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_kinsoku),
		cmocka_unit_test(test_words_and_numbers_stay_whole),
		cmocka_unit_test(test_long_runs_are_cut),
		cmocka_unit_test(test_english),
		cmocka_unit_test(test_indents_count),
		cmocka_unit_test(test_headings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
