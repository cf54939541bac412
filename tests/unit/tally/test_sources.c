/*
 * Tables of sources and pairs that grow where they are: against plain sums, with many pairs, and
 * with pairs made to want the same place.
 */
#include "../decode/frame.h"

#include "tally/sources.h"

#define SOURCES_TRIED 3000u
#define ROUNDS 400000u
#define SLOTS_TRIED 400u
#define HOSTILE 3000u

static struct sources sources;

static uint32_t any(uint32_t below)
{
	static uint64_t state = 7;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 32) * below >> 32);
}

static struct source *enter(uint32_t address)
{
	uint64_t key = SOURCE_V4 | address;

	assert_true(sources_reserve(&sources, 1));
	return sources_enter(&sources, key, sources_seek(&sources, key));
}

static uint64_t sums[SOURCES_TRIED + 1][SLOTS_TRIED];

static void take_away(void *arg, uint32_t number, uint32_t slot, uint64_t packets)
{
	(void)arg;
	assert_true(sums[number][slot] >= packets);
	sums[number][slot] -= packets;
}

static void test_pairs(void **state)
{
	static uint64_t packets[SLOTS];
	static uint32_t counts[SLOTS];
	static uint64_t expected[SLOTS_TRIED];
	static uint32_t asked[SLOTS_TRIED];

	(void)state;
	assert_int_equal(sources_init(&sources, SOURCES_TRIED), ST_OK);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct source *source = enter(any(SOURCES_TRIED) * 77777u);
		/* Some ask one port, some all of them. */
		uint32_t number = (uint32_t)(source - sources.list) + 1;
		uint32_t slot = any(1 + number * SLOTS_TRIED / (SOURCES_TRIED + 1));
		uint32_t more = i % 1000 ? 1 : PAIR_COUNT_MAX;

		asked[slot] += sums[number][slot] == 0;
		sums[number][slot] += more;
		expected[slot] += more;
		if (!sources_count_own(source, slot, more))
			assert_true(pair_count(&sources, pair_of(&sources, source, slot), more, UINT32_MAX));
	}
	assert_true(sources.pair_count > 200000 && sources.overflow_count > 0);
	sources_close(&sources);
	sources_count_ports(&sources, packets, counts);
	for (unsigned slot = 0; slot < SLOTS_TRIED; slot++) {
		assert_int_equal(packets[slot], expected[slot]);
		assert_int_equal(counts[slot], asked[slot]);
	}
	pair_walk(&sources, take_away, NULL);
	for (unsigned i = 0; i <= SOURCES_TRIED; i++)
		for (unsigned slot = 0; slot < SLOTS_TRIED; slot++)
			assert_int_equal(sums[i][slot], 0);
	sources_fini(&sources);
}

static uint64_t walked;

static void add_up(void *arg, uint32_t number, uint32_t slot, uint64_t packets)
{
	(void)arg;
	(void)number;
	(void)slot;
	walked += packets;
}

/* What all pairs' words hold while they are still added to. */
static uint64_t counted(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i <= (UINT64_MAX >> sources.pair_shift) + PAIR_FAR_MAX; i++)
		sum += sources.pairs[i] & PAIR_COUNT_MAX;
	return sum;
}

/* Pairs that all want the first places: most are refused, and those that were taken stay. */
static void test_hostile_pairs(void **state)
{
	unsigned taken = 0;
	unsigned tried = 0;

	(void)state;
	assert_int_equal(sources_init(&sources, SOURCES_TRIED), ST_OK);
	assert_true(sources_reserve(&sources, 1));
	for (uint64_t pair = 1ull << SLOT_BITS; tried < HOSTILE; pair++) {
		if (sources_hash(pair) >> sources.pair_shift > 1)
			continue;
		tried++;
		taken += pair_count(&sources, pair, 1, UINT32_MAX);
	}
	assert_true(taken >= PAIR_FAR_MAX && taken < HOSTILE);
	assert_int_equal(sources.pair_count, taken);
	for (unsigned i = 0; i < 3; i++) {
		unsigned shift = sources.pair_shift;

		while (sources.pair_shift == shift)
			assert_true(sources_reserve(&sources, (uint32_t)(UINT64_MAX >> shift) / 8 * 5));
		assert_int_equal(counted(), taken);
	}
	/* What is there is found where it is now. */
	for (uint64_t pair = 1ull << SLOT_BITS; tried > 0; pair++) {
		if (sources_hash(pair) >> (64 - 14) > 1)
			continue;
		tried--;
		taken += pair_count(&sources, pair, 1, 0);
	}
	assert_int_equal(counted(), taken);
	walked = 0;
	sources_close(&sources);
	pair_walk(&sources, add_up, NULL);
	assert_int_equal(walked, taken);
	assert_int_equal(walked, 2ull * sources.pair_count);
	sources_fini(&sources);
}

static uint32_t matches(const struct source *source, unsigned rule)
{
	if (source->evidence)
		return sources.evidence[source->evidence - 1].tools.matches[rule];
	return source->rules >> rule & 1 ? source->matches : 0;
}

/* One set of rules needs no evidence of its own, a second one does; sums are the same. */
static void test_evidence(void **state)
{
	struct source *source;

	(void)state;
	assert_int_equal(sources_init(&sources, SOURCES_TRIED), ST_OK);
	source = enter(1);
	assert_int_equal(source->matches, 0);
	assert_true(sources_add_evidence(&sources, source, 3, 0x5));
	assert_true(sources_add_evidence(&sources, source, 4, 0x5));
	assert_int_equal(source->evidence, 0);
	assert_int_equal(matches(source, 2), 7);
	assert_true(sources_add_evidence(&sources, source, 2, 0x6));
	assert_int_not_equal(source->evidence, 0);
	assert_int_equal(matches(source, 0), 7);
	assert_int_equal(matches(source, 1), 2);
	assert_int_equal(matches(source, 2), 9);
	source = enter(2);
	assert_true(sources_add_evidence(&sources, source, UINT32_MAX, 0x1));
	assert_true(sources_add_evidence(&sources, source, 5, 0x1));
	assert_int_equal(matches(source, 0), UINT32_MAX);
	sources_fini(&sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_hostile_pairs),
		cmocka_unit_test(test_evidence),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
