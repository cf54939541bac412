/*
 * Rules from files, the engine that matches them, and what it raised: for the commands that take
 * --rules.
 */
#pragma once

#include "base/buf.h"
#include "config/files.h"
#include "detect/alert_row.h"
#include "detect/signatures.h"
#include "store/store.h"

struct inspection_options {
	const char *const *rules; /* file names */
	size_t rule_count;
	const char *const *vars; /* "NAME=VALUE" */
	size_t var_count;
	const struct ip_net *nets; /* HOME_NET; none: any */
	size_t net_count;
	/* Called for each rule that is not used; may be NULL. */
	void (*problem)(void *arg, const struct signatures_problem *problem);
	/* Called for each match; may be NULL. */
	void (*alert)(void *arg, const struct signatures_alert *alert);
	void *arg;
};

/* What one rule raised. */
struct inspection_row {
	uint32_t gid;
	uint32_t sid;
	uint32_t rev;
	const char *msg;
	const char *classtype;
	uint8_t severity;
	uint64_t count;   /* raised */
	uint64_t matches; /* before the rule's own threshold */
	int64_t first_us;
	int64_t last_us;
	struct ip source; /* of the first */
};

struct inspection;

/* Reads and compiles; a rule that cannot be used is no error, a file that cannot be read is. */
ST_MUST_CHECK int inspection_new(const struct inspection_options *options,
    struct inspection **ret_inspection, struct err *err);
void inspection_free(struct inspection *inspection);

/* What rows of the store need to know. */
struct inspection_keep_options {
	struct alert_row_of rows; /* what is not observed is not kept */
	/* As signatures_options.session; may be NULL. */
	uint64_t (*session)(void *arg, const struct signatures_alert *alert);
	void *arg;
};

/* Before the first packet; without it nothing is stored. */
void inspection_keep(struct inspection *inspection, const struct inspection_keep_options *options);

/* Matches packets as decode_batch made them.  Rows go to ingest; NULL: they are not kept. */
ST_MUST_CHECK int inspection_add(struct inspection *inspection, const struct decode_packet *packets,
    size_t count, struct store_ingest *ingest, struct err *err);
/* The capture is over. */
ST_MUST_CHECK int inspection_flush(struct inspection *inspection, struct store_ingest *ingest,
    struct err *err);

/* Files of signatures.rules, wildcards filled in and sorted; config_files_free after use. */
/* ST_NOT_FOUND: a name without wildcards, or a wildcard, that no file matches. */
ST_MUST_CHECK int inspection_files_configured(struct config_files *ret_files, struct err *err);

/* Keeps in the store that a sensor's packets of this time (µs) were matched with these rules. */
ST_MUST_CHECK int inspection_rules_put(const struct inspection *inspection, struct store *store,
    uint16_t sensor, int64_t from, int64_t to, struct err *err);

struct signatures *inspection_engine(const struct inspection *inspection);

/* What was raised at least once, the most frequent first; owned by the
 * inspection, valid until it changes. */
const struct inspection_row *inspection_rows(struct inspection *inspection, size_t *ret_count);

/* "10379 rules (333 not used: app-layer-event 145, …)" for diagnostics. */
void inspection_describe(const struct inspection *inspection, struct buf *b);
