/* Rules from files and what they raised; the contract is in inspection.h. */
#include "cmd/inspection.h"

#include "cmd/command.h"
#include "detect/ruleset_edition.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_FILE_MAX (64u << 20)
#define KEYWORDS_MAX 32
#define KEYWORDS_SHOWN 4

struct keyword_count {
	char name[32];
	unsigned count;
};

struct inspection {
	struct inspection_options options;
	struct signatures *engine;
	struct ruleset_edition edition;
	struct inspection_row *rows; /* in the order of their first match */
	size_t count;
	size_t room;
	struct inspection_row *sorted;
	struct keyword_count keywords[KEYWORDS_MAX]; /* of rules that are not used */
	size_t keyword_count;
	unsigned problems;
	bool failed; /* out of memory while counting */
	struct inspection_keep_options of;
	struct store_ingest *ingest; /* during a call */
	struct err *err;             /* during a call */
	int error;                   /* of the first row that could not be kept */
};

static void take_problem(void *arg, const struct signatures_problem *problem)
{
	struct inspection *a = arg;
	const char *name = problem->keyword[0] ? problem->keyword : "header";
	size_t i;

	a->problems++;
	for (i = 0; i < a->keyword_count && strcmp(a->keywords[i].name, name) != 0; i++)
		;
	if (i == a->keyword_count && i < KEYWORDS_MAX) {
		(void)snprintf(a->keywords[i].name, sizeof(a->keywords[i].name), "%s", name);
		a->keyword_count++;
	}
	if (i < KEYWORDS_MAX)
		a->keywords[i].count++;
	if (a->options.problem)
		a->options.problem(a->options.arg, problem);
}

static void keep_row(struct inspection *a, const struct signatures_alert *alert)
{
	struct alert_row_texts texts;
	struct record_alert row;

	if (alert_row(&a->of.rows, alert, &texts, &row))
		a->error = store_ingest_rows(a->ingest, RECORD_TABLE_alert, &row, 1, a->err);
}

/* Asked by the engine: which row of session is it? */
static uint64_t find_session(void *arg, const struct signatures_alert *alert)
{
	const struct inspection *a = arg;

	return a->of.session ? a->of.session(a->of.arg, alert) : 0;
}

static void take_alert(void *arg, const struct signatures_alert *alert)
{
	struct inspection *a = arg;
	struct inspection_row *row = NULL;

	if (a->options.alert)
		a->options.alert(a->options.arg, alert);
	if (a->ingest && !a->error)
		keep_row(a, alert);
	for (size_t i = 0; !row && i < a->count; i++)
		if (a->rows[i].sid == alert->sid && a->rows[i].gid == alert->gid)
			row = &a->rows[i];
	if (!row) {
		if (a->count == a->room) {
			size_t room = a->room ? a->room * 2 : 64;
			struct inspection_row *rows = realloc(a->rows, room * sizeof(*rows));

			if (!rows) {
				a->failed = true;
				return;
			}
			a->rows = rows;
			a->room = room;
		}
		row = &a->rows[a->count++];
		*row = (struct inspection_row){.gid = alert->gid, .sid = alert->sid, .rev = alert->rev,
			.msg = alert->msg, .classtype = alert->classtype, .severity = alert->severity};
	}
	row->matches++;
	if (alert->suppressed)
		return;
	if (row->count++ == 0) {
		row->first_us = alert->time_us;
		row->source = alert->src;
	}
	row->last_us = alert->time_us;
}

/* Texts and variables are needed while the engine is made, and no longer. */
struct inputs {
	struct signatures_text *texts;
	size_t text_count;
	struct signatures_var *vars;
	char **copies;
	size_t var_count;
};

static int read_inputs(const struct inspection_options *o, struct inputs *in, struct err *err)
{
	in->texts = calloc(o->rule_count + 1, sizeof(*in->texts));
	in->vars = calloc(o->var_count + 1, sizeof(*in->vars));
	in->copies = calloc(o->var_count + 1, sizeof(char *));
	if (!in->texts || !in->vars || !in->copies)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < o->rule_count; i++) {
		char *data;
		size_t len;
		int rc = os_file_read(o->rules[i], RULES_FILE_MAX, &data, &len, err);

		if (rc)
			return rc;
		in->texts[in->text_count++] = (struct signatures_text){o->rules[i], data, len};
	}
	for (size_t i = 0; i < o->var_count; i++) {
		char *copy = strdup(o->vars[i]);
		char *value = copy ? strchr(copy, '=') : NULL;

		in->copies[i] = copy;
		if (!copy)
			return err_set(err, -ENOMEM, "out of memory");
		if (!value || value == copy || !value[1])
			return err_set(err, ST_USAGE, "--rule-var %s: give it as NAME=VALUE", o->vars[i]);
		*value++ = '\0';
		in->vars[in->var_count++] =
		    (struct signatures_var){copy[0] == '$' ? copy + 1 : copy, value};
	}
	return ST_OK;
}

