/*
 * Clusters: sources whose SYNs keep something constant that a kernel would draw anew, named by
 * what they keep.
 *
 * A scanner that nobody has named yet gives itself away by a fixed sequence number, a fixed source
 * port, a relation between fields.  Per source and day: of twenty SYNs and more that were looked at,
 * which fields had one value only?  A field of 16 bits does so by chance once in 2^304.  The cluster's
 * id is a hash of initial TTL, window, kinds of options and that set of fields: the same at every
 * sensor for ever, and the same for sources of one program.
 *
 * What is a known tool's (marks.h) is no cluster.  Cost is bounded: a table of fixed size keeps those
 * who send most, and beyond CLUSTERS_MINUTE_SYNS in a minute of packet time only one batch in
 * CLUSTERS_SAMPLE is looked at.  Which ones depends on the packets alone.
 */
#pragma once

#include "base/status.h"
#include "decode/decode.h"
#include "geo/geo.h"
#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTERS_SYNS_LEAST 20
#define CLUSTERS_SOURCES_MAX 65536u
#define CLUSTERS_MINUTE_SYNS 2048u
#define CLUSTERS_SAMPLE 64u
#define CLUSTERS_SPAN_LEAST_S 60 /* seconds, before a clock can be told from a constant */
#define CLUSTERS_NAME_MAX 17
#define CLUSTERS_OPTIONS_MAX 80

/* Fields and relations; the bits are part of the id and are only ever appended. */
enum clusters_field {
	CLUSTERS_SEQ,
	CLUSTERS_SEQ_HIGH, /* upper half of it; only while the whole changes */
	CLUSTERS_SEQ_LOW,
	CLUSTERS_ACK,      /* constant and not 0 */
	CLUSTERS_SPORT,
	CLUSTERS_IP_ID,    /* constant and not 0 */
	CLUSTERS_WINDOW,
	CLUSTERS_TTL,      /* routes may change it by CLUSTERS_TTL_SLACK */
	CLUSTERS_OPTIONS,  /* kinds and their order */
	CLUSTERS_TIME,     /* time stamp − seconds since 1970 */
	CLUSTERS_SEQ_MINUS_DST,
	CLUSTERS_SEQ_XOR_DST,
	CLUSTERS_ID_XOR,   /* IP ID ^ dst ^ dport ^ seq */
	CLUSTERS_SEQ_SPORT, /* seq − (sport << 16) */
	CLUSTERS_FIELD_COUNT,
};

#define CLUSTERS_TTL_SLACK 2

/* "seq", "seq-high", …: stable. */
const char *clusters_field_name(enum clusters_field field);

/* Those that no ordinary stack keeps constant. */
#define CLUSTERS_TELLING                                                                            \
	((1u << CLUSTERS_SEQ) | (1u << CLUSTERS_SEQ_HIGH) | (1u << CLUSTERS_SEQ_LOW)                \
	    | (1u << CLUSTERS_ACK) | (1u << CLUSTERS_SPORT) | (1u << CLUSTERS_IP_ID)                \
	    | (1u << CLUSTERS_TIME) | (1u << CLUSTERS_SEQ_MINUS_DST) | (1u << CLUSTERS_SEQ_XOR_DST) \
	    | (1u << CLUSTERS_ID_XOR) | (1u << CLUSTERS_SEQ_SPORT))

/* A source that belongs to a cluster. */
struct clusters_member {
	struct ip src;
	int64_t last_us; /* of its newest SYN that was looked at, to two seconds */
	uint32_t id;     /* of the cluster */
	uint32_t fields; /* 1 << enum clusters_field */
	uint32_t syns;   /* looked at */
	uint64_t options; /* clusters_options_text */
	uint16_t window; /* 0 when it changes */
	uint8_t initial_ttl;
};

struct clusters;

ST_MUST_CHECK int clusters_new(struct clusters **ret_clusters);
void clusters_free(struct clusters *clusters);

/* Looks at a batch after the tally counted it (what is dropped is no evidence).  Times are of the
 * day that clusters_begin began. */
void clusters_add(struct clusters *clusters, const struct decode_packet *packets, size_t count);

/* Forgets all sources; a day begins. */
void clusters_begin(struct clusters *clusters, int64_t day_start_us);

/* Calls `each` for every source of the day that belongs to a cluster, in the order they
 * came, until it returns non-zero. */
int clusters_members(const struct clusters *clusters,
    int (*each)(void *arg, const struct clusters_member *member), void *arg);

/* "cluster-1a2b3c4d" */
const char *clusters_name(uint32_t id, char text[CLUSTERS_NAME_MAX]);

/* "mss,sok,ts,nop,ws"; "" for none. */
const char *clusters_options_text(uint64_t options, char text[CLUSTERS_OPTIONS_MAX]);

/* The member as a row of cluster_day, seen at the sensor; its options point to `options`. */
struct record_cluster_day clusters_row(const struct clusters_member *member, uint16_t sensor,
    const struct geo *geo, char options[CLUSTERS_OPTIONS_MAX]);
