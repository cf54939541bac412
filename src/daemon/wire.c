/* Checking what workers send; the contract is in wire.h. */
#include "daemon/wire.h"

#include "base/rd.h"
#include "base/utf8.h"

#include <string.h>

#define ROW_SIZE_MAX 1024
#define AHEAD_US (2 * 86400ll * 1000000) /* clocks step, but not by days */
#define LONG_AGO_US 946684800000000ll    /* the year 2000 */

static bool is_utf8(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = utf8_decode(text + at, len - at, &cp);

		/* A real U+FFFD is EF BF BD; anything else that decodes to it is broken. */
		if (cp == 0xfffd && !(n == 3 && memcmp(text + at, "\xef\xbf\xbd", 3) == 0))
			return false;
		at += n;
	}
	return true;
}

static bool is_letter(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool field_is_sane(const struct record_field *f, const uint8_t *row, uint16_t sensor,
    int64_t now_us)
{
	const uint8_t *at = row + f->offset;
	struct record_text text;
	uint16_t number;
	int64_t time;

	switch (f->type) {
	case RECORD_TEXT:
		memcpy(&text, at, sizeof(text));
		return is_utf8(text.data, text.len);
	case RECORD_CODE:
		return is_letter((char)at[0]) && is_letter((char)at[1]);
	case RECORD_TIME:
		memcpy(&time, at, sizeof(time));
		return time >= LONG_AGO_US && time <= now_us + AHEAD_US;
	case RECORD_U16:
		memcpy(&number, at, sizeof(number));
		return strcmp(f->name, "sensor") != 0 || number == sensor;
	case RECORD_U8:
	case RECORD_U32:
	case RECORD_U64:
	case RECORD_U64NULL:
	case RECORD_I64:
	case RECORD_DATE:
	case RECORD_BLOB:
		return true;
	}
	return false;
}

static bool may_be_sent(unsigned table)
{
	return table == RECORD_TABLE_flow || table == RECORD_TABLE_coverage
	    || table == RECORD_TABLE_session || table == RECORD_TABLE_login
	    || table == RECORD_TABLE_command || table == RECORD_TABLE_payload
	    || table == RECORD_TABLE_event || table == RECORD_TABLE_alert
	    || table == RECORD_TABLE_cluster_day;
}

int wire_rows(const uint8_t *body, size_t len, uint16_t sensor, int64_t now_us,
    int (*row)(void *arg, enum record_table_id table, const void *row), void *arg)
{
	_Alignas(16) uint8_t space[ROW_SIZE_MAX];
	struct rd r = rd_init(body, len);

	while (rd_left(&r) > 0) {
		unsigned table = rd_u8(&r);
		struct rd sub = rd_sub(&r, rd_u32le(&r));
		const struct record_table *t;
		int rc;

		if (r.bad || !may_be_sent(table) || record_tables[table].size > sizeof(space))
			return ST_MALFORMED;
		t = &record_tables[table];
		memset(space, 0, t->size);
		if (record_decode(t, RECORD_SCHEMA_VERSION, &sub, space) || rd_left(&sub) > 0)
			return ST_MALFORMED;
		for (unsigned i = 0; i < t->field_count; i++)
			if (!field_is_sane(&t->fields[i], space, sensor, now_us))
				return ST_MALFORMED;
		rc = row(arg, (enum record_table_id)table, space);
		if (rc)
			return rc;
	}
	return ST_OK;
}
