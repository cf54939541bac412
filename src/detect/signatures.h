/*
 * Signatures: rules in Suricata's language, matched against packets, streams and what protocols
 * say in them.
 *
 * The engine is given texts and packets; it opens no file, reads no clock (time is the packets'
 * time) and is deterministic.  It follows flows by itself, because a rule needs to know of every
 * packet which side sent it and whether the session was established at that moment, also inside
 * tunnels, which are entered here and nowhere else.  Everything is bounded: flows, bytes kept per
 * flow, bytes kept in all.  What a rule asks for and cannot get is said when it is loaded, and the
 * other rules load.
 *
 * Language and meaning: Suricata 7 (docs/signatures.md lists what differs).
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"
#include "decode/decode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNATURES_FLOWS_MAX (1u << 18)
#define SIGNATURES_MEMORY_MAX (256ull << 20) /* bytes of sessions kept for matching */

struct signatures_text {
	const char *name; /* for messages */
	const char *text;
	size_t len;
};

struct signatures_var {
	const char *name; /* without $ */
	const char *value;
};

enum signatures_action {
	SIGNATURES_ALERT,
	SIGNATURES_DROP, /* a sensor drops nothing: raised like an alert */
	SIGNATURES_REJECT,
	SIGNATURES_PASS,
};

/* One alert.  Texts live as long as the engine. */
struct signatures_alert {
	uint32_t gid;
	uint32_t sid;
	uint32_t rev;
	const char *msg;
	const char *classtype;   /* short name, "" when the rule has none */
	const char *description; /* of the class */
	uint8_t severity;        /* 1 is the worst */
	uint8_t proto;
	bool suppressed;         /* matched, but the rule's own threshold holds it back */
	uint16_t sport;          /* ICMP: type */
	uint16_t dport;          /* ICMP: code */
	struct ip src;           /* of the packet or the direction that matched */
	struct ip dst;
	int64_t time_us;
	uint64_t session; /* as the options' session named it; 0: none */
};

/* A rule that could not be used. */
struct signatures_problem {
	const char *file;
	unsigned line;
	uint32_t sid;        /* 0: not known */
	const char *keyword; /* "" when it is not about one */
	const char *reason;
};

struct signatures_options {
	const struct signatures_text *texts; /* rules; classification.config is known by its lines */
	size_t text_count;
	const struct ip_net *home; /* HOME_NET; none: any */
	size_t home_count;
	const struct signatures_var *vars; /* win over the defaults */
	size_t var_count;
	uint32_t flows_max; /* 0: the default, as below */
	uint64_t memory_max;
	void (*alert)(void *arg, const struct signatures_alert *alert);
	/* Called while rules are read, once for each that is not used; may be NULL. */
	void (*problem)(void *arg, const struct signatures_problem *problem);
	/*
	 * The number of the session that an alert with these ends and this time belongs to, 0 for none
	 * known.  Asked when a session says its first bytes and at each alert; the last answer but 0 is
	 * good for what is found when the session is over.  May be NULL.
	 */
	uint64_t (*session)(void *arg, const struct signatures_alert *alert);
	void *arg;
};

struct signatures_stats {
	uint32_t loaded;
	uint32_t disabled;    /* rules that are commented out */
	uint32_t unsupported; /* what the language has and this engine does not */
	uint32_t malformed;
	uint32_t duplicates;  /* the same gid and sid again: the higher rev stays */
};

struct signatures_counters {
	uint64_t packets;
	uint64_t tunnelled; /* packets found inside others */
	uint64_t flows;
	uint64_t flows_dropped; /* ended early because the table was full */
	uint64_t transactions;
	uint64_t matches; /* before thresholds */
	uint64_t alerts;
	uint64_t no_memory; /* bytes not kept because memory_max was reached */
};

struct signatures;

/* The caller frees with signatures_free.  ST_USAGE: a variable that makes no sense; rules that
 * cannot be used are no error. */
ST_MUST_CHECK int signatures_new(const struct signatures_options *options,
    struct signatures **ret_signatures, struct err *err);
void signatures_free(struct signatures *signatures);

/* Takes a batch as decode_batch made it, counted or not, both directions; raises alerts before
 * it returns. */
void signatures_add(struct signatures *signatures, const struct decode_packet *packets,
    size_t count);

/* A conversation whose bytes the caller has in order: of a responder, or stored ones. */
struct signatures_ends {
	struct ip client;
	struct ip server;
	uint16_t client_port;
	uint16_t server_port;
	uint8_t proto; /* DECODE_PROTO_TCP or DECODE_PROTO_UDP */
	uint8_t depth; /* 0; 1: what is inside of the TLS of the same ends */
};

/*
 * The next bytes of one side (UDP: a datagram).  A TCP session stands from its first byte on.  No
 * packet was seen: tests of header fields that nobody knows (ttl, window, seq …) do not hold.
 */
void signatures_said(struct signatures *signatures, const struct signatures_ends *ends,
    bool by_client, const uint8_t *data, size_t len, int64_t time_us);

/* It is over: what was held back is matched. */
void signatures_over(struct signatures *signatures, const struct signatures_ends *ends,
    int64_t time_us);

/* The capture is over: what was held back is matched, flows are forgotten. */
void signatures_flush(struct signatures *signatures);

const struct signatures_stats *signatures_stats(const struct signatures *signatures);
const struct signatures_counters *signatures_counters(const struct signatures *signatures);

/* What a rule looks like to a person: `teiten rules list` and `explain`. */
struct signatures_rule {
	uint32_t gid;
	uint32_t sid;
	uint32_t rev;
	enum signatures_action action;
	const char *msg;
	const char *classtype;
	uint8_t severity;
	const char *file;
	unsigned line;
	const char *text; /* the whole rule as it was read */
};

struct buf;

/* Appends what a rule does, in words. */
void signatures_explain(const struct signatures *signatures, size_t index, struct buf *b);

size_t signatures_rule_count(const struct signatures *signatures);
struct signatures_rule signatures_rule_at(const struct signatures *signatures, size_t index);
