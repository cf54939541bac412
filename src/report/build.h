/*
 * Short ways to say things in a document: values, sentences, paragraphs, tables, facts of a
 * measure.  Private to report/.
 *
 * Message ids are written MSG("…") or CHANGE_MESSAGES("…") and nowhere else, so that a test can
 * compare them with data/messages.
 */
#pragma once

#include "report/document.h"
#include "report/gather.h"
#include "report/rate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG(id) id

/* One message for each state of a change. */
#define CHANGE_MESSAGES(id) \
	{ id ".no-data", id ".new", id ".none", id ".up", id ".down", id ".same" }

#define BUILD_LINES_MAX 48
#define BUILD_COLUMNS_MAX 12

/* What all sections share. */
struct build {
	struct report_document *doc;
	struct gather *g;
	const struct report_options *options;
	unsigned top_n;
	bool analysis;
	bool compare;              /* a previous period was asked for */
	enum report_unit rate_unit; /* of the basis */
	const char *word_now;      /* message: 今期, 今週 … */
	const char *word_before;
	struct report_value subject;  /* {subject}: 令和8年10月期(今期) */
	struct report_value compared; /* {compared}: 令和8年9月期(前期) */
};

/* ---- values ---------------------------------------------------------------------------------- */

struct report_value value_none(void);
struct report_value value_text(const char *name, const char *text);
struct report_value value_integer(const char *name, int64_t integer);
struct report_value value_fact(const char *name, const struct report_fact *fact);
struct report_value value_abs(const char *name, const struct report_fact *fact);
struct report_value value_signed(const char *name, const struct report_fact *fact);
struct report_value value_port(const char *name, uint32_t key);
struct report_value value_service(const char *name, uint32_t key);
struct report_value value_country(struct build *b, const char *name, const char code[2]);
struct report_value value_sensor(struct build *b, const char *name, const char *text);
struct report_value value_protocol(struct build *b, const char *name, const char *protocol);
struct report_value value_event(struct build *b, const char *name, const char *event);
struct report_value value_class(struct build *b, const char *name,
    const struct classmap_class *class);
struct report_value value_day(const char *name, int32_t day);
struct report_value value_day_short(const char *name, int32_t day);
struct report_value value_period(const char *name, const struct report_period *period);
struct report_value value_range(const char *name, const struct report_period *period);
struct report_value value_message(struct build *b, const char *name, const char *message,
    const struct report_value *values, size_t count);

/* A message without places. */
struct report_value value_word(const char *name, const char *message);

/* ---- sentences ------------------------------------------------------------------------------- */

struct report_sentence sentence(struct build *b, const char *message,
    const struct report_value *values, size_t count);

#define VALUES(...) \
	(const struct report_value[]){__VA_ARGS__}, \
	    sizeof((const struct report_value[]){__VA_ARGS__}) / sizeof(struct report_value)

/* Sentences being collected; more than BUILD_LINES_MAX are dropped (a bug, seen in tests). */
struct lines {
	struct report_sentence items[BUILD_LINES_MAX];
	size_t count;
};

void lines_say(struct build *b, struct lines *lines, const char *message,
    const struct report_value *values, size_t count);

/* A note below a table that explains one of its columns, by its CSV name. */
void lines_note(struct build *b, struct lines *lines, const char *column, const char *message,
    const struct report_value *values, size_t count);

/* Ends a paragraph, list … of these lines; nothing when there are none.  Empties them. */
void lines_end(struct build *b, struct lines *lines, enum report_block_kind kind);

void build_heading(struct build *b, int level, const char *anchor, const char *message);

/* ---- facts ----------------------------------------------------------------------------------- */

const struct report_fact *fact_add(struct build *b, const char *id, double value,
    enum report_unit unit, int decimals, const char *question, const char *inputs);

/* How many decimals say something: 1, below ten 2 (0.03 victims a day are not 0.0). */
int build_decimals(const struct report_measure *measure);

/* The facts of one measure: ID, ID.before, ID.difference, ID.percent. */
struct measure_facts {
	const struct report_fact *now;
	const struct report_fact *before;
	const struct report_fact *difference;
	const struct report_fact *percent;
	enum report_change_state state;
};

struct measure_facts measure_facts_add(struct build *b, const char *id,
    const struct report_measure *measure, enum report_unit unit, int decimals,
    const char *question);

/* The cell 前期比(増減), with the reason where there is no percentage. */
struct report_value value_change(const struct measure_facts *facts);

/* ID.share: a part of a whole in percent, NULL when the whole is 0. */
const struct report_fact *share_add(struct build *b, const char *id, double part, double whole,
    const char *inputs);

/* Says messages[state] with {value}, {difference}, {percent} and the extra values. */
void lines_change(struct build *b, struct lines *lines, const char *const *messages,
    const struct measure_facts *facts, const struct report_value *extra, size_t extra_count);

/* ---- tables ---------------------------------------------------------------------------------- */

struct grid {
	struct report_column columns[BUILD_COLUMNS_MAX];
	size_t column_count;
	struct report_value *cells;
	size_t cell_count;
	size_t cell_cap;
};

void grid_column(struct grid *grid, const char *message, const char *csv,
    enum report_align align, bool text_edition);
void grid_cell(struct build *b, struct grid *grid, struct report_value value);

