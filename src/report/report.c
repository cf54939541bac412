/*
 * The order of a report, and what its kind is called; the contract is in report.h.
 */
#include "report/report.h"

#include "base/civil.h"
#include "base/zone.h"
#include "report/build.h"

#include <string.h>

/* A day counts as complete when at most so much of its end is missing (a stream's last minute). */
#define DAY_END_SLACK_US (15 * CIVIL_US_PER_MINUTE)

int report_period_find(struct store *store, const char *text, enum report_period_kind kind,
    int week_start, struct report_period *ret_period, struct err *err)
{
	struct zone *zone = store_zone(store);
	struct store_result *result = NULL;
	struct store_param param = {.name = "from", .kind = STORE_PARAM_TIME};
	struct report_period period;
	int32_t first = 0;
	int32_t last = 0;
	int32_t incomplete;
	int r = store_days(store, &first, &last, err);

	if (r < 0)
		return r;
	param.int_value = zone_day_start(zone, last);
	r = store_ask(store, "report_newest", &param, 1, last, last + 1, &result, err);
	if (r < 0)
		return r;
	incomplete = last;
	if (store_result_rows(result) == 1 && !store_result_null(result, 0, 0)
	    && store_result_int(result, 0, 0) >= zone_day_start(zone, last + 1) - DAY_END_SLACK_US)
		incomplete = last + 1;
	store_result_free(result);
	r = report_period_parse(text ? text : "last", kind, week_start, incomplete, &period, err);
	if (r < 0)
		return r;
	/* Nothing complete yet: the period that has begun is better than one before all data. */
	if ((!text || strcmp(text, "last") == 0) && period.to <= first)
		period = report_period_containing(kind, last, week_start);
	*ret_period = period;
	return ST_OK;
}

struct kind_words {
	const char *name;
	const char *title;
	const char *now;
	const char *before;
	const char *subject;
	const char *compared;
};

static const struct kind_words *words_of(enum report_period_kind kind)
{
	static const struct kind_words days = {"period", MSG("title.period"),
		MSG("word.period"), MSG("word.period.before"), MSG("subject.period"),
		MSG("compared.period")};
	static const struct kind_words day = {"daily", MSG("title.day"), MSG("word.day"),
		MSG("word.day.before"), MSG("subject.day"), MSG("compared.day")};
	static const struct kind_words week = {"weekly", MSG("title.week"), MSG("word.week"),
		MSG("word.week.before"), MSG("subject.week"), MSG("compared.week")};
	static const struct kind_words month = {"monthly", MSG("title.month"), MSG("word.month"),
		MSG("word.month.before"), MSG("subject.month"), MSG("compared.month")};
	static const struct kind_words quarter = {"quarterly", MSG("title.quarter"),
		MSG("word.quarter"), MSG("word.quarter.before"), MSG("subject.quarter"),
		MSG("compared.quarter")};
	static const struct kind_words year = {"yearly", MSG("title.year"), MSG("word.year"),
		MSG("word.year.before"), MSG("subject.year"), MSG("compared.year")};

	switch (kind) {
	case REPORT_PERIOD_DAYS:
		return &days;
	case REPORT_PERIOD_DAY:
		return &day;
	case REPORT_PERIOD_WEEK:
		return &week;
	case REPORT_PERIOD_MONTH:
		return &month;
	case REPORT_PERIOD_QUARTER:
	case REPORT_PERIOD_QUARTER_FISCAL:
		return &quarter;
	case REPORT_PERIOD_YEAR:
	case REPORT_PERIOD_YEAR_FISCAL:
		break;
	}
	return &year;
}

static enum report_unit basis_unit(enum report_basis basis)
{
	switch (basis) {
	case REPORT_BASIS_SENSOR_MEAN:
		return REPORT_UNIT_SENSOR_MEAN;
	case REPORT_BASIS_TOTAL:
		return REPORT_UNIT_PER_DAY;
	case REPORT_BASIS_ADDRESS:
	case REPORT_BASIS_COUNT:
		break;
	}
	return REPORT_UNIT_RATE;
}

static const char *copy_text(struct report_document *doc, const char *text)
{
	return text && text[0] ? report_printf(doc, "%s", text) : NULL;
}

