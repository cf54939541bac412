/*
 * 不正侵入の検知: matches of signatures by attack method and country, and the new ones.
 *
 * Without rules the section is one line: no match and nobody looking are not the same.
 */
#include "report/build.h"

#define METHODS_SAID 3
#define MESSAGE_SHOWN_MAX 90

struct build_saved build_alerts_enter(struct build *b)
{
	struct gather *g = b->g;
	struct build_saved saved = {g->has_before, g->panel_differs, g->sensors_now,
	    g->sensors_before, g->panel_count};

	g->sensors_now = g->alerts.sensors_now;
	g->sensors_before = g->alerts.sensors_before;
	g->panel_count = g->alerts.panel_count;
	g->has_before = g->panel_count > 0;
	g->panel_differs = g->has_before && (g->panel_count != g->sensors_now
	    || g->panel_count != g->sensors_before);
	return saved;
}

void build_alerts_leave(struct build *b, const struct build_saved *saved)
{
	b->g->has_before = saved->has_before;
	b->g->panel_differs = saved->panel_differs;
	b->g->sensors_now = saved->sensors_now;
	b->g->sensors_before = saved->sensors_before;
	b->g->panel_count = saved->panel_count;
}

bool build_has_rules(const struct build *b)
{
	return b->g->alerts.sensors_now > 0;
}

struct measure_facts build_alerts_facts(struct build *b)
{
	struct build_saved saved = build_alerts_enter(b);
	struct measure_facts facts = measure_facts_add(b, "alerts.rate", &b->g->alerts.rate,
	    build_times_unit(b), build_decimals(&b->g->alerts.rate), "report_alerts");

	build_alerts_leave(b, &saved);
	return facts;
}

struct measure_facts build_alert_sources_facts(struct build *b)
{
	struct build_saved saved = build_alerts_enter(b);
	struct measure_facts facts = measure_facts_add(b, "alerts.sources", &b->g->alerts.sources,
	    REPORT_UNIT_ADDRESSES_DAY, build_decimals(&b->g->alerts.sources),
	    "report_alert_sources");

	build_alerts_leave(b, &saved);
	return facts;
}

void build_say_alerts(struct build *b, struct lines *lines)
{
	static const char *const rates[] = CHANGE_MESSAGES("alerts.rate");
	static const char *const sources[] = CHANGE_MESSAGES("alerts.sources");
	struct measure_facts rate = build_alerts_facts(b);
	struct measure_facts source = build_alert_sources_facts(b);

	if (b->g->alerts.rate.now <= 0 && b->g->alerts.rate.before <= 0) {
		lines_say(b, lines, MSG("alerts.zero"), NULL, 0);
		return;
	}
	if (b->analysis) {
		lines_say(b, lines, b->g->counts ? MSG("alerts.count") : MSG("alerts.analysis"),
		    VALUES(
		    value_fact("count", fact_add(b, "alerts.count", b->g->alerts.count,
		        REPORT_UNIT_NONE, 0, "report_alerts", NULL)),
		    value_fact("value", rate.now), value_word("basis", build_times_word(b)),
		    value_fact("sources", source.now)));
		return;
	}
	lines_change(b, lines, rates, &rate, VALUES(value_word("basis", build_times_word(b)),
	    build_reference(b)));
	lines_change(b, lines, sources, &source, NULL, 0);
}

/* ---- methods --------------------------------------------------------------------------------- */

static struct measure_facts method_facts(struct build *b, const struct gather_method *m)
{
	return measure_facts_add(b, report_printf(b->doc, "alerts.class.%s.rate",
	    classmap_at(b->g->classes, m->class)->id), &m->rate, build_times_unit(b), 2,
	    "report_alerts");
}

static const struct report_fact *method_share(struct build *b, const struct gather_method *m)
{
	return share_add(b, report_printf(b->doc, "alerts.class.%s",
	    classmap_at(b->g->classes, m->class)->id), m->rate.now, b->g->alerts.rate.now,
	    "of alerts.rate");
}

/* A rule's message is somebody's text: as long as a line of it at most. */
static struct report_value message_value(struct build *b, const char *text)
{
	size_t len = 0;

