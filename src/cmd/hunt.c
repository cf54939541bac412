/* Retro-hunt; the contract is in hunt.h. */
#include "cmd/hunt.h"

#include "base/civil.h"
#include "base/rd.h"
#include "cmd/table.h"
#include "protocol/encoding.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_BYTES (64ll << 20) /* of payloads that are held at a time */
#define SLICES_MAX 1440          /* of a day */
#define PAYLOAD_MAX 65536u
#define TLS_HEAD 5
#define TLS_FIRST 0x14 /* kinds of records */
#define TLS_LAST 0x17
#define TLS_MAJOR 3
#define SERVER_V4 0xc0000201u           /* 192.0.2.1: in the place of the observed address */
#define SERVER_V6 0x20010db800000000ull /* 2001:db8::1 */

enum {
	COLUMN_TIME,
	COLUMN_SOURCE,
	COLUMN_SENSOR,
	COLUMN_PORT,
	COLUMN_SID,
	COLUMN_MSG,
	COLUMN_REV,
	COLUMN_CLASS,
	COLUMN_TRANSPORT,
	COLUMN_SESSION,
	COLUMN_COUNT,
};

static const struct table_column columns[COLUMN_COUNT] = {
	[COLUMN_TIME] = {"time", "時刻(UTC)", "Time (UTC)", TABLE_TEXT, TABLE_ALL},
	[COLUMN_SOURCE] = {"source", "送信元", "Source", TABLE_TEXT, TABLE_ALL},
	[COLUMN_SENSOR] = {"sensor", "センサー", "Sensor", TABLE_TEXT, TABLE_ALL},
	[COLUMN_PORT] = {"port", "ポート", "Port", TABLE_INT, TABLE_ALL},
	[COLUMN_SID] = {"sid", "シグネチャID", "Signature", TABLE_INT, TABLE_ALL},
	[COLUMN_MSG] = {"msg", "シグネチャ", "Message", TABLE_TEXT, TABLE_ALL},
	[COLUMN_REV] = {"rev", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
	[COLUMN_CLASS] = {"class", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
	[COLUMN_TRANSPORT] = {"transport", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
	[COLUMN_SESSION] = {"session", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
};

/* The session whose bytes are being said. */
struct said_again {
	int64_t time_us;
	uint64_t id;
	uint16_t sensor;
	struct signatures_ends ends;
};

struct hunt {
	const struct hunt_options *options;
	struct window window;
	struct inspection *inspection;
	struct table *table;
	struct said_again now;
	uint64_t sessions;
	uint64_t matches;
	uint8_t payload[PAYLOAD_MAX];
};

static bool is_wanted(const struct hunt_options *o, uint32_t sid)
{
	for (size_t i = 0; i < o->sid_count; i++)
		if (o->sids[i] == sid)
			return true;
	return o->sid_count == 0;
}

/* Its own threshold holds no rule back: each match is a session somebody asks about. */
static void take_alert(void *arg, const struct signatures_alert *alert)
{
	struct hunt *h = arg;
	char time[CIVIL_TIME_TEXT_MAX];
	char ip[IP_TEXT_MAX];
	size_t sensor = window_sensor_find(&h->window, h->now.sensor);

	if (!is_wanted(h->options, alert->sid) || h->matches++ >= HUNT_ROWS_MAX)
		return;
	table_row(h->table);
	(void)civil_format_time(h->now.time_us, time);
	table_set_text(h->table, COLUMN_TIME, time);
	table_show(h->table, COLUMN_TIME, "%.10s %.8s", time, time + 11);
	table_set_text(h->table, COLUMN_SOURCE, ip_format(h->now.ends.client, ip));
	table_set_text(h->table, COLUMN_SENSOR,
	    sensor == SIZE_MAX ? "" : h->window.sensors[sensor].name);
	table_set_uint(h->table, COLUMN_PORT, h->now.ends.server_port);
	table_show(h->table, COLUMN_PORT, "%u", h->now.ends.server_port);
	table_set_uint(h->table, COLUMN_SID, alert->sid);
	table_show(h->table, COLUMN_SID, "%u", alert->sid);
	table_set_text(h->table, COLUMN_MSG, alert->msg);
	table_set_uint(h->table, COLUMN_REV, alert->rev);
	table_set_text(h->table, COLUMN_CLASS, alert->classtype);
	table_set_text(h->table, COLUMN_TRANSPORT,
	    h->now.ends.proto == DECODE_PROTO_TCP ? "tcp" : "udp");
	table_set_uint(h->table, COLUMN_SESSION, h->now.id);
}

/* ---- saying again --------------------------------------------------------------------------- */

static struct ip server_of(const struct hunt *h, struct ip client)
{
	const struct inspection_options *rules = &h->options->rules;

	for (size_t i = 0; i < rules->net_count; i++)
		if (ip_is_v4(rules->nets[i].base) == ip_is_v4(client))
			return rules->nets[i].base;
	return ip_is_v4(client) ? ip_from_v4(SERVER_V4) : (struct ip){SERVER_V6, 1};
}

/* Bytes of TLS records that a payload begins with: behind them is what came through TLS that the
 * sensor opened. */
static size_t records_len(const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at + TLS_HEAD <= len && data[at] >= TLS_FIRST && data[at] <= TLS_LAST
	    && data[at + 1] == TLS_MAJOR)
		at += TLS_HEAD + rd_at_u16be(data + at + 3);
	return at < len ? at : len;
}

static void say_part(struct hunt *h, const uint8_t *data, size_t len, uint8_t depth)
{
	struct signatures *engine = inspection_engine(h->inspection);

	if (len == 0)
		return;
	h->now.ends.depth = depth;
	signatures_said(engine, &h->now.ends, true, data, len, h->now.time_us);
	signatures_over(engine, &h->now.ends, h->now.time_us);
}

static void say_again(struct hunt *h, const struct store_result *r, size_t row)
{
	const char *hex = store_result_text(r, row, 8);
	size_t len = encoding_unhex(hex, strlen(hex), h->payload, sizeof(h->payload));
	size_t tls;
	struct ip client = {store_result_uint(r, row, 3), store_result_uint(r, row, 4)};

	h->sessions++;
	h->now = (struct said_again){
		.time_us = store_result_int(r, row, 0),
		.sensor = (uint16_t)store_result_uint(r, row, 1),
		.id = store_result_uint(r, row, 2),
		.ends = {
			.client = client,
			.server = server_of(h, client),
			.client_port = (uint16_t)store_result_uint(r, row, 5),
			.server_port = (uint16_t)store_result_uint(r, row, 6),
			.proto = (uint8_t)store_result_uint(r, row, 7),
		},
	};
	tls = h->now.ends.proto == DECODE_PROTO_TCP ? records_len(h->payload, len) : 0;
	tls = tls > 0 ? tls : len;
	say_part(h, h->payload, tls, 0);
	say_part(h, h->payload + tls, len - tls, 1);
}

static int ask(struct hunt *h, const char *question, int32_t day, int64_t from_us, int64_t to_us,
    struct store_result **ret_result, struct err *err)
{
	const struct store_param params[] = {
		{.name = "from", .kind = STORE_PARAM_TIME, .int_value = from_us},
		{.name = "until", .kind = STORE_PARAM_TIME, .int_value = to_us},
	};

	return store_ask(h->window.store, question, params, 2, day, day + 1, ret_result, err);
}

static int hunt_slice(struct hunt *h, int32_t day, int64_t from_us, int64_t to_us, struct err *err)
{
	struct store_result *r;
	int rc = ask(h, "cmd_hunt", day, from_us, to_us, &r, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < store_result_rows(r); i++)
		say_again(h, r, i);
	store_result_free(r);
	return ST_OK;
}

/* A busy day is read in parts. */
static int hunt_day(struct hunt *h, int32_t day, struct err *err)
{
	struct zone *zone = store_zone(h->window.store);
	int64_t from_us = zone_day_start(zone, day);
	int64_t to_us = zone_day_start(zone, day + 1);
	struct store_result *r;
	int64_t bytes;
	int64_t slices;
	int rc = ask(h, "cmd_hunt_size", day, from_us, to_us, &r, err);

	if (rc)
		return rc;
	bytes = store_result_int(r, 0, 1);
	slices = bytes == 0 ? 0 : bytes / SLICE_BYTES + 1;
	slices = slices > SLICES_MAX ? SLICES_MAX : slices;
	store_result_free(r);
	for (int64_t i = 0; !rc && i < slices; i++)
		rc = hunt_slice(h, day, from_us + (to_us - from_us) / slices * i,
		    i + 1 == slices ? to_us : from_us + (to_us - from_us) / slices * (i + 1), err);
	return rc;
}

/* Days of the period that the store has. */
static int hunt_days(struct hunt *h, struct err *err)
{
	int32_t first = 0;
	int32_t last = 0;
	int rc = store_days(h->window.store, &first, &last, err);

	if (first < h->window.now.from)
		first = h->window.now.from;
	for (int32_t day = first; !rc && day < h->window.now.to && day <= last; day++)
		rc = hunt_day(h, day, err);
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* A signature that is not there finds nothing, which would be taken for an answer. */
static bool has_sids(const struct hunt *h)
{
	const struct signatures *s = inspection_engine(h->inspection);

	for (size_t i = 0; i < h->options->sid_count; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < signatures_rule_count(s); k++)
			found = signatures_rule_at(s, k).sid == h->options->sids[i];
		if (!found) {
			command_error(h->options->self, "no rule with sid %u is used; teiten rules test FILE… "
			    "says why", h->options->sids[i]);
			return false;
		}
	}
	return true;
}

static void print_limits(const struct hunt *h, bool ja, struct buf *b)
{
	unsigned long long more = h->matches > HUNT_ROWS_MAX ? h->matches - HUNT_ROWS_MAX : 0;

	if (more)
		buf_printf(b, ja ? "ほか%llu件は表示していません。\n" : "%llu more are not listed.\n", more);
	buf_printf(b, ja
	    ? "%llu件のセッションの先頭(送信元からの最大4KiB)を検査しました。その後のデータ、センサーの応答、\n"
	      "セッションにならないパケット、TTLなどヘッダーの値、観測アドレスは保存していないため対象外です。\n"
	      "しきい値(threshold)は適用せず、flowbitsはその先頭の中だけで判定しています。\n"
	    : "Looked at what %llu sessions began with (at most 4 KiB from the source).  Not kept, so not\n"
	      "seen: what followed, the sensor's answers, packets without a session, header fields such as\n"
	      "TTL, the observed address.  Thresholds hold nothing back; flowbits are known within those\n"
	      "bytes only.\n",
	    (unsigned long long)h->sessions);
}

static void print(const struct hunt *h)
{
	const struct command_common *common = h->options->common;
	struct publish_style style = command_style(common);
	struct buf b = {0};

	if (common->format == COMMAND_HUMAN)
		window_describe(&h->window, &style, &b);
	table_print(h->table, common, &b);
	if (common->format == COMMAND_HUMAN && !common->quiet)
		print_limits(h, style.language == PUBLISH_JA, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
}

/* Rules first: with the store open the program is confined. */
static int begin(struct hunt *h)
{
	struct inspection_options rules = h->options->rules;
	struct err err = {0};

	rules.problem = NULL;
	rules.alert = take_alert;
	rules.arg = h;
	if (inspection_new(&rules, &h->inspection, &err)) {
		command_error(h->options->self, "%s", err.text);
		return err.code == ST_USAGE ? COMMAND_USAGE : COMMAND_FAILED;
	}
	if (!has_sids(h))
		return COMMAND_NOT_FOUND;
	return window_open(h->options->self, h->options->window, &h->window);
}

int hunt_run(const struct hunt_options *options)
{
	struct hunt *h = command_need(calloc(1, sizeof(*h)));
	struct err err = {0};
	int status;
	int rc = ST_OK;

	h->options = options;
	h->table = table_new(columns, COLUMN_COUNT);
	status = begin(h);
	if (status == COMMAND_OK)
		rc = hunt_days(h, &err);
	if (rc) {
		command_error(options->self, "%s", err.text);
		status = COMMAND_FAILED;
	}
	if (status == COMMAND_OK)
		print(h);
	inspection_free(h->inspection);
	window_close(&h->window);
	table_free(h->table);
	free(h);
	return status;
}
