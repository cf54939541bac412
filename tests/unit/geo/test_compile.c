/* CSV inputs: forms, errors with file:line, merging.  Against a plain model where it is simple. */
#include "geo/geo.h"
#include "geo/ranges.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[OS_PATH_MAX];
static char paths[3][OS_PATH_MAX + 16];
static char table_path[OS_PATH_MAX + 16];

static int set_up(void **state)
{
	(void)state;
	if (os_folder_temporary(NULL, folder, NULL) != ST_OK)
		return -1;
	for (int i = 0; i < 3; i++)
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/in%d.csv", folder, i);
	(void)snprintf(table_path, sizeof(table_path), "%s/table", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return os_tree_remove(folder, NULL);
}

static void write_input(int i, const char *text)
{
	assert_int_equal(os_file_write(paths[i], text, strlen(text), NULL), ST_OK);
}

static int compile_asn(const char *text, struct err *err)
{
	const char *files[] = {paths[0]};
	struct geo_inputs inputs = {.asn = files, .asn_count = 1};

	write_input(0, text);
	return geo_compile(&inputs, table_path, err);
}

static struct geo *open_table(void)
{
	struct geo *geo = NULL;
	struct err err = {0};

	assert_int_equal(geo_open(table_path, &geo, &err), ST_OK);
	return geo;
}

static struct geo_place look(const struct geo *geo, const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, strlen(text), &ip), ST_OK);
	return geo_lookup(geo, ip);
}

static void expect_asn(const struct geo *geo, const char *ip, uint32_t asn)
{
	assert_int_equal(look(geo, ip).asn, asn);
}

static void expect_country(const struct geo *geo, const char *ip, const char *country)
{
	struct geo_place place = look(geo, ip);

	assert_memory_equal(place.country, country, 2);
}

