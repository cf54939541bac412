/* pcap files made by hand: every variant that is read, and every kind of damage. */
#include "make.h"

static void test_both_orders_and_resolutions(void **state)
{
	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		bool ns = variant & 1;
		struct make m = make_new(variant & 2);
		struct result *r;

		put_pcap(&m, ns ? PCAP_NS : PCAP_US, PCAP_2_4, 1);
		put_record(&m, 1700000000, ns ? 999999999 : 999999, 60, 1500, 0xaa);
		put_record(&m, 1699999999, 0, 0, 0, 0);
		put_record(&m, 4294967295u, 4294967295u, 100, 40, 0xbb);
		r = read_make(&m);
		assert_int_equal(r->file.error, ST_OK);
		assert_int_equal(r->file.format, ns ? CAPTURE_PCAP_NS : CAPTURE_PCAP);
		assert_string_equal(r->file.compression, "");
		assert_int_equal(r->count, 3);
		assert_int_equal(r->packets[0].time_us, 1700000000999999);
		assert_int_equal(r->packets[0].len, 60);
		assert_int_equal(r->packets[0].wire_len, 1500);
		assert_int_equal(r->packets[0].linktype, 1);
		assert_int_equal(r->packets[0].fcs_len, 0);
		assert_int_equal(r->first[0], 0xaa);
		assert_int_equal(r->packets[1].len, 0);
		/* A fraction above a second is added, and nothing overflows. */
		assert_int_equal(
		    r->packets[2].time_us, 4294967295000000 + (ns ? 4294967 : 4294967295));
		assert_int_equal(r->first[2], 0xbb);
		assert_int_equal(r->file.packets, 3);
		assert_int_equal(r->file.bytes, 160);
		assert_int_equal(r->file.first_us, 1699999999000000);
		assert_int_equal(r->file.last_us, r->packets[2].time_us);
		free(r);
		make_free(&m);
	}
}

static void test_kuznetzov_records(void **state)
{
	struct make m = make_new(false);
	struct result *r;

	(void)state;
	put_pcap(&m, 0xa1b2cd34, PCAP_2_4, 1);
	for (int i = 0; i < 2; i++) {
		put32(&m, 100);
		put32(&m, 7);
		put32(&m, 2);
		put32(&m, 3);
		put_zeros(&m, 8);
		put16(&m, 0x4242);
	}
	r = read_make(&m);
	assert_int_equal(r->file.error, ST_OK);
	assert_int_equal(r->count, 2);
	assert_int_equal(r->packets[1].len, 2);
	assert_int_equal(r->packets[1].wire_len, 3);
	assert_int_equal(r->first[1], 0x42);
	free(r);
	make_free(&m);
}

static void test_old_versions_exchange_lengths(void **state)
{
	static const uint32_t versions[] = {0x00020002, 0x00020003, 0x021f0000};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct make m = make_new(true);
		struct result *r;

		put_pcap(&m, PCAP_US, versions[i], 1);
		put32(&m, 1);
		put32(&m, 0);
		put32(&m, 9); /* wire */
		put32(&m, 4); /* captured */
		put32(&m, 0x11111111);
		r = read_make(&m);
		assert_int_equal(r->file.error, ST_OK);
		assert_int_equal(r->count, 1);
		assert_int_equal(r->packets[0].len, 4);
		assert_int_equal(r->packets[0].wire_len, 9);
		free(r);
		make_free(&m);
	}
}

static void test_network_field_bits(void **state)
{
	struct make m = make_new(true);
	struct result *r;

	(void)state;
	/* Present, two 16-bit words, reserved bits set: all but the lower half is masked. */
	put_pcap(&m, PCAP_US, PCAP_2_4, 0x27ff0000 | 1);
	put_record(&m, 1, 0, 64, 64, 1);
	put_record(&m, 1, 0, 62, 64, 1);
	put_record(&m, 1, 0, 60, 1500, 1);
	put_record(&m, 1, 0, 3, 3, 1);
	r = read_make(&m);
	assert_int_equal(r->count, 4);
	assert_int_equal(r->packets[0].linktype, 1);
	assert_int_equal(r->packets[0].fcs_len, 4);
	assert_int_equal(r->packets[1].fcs_len, 2);
	assert_int_equal(r->packets[2].fcs_len, 0);
	assert_int_equal(r->packets[3].fcs_len, 3);
	free(r);
	make_free(&m);
}

