/*
 * The inside of finding rises: the frame of sensors and days, the series of one kind of key, and
 * what is asked about a rise once it is found.  Private to report/rises*.c.
 */
#pragma once

#include "report/gather.h"
#include "report/rises.h"

#define RISES_FEW_VICTIMS 3 /* so many of one port at one sensor are no chance */
#define RISES_EXPLAINED_MAX 512

struct rises_work {
	struct store *store;
	const struct rises_options *options;
	struct rise_rule rule;
	struct report_options report;  /* of the gather */
	struct gather g;               /* sensors, days, what was observed */
	struct rise_frame frame;
	double *exposure;
	double *nominal;
	struct rise *items;            /* found so far */
	size_t count;
	size_t cap;
};

/* Of one kind: which key a finding's id is. */
struct rises_keys {
	char (*texts)[48];
	uint32_t *ports;
	size_t count;
	size_t cap;
};

/* One kind of key: its findings, over all days looked at; the detector owns them. */
struct rises_found {
	struct rise_detector *detector;
	const struct rise_finding *findings;
	size_t count;
	struct rises_keys keys;
};

/*
 * Reads the series of a kind and judges them.  explained: SQL that is true for packets of ports
 * that rose; NULL where nothing explains anything.  suspects: SQL that is true for rows of some
 * keys: only those are judged, without what is explained; NULL = all keys with everything.
 */
ST_MUST_CHECK int rises_judge(struct rises_work *w, enum rises_kind kind, const char *explained,
    const char *suspects, struct rises_found *ret_found, struct err *err);
void rises_found_fini(struct rises_found *found);

/*
 * Ports worth a closer look: the first *ret_sure are, ordered; the others are busy ones whose
 * packets per sensor are to be looked at first.  *ret_ports: all there were.  The caller frees.
 */
ST_MUST_CHECK int rises_choose_ports(struct rises_work *w, int64_t **ret_keys, size_t *ret_count,
    size_t *ret_sure, uint64_t *ret_ports, struct err *err);

/* gather_ask with the parameters of gather_ask's own list, and more. */
ST_MUST_CHECK int rises_ask(struct rises_work *w, const char *question,
    const struct store_param *params, size_t count, struct store_result **ret_result,
    struct err *err);

/* The bit of a mark by its name. */
unsigned rises_mark(const char *name);

/* SQL over flow (or the table of the kind) that is true for the rise's packets. */
void rises_key_sql(const struct rise *rise, const struct gather *g, struct buf *b);

/* To the quarter of an hour: when a port's rise began and ended. */
ST_MUST_CHECK int rises_sharpen(struct rises_work *w, struct rise *rise, struct err *err);

/* Countries, overlap, AS, marks, victims, ways of guessing. */
ST_MUST_CHECK int rises_evidence(struct rises_work *w, struct rise *rise, struct err *err);