static void text_form(void **state)
{
	struct err err = {0};
	struct geo *geo;

	(void)state;
	assert_int_equal(
	    compile_asn("# AS ranges\r\n\n"
	                "192.0.2.0,192.0.2.127,64496,\"Example, \"\"Quoted\"\" Inc.\"\r\n"
	                "192.0.2.128,192.0.2.255,AS64497,Plain\n"
	                "198.51.100.0,198.51.100.0,4294967295,\n"
	                "203.0.113.0,203.0.113.255,0,Not routed\n"
	                "2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,64498,Caf\xe9\x01\n"
	                "255.255.255.255,255.255.255.255,64499,Last",
	        &err),
	    ST_OK);
	geo = open_table();
	expect_asn(geo, "192.0.1.255", 0);
	expect_asn(geo, "192.0.2.0", 64496);
	expect_asn(geo, "192.0.2.127", 64496);
	expect_asn(geo, "192.0.2.128", 64497);
	expect_asn(geo, "192.0.3.0", 0);
	expect_asn(geo, "198.51.100.0", 4294967295u);
	expect_asn(geo, "198.51.100.1", 0);
	expect_asn(geo, "203.0.113.7", 0);
	expect_asn(geo, "255.255.255.254", 0);
	expect_asn(geo, "255.255.255.255", 64499);
	expect_asn(geo, "2001:db8::", 64498);
	expect_asn(geo, "2001:db8:0:ffff:ffff:ffff:ffff:ffff", 64498);
	expect_asn(geo, "2001:db8:1::", 0);
	expect_asn(geo, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", 0);
	expect_country(geo, "192.0.2.0", "ZZ");
	assert_string_equal(geo_asn_name(geo, 64496), "Example, \"Quoted\" Inc.");
	assert_string_equal(geo_asn_name(geo, 64497), "Plain");
	assert_string_equal(geo_asn_name(geo, 64498), "Caf\xef\xbf\xbd ");
	assert_string_equal(geo_asn_name(geo, 1), "");
	assert_string_equal(geo_asn_name(NULL, 64496), "");
	assert_string_equal(geo_description(geo), "AS: in0.csv");
	geo_close(geo);
}

static void number_form(void **state)
{
	struct err err = {0};
	struct geo *geo;

	(void)state;
	assert_int_equal(compile_asn("16777216,16777471,13335,\"One\"\n"
	                             "42540766411282592856903984951653826560,"
	                             "42540766411282592875350729025363378175,64500,"
	                             "\"2001:db8::/64\"\n"
	                             "340282366920938463463374607431768211455,"
	                             "340282366920938463463374607431768211455,7,x\n",
	                     &err),
	    ST_OK);
	geo = open_table();
	expect_asn(geo, "1.0.0.0", 13335);
	expect_asn(geo, "1.0.0.255", 13335);
	expect_asn(geo, "1.0.1.0", 0);
	expect_asn(geo, "2001:db8::1", 64500);
	expect_asn(geo, "2001:db8:0:1::", 0);
	expect_asn(geo, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 7);
	geo_close(geo);
}

static void bad_lines(void **state)
{
	static const struct {
		const char *text;
		const char *place;
		const char *what;
	} cases[] = {
	    {"1.0.0.0,1.0.0.255,1\n1.0.1.0,1.0.1.255\n", ":2: ", "less than three fields"},
	    {"start,end,asn\n", ":1: ", "first field is not an address"},
	    {"1.0.0.0,1.0.0.256,1\n", ":1: ", "second field is not an address"},
	    {"1.0.0.0,12,1\n", ":1: ", "second field is not an address"},
	    {"1.0.0.0,2001:db8::,1\n", ":1: ", "one end is IPv4"},
	    {"\n\n1.0.0.9,1.0.0.0,1\n", ":3: ", "ends before it begins"},
	    {"9,8,1\n", ":1: ", "ends before it begins"},
	    {"1.0.0.0,1.0.0.255,4294967296\n", ":1: ", "not an AS number"},
	    {"1.0.0.0,1.0.0.255,-1\n", ":1: ", "not an AS number"},
	    {"1.0.0.0,1.0.0.255,1,\"open\n", ":1: ", "quote is not closed"},
	    {"1.0.0.0,1.0.0.255,1,\"a\"b\n", ":1: ", "quote is not closed"},
	    {"340282366920938463463374607431768211456,340282366920938463463374607431768211456,7",
	        ":1: ", "not an address"},
	    {"1.0.0.0,1.0.0.255,1\n1.0.0.128,1.0.1.0,2\n", ":2: ", "range of line 1"},
	    {"1.0.1.0,1.0.2.0,1\n1.0.0.0,1.0.1.0,2\n", ":2: ", "range of line 1"},
	    {"1.0.0.0,1.0.0.0,1\n1.0.0.0,1.0.0.0,2\n", ":2: ", "range of line 1"},
	    {"", ": ", "no range"},
	    {"1.0.0.0,1.0.0.255,0\n", ": ", "no range with an AS number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char prefix[OS_PATH_MAX + 32];
		struct err err = {0};
		struct os_stat st;

		assert_int_equal(compile_asn(cases[i].text, &err), ST_MALFORMED);
		(void)snprintf(prefix, sizeof(prefix), "%s%s", paths[0], cases[i].place);
		if (strncmp(err.text, prefix, strlen(prefix)) != 0 ||
		    !strstr(err.text, cases[i].what))
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(os_path_stat(table_path, &st, &err), ST_OK);
		assert_int_equal(st.kind, OS_KIND_NONE);
	}
}

static void hostile_bytes(void **state)
{
	static const char with_nul[] = "1.0.0.0,1.0.0.1,1,a\0b\n";
	const char *files[] = {paths[0]};
	struct geo_inputs inputs = {.asn = files, .asn_count = 1};
	char *line = malloc(9000);
	struct err err = {0};

	(void)state;
	assert_non_null(line);
	assert_int_equal(os_file_write(paths[0], with_nul, sizeof(with_nul) - 1, NULL), ST_OK);
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_MALFORMED);
	assert_non_null(strstr(err.text, ":1: not text"));
	memset(line, 'x', 9000);
	memcpy(line, "1.0.0.0,1.0.0.1,1,", 18);
	assert_int_equal(os_file_write(paths[0], line, 9000, NULL), ST_OK);
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_MALFORMED);
	assert_non_null(strstr(err.text, ":1: the line is too long"));
	free(line);
	inputs.asn_count = 0;
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_USAGE);
	inputs.asn_count = 1;
	files[0] = "/nowhere/at/all.csv";
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_NOT_FOUND);
	assert_non_null(strstr(err.text, files[0]));
}

static void merging(void **state)
{
	const char *country[] = {paths[0], paths[1]};
	const char *asn[] = {paths[2]};
	struct geo_inputs inputs = {country, 2, asn, 1};
	struct geo *geo;
	struct geo_info first;
	struct geo_info second;
	struct err err = {0};

	(void)state;
	write_input(
	    0, "10.0.0.16,10.0.0.31,jp\n10.0.0.64,10.0.0.127,US\n10.0.0.200,10.0.0.201,ZZ\n");
	write_input(1, "10.0.0.0,10.0.0.79,DE\n10.0.0.120,10.0.0.255,FR\n");
	write_input(2, "10.0.0.8,10.0.0.23,64496,A\n");
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_OK);
	geo = open_table();
	expect_country(geo, "9.255.255.255", "ZZ");
	expect_country(geo, "10.0.0.0", "DE");
	expect_country(geo, "10.0.0.15", "DE");
	expect_country(geo, "10.0.0.16", "JP");
	expect_country(geo, "10.0.0.31", "JP");
	expect_country(geo, "10.0.0.32", "DE");
	expect_country(geo, "10.0.0.63", "DE");
	expect_country(geo, "10.0.0.64", "US");
	expect_country(geo, "10.0.0.127", "US");
	expect_country(geo, "10.0.0.128", "FR");
	expect_country(geo, "10.0.0.200", "FR");
	expect_country(geo, "10.0.0.255", "FR");
	expect_country(geo, "10.0.1.0", "ZZ");
	expect_asn(geo, "10.0.0.7", 0);
	expect_asn(geo, "10.0.0.8", 64496);
	expect_asn(geo, "10.0.0.23", 64496);
	expect_asn(geo, "10.0.0.24", 0);
	assert_string_equal(geo_description(geo), "country: in0.csv, in1.csv; AS: in2.csv");
	geo_get_info(geo, &first);
	geo_close(geo);

	country[0] = paths[1];
	country[1] = paths[0];
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_OK);
	geo = open_table();
	expect_country(geo, "10.0.0.16", "DE");
	expect_country(geo, "10.0.0.80", "US");
	expect_country(geo, "10.0.0.127", "FR");
	geo_get_info(geo, &second);
	assert_memory_not_equal(first.inputs_hash, second.inputs_hash, 32);
	geo_close(geo);
}

