/*
 * Rankings: per-sensor packet counts of both periods, made into rates, ranks and a locality.
 *
 * The questions give one row per sensor and key; weights (window.h) make them rates.  Ranks are by
 * unrounded rate, ties by the smaller port, then the smaller key.
 */
#pragma once

#include "cmd/window.h"

enum rank_locality {
	RANK_LOCALITY_GLOBAL,
	RANK_LOCALITY_PARTIAL,
	RANK_LOCALITY_SINGLE,
	RANK_LOCALITY_UNKNOWN, /* one sensor only */
};

struct rank_item {
	uint64_t key;
	struct report_measure rate;
	double packets;  /* now */
	double extra;    /* 4th number of the question (Mirai packets), weighted; 0 without */
	double top_rate; /* of the sensor that received most per address and day, now */
	double rate_sum; /* of the sensors' own rates, and of their squares */
	double rate_squares;
	unsigned sensors; /* that received it, now */
	unsigned rank;    /* 1 …; 0 = none now */
	unsigned rank_before;
};

struct rank_list {
	struct rank_item *items;
	size_t count;
};

enum rank_key {
	RANK_KEY_PORT, /* proto × 65536 + port */
	RANK_KEY_NUMBER,
	RANK_KEY_CODE, /* two letters */
};

/* Takes rows (sensor, key, packets now, packets before[, extra now]). */
void rank_load(const struct window *w, const struct store_result *result, enum rank_key kind,
    struct rank_list *ret_list);
void rank_fini(struct rank_list *list);

/* The item of a key, or NULL. */
const struct rank_item *rank_find(const struct rank_list *list, uint64_t key);

uint64_t rank_code_key(const char *code);

/*
 * After the shares p of the sensors' own rates: `single` when one sensor has most of it or the
 * effective number of sensors 1/Σp² is tiny, `global` when it is at least 30 % of the sensors and
 * half of them received it, else `partial`.  Two sensors are judged by 3 to 1.
 */
enum rank_locality rank_locality(const struct window *w, const struct rank_item *item);
const char *rank_locality_name(enum rank_locality locality);
const char *rank_locality_text(enum rank_locality locality, enum publish_language language);
double rank_top_share(const struct rank_item *item);

/* "+9.2% (+101.44)", or why there is none: for the column 前期比(増減). */
void rank_change_text(const struct window *w, const struct report_measure *rate,
    enum publish_language language, struct buf *b);
struct report_change rank_change(const struct window *w, const struct report_measure *rate);