/* Adds the table with its notes (which are emptied) and forgets the grid; nothing without rows. */
void grid_end(struct build *b, struct grid *grid, const char *id, struct report_sentence caption,
    struct lines *notes);

/* ---- sections -------------------------------------------------------------------------------- */

const char *build_rate_heading(const struct build *b);
const char *build_basis_word(const struct build *b);
/* The same for what is no packet: sessions, logins, events. */
const char *build_times_heading(const struct build *b);
const char *build_times_word(const struct build *b);
enum report_unit build_times_unit(const struct build *b);
/* The same of backscatter, which is counted in total. */
const char *build_dos_heading(const struct build *b);
const char *build_dos_word(const struct build *b);
enum report_unit build_dos_unit(const struct build *b);
struct report_value build_reference(struct build *b); /* {reference}: (参考値) or nothing */
struct measure_facts build_access_facts(struct build *b);
struct measure_facts build_sources_facts(struct build *b);
/*
 * What is computed on the sensors that matched with rules is compared on those alone: between the
 * two calls the build says so (has_before, panel).
 */
struct build_saved {
	bool has_before;
	bool panel_differs;
	size_t sensors_now;
	size_t sensors_before;
	size_t panel_count;
};
struct build_saved build_alerts_enter(struct build *b);
void build_alerts_leave(struct build *b, const struct build_saved *saved);
struct measure_facts build_alerts_facts(struct build *b);
struct measure_facts build_alert_sources_facts(struct build *b);
/* Rules were used in the period. */
bool build_has_rules(const struct build *b);
void build_say_alerts(struct build *b, struct lines *lines);
struct measure_facts build_dos_facts(struct build *b);
struct measure_facts build_victims_facts(struct build *b);
const char *build_port_id(struct build *b, uint32_t key); /* port.23/tcp */
struct measure_facts build_port_facts(struct build *b, const struct gather_item *item);
struct measure_facts build_country_facts(struct build *b, const struct gather_item *item);
bool build_has_countries(const struct build *b);
/* A ranking of countries of a section other than that of access. */
struct build_countries {
	const struct gather_list *list;
	size_t rows;
	const char *id; /* of the table */
	struct report_sentence caption;
	const char *note;
	const char *heading; /* of the countries */
	const char *rate_heading;
	const char *rate_csv;
	bool share_in_text;
	const char *facts;   /* FACTS.CN.MEASURE */
	const char *measure;
	enum report_unit unit;
	int decimals;
	const char *question;
	double whole;        /* that shares are of */
	const char *inputs;
};
void build_country_table(struct build *b, const struct build_countries *c);
struct report_value build_dos_packets(struct build *b); /* {packets}, a plain count */
void build_list_message(struct build *b, const char *name, const struct report_value *items,
    size_t count, struct report_value *ret_value);
/* 前期順位 with its arrow. */
struct report_value build_rank_before(struct build *b, const struct gather_item *item);
/* 順位, with † where one sensor moves it by two or more; and what to say below the table. */
struct report_value build_rank_now(struct build *b, const struct gather_item *item);
void build_robust_note(struct build *b, const struct gather_list *list, bool ports,
    struct lines *notes);
/* The same from numbers; is_new: nothing of it was seen before. */
struct report_value build_rank_cell(struct build *b, unsigned rank, unsigned rank_before,
    bool is_new);
void build_panel_note(struct build *b, struct lines *notes);

/* Figures that notes are drawn in. */
enum build_figure {
	BUILD_FIGURE_ACCESS,
	BUILD_FIGURE_PORTS,
	BUILD_FIGURE_ALERTS,
	BUILD_FIGURE_DOS,
};

#define BUILD_FIGURE_PORTS_MAX 6

/* Puts the notes that belong there into a figure; returns how many had no room. */
size_t build_marks(struct build *b, enum build_figure which, struct report_figure *figure);
/* The ports of the figure of ports; 0 where it is not drawn. */
size_t build_figure_ports(const struct build *b, uint32_t ret_keys[BUILD_FIGURE_PORTS_MAX]);
bool build_has_alerts_figure(const struct build *b);
/* Whether enough days of the period were observed to draw these. */
bool build_figure_days(const struct build *b, const double *days);
/* One sentence for each note on that series. */
void build_say_notes(struct build *b, struct lines *lines, enum note_kind kind, const char *key);
const char *build_tool_name(struct build *b, const char *tool); /* mirai → Mirai */

/* Daily lines of the period with the previous one muted; nothing below three observed days. */
void build_daily_figure(struct build *b, enum build_figure which, const double *days,
    enum report_unit unit, const char *caption, const char *alt);
void build_ports_figure(struct build *b);
void build_port_windows(struct build *b);

void section_three_lines(struct build *b);
void section_summary(struct build *b);
void section_trend(struct build *b);
void section_ports(struct build *b);
void section_moves(struct build *b);
void section_countries(struct build *b);
void section_home(struct build *b);
void section_mirai(struct build *b);
void section_visits(struct build *b);
void section_logins(struct build *b);
void section_alerts(struct build *b);
void section_dos(struct build *b);
void section_attacks(struct build *b); /* within it */
void section_rises(struct build *b);
void section_notes(struct build *b);
void section_environment(struct build *b);
void section_definitions(struct build *b);
