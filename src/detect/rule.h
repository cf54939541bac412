/*
 * One parsed rule, and the set of them.  Private to detect/.
 *
 * A rule is a header (protocol, addresses, ports), tests of the packet and its flow, and lists of
 * matches, each list about one buffer (the payload, or what a protocol says) in the order they
 * were written.  Rules never change after they are loaded; what happens while matching is kept
 * elsewhere.  Everything here lives in the set's arena.
 */
#pragma once

#include "base/ip.h"
#include "detect/arena.h"
#include "detect/signatures.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define RULE_VALUES_MAX 16      /* byte_extract and byte_math results of a rule */
#define RULE_TRANSFORMS_MAX 4
#define RULE_MATCHES_MAX 250    /* of one rule: bounds the depth of matching */
#define RULE_LISTS_MAX 32
#define RULE_NAMES_MAX 4096     /* flowbits of the whole set */
#define RULE_NO_VALUE (-1)

enum detect_app {
	APP_UNKNOWN, /* not found out yet */
#define APP(id, name) APP_##id,
#include "detect/apps.def"
#undef APP
	APP_FAILED, /* none of these */
	APP_COUNT,
};

enum buffer_direction {
	DIRECTION_C = 1, /* to the server */
	DIRECTION_S = 2, /* to the client */
	DIRECTION_B = 3,
};

#define DIRECTION_TO_SERVER DIRECTION_C
#define DIRECTION_TO_CLIENT DIRECTION_S

enum buffer_id {
	BUFFER_PAYLOAD, /* packet payload and stream */
	BUFFER_BASE64,  /* what base64_decode made */
	BUFFER_HEADER_IPV4,
	BUFFER_HEADER_IPV6,
	BUFFER_HEADER_TCP,
	BUFFER_HEADER_UDP,
	BUFFER_HEADER_ICMPV4,
	BUFFER_HEADER_ICMPV6,
	BUFFER_APP_FIRST,
	BUFFER_BEFORE_APP = BUFFER_APP_FIRST - 1,
#define BUFFER(id, app, direction, name, other, modifier, flag) BUFFER_##id,
#include "detect/buffers.def"
#undef BUFFER
	BUFFER_COUNT,
};

struct buffer_kind {
	const char *name;
	const char *other;
	const char *modifier;
	char pcre_flag;
	uint8_t app; /* APP_UNKNOWN: more than one */
	uint8_t directions;
};

extern const struct buffer_kind buffer_kinds[BUFFER_COUNT];
const char *detect_app_name(enum detect_app app);
/* The protocol whose flows a rule for this one is for as well; APP_UNKNOWN: none. */
static inline enum detect_app detect_app_carrier(enum detect_app app)
{
	return app == APP_HTTP ? APP_HTTP2 : app == APP_DCERPC ? APP_SMB : APP_UNKNOWN;
}

enum transform {
	TRANSFORM_NONE,
	TRANSFORM_DOTPREFIX,
	TRANSFORM_TO_LOWERCASE,
	TRANSFORM_TO_UPPERCASE,
	TRANSFORM_STRIP_WHITESPACE,
	TRANSFORM_COMPRESS_WHITESPACE,
	TRANSFORM_URL_DECODE,
	TRANSFORM_XOR,
	TRANSFORM_MD5,
	TRANSFORM_SHA1,
	TRANSFORM_SHA256,
	TRANSFORM_HEADER_LOWERCASE,
	TRANSFORM_STRIP_PSEUDO_HEADERS,
};

/* What a list looks into: a buffer after transforms.  Lists with the same view share it. */
struct rule_view {
	uint8_t buffer;
	uint8_t transform_count;
	uint8_t transforms[RULE_TRANSFORMS_MAX];
	uint8_t key_len; /* of xor */
	uint8_t key[32];
};

/* A number, or the value that byte_extract found. */
struct rule_number {
	int32_t literal;
	int8_t value; /* index, or RULE_NO_VALUE */
};

enum match_kind {
	MATCH_CONTENT,
	MATCH_PCRE,
	MATCH_ISDATAAT,
	MATCH_BYTE_TEST,
	MATCH_BYTE_JUMP,
	MATCH_BYTE_EXTRACT,
	MATCH_BYTE_MATH,
	MATCH_BASE64_DECODE,
	MATCH_BSIZE,
	MATCH_ABSENT,
	MATCH_NUMBER, /* the buffer is a number in decimal digits */
};

