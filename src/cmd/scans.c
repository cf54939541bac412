/*
 * teiten scans: who searched through the observed addresses in a period, judged from the store's
 * rows.  Nothing is kept: a better detector needs no migration.
 */
#include "cmd/scan_list.h"
#include "cmd/scans_shared.h"
#include "cmd/table.h"

#include "base/civil.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 30 /* to people, without -n or --all */

static int run(int argc, char **argv);

const struct command command_scans = {
    .name = "scans",
    .summary = "Scans: who asked many addresses or ports, and how slowly",
    .usage =
        "usage: teiten scans [-s STORE] [--source IP] [--port PORT] [OPTION…]\n"
        "       teiten scans [-s STORE] --distributed [OPTION…]\n"
        "\n"
        "Lists the sources that searched through the observed addresses in a period, most\n"
        "packets first.  horizontal: one port of several addresses, one line for each port;\n"
        "vertical: many ports of few addresses; block: many ports of several addresses, one\n"
        "line for all of them.  What silence ends a scan follows the number of observed\n"
        "addresses: few addresses are reached so seldom that a scan may go on for weeks.\n"
        "With fewer than 5000 the beginning is looked for up to detect.scan_history before\n"
        "the period.  slow: its packets were half an hour or more apart in the mean, over a\n"
        "day or more, here; the scanner may be as fast as it likes elsewhere.  Addresses in\n"
        "whose name others were asked (reflection) are victims and not listed.\n"
        "\n" WINDOW_HELP
        "  --source IP     only this source\n"
        "  --port PORT     only this port: 23/tcp, 53/udp, 8/icmp\n"
        "  -n N, --all     length of the list (30 for people, all for programs)\n"
        "  --distributed   instead: neighbours (/24, IPv6 /48) that ask one port and whose\n"
        "                  addresses overlap far less than by lot, so that somebody dealt\n"
        "                  them out (sensors of up to 64 addresses)\n"
        "\n"
        "Thresholds: detect.scan_packets, scan_destinations, scan_ports, scan_rate, scan_gap,\n"
        "scan_slow_minutes (teiten.conf(5)).\n"
        "\n"
        "--json: source, port (of vertical and block scans null), start, end, packets,\n"
        "destinations (distinct observed addresses; at least so many at a sensor of more than\n"
        "64, where destinations_most is the upper bound), tool, shape, slow, sensors, ports\n"
        "(how many), top_ports, country, asn, coverage {share, low, high}: the share of our\n"
        "addresses it asked with its 95 % interval, which is the share of the IPv4 Internet\n"
        "that it asked if it chose addresses as if by lot (null of vertical scans and IPv6).\n"
        "--distributed --json: network, port, sources, start, end, packets, destinations,\n"
        "overlap (pairs of sources that asked the same address), expected_overlap, chance.\n"
        "\n"
        "Examples:\n"
        "  teiten scans -s /var/lib/teiten --last 7d\n"
        "  teiten scans --port 3389/tcp --last 4w --json | jq '.[] | select(.slow)'\n",
    .run = run,
};

enum {
	OPTION_SOURCE = WINDOW_OPTION_COUNT,
	OPTION_PORT,
	OPTION_N,
	OPTION_ALL,
	OPTION_DISTRIBUTED,
};

enum {
	COLUMN_SOURCE,
	COLUMN_COUNTRY,
	COLUMN_SHAPE,
	COLUMN_PORT,
	COLUMN_START,
	COLUMN_END,
	COLUMN_PACKETS,
	COLUMN_DESTINATIONS,
	COLUMN_SENSORS,
	COLUMN_TOOL,
	COLUMN_SLOW,
	COLUMN_PORTS,
	COLUMN_ASN,
	COLUMN_COVERAGE,
	COLUMN_LOW,
	COLUMN_HIGH,
	COLUMN_COUNT,
};