static void test_every_cut_is_reported(void **state)
{
	struct make m = make_new(false);
	size_t ends[3];

	(void)state;
	put_pcap(&m, PCAP_US, PCAP_2_4, 1);
	ends[0] = make_len(&m);
	put_record(&m, 1, 0, 5, 5, 1);
	ends[1] = make_len(&m);
	put_record(&m, 2, 0, 7, 7, 2);
	ends[2] = make_len(&m);
	for (size_t len = 4; len <= ends[2]; len++) {
		/* An exact copy, so that a sanitizer sees the first byte read too far. */
		uint8_t *copy = malloc(len);
		struct result *r;
		size_t whole;

		assert_non_null(copy);
		memcpy(copy, m.data, len);
		r = read_memory(copy, len, NULL);
		if (len < ends[0]) {
			assert_error(r, ST_TRUNC, 0, "ends inside the pcap header");
			assert_int_equal(r->count, 0);
		} else {
			whole = len >= ends[2] ? 2 : len >= ends[1] ? 1 : 0;
			assert_int_equal(r->count, whole);
			if (len == ends[whole])
				assert_int_equal(r->file.error, ST_OK);
			else
				assert_error(r, ST_TRUNC, ends[whole],
				    len - ends[whole] < 16 ? "a record header" : "a packet");
		}
		free(r);
		free(copy);
	}
	make_free(&m);
}

static void test_absurd_length(void **state)
{
	struct make m = make_new(true);
	struct result *r;

	(void)state;
	put_pcap(&m, PCAP_US, PCAP_2_4, 1);
	put_record(&m, 1, 0, 5, 5, 1);
	put32(&m, 1);
	put32(&m, 0);
	put32(&m, WINDOW_PACKET_MAX + 1);
	put32(&m, 60);
	r = read_make(&m);
	assert_int_equal(r->count, 1);
	assert_error(r, ST_MALFORMED, 24 + 16 + 5, "absurd captured length 67108865");
	free(r);
	make_free(&m);
}

/* Packets longer than the window's usual read, and far more than one window of small ones. */
static void test_windows(void **state)
{
	const uint32_t large = 3 * WINDOW_READ_SIZE + 1;
	const uint32_t small_count = 60000;
	uint8_t *data = malloc(40 + 2 * (16 + large) + small_count * 100);
	struct make m = {.data = data, .big = false};
	struct capture_packet packets[CAPTURE_BATCH_MAX];
	const struct capture_file *file;
	struct capture *capture = NULL;
	uint64_t count = 0;
	size_t n;

	(void)state;
	assert_non_null(data);
	m.w = wr_init(data, 40 + 2 * (16 + large) + small_count * 100);
	put_pcap(&m, PCAP_US, PCAP_2_4, 1);
	for (uint32_t i = 0; i < small_count + 2; i++)
		put_record(&m, i, 0, i == 7 || i == 30000 ? large : 40 + i % 37, 1, (uint8_t)i);
	assert_int_equal(capture_open_memory(data, make_len(&m), NULL, &capture, NULL), ST_OK);
	while ((n = capture_next(capture, packets, CAPTURE_BATCH_MAX, &file))) {
		for (size_t i = 0; i < n; i++, count++) {
			const struct capture_packet *p = &packets[i];

			assert_int_equal(p->time_us, count * 1000000);
			assert_int_equal(p->data[0], (uint8_t)count);
			assert_int_equal(p->data[p->len - 1], (uint8_t)count);
		}
	}
	assert_int_equal(count, small_count + 2);
	assert_int_equal(capture_files(capture, &n)->error, ST_OK);
	capture_close(capture);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_orders_and_resolutions),
	    cmocka_unit_test(test_kuznetzov_records),
	    cmocka_unit_test(test_old_versions_exchange_lengths),
	    cmocka_unit_test(test_network_field_bits),
	    cmocka_unit_test(test_every_cut_is_reported),
	    cmocka_unit_test(test_absurd_length),
	    cmocka_unit_test(test_windows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
