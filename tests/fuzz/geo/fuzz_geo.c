/*
 * A compiled table written by an enemy.
 *
 * A whole table holds an index of 256 KiB, which no fuzzer fills by itself, so an input whose first
 * byte is odd is a recipe: four counts, four bytes that fill the index, then the sections.  Any
 * other input is the file as it is.
 */
#include "geo/format.h"
#include "geo/geo.h"

#include "base/rd.h"
#include "memory_file.h"

#include <string.h>

#define RECIPE_FIXED 13

static uint8_t *from_recipe(const uint8_t *data, size_t len, size_t *ret_len)
{
	struct rd r = rd_init(data, len);
	struct geo_header h = {.version = GEO_VERSION, .byte_order = GEO_BYTE_ORDER};
	struct geo_layout at;
	uint32_t pattern[2];
	uint8_t *file;

	memcpy(h.magic, GEO_MAGIC, GEO_MAGIC_LEN);
	rd_skip(&r, 1);
	h.v4_count = rd_u8(&r);
	h.v6_count = rd_u8(&r);
	h.value_count = rd_u8(&r);
	h.name_count = rd_u8(&r);
	pattern[0] = rd_u32le(&r);
	pattern[1] = rd_u32le(&r);
	if (r.bad)
		return NULL;
	h.text_len = 64;
	at = geo_layout_of(&h);
	h.file_len = at.end;
	file = calloc(1, at.end);
	if (!file)
		abort();
	memcpy(file, &h, sizeof(h));
	for (uint64_t i = 0; i < GEO_INDEX_COUNT; i++)
		memcpy(file + at.v4_index + i * 4, &pattern[i & 1], 4);
	/* What the input does not fill stays zero; the text ends with a NUL. */
	memcpy(file + at.v4, r.pos,
	    rd_left(&r) < at.end - at.v4 - 1 ? rd_left(&r) : at.end - at.v4 - 1);
	*ret_len = at.end;
	return file;
}

static void ask(const struct geo *geo)
{
	struct geo_info info;
	size_t length = strlen(geo_description(geo));

	geo_get_info(geo, &info);
	for (uint32_t i = 0; i < 512; i++) {
		uint32_t spread = i * 0x00800001u;
		struct ip ip = {(uint64_t)spread << 32 | i, ~(uint64_t)spread};
		struct geo_place place = geo_lookup(geo, ip_from_v4(spread));

		if (place.country[0] < 'A' || place.country[0] > 'Z')
			abort();
		place = geo_lookup(geo, ip);
		if (place.country[1] < 'A' || place.country[1] > 'Z')
			abort();
		length += strlen(geo_asn_name(geo, place.asn)) + strlen(geo_asn_name(geo, i));
	}
	if (length > 1025 * info.bytes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct memory_file file;
	struct geo *geo = NULL;
	uint8_t *made = NULL;

	if (len >= RECIPE_FIXED && data[0] & 1) {
		made = from_recipe(data, len, &len);
		if (!made)
			return 0;
		data = made;
	}
	memory_file_make(&file, data, len);
	if (geo_open(file.path, &geo, NULL) == ST_OK)
		ask(geo);
	geo_close(geo);
	memory_file_close(&file);
	free(made);
	return 0;
}
