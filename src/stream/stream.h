/*
 * Streams of a passive capture: bounded TCP reassembly and UDP exchanges, both directions in order.
 *
 * A stream costs nothing until it carries payload, so a telescope of SYNs pays for a look at two
 * fields only.  The bytes of each direction go to the sink once, in order; what comes out of order
 * is held within bounds, what never comes is a gap.  Where segments overlap the first copy wins
 * and a counter says so (RFC 9293 leaves it open).  Time is the packets' time; nothing here reads
 * a clock, allocates per packet or recurses.
 *
 * The client is who sent the SYN; without one, who received the SYN-ACK; in a capture that begins
 * in the middle, who talks to the better known port (stream_options.known_port), else who spoke
 * first.  A UDP exchange is a five-tuple until it was idle for a while.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"
#include "decode/decode.h"
#include "fingerprint/tools.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_DEFAULT_MAX (1u << 20)          /* streams at a time */
#define STREAM_DEFAULT_HOLD (64u << 10)        /* bytes held out of order per direction */
#define STREAM_DEFAULT_MEMORY (768ull << 20)   /* everything here, contexts included */
#define STREAM_DEFAULT_TCP_IDLE_US 600000000ll /* an established stream that fell silent */
#define STREAM_DEFAULT_UDP_IDLE_US 60000000ll

enum stream_side {
	STREAM_CLIENT,
	STREAM_SERVER,
};

enum stream_handshake {
	STREAM_HANDSHAKE_NONE, /* the capture began in the middle (always so for UDP) */
	STREAM_HANDSHAKE_SYN,  /* SYN, or SYN-ACK, but not all three */
	STREAM_HANDSHAKE_FULL,
};

enum stream_end {
	STREAM_END_FIN,      /* both sides, or one and then silence */
	STREAM_END_RESET,
	STREAM_END_IDLE,
	STREAM_END_REPLACED, /* a new SYN on the same ports, or room was needed: the oldest goes */
	STREAM_END_CAPTURE,  /* the capture ended */
	STREAM_END_COUNT,
};

/* What the sink may know of a stream.  Valid during the call. */
struct stream {
	struct ip client;
	struct ip server;
	uint16_t client_port;
	uint16_t server_port;
	uint8_t proto;     /* DECODE_PROTO_TCP or DECODE_PROTO_UDP */
	uint8_t handshake; /* enum stream_handshake */
	bool has_syn;      /* the client's SYN was seen: syn_* below are valid */
	uint8_t syn_marks; /* RECORD_MARK_… of the SYN */
	uint32_t syn_signature; /* fingerprint/syn.h */
	int64_t first_us;  /* first packet, the SYN included where it was seen */
	int64_t last_us;   /* the packet that is being handled */
	uint64_t bytes[2]; /* payload delivered, by enum stream_side */
	uint64_t gap_bytes[2];
	uint32_t packets[2]; /* with payload */
};

/* What a sink remembers of a UDP exchange that has no context; zeroes at first. */
struct stream_memory {
	uint32_t state;
	uint16_t kind;
};

/* All may be NULL.  `context` is the consumer's own memory for this stream (context_size, zeroed
 * before open).  A sink never calls back into the streams. */
struct stream_sink {
	void (*open)(void *arg, const struct stream *stream, void *context);
	/* TCP: the next bytes in order.  UDP: one whole datagram. */
	void (*data)(void *arg, const struct stream *stream, void *context, enum stream_side side,
	    const uint8_t *data, size_t len);
	/* TCP: so many bytes never came (0: unknown how many). */
	void (*gap)(void *arg, const struct stream *stream, void *context, enum stream_side side,
	    uint64_t bytes);
	void (*close)(void *arg, const struct stream *stream, void *context, enum stream_end end);
	/*
	 * For a sink that wants to hear neither of the beginning nor of the end of most UDP exchanges: a
	 * datagram of one that has no context.  True: what is to be known when the next one comes is
	 * in *memory.  False: this one was taken as well, but a context is needed; open follows at
	 * once and data gives the next ones.  Counts of `stream` are of this datagram only.
	 */
	bool (*datagram)(void *arg, const struct stream *stream, struct stream_memory *memory,
	    enum stream_side side, const uint8_t *data, size_t len);
};

struct stream_options {
	uint32_t streams_max;  /* 0: the default, as for all below */
	uint32_t hold_max;
	uint64_t memory_max;
	int64_t tcp_idle_us;
	int64_t udp_idle_us;
	size_t context_size;
	/* Is it a service's port?  The answer is remembered; may be NULL. */
	bool (*known_port)(void *arg, uint8_t proto, uint16_t port);
	struct tools *tools; /* remembers the texts of SYN signatures; NULL: ids without text */
	const struct stream_sink *sink;
	void *arg;
};

struct stream_counters {
	uint64_t opened[2];    /* TCP, UDP */
	uint64_t ended[STREAM_END_COUNT];
	uint64_t midstream;    /* TCP streams whose beginning was not captured */
	uint64_t retransmitted_bytes;
	uint64_t overlaps;     /* segments whose overlap differed: the first copy was kept */
	uint64_t held_segments;
	uint64_t gaps;
	uint64_t gap_bytes;
	uint64_t truncated;    /* segments the capture cut short (snap length) */
	uint64_t ignored;      /* TCP: flags or numbers that the stream's ends could not have sent */
	uint64_t no_room;      /* segments that could not be held: the pool was used up */
};

struct streams;

/* ST_USAGE for options that contradict each other, -ENOMEM. */
ST_MUST_CHECK int streams_new(const struct stream_options *options, struct streams **ret_streams);

/* Ends what is still open (STREAM_END_CAPTURE) unless streams_flush did; NULL is allowed. */
void streams_free(struct streams *streams);

/* Takes a batch as decode_batch made it, counted or not: fragments and packets without transport
 * are passed over.  Packets that leave the observed addresses belong here too. */
void streams_add(struct streams *streams, const struct decode_packet *packets, size_t count);

/*
 * The stream that a packet with these ends (src, dst, ports, proto) belongs to, or belonged to
 * until lately; NULL: there is none, or none with a context.
 */
const struct stream *streams_find(const struct streams *streams, const struct decode_packet *ends,
    void **ret_context);

/* Ends every stream that is still open: the capture is over. */
void streams_flush(struct streams *streams);

const struct stream_counters *streams_counters(const struct streams *streams);
const char *stream_end_name(enum stream_end end);
