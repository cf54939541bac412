/*
 * teiten series: daily rates of ports, or of all access, whole or split.
 *
 * Gap-filled: a day without packets is 0, a day nobody observed is null.  People get one line per
 * series with a sparkline, programs one row per day and series, --svg the report's figure.
 */
#include "cmd/days.h"
#include "cmd/notes.h"
#include "cmd/rank.h"
#include "cmd/table.h"

#include "base/civil.h"
#include "os/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_PORTS_MAX 32
#define SERIES_LINES_DEFAULT 6
#define SERIES_LINES_MAX 1000
#define SPARKLINE_COLUMNS 62

enum {
	OPTION_EXCLUDE = WINDOW_OPTION_COUNT,
	OPTION_SPLIT,
	OPTION_SVG,
	OPTION_N,
};

enum split {
	SPLIT_PORT, /* no split: a line for each port, or one for all access */
	SPLIT_MARK,
	SPLIT_SENSOR,
	SPLIT_COUNTRY,
	SPLIT_KIND,
};

static const char *const split_names[] = {"port", "mark", "sensor", "country", "kind", NULL};

struct line {
	uint64_t key;
	size_t group;
	double packets;
	double *rates; /* [days.count], NAN = not observed */
	double *counts;
	bool other; /* the rest, past the first lines */
};

struct series {
	const struct command *self;
	struct command_common common;
	struct publish_style style;
	struct window_options options;
	struct window w;
	struct days days;
	uint32_t ports[SERIES_PORTS_MAX];
	size_t port_count;
	uint32_t excluded[SERIES_PORTS_MAX];
	size_t excluded_count;
	enum split split;
	const char *svg;
	size_t limit;
	size_t *groups;
	size_t group_count;
	struct line *lines;
	size_t line_count;
	struct note_list notes; /* first those that belong to what is shown */
	size_t note_count;
};

static int run(int argc, char **argv);

const struct command command_series = {
    .name = "series",
    .summary = "Daily rates of ports, or of all access",
    .usage =
        "usage: teiten series [PORT…] [-s STORE] [OPTION…]\n"
        "\n"
        "Prints the rate of every site day: of each PORT (23/tcp, 53/udp, 8/icmp, 23 is tcp),\n"
        "or of all access when none is named.  A day nobody observed is null, not 0.\n"
        "\n" WINDOW_HELP
        "  --basis B       address (default), sensor-mean or total: what rates divide by\n"
        "  --exclude PORT  leave a port out of all access (may be repeated; the figure says so)\n"
        "  --split BY      one line per mark, sensor, country or kind of sensor\n"
        "  -n N            so many lines, the largest ones; the rest is added up (default 6)\n"
        "  --svg FILE      draw the figure into FILE as well\n"
        "\n"
        "Notes (teiten note) on what is shown stand below, and in the figure.\n"
        "--json: one row per day and series: date, series, rate, packets, note (of that day).\n"
        "\n"
        "Examples:\n"
        "  teiten series 23/tcp 22/tcp --last 4w\n"
        "  teiten series 23/tcp --split mark --period 2026-10 --svg mirai.svg\n"
        "  teiten series --exclude 7547/tcp --split country --csv > access.csv\n",
    .run = run,
};

/* ---- lines ---------------------------------------------------------------------------------- */

static struct line *line_get(struct series *s, uint64_t key, size_t group)
{
	struct line *line;

	for (size_t i = 0; i < s->line_count; i++)
		if (s->lines[i].key == key && s->lines[i].group == group)
			return &s->lines[i];
	s->lines = command_need(realloc(s->lines, (s->line_count + 1) * sizeof(*s->lines)));
	line = &s->lines[s->line_count++];
	*line = (struct line){.key = key, .group = group};
	line->rates = command_need(calloc(s->days.count + 1, sizeof(*line->rates)));
	line->counts = command_need(calloc(s->days.count + 1, sizeof(*line->counts)));
	return line;
}

