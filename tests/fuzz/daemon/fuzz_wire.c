/*
 * Any bytes as the rows a worker sends: the reader stops or gives only rows that are sane, their
 * text lies inside the message, and what it gave is accepted again when it is encoded.
 */
#include "base/wr.h"
#include "daemon/wire.h"

#include <stdlib.h>
#include <string.h>

#define SENSOR 7
#define NOW_US 1790000000000000ll

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	const uint8_t *start;
	const uint8_t *end;
	unsigned depth;
};

static int see(void *arg, enum record_table_id table, const void *row)
{
	const struct seen *seen = arg;
	const struct record_table *t = &record_tables[table];
	size_t max = WIRE_ROW_HEAD + record_encoded_max(t, row);
	uint8_t *again;
	struct wr w;

	for (unsigned i = 0; i < t->field_count; i++) {
		struct record_text text;

		if (!record_is_text(t->fields[i].type))
			continue;
		memcpy(&text, (const uint8_t *)row + t->fields[i].offset, sizeof(text));
		if (text.len && ((const uint8_t *)text.data < seen->start
		        || (const uint8_t *)text.data + text.len > seen->end))
			abort();
	}
	if (seen->depth > 0)
		return ST_OK;
	again = malloc(max);
	if (!again)
		return ST_OK;
	w = wr_init(again, max);
	wr_u8(&w, (uint8_t)table);
	wr_u32le(&w, 0);
	record_encode(t, row, &w);
	if (!w.bad) {
		size_t size = wr_len(&w) - WIRE_ROW_HEAD;
		struct seen inner = {again, again + wr_len(&w), 1};

		for (unsigned i = 0; i < 4; i++)
			again[1 + i] = (uint8_t)(size >> 8 * i);
		if (wire_rows(again, wr_len(&w), SENSOR, NOW_US, see, &inner))
			abort();
	}
	free(again);
	return ST_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen seen = {data, data + len, 0};

	int rc = wire_rows(data, len, SENSOR, NOW_US, see, &seen);

	if (rc != ST_OK && rc != ST_MALFORMED)
		abort();
	return 0;
}