struct rule_content {
	const uint8_t *bytes; /* lower case when nocase */
	uint16_t len;
	bool nocase;
	bool starts;
	bool ends;
	bool has_offset;
	bool has_depth;
	bool has_distance;
	bool has_within;
	bool fast;            /* fast_pattern */
	uint16_t fast_offset; /* part of it that the prefilter looks for; 0, 0: all */
	uint16_t fast_len;
	struct rule_number offset;
	struct rule_number depth;
	struct rule_number distance;
	struct rule_number within;
};

enum compare {
	COMPARE_LESS,
	COMPARE_LESS_EQUAL,
	COMPARE_GREATER,
	COMPARE_GREATER_EQUAL,
	COMPARE_EQUAL,
	COMPARE_NOT_EQUAL,
	COMPARE_AND,
	COMPARE_OR,
	COMPARE_BETWEEN, /* exclusive */
};

struct rule_compare {
	uint8_t op; /* enum compare */
	bool negated;
	uint32_t a;
	uint32_t b;
};

enum byte_base {
	BYTE_BINARY,
	BYTE_HEX,
	BYTE_DECIMAL,
	BYTE_OCTAL,
};

struct rule_byte {
	uint8_t base;
	uint8_t op; /* byte_test: enum compare; byte_math: the character */
	bool little;
	bool dce;
	bool align;
	bool from_beginning;
	bool from_end;
	int8_t result; /* index of the value that is set */
	struct rule_number bytes;
	struct rule_number offset;
	struct rule_number operand;
	uint64_t wide; /* byte_test's literal */
	uint32_t multiplier;
	uint32_t mask;
	int32_t post_offset;
};

struct rule_base64 {
	uint32_t bytes; /* 0: all */
	uint32_t offset;
};

struct rule_match {
	uint8_t kind; /* enum match_kind */
	bool negated;
	bool relative;      /* counts from the end of the match before */
	bool next_relative; /* the one after it does: try again where that fails */
	union {
		struct rule_content content;
		struct {
			pcre2_code *code;
			const char *text;
			bool jit;
		} pcre;
		struct rule_number at; /* isdataat */
		struct rule_byte byte;
		struct rule_base64 base64;
		struct rule_compare size; /* bsize, urilen, numbers */
	};
};

struct rule_list {
	uint8_t view; /* index into ruleset.views */
	uint8_t buffer;
	uint16_t count;
	struct rule_match *matches;
};

/* What TEST_CHECKSUM looks at. */
enum checksum {
	CHECKSUM_IPV4,
	CHECKSUM_TCPV4,
	CHECKSUM_UDPV4,
	CHECKSUM_ICMPV4,
	CHECKSUM_TCPV6,
	CHECKSUM_UDPV6,
	CHECKSUM_ICMPV6,
	CHECKSUM_IGMP,
};

enum packet_test_kind {
	TEST_FLAGS,
	TEST_DSIZE,
	TEST_ITYPE,
	TEST_ICODE,
	TEST_ICMP_ID,
	TEST_ICMP_SEQ,
	TEST_TTL,
	TEST_TOS,
	TEST_ID,
	TEST_IP_PROTO,
	TEST_FRAGBITS,
	TEST_FRAGOFFSET,
	TEST_IPOPTS,
	TEST_SAMEIP,
	TEST_SEQ,
	TEST_ACK,
	TEST_WINDOW,
	TEST_MSS,
	TEST_STREAM_SIZE,
	TEST_FLOWBIT,
	TEST_XBIT,
	TEST_FLOWINT,
	TEST_APP,
	TEST_DECODE_EVENT,
	TEST_SSL_VERSION,
	TEST_SSH_PROTO_VERSION,
	TEST_MQTT_TYPE,
	TEST_DNS_OPCODE,
	TEST_FLOW_AGE,
	TEST_CHECKSUM,
};

enum bit_operation {
	BIT_SET,
	BIT_UNSET,
	BIT_TOGGLE,
	BIT_ISSET,
	BIT_ISNOTSET,
};

enum bit_track {
	TRACK_SOURCE,
	TRACK_DESTINATION,
	TRACK_PAIR,
};

struct rule_test {
	uint8_t kind; /* enum packet_test_kind */
	bool negated;
	uint8_t mode;  /* flags, fragbits: 0 exact, '+', '*', '!'; bits: operation */
	uint8_t mask;  /* flags that do not count */
	uint8_t track; /* xbits: enum bit_track; stream_size: 1 client, 2 server, 3 both, 4 either */
	struct rule_compare compare;
	uint32_t expire; /* xbits: seconds */
	uint16_t count;  /* flowbits: names joined by | */
	const uint16_t *names;
	uint16_t other; /* flowint: 1 + the variable that is the operand */
};

