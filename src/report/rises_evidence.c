/*
 * What is asked about a rise once it is found: when exactly, how logins were tried; from where, by
 * whom and what else they did is rises_sources.c.  Only its own days are read.
 */
#include "report/rises_parts.h"

#include "base/civil.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUARTER_US (15 * CIVIL_US_PER_MINUTE)
#define QUARTERS_MAX 128
#define QUARTERS_A_DAY 96.0
#define USUAL_PART 0.05   /* of what was observed, at least: where nothing was expected */
#define USUAL_LEAST 1e-3

/* ---- when ------------------------------------------------------------------------------------ */

/* Counts of the quarters of one day. */
static int ask_quarters(struct rises_work *w, const struct rise *rise, int32_t day,
    double counts[QUARTERS_MAX], struct err *err)
{
	struct zone *zone = store_zone(w->store);
	int64_t start = zone_day_start(zone, day);
	struct store_param params[] = {{.name = "proto", .int_value = GATHER_PROTO(rise->port_key)},
	    {.name = "port", .int_value = GATHER_PORT(rise->port_key)},
	    {.name = "day", .kind = STORE_PARAM_DATE, .int_value = day}};
	struct store_result *result = NULL;
	int rc = rises_ask(w, "rises_quarters", params, 3, &result, err);

	memset(counts, 0, QUARTERS_MAX * sizeof(*counts));
	for (size_t i = 0; !rc && i < store_result_rows(result); i++) {
		int64_t at = (store_result_int(result, i, 0) - start) / QUARTER_US;

		if (at >= 0 && at < QUARTERS_MAX)
			counts[at] += store_result_real(result, i, 1);
	}
	store_result_free(result);
	return rc;
}

/*
 * The split of a day that makes its counts likeliest: `usual` a quarter on one side, whatever the
 * mean is on the other.  Returns the index of the first quarter of the unusual side (from the
 * front), or the one after its last (from the back).
 */
static size_t split(const double *counts, size_t count, double usual, bool from_front)
{
	double best = -INFINITY;
	double sum = 0;
	size_t best_at = from_front ? 0 : count;

	for (size_t n = 1; n <= count; n++) {
		size_t at = from_front ? count - n : n - 1;
		double mean;
		double gain;

		sum += counts[at];
		mean = sum / (double)n;
		if (mean <= usual)
			continue;
		gain = sum * log(mean / usual) - (mean - usual) * (double)n;
		if (gain > best) {
			best = gain;
			best_at = from_front ? at : n;
		}
	}
	return best_at;
}

/* The quarter in which a side of the day begins (front) or ends. */
static int edge(struct rises_work *w, const struct rise *rise, int32_t day, bool front,
    int64_t *ret_us, struct err *err)
{
	struct zone *zone = store_zone(w->store);
	int64_t start = zone_day_start(zone, day);
	size_t quarters = (size_t)((zone_day_start(zone, day + 1) - start) / QUARTER_US);
	double counts[QUARTERS_MAX];
	double addresses = 0;
	double usual;
	int rc = ask_quarters(w, rise, day, counts, err);

	for (size_t i = 0; i < w->g.sensor_count; i++)
		addresses += w->nominal[i];
	usual = fmax(rise->expected, USUAL_PART * rise->observed) * fmax(addresses, 1)
	    / QUARTERS_A_DAY;
	if (quarters > QUARTERS_MAX)
		quarters = QUARTERS_MAX;
	if (!rc)
		*ret_us = start + (int64_t)split(counts, quarters, fmax(usual, USUAL_LEAST), front)
		    * QUARTER_US;
	return rc;
}

int rises_sharpen(struct rises_work *w, struct rise *rise, struct err *err)
{
	int rc;

	if (rise->kind != RISES_PORT || rise->direction != RISE_UP || rise->slow)
		return ST_OK;
	rc = edge(w, rise, rise->first_day, true, &rise->start_us, err);
	if (!rc && !rise->going_on)
		rc = edge(w, rise, rise->last_day, false, &rise->end_us, err);
	if (rise->end_us <= rise->start_us)
		rise->end_us = rise->start_us + QUARTER_US;
	return rc;
}

/* ---- what it is about ------------------------------------------------------------------------ */

unsigned rises_mark(const char *name)
{
	static const char *const marks[] = {"mirai", "zmap", "masscan", "synful"};
	unsigned bit = 0;

	while (bit < 3 && strcmp(name, marks[bit]) != 0)
		bit++;
	return 1u << bit;
}

