/*
 * よく使われたID・パスワード: what was tried often enough, by enough sources, to be published.
 *
 * What looks like a person's or an organisation's own (an address of mail, a telephone number, a
 * host's name) is printed as its shape only, however often it was tried.
 */
#include "report/build.h"

#include <ctype.h>
#include <string.h>

#define PHONE_DIGITS_MIN 9
#define HOST_LABELS_MIN 3

/* ---- shapes ---------------------------------------------------------------------------------- */

static bool is_mail(const char *text)
{
	const char *at = strchr(text, '@');

	return at && at > text && strchr(at + 1, '.');
}

static bool is_phone(const char *text)
{
	unsigned digits = 0;
	bool marked = text[0] == '+';

	for (const char *p = text; *p; p++) {
		if (isdigit((unsigned char)*p))
			digits++;
		else if (*p == '-' || *p == ' ' || *p == '(' || *p == ')')
			marked = true;
		else if (!(p == text && *p == '+'))
			return false;
	}
	/* Digits alone are a telephone number only with Japan's leading zero. */
	return digits >= PHONE_DIGITS_MIN && (marked || text[0] == '0');
}

/* a.b.c with letters in the last label, or a dotted address. */
static bool is_host(const char *text)
{
	unsigned labels = 1;
	bool digits = true;
	const char *last = text;

	for (const char *p = text; *p; p++) {
		if (*p == '.') {
			if (p == last)
				return false; /* an empty label */
			labels++;
			last = p + 1;
		} else if (!isalnum((unsigned char)*p) && *p != '-') {
			return false;
		} else {
			digits &= isdigit((unsigned char)*p) != 0;
		}
	}
	if (!*last || labels < HOST_LABELS_MIN)
		return false;
	return digits ? labels == 4 : isalpha((unsigned char)last[0]) != 0;
}

static struct report_value tried_value(struct build *b, const char *text)
{
	if (is_mail(text))
		return value_word(NULL, MSG("shape.mail"));
	if (is_phone(text))
		return value_word(NULL, MSG("shape.phone"));
	if (is_host(text))
		return value_word(NULL, MSG("shape.host"));
	return (struct report_value){.kind = REPORT_VALUE_TRIED,
	    .text = report_printf(b->doc, "%s", text)};
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void number_columns(struct build *b, struct grid *grid)
{
	grid_column(grid, MSG("column.tries"), "tries", REPORT_RIGHT, true);
	grid_column(grid, MSG("column.sources"), "sources", REPORT_RIGHT, true);
	if (b->g->sensors_now > 1)
		grid_column(grid, MSG("column.sensors"), "sensors_seen", REPORT_RIGHT, false);
	grid_column(grid, MSG("column.share"), "share", REPORT_RIGHT, false);
}

static void number_cells(struct build *b, struct grid *grid, const char *id, size_t row,
    const struct gather_tried_item *item)
{
	/* A fact's id does not say what was tried. */
	const char *name = report_printf(b->doc, "%s.%zu", id, row + 1);

	grid_cell(b, grid, value_integer(NULL, (int64_t)item->tries));
	grid_cell(b, grid, value_integer(NULL, (int64_t)item->sources));
	if (b->g->sensors_now > 1)
		grid_cell(b, grid, value_message(b, NULL, MSG("cell.of"), VALUES(
		    value_integer("n", item->sensors),
		    value_integer("m", (int64_t)b->g->sensors_now))));
	grid_cell(b, grid, value_fact(NULL, share_add(b, name, (double)item->tries,
	    (double)b->g->login_count, "tries of all tries")));
}

static void withheld_note(struct build *b, struct lines *notes, const struct gather_tried *tried)
{
	lines_say(b, notes, tried->withheld ? MSG("note.withheld") : MSG("note.none-withheld"),
	    VALUES(value_integer("n", (int64_t)tried->withheld),
	        value_integer("tries", (int64_t)tried->withheld_tries)));
}

/* A table of one column of text: users, or passwords. */
static void tried_table(struct build *b, enum gather_tried_kind kind, const char *id,
    const char *heading, const char *csv, const char *caption)
{
	const struct gather_tried *tried = &b->g->tried[kind];
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(&grid, heading, csv, REPORT_LEFT, true);
	number_columns(b, &grid);
	for (size_t i = 0; i < tried->count; i++) {
		grid_cell(b, &grid, value_integer(NULL, (int64_t)i + 1));
		if (b->g->has_before)
			grid_cell(b, &grid, build_rank_cell(b, (unsigned)i + 1,
			    tried->items[i].rank_before, false));
		grid_cell(b, &grid, tried_value(b, tried->items[i].texts[0]));
		number_cells(b, &grid, id, i, &tried->items[i]);
	}
	withheld_note(b, &notes, tried);
	grid_end(b, &grid, id, sentence(b, caption, NULL, 0), &notes);
}

static void login_table(struct build *b)
{
	const struct gather_tried *tried = &b->g->tried[GATHER_TRIED_LOGINS];
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.protocol"), "protocol", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.user"), "user", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.password"), "password", REPORT_LEFT, true);
	number_columns(b, &grid);
	for (size_t i = 0; i < tried->count; i++) {
		grid_cell(b, &grid, value_integer(NULL, (int64_t)i + 1));
		grid_cell(b, &grid, value_protocol(b, NULL, tried->items[i].texts[0]));
		grid_cell(b, &grid, tried_value(b, tried->items[i].texts[1]));
		grid_cell(b, &grid, tried_value(b, tried->items[i].texts[2]));
		number_cells(b, &grid, "logins", i, &tried->items[i]);
	}
	withheld_note(b, &notes, tried);
	grid_end(b, &grid, "logins", sentence(b, MSG("caption.logins"), NULL, 0), &notes);
}

