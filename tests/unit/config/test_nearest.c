/* Nearest words: what is near enough to be suggested, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above before itself. */
#include <cmocka.h>

#include "config/nearest.h"

#include <string.h>

static void distances(void **state)
{
	(void)state;
	assert_int_equal(nearest_distance("top", "top"), 0);
	assert_int_equal(nearest_distance("tpo", "top"), 1); /* a swap is one edit */
	assert_int_equal(nearest_distance("week_starts", "week_start"), 1);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	assert_int_equal(nearest_distance("abcdef", "uvwxyz"), NEAREST_DISTANCE_MAX + 1);
}

static void distance_is_symmetric(void **state)
{
	static const char *const words[] = {"", "a", "ports", "prots", "port", "countries", "sql"};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		for (size_t j = 0; j < sizeof(words) / sizeof(*words); j++)
			assert_int_equal(nearest_distance(words[i], words[j]),
			    nearest_distance(words[j], words[i]));
}

static void long_words_are_far(void **state)
{
	char word[200];

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = 0;
	assert_int_equal(nearest_distance(word, word), NEAREST_DISTANCE_MAX + 1);
	word[NEAREST_WORD_MAX] = 0;
	assert_int_equal(nearest_distance(word, word), 0);
}

static const char *best(const char *word, const char *const *candidates)
{
	struct nearest n = {.word = word};

	for (; *candidates; candidates++)
		nearest_offer(&n, *candidates);
	return n.best;
}

static void suggestions(void **state)
{
	static const char *const words[] = {"top", "series", "who", "report", "sql", NULL};

	(void)state;
	assert_string_equal(best("tpo", words), "top");
	assert_string_equal(best("serise", words), "series");
	assert_string_equal(best("raport", words), "report");
	assert_null(best("xyzzy", words));
	/* One of three letters may differ, not two. */
	assert_string_equal(best("sqm", words), "sql");
	assert_null(best("axl", words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(distances),
	    cmocka_unit_test(distance_is_symmetric),
	    cmocka_unit_test(long_words_are_far),
	    cmocka_unit_test(suggestions),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
