/*
 * teiten report: the weekly, monthly, quarterly or yearly report of a store.
 *
 * report/ computes, publish/ renders; this file chooses the period, names the site and writes the
 * files, each complete or absent.
 */
#include "cmd/methods.h"
#include "cmd/rises_rule.h"
#include "cmd/window.h"

#include "geo/geo.h"
#include "os/clock.h"
#include "os/file.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

enum {
	OPTION_OUT = WINDOW_OPTION_COUNT,
};

static int run(int argc, char **argv);

const struct command command_report = {
    .name = "report",
    .summary = "Weekly, monthly, quarterly and yearly reports in Japanese and English",
    .usage =
        "usage: teiten report weekly|monthly|quarterly|yearly [--period P]\n"
        "                     [--lang ja,en] [-s STORE] [-o DIR] [--json]\n"
        "\n"
        "Makes the report of one period: HTML, text, Markdown, CSV of every table and figure,\n"
        "SVG of every figure and facts.json with each number unrounded.  Without -o the text\n"
        "edition is printed; --json prints the facts.\n"
        "\n"
        "  --period P      2026-10, 2026-W41, 2026-10-05, 2026Q3, 2026, R8.10 (default: the\n"
        "                  last complete period of the store)\n"
        "  --lang ja,en    languages (default: report.languages; without -o one)\n"
        "  --basis B       address (default), sensor-mean or total: what rates divide by\n"
        "  -s STORE        directory of the store (default: store.path)\n"
        "  -o DIR          write the files there; it is made when it is missing\n"
        "\n"
        "Examples:\n"
        "  teiten report weekly                       the last complete week, on the terminal\n"
        "  teiten report monthly --period 2026-10 -o public/2026-10\n"
        "  teiten report quarterly --period 2026Q3 --lang en -o q3\n",
    .run = run,
    .many_languages = true,
};

struct edition {
	const struct command *self;
	struct command_common common;
	struct window_options options;
	const char *kind_name;
	enum report_period_kind kind;
	const char *out;
	struct window w;
	struct geo *geo;
	struct classmap *classes;
	size_t files;
};

/* ---- what is asked for ---------------------------------------------------------------------- */

static bool find_kind(struct edition *e, const char *word)
{
	static const char *const words[] = {"weekly", "monthly", "quarterly", "yearly", NULL};
	bool fiscal = command_configuration()->report.quarters == CONFIG_QUARTERS_FISCAL;

	e->kind_name = word;
	if (strcmp(word, "weekly") == 0)
		e->kind = REPORT_PERIOD_WEEK;
	else if (strcmp(word, "monthly") == 0)
		e->kind = REPORT_PERIOD_MONTH;
	else if (strcmp(word, "quarterly") == 0)
		e->kind = fiscal ? REPORT_PERIOD_QUARTER_FISCAL : REPORT_PERIOD_QUARTER;
	else if (strcmp(word, "yearly") == 0)
		e->kind = fiscal ? REPORT_PERIOD_YEAR_FISCAL : REPORT_PERIOD_YEAR;
	else {
		command_error(e->self, "no report '%s'%s (weekly, monthly, quarterly, yearly)",
		    word, command_suggestion(word, words));
		return false;
	}
	return true;
}

/* The styles of the languages asked for; their number. */
static size_t choose_styles(const struct edition *e, struct publish_style styles[])
{
	const struct config *config = command_configuration();
	size_t count = 0;

	for (int l = 0; l < PUBLISH_LANGUAGE_COUNT; l++) {
		const char *code = publish_language_code((enum publish_language)l);
		bool wanted = e->common.lang && strstr(e->common.lang, code);

		for (size_t i = 0; !e->common.lang && i < config->report.languages.count; i++)
			wanted = wanted || strcmp(config->report.languages.items[i], code) == 0;
		if (!wanted)
			continue;
		styles[count] = command_style(&e->common);
		styles[count++].language = (enum publish_language)l;
	}
	return count;
}

static int build(struct edition *e, struct report_document **ret_document)
{
	const struct config *config = command_configuration();
	struct rise_rule rule = rises_rule();
	struct report_options options = {
	    .week_start = config->report.week_start,
	    .basis =
	        e->options.basis_given ? e->options.basis : (enum report_basis)config->report.basis,
	    .home_country = config->site.home_country,
	    .top_n = (unsigned)config->report.top_n,
	    .ports_attackers = config->report.ranking_ports == CONFIG_RANKING_ATTACKERS,
	    .countries_all = config->report.ranking_countries == CONFIG_RANKING_ALL,
	    .icmp_zero = config->report.icmp == CONFIG_ICMP_ONE_ROW,
	    .site_ja = config->site.name_ja,
	    .site_en = config->site.name_en,
	    .geo = e->geo ? geo_description(e->geo) : NULL,
	    .login_min_sources = (unsigned)config->privacy.login_min_sources,
	    .login_min_sensors = (unsigned)config->privacy.login_min_sensors,
	    .classes = e->classes,
	    .rise_rule = &rule,
	    .made_us = os_clock_now_us(),
	};
	struct err err = {0};
	int r;

	r = report_period_find(
	    e->w.store, e->options.period, e->kind, options.week_start, &options.period, &err);
	if (r == ST_OK)
		r = report_build(e->w.store, &options, ret_document, &err);
	if (r == ST_OK)
		return COMMAND_OK;
	command_error(e->self, "%s", err.text);
	if (r == ST_NOT_FOUND)
		window_say_held(e->self, e->w.store);
	return r == ST_NOT_FOUND ? COMMAND_NOT_FOUND
	       : r == ST_USAGE   ? COMMAND_USAGE
	                         : COMMAND_FAILED;
}