/* Title, words and the fields of the document itself. */
static void begin(struct build *b)
{
	const struct kind_words *words = words_of(b->g->now.kind);
	struct report_document *doc = b->doc;

	doc->name = b->analysis ? "analysis" : words->name;
	doc->period = b->g->now;
	doc->previous = b->compare ? b->g->before
	    : (struct report_period){b->g->now.kind, b->g->now.from, b->g->now.from};
	doc->site_ja = copy_text(doc, b->options->site_ja);
	doc->site_en = copy_text(doc, b->options->site_en);
	doc->timezone = copy_text(doc, zone_name(store_zone(b->g->store)));
	doc->made_us = b->options->made_us;
	b->rate_unit = b->g->counts ? REPORT_UNIT_PACKETS : basis_unit(b->options->basis);
	b->word_now = b->analysis ? MSG("word.analysis") : words->now;
	b->word_before = words->before;
	b->subject = value_message(b, "subject", words->subject, VALUES(
	    value_period("period", &doc->period), value_range("range", &doc->period)));
	b->compared = value_message(b, "compared", words->compared, VALUES(
	    value_period("previous", &doc->previous), value_range("range", &doc->previous)));
	doc->title = sentence(b, b->analysis ? MSG("title.analysis") : words->title, VALUES(
	    value_period("period", &doc->period), value_range("range", &doc->period)));
}

static void say_files(struct build *b)
{
	struct lines lines = {0};

	for (size_t i = 0; i < b->options->file_count && i < BUILD_LINES_MAX; i++)
		lines_say(b, &lines, MSG("analysis.file"), VALUES(value_text("name",
		    copy_text(b->doc, b->options->files[i]))));
	lines_end(b, &lines, REPORT_BLOCK_LIST);
}

static void build_all(struct build *b)
{
	begin(b);
	if (b->analysis)
		say_files(b);
	else if (b->g->now.kind == REPORT_PERIOD_WEEK)
		section_three_lines(b);
	section_summary(b);
	section_trend(b);
	section_ports(b);
	section_moves(b);
	section_countries(b);
	section_home(b);
	section_mirai(b);
	section_visits(b);
	section_alerts(b);
	section_dos(b);
	section_rises(b);
	section_notes(b);
	section_environment(b);
	section_definitions(b);
}

static int build_document(struct store *store, const struct report_options *options,
    bool analysis, struct report_period now, struct report_document **ret_document,
    struct err *err)
{
	struct gather g = {.store = store, .options = options, .now = now};
	struct build b = {.g = &g, .options = options, .analysis = analysis, .compare = !analysis};
	struct classmap *built_in = NULL;
	int r = ST_OK;

	g.before = analysis ? (struct report_period){now.kind, now.from, now.from}
	    : report_period_previous(&now);
	if (now.to <= now.from)
		return err_set(err, ST_USAGE, "the period has no days");
	b.top_n = options->top_n ? options->top_n : REPORT_TOP_DEFAULT;
	if (b.top_n > REPORT_TOP_MAX)
		b.top_n = REPORT_TOP_MAX;
	if (!options->classes)
		r = classmap_new(NULL, NULL, &built_in, err);
	g.classes = options->classes ? options->classes : built_in;
	if (r == ST_OK)
		r = gather_run(&g, err);
	if (r == ST_OK)
		r = report_document_new(&b.doc);
	if (r == ST_OK && g.counts) { /* the first captures of a store: nothing to compare with */
		b.analysis = true;
		b.compare = false;
	}
	if (r == ST_OK) {
		build_all(&b);
		*ret_document = b.doc;
	}
	gather_fini(&g);
	classmap_free(built_in);
	return r;
}

int report_build(struct store *store, const struct report_options *options,
    struct report_document **ret_document, struct err *err)
{
	return build_document(store, options, false, options->period, ret_document, err);
}

int report_analysis(struct store *store, const struct report_options *options,
    struct report_document **ret_document, struct err *err)
{
	struct report_period now = {.kind = REPORT_PERIOD_DAYS};
	int r = store_days(store, &now.from, &now.to, err);

	if (r < 0)
		return r;
	now.to++;
	return build_document(store, options, true, now, ret_document, err);
}
