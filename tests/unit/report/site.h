/*
 * A site with two sensors and two weeks whose numbers can be computed by hand.
 *
 * Tokyo days.  Week A is 2026-10-05 … 11, week B 2026-10-12 … 18 (Mondays).
 * alpha: 4 addresses, both weeks.  beta: 1 address, both weeks, but only half of each day of B.
 */
#pragma once

/* clang-format off: cmocka needs these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/civil.h"
#include "base/ip.h"
#include "report/report.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITE_WEEK_A 20731 /* 2026-10-05 */
#define SITE_WEEK_B 20738
#define SITE_MINUTE CIVIL_US_PER_MINUTE

#define OK(call)                                                                                \
	do {                                                                                    \
		struct err err = {0};                                                           \
		int code_ = (call);                                                             \
		if (code_ < 0)                                                                  \
			fail_msg("%s: %d %s", #call, code_, err.text);                          \
	} while (0)

struct site {
	char path[256];
	struct store *store;
	struct store_ingest *ingest;
};

static inline void site_new(struct site *site, const char *zone)
{
	const char *base = getenv("TMPDIR");
	struct store_options options = {.path = site->path, .mode = STORE_WRITE, .timezone = zone,
	    .threads = 1};

	memset(site, 0, sizeof(*site));
	(void)snprintf(site->path, sizeof(site->path), "%s/teiten-report-XXXXXX",
	    base ? base : "/tmp");
	assert_non_null(mkdtemp(site->path));
	options.path = site->path;
	OK(store_open(&options, &site->store, &err));
}

static inline void site_free(struct site *site)
{
	char command[300];

	store_close(site->store);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", site->path);
	assert_int_equal(system(command), 0);
}

static inline uint16_t site_sensor(struct site *site, const char *name)
{
	struct record_sensor sensor = {
		.name = {name, (uint32_t)strlen(name)},
		.country = {'J', 'P'},
		.kind = {"dark", 4},
	};
	uint16_t id = 0;

	OK(store_sensor_put(site->store, &sensor, &id, &err));
	return id;
}

static inline void site_begin(struct site *site, uint16_t sensor)
{
	const struct store_ingest_options options = {.sensor = sensor, .name = "made"};

	OK(store_ingest_begin(site->store, &options, &site->ingest, &err));
}

static inline void site_commit(struct site *site)
{
	OK(store_ingest_commit(site->ingest, &err));
}

/* Observed from..to hours of a Tokyo day. */
static inline void site_observe(struct site *site, uint16_t sensor, int32_t day, int from_hour,
    int to_hour, uint32_t addresses)
{
	int64_t start = (int64_t)day * CIVIL_US_PER_DAY - 9 * 60 * SITE_MINUTE;
	struct record_coverage row = {
		.time = start + from_hour * 60 * SITE_MINUTE,
		.end = start + to_hour * 60 * SITE_MINUTE,
		.sensor = sensor,
		.addresses = addresses,
		.packets_read = 100,
		.packets_counted = 90,
		.drops = {"not-ip=7 outbound=3", 19},
	};

	OK(store_ingest_coverage(site->ingest, &row, 1, &err));
}

struct site_packets {
	int32_t day;
	uint32_t source; /* IPv4 */
	uint8_t proto;
	uint16_t port;
	uint32_t packets;
	const char *country;
	uint16_t marks;
};

/* Access packets in the first hour of the Tokyo day. */
static inline void site_access(struct site *site, uint16_t sensor, const struct site_packets *p)
{
	struct record_flow row = {
		.time = (int64_t)p->day * CIVIL_US_PER_DAY - 9 * 60 * SITE_MINUTE + SITE_MINUTE,
		.sensor = sensor,
		.src_lo = IP_V4_PREFIX | p->source,
		.proto = p->proto,
		.port = p->port,
		.class = RECORD_CLASS_REQUEST,
		.tcp_flags = p->proto == 6 ? 2 : 0,
		.marks = p->marks,
		.packets = p->packets,
		.bytes = 40ull * p->packets,
		.dsts = 1,
		.dst_bits = 1,
		.country = {p->country[0], p->country[1]},
	};

	OK(store_ingest_flow(site->ingest, &row, 1, &err));
}

/* Backscatter: `source` is the victim, `proto` and `port` what was attacked. */
static inline void site_backscatter(struct site *site, uint16_t sensor,
    const struct site_packets *p)
{
	struct record_flow row = {
		.time = (int64_t)p->day * CIVIL_US_PER_DAY - 9 * 60 * SITE_MINUTE + SITE_MINUTE,
		.sensor = sensor,
		.src_lo = IP_V4_PREFIX | p->source,
		.proto = p->proto,
		.port = p->port,
		.class = RECORD_CLASS_BACKSCATTER,
		.tcp_flags = 0x12,
		.packets = p->packets,
		.bytes = 40ull * p->packets,
		.dsts = 1,
		.dst_bits = 1,
		.country = {p->country[0], p->country[1]},
		.victim_lo = IP_V4_PREFIX | p->source,
		.victim_proto = p->proto,
	};

	OK(store_ingest_flow(site->ingest, &row, 1, &err));
}

/* For those who tell each file they remove. */
static inline void site_quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static inline struct report_options site_week(int32_t monday)
{
	return (struct report_options){
		.period = {REPORT_PERIOD_WEEK, monday, monday + 7},
		.home_country = "JP",
		.made_us = 1792281600000000ll,
	};
}

static inline void assert_fact(const struct report_document *doc, const char *id, double expected)
{
	const struct report_fact *fact = report_fact_find(doc, id);

	if (!fact)
		fail_msg("no fact %s", id);
	if (!fact->known)
		fail_msg("fact %s is not known", id);
	if (fact->value < expected - 1e-9 * (1 + expected)
	    || fact->value > expected + 1e-9 * (1 + (expected < 0 ? -expected : expected)))
		fail_msg("fact %s is %.12f, not %.12f", id, fact->value, expected);
}

static inline const struct report_table *find_table(const struct report_document *doc,
    const char *id)
{
	for (const struct report_block *block = doc->blocks; block; block = block->next)
		if (block->kind == REPORT_BLOCK_TABLE && strcmp(block->table->id, id) == 0)
			return block->table;
	return NULL;
}

static inline const struct report_figure *find_figure(const struct report_document *doc,
    const char *id)
{
	for (const struct report_block *block = doc->blocks; block; block = block->next)
		if (block->kind == REPORT_BLOCK_FIGURE && strcmp(block->figure->id, id) == 0)
			return block->figure;
	return NULL;
}

static inline const struct report_value *find_cell(const struct report_table *table, size_t row,
    const char *csv)
{
	for (size_t c = 0; c < table->column_count; c++)
		if (strcmp(table->columns[c].csv, csv) == 0)
			return &table->cells[row * table->column_count + c];
	fail_msg("no column %s", csv);
	return NULL;
}

/* True when some sentence outside tables uses the message. */
static inline bool says(const struct report_document *doc, const char *message)
{
	for (const struct report_block *block = doc->blocks; block; block = block->next)
		for (size_t i = 0; i < block->sentence_count; i++)
			if (strcmp(block->sentences[i].message, message) == 0)
				return true;
	return false;
}
