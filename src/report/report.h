/*
 * Reports: what a store observed in a period, as a language-free document.
 *
 * Counts come from the store's rollups through a few aggregated questions (store/sql/report_*.sql);
 * ranks, rates, comparisons and the choice of sentences are made here, in C, the same for every
 * engine.  Victims' and sources' addresses never enter a document.  The clock is the caller's.
 */
#pragma once

#include "base/status.h"
#include "detect/classmap.h"
#include "detect/rise.h"
#include "report/document.h"
#include "report/period.h"
#include "report/rate.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_TOP_DEFAULT 10
#define REPORT_TOP_MAX 50
#define REPORT_LOGIN_MIN_SOURCES_DEFAULT 5
#define REPORT_LOGIN_MIN_SENSORS_DEFAULT 2
#define REPORT_FILES_MAX 64

struct report_options {
	struct report_period period; /* its kind chooses the edition: weekly, monthly … */
	int week_start;              /* 0 Monday … 6 Sunday; of the 13-week history */
	enum report_basis basis;
	const char *home_country;    /* ISO code for 国内発/国外発; NULL or "" leaves it out */
	unsigned top_n;              /* rows of rankings; 0 = REPORT_TOP_DEFAULT */
	bool ports_attackers;        /* port rankings without victims and the like (ranked.h) */
	bool countries_all;          /* country rankings with them */
	bool icmp_zero;              /* one row 0/ICMP instead of one per type */
	const char *site_ja;         /* NULL or "": no site name */
	const char *site_en;
	const char *geo;             /* one line that names the country data, NULL: unknown */
	/* A user name or password is published when so many sources tried it on so many sensors
	 * (at most those there are).  0 = the defaults. */
	unsigned login_min_sources;
	unsigned login_min_sensors;
	const struct classmap *classes; /* attack methods; NULL = the built-in map */
	const struct rise_rule *rise_rule; /* NULL = the defaults */
	int64_t made_us;
	const char *const *files;    /* report_analysis: names of the captures, borrowed */
	bool any_destination;        /* report_analysis: nobody said which addresses are observed,
	                              * so there is nothing to divide by: packets, no rates */
	size_t file_count;
};

/*
 * Reads a person's words for a period (period.h); NULL or "last" = the last period the store
 * holds completely, or the newest one it has begun when none is complete.  ST_NOT_FOUND for an
 * empty store.
 */
ST_MUST_CHECK int report_period_find(struct store *store, const char *text,
    enum report_period_kind kind, int week_start, struct report_period *ret_period,
    struct err *err);

/*
 * The weekly, monthly, quarterly or yearly report.  The caller frees the document.  ST_NOT_FOUND
 * when the store observed nothing in the period.
 */
ST_MUST_CHECK int report_build(struct store *store, const struct report_options *options,
    struct report_document **ret_document, struct err *err);

/* The report of captures alone: the whole store, no comparison; options->period is ignored. */
ST_MUST_CHECK int report_analysis(struct store *store, const struct report_options *options,
    struct report_document **ret_document, struct err *err);
