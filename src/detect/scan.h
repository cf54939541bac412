/*
 * Scans: who asks many observed addresses, or many ports, and from when to when; sums of rows of
 * access in, one source after the other, events out.
 *
 * What silence ends a scan depends on how many addresses observe: one who asks the whole Internet
 * at a steady rate reaches N of its 2^32 addresses so seldom that a fixed timeout would cut it
 * into pieces (Durumeric et al., USENIX Security 2014, chose 480 s for 5.5 million addresses).
 * The gap here is the one that wrongly ends SCAN_SPLIT of the silences of the slowest scan that is
 * to be held together; below SCAN_DAY_ADDRESSES the question is asked per day.  So a scan of one
 * packet every few hours is one event over weeks.
 *
 * It never sees packets, holds one source at a time and a bounded list, reads no clock, and does
 * not judge roles: rows of victims must not be given to it.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DAY_ADDRESSES 5000u /* below: buckets of a day */
#define SCAN_SPLIT 0.002         /* chance that a silence of a steady scan ends it */
#define SCAN_SAMPLES_MAX (1u << 20) /* of one source */
#define SCAN_LIST_MAX (1u << 20)

/* What the configuration says (section detect). */
struct scan_settings {
	uint64_t packets;      /* least of an event */
	uint32_t destinations; /* least distinct observed addresses; 0: by their number */
	uint32_t ports;        /* with more, all ports of a source are one event */
	uint64_t rate;         /* packets per second to the whole IPv4 Internet, held together */
	int64_t gap_max_us;    /* no silence may be longer */
	int64_t slow_us;       /* mean time between packets from which a scan is slow */
};

struct scan_rule {
	uint64_t addresses;
	uint64_t packets;
	uint32_t destinations;
	uint32_t ports;
	int64_t gap_us;
	int64_t bucket_us; /* rows may be summed over so much time */
	int64_t slow_us;
};

/* The rule at so many observed addresses (0 counts as 1). */
struct scan_rule scan_rule_of(const struct scan_settings *settings, uint64_t addresses);

enum scan_shape {
	SCAN_HORIZONTAL, /* one port of several addresses */
	SCAN_VERTICAL,   /* many ports of few addresses */
	SCAN_BLOCK,      /* many ports of several addresses */
	SCAN_SHAPE_COUNT,
};

struct scan {
	struct ip source;
	enum scan_shape shape;
	uint8_t proto; /* of horizontal ones, as is port */
	uint16_t port;
	uint32_t ports;      /* distinct (protocol, port) */
	bool ports_at_least; /* there may be more */
	bool slow;
	uint16_t sensors;
	uint32_t destinations; /* distinct observed addresses, at least … */
	uint32_t destinations_most; /* … and at most: the same up to 64 addresses of a sensor */
	int64_t start_us;
	int64_t end_us; /* second of the last packet */
	uint64_t packets;
};

/* Rows of access of one source, sensor and bucket, summed. */
struct scan_sample {
	struct ip source;
	uint8_t proto;
	uint16_t port;
	uint32_t ports; /* distinct; more than 1: port says nothing */
	uint16_t sensor;
	int64_t first_us;
	int64_t last_us;
	uint64_t packets;
	uint64_t dst_bits;
	uint64_t dsts; /* distinct observed addresses, at least */
	bool has_bits; /* dst_bits has all of them */
	uint64_t dsts_most; /* at most; without bits */
	bool marked; /* the packets carry a scanner's mark */
};

struct scans;

/* -ENOMEM. */
ST_MUST_CHECK int scans_new(const struct scan_rule *rule, struct scans **ret_scans);
void scans_free(struct scans *scans);

/* All samples of a source come together, in any order.  -ENOMEM. */
ST_MUST_CHECK int scans_add(struct scans *scans, const struct scan_sample *sample);

/* Ends the last source and sorts the list: most packets first.  -ENOMEM. */
ST_MUST_CHECK int scans_finish(struct scans *scans);

const struct scan *scans_list(const struct scans *scans, size_t *ret_count);

/* Packets of samples, and events, that there was no room for. */
uint64_t scans_untracked(const struct scans *scans);
uint64_t scans_unlisted(const struct scans *scans);

const char *scan_shape_name(enum scan_shape shape);

/*
 * The share of addresses that were asked, with the 95 % interval of Clopper and Pearson (1934),
 * when `found` of `observed` addresses were; its upper end is that of `most`, where it is only
 * known that not more were.  It is the share of the whole Internet only if the scan chose addresses
 * as if by lot: then ours are a sample.
 */
struct scan_coverage {
	double share;
	double low;
	double high;
};
struct scan_coverage scan_coverage_of(uint64_t found, uint64_t most, uint64_t observed);
