/* pcapng files made by hand: sections, interfaces, clocks, block types, damage. */
#include "make.h"

#define SECTION_LEN 28
#define INTERFACE_LEN 20 /* without options */

static void test_sections_with_their_own_order(void **state)
{
	struct make m = make_new(false);
	struct result *r;

	(void)state;
	put_section(&m);
	put_interface(&m, 1, 0, NO_TSRESOL, 0);
	put_interface(&m, 101, 0, 9, 0);
	put_enhanced(&m, 0, 1700000000000001, 61, 0x11);
	put_enhanced(&m, 1, 1700000000000002999, 62, 0x22);
	m.big = true;
	put_section(&m);
	put_interface(&m, 113, 0, 3, 0);
	put_enhanced(&m, 0, 1700000000003, 63, 0x33);
	m.big = false;
	put_section(&m);
	put_interface(&m, 276, 0, 0, 0);
	put_enhanced(&m, 0, 1700000004, 64, 0x44);
	r = read_make(&m);
	assert_int_equal(r->file.error, ST_OK);
	assert_int_equal(r->file.format, CAPTURE_PCAPNG);
	assert_int_equal(r->count, 4);
	assert_int_equal(r->packets[0].linktype, 1);
	assert_int_equal(r->packets[1].linktype, 101);
	assert_int_equal(r->packets[2].linktype, 113);
	assert_int_equal(r->packets[3].linktype, 276);
	assert_int_equal(r->packets[0].time_us, 1700000000000001);
	assert_int_equal(r->packets[1].time_us, 1700000000000002);
	assert_int_equal(r->packets[2].time_us, 1700000000003000);
	assert_int_equal(r->packets[3].time_us, 1700000004000000);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(r->packets[i].len, 61 + i);
		assert_int_equal(r->packets[i].wire_len, 61 + i);
		assert_int_equal(r->first[i], 0x11 * (i + 1));
	}
	assert_int_equal(r->file.bytes, 61 + 62 + 63 + 64);
	free(r);
	make_free(&m);
}

static void test_clocks(void **state)
{
	static const struct {
		int tsresol;
		int64_t offset_s;
		uint64_t ticks;
		int64_t time_us;
	} cases[] = {
	    {NO_TSRESOL, 0, 5, 5},
	    {0, 0, 5, 5000000},
	    {6, 1000, 5, 1000000005},
	    {6, -1000, 5, -999999995},
	    {7, 0, 59, 5},
	    {9, 0, 5999, 5},
	    {9, -1, 999, -1000000},
	    {12, 0, 5999999, 5},
	    {25, 0, UINT64_MAX, 1},
	    {26, 0, UINT64_MAX, 0},
	    {127, 0, UINT64_MAX, 0},
	    {0x80, 0, 3, 3000000},
	    {0x80 | 1, 0, 3, 1500000},
	    {0x80 | 10, 0, 1023, 999023},
	    {0x80 | 20, 0, 1u << 20, 1000000},
	    {0x80 | 32, 0, 0x100000000, 1000000},
	    {0x80 | 64, 0, UINT64_MAX, 999999},
	    {0x80 | 83, 0, UINT64_MAX, 1},
	    {0x80 | 127, 0, UINT64_MAX, 0},
	    {0, 0, UINT64_MAX, CAPTURE_TIME_MAX},
	    {0x80, INT64_MAX, UINT64_MAX, CAPTURE_TIME_MAX},
	    {6, INT64_MIN, 0, CAPTURE_TIME_MIN},
	    {6, INT64_MAX, 0, CAPTURE_TIME_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int big = 0; big < 2; big++) {
			struct make m = make_new(big);
			struct result *r;

			put_section(&m);
			put_interface(&m, 1, 0, cases[i].tsresol, cases[i].offset_s);
			put_enhanced(&m, 0, cases[i].ticks, 1, 0);
			r = read_make(&m);
			assert_int_equal(r->count, 1);
			if (r->packets[0].time_us != cases[i].time_us)
				print_error(
				    "case %zu: %lld\n", i, (long long)r->packets[0].time_us);
			assert_int_equal(r->packets[0].time_us, cases[i].time_us);
			free(r);
			make_free(&m);
		}
	}
}

