/*
 * teiten attacks: DoS victims of a period, judged from the store's rows by the detector that
 * `teiten analyze` uses.  Nothing is kept: a better detector needs no migration.
 */
#include "cmd/attack_json.h"
#include "cmd/table.h"
#include "cmd/window.h"

#include "base/civil.h"
#include "detect/carpet.h"
#include "detect/reflection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int run(int argc, char **argv);

const struct command command_attacks = {
    .name = "attacks",
    .summary = "DoS victims seen through backscatter and reflection",
    .usage =
        "usage: teiten attacks [-s STORE] [OPTION…]\n"
        "\n"
        "Lists the addresses that were attacked in a period, most packets first: by what they\n"
        "answered to forged packets (backscatter), or because an attacker asked us in their\n"
        "name (reflection).  The address is the victim, never the attacker.  What counts as an\n"
        "attack follows the number of observed addresses; attacks are cut at the period's ends.\n"
        "\n" WINDOW_HELP
        "\n"
        "--json: victim, kind, transport, port, start, end, packets, max_ppm, destinations,\n"
        "ports, many_ports, confidence (low: only very large attacks can be seen here; of\n"
        "backscatter), replies_per_second (of the victim, if sources were forged uniformly over\n"
        "all IPv4 addresses and nothing was lost; null with few addresses).\n"
        "\n"
        "Examples:\n"
        "  teiten attacks -s /var/lib/teiten --last 7d\n"
        "  teiten attacks --period 2026-10 --json | jq '.[] | select(.kind == \"reflection\")'\n",
    .run = run,
};

enum {
	COLUMN_VICTIM,
	COLUMN_KIND,
	COLUMN_TRANSPORT,
	COLUMN_PORT,
	COLUMN_START,
	COLUMN_END,
	COLUMN_PACKETS,
	COLUMN_PPM,
	COLUMN_DESTINATIONS,
	COLUMN_CONFIDENCE,
	COLUMN_RATE,
	COLUMN_COUNT,
};

/* The order of the question's columns. */
enum {
	ROW_MINUTE,
	ROW_SENSOR,
	ROW_CLASS,
	ROW_HI,
	ROW_LO,
	ROW_TRANSPORT,
	ROW_PROTO,
	ROW_PORT,
	ROW_PACKETS,
	ROW_FIRST,
	ROW_LAST,
	ROW_BITS,
	ROW_ADDRESSES,
};

