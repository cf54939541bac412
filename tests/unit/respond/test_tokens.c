/*
 * What a responder that has been taken over could try with the courier's tokens, and what an honest
 * one does.
 */
#include "respond/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW 5000000ll

static int set_up(void **state)
{
	struct tokens *t;

	if (tokens_new(41, &t))
		return -1;
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	tokens_free(*state);
	return 0;
}

static struct token_ends ends_of(uint16_t n)
{
	struct token_ends ends = {
	    .peer = ip_from_v4(0xc6336400u + n),
	    .local = ip_from_v4(0xc0000209u),
	    .peer_port = (uint16_t)(40000 + n),
	    .local_port = (uint16_t)(31000 + n),
	};

	return ends;
}

static uint64_t issue(struct tokens *t, uint16_t n, size_t len, int64_t now_us)
{
	struct token_ends ends = ends_of(n);

	return tokens_issue(t, &ends, len, now_us);
}

static void an_answer_goes_to_who_asked_once(void **state)
{
	uint64_t first = issue(*state, 1, 100, NOW);
	uint64_t second = issue(*state, 2, 100, NOW);
	struct token_ends ends = {0};

	assert_true(first != TOKENS_NONE && second != TOKENS_NONE && first != second);
	/* In whatever order they come. */
	assert_int_equal(tokens_redeem(*state, second, 100, NOW, &ends), TOKEN_GOOD);
	assert_int_equal(ends.peer_port, 40002);
	assert_int_equal(ends.local_port, 31002);
	assert_true(ip_equal(ends.peer, ends_of(2).peer) && ip_equal(ends.local, ends_of(2).local));
	assert_int_equal(tokens_redeem(*state, first, 1, NOW + 10, &ends), TOKEN_GOOD);
	assert_int_equal(ends.peer_port, 40001);
	assert_int_equal(tokens_redeem(*state, first, 1, NOW + 10, &ends), TOKEN_USED);
	assert_int_equal(tokens_redeem(*state, second, 1, NOW + 10, &ends), TOKEN_USED);
}

static void what_was_never_issued_is_unknown(void **state)
{
	struct token_ends ends = {0};
	uint64_t token;

	assert_int_equal(tokens_redeem(*state, TOKENS_NONE, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(tokens_redeem(*state, 42, 1, NOW, &ends), TOKEN_UNKNOWN);
	token = issue(*state, 1, 100, NOW);
	assert_int_equal(tokens_redeem(*state, token + 1, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(tokens_redeem(*state, token - 1, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(tokens_redeem(*state, token + TOKENS_MAX, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(tokens_redeem(*state, ~token, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(ends.peer_port, 0);
	assert_int_equal(tokens_redeem(*state, token, 1, NOW, &ends), TOKEN_GOOD);
}

static void no_answer_is_longer_than_what_it_answers(void **state)
{
	uint64_t token = issue(*state, 1, 100, NOW);
	uint64_t empty = issue(*state, 2, 0, NOW);
	struct token_ends ends = {0};

	assert_int_equal(tokens_redeem(*state, token, 101, NOW, &ends), TOKEN_LENGTH);
	assert_int_equal(tokens_redeem(*state, token, SIZE_MAX, NOW, &ends), TOKEN_LENGTH);
	assert_int_equal(tokens_redeem(*state, token, 0, NOW, &ends), TOKEN_LENGTH);
	assert_int_equal(tokens_redeem(*state, empty, 1, NOW, &ends), TOKEN_LENGTH);
	assert_int_equal(ends.peer_port, 0);
	/* The attempt has not used it up. */
	assert_int_equal(tokens_redeem(*state, token, 100, NOW, &ends), TOKEN_GOOD);
}

static void an_answer_comes_soon_or_not_at_all(void **state)
{
	uint64_t token = issue(*state, 1, 100, NOW);
	struct token_ends ends = {0};

	assert_int_equal(tokens_redeem(*state, token, 1, NOW + TOKENS_AGE_US + 1, &ends), TOKEN_LATE);
	assert_int_equal(tokens_redeem(*state, token, 1, NOW - 1, &ends), TOKEN_LATE);
	assert_int_equal(tokens_redeem(*state, token, 1, NOW + TOKENS_AGE_US, &ends), TOKEN_GOOD);
}

static void the_newest_push_out_the_oldest(void **state)
{
	uint64_t first = issue(*state, 1, 100, NOW);
	uint64_t used = issue(*state, 2, 100, NOW);
	struct token_ends ends = {0};
	uint64_t last = 0;

	assert_int_equal(tokens_redeem(*state, used, 1, NOW, &ends), TOKEN_GOOD);
	for (unsigned i = 2; i < TOKENS_MAX; i++)
		last = issue(*state, 3, 100, NOW);
	assert_int_equal(tokens_pushed_out(*state), 0);
	assert_int_equal(last, first + TOKENS_MAX - 1);
	/* In the places of the first two: one could still have been answered, the other had been. */
	(void)issue(*state, 4, 100, NOW);
	(void)issue(*state, 4, 100, NOW);
	assert_int_equal(tokens_pushed_out(*state), 1);
	assert_int_equal(tokens_redeem(*state, first, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(tokens_redeem(*state, used, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(tokens_redeem(*state, last, 1, NOW, &ends), TOKEN_GOOD);
	/* One that nobody could answer any more is no loss. */
	(void)issue(*state, 5, 100, NOW + TOKENS_AGE_US + 1);
	assert_int_equal(tokens_pushed_out(*state), 1);
}

/* The number that means none is left out where the count comes round. */
static void tokens_come_round(void **state)
{
	struct token_ends ends = {0};
	struct tokens *t;
	uint64_t before;
	uint64_t after;

	(void)state;
	assert_int_equal(tokens_new(UINT64_MAX - 1, &t), 0);
	before = issue(t, 1, 10, NOW);
	after = issue(t, 2, 10, NOW);
	assert_true(before == UINT64_MAX && after == 1);
	assert_int_equal(tokens_redeem(t, TOKENS_NONE, 1, NOW, &ends), TOKEN_UNKNOWN);
	assert_int_equal(tokens_redeem(t, before, 1, NOW, &ends), TOKEN_GOOD);
	assert_int_equal(tokens_redeem(t, after, 1, NOW, &ends), TOKEN_GOOD);
	assert_int_equal(ends.peer_port, 40002);
	tokens_free(t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_answer_goes_to_who_asked_once),
	    TEST(what_was_never_issued_is_unknown),
	    TEST(no_answer_is_longer_than_what_it_answers),
	    TEST(an_answer_comes_soon_or_not_at_all),
	    TEST(the_newest_push_out_the_oldest),
	    TEST(tokens_come_round),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