static void test_simple_and_obsolete_packets(void **state)
{
	struct make m = make_new(true);
	struct result *r;

	(void)state;
	put_section(&m);
	put_interface(&m, 101, 5, NO_TSRESOL, 0);
	put_interface(&m, 1, 0, 0, 0);
	begin_block(&m, 3); /* before any time is known */
	put32(&m, 2);
	put16(&m, 0x5151);
	end_block(&m);
	begin_block(&m, 2); /* obsolete: 16-bit interface, drops */
	put16(&m, 1);
	put16(&m, 77);
	put64(&m, 1700000000);
	put32(&m, 3);
	put32(&m, 99);
	wr_bytes(&m.w, "aaa", 3);
	end_block(&m);
	begin_block(&m, 3); /* cut by the snap length: its padding is not data */
	put32(&m, 1000);
	wr_bytes(&m.w, "bbbbb", 5);
	end_block(&m);
	begin_block(&m, 3); /* more than the snap length is there: it is advisory */
	put32(&m, 12);
	wr_bytes(&m.w, "cccccccccccc", 12);
	end_block(&m);
	r = read_make(&m);
	assert_int_equal(r->file.error, ST_OK);
	assert_int_equal(r->count, 4);
	assert_int_equal(r->packets[0].time_us, 0);
	assert_int_equal(r->packets[0].len, 2);
	assert_int_equal(r->packets[1].linktype, 1);
	assert_int_equal(r->packets[1].len, 3);
	assert_int_equal(r->packets[1].wire_len, 99);
	assert_int_equal(r->packets[1].time_us, 1700000000000000);
	assert_int_equal(r->packets[2].linktype, 101);
	assert_int_equal(r->packets[2].len, 5);
	assert_int_equal(r->packets[2].wire_len, 1000);
	assert_int_equal(r->packets[2].time_us, 1700000000000000);
	assert_int_equal(r->packets[3].len, 12);
	free(r);
	make_free(&m);
}

static void test_other_blocks_are_skipped(void **state)
{
	static const uint32_t types[] = {4, 5, 0xa, 0xbad, 0x40000bad, 0x80000001, 0x12345678};
	/* The last is larger than the window: it must pass without being held. */
	static const size_t sizes[] = {0, 4, 64, 1000, 24, 8, 900000};
	struct make m = make_new(false);
	struct result *r;

	(void)state;
	put_section(&m);
	put_interface(&m, 1, 0, NO_TSRESOL, 0);
	for (size_t i = 0; i < 7; i++) {
		begin_block(&m, types[i]);
		put_zeros(&m, sizes[i]);
		end_block(&m);
		put_enhanced(&m, 0, i, 1, (uint8_t)i);
	}
	r = read_make(&m);
	assert_int_equal(r->file.error, ST_OK);
	assert_int_equal(r->count, 7);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(r->first[i], i);
	free(r);
	make_free(&m);
}

static void test_fcs_option(void **state)
{
	static const uint8_t values[] = {4, 32}; /* bytes and bits: both are written */
	struct result *r;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct make m = make_new(false);

		put_section(&m);
		begin_block(&m, 1);
		put16(&m, 1);
		put16(&m, 0);
		put32(&m, 0);
		put16(&m, 2); /* if_name, to be passed over */
		put16(&m, 5);
		wr_bytes(&m.w, "eth00\0\0\0", 8);
		put16(&m, 13);
		put16(&m, 1);
		wr_u8(&m.w, values[i]);
		put_zeros(&m, 3);
		end_block(&m);
		put_enhanced(&m, 0, 0, 64, 1);
		r = read_make(&m);
		assert_int_equal(r->count, 1);
		assert_int_equal(r->packets[0].fcs_len, 4);
		free(r);
		make_free(&m);
	}
}

static void test_every_cut_is_reported(void **state)
{
	struct make m = make_new(true);
	size_t ends[5];

	(void)state;
	put_section(&m);
	ends[0] = make_len(&m);
	put_interface(&m, 1, 0, NO_TSRESOL, 0);
	ends[1] = make_len(&m);
	put_enhanced(&m, 0, 1, 5, 1);
	ends[2] = make_len(&m);
	begin_block(&m, 5);
	put_zeros(&m, 12);
	end_block(&m);
	ends[3] = make_len(&m);
	put_enhanced(&m, 0, 2, 6, 2);
	ends[4] = make_len(&m);
	for (size_t len = 4; len <= ends[4]; len++) {
		uint8_t *copy = malloc(len);
		struct result *r;
		size_t start = 0;
		bool clean = false;

		assert_non_null(copy);
		memcpy(copy, m.data, len);
		for (size_t i = 0; i < 5; i++) {
			if (len >= ends[i])
				start = ends[i];
			clean = clean || len == ends[i];
		}
		r = read_memory(copy, len, NULL);
		assert_int_equal(r->count, (len >= ends[2]) + (len >= ends[4]));
		if (clean)
			assert_int_equal(r->file.error, ST_OK);
		else
			assert_error(r, ST_TRUNC, start, "the file ends inside a block");
		free(r);
		free(copy);
	}
	make_free(&m);
}

