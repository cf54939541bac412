/*
 * The summary of one run: sources, ports, countries, autonomous systems and tools, from the tally's rows.
 *
 * What `teiten analyze` prints comes from here, without a store.  Counts are exact up to declared
 * bounds on distinct sources and source-port pairs; beyond them packets are still counted and
 * `saturated` says that numbers of sources are lower bounds.
 */
#pragma once

#include "geo/geo.h"
#include "tally/tally.h"

#define SUMMARY_SOURCES_MAX (16u << 20)
#define SUMMARY_PAIRS_MAX (64u << 20) /* beyond the first few ports of each source */

struct summary;

struct summary_options {
	const struct tools *tools; /* borrowed, as is geo */
	const struct geo *geo;     /* NULL: unknown places */
	/* Who asked which port is not kept: numbers of sources and of ports, and main ports, are 0. */
	bool apart;
};

ST_MUST_CHECK int summary_new(const struct summary_options *options,
    struct summary **ret_summary);
void summary_free(struct summary *summary);

/* Adds rows of the tally. */
ST_MUST_CHECK int summary_add(struct summary *summary, const struct tally_rows *rows);

/* Once, after the last row; then sources may be walked, beside summary_finish too. */
void summary_close(struct summary *summary);

/* Adds up ports and looks up places: once, after summary_close, before asking for lists. */
ST_MUST_CHECK int summary_finish(struct summary *summary);

struct summary_totals {
	uint64_t sources;
	uint64_t request_sources; /* sources of at least one access packet */
	bool saturated;
};

struct summary_port {
	uint8_t proto;
	uint16_t port;
	uint64_t packets;
	uint64_t sources;
	uint64_t mirai; /* packets with the mark */
};

struct summary_country {
	char country[2];
	uint64_t packets;
	uint64_t sources;
	uint8_t proto; /* main port */
	uint16_t port;
};

struct summary_asn {
	uint32_t asn; /* 0: unknown */
	uint64_t packets;
	uint64_t sources;
};

struct summary_tool {
	const char *tool; /* lives as long as the rules */
	uint64_t packets; /* access packets of the sources judged to use it */
	uint64_t sources;
};

/* One source, also of those that never asked. */
struct summary_source {
	struct ip ip;
	uint64_t access;        /* packets */
	uint32_t ports;         /* distinct, of access */
	bool several_addresses; /* asked more than one observed address */
	bool talks;             /* also sent what is no access */
	uint32_t tools;         /* bit set of tools_judge */
};

/* Calls back for every source that was kept, until it returns non-zero.  -ENOMEM. */
typedef int (*summary_source_fn)(void *arg, const struct summary_source *source);
ST_MUST_CHECK int summary_sources(const struct summary *summary, summary_source_fn each, void *arg);

struct summary_totals summary_totals(const struct summary *summary);

/*
 * Lists in rank order: by packets, then sources, then port number or name.  The caller frees the
 * array.  All are about access packets.
 */
ST_MUST_CHECK int summary_ports(const struct summary *summary, struct summary_port **ret_ports,
    size_t *ret_count);
ST_MUST_CHECK int summary_countries(const struct summary *summary,
    struct summary_country **ret_countries, size_t *ret_count);
ST_MUST_CHECK int summary_asns(const struct summary *summary, struct summary_asn **ret_asns,
    size_t *ret_count);
ST_MUST_CHECK int summary_tools(const struct summary *summary, struct summary_tool **ret_tools,
    size_t *ret_count);
