/*
 * teiten port: the card of one port.
 *
 * Rate, rank and change against the period before, the daily course, the pair with and without
 * the Mirai mark, the other marks and the countries it came from.  The rank comes from the whole
 * ranking, so it is the one `teiten top ports` prints.
 */
#include "cmd/days.h"
#include "cmd/notes.h"
#include "cmd/rank.h"
#include "cmd/table.h"

#include "base/civil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PORT_COUNTRIES 5
#define PORT_SPARKLINE_COLUMNS 62
#define PORT_HEADING_COLUMNS_JA 24
#define PORT_HEADING_COLUMNS_EN 16

struct port_card {
	const struct command *self;
	struct command_common common;
	struct publish_style style;
	struct window_options options;
	struct window w;
	struct days days;
	uint32_t key;
	struct rank_list ports;
	struct rank_list countries;
	struct rank_item item;       /* of this port */
	struct report_measure mirai; /* with the mark, and without */
	struct report_measure plain;
	struct report_measure marks[RECORD_MARK_COUNT];
	struct note_list notes; /* first those on this port */
	size_t note_count;
	double *rates;  /* of the days */
	double sources; /* mean of daily distinct; NAN unknown */
};

static int run(int argc, char **argv);

const struct command command_port = {
    .name = "port",
    .summary = "The card of one port",
    .usage =
        "usage: teiten port PORT [-s STORE] [OPTION…]\n"
        "\n"
        "Prints the card of one port (23/tcp, 53/udp, 8/icmp): rate and rank beside the period\n"
        "before, daily course, sources, with and without the Mirai mark, main countries, notes\n"
        "(teiten note).\n"
        "\n" WINDOW_HELP
        "  --basis B       address (default), sensor-mean or total: what rates divide by\n"
        "\n"
        "Exit status: 4 when nothing came to the port in either period.\n"
        "\n"
        "Examples:\n"
        "  teiten port 23/tcp --last 4w\n"
        "  teiten port 8728/tcp --period 2026-10 --lang ja\n"
        "  teiten port 53/udp --json | jq '.[0].countries'\n",
    .run = run,
};

/* ---- asking --------------------------------------------------------------------------------- */

static int load_rank(struct port_card *p, struct err *err)
{
	static const struct store_param params[] = {
	    {.name = "target"},
	    {.name = "from"},
	    {.name = "now"},
	    {.name = "to"},
	};
	const struct rank_item *item;
	struct store_result *result;
	int r = window_ask(&p->w, "cmd_top_ports", params, 4, &result, err);

	if (r < 0)
		return r;
	rank_load(&p->w, result, RANK_KEY_PORT, &p->ports);
	store_result_free(result);
	item = rank_find(&p->ports, p->key);
	if (!item)
		return ST_NOT_FOUND;
	p->item = *item;
	return ST_OK;
}

static int load_marks(struct port_card *p, const struct store_param *port, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "target"},
	    {.name = "from"},
	    {.name = "now"},
	    {.name = "to"},
	    *port,
	};
	struct store_result *result;
	int r = window_ask(&p->w, "cmd_port_marks", params, 5, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = window_sensor_find(&p->w, (uint16_t)store_result_int(result, i, 0));
		unsigned marks = (unsigned)store_result_int(result, i, 1);
		double now = store_result_real(result, i, 2);
		double before = store_result_real(result, i, 3);

		if (sensor == SIZE_MAX)
			continue;
		report_measure_add(marks & RECORD_MARK_MIRAI ? &p->mirai : &p->plain,
		    &p->w.weights[sensor], now, before);
		for (unsigned bit = 0; bit < RECORD_MARK_COUNT; bit++)
			if (marks >> bit & 1)
				report_measure_add(
				    &p->marks[bit], &p->w.weights[sensor], now, before);
	}
	store_result_free(result);
	return ST_OK;
}

static int load_countries(struct port_card *p, const struct store_param *port, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "target"},
	    {.name = "from_day"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    *port,
	};
	struct store_result *result;
	int r = window_ask(&p->w, "cmd_port_countries", params, 5, &result, err);

	if (r < 0)
		return r;
	rank_load(&p->w, result, RANK_KEY_CODE, &p->countries);
	store_result_free(result);
	return ST_OK;
}

