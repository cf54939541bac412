/* Letters between courier and responder: what one writes the other reads; nothing else is read. */
#include "respond/letter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint8_t body[LETTER_HEAD + LETTER_DATA_MAX + 1];

static struct letter a_letter(size_t len)
{
	struct letter letter = {
	    .token = 0x1122334455667788ull,
	    .datagram = {
	        .peer = ip_from_v4(0xc6336401u),
	        .peer_port = 5060,
	        .local = ip_from_v4(0xc0000209u),
	        .local_port = 31000,
	        .len = len,
	    },
	};

	return letter;
}

/* The whole letter with its data in body; its length. */
static size_t write_letter(const struct letter *letter, const char *data, size_t len)
{
	struct wr w = wr_init(body, sizeof(body));

	letter_head_write(letter, &w);
	assert_int_equal(wr_len(&w), LETTER_HEAD);
	wr_bytes(&w, data, len);
	assert_false(w.bad);
	return wr_len(&w);
}

static void a_letter_is_read_as_it_was_written(void **state)
{
	struct letter letter = a_letter(5);
	struct letter read;

	(void)state;
	assert_int_equal(letter_read(body, write_letter(&letter, "hello", 5), &read), ST_OK);
	assert_int_equal(read.token, letter.token);
	assert_true(ip_equal(read.datagram.peer, letter.datagram.peer));
	assert_true(ip_equal(read.datagram.local, letter.datagram.local));
	assert_int_equal(read.datagram.peer_port, 5060);
	assert_int_equal(read.datagram.local_port, 31000);
	assert_int_equal(read.datagram.len, 5);
	assert_int_equal(read.len, 5);
	assert_memory_equal(read.data, "hello", 5);
}

static void a_long_datagram_comes_cut_and_says_so(void **state)
{
	static char data[LETTER_DATA_MAX];
	struct letter letter = a_letter(40000);
	struct letter read;

	(void)state;
	assert_int_equal(letter_read(body, write_letter(&letter, data, sizeof(data)), &read), ST_OK);
	assert_int_equal(read.datagram.len, 40000);
	assert_int_equal(read.len, LETTER_DATA_MAX);
}

static void what_is_no_letter_is_refused(void **state)
{
	static char data[LETTER_DATA_MAX + 1];
	struct letter letter = a_letter(5);
	struct letter read;
	size_t len = write_letter(&letter, "hello", 5);

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(letter_read(body, cut, &read), ST_MALFORMED);
	letter = a_letter(6); /* a length that is not that of what follows */
	assert_int_equal(letter_read(body, write_letter(&letter, "hello", 5), &read), ST_MALFORMED);
	letter = a_letter(65536);
	assert_int_equal(letter_read(body, write_letter(&letter, data, LETTER_DATA_MAX), &read),
	    ST_MALFORMED);
	letter = a_letter(LETTER_DATA_MAX + 1);
	assert_int_equal(letter_read(body, write_letter(&letter, data, sizeof(data)), &read),
	    ST_MALFORMED);
	letter = a_letter(5); /* ends of two families */
	letter.datagram.peer = (struct ip){0x20010db800000000ull, 1};
	assert_int_equal(letter_read(body, write_letter(&letter, "hello", 5), &read), ST_MALFORMED);
}

static void an_answer_has_a_token_and_bytes(void **state)
{
	struct letter_answer answer;
	struct wr w = wr_init(body, sizeof(body));

	(void)state;
	letter_answer_head_write(7, &w);
	assert_int_equal(wr_len(&w), LETTER_ANSWER_HEAD);
	wr_bytes(&w, "yes", 3);
	assert_int_equal(letter_answer_read(body, wr_len(&w), &answer), ST_OK);
	assert_int_equal(answer.token, 7);
	assert_int_equal(answer.len, 3);
	assert_memory_equal(answer.data, "yes", 3);
	for (size_t cut = 0; cut <= LETTER_ANSWER_HEAD; cut++)
		assert_int_equal(letter_answer_read(body, cut, &answer), ST_MALFORMED);
	assert_int_equal(letter_answer_read(body, LETTER_ANSWER_HEAD + LETTER_DATA_MAX, &answer),
	    ST_OK);
	assert_int_equal(letter_answer_read(body, LETTER_ANSWER_HEAD + LETTER_DATA_MAX + 1, &answer),
	    ST_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_letter_is_read_as_it_was_written),
	    cmocka_unit_test(a_long_datagram_comes_cut_and_says_so),
	    cmocka_unit_test(what_is_no_letter_is_refused),
	    cmocka_unit_test(an_answer_has_a_token_and_bytes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
