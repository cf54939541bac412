/*
 * The numbers of a report before any sentence: what was asked of the store, made into rates.
 *
 * Private to report/.  `now` is the report's period, `before` the previous one; the panel is the
 * sensors that observed in both.  Everything is owned by the gather and freed with it.
 */
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "detect/attack.h"
#include "detect/classmap.h"
#include "report/rate.h"
#include "report/report.h"
#include "report/rises.h"
#include "store/note.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATHER_WEEKS 13       /* 過去13週 */
#define GATHER_WEEK_TOP 5     /* 上位5位 */
#define GATHER_MOVERS_MAX 3   /* rises, and as many falls */
#define GATHER_CONTRIBUTIONS_MAX 10
#define GATHER_CONTRIBUTION_PORTS 48 /* whose cells are looked at */
#define GATHER_VICTIMS_TOP 10
#define GATHER_INCIDENTS_MAX 10 /* 主な事象 */
#define GATHER_FRESH_MAX 10   /* new signatures listed */
#define GATHER_GAPS_MAX 10
#define GATHER_GAP_MIN_US (10 * 60 * 1000000ll)

/* Protocol and port in one number, as the questions give them: proto × 65536 + port. */
#define GATHER_KEY(proto, port) ((uint32_t)(proto) << 16 | (uint32_t)(port))
#define GATHER_PROTO(key) ((uint8_t)((key) >> 16))
#define GATHER_PORT(key) ((uint16_t)((key) & 0xffff))

struct gather_sensor {
	uint16_t id;
	char *name;
	char country[3];
	char *kind;
	struct report_span *spans; /* sorted, both periods */
	size_t span_count;
	size_t span_cap;
	struct report_observed now;
	struct report_observed before;
	struct report_observed *days; /* [day_count], from `first` on */
	int64_t nominal_from;         /* start of the period, or of a sensor that is new in it */
	bool panel;
	double access_now;            /* packets */
	double access_before;
};

/* A row of a ranking: a port, or a country. */
struct gather_item {
	uint32_t key;           /* of ports */
	char country[3];        /* of countries */
	struct report_measure rate;
	struct report_measure mirai;
	double packets;         /* now */
	double packets_top;     /* of the sensor that received most, now */
	unsigned sensors;       /* that saw it now */
	unsigned rank;          /* 1 …; 0 = none now */
	unsigned rank_before;   /* 0 = none before */
	uint64_t sources;       /* asked only to break ties */
	uint32_t main_key;      /* of countries: the port it sent most to */
	unsigned rank_without;  /* when sensor_without is left out; 0 = it moves by less than two */
	size_t sensor_without;
	bool seen_without;      /* somebody else saw it at all */
	double median;          /* over sensors, in their own rate; of the first rows, 3 sensors up */
	unsigned weeks_top;     /* of weeks_known */
	double *days;           /* daily rates of the first ports, [day_count], or NULL */
	double order;           /* while it is ranked: gather_order of what is ranked by */
};

struct gather_list {
	struct gather_item *items;
	size_t count;
	size_t cap;
	uint32_t *table; /* open addressing: index + 1 */
	size_t table_size;
};

/* Packets of one item at one sensor, now. */
struct gather_cell {
	uint32_t key;
	uint32_t sensor; /* index */
	double packets;
};

struct gather_cells {
	struct gather_cell *items;
	size_t count;
	size_t cap;
};

struct gather_gap {
	size_t sensor;
	int64_t from;
	int64_t to;
};

struct gather_drop {
	char reason[32];
	uint64_t packets;
};

/* What explains the change of one port: countries and sensors, by panel difference. */
struct gather_mover {
	uint32_t key;
	struct report_measure rate;
	char country[3];
	double country_difference;
	size_t sensor;
	double sensor_difference;
};

/* The port that explains the change of one country. */
struct gather_country_move {
	char country[3];
	uint32_t key;
	double packets; /* difference, panel */
};

/* A part of the change of all access: one port from one country at one sensor of the panel. */
struct gather_contribution {
	uint32_t key;
	char country[3];
	size_t sensor;
	double now; /* rates of the panel */
	double before;
};

