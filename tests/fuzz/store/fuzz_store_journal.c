/*
 * Any bytes as a journal: the reader stops, gives only whole rows, and their text lies inside.
 * The first byte chooses whether the frames' checksums are corrected first, so that mutations
 * get past them.
 */
#include "base/hash.h"
#include "store/journal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bounds {
	const uint8_t *start;
	const uint8_t *end;
	uint64_t sum;
};

static int see(void *arg, enum record_table_id table, const void *row)
{
	struct bounds *bounds = arg;
	const struct record_table *t = &record_tables[table];

	for (unsigned i = 0; i < t->field_count; i++) {
		struct record_text text;

		if (!record_is_text(t->fields[i].type))
			continue;
		memcpy(&text, (const uint8_t *)row + t->fields[i].offset, sizeof(text));
		if (text.len && ((const uint8_t *)text.data < bounds->start
		        || (const uint8_t *)text.data + text.len > bounds->end))
			abort();
		for (uint32_t c = 0; c < text.len; c++)
			bounds->sum += (uint8_t)text.data[c];
	}
	return ST_OK;
}

static void correct_checksums(uint8_t *data, size_t len)
{
	size_t at = JOURNAL_HEADER_SIZE;

	while (at + 8 <= len) {
		uint32_t size = (uint32_t)data[at] | (uint32_t)data[at + 1] << 8
		    | (uint32_t)data[at + 2] << 16 | (uint32_t)data[at + 3] << 24;
		uint32_t crc;

		if (size > len - at - 8)
			return;
		crc = hash_crc32c(0, data + at + 8, size);
		for (int i = 0; i < 4; i++)
			data[at + 4 + (size_t)i] = (uint8_t)(crc >> (8 * i));
		at += 8 + (size_t)size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bounds bounds = {0};
	uint64_t end = 0;
	uint8_t *copy;

	if (len < 2)
		return 0;
	copy = malloc(len - 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, len - 1);
	if (data[0] & 1)
		correct_checksums(copy, len - 1);
	bounds.start = copy;
	bounds.end = copy + len - 1;
	if (journal_read(copy, len - 1, JOURNAL_HEADER_SIZE + (data[0] >> 1), see, &bounds, &end) == ST_OK
	    && end > JOURNAL_HEADER_SIZE + (uint64_t)(data[0] >> 1) && end > len - 1)
		abort();
	free(copy);
	return 0;
}
