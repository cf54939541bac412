/* A MaxMind DB written by an enemy: refused with a sentence, or read into disjoint ranges. */
#include "geo/ranges.h"

#include "memory_file.h"

/* libmaxminddb 1.7 loses a list when it refuses broken metadata; a process compiles once. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static void read_as(enum geo_role role, const char *path)
{
	struct geo_names names = {0};
	struct buf source = {0};
	struct geo_input input = {
	    .path = path,
	    .role = role,
	    .names = &names,
	    .source = &source,
	};
	struct err err = {0};

	if (geo_mmdb_read(&input, &err) != ST_OK ||
	    geo_ranges_order(&input.v4, input.path, &err) != ST_OK ||
	    geo_ranges_order(&input.v6, input.path, &err) != ST_OK) {
		if (err.code == 0 || err.text[0] == '\0')
			abort(); /* refused without a word */
	} else if (input.v4.count + input.v6.count == 0) {
		abort(); /* accepted without any content */
	}
	geo_ranges_fini(&input.v4);
	geo_ranges_fini(&input.v6);
	geo_names_fini(&names);
	buf_fini(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct memory_file file;

	memory_file_make(&file, data, len);
	read_as(GEO_ROLE_COUNTRY, file.path);
	read_as(GEO_ROLE_ASN, file.path);
	memory_file_close(&file);
	return 0;
}