/* ---- files ---------------------------------------------------------------------------------- */

static int write_file(void *arg, const char *name, const char *data, size_t len, struct err *err)
{
	struct edition *e = arg;
	struct buf path = {0};
	int r;

	buf_printf(&path, "%s/%s", e->out, name);
	r = os_file_write(buf_text(&path), data, len, err);
	if (r == ST_OK) {
		e->files++;
		if (e->common.verbose > 0)
			(void)fprintf(stderr, "%s\n", buf_text(&path));
	}
	buf_fini(&path);
	return r;
}

static int print_edition(const struct edition *e, const struct report_document *document)
{
	struct publish_style style = command_style(&e->common);
	struct buf b = {0};
	struct err err = {0};
	int r;

	if (e->common.format == COMMAND_JSON)
		r = publish_facts_json(&b, document, &err);
	else
		r = publish_text(&b, &style, document, &err);
	if (r < 0)
		command_error(e->self, "%s", err.text);
	else
		(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	return r < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int write_editions(struct edition *e, const struct report_document *document)
{
	struct publish_style styles[PUBLISH_LANGUAGE_COUNT];
	size_t count = choose_styles(e, styles);
	struct err err = {0};

	if (publish_all(document, styles, count, write_file, e, &err) < 0) {
		command_error(e->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	if (e->common.format == COMMAND_JSON)
		return print_edition(e, document);
	if (!e->common.quiet)
		(void)printf("%s: %zu files\n", e->out, e->files);
	return COMMAND_OK;
}

/* ---- the subcommand ------------------------------------------------------------------------- */

static int run_report(struct edition *e)
{
	struct report_document *document = NULL;
	const char *geo_path = command_geo_path();
	struct err err = {0};
	int r;

	if (e->out) {
		if (os_folder_make(e->out, &err) < 0) {
			command_error(e->self, "%s", err.text);
			return COMMAND_FAILED;
		}
		e->options.write_path = e->out;
	}
	e->options.read_path = geo_path;
	r = methods_open(e->self, &e->classes);
	if (r != COMMAND_OK)
		return r;
	r = window_open_store(e->self, &e->options, &e->w);
	if (r != COMMAND_OK)
		return r;
	/* Only its one-line description is used. */
	if (geo_path && geo_open(geo_path, &e->geo, &err) < 0)
		command_error(e->self, "%s (the report will not name its country data)", err.text);
	r = build(e, &document);
	if (r != COMMAND_OK)
		return r;
	r = e->out ? write_editions(e, document) : print_edition(e, document);
	report_document_free(document);
	return r;
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {WINDOW_OPTIONS, "-o=", NULL};
	struct edition e = {.self = &command_report};
	const char *value;
	int index = 0;
	int option;
	int r;

	while (
	    (option = command_option(e.self, &e.common, argc, argv, &index, names, &value)) >= 0) {
		if (option == OPTION_OUT) {
			e.out = value;
		} else if (option == WINDOW_LAST || option == WINDOW_FROM || option == WINDOW_TO) {
			command_error(e.self, "a report covers a calendar period: --period P");
			return COMMAND_USAGE;
		} else if (!window_option(e.self, &e.options, option, value)) {
			return COMMAND_USAGE;
		}
	}
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (argc - index != 1) {
		command_error(
		    e.self, "one of weekly, monthly, quarterly, yearly (teiten report -h)");
		return COMMAND_USAGE;
	}
	if (!find_kind(&e, argv[index]))
		return COMMAND_USAGE;
	if (!e.out && e.common.lang && strchr(e.common.lang, ',')) {
		command_error(e.self, "--lang %s: one language on the terminal; -o DIR writes both",
		    e.common.lang);
		return COMMAND_USAGE;
	}
	if (e.common.format == COMMAND_CSV || e.common.format == COMMAND_TSV) {
		command_error(e.self, "-o DIR writes the tables as CSV; here text or --json");
		return COMMAND_USAGE;
	}
	r = run_report(&e);
	geo_close(e.geo);
	classmap_free(e.classes);
	window_close(&e.w);
	return r;
}
