/*
 * The tally: decoded packets in, flow rows per minute out.
 *
 * Time is the packets' time: a minute is open while packets of it come and for TALLY_LATE_US of
 * later packets.  A few minutes are open at once so that packets slightly out of order find theirs,
 * and the quietest one closes when another is needed.  A row's key may therefore come again later:
 * everything that reads rows sums.
 * Counting is exact and nothing is lost at the memory bound: a full minute is closed early.
 */
#pragma once

#include "base/status.h"
#include "decode/decode.h"
#include "fingerprint/tools.h"
#include "record/record.h"
#include "tally/destinations.h"
#include "tally/minute.h"

#define TALLY_MINUTES_OPEN 4
#define TALLY_LATE_US 5000000ll /* a minute closes so long after its end, in packet time */
#define TALLY_LINKTYPES_MAX 64
#define TALLY_ROWS_BATCH 256

/* Totals since the start, always complete. */
struct tally_counters {
	uint64_t read;
	uint64_t counted;
	uint64_t dropped[DECODE_DROP_COUNT];
	uint64_t ip4; /* of the counted packets, from here on */
	uint64_t ip6;
	uint64_t tcp;
	uint64_t udp;
	uint64_t icmp;
	uint64_t icmpv6;
	uint64_t other_transport;
	uint64_t tcp_syn;
	uint64_t tcp_syn_ack;
	uint64_t tcp_rst;
	uint64_t classes[RECORD_CLASS_COUNT];
	uint64_t marks[RECORD_MARK_COUNT];
	uint64_t minutes_closed;
	uint64_t minutes_closed_early; /* because the table was full */
	struct {
		uint16_t linktype;
		uint64_t packets;
	} undecoded[TALLY_LINKTYPES_MAX]; /* reasons linktype-N; ends with packets 0 */
};

/* Up to TALLY_ROWS_BATCH rows of a minute that is being closed, as they lie in its table. */
struct tally_rows {
	int64_t minute_us;
	uint16_t sensor;
	bool has_dst_bits;
	const struct minute_table *table;
	uint32_t first;
	uint32_t count;
};

static inline const struct minute_row *tally_row(const struct tally_rows *rows, uint32_t i)
{
	return minute_table_row(rows->table, rows->first + i);
}

struct ip tally_row_source(const struct tally_rows *rows, uint32_t i);

/* The record of row i (0 … count - 1); country and asn are unknown here (ZZ, 0). */
void tally_row_flow(const struct tally_rows *rows, uint32_t i, struct record_flow *ret_flow);

/* Takes rows; non-zero stops the tally and is returned. */
typedef int (*tally_sink_fn)(void *arg, const struct tally_rows *rows);

/*
 * Closed minutes may be taken in another thread: the tally hands each on, counts in other memory,
 * and asks before it uses that minute's again.  Both functions are called by the tally's thread.
 */
struct tally_minute;
struct tally_relay {
	/* Takes a closed minute; there are at most TALLY_MINUTES_OPEN at a time.  Their rows are to be
	 * taken with tally_minute_emit, in the order of handing on. */
	void (*hand)(void *arg, struct tally_minute *minute);
	/* Have that minute's rows been taken?  ST_OK, the sink's code, or -EAGAIN unless wait. */
	int (*settle)(void *arg, const struct tally_minute *minute, bool wait);
};

/* Gives all rows of a closed minute to the sink; returns the sink's code. */
ST_MUST_CHECK int tally_minute_emit(struct tally_minute *minute, tally_sink_fn sink, void *arg);

/* How exactly a row's number of distinct destinations is counted; FEW: 1, or 2 for several. */
enum tally_dsts {
	TALLY_DSTS_ALL,
	TALLY_DSTS_FEW_OF_SYNS, /* of rows of plain SYNs FEW, of others ALL */
	TALLY_DSTS_FEW,
};

struct tally_options {
	uint16_t sensor;
	const struct ip_net *nets; /* observed networks; none: every destination */
	size_t net_count;
	const struct ip_net *excluded;
	size_t excluded_count;
	const struct ip *known; /* destinations that have an index already */
	size_t known_count;
	enum tally_dsts dsts;
	struct tools *tools; /* borrowed; may not be NULL */
	tally_sink_fn sink; /* without a relay */
	void *sink_arg;
	const struct tally_relay *relay; /* borrowed; may be NULL */
	void *relay_arg;
};

struct tally;

ST_MUST_CHECK int tally_new(const struct tally_options *options, struct tally **ret_tally,
    struct err *err);
void tally_free(struct tally *tally);

/* Counts a batch of at most CAPTURE_BATCH_MAX packets; their `drop` may be set here
 * (not-observed, outbound).  Returns the sink's code. */
ST_MUST_CHECK int tally_add(struct tally *tally, struct decode_packet *packets, size_t count);

/* Closes all open minutes; their rows have all been taken afterwards. */
ST_MUST_CHECK int tally_flush(struct tally *tally);

const struct tally_counters *tally_counters(const struct tally *tally);
const struct destinations *tally_destinations(const struct tally *tally);

/* The same, for others who hand out indices beside the tally. */
struct destinations *tally_observed(struct tally *tally);
