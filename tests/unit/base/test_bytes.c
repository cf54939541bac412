/* Bounded readers and writers stay bad; checksums and hashes have their published values. */
#include "base/hash.h"
#include "base/rd.h"
#include "base/wr.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void reads_in_order(void **state)
{
	struct rd r = rd_init(bytes, sizeof(bytes));
	struct rd sub;

	(void)state;
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_u16be(&r), 0x0203);
	assert_int_equal(rd_u16le(&r), 0x0504);
	assert_int_equal(rd_u32be(&r), 0x06070809);
	assert_int_equal(rd_left(&r), 6);
	sub = rd_sub(&r, 4);
	assert_int_equal(rd_u32le(&sub), 0x0d0c0b0a);
	assert_false(sub.bad);
	assert_int_equal(rd_u8(&sub), 0);
	assert_true(sub.bad);
	assert_false(r.bad);
	rd_skip(&r, 2);
	assert_int_equal(rd_left(&r), 0);
	assert_false(r.bad);
	r = rd_init(bytes, sizeof(bytes));
	assert_true(rd_u64be(&r) == 0x0102030405060708ull);
	r = rd_init(bytes, sizeof(bytes));
	assert_true(rd_u64le(&r) == 0x0807060504030201ull);
}

static void bad_readers_stay_bad(void **state)
{
	struct rd r = rd_init(bytes, 3);
	struct rd sub;

	(void)state;
	assert_int_equal(rd_u32be(&r), 0);
	assert_true(r.bad);
	/* There were three bytes, but nothing after a failure may be believed. */
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_null(rd_take(&r, 0));
	assert_int_equal(rd_u64le(&r), 0);
	sub = rd_sub(&r, 1);
	assert_true(sub.bad);
	assert_int_equal(rd_u8(&sub), 0);
	assert_int_equal(rd_left(&sub), 0);
	r = rd_init(bytes, 3);
	assert_null(rd_take(&r, SIZE_MAX));
	assert_true(r.bad);
	r = rd_init(NULL, 0);
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_true(r.bad);
}

static void writes_in_order(void **state)
{
	uint8_t out[16];
	struct wr w = wr_init(out, sizeof(out));

	(void)state;
	wr_u8(&w, 1);
	wr_u16be(&w, 0x0203);
	wr_u16le(&w, 0x0504);
	wr_u32be(&w, 0x06070809);
	wr_u32le(&w, 0x0d0c0b0a);
	wr_bytes(&w, NULL, 0);
	wr_bytes(&w, "\x0e\x0f", 2);
	assert_false(w.bad);
	assert_int_equal(wr_len(&w), 15);
	assert_memory_equal(out, bytes, 15);
	wr_u16be(&w, 0xffff);
	assert_true(w.bad);
	assert_int_equal(wr_len(&w), 15);
	wr_u8(&w, 7); /* there is room for one, but the whole is bad */
	assert_int_equal(wr_len(&w), 15);
	w = wr_init(out, 8);
	wr_u64be(&w, 0x0102030405060708ull);
	assert_memory_equal(out, bytes, 8);
	w = wr_init(out, 8);
	wr_u64le(&w, 0x0807060504030201ull);
	assert_memory_equal(out, bytes, 8);
	assert_false(w.bad);
}

static void published_values(void **state)
{
	static const uint8_t zeros[32];
	uint8_t ones[32];
	uint32_t crc;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(hash_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(hash_crc32c(0, "", 0), 0);
	assert_int_equal(hash_crc32c(0, zeros, 32), 0x8a9136aa); /* RFC 3720 B.4 */
	assert_int_equal(hash_crc32c(0, ones, 32), 0x62a8ab43);
	crc = hash_crc32c(0, "1234", 4);
	assert_int_equal(hash_crc32c(crc, "56789", 5), 0xe3069283);
	assert_int_equal(hash_fnv32("", 0), 0x811c9dc5);
	assert_int_equal(hash_fnv32("a", 1), 0xe40c292c);
	assert_int_equal(hash_fnv32("foobar", 6), 0xbf9cf968);
	assert_true(hash_u64(1) != hash_u64(2));
	assert_true(hash_pair(1, 2) != hash_pair(2, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_in_order),
	    cmocka_unit_test(bad_readers_stay_bad),
	    cmocka_unit_test(writes_in_order),
	    cmocka_unit_test(published_values),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
