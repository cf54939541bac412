/* The alias tables give each entry its share, and refuse what has none. */
#include "simulate/pick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DRAWS 400000u

static void shares_follow_weights(void **state)
{
	static const uint64_t weights[] = {1, 0, 2, 3, 4};
	uint32_t counts[5] = {0};
	struct rng rng = rng_new(7, 7);
	struct pick pick;

	(void)state;
	assert_int_equal(pick_new(weights, 5, &pick), ST_OK);
	for (unsigned i = 0; i < DRAWS; i++)
		counts[pick_draw(&pick, &rng)]++;
	for (int i = 0; i < 5; i++) {
		uint64_t expected = DRAWS * weights[i] / 10;

		/* Four standard deviations of a binomial with these sizes are below 1 300. */
		assert_in_range(counts[i] + 1300, expected, expected + 2600);
	}
	assert_int_equal(counts[1], 0);
	pick_fini(&pick);
}

static void zipf_halves(void **state)
{
	uint32_t counts[1000] = {0};
	struct rng rng = rng_new(8, 8);
	struct pick pick;

	(void)state;
	assert_int_equal(pick_new_zipf(1000, 0, &pick), ST_OK);
	for (unsigned i = 0; i < DRAWS; i++)
		counts[pick_draw(&pick, &rng)]++;
	/* H(1000) = 7.4855: the first has 13.36 % of all, the second half of it. */
	assert_in_range(counts[0], 52500, 54400);
	assert_in_range(counts[1], 26000, 27450);
	assert_in_range(counts[999], 20, 100);
	pick_fini(&pick);
}

static void limits(void **state)
{
	static const uint64_t none[] = {0, 0};
	static const uint64_t one[] = {9};
	struct rng rng = rng_new(1, 1);
	struct pick pick = {0};

	(void)state;
	assert_int_equal(pick_new(none, 2, &pick), ST_LIMIT);
	assert_int_equal(pick_new(one, 0, &pick), ST_LIMIT);
	assert_int_equal(pick_new_zipf(PICK_ENTRIES_MAX + 1, 0, &pick), ST_LIMIT);
	assert_null(pick.entries);
	assert_int_equal(pick_new(one, 1, &pick), ST_OK);
	assert_int_equal(pick_draw(&pick, &rng), 0);
	pick_fini(&pick);
	pick_fini(&pick);
}

static void numbers_are_the_published_ones(void **state)
{
	/* xoshiro256** from the state 1, 2, 3, 4: the first outputs of the reference code. */
	struct rng rng = {.s = {1, 2, 3, 4}};

	(void)state;
	assert_int_equal(rng_u64(&rng), 11520);
	assert_int_equal(rng_u64(&rng), 0);
	assert_int_equal(rng_u64(&rng), 1509978240);
	/* splitmix64 with seed 0, as in its reference code. */
	assert_true(rng_mix(0) == 0xe220a8397b1dcdafull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shares_follow_weights),
	    cmocka_unit_test(zipf_halves),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(numbers_are_the_published_ones),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
