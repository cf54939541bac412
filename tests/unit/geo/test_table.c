/* The compiled file as an enemy would write it: refused on opening, or answered without a fault. */
#include "geo/format.h"
#include "geo/geo.h"
#include "geo/memo.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[OS_PATH_MAX];
static char path[OS_PATH_MAX + 16];
static char *good;
static size_t good_len;

static int set_up(void **state)
{
	static const char csv[] = "1.0.0.0,1.0.0.255,13335,One\n9.0.0.0,9.255.255.255,64496,Two\n"
	                          "2001:db8::,2001:db8::ffff,64497,Three\n";
	char in[OS_PATH_MAX + 16];
	const char *files[] = {in};
	struct geo_inputs inputs = {.asn = files, .asn_count = 1};

	(void)state;
	if (os_folder_temporary(NULL, folder, NULL) != ST_OK)
		return -1;
	(void)snprintf(in, sizeof(in), "%s/in", folder);
	(void)snprintf(path, sizeof(path), "%s/table", folder);
	return os_file_write(in, csv, sizeof(csv) - 1, NULL) || geo_compile(&inputs, path, NULL) ||
	       os_file_read(path, 1 << 24, &good, &good_len, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	free(good);
	return os_tree_remove(folder, NULL);
}

static int open_bytes(const void *data, size_t len)
{
	struct geo *geo = NULL;
	struct err err = {0};
	int ret;

	assert_int_equal(os_file_write(path, data, len, NULL), ST_OK);
	ret = geo_open(path, &geo, &err);
	if (ret == ST_OK)
		geo_close(geo);
	else
		assert_non_null(strstr(err.text, path));
	return ret;
}

static struct geo_header *header(void)
{
	return (struct geo_header *)(void *)good;
}

static void refused(void **state)
{
	struct geo_header *h = header();
	char *longer = malloc(good_len + 1);

	(void)state;
	assert_non_null(longer);
	assert_int_equal(open_bytes(good, good_len), ST_OK);
	assert_int_equal(open_bytes(good, 0), ST_MALFORMED);
	assert_int_equal(open_bytes("GIF89a..", 8), ST_MALFORMED);
	assert_int_equal(open_bytes(good, GEO_MAGIC_LEN), ST_TRUNC);
	assert_int_equal(open_bytes(good, sizeof(*h)), ST_TRUNC);
	assert_int_equal(open_bytes(good, good_len - 1), ST_TRUNC);
	memcpy(longer, good, good_len);
	longer[good_len] = '\0';
	assert_int_equal(open_bytes(longer, good_len + 1), ST_MALFORMED);
	free(longer);
	h->version++;
	assert_int_equal(open_bytes(good, good_len), ST_UNSUPPORTED);
	h->version--;
	h->byte_order = 0x04030201;
	assert_int_equal(open_bytes(good, good_len), ST_UNSUPPORTED);
	h->byte_order = GEO_BYTE_ORDER;
	h->v4_count++;
	assert_int_equal(open_bytes(good, good_len), ST_MALFORMED);
	h->v4_count = UINT32_MAX;
	assert_int_equal(open_bytes(good, good_len), ST_MALFORMED);
	h->v4_count = 0;
	assert_int_equal(open_bytes(good, good_len), ST_MALFORMED);
}

static void text_must_end(void **state)
{
	(void)state;
	good[good_len - 1] = 'x';
	assert_int_equal(open_bytes(good, good_len), ST_MALFORMED);
}

static void ask_everything(void)
{
	struct geo *geo = NULL;

	assert_int_equal(os_file_write(path, good, good_len, NULL), ST_OK);
	if (geo_open(path, &geo, NULL) != ST_OK)
		return;
	for (uint64_t v4 = 0; v4 <= UINT32_MAX; v4 += 0x7fff1) {
		struct geo_place place = geo_lookup(geo, ip_from_v4((uint32_t)v4));

		assert_in_range(place.country[0], 'A', 'Z');
		assert_in_range(place.country[1], 'A', 'Z');
	}
	for (uint64_t hi = 0; hi < 0xfff0000000000000ull; hi += 0x0008000000012345ull) {
		struct ip ip = {hi, ~hi};
		struct geo_place place = geo_lookup(geo, ip);

		assert_in_range(place.country[0], 'A', 'Z');
	}
	assert_non_null(geo_asn_name(geo, 13335));
	assert_non_null(geo_asn_name(geo, 64496));
	assert_non_null(geo_description(geo));
	geo_close(geo);
}

/* Every number outside the header is made wild in turn. */
static void wild_numbers(void **state)
{
	struct geo_layout at = geo_layout_of(header());
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 64; i++) {
			uint64_t place;

			seed = seed * 1664525u + 1013904223u;
			place = round % 2 ? at.v4_index + seed % (at.v4 - at.v4_index)
			                  : at.v4 + seed % (at.text - at.v4);
			good[place] = (char)(seed >> 24);
		}
		ask_everything();
	}
}

static void nothing_known(void **state)
{
	struct geo_place place = geo_lookup(NULL, ip_from_v4(1));

	(void)state;
	assert_memory_equal(place.country, "ZZ", 2);
	assert_int_equal(place.asn, 0);
	assert_string_equal(geo_description(NULL), "");
	geo_close(NULL);
}

/* Together or one by one, remembered or not: the same. */
static void many_at_once(void **state)
{
	enum { COUNT = 1000 };
	static struct ip ips[COUNT];
	static struct geo_place places[COUNT];
	struct geo_memo *memo;
	struct geo *geo;

	(void)state;
	assert_int_equal(geo_open(path, &geo, NULL), ST_OK);
	assert_int_equal(geo_memo_new(geo, &memo), ST_OK);
	for (uint32_t i = 0; i < COUNT; i++)
		ips[i] = i % 7 == 0 ? (struct ip){0x20010db800000000ull, i * 99} : ip_from_v4(i * 300007u);
	for (size_t n = 0; n < COUNT; n += n < 40 ? 1 : 317) {
		memset(places, 0, sizeof(places));
		geo_lookup_many(geo, ips, n, places);
		geo_memo_expect(memo, ips, n);
		for (size_t i = 0; i < COUNT; i++) {
			struct geo_place alone = geo_lookup(geo, ips[i]);
			struct geo_place known = geo_memo_find(memo, ips[i]);

			assert_int_equal(known.asn, alone.asn);
			assert_memory_equal(known.country, alone.country, 2);
			assert_int_equal(places[i].asn, i < n ? alone.asn : 0);
			if (i < n)
				assert_memory_equal(places[i].country, alone.country, 2);
		}
	}
	geo_lookup_many(NULL, ips, COUNT, places);
	assert_memory_equal(places[COUNT - 1].country, "ZZ", 2);
	geo_memo_free(memo);
	geo_close(geo);
}

static void missing_file(void **state)
{
	struct geo *geo = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(os_file_remove(path, NULL), ST_OK);
	assert_int_equal(geo_open(path, &geo, &err), ST_NOT_FOUND);
	assert_null(geo);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(refused),
	    TEST(text_must_end),
	    TEST(wild_numbers),
	    TEST(nothing_known),
	    TEST(many_at_once),
	    TEST(missing_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
