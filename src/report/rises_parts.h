/*
 * The inside of finding rises: what was read of the store, the frame of sensors and days, the
 * series of one kind of key, and what is asked about a rise once it is found.  Private to report/rises*.c.
 */
#pragma once

#include "report/gather.h"
#include "report/port_index.h"
#include "report/rises.h"
#include "report/source_index.h"

#define RISES_FEW_VICTIMS 3 /* so many of one port at one sensor are no chance */
#define RISES_EXPLAINED_MAX 512

/* ---- what was read ---------------------------------------------------------------------------- */

struct rises_count {
	float packets;
	float sources;
};

/* What a port had at a sensor on a day. */
struct rises_cell {
	uint16_t sensor; /* number */
	uint16_t day;    /* from the first one read */
	struct rises_count count;
};

/* Answers for one kind of key, ordered by key. */
struct rises_answers {
	bool asked;
	struct store_result *packets; /* key, day, sensor, packets */
	struct store_result *sources; /* key, day, sensor, distinct */
	struct store_result *all;     /* key, day, distinct over all sensors */
	struct store_result *victims; /* key, day, sensor, packets that are no access; or NULL */
};

/*
 * The days that several periods look at, read once.  Of ports: packets and sources of all sensors
 * together by port and day, and by sensor of those that were chosen.
 */
struct rises_data {
	struct store *store;
	int32_t first;
	size_t days;
	struct port_index index;    /* of ports */
	uint32_t *keys;             /* [ports] proto << 16 | port */
	struct rises_count *counts; /* [ports × days] */
	uint32_t *order;            /* [ports], by key */
	size_t ports;
	size_t ports_cap;
	struct rises_cell *cells;   /* of the chosen ports, one after the other */
	size_t *cells_from;         /* [ports + 1] */
	struct rises_answers answers[RISES_KIND_COUNT];
};

/* Days [first, to); nothing is read yet. */
struct rises_data *rises_data_new(struct store *store, int32_t first, int32_t to);
void rises_data_free(struct rises_data *data);
/* Every port, all sensors together. */
ST_MUST_CHECK int rises_data_ports(struct rises_data *data, struct err *err);
/* By sensor, of the ports that wanted says. */
ST_MUST_CHECK int rises_data_cells(struct rises_data *data, const bool *wanted, struct err *err);
/* What is needed of a kind; asked at the first time. */
ST_MUST_CHECK int rises_data_answers(struct rises_data *data, enum rises_kind kind,
    const struct rises_answers **ret_answers, struct err *err);

/* ---- one period ------------------------------------------------------------------------------- */

/* Ports worth a closer look, by key. */
struct rises_choice {
	uint32_t *ports;   /* index in the data */
	bool *sure;        /* else busy: its packets per sensor are to be looked at first */
	size_t count;
	uint64_t all;      /* that had any packets */
};

struct rises_work {
	struct store *store;
	struct rises_data *data;       /* shared */
	struct rises_choice choice;
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

/* Some keys without what other rises explain. */
struct rises_rest {
	const struct rises_found *of; /* the keys are those found in the period */
	const char *suspects;         /* SQL that is true for rows of these keys */
	const char *explained;        /* SQL that is true for packets of ports that rose */
};

/* Makes the series of a kind and judges them; rest: NULL = all keys with everything. */
ST_MUST_CHECK int rises_judge(struct rises_work *w, enum rises_kind kind,
    const struct rises_rest *rest, struct rises_found *ret_found, struct err *err);
/* Does the finding reach into the period? */
bool rises_overlaps(const struct rises_work *w, const struct rise_finding *finding);
void rises_found_fini(struct rises_found *found);

/*
 * Few sources that repeat themselves: days on which a sensor had far more packets of a port than on
 * its others, and how many sources sent many of them.  free() ends it.
 */
struct rises_heavy;
struct rises_heavy *rises_heavy_new(struct rises_work *w);
/* A port's packets, [sensors × days]; ports come in the order of their keys. */
void rises_heavy_note(struct rises_heavy *heavy, uint32_t port_key, const float *packets);
/* Key, day, sensor, sources; NULL when no day stands out. */
ST_MUST_CHECK int rises_heavy_ask(struct rises_heavy *heavy, struct store_result **ret_result,
    struct err *err);

/* Ports worth a closer look, from all of them. */
ST_MUST_CHECK int rises_choose_ports(struct rises_work *w, struct err *err);

/* gather_ask with the parameters of gather_ask's own list, and more. */
ST_MUST_CHECK int rises_ask(struct rises_work *w, const char *question,
    const struct store_param *params, size_t count, struct store_result **ret_result,
    struct err *err);

/* The bit of a mark by its name. */
unsigned rises_mark(const char *name);

/* SQL over flow (or the table of the kind) that is true for the rise's packets. */
void rises_key_sql(const struct rise *rise, struct buf *b);

/* To the quarter of an hour: when a port's rise began and ended. */
ST_MUST_CHECK int rises_sharpen(struct rises_work *w, struct rise *rise, struct err *err);

/* Countries, overlap, AS, marks, victims, ways of guessing: of all that were found. */
ST_MUST_CHECK int rises_evidence(struct rises_work *w, struct err *err);

/* ---- the sources of rises --------------------------------------------------------------------- */

#define RISES_TOGETHER 64 /* whose sources are looked into at a time */

struct rises_sources {
	struct rises_work *w;
	struct source_index index; /* mask: the rises that it is a source of */
	uint64_t *days;            /* [day_count] the rises that a day belongs to */
	struct rise *rises[RISES_TOGETHER];
	size_t count;
};

struct rises_sources *rises_sources_new(struct rises_work *w);
/* Asks for one rise's sources: their number, AS, countries and marks.  At most RISES_TOGETHER. */
ST_MUST_CHECK int rises_sources_add(struct rises_sources *sources, struct rise *rise,
    struct err *err);
/* Once all are there: what else they asked on those days, and which of them were victims. */
ST_MUST_CHECK int rises_sources_tell(struct rises_sources *sources, struct err *err);
void rises_sources_free(struct rises_sources *sources);