/* What is listed below, or how much there was when nothing may be. */
static void say_threshold(struct build *b, struct lines *lines)
{
	const struct gather *g = b->g;
	const struct gather_tried *users = &g->tried[GATHER_TRIED_USERS];
	const struct gather_tried *passwords = &g->tried[GATHER_TRIED_PASSWORDS];
	size_t sensors = g->tried_min_sensors < g->sensors_now ? g->tried_min_sensors
	                                                       : g->sensors_now;
	const struct report_value values[] = {
		value_integer("sources", g->tried_min_sources),
		value_integer("sensors", (int64_t)sensors),
		value_integer("days", g->tried_min_days),
		value_integer("users", (int64_t)users->withheld),
		value_integer("passwords", (int64_t)passwords->withheld),
	};

	if (!users->count && !passwords->count && (users->withheld || passwords->withheld))
		lines_say(b, lines, !users->withheld ? MSG("logins.all-withheld.passwords")
		    : !passwords->withheld ? MSG("logins.all-withheld.users")
		    : MSG("logins.all-withheld"), values, 5);
	else if (users->count || passwords->count)
		lines_say(b, lines, g->tried_min_days > 1 ? MSG("logins.threshold")
		    : MSG("logins.threshold-day"), values, 5);
}

void section_logins(struct build *b)
{
	static const char *const messages[] = CHANGE_MESSAGES("logins.tries");
	struct measure_facts facts;
	struct lines lines = {0};

	if (!b->g->login_count)
		return;
	facts = measure_facts_add(b, "logins.rate", &b->g->logins, build_times_unit(b), 2,
	    "report_logins");
	build_heading(b, 2, "logins", MSG("heading.logins"));
	if (b->analysis)
		lines_say(b, &lines, MSG("logins.analysis"), VALUES(
		    value_integer("n", (int64_t)b->g->login_count)));
	else
		lines_change(b, &lines, messages, &facts, VALUES(
		    value_word("basis", build_times_word(b)), build_reference(b)));
	lines_say(b, &lines, MSG("logins.sources"), VALUES(value_fact("sources", fact_add(b,
	    "logins.sources", (double)b->g->login_sources, REPORT_UNIT_ADDRESSES, 0,
	    "report_login_sources", "distinct over the period"))));
	say_threshold(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	tried_table(b, GATHER_TRIED_USERS, "users", MSG("column.user"), "user",
	    MSG("caption.users"));
	tried_table(b, GATHER_TRIED_PASSWORDS, "passwords", MSG("column.password"), "password",
	    MSG("caption.passwords"));
	login_table(b);
	if (b->g->tried[GATHER_TRIED_PASSWORDS].count || b->g->tried[GATHER_TRIED_LOGINS].count) {
		lines_say(b, &lines, MSG("logins.advice"), NULL, 0);
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	}
}