	while (text[len] && len < MESSAGE_SHOWN_MAX)
		len++;
	while (text[len] && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return value_text(NULL, report_printf(b->doc, "%.*s%s", (int)len, text,
	    text[len] ? "…" : ""));
}

static void method_row(struct build *b, struct grid *grid, const struct gather_method *m)
{
	struct measure_facts facts = method_facts(b, m);

	grid_cell(b, grid, value_integer(NULL, m->rank));
	if (b->g->has_before)
		grid_cell(b, grid, build_rank_cell(b, m->rank, m->rank_before,
		    m->rate.before <= 0));
	grid_cell(b, grid, value_class(b, NULL, classmap_at(b->g->classes, m->class)));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&facts));
	grid_cell(b, grid, value_fact(NULL, method_share(b, m)));
	grid_cell(b, grid, m->main ? message_value(b, m->main) : value_none());
}

/* その他: what the map does not name, and the methods below the table. */
static void rest_row(struct build *b, struct grid *grid)
{
	const struct gather_alerts *a = &b->g->alerts;
	struct gather_method rest = {.class = classmap_rest(b->g->classes)};
	struct measure_facts facts;

	for (size_t i = 0; i < a->method_count; i++) {
		const struct gather_method *m = &a->methods[i];

		if (m->rank && m->rank <= b->top_n)
			continue;
		rest.rate.now += m->rate.now;
		rest.rate.before += m->rate.before;
		rest.rate.panel_now += m->rate.panel_now;
		rest.rate.panel_before += m->rate.panel_before;
	}
	if (rest.rate.now <= 0)
		return;
	facts = measure_facts_add(b, "alerts.rest.rate", &rest.rate, build_times_unit(b), 2,
	    "report_alerts");
	grid_cell(b, grid, value_none());
	if (b->g->has_before)
		grid_cell(b, grid, value_none());
	grid_cell(b, grid, value_word(NULL, MSG("alerts.rest")));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&facts));
	grid_cell(b, grid, value_fact(NULL, share_add(b, "alerts.rest", rest.rate.now,
	    a->rate.now, "of alerts.rate")));
	grid_cell(b, grid, value_none());
}

static void method_table(struct build *b)
{
	const struct gather_alerts *a = &b->g->alerts;
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.method"), "class", REPORT_LEFT, true);
	grid_column(&grid, build_times_heading(b), "rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.share"), "share", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.main-signature"), "main_signature", REPORT_LEFT, false);
	for (size_t i = 0; i < a->method_count && a->methods[i].rank
	    && a->methods[i].rank <= b->top_n; i++)
		method_row(b, &grid, &a->methods[i]);
	rest_row(b, &grid);
	lines_say(b, &notes, MSG("note.methods"), VALUES(value_text("version",
	    report_printf(b->doc, "%s", classmap_version(b->g->classes)))));
	build_panel_note(b, &notes);
	grid_end(b, &grid, "methods", sentence(b, MSG("caption.methods"), VALUES(
	    value_word("basis", build_times_word(b)))), &notes);
}

static void say_methods(struct build *b, struct lines *lines)
{
	static const char *const messages[] = {MSG("alerts.top.1"), MSG("alerts.top.2"),
	    MSG("alerts.top.3")};
	static const char *const names[] = {"class", "class2", "class3"};
	static const char *const rates[] = {"rate", "rate2", "rate3"};
	struct report_value values[2 * METHODS_SAID + 1];
	size_t count = 0;
	size_t said = 0;

	for (size_t i = 0; i < b->g->alerts.method_count && said < METHODS_SAID; i++) {
		const struct gather_method *m = &b->g->alerts.methods[i];

		if (!m->rank)
			break;
		values[count++] = value_class(b, names[said],
		    classmap_at(b->g->classes, m->class));
		values[count++] = value_fact(rates[said], method_facts(b, m).now);
		if (said++ == 0)
			values[count++] = value_fact("share", method_share(b, m));
	}
	if (said > 0)
		lines_say(b, lines, messages[said - 1], values, count);
}

/* ---- countries ------------------------------------------------------------------------------- */

static bool has_alert_countries(const struct build *b)
{
	for (size_t i = 0; i < b->g->alerts.countries.count; i++)
		if (b->g->alerts.countries.items[i].rank
		    && gather_country_key("ZZ") != b->g->alerts.countries.items[i].key)
			return true;
	return false;
}

static void country_table(struct build *b)
{
	if (!has_alert_countries(b))
		return;
	build_country_table(b, &(struct build_countries){
	    .list = &b->g->alerts.countries,
	    .rows = b->top_n,
	    .id = "alert-countries",
	    .caption = sentence(b, MSG("caption.alert-countries"), VALUES(value_word("basis",
	        build_times_word(b)))),
	    .note = MSG("note.countries"),
	    .heading = MSG("column.country"),
	    .rate_heading = build_times_heading(b),
	    .rate_csv = "rate",
	    .share_in_text = true,
	    .facts = "alerts.country",
	    .measure = "rate",
	    .unit = build_times_unit(b),
	    .decimals = 2,
	    .question = "report_alert_countries",
	    .whole = b->g->alerts.rate.now,
	    .inputs = "of alerts.rate",
	});
}