static int compare_lines(const void *pa, const void *pb)
{
	const struct line *a = pa;
	const struct line *b = pb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

/* Groups of sensors for the splits whose lines have their own denominator. */
static void make_groups(struct series *s)
{
	const struct window *w = &s->w;

	if (s->split != SPLIT_SENSOR && s->split != SPLIT_KIND)
		return;
	s->groups = command_need(calloc(w->sensor_count + 1, sizeof(*s->groups)));
	for (size_t i = 0; i < w->sensor_count; i++) {
		size_t same = i;

		for (size_t j = 0; s->split == SPLIT_KIND && j < i; j++) {
			if (strcmp(w->sensors[j].kind, w->sensors[i].kind) == 0) {
				same = j;
				break;
			}
		}
		s->groups[i] = same == i ? s->group_count++ : s->groups[same];
	}
}

/* The first sensor of a group names it. */
static const struct window_sensor *group_sensor(const struct series *s, size_t group)
{
	for (size_t i = 0; i < s->w.sensor_count; i++)
		if (s->groups && s->groups[i] == group)
			return &s->w.sensors[i];
	return &s->w.sensors[0];
}

static void put_keys(
    struct buf *b, const struct buf *target, const char *in, const uint32_t *keys, size_t count)
{
	buf_printf(b, "%s %s (", buf_text(target), in);
	for (size_t i = 0; i < count; i++)
		buf_printf(b, "%s%u", i ? ", " : "", keys[i]);
	buf_putc(b, ')');
}

static const char *split_sql(const struct series *s)
{
	switch (s->split) {
	case SPLIT_PORT:
		return s->port_count ? buf_text(&s->w.target) : "0";
	case SPLIT_MARK:
		return "marks";
	case SPLIT_SENSOR:
	case SPLIT_KIND:
	case SPLIT_COUNTRY:
		break;
	}
	return "0";
}

static int ask(struct series *s, struct store_result **ret_result, struct err *err)
{
	struct buf day = {0};
	struct buf chosen = {0};
	int r;

	days_sql(&s->w, &day);
	if (s->port_count)
		put_keys(&chosen, &s->w.target, "IN", s->ports, s->port_count);
	if (s->excluded_count) {
		buf_puts(&chosen, chosen.len ? " AND " : "");
		put_keys(&chosen, &s->w.target, "NOT IN", s->excluded, s->excluded_count);
	}
	if (!chosen.len)
		buf_puts(&chosen, "1 = 1");
	const struct store_param by_quarter[] = {
	    {.name = "day", .kind = STORE_PARAM_SQL, .text = buf_text(&day)},
	    {.name = "split", .kind = STORE_PARAM_SQL, .text = split_sql(s)},
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "chosen", .kind = STORE_PARAM_SQL, .text = buf_text(&chosen)},
	};
	const struct store_param by_country[] = {
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "chosen", .kind = STORE_PARAM_SQL, .text = buf_text(&chosen)},
	};
	if (s->split == SPLIT_COUNTRY)
		r = window_ask(&s->w, "cmd_series_countries", by_country, 3, ret_result, err);
	else
		r = window_ask(&s->w, "cmd_series", by_quarter, 5, ret_result, err);
	buf_fini(&day);
	buf_fini(&chosen);
	return r;
}

static void take_rows(struct series *s, const struct store_result *result)
{
	for (size_t r = 0; r < store_result_rows(result); r++) {
		int64_t day = store_result_int(result, r, 0) - s->days.first;
		size_t sensor = window_sensor_find(&s->w, (uint16_t)store_result_int(result, r, 1));
		double packets = store_result_real(result, r, 3);
		struct line *line;
		uint64_t key;

		if (sensor == SIZE_MAX || day < 0 || day >= (int64_t)s->days.count)
			continue;
		key = s->split == SPLIT_COUNTRY ? rank_code_key(store_result_text(result, r, 2))
		                                : store_result_uint(result, r, 2);
		line = line_get(s, key, days_group(&s->days, sensor));
		line->packets += packets;
		line->counts[day] += packets;
		line->rates[day] +=
		    packets * s->days.weights[(size_t)day * s->days.sensor_count + sensor];
	}
}