/* A protocol or an event that visitors spoke. */
struct gather_name {
	char *name;             /* telnet; mqtt.connect.anonymous */
	struct report_measure rate;
	double count;           /* now */
	unsigned sensors;       /* that saw it now */
	uint64_t sources;       /* protocols only, now, like the next two */
	uint64_t logins;
	uint64_t logins_with;   /* those with a password, hash or key */
	unsigned rank;          /* 1 …; 0 = none now */
	unsigned rank_before;
};

struct gather_names {
	struct gather_name *items;
	size_t count;
	size_t cap;
};

/* What was tried and may be published. */
enum gather_tried_kind {
	GATHER_TRIED_USERS,
	GATHER_TRIED_PASSWORDS,
	GATHER_TRIED_LOGINS,
	GATHER_TRIED_KINDS,
};

#define GATHER_TRIED_TEXTS 3

struct gather_tried_item {
	char *texts[GATHER_TRIED_TEXTS]; /* user; password; protocol, user and password */
	uint64_t tries;
	uint64_t sources;
	unsigned sensors;
	unsigned rank_before; /* among those published then; 0 = none */
};

struct gather_tried {
	struct gather_tried_item *items;
	size_t count;
	uint64_t withheld;       /* distinct ones that were not published */
	uint64_t withheld_tries;
};

/* An attack method: signatures of one class of the map. */
struct gather_method {
	size_t class;           /* of the map */
	struct report_measure rate;
	double count;           /* now */
	unsigned rank;          /* 1 …; 0 = none now, or the rest (その他) */
	unsigned rank_before;
	char *main;             /* message of the signature with most matches now, or NULL */
	double main_count;
};

/* A signature that matched now and never before. */
struct gather_fresh {
	uint32_t gid;
	uint32_t sid;
	size_t class;
	double count;
	unsigned sensors;
	char *msg;
};

/*
 * Matches of signatures.  Only sensors that matched with rules count, in numerator and
 * denominator: a sensor without rules has no matches and says nothing.
 */
struct gather_alerts {
	struct report_weight *weights;   /* [sensor_count], in the basis */
	struct report_observed **days;   /* [sensor_count][day_count] */
	bool *panel;                     /* [sensor_count] */
	size_t sensors_now;
	size_t sensors_before;
	size_t panel_count;
	struct report_measure rate;
	struct report_measure sources;
	double count;                    /* now */
	double *matches_days;            /* [day_count], NAN = not observed with rules */
	struct gather_method *methods;   /* sorted by rank */
	size_t method_count;
	struct gather_list countries;
	struct gather_fresh *fresh;      /* most matches first */
	size_t fresh_count;
	size_t fresh_more;               /* beyond GATHER_FRESH_MAX */
	bool has_history;                /* rules were used before the period, so new means something */
	uint32_t rules;                  /* of the newest edition now; 0 = not known */
	int32_t rules_updated;
	char rules_digest[17];
	size_t editions;                 /* distinct ones, both periods */
};

/* An attack, put together over the ends of days. */
struct gather_incident {
	struct attack attack;
	char country[3]; /* of the victim */
	uint32_t asn;
};

struct gather {
	struct store *store;
	const struct report_options *options;
	struct report_period now;
	struct report_period before; /* from == to: none */
	int32_t first;               /* day of index 0 of the daily arrays */
	size_t day_count;
	int64_t *day_start;          /* [day_count + 1] µs */
	struct buf ranked;           /* SQL: what country rankings count, and port rankings */
	struct buf ranked_ports;
	struct buf ranked_origins;   /* the same of smaller rollups */
	struct buf ranked_port_days;
	struct buf ranked_together;