static const struct table_column columns[COLUMN_COUNT] = {
    [COLUMN_SOURCE] = {"source", "送信元", "source", TABLE_TEXT, TABLE_ALL},
    [COLUMN_COUNTRY] = {"country", "国・地域", "country", TABLE_TEXT, TABLE_ALL},
    [COLUMN_SHAPE] = {"shape", "形", "shape", TABLE_TEXT, TABLE_ALL},
    [COLUMN_PORT] = {"port", "宛先ポート", "port", TABLE_TEXT, TABLE_ALL},
    [COLUMN_START] = {"start", "開始(UTC)", "start (UTC)", TABLE_TEXT, TABLE_ALL},
    [COLUMN_END] = {"end", "終了(UTC)", "end (UTC)", TABLE_TEXT, TABLE_ALL},
    [COLUMN_PACKETS] = {"packets", "パケット", "packets", TABLE_INT, TABLE_ALL},
    [COLUMN_DESTINATIONS] = {"destinations", "観測アドレス", "addresses", TABLE_INT, TABLE_ALL},
    [COLUMN_SENSORS] = {"sensors", "センサー", "sensors", TABLE_INT, TABLE_ALL},
    [COLUMN_TOOL] = {"tool", "ツール", "tool", TABLE_TEXT, TABLE_ALL},
    [COLUMN_SLOW] = {"slow", "低速", "slow", TABLE_BOOL, TABLE_ALL},
    [COLUMN_PORTS] = {"ports", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_ASN] = {"asn", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_COVERAGE] = {"coverage", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_LOW] = {"coverage_low", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_HIGH] = {"coverage_high", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
};

/* What is printed of one scan. */
struct row {
	const struct scan *scan;
	const struct scan_list_source *source;
	const char *tool;
	char address[IP_TEXT_MAX];
	char port[24]; /* "" of many */
	char start[CIVIL_TIME_TEXT_MAX];
	char end[CIVIL_TIME_TEXT_MAX];
	uint32_t ports;
	bool ports_at_least;
	bool has_coverage;
	struct scan_coverage coverage;
};

static void fill_row(const struct scan_list *list, const struct scan *scan, struct row *ret_row)
{
	struct row row = {
		.scan = scan,
		.source = scan_list_source(list, scan->source),
		.ports = scan->ports,
		.ports_at_least = scan->ports_at_least,
	};

	row.tool = scan_list_tool(list, row.source);
	(void)ip_format(scan->source, row.address);
	(void)civil_format_time(scan->start_us, row.start);
	(void)civil_format_time(scan->end_us, row.end);
	if (scan->shape == SCAN_HORIZONTAL) {
		window_port_text((uint32_t)scan->proto << 16 | scan->port, row.port);
	} else if (scan->ports_at_least && row.source && row.source->ports >= scan->ports) {
		/* Those of the source over all that was looked at. */
		row.ports = row.source->ports;
		row.ports_at_least = false;
	}
	row.has_coverage = scan->shape != SCAN_VERTICAL && ip_is_v4(scan->source)
	    && list->rule.addresses > 1;
	if (row.has_coverage)
		row.coverage = scan_coverage_of(scan->destinations, scan->destinations_most,
		    list->rule.addresses);
	*ret_row = row;
}

/* ---- programs ------------------------------------------------------------------------------- */

static json_t *row_json(const struct row *row)
{
	const struct scan *scan = row->scan;
	json_t *o = json_object();
	json_t *top = json_array();

	json_object_set_new(o, "source", json_string(row->address));
	json_object_set_new(o, "port", row->port[0] ? json_string(row->port) : json_null());
	json_object_set_new(o, "start", json_string(row->start));
	json_object_set_new(o, "end", json_string(row->end));
	json_object_set_new(o, "packets", json_integer((json_int_t)scan->packets));
	json_object_set_new(o, "destinations", json_integer(scan->destinations));
	json_object_set_new(o, "destinations_most", json_integer(scan->destinations_most));
	json_object_set_new(o, "tool", row->tool ? json_string(row->tool) : json_null());
	json_object_set_new(o, "shape", json_string(scan_shape_name(scan->shape)));
	json_object_set_new(o, "slow", json_boolean(scan->slow));
	json_object_set_new(o, "sensors", json_integer(scan->sensors));
	json_object_set_new(o, "ports", json_integer(row->ports));
	for (size_t i = 0; row->source && i < SCAN_LIST_PORTS && row->source->top[i]
	    && scan->shape != SCAN_HORIZONTAL; i++) {
		char port[24];

		window_port_text(row->source->top[i], port);
		json_array_append_new(top, json_string(port));
	}
	if (row->port[0])
		json_array_append_new(top, json_string(row->port));
	json_object_set_new(o, "top_ports", top);
	json_object_set_new(o, "country", json_string(row->source ? row->source->country : "ZZ"));
	json_object_set_new(o, "asn", json_integer(row->source ? row->source->asn : 0));
	json_object_set_new(o, "coverage", row->has_coverage
	    ? json_pack("{s:f,s:f,s:f}", "share", row->coverage.share, "low", row->coverage.low,
	        "high", row->coverage.high) : json_null());
	return o;
}

static void print_json(const struct scan_list *list, size_t count)
{
	json_t *rows = json_array();
	char *text;

	for (size_t i = 0; i < count; i++) {
		struct row row;

		fill_row(list, &list->list[i], &row);
		json_array_append_new(rows, row_json(&row));
	}
	text = command_need(json_dumps(rows, JSON_INDENT(1) | JSON_PRESERVE_ORDER
	    | JSON_REAL_PRECISION(6)));
	(void)puts(text);
	free(text);
	json_decref(rows);
}

/* ---- people --------------------------------------------------------------------------------- */

static void show_ports(struct table *t, const struct row *row, bool ja)
{
	struct buf text = {0};

	for (size_t i = 0; row->source && i < 2 && row->source->top[i]; i++) {
		char port[24];

		window_port_text(row->source->top[i], port);
		buf_printf(&text, "%s ", port);
	}
	buf_printf(&text, ja ? "…計%u%s" : "… %u%s", row->ports,
	    row->ports_at_least ? ja ? "以上" : " or more" : "");
	table_show(t, COLUMN_PORT, "%s", buf_text(&text));
	buf_fini(&text);
}

static void add_table_row(struct table *t, const struct row *row, const struct scan_list *list,
    bool ja)
{
	static const char *const shapes_ja[SCAN_SHAPE_COUNT] = {"水平", "垂直", "面"};
	const struct scan *scan = row->scan;

	table_row(t);
	table_set_text(t, COLUMN_SOURCE, row->address);
	table_set_text(t, COLUMN_COUNTRY, row->source ? row->source->country : "ZZ");
	table_set_text(t, COLUMN_SHAPE, scan_shape_name(scan->shape));
	if (ja)
		table_show(t, COLUMN_SHAPE, "%s", shapes_ja[scan->shape]);
	if (row->port[0])
		table_set_text(t, COLUMN_PORT, row->port);
	else
		show_ports(t, row, ja);
	table_set_text(t, COLUMN_START, row->start);
	table_show(t, COLUMN_START, "%.10s %.5s", row->start, row->start + 11);
	table_set_text(t, COLUMN_END, row->end);
	table_show(t, COLUMN_END, "%.10s %.5s", row->end, row->end + 11);
	table_set_count(t, COLUMN_PACKETS, scan->packets);
	table_set_uint(t, COLUMN_DESTINATIONS, scan->destinations);
	table_show(t, COLUMN_DESTINATIONS, "%s%u/%llu",
	    scan->destinations_most > scan->destinations ? "≥" : "", scan->destinations,
	    (unsigned long long)list->rule.addresses);
	table_set_uint(t, COLUMN_SENSORS, scan->sensors);
	if (row->tool)
		table_set_text(t, COLUMN_TOOL, row->tool);
	else
		table_show(t, COLUMN_TOOL, "-");
	table_set_bool(t, COLUMN_SLOW, scan->slow);
	table_show(t, COLUMN_SLOW, "%s", !scan->slow ? "-" : ja ? "低速" : "slow");
	table_set_uint(t, COLUMN_PORTS, row->ports);
	table_set_uint(t, COLUMN_ASN, row->source ? row->source->asn : 0);
	if (row->has_coverage) {
		table_set_real(t, COLUMN_COVERAGE, row->coverage.share);
		table_set_real(t, COLUMN_LOW, row->coverage.low);
		table_set_real(t, COLUMN_HIGH, row->coverage.high);
	}
}

/* A silence in the largest unit that divides it well: "7d", "11h", "9min". */
static void put_span(struct buf *b, int64_t us, bool ja)
{
	int64_t minutes = us / CIVIL_US_PER_MINUTE;

	if (minutes >= 2 * 24 * 60)
		buf_printf(b, ja ? "%lld日" : "%lld days", (long long)(minutes / (24 * 60)));
	else if (minutes >= 2 * 60)
		buf_printf(b, ja ? "%lld時間" : "%lld hours", (long long)(minutes / 60));
	else
		buf_printf(b, ja ? "%lld分" : "%lld minutes", (long long)minutes);
}

static void print_notes(const struct scan_list *list, const struct window *w, size_t shown,
    const struct publish_style *style, struct buf *b)
{
	bool ja = style->language == PUBLISH_JA;

	if (shown < list->count) {
		buf_puts(b, ja ? "ほか" : "and ");
		publish_number(b, (double)(list->count - shown), 0);
		buf_puts(b, ja ? "件(--all で全て)\n" : " more (--all)\n");
	}
	window_describe(w, style, b);
	buf_printf(b, ja ? "※ 探索とみなす条件: %llu件以上かつ%u以上のアドレス、"
	                   "または%u種類を超えるポート。途切れとみなす間隔: "
	                 : "A scan: %llu packets or more to %u addresses or more, or to more than %u "
	                   "ports; ended by a silence of ",
	    (unsigned long long)list->rule.packets, list->rule.destinations, list->rule.ports);
	put_span(b, list->rule.gap_us, ja);
	buf_puts(b, ja ? "\n" : ".\n");
	if (list->left_out_sources)
		buf_printf(b, ja ? "※ %llu件未満の送信元%llu個(計%llu件)は対象外としました"
		                   "(--port、--source、短い期間で絞り込めます)\n"
		                 : "Sources with fewer than %llu packets were left out (%llu of them, "
		                   "%llu packets); --port, --source or a shorter period has them.\n",
		    (unsigned long long)list->least, (unsigned long long)list->left_out_sources,
		    (unsigned long long)list->left_out_packets);
	if (scans_unlisted(list->scans) || scans_untracked(list->scans))
		buf_printf(b, ja ? "※ 探索%llu件と%llu件のパケットは容量を超えたため含まれません\n"
		                 : "%llu scans and %llu packets found no room.\n",
		    (unsigned long long)scans_unlisted(list->scans),
		    (unsigned long long)scans_untracked(list->scans));
}

static void print_table(const struct command_common *common, const struct window *w,
    const struct scan_list *list, size_t count)
{
	struct publish_style style = command_style(common);
	struct table *table = table_new(columns, COLUMN_COUNT);
	struct buf b = {0};

	for (size_t i = 0; i < count; i++) {
		struct row row;

		fill_row(list, &list->list[i], &row);
		add_table_row(table, &row, list, style.language == PUBLISH_JA);
	}
	table_print(table, common, &b);
	if (common->format == COMMAND_HUMAN && !common->quiet)
		print_notes(list, w, count, &style, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(table);
}

/* ---- the subcommand ------------------------------------------------------------------------- */

struct arguments {
	struct window_options window;
	struct scan_list_options list;
	size_t n; /* 0: not given */
	bool distributed;
};

/* False after saying what is wrong. */
static bool take_option(struct arguments *a, int option, const char *value)
{
	const struct command *self = &command_scans;
	char *end;
	unsigned long n;

	if (option < WINDOW_OPTION_COUNT)
		return window_option(self, &a->window, option, value);
	switch (option) {
	case OPTION_SOURCE:
		if (ip_parse(value, strlen(value), &a->list.source)) {
			command_error(self, "--source %s: an address such as 203.0.113.9", value);
			return false;
		}
		a->list.has_source = true;
		return true;
	case OPTION_PORT:
		if (!window_port_parse(value, &a->list.port)) {
			command_error(self, "--port %s: write 23/tcp, 53/udp or 8/icmp", value);
			return false;
		}
		a->list.has_port = true;
		return true;
	case OPTION_ALL:
		a->n = SIZE_MAX;
		return true;
	case OPTION_DISTRIBUTED:
		a->distributed = true;
		return true;
	default:
		n = strtoul(value, &end, 10);
		if (value[0] < '0' || value[0] > '9' || *end || n == 0) {
			command_error(self, "-n %s: a number from 1 on", value);
			return false;
		}
		a->n = n;
		return true;
	}
}

static int list_scans(const struct command_common *common, const struct arguments *a)
{
	struct window w = {0};
	struct scan_list list = {0};
	struct err err = {0};
	size_t n = a->n;
	int r = window_open(&command_scans, &a->window, &w);

	if (r == COMMAND_OK && a->distributed) {
		r = scans_shared(&command_scans, common, &w);
		window_close(&w);
		return r;
	}
	if (r == COMMAND_OK)
		r = scan_list_load(&command_scans, &w, &a->list, &list);
	if (r == COMMAND_OK) {
		if (n == 0)
			n = common->format == COMMAND_HUMAN ? SHOWN : SIZE_MAX;
		if (n > list.count)
			n = list.count;
		if (scan_list_tools(&list, &w, n, &err) || scan_list_ports(&list, &w, n, &err)) {
			command_error(&command_scans, "%s", err.text);
			r = COMMAND_FAILED;
		} else if (common->format == COMMAND_JSON) {
			print_json(&list, n);
		} else {
			print_table(common, &w, &list, n);
		}
	}
	scan_list_fini(&list);
	window_close(&w);
	return r;
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {WINDOW_OPTIONS, "--source=", "--port=", "-n=", "--all",
	    "--distributed", NULL};
	const struct command *self = &command_scans;
	struct command_common common = {0};
	struct arguments arguments = {0};
	const char *value;
	int index = 0;
	int option;

	while ((option = command_option(self, &common, argc, argv, &index, names, &value)) >= 0)
		if (!take_option(&arguments, option, value))
			return COMMAND_USAGE;
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (index < argc) {
		command_error(self, "'%s': --source or --port names what is looked for "
		    "(teiten scans -h)", argv[index]);
		return COMMAND_USAGE;
	}
	if (arguments.distributed && (arguments.list.has_source || arguments.list.has_port)) {
		command_error(self, "--distributed looks at all sources and ports");
		return COMMAND_USAGE;
	}
	return list_scans(&common, &arguments);
}