/* ---- new signatures -------------------------------------------------------------------------- */

static void fresh_table(struct build *b)
{
	const struct gather_alerts *a = &b->g->alerts;
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.signature"), "signature", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.message"), "message", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.method"), "class", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.matches"), "matches", REPORT_RIGHT, true);
	if (a->sensors_now > 1)
		grid_column(&grid, MSG("column.sensors"), "sensors_seen", REPORT_RIGHT, false);
	for (size_t i = 0; i < a->fresh_count && i < GATHER_FRESH_MAX; i++) {
		const struct gather_fresh *f = &a->fresh[i];

		grid_cell(b, &grid, value_text(NULL, report_printf(b->doc, "%u:%u", f->gid,
		    f->sid)));
		grid_cell(b, &grid, message_value(b, f->msg));
		grid_cell(b, &grid, value_class(b, NULL, classmap_at(b->g->classes, f->class)));
		grid_cell(b, &grid, value_integer(NULL, (int64_t)f->count));
		if (a->sensors_now > 1)
			grid_cell(b, &grid, value_message(b, NULL, MSG("cell.of"), VALUES(
			    value_integer("n", f->sensors),
			    value_integer("m", (int64_t)a->sensors_now))));
	}
	if (a->fresh_more)
		lines_say(b, &notes, MSG("note.fresh-more"),
		    VALUES(value_integer("n", (int64_t)a->fresh_more)));
	if (a->editions > 1)
		lines_say(b, &notes, MSG("note.fresh-rules"), NULL, 0);
	grid_end(b, &grid, "new-signatures", sentence(b, MSG("caption.fresh"), NULL, 0), &notes);
}

static void section_fresh(struct build *b)
{
	struct lines lines = {0};

	if (b->analysis || !b->g->alerts.has_history)
		return;
	build_heading(b, 2, "new-signatures", MSG("heading.fresh"));
	if (b->g->alerts.fresh_count == 0)
		lines_say(b, &lines, MSG("fresh.none"), NULL, 0);
	else
		lines_say(b, &lines, MSG("fresh.some"), VALUES(value_fact("n", fact_add(b,
		    "alerts.new", (double)b->g->alerts.fresh_count, REPORT_UNIT_NONE, 0,
		    "report_alert_first", "signatures that matched and never did before"))));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	if (b->g->alerts.fresh_count > 0)
		fresh_table(b);
}

/* ---- the section ----------------------------------------------------------------------------- */

static void say_rules(struct build *b, struct lines *lines)
{
	const struct gather_alerts *a = &b->g->alerts;
	const struct report_value values[] = {
		value_integer("rules", a->rules),
		value_day("day", a->rules_updated),
		value_text("digest", report_printf(b->doc, "%.8s", a->rules_digest)),
	};

	if (a->rules)
		lines_say(b, lines, a->rules_updated ? MSG("alerts.rules-dated")
		    : MSG("alerts.rules"), values, 3);
	if (a->editions > 1 && b->compare)
		lines_say(b, lines, MSG("alerts.rules-changed"), NULL, 0);
}

bool build_has_alerts_figure(const struct build *b)
{
	return build_has_rules(b) && b->g->alerts.matches_days
	    && build_figure_days(b, b->g->alerts.matches_days);
}

void section_alerts(struct build *b)
{
	struct lines lines = {0};
	struct build_saved saved;

	build_heading(b, 1, "alerts", MSG("heading.alerts"));
	if (!build_has_rules(b)) {
		lines_say(b, &lines, MSG("alerts.no-rules"), NULL, 0);
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
		return;
	}
	build_say_alerts(b, &lines);
	saved = build_alerts_enter(b);
	say_methods(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	if (b->g->alerts.matches_days)
		build_daily_figure(b, BUILD_FIGURE_ALERTS, b->g->alerts.matches_days,
		    build_times_unit(b), MSG("caption.alerts-daily"), MSG("alt.alerts-daily"));
	method_table(b);
	country_table(b);
	section_fresh(b);
	if (b->g->alerts.count > 0)
		lines_say(b, &lines, MSG("alerts.counting"), NULL, 0);
	say_rules(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	build_alerts_leave(b, &saved);
}
