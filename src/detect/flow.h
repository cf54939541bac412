/*
 * Flows: which side sent a packet, whether the session stands, and the bytes of a session in
 * order.  Private to detect/.
 *
 * A SYN costs sixteen bytes until something follows it, then a slot; memory for bytes comes with the first byte of an established
 * session.  The client is who sent the first packet.  TCP follows RFC 9293 as far as rules care;
 * of bytes that come twice the first copy wins.  A session whose SYN was not seen is not put
 * together: its packets are matched one by one, as Suricata does.
 */
#pragma once

#include "detect/packet.h"

#define FLOW_HELD_MAX (256u << 10) /* bytes out of order, per direction */
#define FLOW_BITS_MAX 64
#define FLOW_INTS_MAX 16

enum flow_side {
	SIDE_CLIENT,
	SIDE_SERVER,
};

enum flow_tcp {
	TCP_NONE, /* no SYN was seen: not followed */
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_CLOSED,
};

struct flow_segment;

struct flow_stream {
	uint32_t next; /* sequence number of the next byte in order */
	uint32_t high; /* one behind the highest that was seen */
	bool known;    /* next is valid */
	bool has_timestamp;
	uint32_t timestamp; /* of the last packet */
	bool fin;
	uint32_t fin_seq;
	struct flow_segment *held;
	uint32_t held_bytes;
	uint64_t bytes; /* delivered */
};

struct flow_int {
	uint16_t name;
	uint32_t value;
};

struct session; /* session.h: what is kept of the bytes */

struct flow {
	struct flow *next_hash;
	struct flow *newer;
	struct flow *older;
	struct ip ips[2]; /* by enum flow_side */
	uint16_t ports[2];
	uint8_t proto;
	uint8_t depth;
	uint8_t tcp; /* enum flow_tcp */
	uint8_t app; /* enum detect_app */
	bool live;
	bool stood; /* the handshake was seen to its end */
	bool four_way; /* both sides sent a SYN */
	bool failed[2]; /* recognition gave up, by side */
	bool saw[2];
	bool ip_only_done[2];
	bool app_only_done[2];
	bool pass; /* a pass rule let the whole flow go */
	uint8_t burst[2]; /* alerts about this side's bytes since the other one acknowledged them */
	uint8_t int_count;
	uint16_t bit_count;
	int64_t first_us;
	int64_t last_us;
	struct flow_stream streams[2];
	uint16_t *bits; /* flowbits that are set */
	struct flow_int *ints;
	struct session *session;
	uint64_t serial; /* no other flow has it */
	uint64_t label; /* what the caller calls this session; 0 */
};

/* What a packet is in its flow. */
struct flow_view {
	struct flow *flow;
	enum flow_side side; /* who sent it */
	bool established;
	bool in_stream; /* its payload went to the stream */
};

struct flow_sink {
	/* The next bytes in order. */
	void (*data)(void *arg, struct flow *flow, enum flow_side side, const uint8_t *data, size_t len,
	    int64_t time_us);
	void (*gap)(void *arg, struct flow *flow, enum flow_side side, uint64_t bytes, int64_t time_us);
	/* The flow is forgotten; its session must be freed. */
	void (*close)(void *arg, struct flow *flow, int64_t time_us);
};

struct flow_table;

ST_MUST_CHECK int flow_table_new(uint32_t flows_max, const struct flow_sink *sink, void *arg,
    struct flow_table **ret_table);
void flow_table_free(struct flow_table *table);

/* Asks the memory for what flow_table_add will look at soon. */
void flow_table_prefetch(const struct flow_table *table, const struct packet *packet);

/* Finds or makes the packet's flow and hands its payload on; flow NULL: packets like this one
 * have none. */
struct flow_view flow_table_add(struct flow_table *table, const struct packet *packet);

/*
 * For a conversation of which the caller has the bytes: finds or makes its flow, with a session
 * that stands, and gives the packet the numbers that come next.  flow_table_add follows.
 */
void flow_table_stand(struct flow_table *table, enum flow_side side, struct packet *packet);
/* Ends the packet's flow if there is one. */
void flow_table_end(struct flow_table *table, const struct packet *packet);

/* Ends every flow. */
void flow_table_flush(struct flow_table *table);

uint64_t flow_table_opened(const struct flow_table *table);
uint64_t flow_table_evicted(const struct flow_table *table);

bool flow_bit_get(const struct flow *flow, uint16_t name);
void flow_bit_set(struct flow *flow, uint16_t name, bool on);
struct flow_int *flow_int_find(struct flow *flow, uint16_t name, bool make);