/* One good packet, then a block that was changed: the packet stays, the offset is the block's. */
static void check_damage(struct make *m, size_t block_at, int code, const char *text)
{
	struct result *r = read_make(m);

	assert_int_equal(r->count, 1);
	assert_error(r, code, block_at, text);
	free(r);
	make_free(m);
}

static struct make good_start(size_t *ret_len)
{
	struct make m = make_new(false);

	put_section(&m);
	put_interface(&m, 1, 0, NO_TSRESOL, 0);
	put_enhanced(&m, 0, 1, 4, 1);
	*ret_len = make_len(&m);
	assert_int_equal(*ret_len, SECTION_LEN + INTERFACE_LEN + 36);
	return m;
}

static void test_damage(void **state)
{
	struct make m;
	size_t at;

	(void)state;
	m = good_start(&at);
	put_enhanced(&m, 1, 1, 4, 1); /* no such interface */
	put_enhanced(&m, 0, 1, 4, 1);
	check_damage(&m, at, ST_MALFORMED, "damaged packet block");

	m = good_start(&at);
	put_enhanced(&m, 0, 1, 4, 1);
	m.data[at + 20] = 5; /* captured length larger than the block */
	check_damage(&m, at, ST_MALFORMED, "damaged packet block");

	m = good_start(&at);
	put_enhanced(&m, 0, 1, 4, 1);
	m.data[make_len(&m) - 4] ^= 4;
	check_damage(&m, at, ST_MALFORMED, "the two lengths of a block differ");

	m = good_start(&at);
	begin_block(&m, 5);
	end_block(&m);
	m.data[at + 4] = 8;
	check_damage(&m, at, ST_MALFORMED, "damaged block header");

	m = good_start(&at);
	begin_block(&m, 5);
	put32(&m, 0);
	end_block(&m);
	m.data[at + 4] = 18;
	check_damage(&m, at, ST_MALFORMED, "damaged block header");

	m = good_start(&at);
	put_enhanced(&m, 0, 1, 4, 1);
	m.data[at + 7] = 0x7f;
	check_damage(&m, at, ST_MALFORMED, "absurd block length");

	m = good_start(&at);
	put_section(&m);
	m.data[at + 8] = 0;
	check_damage(&m, at, ST_MALFORMED, "damaged block header");

	m = good_start(&at);
	put_section(&m);
	m.data[at + 12] = 2;
	check_damage(&m, at, ST_UNSUPPORTED, "version 2");

	m = good_start(&at);
	put_section(&m); /* forgets the interfaces */
	put_enhanced(&m, 0, 1, 4, 1);
	check_damage(&m, at + SECTION_LEN, ST_MALFORMED, "damaged packet block");

	m = good_start(&at);
	put_interface(&m, 1, 0, 6, 0);
	m.data[at + 18] = 200; /* an option longer than its block */
	check_damage(&m, at, ST_MALFORMED, "damaged interface description block");
}

static void test_interface_limit(void **state)
{
	size_t len = SECTION_LEN + (PCAPNG_INTERFACE_MAX + 1) * (size_t)INTERFACE_LEN;
	struct make m = {.data = malloc(len)};
	struct result *r;

	(void)state;
	assert_non_null(m.data);
	m.w = wr_init(m.data, len);
	put_section(&m);
	for (uint32_t i = 0; i <= PCAPNG_INTERFACE_MAX; i++)
		put_interface(&m, 1, 0, NO_TSRESOL, 0);
	r = read_make(&m);
	assert_error(r, ST_LIMIT, len - INTERFACE_LEN, "interfaces");
	free(r);
	make_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sections_with_their_own_order),
	    cmocka_unit_test(test_clocks),
	    cmocka_unit_test(test_simple_and_obsolete_packets),
	    cmocka_unit_test(test_other_blocks_are_skipped),
	    cmocka_unit_test(test_fcs_option),
	    cmocka_unit_test(test_every_cut_is_reported),
	    cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_interface_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
