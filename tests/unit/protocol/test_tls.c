/*
 * JA3 and JA4 of hellos made from published lists, in one record and in many.
 *
 * Vectors: the two of JA3's description, and JA4's own example.  Every length of record gives the
 * same fingerprints; GREASE changes none; a list that is too long gives none.
 */
#include "conversation.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define HELLO_MAX 8192

struct lists {
	uint16_t version;
	const uint16_t *ciphers;
	size_t ciphers_len;
	const uint16_t *extensions;
	size_t extensions_len;
	const uint16_t *groups;
	size_t groups_len;
	const uint16_t *algorithms;
	size_t algorithms_len;
	const char *alpn;
	const char *name;
	size_t padding; /* bytes in extensions that have no other content */
};

#define LIST(list) (list), sizeof(list) / sizeof((list)[0])

static void put_u16s(struct wr *w, const uint16_t *list, size_t count)
{
	wr_u16be(w, (uint16_t)(2 * count));
	for (size_t i = 0; i < count; i++)
		wr_u16be(w, list[i]);
}

static void put_extension(struct wr *w, const struct lists *lists, uint16_t type)
{
	uint8_t body[HELLO_MAX];
	struct wr b = wr_init(body, sizeof(body));
	const size_t name_len = lists->name ? strlen(lists->name) : 0;

	switch (type) {
	case 0:
		wr_u16be(&b, (uint16_t)(name_len + 3));
		wr_u8(&b, 0);
		wr_u16be(&b, (uint16_t)name_len);
		wr_bytes(&b, lists->name, name_len);
		break;
	case 10:
		put_u16s(&b, lists->groups, lists->groups_len);
		break;
	case 11:
		wr_bytes(&b, "\1\0", 2);
		break;
	case 13:
		put_u16s(&b, lists->algorithms, lists->algorithms_len);
		break;
	case 16:
		wr_u16be(&b, (uint16_t)(strlen(lists->alpn) + 1));
		wr_u8(&b, (uint8_t)strlen(lists->alpn));
		wr_bytes(&b, lists->alpn, strlen(lists->alpn));
		break;
	case 43:
		wr_bytes(&b, "\6\x5a\x5a\3\4\3\3", 7);
		break;
	default:
		for (size_t i = 0; i < lists->padding; i++)
			wr_u8(&b, (uint8_t)i);
		break;
	}
	wr_u16be(w, type);
	wr_u16be(w, (uint16_t)wr_len(&b));
	wr_bytes(w, body, wr_len(&b));
}

/* The handshake message. */
static size_t make_hello(const struct lists *lists, uint8_t out[HELLO_MAX])
{
	uint8_t extensions[HELLO_MAX];
	struct wr e = wr_init(extensions, sizeof(extensions));
	struct wr w = wr_init(out, HELLO_MAX);
	size_t len;

	for (size_t i = 0; i < lists->extensions_len; i++)
		put_extension(&e, lists, lists->extensions[i]);
	wr_u32be(&w, 1u << 24);
	wr_u16be(&w, lists->version);
	for (unsigned i = 0; i < 32; i++)
		wr_u8(&w, (uint8_t)(i * 7));
	wr_u8(&w, 0);
	put_u16s(&w, lists->ciphers, lists->ciphers_len);
	wr_bytes(&w, "\1\0", 2);
	if (lists->extensions_len > 0) {
		wr_u16be(&w, (uint16_t)wr_len(&e));
		wr_bytes(&w, extensions, wr_len(&e));
	}
	assert_false(w.bad || e.bad);
	len = wr_len(&w) - 4;
	out[1] = (uint8_t)(len >> 16);
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	return wr_len(&w);
}

/* Plays it in records of at most `record` bytes and segments of `part`; the facts as text. */
static void play(const struct lists *lists, size_t record, size_t part, struct buf *ret_facts)
{
	uint8_t hello[HELLO_MAX];
	uint8_t stream[HELLO_MAX * 8];
	const size_t len = make_hello(lists, hello);
	struct wr w = wr_init(stream, sizeof(stream));
	static struct conversation c;

	for (size_t at = 0; at < len; at += record) {
		const size_t n = len - at < record ? len - at : record;

		wr_bytes(&w, "\x16\3\1", 3);
		wr_u16be(&w, (uint16_t)n);
		wr_bytes(&w, hello + at, n);
	}
	assert_false(w.bad);
	conversation_begin(&c, false, false, 443);
	conversation_give(&c, PROTOCOL_CLIENT, stream, wr_len(&w), part);
	conversation_close(&c);
	buf_append(ret_facts, c.trace.facts.data, c.trace.facts.len);
	conversation_free(&c);
}

static bool holds(struct buf *facts, const char *text)
{
	return strstr(buf_text(facts), text) != NULL;
}

/* https://github.com/salesforce/ja3, "How it works". */
static const uint16_t ja3_ciphers[] = {47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4};
static const uint16_t ja3_extensions[] = {0, 10, 11};
static const uint16_t ja3_groups[] = {23, 24, 25};
static const uint16_t old_ciphers[] = {4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99};

static void ja3_of_the_description(void **context)
{
	const struct lists lists = {
		.version = 0x0301,
		LIST(ja3_ciphers), LIST(ja3_extensions), LIST(ja3_groups),
		.name = "example.com",
	};
	struct buf facts = {0};

	(void)context;
	play(&lists, HELLO_MAX, HELLO_MAX, &facts);
	assert_true(holds(&facts, "F: event hello\n"));
	assert_true(holds(&facts, "ja3 \"ada70206e40642a3e4461f35503241d5\""));
	assert_true(holds(&facts, "sni \"example.com\""));
	buf_fini(&facts);
}

