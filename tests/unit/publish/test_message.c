/* Templates, values as text, and that both catalogues hold the same messages. */
#include "publish/message.h"

#include "publish/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_template(const struct publish_style *style, const char *text,
    const struct report_value *values, size_t count, const char *expected)
{
	struct report_sentence sentence = {.values = values, .value_count = count};
	struct buf b = {0};

	publish_template(&b, style, text, &sentence);
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_places(void **state)
{
	struct publish_style style = {.language = PUBLISH_EN};
	struct report_fact one = {.value = 1, .known = true, .decimals = 0};
	struct report_fact fall = {.value = -12.345, .known = true, .decimals = 2};
	struct report_value values[] = {
		{.name = "n", .kind = REPORT_VALUE_INTEGER, .integer = 1},
		{.name = "m", .kind = REPORT_VALUE_INTEGER, .integer = 12345},
		{.name = "f", .kind = REPORT_VALUE_FACT, .fact = &one},
		{.name = "d", .kind = REPORT_VALUE_ABS, .fact = &fall},
		{.name = "s", .kind = REPORT_VALUE_SIGNED, .fact = &fall},
		{.name = "t", .kind = REPORT_VALUE_TEXT, .text = "{n} 送信元\n"},
	};

	(void)state;
	check_template(&style, "{n} {n|one=packet|other=packets}", values, 6, "1 packet");
	check_template(&style, "{m} {m|one=packet|other=packets}.", values, 6, "12,345 packets.");
	check_template(&style, "{f|other=no|one=yes}", values, 6, "yes");
	check_template(&style, "fell by {d} ({s})", values, 6, "fell by 12.35 (-12.35)");
	check_template(&style, "{t}", values, 6, "{n} 送信元\\x0a");
	check_template(&style, "{gone}", values, 6, "⟦gone⟧");
	check_template(&style, "open {n", values, 6, "open ");
	check_template(&style, "", values, 6, "");
}

/* "access from the United States", "access from Japan"; no article where none is asked for. */
static void test_country_articles(void **state)
{
	struct publish_style en = {.language = PUBLISH_EN};
	struct publish_style ja = {.language = PUBLISH_JA};
	struct report_value values[] = {
		{.name = "us", .kind = REPORT_VALUE_COUNTRY, .text = "US"},
		{.name = "jp", .kind = REPORT_VALUE_COUNTRY, .text = "JP"},
		{.name = "port", .kind = REPORT_VALUE_PORT, .integer = 23, .proto = 6},
	};

	(void)state;
	check_template(&en, "from {us|the} and {jp|the}", values, 3,
	    "from the United States and Japan");
	check_template(&en, "{us}, {port|the}", values, 3, "United States, 23/TCP");
	check_template(&ja, "{us|the}", values, 3, "米国");
}

/* A class of a site's own map: its name in each language, as text of somebody else. */
static void test_class(void **state)
{
	struct publish_style style = {.language = PUBLISH_JA};
	struct report_value value = {.name = "c", .kind = REPORT_VALUE_CLASS, .text = "scan",
		.ja = "スキャン\x1b", .en = "Scanning"};
	struct report_value unnamed = {.name = "c", .kind = REPORT_VALUE_CLASS, .text = "scan"};

	(void)state;
	check_template(&style, "{c}が", &value, 1, "スキャン\\x1bが");
	check_template(&style, "{c}", &unnamed, 1, "scan");
	style.language = PUBLISH_EN;
	check_template(&style, "{c}", &value, 1, "Scanning");
}

static void test_word_for_source(void **state)
{
	struct publish_style style = {.language = PUBLISH_JA, .source_hasshin = true};
	struct report_value value = {
		.name = "t", .kind = REPORT_VALUE_TEXT, .text = "送信元さん"};

	(void)state;
	check_template(&style, "送信元IPと{t}の送信元", &value, 1, "発信元IPと送信元さんの発信元");
	style.source_hasshin = false;
	check_template(&style, "送信元IP", NULL, 0, "送信元IP");
}

static void test_missing_message_is_visible(void **state)
{
	struct publish_style style = {.language = PUBLISH_JA};
	struct buf b = {0};

	(void)state;
	publish_message(&b, &style, "no.such.message");
	assert_string_equal(buf_text(&b), "⟦no.such.message⟧");
	assert_null(publish_message_find(PUBLISH_JA, "no.such.message"));
	buf_fini(&b);
}

static void check_value(enum publish_language language, struct report_value value,
    const char *expected)
{
	struct publish_style style = {.language = language};
	struct buf b = {0};

	publish_value(&b, &style, &value);
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_values(void **state)
{
	struct report_fact percent = {.value = 9.197, .known = true, .decimals = 1};
	struct report_fact difference = {.value = 101.44, .known = true, .decimals = 2};
	struct report_fact unknown = {.decimals = 1};
	struct report_value inner = {.name = "text", .kind = REPORT_VALUE_PORT, .integer = 22,
	    .proto = 6};

	(void)state;
	check_value(PUBLISH_JA, (struct report_value){.kind = REPORT_VALUE_NONE}, "-");
	check_value(PUBLISH_JA, (struct report_value){.kind = REPORT_VALUE_CHANGE,
	    .fact = &percent, .fact2 = &difference}, "+9.2% (+101.44)");
	check_value(PUBLISH_JA, (struct report_value){.kind = REPORT_VALUE_CHANGE,
	    .fact = &unknown, .text = "country.unknown"}, "不明");
	check_value(PUBLISH_EN, (struct report_value){.kind = REPORT_VALUE_CHANGE}, "no data");
	check_value(PUBLISH_EN, (struct report_value){.kind = REPORT_VALUE_FACT,
	    .fact = &unknown}, "no data");
	check_value(PUBLISH_EN, (struct report_value){.kind = REPORT_VALUE_MESSAGE,
	    .text = "layout.verbatim", .values = &inner, .value_count = 1}, "22/TCP");
	check_value(PUBLISH_EN, (struct report_value){.kind = REPORT_VALUE_SERVICE, .integer = 22,
	    .proto = 6}, "ssh");
	check_value(PUBLISH_EN, (struct report_value){.kind = REPORT_VALUE_COUNTRY, .text = "toolong"},
	    "Unknown");
	check_value(PUBLISH_EN, (struct report_value){.kind = REPORT_VALUE_TEXT,
	    .text = "a\x1b\xff\xe2\x80\xae\xc2\x85z"}, "a\\x1b\xef\xbf\xbd\\u202e\\x85z");
	check_value(PUBLISH_JA, (struct report_value){.kind = REPORT_VALUE_DAY_SHORT,
	    .integer = 20740}, "10/14");
}

static void test_messages_that_contain_themselves_end(void **state)
{
	struct report_value loop[1] = {{.name = "text", .kind = REPORT_VALUE_MESSAGE,
	    .text = "layout.verbatim", .value_count = 1}};
	struct publish_style style = {.language = PUBLISH_EN};
	struct buf b = {0};

	(void)state;
	loop[0].values = loop;
	publish_value(&b, &style, &loop[0]);
	assert_string_equal(buf_text(&b), "");
	buf_fini(&b);
}

/* The places of a template, sorted, as one string: "max min ". */
static void collect_places(const char *text, char *out, size_t size)
{
	char *places[32];
	size_t count = 0;

	out[0] = '\0';
	for (const char *p = strchr(text, '{'); p && count < 32; p = strchr(p + 1, '{')) {
		char *name = strndup(p + 1, strcspn(p + 1, "|}"));
		bool known = false;
		size_t at = 0;

		for (size_t i = 0; i < count; i++)
			known |= strcmp(places[i], name) == 0;
		if (known) {
			free(name);
			continue;
		}
		while (at < count && strcmp(places[at], name) < 0)
			at++;
		memmove(places + at + 1, places + at, (count - at) * sizeof(places[0]));
		places[at] = name;
		count++;
	}
	for (size_t i = 0; i < count; i++) {
		if (strlen(out) + strlen(places[i]) + 2 < size) {
			strcat(out, places[i]);
			strcat(out, " ");
		}
		free(places[i]);
	}
}

/* Each message of a file exists in the other language; in layout.msg with the same places. */
static void check_file(const struct embed_file *file, enum publish_language language,
    enum publish_language other)
{
	bool same_places = strstr(file->name, "layout.msg") != NULL;
	size_t count = 0;

	for (const char *p = file->data; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		char id[80] = {0};
		char here[400];
		char there[400];
		const char *a;
		const char *b;

		if (*p == '#' || *p == '\n' || *p == '\t')
			continue;
		memcpy(id, p, strcspn(p, " ="));
		a = publish_message_find(language, id);
		b = publish_message_find(other, id);
		assert_non_null(a);
		if (!b)
			fail_msg("%s: %s is not in the other language", file->name, id);
		if (strchr(a, '{') && strlen(a) != strcspn(a, "\n"))
			fail_msg("%s: %s has a line end inside", file->name, id);
		count++;
		if (!same_places)
			continue;
		collect_places(a, here, sizeof(here));
		collect_places(b, there, sizeof(there));
		assert_string_equal(here, there);
	}
	assert_true(count > 0);
}

static void test_catalogues_are_complete(void **state)
{
	size_t files = 0;

	(void)state;
	for (const struct embed_file *f = publish_data; f->name; f++) {
		if (strncmp(f->name, "ja/", 3) == 0)
			check_file(f, PUBLISH_JA, PUBLISH_EN);
		else if (strncmp(f->name, "en/", 3) == 0)
			check_file(f, PUBLISH_EN, PUBLISH_JA);
		else
			continue;
		files++;
	}
	assert_true(files >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_country_articles),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_word_for_source),
		cmocka_unit_test(test_missing_message_is_visible),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_messages_that_contain_themselves_end),
		cmocka_unit_test(test_catalogues_are_complete),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
