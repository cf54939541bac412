/*
 * The inside of the signature engine: what its parts share.  Private to detect/.
 *
 * engine_build.c sorts rules into groups, engine.c takes packets, inspect.c decides which rules
 * match, session.c keeps bytes, and one file per protocol says what was said.
 */
#pragma once

#include "detect/bytes.h"
#include "detect/flow.h"
#include "detect/match.h"
#include "detect/packet.h"
#include "detect/prefilter.h"
#include "detect/thresholds.h"
#include "detect/transform.h"

#define ENGINE_HITS_MAX 256
#define ENGINE_ALERTS_MAX 15 /* of one packet, as Suricata */
#define ENGINE_RAW_KEEP (64u << 10) /* bytes of each direction kept for matching */
#define ENGINE_CHUNK 2560u          /* bytes of a stream that are matched together, at least */
#define ENGINE_OVERLAP 512u         /* bytes of the last chunk that the next one sees again */

/* Groups of rules that look at packets and streams. */
enum raw_group {
	RAW_TCP_STREAM,
	RAW_TCP_PACKET,
	RAW_UDP,
	RAW_ICMP,
	RAW_OTHER,
	RAW_COUNT,
};

struct rule_numbers {
	uint32_t *list;
	size_t count;
	size_t room;
};

struct group {
	struct prefilter *filter;
	struct rule_numbers always; /* nothing to look for: each packet */
	struct rule_numbers bare;   /* of those, the ones that need no payload */
};

/* One side of one exchange of an application protocol, while it is being matched. */
struct app_transaction {
	enum detect_app app;
	uint8_t direction; /* DIRECTION_TO_SERVER or _TO_CLIENT */
	const void *tx;
	/* The index-th instance of a buffer; false: there are no more. */
	bool (*buffer)(const void *tx, enum buffer_id buffer, uint8_t direction, unsigned index,
	    const uint8_t **ret_data, size_t *ret_len);
};

struct hit {
	uint32_t rule;
	struct ip src;
	struct ip dst;
	uint16_t sport;
	uint16_t dport;
	uint8_t proto;
	bool on_flow; /* of a stream, a transaction or the flow as a whole */
};

struct raw_window {
	struct bytes kept;
	uint64_t dropped;  /* bytes in front of kept that are gone */
	uint64_t chunk;    /* where the present chunk begins, in the stream */
	uint64_t old;      /* where bytes begin that no chunk has had */
	uint32_t matched[8]; /* 1 + rule, in this chunk */
	unsigned matched_count;
	bool fresh;        /* bytes came with this packet */
	bool waiting;      /* a rule is to be tried when the chunk is over */
	bool gap;
};

struct http;
struct http2;
struct http_view;
struct tls;
struct ssh;
struct dns_stream;
struct mqtt;

struct session {
	struct raw_window raw[2];
	enum flow_side last_side; /* who spoke last */
	bool settled; /* that no protocol is recognised was noted */
	union {
		void *state;
		struct http *http;
		struct http2 *http2;
		struct tls *tls;
		struct ssh *ssh;
		struct dns_stream *dns;
		struct mqtt *mqtt;
	};
};

struct fragments;

struct signatures {
	struct signatures_options options;
	struct ruleset set;
	struct signatures_counters counters;
	struct group raw[RAW_COUNT][2]; /* to the server, to the client */
	struct prefilter **views[2];    /* of application buffers: [direction][view] */
	struct rule_numbers app_always[APP_COUNT][2];
	struct rule_numbers app_only[APP_COUNT];
	struct rule_numbers ip_only;
	struct rule_numbers events;
	bool wanted[BUFFER_COUNT]; /* some rule looks into it */
	struct http_view *http_view;
	hs_scratch_t *scratch;
	struct candidates candidates;
	struct matcher matcher;
	struct flow_table *flows;
	struct fragments *fragments;
	struct thresholds *thresholds;
	struct budget budget;
	uint8_t *transform_a;
	uint8_t *transform_b;
	struct hit hits[ENGINE_HITS_MAX];
	size_t hit_count;
	const struct packet *packet; /* that is being handled; NULL when a flow ends by itself */
};