static void six_to_four(void **state)
{
	const char *asn[] = {paths[0], paths[1]};
	const char *country[] = {paths[2]};
	struct geo_inputs inputs = {country, 1, asn, 2};
	struct geo *geo;
	struct err err = {0};

	(void)state;
	write_input(0, "192.0.2.0,192.0.2.255,64496\n");
	write_input(1, "2002::,2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff,6939\n");
	write_input(2, "192.0.2.0,192.0.2.255,JP\n");
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_OK);
	geo = open_table();
	expect_country(geo, "2002:c000:0201::9", "JP");
	expect_asn(geo, "2002:c000:0201::9", 6939);
	expect_country(geo, "2002:c000:0301::9", "ZZ");
	expect_country(geo, "2003:c000:0201::9", "ZZ");
	geo_close(geo);
	inputs.asn_count = 1;
	assert_int_equal(geo_compile(&inputs, table_path, &err), ST_OK);
	geo = open_table();
	expect_asn(geo, "2002:c000:0201::9", 64496);
	geo_close(geo);
}

/* A rare overlap in a long list: the range that begins later loses what they share. */
static void rare_overlap(void **state)
{
	struct buf text = {0};
	struct err err = {0};
	struct geo *geo;

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		buf_printf(
		    &text, "10.%u.%u.0,10.%u.%u.255,%u\n", i >> 8, i & 255, i >> 8, i & 255, i + 1);
	buf_puts(&text, "10.0.9.128,10.0.9.200,70000\n20.0.0.0,20.0.1.255,70001\n"
	                "20.0.1.0,20.0.2.255,70002\n");
	assert_int_equal(compile_asn(buf_text(&text), &err), ST_OK);
	geo = open_table();
	expect_asn(geo, "10.0.9.150", 10);
	expect_asn(geo, "10.0.9.255", 10);
	expect_asn(geo, "20.0.1.7", 70001);
	expect_asn(geo, "20.0.2.0", 70002);
	geo_close(geo);
	buf_fini(&text);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

#define MODEL_SPAN 400u
#define MODEL_BASE 0x0afffff0u /* crosses a /16 and a /8 */

/* Ordered, disjoint, random ranges in a window of MODEL_SPAN addresses. */
static void random_ranges(uint32_t *seed, struct buf *text, uint32_t *model, bool fill)
{
	uint32_t at = 0;

	buf_reset(text);
	for (;;) {
		uint32_t first = at + next_random(seed) % 9;
		uint32_t last = first + next_random(seed) % 13;
		uint32_t asn = 1 + next_random(seed) % 5;

		if (last >= MODEL_SPAN)
			break;
		buf_printf(text, "%u,%u,%u\n", MODEL_BASE + first, MODEL_BASE + last, asn);
		for (uint32_t i = first; i <= last; i++)
			if (!fill || model[i] == 0)
				model[i] = asn;
		at = last + 1;
	}
}

static void agrees_with_model(void **state)
{
	const char *asn[] = {paths[0], paths[1], paths[2]};
	struct geo_inputs inputs = {.asn = asn, .asn_count = 3};
	struct buf text = {0};
	uint32_t seed = 20261122;
	struct err err = {0};

	(void)state;
	for (int round = 0; round < 40; round++) {
		uint32_t model[MODEL_SPAN] = {0};
		struct geo *geo;

		for (int i = 0; i < 3; i++) {
			random_ranges(&seed, &text, model, i > 0);
			write_input(i, buf_text(&text));
		}
		assert_int_equal(geo_compile(&inputs, table_path, &err), ST_OK);
		geo = open_table();
		for (uint32_t i = 0; i < MODEL_SPAN; i++)
			assert_int_equal(geo_lookup(geo, ip_from_v4(MODEL_BASE + i)).asn, model[i]);
		assert_int_equal(geo_lookup(geo, ip_from_v4(MODEL_BASE - 1)).asn, 0);
		assert_int_equal(geo_lookup(geo, ip_from_v4(MODEL_BASE + MODEL_SPAN)).asn, 0);
		geo_close(geo);
	}
	buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(text_form),
	    TEST(number_form),
	    TEST(bad_lines),
	    TEST(hostile_bytes),
	    TEST(merging),
	    TEST(six_to_four),
	    TEST(rare_overlap),
	    TEST(agrees_with_model),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