	struct gather_sensor *sensors;
	size_t sensor_count;
	struct report_weight *weights[REPORT_BASIS_COUNT];
	size_t sensors_now;
	size_t sensors_before;
	size_t panel_count;
	bool has_before;        /* the panel is not empty */
	bool panel_differs;     /* some sensor observed in one of the periods only */
	double observed_days;   /* Σ over the sensors of now */
	double nominal_days;
	double addresses;       /* mean observed at a time, now: Σ address days ÷ nominal */
	double coverage;        /* 0 … 1 */
	bool counts;            /* of a capture without addresses or of minutes: every "rate" here
	                         * is the plain number of packets, sessions … */
	uint64_t packets_read;
	uint64_t packets_counted;
	uint64_t kernel_drops;
	struct gather_drop drops[32];
	size_t drop_count;
	struct gather_gap gaps[GATHER_GAPS_MAX];
	size_t gap_count;
	size_t gaps_more;

	struct report_measure access;     /* in the basis */
	struct report_measure access_address; /* the same per address, for 約N秒に1回 */
	struct report_measure mirai;
	struct report_measure research;   /* access of research scanners */
	struct report_measure apart;      /* of victims, reflectors and the mistaken */
	struct report_measure sources;    /* mean of daily distinct; panel alike */
	double *access_days;              /* [day_count], NAN = not observed */
	struct gather_list ports;         /* sorted by rank */
	struct gather_list countries;
	struct gather_cells port_cells;
	struct gather_cells country_cells;
	struct gather_list home;          /* ports, from the home country */
	struct gather_list abroad;        /* ports, from elsewhere */
	struct report_measure home_access;
	unsigned weeks_known;
	struct gather_mover movers[2 * GATHER_MOVERS_MAX]; /* rises, then falls */
	size_t rise_count;
	size_t fall_count;
	struct gather_country_move *country_moves;
	size_t country_move_count;

	struct gather_contribution contributions[GATHER_CONTRIBUTIONS_MAX]; /* largest first */
	size_t contribution_count;

	struct report_measure dos;        /* total per day */
	struct report_measure dos_rate;   /* per address */
	struct report_measure victims;
	double *dos_days;
	struct gather_list dos_ports;
	struct gather_list dos_countries;
	double dos_packets;
	double victim_packets[GATHER_VICTIMS_TOP];
	size_t victim_count;

	struct gather_incident incidents[GATHER_INCIDENTS_MAX]; /* most packets first */
	size_t incident_count;
	size_t attacks_now[ATTACK_KIND_COUNT];
	struct gather_list reflections;   /* abused ports, by mean daily victims */
	struct report_measure reflection_victims; /* mean of daily distinct */

	const struct classmap *classes;   /* attack methods */
	struct gather_alerts alerts;

	struct rises rises;
	struct rises rises_before;
	const struct rise **told;         /* of rises, most telling first */
	size_t told_count;
	const struct rise **told_before;
	size_t told_before_count;

	struct note_list notes;           /* of days of now, by day */

	unsigned visits_dropped;          /* days of now whose sessions retention has dropped */
	bool visits_lost_before;          /* the same of some day before: nothing to compare with */
	struct report_measure sessions;   /* in the basis */
	struct report_measure logins;
	uint64_t login_count;             /* now */
	uint64_t login_sources;
	struct gather_names protocols;    /* sorted by rank */
	struct gather_names events;
	struct gather_tried tried[GATHER_TRIED_KINDS];
	unsigned tried_min_sources;
	unsigned tried_min_sensors;
	unsigned tried_min_days;
};

/* Asks everything.  The caller calls gather_fini in any case. */
ST_MUST_CHECK int gather_run(struct gather *g, struct err *err);
void gather_fini(struct gather *g);

/* ---- between the files of gathering ---------------------------------------------------------- */

/* Sensors, coverage, weights, gaps, drops. */
ST_MUST_CHECK int gather_coverage(struct gather *g, struct err *err);
/* Ports, days, sources, weeks, ties. */
ST_MUST_CHECK int gather_access(struct gather *g, struct err *err);
/* Countries, home cut, what explains the changes. */
ST_MUST_CHECK int gather_countries(struct gather *g, struct err *err);
ST_MUST_CHECK int gather_movers(struct gather *g, struct err *err);
/* Adds the ports that may have large parts in the change to `count` targets; returns how many
 * there are then.  And takes the parts from what the question answered. */
