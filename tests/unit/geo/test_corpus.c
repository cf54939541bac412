/*
 * Every MaxMind DB of the corpus compiles or is refused with a clear sentence, and a compiled one
 * answers what an independent reader (truth/mmdb.json) says.
 */
#include "geo/geo.h"
#include "os/file.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *truth;
static char folder[OS_PATH_MAX];
static char corpus[OS_PATH_MAX];

static int set_up(void **state)
{
	const char *where = getenv("TEITEN_CORPUS");
	char path[OS_PATH_MAX + 32];

	(void)state;
	if (!where)
		return 0;
	(void)snprintf(corpus, sizeof(corpus), "%s", where);
	(void)snprintf(path, sizeof(path), "%s/truth/mmdb.json", corpus);
	truth = json_load_file(path, 0, NULL);
	return os_folder_temporary(NULL, folder, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(truth);
	return folder[0] ? os_tree_remove(folder, NULL) : 0;
}

static const char *string_at(const json_t *record, const char *outer, const char *inner)
{
	const json_t *value = json_object_get(record, outer);

	if (inner)
		value = json_object_get(value, inner);
	return json_string_value(value);
}

/* The place the truth's record stands for. */
static struct geo_place expected_place(const json_t *record, bool country)
{
	struct geo_place place = {.country = {'Z', 'Z'}};
	const char *code = string_at(record, "country", "iso_code");

	if (!country) {
		place.asn = (uint32_t)json_integer_value(
		    json_object_get(record, "autonomous_system_number"));
		if (place.asn == 0)
			place.asn = (uint32_t)json_integer_value(json_object_get(
			    json_object_get(record, "traits"), "autonomous_system_number"));
		return place;
	}
	if (!code)
		code = string_at(record, "country_code", NULL);
	if (!code)
		code = string_at(record, "registered_country", "iso_code");
	if (code)
		memcpy(place.country, code, 2);
	return place;
}

/* Number of lookups compared. */
static unsigned compare_lookups(
    const char *name, const struct geo *geo, json_t *lookups, bool country)
{
	const char *text;
	json_t *answer;
	unsigned count = 0;

	json_object_foreach(lookups, text, answer)
	{
		struct geo_place want;
		struct geo_place got;
		struct ip ip;

		/* ::/96 is where a MaxMind DB keeps IPv4; as IPv6 addresses these do not exist. */
		if (!json_is_array(answer) || ip_parse(text, strlen(text), &ip) != ST_OK ||
		    (ip.hi == 0 && ip.lo <= UINT32_MAX))
			continue;
		/* A file may or may not repeat IPv4 at its IPv6 aliases; here it always counts. */
		if ((ip_is_v4(ip) && strchr(text, ':')) || ip.hi >> 48 == 0x2002)
			if (json_is_null(json_array_get(answer, 0)))
				continue;
		want = expected_place(json_array_get(answer, 0), country);
		got = geo_lookup(geo, ip);
		if (memcmp(want.country, got.country, 2) != 0 || want.asn != got.asn)
			fail_msg("%s: %s is %.2s/%u, expected %.2s/%u", name, text, got.country,
			    got.asn, want.country, want.asn);
		count++;
	}
	return count;
}

static void every_file(void **state)
{
	const char *name;
	json_t *about;
	unsigned compiled = 0;
	unsigned refused = 0;
	unsigned compared = 0;

	(void)state;
	if (!truth) {
		print_message("# no corpus: skipped\n");
		skip();
	}
	json_object_foreach(truth, name, about)
	{
		char in[2 * OS_PATH_MAX];
		char out[OS_PATH_MAX + 16];
		const char *files[] = {in};

		(void)snprintf(in, sizeof(in), "%s/mmdb/%s", corpus, name);
		(void)snprintf(out, sizeof(out), "%s/table", folder);
		for (int country = 0; country < 2; country++) {
			struct geo_inputs inputs = {
			    files, (size_t)country, files, (size_t)!country};
			struct err err = {0};
			struct geo *geo = NULL;
			int ret = geo_compile(&inputs, out, &err);

			if (ret != ST_OK) {
				assert_true(ret == ST_MALFORMED || ret == ST_UNSUPPORTED);
				assert_int_equal(err.code, ret);
				assert_non_null(strstr(err.text, in));
				if (getenv("TEITEN_VERBOSE"))
					print_message("# %s\n", err.text + strlen(corpus) + 6);
				refused++;
				continue;
			}
			assert_true(json_is_true(json_object_get(about, "opens")));
			assert_int_equal(geo_open(out, &geo, &err), ST_OK);
			compared +=
			    compare_lookups(name, geo, json_object_get(about, "lookups"), country);
			geo_close(geo);
			compiled++;
		}
	}
	print_message(
	    "# %u compiled, %u refused, %u lookups compared\n", compiled, refused, compared);
	assert_true(compiled > 0 && refused > 0 && compared > 0);
}

/* The country files must not be among those refused. */
static void country_files_compile(void **state)
{
	static const char *const names[] = {
	    "geo-whois-asn-country-ipv4.mmdb",
	    "geo-whois-asn-country-ipv6.mmdb",
	    "test-data--GeoIP2-Country-Test.mmdb",
	    "test-data--GeoIP2-City-Test.mmdb",
	};

	(void)state;
	if (!truth)
		skip();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char in[2 * OS_PATH_MAX];
		char out[OS_PATH_MAX + 16];
		const char *files[] = {in};
		struct geo_inputs inputs = {.country = files, .country_count = 1};
		struct err err = {0};

		(void)snprintf(in, sizeof(in), "%s/mmdb/%s", corpus, names[i]);
		(void)snprintf(out, sizeof(out), "%s/table", folder);
		if (geo_compile(&inputs, out, &err) != ST_OK)
			fail_msg("%s", err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_file),
	    cmocka_unit_test(country_files_compile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