void rises_key_sql(const struct rise *rise, struct buf *b)
{
	switch (rise->kind) {
	case RISES_PORT:
		/* As two columns: files are sorted by port, and what has others is not read. */
		buf_printf(b, "proto = %u AND port = %u", GATHER_PROTO(rise->port_key),
		    GATHER_PORT(rise->port_key));
		return;
	case RISES_COUNTRY:
		buf_printf(b, "country = '%.2s'", rise->key);
		return;
	case RISES_TOOL:
		buf_printf(b, "bitAnd(marks, %u) > 0", rises_mark(rise->key));
		return;
	case RISES_SIGNATURE:
	case RISES_LOGIN:
	case RISES_KIND_COUNT:
		break;
	}
	buf_puts(b, "1 = 0");
}

/* ---- signatures and logins ------------------------------------------------------------------- */

#define GUESS_LEAST 5.0 /* users or passwords; one default login says nothing of how it was found */
#define GUESS_MANY 3.0 /* times as many */
#define GUESS_LIST 0.8 /* pairs ÷ users from which on each user has its own password */

static enum rises_guess guess_of(double users, double passwords, double pairs, double generated)
{
	if (fmax(users, passwords) < GUESS_LEAST || users <= 0 || passwords <= 0)
		return RISES_GUESS_NONE;
	if (users >= GUESS_MANY * passwords)
		return RISES_GUESS_SPRAY;
	if (passwords >= GUESS_MANY * users)
		return generated > 0.5 ? RISES_GUESS_BRUTE : RISES_GUESS_DICTIONARY;
	return pairs > 0 && fmax(users, passwords) / pairs >= GUESS_LIST && users >= 10
	    ? RISES_GUESS_LIST : RISES_GUESS_DICTIONARY;
}

static int ask_logins(struct rises_work *w, struct rise *rise, struct err *err)
{
	const struct store_param params[] = {
		{.name = "begin", .kind = STORE_PARAM_TIME, .int_value = rise->start_us},
		{.name = "end", .kind = STORE_PARAM_TIME, .int_value = rise->end_us},
		{.name = "protocol", .kind = STORE_PARAM_TEXT, .text = rise->key},
	};
	struct store_result *result = NULL;
	int rc = rises_ask(w, "rises_guesses", params, 3, &result, err);

	if (!rc && store_result_rows(result) > 0) {
		rise->users = store_result_uint(result, 0, 0);
		rise->passwords = store_result_uint(result, 0, 1);
		rise->source_count = store_result_uint(result, 0, 3);
		rise->guess = guess_of((double)rise->users, (double)rise->passwords,
		    store_result_real(result, 0, 2), store_result_real(result, 0, 4));
	}
	store_result_free(result);
	return rc;
}

static int ask_signature(struct rises_work *w, struct rise *rise, struct err *err)
{
	const struct store_param params[] = {
		{.name = "begin", .kind = STORE_PARAM_TIME, .int_value = rise->start_us},
		{.name = "end", .kind = STORE_PARAM_TIME, .int_value = rise->end_us},
		{.name = "key", .kind = STORE_PARAM_TEXT, .text = rise->key},
	};
	struct store_result *result = NULL;
	int rc = rises_ask(w, "rises_message", params, 3, &result, err);

	if (!rc && store_result_rows(result) > 0) {
		rise->name = strdup(store_result_text(result, 0, 0));
		rise->source_count = store_result_uint(result, 0, 1);
	}
	store_result_free(result);
	return rc;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool is_asked(const struct rises_work *w, const struct rise *rise)
{
	return w->options->evidence && (w->options->evidence_all || !rise->explained_by[0]);
}

/* Of those from *at on, as many as can be looked into together. */
static int ask_together(struct rises_work *w, size_t *at, struct err *err)
{
	struct rises_sources *sources = rises_sources_new(w);
	int rc = ST_OK;

	for (; !rc && *at < w->count && sources->count < RISES_TOGETHER; ++*at) {
		struct rise *rise = &w->items[*at];

		if (!is_asked(w, rise))
			continue;
		rc = rise->kind == RISES_SIGNATURE ? ask_signature(w, rise, err)
		    : rise->kind == RISES_LOGIN ? ask_logins(w, rise, err)
		    : rises_sources_add(sources, rise, err);
	}
	if (!rc)
		rc = rises_sources_tell(sources, err);
	rises_sources_free(sources);
	return rc;
}

int rises_evidence(struct rises_work *w, struct err *err)
{
	int rc = ST_OK;

	for (size_t at = 0; !rc && at < w->count;)
		rc = ask_together(w, &at, err);
	return rc;
}