static const struct table_column columns[COLUMN_COUNT] = {
    [COLUMN_VICTIM] = {"victim", "被害を受けたとみられるIPアドレス", "victim", TABLE_TEXT, TABLE_ALL},
    [COLUMN_KIND] = {"kind", "種別", "kind", TABLE_TEXT, TABLE_ALL},
    [COLUMN_TRANSPORT] = {"transport", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_PORT] = {"port", "ポート", "port", TABLE_INT, TABLE_ALL},
    [COLUMN_START] = {"start", "開始(UTC)", "start (UTC)", TABLE_TEXT, TABLE_ALL},
    [COLUMN_END] = {"end", "終了(UTC)", "end (UTC)", TABLE_TEXT, TABLE_ALL},
    [COLUMN_PACKETS] = {"packets", "パケット", "packets", TABLE_INT, TABLE_ALL},
    [COLUMN_PPM] = {"max_ppm", "最大/分", "max/min", TABLE_INT, TABLE_ALL},
    [COLUMN_DESTINATIONS] = {"destinations", "観測アドレス", "addresses", TABLE_INT, TABLE_ALL},
    [COLUMN_CONFIDENCE] = {"confidence", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_RATE] = {"replies_per_second", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
};

static int add_rows(struct attacks *attacks, const struct store_result *r)
{
	for (size_t i = 0; i < store_result_rows(r); i++) {
		bool backscatter = store_result_int(r, i, ROW_CLASS) == RECORD_CLASS_BACKSCATTER;
		struct ip ip = {store_result_uint(r, i, ROW_HI), store_result_uint(r, i, ROW_LO)};
		struct record_flow flow = {
			.time = store_result_int(r, i, ROW_MINUTE),
			.sensor = (uint16_t)store_result_int(r, i, ROW_SENSOR),
			.class = (uint8_t)store_result_int(r, i, ROW_CLASS),
			.proto = (uint8_t)store_result_int(r, i, ROW_PROTO),
			.port = (uint16_t)store_result_int(r, i, ROW_PORT),
			.first_second = (uint8_t)store_result_int(r, i, ROW_FIRST),
			.last_second = (uint8_t)store_result_int(r, i, ROW_LAST),
			.dst_bits = store_result_uint(r, i, ROW_BITS),
			.dsts = (uint32_t)store_result_uint(r, i, ROW_ADDRESSES),
			.src_hi = ip.hi,
			.src_lo = ip.lo,
			.victim_hi = backscatter ? ip.hi : 0,
			.victim_lo = backscatter ? ip.lo : 0,
			.victim_proto = backscatter ? (uint8_t)store_result_int(r, i, ROW_TRANSPORT) : 0,
		};
		struct attack_sample sample;
		int rc;

		if (!attack_sample_of(&flow, &sample))
			continue;
		sample.packets = store_result_uint(r, i, ROW_PACKETS); /* sums may be larger than a row */
		rc = attacks_add(attacks, &sample);
		if (rc)
			return rc;
	}
	return ST_OK;
}

/* However short a sensor observed: its thresholds are those of its size. */
static int ask_addresses(const struct command *self, struct window *w, uint64_t *ret_addresses)
{
	const struct store_param params[] = {{.name = "now"}, {.name = "to"}};
	struct store_result *r = NULL;
	struct err err = {0};

	if (window_ask(w, "cmd_attacks_addresses", params, 2, &r, &err) < 0) {
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	if (store_result_int(r, 0, 0) > 1)
		*ret_addresses = store_result_uint(r, 0, 0);
	store_result_free(r);
	return COMMAND_OK;
}

static int ask_heard(struct window *w, struct attacks *attacks,
    const struct detect_settings *settings, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "least_reflection", .int_value =
	        (int64_t)reflection_rule(settings).packets_asked},
	};
	struct store_result *r = NULL;
	int rc = window_ask(w, "cmd_attacks_heard", params, 3, &r, err);

	for (size_t i = 0; !rc && i < store_result_rows(r); i++) {
		const char *protocol = store_result_text(r, i, 3);
		const char *asked = store_result_text(r, i, 4);
		const char *vector =
		    reflection_vector(protocol, strlen(protocol), asked, strlen(asked));
		struct ip ip = {store_result_uint(r, i, 0), store_result_uint(r, i, 1)};

		if (vector && attacks_heard(attacks, ip, (uint16_t)store_result_int(r, i, 2), vector))
			rc = err_set(err, ST_LIMIT, "out of memory");
	}
	store_result_free(r);
	return rc;
}

static bool in_carpet(void *arg, const struct attack *a)
{
	return a->kind == ATTACK_BACKSCATTER && a->proto == 6
	    && carpets_networks(arg, carpet_key_at(a->start_us, a->port), a->packets) > 0;
}

/* Takes out those who only answered what was forged to many servers at once. */
static int drop_carpets(struct window *w, struct attacks *attacks,
    const struct detect_settings *settings, uint64_t addresses, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "most", .int_value = (int64_t)settings->carpet_packets},
	};
	struct carpets *carpets = NULL;
	struct store_result *r = NULL;
	int rc = window_ask(w, "cmd_attacks_carpets", params, 3, &r, err);

	if (!rc && carpets_new(settings, &carpets))
		rc = err_set(err, ST_LIMIT, "out of memory");
	for (size_t i = 0; !rc && i < store_result_rows(r); i++) {
		struct ip ip = {store_result_uint(r, i, 0), store_result_uint(r, i, 1)};

		if (carpets_add(carpets, ip, store_result_uint(r, i, 2), store_result_uint(r, i, 3)))
			rc = err_set(err, ST_LIMIT, "out of memory");
	}
	if (!rc) {
		carpets_finish(carpets, addresses);
		attacks_drop(attacks, in_carpet, carpets);
	}
	carpets_free(carpets);
	store_result_free(r);
	return rc;
}