static int load_days(struct port_card *p, const char *day, struct err *err)
{
	struct buf chosen = {0};
	struct store_result *result;
	int r;

	buf_printf(&chosen, "%s = %u", buf_text(&p->w.target), p->key);
	const struct store_param params[] = {
	    {.name = "day", .kind = STORE_PARAM_SQL, .text = day},
	    {.name = "split", .kind = STORE_PARAM_SQL, .text = "0"},
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "chosen", .kind = STORE_PARAM_SQL, .text = buf_text(&chosen)},
	};
	r = window_ask(&p->w, "cmd_series", params, 5, &result, err);
	buf_fini(&chosen);
	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		int64_t at = store_result_int(result, i, 0) - p->days.first;
		size_t sensor = window_sensor_find(&p->w, (uint16_t)store_result_int(result, i, 1));

		if (sensor != SIZE_MAX && at >= 0 && at < (int64_t)p->days.count)
			p->rates[at] += store_result_real(result, i, 3) *
			                p->days.weights[(size_t)at * p->days.sensor_count + sensor];
	}
	store_result_free(result);
	days_mask(&p->days, 0, p->rates);
	return ST_OK;
}

static int load_sources(struct port_card *p, const char *day, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "day", .kind = STORE_PARAM_SQL, .text = day},
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "proto", .kind = STORE_PARAM_INT, .int_value = p->key >> 16},
	    {.name = "port", .kind = STORE_PARAM_INT, .int_value = p->key & 0xffff},
	};
	struct store_result *result;
	size_t observed = 0;
	double sum = 0;
	int r = window_ask(&p->w, "cmd_port_sources", params, 5, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++)
		sum += store_result_real(result, i, 1);
	for (size_t d = 0; d < p->days.count; d++)
		observed += p->days.observed[d];
	p->sources = observed ? sum / (double)observed : NAN;
	store_result_free(result);
	return ST_OK;
}

