/*
 * Law: a datagram that comes again counts as the first one did, parsed or not.
 */
#include "../decode/frame.h"

#include "tally/repeats.h"
#include "tally/sessions.h"

#define TIMES 9u

#define DATAGRAM(port, len, text) {port, len, sizeof(text) - 1, text}

static const struct {
	uint16_t port;
	uint8_t len; /* zeros follow the bytes */
	uint8_t known;
	const char *bytes;
} datagrams[] = {
	DATAGRAM(53, 30, "\x12\x34\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3"),
	DATAGRAM(53, 12, "\x12\x34\1\0\0\1\0\0\0\0\0\0"), /* malformed */
	DATAGRAM(123, 48, "\x17\0\3\x2a\0\0\0\0"),
	DATAGRAM(123, 48, "\xe3\0\4\xfa"),
	DATAGRAM(161, 43, "0)\2\1\1\4\6public\xa0\x1c\2\4\1\2\3\4\2\1\0\2\1\0000\x0e"
	    "0\x0c\6\10+\6\1\2\1\1\1\0\5\0"),
	DATAGRAM(1900, 94, "M-SEARCH * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nST:ssdp:all\r\n"
	    "Man:\"ssdp:discover\"\r\nMX:3\r\n\r\n"),
	DATAGRAM(11211, 15, "\0\0\0\0\0\1\0\0stats\r\n"),
	DATAGRAM(53413, 17, "AA\0\0AAAA netcore\0"), /* a login: each one counts */
	DATAGRAM(40000, 5, "hello"),
	DATAGRAM(40000, 1, ""),
};
#define DATAGRAMS (sizeof(datagrams) / sizeof(datagrams[0]))

static struct sessions *open_sessions(void)
{
	struct sessions_options options = {.passive = true};
	struct sessions *sessions;

	assert_int_equal(sessions_new(&options, &sessions), ST_OK);
	return sessions;
}

static void put(struct sessions *sessions, size_t which, unsigned client)
{
	uint8_t bytes[128] = {0};
	struct stream_memory memory = {0, 0};
	struct stream stream = {
		.client = ip_from_v4(0xc6336400u + client),
		.server = ip_from_v4(0xc0000201u),
		.client_port = 4000,
		.server_port = datagrams[which].port,
		.proto = DECODE_PROTO_UDP,
	};

	assert_true(datagrams[which].known <= datagrams[which].len);
	memcpy(bytes, datagrams[which].bytes, datagrams[which].known);
	assert_true(sessions_counting_sink.datagram(sessions, &stream, &memory, STREAM_CLIENT, bytes,
	    datagrams[which].len));
}

static void assert_times(const struct sessions *many, const struct sessions *once)
{
	for (unsigned m = 0; m < protocol_module_count; m++) {
		assert_int_equal(sessions_protocol_count(many, (uint16_t)m),
		    TIMES * sessions_protocol_count(once, (uint16_t)m));
		for (unsigned e = 0; e < protocol_modules[m]->event_count; e++)
			assert_int_equal(sessions_event_count(many, m, e),
			    TIMES * sessions_event_count(once, m, e));
	}
	assert_int_equal(sessions_counters(many)->identified,
	    TIMES * sessions_counters(once)->identified);
	assert_int_equal(logins_total(sessions_logins(many)),
	    TIMES * logins_total(sessions_logins(once)));
}

static void test_again_is_the_same(void **state)
{
	struct sessions *all_many = open_sessions();
	struct sessions *all_once = open_sessions();

	(void)state;
	for (unsigned n = 0; n < TIMES; n++)
		for (size_t i = 0; i < DATAGRAMS; i++)
			put(all_many, i, n);
	for (size_t i = 0; i < DATAGRAMS; i++)
		put(all_once, i, 0);
	assert_times(all_many, all_once);
	assert_true(sessions_counters(all_once)->identified >= 5);
	sessions_free(all_many);
	sessions_free(all_once);
}

static void test_kept_when_it_comes_twice(void **state)
{
	static struct repeats repeats;
	const struct repeats_key key = repeats_key_of(53, (const uint8_t *)"abc", 3);
	const struct repeats_key other_port = repeats_key_of(54, (const uint8_t *)"abc", 3);
	const struct repeats_key other_bytes = repeats_key_of(53, (const uint8_t *)"abd", 3);
	struct repeat did = {.number = 7, .state = 9, .event_count = 1, .events = {3}};
	static const uint8_t long_one[REPEATS_BYTES_MAX + 1];

	(void)state;
	repeats_keep(&repeats, &key, &did);
	assert_null(repeats_find(&repeats, &key));
	repeats_keep(&repeats, &key, &did);
	assert_non_null(repeats_find(&repeats, &key));
	assert_int_equal(repeats_find(&repeats, &key)->number, 7);
	assert_int_equal(repeats_find(&repeats, &key)->state, 9);
	assert_null(repeats_find(&repeats, &other_port));
	assert_null(repeats_find(&repeats, &other_bytes));
	/* What cannot repeat, and what is too long, is not kept. */
	did.other = true;
	for (unsigned i = 0; i < 3; i++)
		repeats_keep(&repeats, &other_bytes, &did);
	assert_null(repeats_find(&repeats, &other_bytes));
	assert_int_equal(repeats_key_of(1, long_one, sizeof(long_one)).hash, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again_is_the_same),
		cmocka_unit_test(test_kept_when_it_comes_twice),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