static int ask(const struct command *self, struct window *w, uint64_t addresses,
    struct attacks **ret_attacks)
{
	const struct detect_settings settings = detect_settings_of(command_configuration());
	const struct store_param params[] = {
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "least", .int_value =
	        (int64_t)attack_rule_backscatter(&settings, addresses).packets},
	    {.name = "least_reflection", .int_value =
	        (int64_t)reflection_rule(&settings).packets_asked},
	};
	struct store_result *result = NULL;
	struct attacks *attacks = NULL;
	struct err err = {0};
	int rc = window_ask(w, "cmd_attacks", params, sizeof(params) / sizeof(params[0]), &result,
	    &err);

	if (!rc && (attacks_new(&settings, addresses, &attacks) || add_rows(attacks, result)))
		rc = err_set(&err, ST_LIMIT, "out of memory");
	if (!rc)
		rc = ask_heard(w, attacks, &settings, &err);
	if (!rc && attacks_finish(attacks))
		rc = err_set(&err, ST_LIMIT, "out of memory");
	if (!rc)
		rc = drop_carpets(w, attacks, &settings, addresses, &err);
	store_result_free(result);
	if (rc) {
		attacks_free(attacks);
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	*ret_attacks = attacks;
	return COMMAND_OK;
}

static void add_table_row(struct table *t, const struct attack *a, uint64_t addresses, bool ja)
{
	double rate = attack_rate(a, addresses);
	char start[CIVIL_TIME_TEXT_MAX];
	char end[CIVIL_TIME_TEXT_MAX];
	char victim[IP_TEXT_MAX];
	char transport[8];

	(void)civil_format_time(a->start_us, start);
	(void)civil_format_time(a->end_us, end);
	table_row(t);
	table_set_text(t, COLUMN_VICTIM, ip_format(a->victim, victim));
	table_set_text(t, COLUMN_KIND, attack_kind_name(a->kind));
	if (ja)
		table_show(t, COLUMN_KIND, "%s", a->kind == ATTACK_REFLECTION ? "反射型" : "跳ね返り");
	table_set_text(t, COLUMN_TRANSPORT, attack_transport(a, transport));
	table_set_int(t, COLUMN_PORT, a->port);
	table_show(t, COLUMN_PORT, "%u/%s%s", a->port, attack_transport(a, transport),
	    a->many_ports ? " …" : "");
	table_set_text(t, COLUMN_START, start);
	table_show(t, COLUMN_START, "%.10s %.8s", start, start + 11);
	table_set_text(t, COLUMN_END, end);
	table_show(t, COLUMN_END, "%.10s %.8s", end, end + 11);
	table_set_count(t, COLUMN_PACKETS, a->packets);
	table_set_count(t, COLUMN_PPM, a->max_ppm);
	table_set_uint(t, COLUMN_DESTINATIONS, a->destinations);
	if (a->kind == ATTACK_BACKSCATTER)
		table_set_text(t, COLUMN_CONFIDENCE,
		    attack_confidence_name(attack_confidence(addresses)));
	table_set_real(t, COLUMN_RATE, rate > 0 ? rate : NAN);
}

static void print_json(const struct attacks *attacks, uint64_t addresses)
{
	size_t count;
	const struct attack *list = attacks_list(attacks, &count);
	json_t *rows = json_array();
	char *text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, attack_json(&list[i], addresses));
	text = command_need(json_dumps(rows, JSON_INDENT(1) | JSON_PRESERVE_ORDER
	    | JSON_REAL_PRECISION(12)));
	(void)puts(text);
	free(text);
	json_decref(rows);
}

static void print(const struct command_common *common, const struct window *w,
    const struct attacks *attacks, uint64_t addresses)
{
	struct publish_style style = command_style(common);
	struct table *table;
	struct buf b = {0};
	size_t count;
	const struct attack *list = attacks_list(attacks, &count);

	if (common->format == COMMAND_JSON) {
		print_json(attacks, addresses);
		return;
	}
	table = table_new(columns, COLUMN_COUNT);
	for (size_t i = 0; i < count; i++)
		add_table_row(table, &list[i], addresses, style.language == PUBLISH_JA);
	if (common->format == COMMAND_HUMAN)
		window_describe(w, &style, &b);
	table_print(table, common, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(table);
}

static int run(int argc, char **argv)
{
	const struct command *self = &command_attacks;
	struct command_common common = {0};
	struct window_options options = {0};
	struct window w = {0};
	struct attacks *attacks = NULL;
	uint64_t addresses = 1;
	int r;

	if (window_options_only(self, &common, &options, argc, argv))
		return COMMAND_USAGE;
	r = window_open(self, &options, &w);
	if (r == COMMAND_OK)
		r = ask_addresses(self, &w, &addresses);
	if (r == COMMAND_OK)
		r = ask(self, &w, addresses, &attacks);
	if (r == COMMAND_OK)
		print(&common, &w, attacks, addresses);
	attacks_free(attacks);
	window_close(&w);
	return r;
}
