/*
 * What visitors said in a capture: streams → sessions → counts, and rows of the store when there is
 * one.  The part of the analysis pipeline behind the packets' headers.
 */
#pragma once

#include "detect/signatures.h"
#include "geo/geo.h"
#include "store/store.h"
#include "stream/stream.h"
#include "tally/destinations.h"
#include "tally/sessions.h"

struct visitors;

struct visitors_options {
	uint16_t sensor;
	struct destinations *destinations; /* NULL: every server counts */
	const struct geo *geo;
	struct tools *tools; /* remembers the texts of SYN signatures */
	struct store *store; /* NULL: counts only */
	uint32_t streams_max; /* 0: as stream.h and sessions.h have them; so for all below */
	uint32_t hold_max;
	uint64_t stream_bytes;
	uint64_t room_bytes;
	bool remember; /* for visitors_session: what ended during a call */
};

ST_MUST_CHECK int visitors_new(const struct visitors_options *options,
    struct visitors **ret_visitors, struct err *err);
void visitors_free(struct visitors *visitors);

/* Packets as decode_batch made them, counted or not.  Rows go to ingest, which may be NULL: then
 * they are not kept. */
ST_MUST_CHECK int visitors_add(struct visitors *visitors, const struct decode_packet *packets,
    size_t count, struct store_ingest *ingest, struct err *err);

/* The file is over; `last`: the capture too, every stream ends. */
ST_MUST_CHECK int visitors_end_file(struct visitors *visitors, bool last,
    struct store_ingest *ingest, struct err *err);

const struct sessions *visitors_sessions(const struct visitors *visitors);
const struct stream_counters *visitors_counters(const struct visitors *visitors);

/* The row that what a packet with these ends said at this time belongs to, for alerts of the packets
 * of the last call; 0: none.  As signatures_options.session. */
uint64_t visitors_session(void *visitors, const struct signatures_alert *alert);

/* Name of a protocol number of sessions_protocol_count, "" behind the last. */
const char *visitors_protocol(const struct visitors *visitors, uint16_t number);