static void ja3_without_extensions(void **context)
{
	const struct lists lists = {.version = 0x0301, LIST(old_ciphers)};
	struct buf facts = {0};

	(void)context;
	play(&lists, HELLO_MAX, HELLO_MAX, &facts);
	assert_true(holds(&facts, "ja3 \"de350869b8c85de67a350c8d186f11e6\""));
	assert_true(holds(&facts, "ja4 \"t10i110000_"));
	assert_true(holds(&facts, "_000000000000\""));
	buf_fini(&facts);
}

/* FoxIO's example, in an order of its own: JA4 sorts. */
static const uint16_t ja4_ciphers[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
	0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
static const uint16_t ja4_extensions[] = {0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d,
	0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015};
static const uint16_t ja4_algorithms[] = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806,
	0x0601};
static const uint16_t greased_ciphers[] = {0xeaea, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c,
	0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
static const uint16_t greased_extensions[] = {0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469,
    0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x7a7a};

static const struct lists ja4_lists = {
	.version = 0x0303,
	LIST(ja4_ciphers), LIST(ja4_extensions), LIST(ja3_groups), LIST(ja4_algorithms),
	.alpn = "h2",
	.name = "ja4.example",
	.padding = 600, /* in each of ten: longer than a post-quantum key share */
};

static void ja4_of_the_description(void **context)
{
	struct buf facts = {0};
	struct lists greased = ja4_lists;

	(void)context;
	play(&ja4_lists, HELLO_MAX, HELLO_MAX, &facts);
	assert_true(holds(&facts, "ja4 \"t13d1516h2_8daaf6152771_e5627efa2ab1\""));
	buf_reset(&facts);
	greased.ciphers = greased_ciphers;
	greased.ciphers_len++;
	greased.extensions = greased_extensions;
	greased.extensions_len += 2;
	greased.padding = 16;
	play(&greased, HELLO_MAX, HELLO_MAX, &facts);
	assert_true(holds(&facts, "ja4 \"t13d1516h2_8daaf6152771_e5627efa2ab1\""));
	buf_fini(&facts);
}

/* Two hellos that differ only in the ALPN: the characters of JA4's first part. */
static void ja4_alpn(void **context)
{
	static const struct {
		const char *alpn;
		const char *expected;
	} cases[] = {{"http/1.1", "t13d1516h1_"}, {"x", "t13d1516xx_"}, {"\xab\xcd", "t13d1516ad_"},
		{"\x20\x61", "t13d151621_"}};

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lists lists = ja4_lists;
		struct buf facts = {0};

		lists.alpn = cases[i].alpn;
		lists.padding = 8;
		play(&lists, HELLO_MAX, HELLO_MAX, &facts);
		assert_true(holds(&facts, cases[i].expected));
		buf_fini(&facts);
	}
}

static void any_fragmentation(void **context)
{
	static const size_t sizes[] = {1, 2, 3, 7, 64, 500, 1400};
	struct lists lists = ja4_lists;
	struct buf whole = {0};

	(void)context;
	lists.padding = 100;
	play(&lists, HELLO_MAX, HELLO_MAX, &whole);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			struct buf facts = {0};

			/* Identification wants the message's type in the first record: one byte has
			 * it. */
			play(&lists, sizes[i], sizes[j], &facts);
			assert_string_equal(buf_text(&facts), buf_text(&whole));
			buf_fini(&facts);
		}
	buf_fini(&whole);
}

static void too_long_a_list_gives_no_fingerprint(void **context)
{
	uint16_t ciphers[400];
	struct lists lists = ja4_lists;
	struct buf facts = {0};

	(void)context;
	for (size_t i = 0; i < 400; i++)
		ciphers[i] = (uint16_t)i;
	lists.ciphers = ciphers;
	lists.ciphers_len = 400;
	lists.padding = 1;
	play(&lists, HELLO_MAX, HELLO_MAX, &facts);
	assert_true(holds(&facts, "F: event hello\n"));
	assert_true(holds(&facts, "sni \"ja4.example\""));
	assert_false(holds(&facts, "ja3"));
	assert_false(holds(&facts, "ja4 \""));
	buf_fini(&facts);
}

static void heartbleed(void **context)
{
	static const uint8_t beat[] = "\x18\x03\x02\x00\x03\x01\x40\x00";
	static const uint8_t honest[] = "\x18\x03\x02\x00\x17\x01\x00\x04okok0123456789abcdef";
	uint8_t stream[HELLO_MAX];
	struct wr w = wr_init(stream, sizeof(stream));
	uint8_t hello[HELLO_MAX];
	const struct lists lists = {.version = 0x0302, LIST(old_ciphers)};
	const size_t len = make_hello(&lists, hello);
	static struct conversation c;

	(void)context;
	wr_bytes(&w, "\x16\3\1", 3);
	wr_u16be(&w, (uint16_t)len);
	wr_bytes(&w, hello, len);
	wr_bytes(&w, honest, 5 + 0x17);
	conversation_begin(&c, false, false, 443);
	conversation_give(&c, PROTOCOL_CLIENT, stream, wr_len(&w), HELLO_MAX);
	assert_false(holds(&c.trace.facts, "heartbleed"));
	conversation_give(&c, PROTOCOL_CLIENT, beat, sizeof(beat) - 1, 3);
	assert_true(holds(&c.trace.facts, "F: event exploit.heartbleed\n"));
	conversation_close(&c);
	conversation_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ja3_of_the_description),
		cmocka_unit_test(ja3_without_extensions),
		cmocka_unit_test(ja4_of_the_description),
		cmocka_unit_test(ja4_alpn),
		cmocka_unit_test(any_fragmentation),
		cmocka_unit_test(too_long_a_list_gives_no_fingerprint),
		cmocka_unit_test(heartbleed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