enum threshold_type {
	THRESHOLD_NONE,
	THRESHOLD_LIMIT,
	THRESHOLD_EVERY, /* "threshold" */
	THRESHOLD_BOTH,
	THRESHOLD_DETECTION, /* detection_filter */
	THRESHOLD_BACKOFF,
};

enum threshold_track {
	THRESHOLD_BY_SOURCE,
	THRESHOLD_BY_DESTINATION,
	THRESHOLD_BY_PAIR,
	THRESHOLD_BY_RULE,
	THRESHOLD_BY_FLOW,
};

struct rule_threshold {
	uint8_t type;
	uint8_t track;
	uint32_t count;
	uint32_t seconds;
	uint32_t multiplier;
};

struct address_set; /* addresses.h */
struct port_set;

#define RULE_PROTO_TCP 0x01
#define RULE_PROTO_UDP 0x02
#define RULE_PROTO_ICMP 0x04
#define RULE_PROTO_ICMPV6 0x08
#define RULE_PROTO_OTHER 0x10
#define RULE_PROTO_ALL 0x1f

enum rule_kind {
	RULE_IP_ONLY, /* once per flow and direction */
	RULE_APP_ONLY, /* the protocol alone: once per flow */
	RULE_PACKET, /* packets and streams */
	RULE_APP,    /* transactions */
	RULE_EVENT,  /* decoding oddities */
};

enum rule_flow {
	FLOW_TO_SERVER = 1,
	FLOW_TO_CLIENT = 2,
	FLOW_ESTABLISHED = 4,
	FLOW_NOT_ESTABLISHED = 8,
	FLOW_STATELESS = 16,
	FLOW_ONLY_STREAM = 32,
};

struct rule {
	uint32_t gid;
	uint32_t sid;
	uint32_t rev;
	uint32_t number; /* place in the set: the order of alerts */
	uint8_t action;  /* enum signatures_action */
	uint8_t severity;
	uint8_t kind;    /* enum rule_kind */
	uint8_t protos;  /* RULE_PROTO_… */
	uint8_t family;  /* 4, 6, 0: both */
	uint8_t app;     /* enum detect_app; APP_UNKNOWN: any */
	uint8_t flow;    /* enum rule_flow */
	uint8_t directions; /* of its buffers and flow: DIRECTION_… */
	bool both_ways;  /* <> */
	bool only_app;   /* http1: not what carries the same */
	bool wants_packet;
	bool wants_stream;
	bool silent;     /* noalert */
	bool sets_bits;
	bool waits; /* what comes later in the stream could undo the match */
	uint16_t class_id; /* 1 + index of the class */
	uint16_t list_count;
	uint16_t test_count;
	const char *msg;
	const char *file;
	unsigned line;
	const char *text;
	const struct address_set *src;
	const struct address_set *dst;
	const struct port_set *sport;
	const struct port_set *dport;
	struct rule_list *lists;
	struct rule_test *tests;  /* before the lists */
	struct rule_test *after;  /* set when everything matched */
	uint16_t after_count;
	struct rule_threshold threshold;
	struct rule_threshold filter; /* detection_filter */
	const struct rule_content *fast; /* what the prefilter looks for; NULL: always a candidate */
	uint8_t fast_view;
};

struct rule_class {
	const char *name;
	const char *description;
	uint8_t severity;
};

struct ruleset {
	struct arena arena;
	struct rule **rules; /* in the order of matching */
	size_t count;
	size_t room;
	struct rule_view *views;
	size_t view_count;
	struct rule_class *classes;
	size_t class_count;
	const char **names; /* flowbits, xbits, flowints */
	size_t name_count;
	struct address_book *addresses;
	struct signatures_stats stats;
};

/* rule_set.c: reads every text.  On return every rule is final and in order. */
ST_MUST_CHECK int ruleset_load(struct ruleset *set, const struct signatures_options *options,
    struct err *err);
void ruleset_fini(struct ruleset *set);

/* The number of a bit's name, made when it is new; negative when there are too many. */
int ruleset_name(struct ruleset *set, const char *name, size_t len);
/* The index of a view, made when it is new; negative when there are too many. */
int ruleset_view(struct ruleset *set, const struct rule_view *view);
