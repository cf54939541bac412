/*
 * The scans of a period from the store's rows: chooses which sources are looked at so that the
 * rows stay few, feeds the detector, and judges each source's tool over all that was looked at.
 */
#pragma once

#include "cmd/window.h"
#include "detect/scan.h"
#include "fingerprint/tools.h"

#define SCAN_LIST_ROWS_MAX 1000000u /* of the store, at a time: some 150 MB */
#define SCAN_LIST_PORTS 4           /* told of a scan of many */
#define SCAN_LIST_NAMED 200         /* scans whose sources are asked for one by one */

enum scan_list_asked { /* bits */
	SCAN_LIST_HAJIME = 1 << 0, /* 5358/tcp */
	SCAN_LIST_TELNET = 1 << 1, /* 23/tcp */
	SCAN_LIST_OTHER = 1 << 2,  /* another port, or a mark */
};

struct scan_list_source {
	struct ip ip;
	uint64_t packets; /* of access, all ports */
	uint32_t asn;
	int8_t tool; /* of `tools`; -1: none */
	char country[3];
	uint8_t asked; /* enum scan_list_asked */
	uint32_t ports; /* distinct; 0: not asked for */
	uint32_t top[SCAN_LIST_PORTS]; /* proto × 65536 + port, most packets first; 0 ends */
};

struct scan_list_options {
	bool has_source;
	struct ip source; /* only this one */
	bool has_port;
	uint32_t port; /* only this one: proto × 65536 + port */
};

struct scan_list {
	struct scan_rule rule;
	struct scans *scans;
	struct tools *tools; /* NULL until scan_list_tools */
	struct buf candidates; /* SQL: the sources that were looked at */
	const struct scan *list; /* those that overlap the period, most packets first */
	size_t count;
	struct scan *kept; /* behind list */
	struct scan_list_source *sources; /* sorted by address */
	size_t source_count;
	size_t source_capacity;
	uint64_t least;            /* sources with fewer packets were not looked at … */
	uint64_t left_out_sources; /* … so many of them */
	uint64_t left_out_packets;
	int64_t since_us;          /* rows from here on were looked at */
	int32_t since_day;
};

/* COMMAND_OK, or the exit status after saying what is wrong.  End with scan_list_fini always. */
int scan_list_load(const struct command *self, struct window *w,
    const struct scan_list_options *options, struct scan_list *ret_list);
void scan_list_fini(struct scan_list *list);

/* Judges the tools of the sources of the first `count` of the list, at least. */
ST_MUST_CHECK int scan_list_tools(struct scan_list *list, struct window *w, size_t count,
    struct err *err);

/* Asks for the ports of scans of many, among the first `count` of the list. */
ST_MUST_CHECK int scan_list_ports(struct scan_list *list, struct window *w, size_t count,
    struct err *err);

const struct scan_list_source *scan_list_source(const struct scan_list *list, struct ip ip);

/* "zmap", or "hajime-like" by the two ports it asks without a mark (NPA, 2017-03-22), or NULL. */
const char *scan_list_tool(const struct scan_list *list, const struct scan_list_source *source);
