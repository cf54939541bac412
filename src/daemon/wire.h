/*
 * The messages between the sensor's programs (os/channel.h carries them).
 *
 * To the store: rows, signatures, blobs.  Between courier and responder: letters.  Whoever sends
 * may have been taken over: every field is checked, and a sender of nonsense is dropped.
 */
#pragma once

#include "base/status.h"
#include "capture/fanout.h"
#include "record/record.h"

#include <stddef.h>
#include <stdint.h>

enum wire_type {
	WIRE_ROWS = 1,  /* u8 table, u32 length, row (record_encode); again and again */
	WIRE_SIGNATURE, /* u32 id, text */
	WIRE_BLOB,      /* 64 hex digits, u64 size of all, u64 offset, bytes */
	WIRE_READY,     /* store → supervisor: u16 sensor, then its known addresses, u64 pairs */
	WIRE_MORE,      /* store → supervisor: further known addresses */
	WIRE_STATUS,    /* worker → supervisor: JSON text */
	WIRE_COMPLAINT, /* store → supervisor: u8 which worker sent nonsense (enum wire_peer); courier
	                   and responder → supervisor: the other one did, no body */
	WIRE_DRAIN,     /* supervisor → worker: finish what is open, take nothing new */
	WIRE_GONE,      /* worker → store: what was sent before is all of one: at its clean end, and at
	                   a successor's beginning */
	WIRE_TAIL,      /* supervisor → store: u8, 1 = tell what comes, 0 = stop; store → supervisor: a
	                   line of JSON */
	WIRE_LINK,      /* supervisor → capture: u8, 1 = packets can come, 0 = the interface is down */
	WIRE_PREPARED,  /* worker → supervisor: u32 rules in use; it waits for WIRE_BEGIN */
	WIRE_BEGIN,     /* supervisor → worker: nobody is in the way any more */
	WIRE_EDITION,   /* worker → store: which rules it inspects with: u32 rules, u32 updated, u64 from,
	                   u64 to, 16 hex digits (detect/ruleset_edition.h) */
	WIRE_DATAGRAM,  /* courier → responder: one that came to a port without a socket (letter.h) */
	WIRE_ANSWER,    /* responder → courier */
	WIRE_CLOCK,     /* capture → store: i64, wall clock less the monotonic one, microseconds, in the
	                   rows of coverage that follow (tally/overlap.h) */
	WIRE_ADDRESS,   /* capture → store: u32 number, u64 pair: an observed address by the capture's own
	                   numbers (daemon/numbers.h) */
};

enum wire_peer {
	WIRE_PEER_RESPOND,
	WIRE_PEER_SSH,
	WIRE_PEER_CAPTURE, /* of the first ring; those of the others follow */
	WIRE_PEER_COUNT = WIRE_PEER_CAPTURE + FANOUT_RINGS_MAX,
};

#define WIRE_ROW_HEAD 5   /* bytes before a row */
#define WIRE_BLOB_HEAD 80 /* bytes before a blob's */
#define WIRE_BLOB_PART (32u << 10)
#define WIRE_DIGEST 16 /* of an edition */

/*
 * Reads the rows of a WIRE_ROWS body and gives each to `row` after checking it: a known table of
 * those a worker may send, the sensor's own number, times that make sense, text that is UTF-8,
 * country codes that are letters.  ST_MALFORMED, or what `row` returned.
 */
ST_MUST_CHECK int wire_rows(const uint8_t *body, size_t len, uint16_t sensor, int64_t now_us,
    int (*row)(void *arg, enum record_table_id table, const void *row), void *arg);
