/*
 * Clusters of a run: sources that keep a field constant (fingerprint/clusters.h), by site day, as
 * rows for the store and as a list for the document.
 */
#pragma once

#include "fingerprint/clusters.h"
#include "geo/geo.h"
#include "store/store.h"

#define CLUSTERING_MEMBERS_MAX (1u << 20) /* of the list; the store gets all */

/* One cluster. */
struct clustering_row {
	uint32_t id;
	uint32_t fields;
	uint64_t sources;
	uint64_t syns; /* looked at */
	uint64_t options;
	uint16_t window;
	uint8_t initial_ttl;
};

struct clustering;

/* zone and geo are borrowed; geo may be NULL. */
ST_MUST_CHECK int clustering_new(uint16_t sensor, struct zone *zone, const struct geo *geo,
    struct clustering **ret_clustering, struct err *err);
void clustering_free(struct clustering *clustering);

/* Takes packets of one site day, as the tally left them.  ingest: where rows go, or NULL. */
ST_MUST_CHECK int clustering_add(struct clustering *clustering,
    const struct decode_packet *packets, size_t count, struct store_ingest *ingest,
    struct err *err);

/* The day so far is over: at the end of a file, before its ingest is committed. */
ST_MUST_CHECK int clustering_flush(struct clustering *clustering, struct store_ingest *ingest,
    struct err *err);

/* The clusters, those of most sources first; the list lives until the next call. */
const struct clustering_row *clustering_rows(struct clustering *clustering, size_t *ret_count);

/* For readers: "固定シーケンス番号、固定送信元ポート" or "constant sequence number, source port". */
void clustering_put_fields(uint32_t fields, bool ja, struct buf *b);

/* "TTL 64, window 1024, options mss" */
void clustering_put_shape(uint8_t initial_ttl, unsigned window, const char *options, bool ja,
    struct buf *b);