static int load(struct port_card *p)
{
	const struct store_param port = {
	    .name = "port", .kind = STORE_PARAM_INT, .int_value = p->key};
	struct buf day = {0};
	struct err err = {0};
	int r;

	days_load(&p->w, NULL, 0, &p->days);
	p->rates = command_need(calloc(p->days.count + 1, sizeof(*p->rates)));
	days_sql(&p->w, &day);
	r = load_rank(p, &err);
	if (r == ST_NOT_FOUND) {
		char text[24];

		window_port_text(p->key, text);
		command_error(p->self,
		    "nothing came to %s, neither in this period nor in the one "
		    "before",
		    text);
		buf_fini(&day);
		return COMMAND_NOT_FOUND;
	}
	if (r == ST_OK)
		r = load_marks(p, &port, &err);
	if (r == ST_OK)
		r = load_countries(p, &port, &err);
	if (r == ST_OK)
		r = load_days(p, buf_text(&day), &err);
	if (r == ST_OK)
		r = load_sources(p, buf_text(&day), &err);
	buf_fini(&day);
	if (r < 0) {
		command_error(p->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	return COMMAND_OK;
}

static void load_notes(struct port_card *p)
{
	char key[24];

	window_port_text(p->key, key);
	notes_load(&p->w, &p->notes);
	p->note_count = notes_keep(&p->notes, NOTE_PORT, key);
}

/* ---- programs ------------------------------------------------------------------------------- */

static void put_json_real(struct buf *b, const char *name, double value)
{
	buf_printf(b, ", \"%s\": ", name);
	table_json_real(b, value);
}

static void put_json_rank(struct buf *b, const char *name, unsigned rank)
{
	if (rank)
		buf_printf(b, ", \"%s\": %u", name, rank);
	else
		buf_printf(b, ", \"%s\": null", name);
}

static void put_json_measure(
    const struct port_card *p, struct buf *b, const char *name, const struct report_measure *m)
{
	buf_printf(b, ",\n   \"%s\": {\"rate\": ", name);
	table_json_real(b, m->now);
	put_json_real(b, "previous_rate", p->w.panel_count ? m->before : NAN);
	put_json_real(b, "percent", p->item.rate.now > 0 ? 100 * m->now / p->item.rate.now : NAN);
	buf_putc(b, '}');
}

static void print_json(const struct port_card *p, struct buf *b)
{
	struct report_change change = rank_change(&p->w, &p->item.rate);
	bool known = change.state != REPORT_CHANGE_NO_DATA;
	char text[24];
	char date[CIVIL_DATE_TEXT_MAX];
	const char *service = publish_service((uint8_t)(p->key >> 16), (uint16_t)p->key);

	window_port_text(p->key, text);
	buf_printf(b, "[\n  {\"port\": \"%s\", \"service\": ", text);
	table_json_string(b, service, strlen(service));
	put_json_rank(b, "rank", p->item.rank);
	put_json_rank(b, "previous_rank", p->item.rank_before);
	put_json_real(b, "rate", p->item.rate.now);
	put_json_real(b, "previous_rate", known ? p->item.rate.before : NAN);
	put_json_real(b, "change", known ? change.difference : NAN);
	put_json_real(
	    b, "change_percent", known && change.state != REPORT_CHANGE_NEW ? change.percent : NAN);
	buf_printf(b, ",\n   \"basis\": \"%s\", \"packets\": %.0f", window_basis_name(p->w.basis),
	    p->item.packets);
	put_json_real(b, "sources_per_day", p->sources);
	buf_printf(
	    b, ", \"sensors\": %u, \"sensors_total\": %zu", p->item.sensors, p->w.sensors_now);
	put_json_real(b, "top_sensor_share", rank_top_share(&p->item));
	buf_printf(b, ", \"locality\": \"%s\"", rank_locality_name(rank_locality(&p->w, &p->item)));
	put_json_measure(p, b, "without_mirai", &p->plain);
	for (unsigned bit = 0; bit < RECORD_MARK_COUNT; bit++)
		put_json_measure(p, b, record_mark_name(bit), &p->marks[bit]);
	buf_puts(b, ",\n   \"countries\": [");
	for (size_t i = 0; i < p->countries.count && p->countries.items[i].rank; i++) {
		const struct rank_item *c = &p->countries.items[i];

		buf_printf(b, "%s{\"country\": \"%c%c\", \"packets\": %.0f", i ? ", " : "",
		    (char)(c->key >> 8), (char)c->key, c->packets);
		put_json_real(b, "rate", c->rate.now);
		buf_putc(b, '}');
	}
	buf_puts(b, "],\n   \"days\": [");
	for (size_t d = 0; d < p->days.count; d++) {
		buf_printf(b, "%s{\"date\": \"%s\"", d ? ", " : "",
		    civil_format_date(p->days.first + (int32_t)d, date));
		put_json_real(b, "rate", p->rates[d]);
		buf_putc(b, '}');
	}
	buf_puts(b, "],\n   \"notes\": [");
	for (size_t i = 0; i < p->note_count; i++) {
		buf_puts(b, i ? ", " : "");
		notes_json(&p->notes.items[i], b);
	}
	buf_puts(b, "]}\n]\n");
}

/* One row with the headline numbers, for spreadsheets. */
static void print_row(const struct port_card *p, struct buf *b)
{
	static const struct table_column columns[] = {
	    {.name = "port"},
	    {.name = "rank"},
	    {.name = "previous_rank"},
	    {.name = "rate"},
	    {.name = "previous_rate"},
	    {.name = "sources_per_day"},
	    {.name = "sensors"},
	    {.name = "locality"},
	};
	struct table *t = table_new(columns, 8);
	char text[24];

	window_port_text(p->key, text);
	table_row(t);
	table_set_text(t, 0, text);
	if (p->item.rank)
		table_set_int(t, 1, p->item.rank);
	if (p->item.rank_before)
		table_set_int(t, 2, p->item.rank_before);
	table_set_real(t, 3, p->item.rate.now);
	if (p->w.panel_count)
		table_set_real(t, 4, p->item.rate.before);
	table_set_real(t, 5, p->sources);
	table_set_int(t, 6, p->item.sensors);
	table_set_text(t, 7, rank_locality_name(rank_locality(&p->w, &p->item)));
	table_print(t, &p->common, b);
	table_free(t);
}

/* ---- people --------------------------------------------------------------------------------- */

static void put_heading(const struct port_card *p, const char *ja, const char *en, struct buf *b)
{
	bool japanese = p->style.language == PUBLISH_JA;
	size_t columns = japanese ? PORT_HEADING_COLUMNS_JA : PORT_HEADING_COLUMNS_EN;
	const char *text = japanese ? ja : en;
	size_t width = publish_width(&p->style, text, strlen(text));

	buf_puts(b, text);
	for (size_t i = width; i < columns; i++)
		buf_putc(b, ' ');
}

static void put_measure(
    const struct port_card *p, const char *name, const struct report_measure *m, struct buf *b)
{
	put_heading(p, name, name, b);
	publish_number(b, m->now, 2);
	buf_puts(b, "  ");
	publish_number(b, p->item.rate.now > 0 ? 100 * m->now / p->item.rate.now : 0, 1);
	buf_puts(b, "%  ");
	rank_change_text(&p->w, m, p->style.language, b);
	buf_putc(b, '\n');
}

static void print_marks(const struct port_card *p, struct buf *b)
{
	bool ja = p->style.language == PUBLISH_JA;

	if (p->mirai.now > 0 || p->mirai.before > 0) {
		put_measure(p, ja ? "Miraiの特徴を有する" : "with Mirai mark", &p->mirai, b);
		put_measure(p, ja ? "Miraiの特徴を有しない" : "without it", &p->plain, b);
	}
	for (unsigned bit = 1; bit < RECORD_MARK_COUNT; bit++)
		if (p->marks[bit].now > 0)
			put_measure(p, record_mark_name(bit), &p->marks[bit], b);
}

static void print_countries(const struct port_card *p, struct buf *b)
{
	bool ja = p->style.language == PUBLISH_JA;

	put_heading(p, "主な国・地域", "main countries", b);
	for (size_t i = 0; i < p->countries.count && i < PORT_COUNTRIES; i++) {
		const struct rank_item *c = &p->countries.items[i];
		char code[3] = {(char)(c->key >> 8), (char)c->key, 0};

		if (!c->rank)
			break;
		buf_puts(b, i ? ja ? "、" : ", " : "");
		publish_country(b, &p->style, code);
		buf_putc(b, ' ');
		publish_number(b, 100 * c->rate.now / p->item.rate.now, 1);
		buf_putc(b, '%');
	}
	buf_putc(b, '\n');
}

static void print_people(const struct port_card *p, struct buf *b)
{
	bool ja = p->style.language == PUBLISH_JA;
	enum rank_locality locality = rank_locality(&p->w, &p->item);
	size_t step;

	publish_port(b, (uint8_t)(p->key >> 16), (uint16_t)p->key);
	buf_printf(b, " %s\n", publish_service((uint8_t)(p->key >> 16), (uint16_t)p->key));
	put_heading(p, "アクセス", "access", b);
	publish_number(b, p->item.rate.now, 2);
	buf_printf(b, " %s  ", window_rate_heading(p->w.basis, p->style.language));
	buf_puts(b, ja ? "前期比 " : "change ");
	rank_change_text(&p->w, &p->item.rate, p->style.language, b);
	buf_putc(b, '\n');
	put_heading(p, "順位", "rank", b);
	buf_printf(b, p->item.rank ? "%u" : "-", p->item.rank);
	if (p->item.rank_before)
		buf_printf(b, ja ? "(前期 %u)" : " (before %u)", p->item.rank_before);
	buf_putc(b, '\n');
	put_heading(p, p->style.source_hasshin ? "発信元" : "送信元", "sources", b);
	publish_number(b, p->sources, 1);
	buf_puts(b, ja ? " 個/日\n" : " per day\n");
	put_heading(p, "センサー", "sensors", b);
	buf_printf(b, "%u/%zu  %s", p->item.sensors, p->w.sensors_now,
	    rank_locality_text(locality, p->style.language));
	if (locality != RANK_LOCALITY_UNKNOWN) {
		buf_puts(b, ja ? "(自動判定)  受信数が最多のセンサーの割合 "
		               : " (automatic)  largest share of one sensor ");
		publish_number(b, 100 * rank_top_share(&p->item), 0);
		buf_putc(b, '%');
	}
	buf_putc(b, '\n');
	put_heading(p, "推移", "days", b);
	step = days_sparkline(p->rates, p->days.count, PORT_SPARKLINE_COLUMNS, b);
	if (step > 1)
		buf_printf(b, ja ? " (1目盛り%zu日)" : " (%zu days a mark)", step);
	buf_putc(b, '\n');
	if (p->note_count) {
		put_heading(p, "注記", "notes", b);
		notes_numbers(p->notes.items, p->note_count, p->days.first, step, b);
		buf_putc(b, '\n');
	}
	print_marks(p, b);
	if (p->item.rate.now > 0)
		print_countries(p, b);
	notes_list(p->notes.items, p->note_count, &p->style, b);
	if (!p->common.quiet)
		window_describe(&p->w, &p->style, b);
}

/* ---- the subcommand ------------------------------------------------------------------------- */

static int run_port(struct port_card *p)
{
	struct buf b = {0};
	int r = window_open(p->self, &p->options, &p->w);

	if (r != COMMAND_OK)
		return r;
	p->style = command_style(&p->common);
	r = load(p);
	if (r != COMMAND_OK)
		return r;
	load_notes(p);
	if (p->common.format == COMMAND_HUMAN)
		print_people(p, &b);
	else if (p->common.format == COMMAND_JSON)
		print_json(p, &b);
	else
		print_row(p, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	return COMMAND_OK;
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {WINDOW_OPTIONS, NULL};
	struct port_card p = {.self = &command_port, .sources = NAN};
	const char *value;
	int index = 0;
	int option;
	int r;

	while ((option = command_option(p.self, &p.common, argc, argv, &index, names, &value)) >= 0)
		if (!window_option(p.self, &p.options, option, value))
			return COMMAND_USAGE;
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (argc - index != 1) {
		command_error(p.self, "one port such as 23/tcp (teiten port -h)");
		return COMMAND_USAGE;
	}
	if (!window_port_parse(argv[index], &p.key)) {
		command_error(
		    p.self, "'%s' is no port; write 23/tcp, 53/udp or 8/icmp", argv[index]);
		return COMMAND_USAGE;
	}
	r = run_port(&p);
	rank_fini(&p.ports);
	rank_fini(&p.countries);
	days_fini(&p.days);
	free(p.rates);
	note_list_free(&p.notes);
	window_close(&p.w);
	return r;
}
