/*
 * The analysis of capture files: capture → decode → tally → summary, and the store when there is
 * one.  What `teiten analyze` runs; it prints nothing.  Its threads end before pipeline_run returns.
 */
#pragma once

#include "capture/capture.h"
#include "cmd/clustering.h"
#include "cmd/inspection.h"
#include "cmd/judgements.h"
#include "cmd/visitors.h"
#include "geo/geo.h"
#include "store/store.h"
#include "tally/summary.h"
#include "tally/tally.h"

struct pipeline_options {
	const char *const *names; /* capture files */
	size_t name_count;
	const char *filter;
	const struct ip_net *nets;
	size_t net_count;
	const struct ip_net *excluded;
	size_t excluded_count;
	const struct geo *geo;  /* NULL: unknown places */
	const char *tool_rules; /* text, NULL: built in */
	struct zone *zone;      /* of the site: where days begin */
	struct store *store;    /* NULL: nothing is stored */
	uint16_t sensor;        /* its number in the store */
	bool again;
	/* Packets, sources and tools only: no conversations, attacks, roles, clusters, and not who asked
	 * which port.  Without a store and signatures. */
	bool quick;
	uint32_t streams_max; /* limits of streams; 0: the defaults */
	uint32_t hold_max;
	uint64_t stream_bytes;
	uint64_t room_bytes;
	struct inspection *alerts; /* get every packet; NULL: none */
	/* Called now and then with bytes done and in all (0 = unknown); may be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	/* A sentence for stderr about a file that was not stored or a silence; may be NULL. */
	void (*say)(void *arg, const char *sentence);
	void *arg;
};

struct pipeline;

/* Runs to the end.  *ret_pipeline holds the results until pipeline_free; damage in files is in
 * pipeline_files, an error is returned only for what makes the whole analysis useless. */
ST_MUST_CHECK int pipeline_run(const struct pipeline_options *options,
    struct pipeline **ret_pipeline, struct err *err);
void pipeline_free(struct pipeline *pipeline);

const struct capture_file *pipeline_files(const struct pipeline *pipeline, size_t *ret_count);
const struct tally_counters *pipeline_counters(const struct pipeline *pipeline);
const struct destinations *pipeline_destinations(const struct pipeline *pipeline);
const struct summary *pipeline_summary(const struct pipeline *pipeline);
const struct visitors *pipeline_visitors(const struct pipeline *pipeline);
const struct judgements *pipeline_judgements(const struct pipeline *pipeline);
struct clustering *pipeline_clustering(const struct pipeline *pipeline);

/* Files that were not stored because they were there already. */
unsigned pipeline_refused(const struct pipeline *pipeline);

/* Files that held nothing but packets of a link type that is not decoded. */
unsigned pipeline_undecoded(const struct pipeline *pipeline);

/* Days covered by the union of the files' [first, last]. */
double pipeline_days(const struct pipeline *pipeline);