size_t gather_contribution_ports(const struct gather *g, int64_t *targets, size_t count);
void gather_contributions(struct gather *g, const struct store_result *result);
ST_MUST_CHECK int gather_dos(struct gather *g, struct err *err);
/* Victims of reflection, the largest attacks. */
ST_MUST_CHECK int gather_attacks(struct gather *g, struct err *err);
/* Signatures by method and country, new ones, the rules. */
ST_MUST_CHECK int gather_alerts(struct gather *g, struct err *err);
void gather_alerts_fini(struct gather *g);
/*
 * What rose or fell, in both periods: a store_part of the gather (arg), which other steps go on with
 * meanwhile.  It reads the periods, the options and what coverage told, and writes rises and told.
 */
ST_MUST_CHECK int gather_rises(void *arg, struct store *store, struct err *err);
void gather_rises_fini(struct gather *g);
/* Protocols, events. */
ST_MUST_CHECK int gather_visits(struct gather *g, struct err *err);
void gather_visits_fini(struct gather *g);
/* Users, passwords, logins. */
ST_MUST_CHECK int gather_logins(struct gather *g, struct err *err);
void gather_logins_fini(struct gather *g);

/* Asks report_NAME over both periods, with the parameters every question may use filled in. */
#define GATHER_PARAMS_MAX 8
ST_MUST_CHECK int gather_ask(struct gather *g, const char *question,
    const struct store_param *params, size_t count, struct store_result **ret_result,
    struct err *err);

/* The same block by block, from that day on. */
ST_MUST_CHECK int gather_scan(struct gather *g, const char *question,
    const struct store_param *params, size_t count, int32_t from, store_scan_each *each, void *arg,
    struct err *err);

/*
 * SQL that is true for rows whose port is that of one of the targets: by one column the engine passes
 * over rows before it has read the others.
 */
#define GATHER_PORTS_MAX 128 /* of more, it is true for all */
struct gather_ports {
	int list;
	char sql[32];
};
ST_MUST_CHECK int gather_ports_begin(struct gather *g, const int64_t *targets, size_t count,
    struct gather_ports *ret_ports, struct err *err);
void gather_ports_end(struct gather *g, struct gather_ports *ports);

/* Appends the SQL for the days [from, to), counted from g->first. */
void gather_put_days(const struct gather *g, size_t from, size_t to, struct buf *sql);

/* Mean over observed days of a question that gives (date, distinct, distinct on the panel). */
ST_MUST_CHECK int gather_daily_mean(struct gather *g, const char *question,
    struct report_measure *ret_mean, struct err *err);

/* A ranking of countries from a question that gives (sensor, country, now, before). */
ST_MUST_CHECK int gather_country_list(struct gather *g, const char *question,
    enum report_basis basis, struct gather_list *list, struct err *err);

void gather_cell_add(struct gather_cells *cells, uint32_t key, size_t sensor, double packets);
/* rank_without and median of the first rows of a ranked list. */
void gather_robust(struct gather *g, struct gather_list *list, const struct gather_cells *cells);

/* Days in which a sensor was expected to observe. */
double gather_nominal_days(const struct gather *g, const struct gather_sensor *s);

/* SQL for GATHER_KEY of a row, with ICMP types folded where the options say so. */
const char *gather_target_sql(const struct gather *g);

/* Index of a sensor by its number, or SIZE_MAX. */
/* True if so many days of observed time, of all sensors together, make a day of a daily array. */
bool gather_day_counts(const struct gather *g, double observed);
size_t gather_sensor_find(const struct gather *g, uint16_t id);

/* The item of a key (or of a country's two letters), added when new. */
struct gather_item *gather_item_get(struct gather_list *list, uint32_t key);
struct gather_item *gather_item_find(const struct gather_list *list, uint32_t key);
uint32_t gather_country_key(const char *code);
void gather_list_fini(struct gather_list *list);

/*
 * A rate as ranking sees it, to 40 bits: the same packets spread differently over sensors differ
 * in the last bits of their sum and are still a tie.
 */
double gather_order(double rate);

/* Sorts by rate now (ties: more sources, then the smaller key), sets rank and rank_before. */
void gather_rank(struct gather_list *list);

void *gather_alloc(size_t count, size_t size);
