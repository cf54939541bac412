/* The tables' origins, orders and retention classes; the contract is in tables.h. */
#include "store/tables.h"

#define ORDER_DEFAULT "sensor, time"

/*
 * port, source and minute in 13 bytes, IPv6 by /64: rows are sorted a third faster than by the
 * columns themselves, because DuckDB has a faster sort for keys up to 16 bytes with one byte more
 * per column.  Minutes begin again every 45 days; a day in which they do is in two runs.
 */
#define ORDER_FLOW "port, CASE WHEN src_hi = 0 THEN src_lo ELSE src_hi END, " \
	"CAST((epoch_us(time) // 60000000) & 65535 AS USMALLINT)"

/* Sorting by what is asked for halves the time of questions about a port, a source, a password. */
static const struct table_info tables[RECORD_TABLE_COUNT] = {
	[RECORD_TABLE_sensor] = {.origin = TABLE_CATALOGUE},
	[RECORD_TABLE_flow] = {.retention = TABLE_KEEP_FLOW,
	    .order = ORDER_FLOW},
	[RECORD_TABLE_port_quarter] = {.origin = TABLE_ROLLUP,
	    .order = "port, proto, class, marks, sensor, time", .rollup = "rollup_port_quarter.sql"},
	[RECORD_TABLE_source_day] = {.origin = TABLE_ROLLUP, .order = "src_hi, src_lo, sensor",
	    .rollup = "rollup_source_day.sql"},
	[RECORD_TABLE_country_day] = {.origin = TABLE_ROLLUP,
	    .order = "country, proto, port, mirai, sensor", .rollup = "rollup_country_day.sql"},
	[RECORD_TABLE_victim_day] = {.origin = TABLE_ROLLUP,
	    .order = "victim_hi, victim_lo, proto, port, sensor",
	    .rollup = "rollup_victim_day.sql"},
	[RECORD_TABLE_port_day] = {.origin = TABLE_ROLLUP, .order = "sensor, proto, port",
	    .rollup = "rollup_port_day.sql", .rollup_since = 1},
	[RECORD_TABLE_origin_day] = {.origin = TABLE_ROLLUP, .order = "sensor, mark, country",
	    .rollup = "rollup_origin_day.sql", .rollup_since = 1},
	[RECORD_TABLE_role] = {.origin = TABLE_JUDGED, .order = "src_hi, src_lo"},
	[RECORD_TABLE_role_day] = {.origin = TABLE_JUDGED,
	    .order = "role, proto, port, country, asn, mirai, sensor"},
	[RECORD_TABLE_attack] = {.origin = TABLE_JUDGED,
	    .order = "victim_hi, victim_lo, start"},
	[RECORD_TABLE_session] = {.retention = TABLE_KEEP_SESSION,
	    .order = "protocol, dport, src_hi, src_lo, time"},
	[RECORD_TABLE_login] = {.retention = TABLE_KEEP_SESSION,
	    .order = "protocol, \"user\", password, time"},
	[RECORD_TABLE_command] = {.retention = TABLE_KEEP_SESSION,
	    .order = "protocol, session, time"},
	[RECORD_TABLE_payload] = {.retention = TABLE_KEEP_SESSION, .order = "sha256, time"},
	[RECORD_TABLE_alert] = {.retention = TABLE_KEEP_SESSION,
	    .order = "gid, sid, src_hi, src_lo, time"},
	[RECORD_TABLE_event] = {.order = "protocol, event, dport, sensor, country, time"},
	[RECORD_TABLE_cluster_day] = {.retention = TABLE_KEEP_FLOW,
	    .order = "id, src_hi, src_lo, sensor, time"},
};

struct table_info table_info(enum record_table_id id)
{
	struct table_info info = tables[id];

	if (!info.order)
		info.order = ORDER_DEFAULT;
	return info;
}

bool table_is_ingested(enum record_table_id id)
{
	return id < RECORD_TABLE_COUNT && tables[id].origin == TABLE_INGESTED;
}

bool table_has_blob(enum record_table_id id)
{
	const struct record_table *table = &record_tables[id];

	for (unsigned i = 0; i < table->field_count; i++)
		if (table->fields[i].type == RECORD_BLOB)
			return true;
	return false;
}