/* What a rule is matched against. */
struct subject {
	const struct packet *packet; /* NULL: no packet tests can hold */
	struct flow *flow;           /* may be NULL */
	uint8_t direction;
	bool established;
	bool stream; /* payload is a piece of a stream */
	struct ip src;
	struct ip dst;
	uint16_t sport;
	uint16_t dport;
	uint8_t proto;
	int64_t time_us;
	const uint8_t *payload;
	size_t payload_len;
	const struct app_transaction *app;
};

/* engine_build.c */
ST_MUST_CHECK int engine_build(struct signatures *s, struct err *err);
void engine_free_groups(struct signatures *s);

/* inspect.c */
bool inspect_rule(struct signatures *s, const struct rule *rule, const struct subject *subject);
void inspect_packet(struct signatures *s, const struct packet *packet, const struct flow_view *view);
/* What is damaged, or (fragment) a part of a datagram: rules about just that. */
void inspect_oddities(struct signatures *s, const struct packet *packet, bool fragment);
/* over: nothing more belongs to these bytes. */
void inspect_stream(struct signatures *s, struct flow *flow, enum flow_side side, int64_t time_us,
    bool over);
void inspect_transaction(struct signatures *s, struct flow *flow, enum flow_side side,
    const struct app_transaction *app, int64_t time_us);
/* Raises what was found since the last call. */
void inspect_finish(struct signatures *s, int64_t time_us, struct flow *flow);

/* session.c: the flow table's sink, and datagrams. */
extern const struct flow_sink session_sink;
void session_datagram(struct signatures *s, const struct packet *packet, const struct flow_view *view);

/* app_find.c: what a flow talks, from its first bytes.  APP_UNKNOWN: more bytes are needed. */
enum detect_app app_find_stream(enum flow_side side, const uint8_t *data, size_t len,
    uint16_t server_port);
enum detect_app app_find_datagram(enum flow_side side, const uint8_t *data, size_t len,
    uint16_t client_port, uint16_t server_port);

/* Protocols.  *_data gets the bytes of one side in order, *_close matches what is still open and
 * frees the state. */
void http_data(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void http_gap(struct signatures *s, struct flow *flow, enum flow_side side, uint64_t bytes,
    int64_t time_us);
/* The side will say no more. */
void http_end(struct signatures *s, struct flow *flow, enum flow_side side, int64_t time_us);
/* Between two messages of this side. */
bool http_idle(const struct flow *flow, enum flow_side side);
void http_view_free(struct signatures *s);
void http_close(struct signatures *s, struct flow *flow, int64_t time_us);

void http2_data(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void http2_gap(struct flow *flow, enum flow_side side);
void http2_close(struct signatures *s, struct flow *flow, int64_t time_us);

void tls_data(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void app_tls_close(struct signatures *s, struct flow *flow, int64_t time_us);

void ssh_data(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void ssh_close(struct signatures *s, struct flow *flow, int64_t time_us);

void dns_message(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void dns_data(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void dns_close(struct signatures *s, struct flow *flow, int64_t time_us);

void sip_message(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void snmp_message(struct signatures *s, struct flow *flow, enum flow_side side,
    const uint8_t *data, size_t len, int64_t time_us);

void mqtt_data(struct signatures *s, struct flow *flow, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us);
void mqtt_close(struct signatures *s, struct flow *flow, int64_t time_us);

/* fragments.c: datagrams out of their fragments. */
ST_MUST_CHECK int fragments_new(struct fragments **ret_fragments);
void fragments_free(struct fragments *fragments);
/* Adds one.  True: the datagram is whole; *ret_packet describes it until the next call.  Events
 * of the packet may be set. */
bool fragments_add(struct fragments *fragments, struct packet *packet, struct packet *ret_packet);