static void free_inputs(struct inputs *in, size_t vars)
{
	for (size_t i = 0; i < in->text_count; i++)
		free((char *)(uintptr_t)in->texts[i].text);
	for (size_t i = 0; in->copies && i < vars; i++)
		free(in->copies[i]);
	free(in->texts);
	free(in->vars);
	free(in->copies);
}

int inspection_new(const struct inspection_options *options, struct inspection **ret,
    struct err *err)
{
	struct inspection *a = calloc(1, sizeof(*a));
	struct inputs in = {0};
	struct signatures_options s = {
		.home = options->nets,
		.home_count = options->net_count,
		.alert = take_alert,
		.session = find_session,
		.problem = take_problem,
		.arg = a,
	};
	int rc;

	if (!a)
		return err_set(err, -ENOMEM, "out of memory");
	a->options = *options;
	rc = read_inputs(options, &in, err);
	s.texts = in.texts;
	s.text_count = in.text_count;
	s.vars = in.vars;
	s.var_count = in.var_count;
	if (!rc)
		ruleset_edition_find(in.texts, in.text_count, &a->edition);
	if (!rc)
		rc = signatures_new(&s, &a->engine, err);
	free_inputs(&in, options->var_count);
	if (rc) {
		inspection_free(a);
		return rc;
	}
	*ret = a;
	return ST_OK;
}

void inspection_free(struct inspection *a)
{
	if (!a)
		return;
	signatures_free(a->engine);
	free(a->rows);
	free(a->sorted);
	free(a);
}

void inspection_keep(struct inspection *a, const struct inspection_keep_options *of)
{
	a->of = *of;
}

int inspection_add(struct inspection *a, const struct decode_packet *packets, size_t count,
    struct store_ingest *ingest, struct err *err)
{
	a->ingest = a->of.rows.destinations ? ingest : NULL;
	a->err = err;
	signatures_add(a->engine, packets, count);
	a->ingest = NULL;
	return a->error;
}

int inspection_flush(struct inspection *a, struct store_ingest *ingest, struct err *err)
{
	a->ingest = a->of.rows.destinations ? ingest : NULL;
	a->err = err;
	signatures_flush(a->engine);
	a->ingest = NULL;
	return a->error;
}

int inspection_files_configured(struct config_files *ret_files, struct err *err)
{
	const struct config_list *rules = &command_configuration()->signatures.rules;
	struct config_files files = {0};

	for (size_t i = 0; i < rules->count; i++) {
		int rc = config_files_add(&files, "signatures.rules", rules->items[i], err);

		if (rc) {
			config_files_free(&files);
			return rc;
		}
	}
	*ret_files = files;
	return ST_OK;
}

int inspection_rules_put(const struct inspection *a, struct store *store, uint16_t sensor,
    int64_t from, int64_t to, struct err *err)
{
	struct store_rules rules = {
		.sensor = sensor,
		.from = from,
		.to = to,
		.rules = signatures_stats(a->engine)->loaded,
		.updated = a->edition.updated,
	};

	memcpy(rules.digest, a->edition.digest, sizeof(rules.digest));
	return store_rules_put(store, &rules, err);
}

struct signatures *inspection_engine(const struct inspection *a)
{
	return a->engine;
}

static int compare_rows(const void *va, const void *vb)
{
	const struct inspection_row *a = va;
	const struct inspection_row *b = vb;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->gid != b->gid)
		return a->gid < b->gid ? -1 : 1;
	return a->sid < b->sid ? -1 : a->sid > b->sid;
}

const struct inspection_row *inspection_rows(struct inspection *a, size_t *ret_count)
{
	size_t n = 0;

	free(a->sorted);
	a->sorted = calloc(a->count + 1, sizeof(*a->sorted));
	*ret_count = 0;
	if (!a->sorted || a->failed)
		return NULL;
	for (size_t i = 0; i < a->count; i++)
		if (a->rows[i].count)
			a->sorted[n++] = a->rows[i];
	qsort(a->sorted, n, sizeof(*a->sorted), compare_rows);
	*ret_count = n;
	return a->sorted;
}

static int compare_keywords(const void *va, const void *vb)
{
	const struct keyword_count *a = va;
	const struct keyword_count *b = vb;

	return a->count > b->count ? -1 : a->count < b->count;
}

void inspection_describe(const struct inspection *a, struct buf *b)
{
	const struct signatures_stats *stats = signatures_stats(a->engine);
	struct keyword_count sorted[KEYWORDS_MAX];

	buf_printf(b, "%u rules", stats->loaded);
	if (a->problems == 0)
		return;
	memcpy(sorted, a->keywords, sizeof(sorted));
	qsort(sorted, a->keyword_count, sizeof(sorted[0]), compare_keywords);
	buf_printf(b, "; %u are not used:", a->problems);
	for (size_t i = 0; i < a->keyword_count && i < KEYWORDS_SHOWN; i++)
		buf_printf(b, "%s %s %u", i ? "," : "", sorted[i].name, sorted[i].count);
	if (a->keyword_count > KEYWORDS_SHOWN)
		buf_puts(b, " …");
	buf_puts(b, " (teiten rules test says why)");
}