/* Adds the lines past the limit up into one; ports a person named are never merged. */
static void merge_rest(struct series *s)
{
	struct line *rest;

	if (s->split == SPLIT_PORT || s->line_count <= s->limit)
		return;
	/* Groups have their own denominators: their rates cannot be added. */
	rest = &s->lines[s->limit];
	rest->other = true;
	for (size_t i = s->limit + 1; i < s->line_count; i++) {
		for (size_t d = 0; d < s->days.count && !s->groups; d++) {
			rest->rates[d] += s->lines[i].rates[d];
			rest->counts[d] += s->lines[i].counts[d];
		}
		free(s->lines[i].rates);
		free(s->lines[i].counts);
	}
	s->line_count = s->limit + 1;
	if (s->groups) {
		s->line_count--;
		free(rest->rates);
		free(rest->counts);
	}
}

static int load(struct series *s)
{
	struct store_result *result;
	struct err err = {0};

	make_groups(s);
	days_load(&s->w, s->groups, s->group_count, &s->days);
	if (ask(s, &result, &err) < 0) {
		command_error(s->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	/* Ports and sensors that received nothing have a line too: zeros are a result. */
	if (s->split == SPLIT_PORT && s->port_count == 0)
		(void)line_get(s, 0, 0);
	for (size_t i = 0; s->split == SPLIT_PORT && i < s->port_count; i++)
		(void)line_get(s, s->ports[i], 0);
	for (size_t g = 0; s->groups && g < s->group_count; g++)
		(void)line_get(s, 0, g);
	take_rows(s, result);
	store_result_free(result);
	if (s->split != SPLIT_PORT && s->line_count > 1)
		qsort(s->lines, s->line_count, sizeof(*s->lines), compare_lines);
	merge_rest(s);
	for (size_t i = 0; i < s->line_count; i++)
		days_mask(&s->days, s->lines[i].group, s->lines[i].rates);
	return COMMAND_OK;
}

/* ---- notes ---------------------------------------------------------------------------------- */

static const char *const tools_of_marks[] = {"mirai", "zmap", "masscan", NULL};

/* Whether a note says something of what is shown: its port, a country or a mark that has a line. */
static bool is_about(const struct series *s, const struct note_series *about)
{
	switch (about->kind) {
	case NOTE_ALL:
		return true;
	case NOTE_PORT:
		for (size_t i = 0; i < s->excluded_count; i++)
			if (s->excluded[i] == about->port)
				return false;
		for (size_t i = 0; i < s->port_count; i++)
			if (s->ports[i] == about->port)
				return true;
		return s->port_count == 0;
	case NOTE_COUNTRY:
		for (size_t i = 0; s->split == SPLIT_COUNTRY && i < s->line_count; i++)
			if (!s->lines[i].other && s->lines[i].key == rank_code_key(about->key))
				return true;
		break;
	case NOTE_TOOL:
		for (size_t i = 0; s->split == SPLIT_MARK && tools_of_marks[i]; i++)
			if (strcmp(tools_of_marks[i], about->key) == 0)
				return true;
		break;
	case NOTE_SIGNATURE:
	case NOTE_LOGIN:
	case NOTE_KIND_COUNT:
		break;
	}
	/* All access, whole: everything that happened may explain it. */
	return s->port_count == 0 && s->split == SPLIT_PORT;
}

static void load_notes(struct series *s)
{
	size_t kept = 0;

	notes_load(&s->w, &s->notes);
	for (size_t i = 0; i < s->notes.count; i++) {
		struct note note = s->notes.items[i];
		bool about = false;

		for (size_t j = 0; j < note.series_count; j++)
			about |= is_about(s, &note.series[j]);
		if (!about)
			continue;
		s->notes.items[i] = s->notes.items[kept];
		s->notes.items[kept++] = note;
	}
	s->note_count = kept;
}

/* The notes of a day, for programs. */
static void day_notes(const struct series *s, int32_t day, struct buf *b)
{
	buf_reset(b);
	for (size_t i = 0; i < s->note_count; i++)
		if (s->notes.items[i].day == day)
			buf_printf(b, "%s%s", b->len ? "; " : "", note_text(&s->notes.items[i],
			    s->style.language == PUBLISH_JA));
}

/* ---- names ---------------------------------------------------------------------------------- */

static void put_marks(uint64_t marks, struct buf *b)
{
	for (unsigned bit = 0; bit < RECORD_MARK_COUNT; bit++)
		if (marks >> bit & 1)
			buf_printf(b, "%s%s", b->len ? "+" : "", record_mark_name(bit));
}

/* For programs. */
static void line_name(const struct series *s, const struct line *line, struct buf *b)
{
	char port[24];

	if (line->other) {
		buf_puts(b, "other");
		return;
	}
	switch (s->split) {
	case SPLIT_PORT:
		window_port_text((uint32_t)line->key, port);
		buf_puts(b, s->port_count ? port : "all");
		return;
	case SPLIT_MARK:
		put_marks(line->key, b);
		if (!b->len)
			buf_puts(b, "none");
		return;
	case SPLIT_SENSOR:
		buf_puts(b, group_sensor(s, line->group)->name);
		return;
	case SPLIT_COUNTRY:
		buf_printf(b, "%c%c", (char)(line->key >> 8), (char)line->key);
		return;
	case SPLIT_KIND:
		buf_puts(b, group_sensor(s, line->group)->kind);
		return;
	}
}

/* For people. */
static void line_label(const struct series *s, const struct line *line, struct buf *b)
{
	bool ja = s->style.language == PUBLISH_JA;
	char code[2] = {(char)(line->key >> 8), (char)line->key};

	if (line->other)
		buf_puts(b, ja ? "その他" : "other");
	else if (s->split == SPLIT_PORT && s->port_count)
		publish_port(b, (uint8_t)(line->key >> 16), (uint16_t)line->key);
	else if (s->split == SPLIT_PORT)
		buf_puts(b, ja ? "全アクセス" : "all access");
	else if (s->split == SPLIT_COUNTRY)
		publish_country(b, &s->style, code);
	else if (s->split == SPLIT_MARK && line->key == 0)
		buf_puts(b, ja ? "特徴なし" : "no mark");
	else
		line_name(s, line, b);
}

/* ---- output --------------------------------------------------------------------------------- */

static void print_rows(const struct series *s, struct buf *b)
{
	static const struct table_column columns[] = {
	    {.name = "date"},
	    {.name = "series"},
	    {.name = "rate", .type = TABLE_REAL},
	    {.name = "packets", .type = TABLE_INT},
	    {.name = "note"},
	};
	struct table *t = table_new(columns, 5);
	struct buf name = {0};
	struct buf note = {0};
	char date[CIVIL_DATE_TEXT_MAX];

	for (size_t d = 0; d < s->days.count; d++) {
		day_notes(s, s->days.first + (int32_t)d, &note);
		for (size_t i = 0; i < s->line_count; i++) {
			const struct line *line = &s->lines[i];

			table_row(t);
			table_set_text(t, 0, civil_format_date(s->days.first + (int32_t)d, date));
			buf_reset(&name);
			line_name(s, line, &name);
			table_set_text(t, 1, buf_text(&name));
			table_set_real(t, 2, line->rates[d]);
			if (!isnan(line->rates[d]))
				table_set_int(t, 3, (int64_t)line->counts[d]);
			if (note.len)
				table_set_text(t, 4, buf_text(&note));
		}
	}
	table_print(t, &s->common, b);
	buf_fini(&name);
	buf_fini(&note);
	table_free(t);
}

static void show_number(struct table *t, size_t column, double value)
{
	struct buf text = {0};

	if (isnan(value))
		return;
	publish_number(&text, value, 2);
	table_show(t, column, "%s", buf_text(&text));
	buf_fini(&text);
}

static void print_people(const struct series *s, struct buf *b)
{
	static const struct table_column columns[] = {
	    {"series", "系列", "series", TABLE_TEXT, TABLE_ALL},
	    {"mean", "平均", "mean", TABLE_REAL, TABLE_ALL},
	    {"least", "最小", "least", TABLE_REAL, TABLE_ALL},
	    {"most", "最大", "most", TABLE_REAL, TABLE_ALL},
	    {"last", "最終日", "last day", TABLE_REAL, TABLE_ALL},
	    {"days", "推移", "days", TABLE_TEXT, TABLE_ALL},
	};
	bool ja = s->style.language == PUBLISH_JA;
	struct table *t = table_new(columns, 6);
	struct buf text = {0};
	size_t step = 1;

	buf_printf(b, "%s\n", window_rate_heading(s->w.basis, s->style.language));
	for (size_t i = 0; i < s->line_count; i++) {
		struct days_summary sum = days_summarise(s->lines[i].rates, s->days.count);

		table_row(t);
		buf_reset(&text);
		line_label(s, &s->lines[i], &text);
		table_show(t, 0, "%s", buf_text(&text));
		show_number(t, 1, sum.mean);
		show_number(t, 2, sum.least);
		show_number(t, 3, sum.most);
		show_number(t, 4, sum.last);
		buf_reset(&text);
		step = days_sparkline(s->lines[i].rates, s->days.count, SPARKLINE_COLUMNS, &text);
		table_show(t, 5, "%s", buf_text(&text));
	}
	if (s->note_count) {
		table_row(t);
		table_show(t, 0, "%s", ja ? "注記" : "notes");
		buf_reset(&text);
		notes_numbers(s->notes.items, s->note_count, s->days.first, step, &text);
		table_show(t, 5, "%s", buf_text(&text));
	}
	table_print(t, &s->common, b);
	table_free(t);
	notes_list(s->notes.items, s->note_count, &s->style, b);
	if (step > 1)
		buf_printf(b,
		    ja ? "1目盛りは%zu日間の平均\n" : "One mark is the mean of %zu days.\n", step);
	if (s->excluded_count) {
		buf_puts(b, ja ? "※ " : "Without ");
		for (size_t i = 0; i < s->excluded_count; i++) {
			buf_puts(b, i ? ", " : "");
			publish_port(b, (uint8_t)(s->excluded[i] >> 16), (uint16_t)s->excluded[i]);
		}
		buf_puts(b, ja ? "を除く\n" : "\n");
	}
	if (!s->common.quiet)
		window_describe(&s->w, &s->style, b);
	buf_fini(&text);
}

static struct report_value line_value(
    const struct series *s, const struct line *line, struct buf *text)
{
	if (line->other)
		return (struct report_value){
		    .kind = REPORT_VALUE_MESSAGE, .text = "command.series.other"};
	if (s->split == SPLIT_MARK && line->key == 0)
		return (struct report_value){
		    .kind = REPORT_VALUE_MESSAGE, .text = "command.mark.none"};
	line_label(s, line, text);
	return (struct report_value){.kind = REPORT_VALUE_TEXT, .text = buf_text(text)};
}

static enum report_unit basis_unit(enum report_basis basis)
{
	switch (basis) {
	case REPORT_BASIS_ADDRESS:
		return REPORT_UNIT_RATE;
	case REPORT_BASIS_SENSOR_MEAN:
		return REPORT_UNIT_SENSOR_MEAN;
	case REPORT_BASIS_TOTAL:
	case REPORT_BASIS_COUNT:
		break;
	}
	return REPORT_UNIT_PER_DAY;
}

static int draw(const struct series *s)
{
	struct report_series *series = command_need(calloc(s->line_count + 1, sizeof(*series)));
	struct buf *labels = command_need(calloc(s->line_count + 1, sizeof(*labels)));
	struct buf ports = {0};
	struct buf svg = {0};
	struct err err = {0};
	int r;

	for (size_t i = 0; i < s->line_count; i++) {
		series[i].label = line_value(s, &s->lines[i], &labels[i]);
		series[i].values = s->lines[i].rates;
		series[i].muted = s->lines[i].other;
	}
	for (size_t i = 0; i < s->excluded_count; i++) {
		buf_puts(&ports, i ? ", " : "");
		publish_port(&ports, (uint8_t)(s->excluded[i] >> 16), (uint16_t)s->excluded[i]);
	}
	const struct report_value values[] = {
	    {.name = "range", .kind = REPORT_VALUE_RANGE, .period = s->w.now},
	    {.name = "count", .kind = REPORT_VALUE_INTEGER, .integer = (int64_t)s->line_count},
	};
	const struct report_value excluded = {
	    .name = "ports", .kind = REPORT_VALUE_TEXT, .text = buf_text(&ports)};
	const struct report_sentence note = {"command.series.excluded", &excluded, 1};
	struct note_marks marks = {0};
	struct report_figure figure = {
	    .id = "series",
	    .kind = REPORT_FIGURE_LINES,
	    .caption = {"command.series.caption", values, 2},
	    .alt = {"command.series.alt", values, 2},
	    .unit = basis_unit(s->w.basis),
	    .decimals = 2,
	    .day_from = s->days.first,
	    .point_count = s->days.count,
	    .series = series,
	    .series_count = s->line_count,
	    .notes = &note,
	    .note_count = s->excluded_count ? 1 : 0,
	};
	notes_marks(s->notes.items, s->note_count, &s->style, &marks);
	figure.marks = marks.items;
	figure.mark_count = marks.count;
	r = publish_figure_svg(&svg, &s->style, &figure, &err);
	if (r == ST_OK)
		r = os_file_write(s->svg, buf_text(&svg), svg.len, &err);
	if (r < 0)
		command_error(s->self, "%s", err.text);
	notes_marks_free(&marks);
	for (size_t i = 0; i < s->line_count; i++)
		buf_fini(&labels[i]);
	free(labels);
	free(series);
	buf_fini(&ports);
	buf_fini(&svg);
	return r < 0 ? COMMAND_FAILED : COMMAND_OK;
}

/* ---- the subcommand ------------------------------------------------------------------------- */

static bool take_port(const struct series *s, const char *text, uint32_t *ports, size_t *count)
{
	if (*count == SERIES_PORTS_MAX) {
		command_error(s->self, "at most %d ports", SERIES_PORTS_MAX);
		return false;
	}
	if (window_port_parse(text, &ports[*count])) {
		(*count)++;
		return true;
	}
	command_error(s->self, "'%s' is no port; write 23/tcp, 53/udp or 8/icmp", text);
	return false;
}

static bool take_option(struct series *s, int option, const char *value)
{
	char *end;
	unsigned long n;

	if (option < WINDOW_OPTION_COUNT)
		return window_option(s->self, &s->options, option, value);
	switch (option) {
	case OPTION_EXCLUDE:
		return take_port(s, value, s->excluded, &s->excluded_count);
	case OPTION_SVG:
		s->svg = value;
		return true;
	case OPTION_N:
		n = strtoul(value, &end, 10);
		if (value[0] >= '0' && value[0] <= '9' && !*end && n > 0 && n <= SERIES_LINES_MAX) {
			s->limit = n;
			return true;
		}
		command_error(s->self, "-n %s: a number from 1 to %d", value, SERIES_LINES_MAX);
		return false;
	default:
		break;
	}
	for (int i = SPLIT_MARK; split_names[i]; i++) {
		if (strcmp(value, split_names[i]) == 0) {
			s->split = (enum split)i;
			return true;
		}
	}
	command_error(s->self, "--split %s: mark, sensor, country or kind%s", value,
	    command_suggestion(value, split_names + 1));
	return false;
}

static int run_series(struct series *s)
{
	char parent[OS_PATH_MAX];
	struct buf b = {0};
	int r;

	if (s->svg) {
		if (os_path_parent(s->svg, parent) < 0) {
			command_error(s->self, "--svg %s: the name is too long", s->svg);
			return COMMAND_USAGE;
		}
		s->options.write_path = parent;
	}
	r = window_open(s->self, &s->options, &s->w);
	if (r != COMMAND_OK)
		return r;
	s->style = command_style(&s->common);
	r = load(s);
	if (r != COMMAND_OK)
		return r;
	load_notes(s);
	if (s->common.format == COMMAND_HUMAN)
		print_people(s, &b);
	else
		print_rows(s, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	return s->svg ? draw(s) : COMMAND_OK;
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {
	    WINDOW_OPTIONS, "--exclude=", "--split=", "--svg=", "-n=", NULL};
	struct series s = {.self = &command_series, .limit = SERIES_LINES_DEFAULT};
	const char *value;
	int index = 0;
	int option;
	int r;

	while ((option = command_option(s.self, &s.common, argc, argv, &index, names, &value)) >= 0)
		if (!take_option(&s, option, value))
			return COMMAND_USAGE;
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	for (; index < argc; index++)
		if (!take_port(&s, argv[index], s.ports, &s.port_count))
			return COMMAND_USAGE;
	r = run_series(&s);
	for (size_t i = 0; i < s.line_count; i++) {
		free(s.lines[i].rates);
		free(s.lines[i].counts);
	}
	free(s.lines);
	free(s.groups);
	note_list_free(&s.notes);
	days_fini(&s.days);
	window_close(&s.w);
	return r;
}
