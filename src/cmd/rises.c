/*
 * teiten rises: which ports, countries, tools, signatures and logins rose or fell in a period, and
 * whether at one sensor or everywhere.
 *
 * Judged anew from the store each time (report/rises.h); nothing is kept.
 */
#include "cmd/contributions.h"
#include "cmd/notes.h"
#include "cmd/rises_rule.h"
#include "cmd/table.h"
#include "cmd/window.h"

#include "base/civil.h"
#include "base/zone.h"
#include "report/rises.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_KIND = WINDOW_OPTION_COUNT,
	OPTION_ALL,
	OPTION_EXPLAIN,
	OPTION_CONTRIBUTIONS,
};

#define SHORT_DAYS 7 /* to compare with: fewer are worth a word */

static int run(int argc, char **argv);

const struct command command_rises = {
    .name = "rises",
    .summary = "Unusual rises and falls, and whether one sensor saw them or everyone",
    .usage =
        "usage: teiten rises [-s STORE] [--explain KEY | --contributions] [OPTION…]\n"
        "\n"
        "Lists what rose or fell in a period against the four weeks before it: ports,\n"
        "countries, tools, signatures, logins.  A rise is one of packets and of sources, so a\n"
        "single busy scanner is none; victims of DoS attacks are left out; a day that was\n"
        "hardly observed is no evidence.  Each says whether it is global, of some sensors or\n"
        "of a single one: what one sensor alone received is no trend of the Internet.\n"
        "\n" WINDOW_HELP
        "  --kind K        only port, country, tool, signature or login\n"
        "  --explain KEY   tell all about one: 8728/tcp, JP, mirai, 1:2017918, telnet\n"
        "  --all           also countries and tools that rose only because a port did\n"
        "  --contributions  which port, country and sensor the change of all access from the\n"
        "                  period before is made of: the largest parts, the rest, the whole\n"
        "                  (--json: part (cell, rest, total), port, country, sensor,\n"
        "                  previous_rate, rate, change, share_percent)\n"
        "  --basis B       of --contributions: address (default), sensor-mean or total\n"
        "\n"
        "--json: kind, key, port (null unless kind is port), direction (up, down), start,\n"
        "end (so far, while it goes on), state (open, continuing, ended, recurred), sensors\n"
        "(that changed), sensors_observed, observed, expected (packets per day per address),\n"
        "ratio (null where nothing was expected), sources, sources_expected (per day),\n"
        "locality (global, partial, single-sensor, unknown), top_sensor, top_share, effective\n"
        "(number of sensors), reason, what is known of its sources, and note: what\n"
        "`teiten note` attached to it or to everything in the period.\n"
        "\n"
        "Examples:\n"
        "  teiten rises -s /var/lib/teiten --last 7d\n"
        "  teiten rises --period 2026-10 --lang ja --explain 8728/tcp\n"
        "  teiten rises --contributions --last 7d\n"
        "  teiten rises --json | jq -r '.[] | select(.locality == \"global\") | .key'\n",
    .run = run,
};

enum {
	COLUMN_KIND,
	COLUMN_KEY,
	COLUMN_PORT,
	COLUMN_DIRECTION,
	COLUMN_START,
	COLUMN_END,
	COLUMN_STATE,
	COLUMN_SENSORS,
	COLUMN_SENSORS_OBSERVED,
	COLUMN_OBSERVED,
	COLUMN_EXPECTED,
	COLUMN_RATIO,
	COLUMN_SOURCES,
	COLUMN_SOURCES_EXPECTED,
	COLUMN_LOCALITY,
	COLUMN_TOP_SENSOR,
	COLUMN_TOP_SHARE,
	COLUMN_EFFECTIVE,
	COLUMN_WITHOUT,
	COLUMN_REASON,
	COLUMN_SLOW,
	COLUMN_NOVEL,
	COLUMN_BASELINE,
	COLUMN_SOURCE_COUNT,
	COLUMN_MIRAI,
	COLUMN_ASNS,
	COLUMN_EARLIER_START,
	COLUMN_EARLIER_END,
	COLUMN_EXPLAINED,
	COLUMN_LOG10_P,
	COLUMN_NOTE,
	COLUMN_COUNT,
};

