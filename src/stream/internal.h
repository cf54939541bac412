/*
 * Private to stream/: what stream.c (batches, beginning and end of streams) and tcp.c (segments)
 * share.
 */
#pragma once

#include "stream/brief.h"
#include "stream/hold.h"
#include "stream/recent.h"
#include "stream/wheel.h"

/* Data may be that far from what was expected: the largest TCP window (RFC 7323 2.3). */
#define STREAM_WINDOW_MAX (1 << 30)
/* What is farther than that from an ended stream, or from a SYN, belongs to another one. */
#define STREAM_NEAR_MAX (1 << 20)
/* A RST may be that far ahead of what was seen (a window without scaling). */
#define STREAM_RST_AHEAD_MAX 65535
/* A packet may be captured later than the ACK for it, by so much. */
#define STREAM_ACK_GRACE_US 100000
/* After such a silence, numbers that have nothing to do with the stream's are another stream's. */
#define STREAM_STALE_US 30000000ll
/* One side has closed and the other is silent: RFC 9293's segment lifetime. */
#define STREAM_HALF_CLOSED_US 120000000ll
/* After its end a stream is remembered so long. */
#define STREAM_LINGER_US 10000000ll

struct streams {
	struct stream_options options;
	struct stream_sink sink;
	struct stream_counters counters;
	struct table table;
	struct hold hold;
	struct recent recent;
	struct brief brief; /* empty when the sink does without */
	struct wheel wheel;
	uint16_t hold_nodes_max; /* per side */
	uint64_t known_ports[2][1024]; /* bits; TCP and UDP */
	uint64_t asked_ports[2][1024];
};

/* One packet on its way through. */
struct arrival {
	const struct decode_packet *packet;
	struct slot_key key;
	int64_t time_us;
	uint32_t seq; /* TCP: of the first byte of payload, behind a SYN */
	enum stream_side from; /* once the stream is known */
};

static inline struct slot *streams_slot(struct streams *s, uint32_t number)
{
	return &s->table.slots[number];
}

static inline enum stream_side stream_other(enum stream_side side)
{
	return side == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT;
}

/* stream.c */

/* A slot for the packet's conversation, in the index; room is made for it. */
uint32_t streams_open(struct streams *s, const struct arrival *a, enum stream_side from);
/* Tells the sink that the stream exists: its fields are filled. */
void streams_announce(struct streams *s, uint32_t number);
/* Ends an open stream; its slot is free afterwards, or lingers after FIN and RST. */
void streams_end(struct streams *s, uint32_t number, enum stream_end end);
/* Frees the slot of an ended stream. */
void streams_forget(struct streams *s, uint32_t number);
/* Payload the capture has, and the bytes of payload the datagram had: more when it was cut. */
uint32_t streams_wire_len(const struct decode_packet *packet);
/* Which side the sender of a conversation's first packet is, by the ports. */
enum stream_side streams_guess_side(struct streams *s, const struct decode_packet *packet);

/* tcp.c */

void tcp_handle(struct streams *s, struct arrival *a);
/* Delivers what is held, with its gaps: the stream ends. */
void tcp_flush(struct streams *s, uint32_t number);
