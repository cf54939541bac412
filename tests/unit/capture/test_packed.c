/* Compressed captures, made here with the libraries themselves: whole, in parts, cut, damaged. */
#include "make.h"

#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define PACKETS 3000
#define PACKED_MAX (2u << 20)

static size_t pack_gzip(const uint8_t *in, size_t len, uint8_t *out)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)in;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = PACKED_MAX;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	len = z.total_out;
	(void)deflateEnd(&z);
	return len;
}

static size_t pack_zstd(const uint8_t *in, size_t len, uint8_t *out)
{
	len = ZSTD_compress(out, PACKED_MAX, in, len, 3);
	assert_false(ZSTD_isError(len));
	return len;
}

static size_t pack_xz(const uint8_t *in, size_t len, uint8_t *out)
{
	size_t out_len = 0;

	assert_int_equal(
	    lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, in, len, out, &out_len, PACKED_MAX),
	    LZMA_OK);
	return out_len;
}

static size_t pack_lz4(const uint8_t *in, size_t len, uint8_t *out)
{
	LZ4F_preferences_t how = {.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled};

	len = LZ4F_compressFrame(out, PACKED_MAX, in, len, &how);
	assert_false(LZ4F_isError(len));
	return len;
}

static const struct {
	const char *name;
	size_t (*pack)(const uint8_t *in, size_t len, uint8_t *out);
} kinds[] = {
    {"gzip", pack_gzip},
    {"zstd", pack_zstd},
    {"xz", pack_xz},
    {"lz4", pack_lz4},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct make make_capture(void)
{
	struct make m = make_new(false);
	uint32_t noise = 1;

	put_pcap(&m, PCAP_US, PCAP_2_4, 1);
	for (uint32_t i = 0; i < PACKETS; i++) {
		/* Times that do not compress, so that a cut falls among the packets. */
		noise = noise * 1664525 + 1013904223;
		put_record(&m, noise, i, 60, 60, (uint8_t)i);
	}
	return m;
}

static void test_whole_and_in_two_parts(void **state)
{
	struct make m = make_capture();
	uint8_t *packed = malloc(2 * PACKED_MAX);
	size_t len = make_len(&m);
	size_t half = len / 2 + 3;

	(void)state;
	assert_non_null(packed);
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = kinds[i].pack(m.data, len, packed);
		struct result *r = read_memory(packed, n, NULL);

		assert_int_equal(r->file.error, ST_OK);
		assert_string_equal(r->file.compression, kinds[i].name);
		assert_int_equal(r->count, PACKETS);
		assert_int_equal(r->packets[PACKETS - 1].time_us % 1000000, PACKETS - 1);
		free(r);

		n = kinds[i].pack(m.data, half, packed);
		n += kinds[i].pack(m.data + half, len - half, packed + n);
		r = read_memory(packed, n, NULL);
		assert_int_equal(r->file.error, ST_OK);
		assert_int_equal(r->count, PACKETS);
		free(r);
	}
	free(packed);
	make_free(&m);
}

static void test_cut(void **state)
{
	struct make m = make_capture();
	uint8_t *packed = malloc(PACKED_MAX);

	(void)state;
	assert_non_null(packed);
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = kinds[i].pack(m.data, make_len(&m), packed);
		struct result *r = read_memory(packed, n - 1, NULL);

		/*
		 * Only the last byte is missing: the cut is reported, no packet is lost.  This
		 * zstd frame has no trailer, so there it belongs to the last block.
		 */
		assert_int_equal(r->file.error, ST_TRUNC);
		if (strcmp(kinds[i].name, "zstd") != 0) {
			assert_int_equal(r->count, PACKETS);
			assert_int_equal(r->file.error_offset, make_len(&m));
		}
		assert_non_null(strstr(r->file.error_text, "compressed data ends too early"));
		free(r);

		r = read_memory(packed, n * 9 / 10, NULL);
		assert_int_equal(r->file.error, ST_TRUNC);
		assert_true(r->count < PACKETS);
		/* zstd blocks are 128 KiB; the others give out more. */
		assert_true(r->count >= 131072 / 76);
		assert_int_equal(r->file.error_offset, 24 + 76 * r->count);
		free(r);

		r = read_memory(packed, 7, NULL);
		assert_int_equal(r->count, 0);
		assert_int_equal(r->file.error, ST_TRUNC);
		assert_int_equal(r->file.error_offset, 0);
		free(r);
	}
	free(packed);
	make_free(&m);
}

static void test_damage_and_what_follows(void **state)
{
	struct make m = make_capture();
	uint8_t *packed = malloc(PACKED_MAX);

	(void)state;
	assert_non_null(packed);
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = kinds[i].pack(m.data, make_len(&m), packed);
		struct result *r;

		memcpy(packed + n, "garbage!garbage!", 16);
		r = read_memory(packed, n + 16, NULL);
		assert_int_equal(r->count, PACKETS);
		assert_error(r, ST_MALFORMED, make_len(&m), kinds[i].name);
		free(r);

		packed[n - 3] ^= 0x55; /* in the trailer, or the index */
		r = read_memory(packed, n, NULL);
		if (strcmp(kinds[i].name, "zstd") != 0)
			assert_int_equal(r->file.error, ST_MALFORMED);
		free(r);
	}
	/* Zeros pad gzip members on tapes and in block devices. */
	{
		size_t n = pack_gzip(m.data, make_len(&m), packed);
		struct result *r;

		memset(packed + n, 0, 1000);
		r = read_memory(packed, n + 1000, NULL);
		assert_int_equal(r->file.error, ST_OK);
		assert_int_equal(r->count, PACKETS);
		free(r);
	}
	free(packed);
	make_free(&m);
}

static void test_zstd_skippable_frame_first(void **state)
{
	static const uint8_t skip[] = {0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'n', 'o', 't', 'e'};
	struct make m = make_capture();
	uint8_t *packed = malloc(PACKED_MAX + sizeof(skip));
	struct result *r;
	size_t n;

	(void)state;
	assert_non_null(packed);
	memcpy(packed, skip, sizeof(skip));
	n = pack_zstd(m.data, make_len(&m), packed + sizeof(skip));
	r = read_memory(packed, n + sizeof(skip), NULL);
	assert_int_equal(r->file.error, ST_OK);
	assert_int_equal(r->count, PACKETS);
	free(r);
	free(packed);
	make_free(&m);
}

static void test_packed_nothing(void **state)
{
	uint8_t *packed = malloc(PACKED_MAX);

	(void)state;
	assert_non_null(packed);
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = kinds[i].pack((const uint8_t *)"", 0, packed);
		struct result *r = read_memory(packed, n, NULL);

		assert_error(r, ST_TRUNC, 0, "empty");
		free(r);
		n = kinds[i].pack((const uint8_t *)"not a capture", 13, packed);
		r = read_memory(packed, n, NULL);
		assert_error(r, ST_MALFORMED, 0, "not a capture file");
		free(r);
	}
	free(packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole_and_in_two_parts),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_damage_and_what_follows),
	    cmocka_unit_test(test_zstd_skippable_frame_first),
	    cmocka_unit_test(test_packed_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