static const struct table_column columns[COLUMN_COUNT] = {
    [COLUMN_KIND] = {"kind", "種別", "kind", TABLE_TEXT, TABLE_ALL},
    [COLUMN_KEY] = {"key", "対象", "key", TABLE_TEXT, TABLE_ALL},
    [COLUMN_PORT] = {"port", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_DIRECTION] = {"direction", "増減", "", TABLE_TEXT, TABLE_ALL},
    [COLUMN_START] = {"start", "開始", "start", TABLE_TEXT, TABLE_ALL},
    [COLUMN_END] = {"end", "終了", "end", TABLE_TEXT, TABLE_ALL},
    [COLUMN_STATE] = {"state", "状態", "state", TABLE_TEXT, TABLE_ALL},
    [COLUMN_SENSORS] = {"sensors", "センサー", "sensors", TABLE_INT, TABLE_ALL},
    [COLUMN_SENSORS_OBSERVED] = {"sensors_observed", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_OBSERVED] = {"observed", "観測(件/日・IP)", "observed/day/address", TABLE_REAL,
        TABLE_ALL},
    [COLUMN_EXPECTED] = {"expected", "予測", "expected", TABLE_REAL, TABLE_ALL},
    [COLUMN_RATIO] = {"ratio", "倍率", "ratio", TABLE_REAL, TABLE_ALL},
    [COLUMN_SOURCES] = {"sources", "送信元/日", "sources/day", TABLE_REAL, TABLE_ALL},
    [COLUMN_SOURCES_EXPECTED] = {"sources_expected", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_LOCALITY] = {"locality", "広がり", "locality", TABLE_TEXT, TABLE_ALL},
    [COLUMN_TOP_SENSOR] = {"top_sensor", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_TOP_SHARE] = {"top_share", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_EFFECTIVE] = {"effective", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_WITHOUT] = {"without_top", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_REASON] = {"reason", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_SLOW] = {"slow", NULL, NULL, TABLE_BOOL, TABLE_PROGRAMS},
    [COLUMN_NOVEL] = {"novel", NULL, NULL, TABLE_BOOL, TABLE_PROGRAMS},
    [COLUMN_BASELINE] = {"baseline_days", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_SOURCE_COUNT] = {"source_count", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_MIRAI] = {"mirai_share", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_ASNS] = {"top_asn_share", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_EARLIER_START] = {"earlier_start", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_EARLIER_END] = {"earlier_end", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_EXPLAINED] = {"explained_by", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_LOG10_P] = {"log10_p", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
    [COLUMN_NOTE] = {"note", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
};

struct request {
	struct command_common common;
	struct window_options options;
	struct publish_style style;
	unsigned kinds;
	bool all;
	bool contributions;
	const char *explain;
	struct window w;
	struct rises rises;
	struct note_list notes;
};

static const char *word(const struct request *r, const char *ja, const char *en)
{
	return r->style.language == PUBLISH_JA ? ja : en;
}

static const char *kind_word(const struct request *r, enum rises_kind kind)
{
	static const char *const ja[RISES_KIND_COUNT] = {
	    "ポート", "国・地域", "ツール", "シグネチャ", "ログイン"};

	return word(r, ja[kind], rises_kind_name(kind));
}

static const char *state_word(const struct request *r, enum rise_state state)
{
	static const char *const ja[RISE_STATE_COUNT] = {"新規・継続中", "継続中", "収束", "再発"};

	return word(r, ja[state], rise_state_name(state));
}

static const char *locality_word(const struct request *r, enum rise_locality locality)
{
	static const char *const ja[RISE_LOCALITY_COUNT] = {
	    "広域", "一部のセンサー", "特定のセンサー", "判定不可(センサー1台)"};

	return word(r, ja[locality], rise_locality_name(locality));
}

/* The sentences, run on. */
static void tell(const struct request *r, const struct rise *rise, const char *between,
    struct buf *b)
{
	struct report_sentence sentences[RISES_SENTENCES];
	struct report_document *document = NULL;
	size_t count;

	if (report_document_new(&document))
		return;
	count = rises_sentences(rise, document, sentences);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_puts(b, between);
		publish_sentence(b, &r->style, &sentences[i]);
	}
	report_document_free(document);
}

/* Programs get UTC, people the site's time. */
static void set_time(const struct request *r, struct table *t, size_t column, int64_t time_us)
{
	char text[CIVIL_TIME_TEXT_MAX];
	int64_t shift = zone_offset(store_zone(r->w.store), time_us) * CIVIL_US_PER_SECOND;

	if (time_us == 0)
		return;
	table_set_text(t, column, civil_format_time(time_us, text));
	(void)civil_format_time(time_us + shift, text);
	table_show(t, column, "%.10s %.5s", text, text + 11);
}

static void show_number(struct table *t, size_t column, double value)
{
	struct buf b = {0};

	publish_number(&b, value, 1);
	table_show(t, column, "%s", buf_text(&b));
	buf_fini(&b);
}

static void set_sources(struct table *t, const struct rise *rise)
{
	table_set_real(t, COLUMN_SOURCES, rise->sources);
	if (!isnan(rise->sources))
		show_number(t, COLUMN_SOURCES, rise->sources);
	table_set_real(t, COLUMN_SOURCES_EXPECTED, rise->sources_expected);
	if (rise->source_count > 0)
		table_set_uint(t, COLUMN_SOURCE_COUNT, rise->source_count);
	table_set_real(t, COLUMN_MIRAI, rise->mirai_share);
	table_set_real(t, COLUMN_ASNS, rise->asn_share);
}

static void set_locality(const struct request *r, struct table *t, const struct rise *rise)
{
	table_set_int(t, COLUMN_SENSORS, rise->risen);
	table_show(t, COLUMN_SENSORS, "%u/%u", rise->risen, rise->sensors);
	table_set_int(t, COLUMN_SENSORS_OBSERVED, rise->sensors);
	table_set_text(t, COLUMN_LOCALITY, rise_locality_name(rise->locality));
	table_show(t, COLUMN_LOCALITY, "%s", locality_word(r, rise->locality));
	table_set_text(t, COLUMN_TOP_SENSOR, rise->top_sensor);
	table_set_real(t, COLUMN_TOP_SHARE, rise->top_share);
	table_set_real(t, COLUMN_EFFECTIVE, rise->effective);
	table_set_real(t, COLUMN_WITHOUT, rise->without_top);
}

static const enum note_kind note_kinds[RISES_KIND_COUNT] = {
    [RISES_PORT] = NOTE_PORT,
    [RISES_COUNTRY] = NOTE_COUNTRY,
    [RISES_TOOL] = NOTE_TOOL,
    [RISES_SIGNATURE] = NOTE_SIGNATURE,
    [RISES_LOGIN] = NOTE_LOGIN,
};

static bool is_noted(const struct note *note, const struct rise *rise)
{
	return note_is_on(note, note_kinds[rise->kind], rise->key);
}

static void set_note(const struct request *r, struct table *t, const struct rise *rise)
{
	struct buf text = {0};

	for (size_t i = 0; i < r->notes.count; i++) {
		const struct note *note = &r->notes.items[i];
		char date[CIVIL_DATE_TEXT_MAX];

		if (is_noted(note, rise))
			buf_printf(&text, "%s%s %s", text.len ? "; " : "",
			    civil_format_date(note->day, date),
			    note_text(note, r->style.language == PUBLISH_JA));
	}
	if (text.len)
		table_set_text(t, COLUMN_NOTE, buf_text(&text));
	buf_fini(&text);
}

/* For people, below the list: notes on what rose or fell, each once. */
static void print_notes(const struct request *r, struct buf *b)
{
	for (size_t i = 0; i < r->notes.count; i++) {
		bool noted = false;

		for (size_t j = 0; j < r->rises.count; j++)
			noted |= is_noted(&r->notes.items[i], &r->rises.items[j]);
		if (noted)
			notes_line(&r->notes.items[i], &r->style, word(r, "注記 ", "Note "), b);
	}
}

static void add_row(const struct request *r, struct table *t, const struct rise *rise)
{
	struct buf reason = {0};

	table_row(t);
	table_set_text(t, COLUMN_KIND, rises_kind_name(rise->kind));
	table_show(t, COLUMN_KIND, "%s", kind_word(r, rise->kind));
	table_set_text(t, COLUMN_KEY, rise->key);
	if (rise->kind == RISES_PORT)
		table_set_text(t, COLUMN_PORT, rise->key);
	table_set_text(t, COLUMN_DIRECTION, rise_direction_name(rise->direction));
	table_show(t, COLUMN_DIRECTION, "%s", rise->direction == RISE_UP ? word(r, "増加", "up")
	    : word(r, "減少", "down"));
	set_time(r, t, COLUMN_START, rise->start_us);
	set_time(r, t, COLUMN_END, rise->end_us);
	table_set_text(t, COLUMN_STATE, rise_state_name(rise->state));
	table_show(t, COLUMN_STATE, "%s", state_word(r, rise->state));
	table_set_real(t, COLUMN_OBSERVED, rise->observed);
	table_show(t, COLUMN_OBSERVED, "%.2f", rise->observed);
	table_set_real(t, COLUMN_EXPECTED, rise->expected);
	table_show(t, COLUMN_EXPECTED, "%.2f", rise->expected);
	table_set_real(t, COLUMN_RATIO, isfinite(rise->ratio) ? rise->ratio : NAN);
	if (rise->novel)
		table_show(t, COLUMN_RATIO, "%s", word(r, "新", "new"));
	else if (isfinite(rise->ratio))
		table_show(t, COLUMN_RATIO, rise->ratio < 10 ? "%.2f" : "%.0f", rise->ratio);
	set_locality(r, t, rise);
	set_sources(t, rise);
	tell(r, rise, word(r, "", " "), &reason);
	table_set_text(t, COLUMN_REASON, buf_text(&reason));
	buf_fini(&reason);
	table_set_bool(t, COLUMN_SLOW, rise->slow);
	table_set_bool(t, COLUMN_NOVEL, rise->novel);
	table_set_int(t, COLUMN_BASELINE, rise->baseline_days);
	set_time(r, t, COLUMN_EARLIER_START, rise->earlier_start_us);
	set_time(r, t, COLUMN_EARLIER_END, rise->earlier_end_us);
	if (rise->explained_by[0])
		table_set_text(t, COLUMN_EXPLAINED, rise->explained_by);
	table_set_real(t, COLUMN_LOG10_P, rise->log10_p);
	set_note(r, t, rise);
}

static int explain(const struct request *r)
{
	struct buf b = {0};
	bool found = false;

	for (size_t i = 0; i < r->rises.count; i++) {
		const struct rise *rise = &r->rises.items[i];

		if (strcasecmp(rise->key, r->explain) != 0)
			continue;
		if (found)
			buf_putc(&b, '\n');
		found = true;
		buf_printf(&b, "%s  %s  %s\n  ", rise->key, locality_word(r, rise->locality),
		    state_word(r, rise->state));
		tell(r, rise, "\n  ", &b);
		buf_putc(&b, '\n');
		for (size_t n = 0; n < r->notes.count; n++)
			if (is_noted(&r->notes.items[n], rise))
				notes_line(&r->notes.items[n], &r->style, word(r, "  注記 ", "  Note "),
				    &b);
	}
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	if (found)
		return COMMAND_OK;
	command_error(&command_rises, "%s did not rise or fall in the period", r->explain);
	return COMMAND_NOT_FOUND;
}

static void print(struct request *r)
{
	struct table *table = table_new(columns, COLUMN_COUNT);
	struct buf b = {0};

	for (size_t i = 0; i < r->rises.count; i++)
		add_row(r, table, &r->rises.items[i]);
	if (r->common.format == COMMAND_HUMAN)
		window_describe(&r->w, &r->style, &b);
	table_print(table, &r->common, &b);
	if (r->common.format == COMMAND_HUMAN)
		print_notes(r, &b);
	if (r->common.format == COMMAND_HUMAN && r->rises.history_days == 0)
		buf_printf(&b, word(r, "期間の前の観測はありません。期間の初めの%d日間は比較できる日が足りません。\n",
		    "No day before the period was observed: its first %d days have too little to be\n"
		    "compared with.\n"), SHORT_DAYS);
	else if (r->common.format == COMMAND_HUMAN && r->rises.history_days < SHORT_DAYS)
		buf_printf(&b, word(r,
		    "期間の前の観測は%u日分のみです。期間の初めの%d日間は比較できる日が足りません。\n",
		    "Days observed before the period: %u. Its first %d days have too little to be\n"
		    "compared with.\n"),
		    r->rises.history_days, SHORT_DAYS - (int)r->rises.history_days);
	if (r->common.format == COMMAND_HUMAN && r->rises.explained > 0 && !r->all)
		buf_printf(&b, word(r, "ポートの増加で説明される%zu件を省きました(--all)。\n",
		    "%zu that a port's rise explains are left out (--all).\n"),
		    r->rises.explained);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(table);
}

static bool take(struct request *r, int option, const char *value)
{
	enum rises_kind kind;

	switch (option) {
	case OPTION_KIND:
		if (rises_kind_find(value, &kind)) {
			command_error(&command_rises,
			    "--kind %s: port, country, tool, signature or login", value);
			return false;
		}
		r->kinds |= 1u << kind;
		return true;
	case OPTION_ALL:
		r->all = true;
		return true;
	case OPTION_CONTRIBUTIONS:
		r->contributions = true;
		return true;
	case OPTION_EXPLAIN:
		r->explain = value;
		return true;
	default:
		return window_option(&command_rises, &r->options, option, value);
	}
}

static int find(struct request *r)
{
	struct rise_rule rule = rises_rule();
	const struct rises_options options = {
		.period = r->w.now,
		.kinds = r->kinds,
		.all = r->all || r->explain,
		.evidence = true,
		.evidence_all = true,
		.rule = &rule,
	};
	struct err err = {0};
	int rc = rises_find(r->w.store, &options, &r->rises, &err);

	if (!rc)
		return COMMAND_OK;
	command_error(&command_rises, "%s", err.text);
	return rc == ST_NOT_FOUND ? COMMAND_NOT_FOUND : COMMAND_FAILED;
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {
	    WINDOW_OPTIONS, "--kind=", "--all", "--explain=", "--contributions", NULL};
	struct request r = {0};
	const char *value;
	int index = 0;
	int option;
	int status;

	while ((option = command_option(&command_rises, &r.common, argc, argv, &index, names,
	            &value)) >= 0)
		if (!take(&r, option, value))
			return COMMAND_USAGE;
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (index < argc) {
		command_error(&command_rises, "'%s': did you mean --explain %s? (teiten rises -h)",
		    argv[index], argv[index]);
		return COMMAND_USAGE;
	}
	r.style = command_style(&r.common);
	status = window_open(&command_rises, &r.options, &r.w);
	if (status == COMMAND_OK && r.contributions) {
		status = contributions_print(&command_rises, &r.common, &r.style, &r.w);
		window_close(&r.w);
		return status;
	}
	if (status == COMMAND_OK)
		status = find(&r);
	if (status == COMMAND_OK)
		notes_load(&r.w, &r.notes);
	if (status == COMMAND_OK && r.explain && r.common.format == COMMAND_HUMAN)
		status = explain(&r);
	else if (status == COMMAND_OK)
		print(&r);
	rises_fini(&r.rises);
	note_list_free(&r.notes);
	window_close(&r.w);
	return status;
}
