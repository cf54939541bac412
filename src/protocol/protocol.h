/*
 * Protocol modules: what one protocol's bytes mean, known once and used twice.
 *
 * A module parses bytes into facts (events, logins, commands, payloads, attributes) and, when it
 * answers, produces reply bytes.  Passive captures run it with replies off and with the server's
 * bytes; responders run it with replies on.  A module does no I/O, reads no clock, allocates
 * nothing and keeps everything in its state; randomness, time and the persona come in.
 *
 * One file per module, `const struct protocol_module protocol_NAME`, and one word in meson.build.
 *
 * The laws, which the generic tests prove for every module:
 *   - any split of the input gives the same facts and the same reply bytes;
 *   - no input crashes, loops or exceeds the declared sizes;
 *   - a UDP reply is never longer than its request.
 * How the first one is kept cheaply: client() and server() get a view of the stream's next bytes
 * and say how many they took.  They take whole units only (a line, a frame, a header; or each byte
 * on its own), so what they do depends on the bytes alone; 0 means "more, please".  The driver
 * (session.h) keeps what was not taken in the module's inbox and shows it again with more behind it.
 * A view is never longer than the inbox; when it is that long and still not a unit, io->full is
 * set: the module must take at least one byte (skip the over-long line, cut the field).
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"
#include "base/wr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_ROOM_MAX 2048   /* state and both inboxes of one connection, at most */
#define PROTOCOL_PREFIX_MAX 256  /* bytes of each side that identification looks at */
#define PROTOCOL_TEXT_MAX 1024   /* longer texts in facts are cut */
#define PROTOCOL_PORTS_MAX 16
#define PROTOCOL_BEGIN_LEN 8
#define PROTOCOL_BEGINS_MAX 3

enum protocol_side {
	PROTOCOL_CLIENT,
	PROTOCOL_SERVER,
};

enum protocol_transport { /* bits: a module may know both */
	PROTOCOL_TCP = 1 << 0,
	PROTOCOL_UDP = 1 << 1,
};

/* ---- facts ---------------------------------------------------------------------------------- */

/* Bytes as they came; any value may be in them.  Borrowed, valid during the call. */
struct protocol_text {
	const char *data;
	size_t len;
};

#define PROTOCOL_LITERAL(s) ((struct protocol_text){(s), sizeof(s) - 1})

enum protocol_secret { /* what a login's password holds */
	PROTOCOL_SECRET_NONE,     /* no password was sent (anonymous, or a user name alone) */
	PROTOCOL_SECRET_PASSWORD, /* as typed */
	PROTOCOL_SECRET_HASH,     /* a response or hash, in the form crackers read */
	PROTOCOL_SECRET_KEY,      /* a public key's fingerprint */
};

enum protocol_outcome {
	PROTOCOL_OUTCOME_UNKNOWN,
	PROTOCOL_ACCEPTED,
	PROTOCOL_REFUSED,
};

/* What a visitor says of itself; the last one said wins.  Each is a column or a document's key. */
enum protocol_attribute {
	PROTOCOL_SOFTWARE, /* SSH ident, User-Agent, MQTT client id, name of a scanner's tool … */
	PROTOCOL_REQUEST,  /* the first request, one line: "GET /shell?cd+/tmp", "CONNECT", "A example.com" */
	PROTOCOL_SNI,
	PROTOCOL_JA3,
	PROTOCOL_JA4,
	PROTOCOL_HASSH,
	PROTOCOL_HEADERS, /* hash of the names of a request's header fields, in their order */
	PROTOCOL_ATTRIBUTE_COUNT,
};

enum protocol_fact_kind {
	PROTOCOL_FACT_EVENT,
	PROTOCOL_FACT_LOGIN,
	PROTOCOL_FACT_COMMAND,
	PROTOCOL_FACT_ATTRIBUTE,
	PROTOCOL_FACT_PAYLOAD,
};

enum protocol_piece { /* of a payload */
	PROTOCOL_PIECE_DATA,     /* the next bytes */
	PROTOCOL_PIECE_END,      /* it is whole */
	PROTOCOL_PIECE_CUT,      /* it ended before its end: connection lost, limit */
};

struct protocol_module;

struct protocol_fact {
	enum protocol_fact_kind kind;
	const struct protocol_module *module;
	unsigned event;                 /* EVENT: index into module->events */
	struct protocol_text user;      /* LOGIN */
	struct protocol_text password;  /* LOGIN */
	enum protocol_secret secret;    /* LOGIN */
	enum protocol_outcome outcome;  /* LOGIN */
	const char *method;             /* LOGIN: static, "" when there is only one */
	enum protocol_attribute attribute; /* ATTRIBUTE */
	struct protocol_text text;      /* COMMAND, ATTRIBUTE; PAYLOAD: its name, may be empty */
	unsigned number;                /* PAYLOAD: which of those open in this session, 0 … 7 */
	enum protocol_piece piece;      /* PAYLOAD */
	const uint8_t *data;            /* PAYLOAD: bytes of PROTOCOL_PIECE_DATA */
	size_t len;
};

typedef void (*protocol_fact_fn)(void *arg, const struct protocol_fact *fact);

/* ---- what a module is called with ----------------------------------------------------------- */

struct persona;

struct protocol_io {
	void *state;        /* module->state_size bytes, zero at open */
	bool answering;     /* replies are wanted; persona is set */
	bool counting;      /* nobody looks at commands, attributes and payloads: see protocol_texts */
	bool full;          /* the view will not grow: take something */
	bool hang_up;       /* set by the module: close once the reply is sent */
	bool handover;      /* set by the module: what follows is another protocol (a tunnel, a proxy) */
	enum protocol_transport transport;
	uint16_t port;        /* the server's */
	uint16_t client_port;
	struct ip client;
	struct ip server;
	int64_t now_us;
	const struct persona *persona; /* NULL when not answering */
	/* The driver's: */
	struct wr *reply;
	size_t reply_limit;   /* UDP: so many bytes at most */
	uint64_t random;
	protocol_fact_fn fact;
	void *fact_arg;
	const struct protocol_module *module;
};

/* Reply bytes; without effect when not answering.  What does not fit is dropped as a whole. */
void protocol_reply(struct protocol_io *io, const void *data, size_t len);
void protocol_reply_text(struct protocol_io *io, const char *text);
void protocol_replyf(struct protocol_io *io, const char *fmt, ...) ST_PRINTF(2, 3);

/* Deterministic per session: challenges, ids, cookies.  Never a secret. */
uint64_t protocol_random(struct protocol_io *io);

/* The persona's text for "MODULE.key" (data/personas/), "" when not answering. */
const char *protocol_persona(const struct protocol_io *io, const char *key);

/* Is it worth while to make the text of a command or an attribute?  Telling it does no harm. */
static inline bool protocol_texts(const struct protocol_io *io)
{
	return !io->counting;
}

void protocol_event(struct protocol_io *io, unsigned event);
void protocol_login(struct protocol_io *io, struct protocol_text user,
    struct protocol_text password, enum protocol_secret secret, const char *method,
    enum protocol_outcome outcome);
void protocol_command(struct protocol_io *io, const void *text, size_t len);
void protocol_attribute(struct protocol_io *io, enum protocol_attribute attribute,
    const void *text, size_t len);
/* Payload pieces; number tells those apart that are open at once. */
void protocol_payload(struct protocol_io *io, unsigned number, struct protocol_text name,
    const void *data, size_t len);
void protocol_payload_end(struct protocol_io *io, unsigned number, struct protocol_text name,
    enum protocol_piece piece);

/* ---- identification ------------------------------------------------------------------------- */

enum protocol_verdict {
	PROTOCOL_NO,
	PROTOCOL_MORE, /* cannot be told yet */
	PROTOCOL_YES,
};

/* The first bytes of a stream, of both sides (at most PROTOCOL_PREFIX_MAX each). */
struct protocol_start {
	enum protocol_transport transport;
	uint16_t port;
	/* Nothing proved itself and this is one of the module's ports: say YES unless the bytes
	 * speak against it.  A port is never a proof, so this is asked last. */
	bool hinted;
	const uint8_t *client;
	size_t client_len;
	const uint8_t *server;
	size_t server_len;
};

/* Of each of the first bytes, the bits that are set in mask are as in value. */
struct protocol_begin {
	uint8_t mask[PROTOCOL_BEGIN_LEN];
	uint8_t value[PROTOCOL_BEGIN_LEN];
};

/* ---- a module ------------------------------------------------------------------------------- */

struct protocol_event_name {
	const char *name; /* "connect.anonymous": printed as MODULE.name */
	const char *doc;
};

struct protocol_module {
	const char *name;  /* lower case, also the file's and the symbol's */
	const char *title; /* "Telnet" */
	const char *spec;  /* "RFC 854, 855, 857, 858" */
	const char *doc;   /* a sentence or two for the manual: what is recorded, what is answered,
	                      or that it is identified only */
	unsigned transports;              /* enum protocol_transport, or-ed */
	enum protocol_side speaks_first;  /* SERVER: a responder sends open()'s greeting after a wait */
	bool identify_only;               /* never answers */
	uint16_t tcp_ports[PROTOCOL_PORTS_MAX]; /* default ports, the first is the main one; ends with 0 */
	uint16_t udp_ports[PROTOCOL_PORTS_MAX];
	uint16_t state_size;   /* state_size + inboxes ≤ PROTOCOL_ROOM_MAX */
	uint16_t client_inbox; /* longest unit looked at as a whole; ≥ 1 */
	uint16_t server_inbox; /* 0: server bytes are not parsed */
	uint16_t reply_max;    /* most reply bytes of one open() or client() call */
	uint32_t idle_s;       /* a responder hangs up after so much silence */
	const struct protocol_event_name *events;
	unsigned event_count;

	/* Must be monotone: once NO or YES, more bytes do not change it; hinted too, from the first
	 * byte on (test_probes.c proves it).  TCP; a datagram is seen whole. */
	enum protocol_verdict (*probe)(const struct protocol_start *start);
	/*
	 * How a client's datagram of PROTOCOL_BEGIN_LEN bytes or more begins if probe, not hinted, may
	 * say YES to it; ends with one without mask.  Most are told apart by this without a call.
	 * None: probe is always asked.  (test_probes.c proves it.)
	 */
	struct protocol_begin udp_begins[PROTOCOL_BEGINS_MAX];
	/* All below may be NULL except client. */
	void (*open)(struct protocol_io *io); /* answering: the greeting, if the server speaks first */
	/* Answering: what a server of this protocol says to the first bytes of a visitor who speaks
	 * something else on its port; io->state is not there.  NULL: nothing, as most do.  With
	 * io->hang_up the connection is closed once the module of those bytes has heard them. */
	void (*stranger)(struct protocol_io *io, const uint8_t *data, size_t len);
	/* UDP: one whole datagram, the return value does not matter. */
	size_t (*client)(struct protocol_io *io, const uint8_t *data, size_t len);
	size_t (*server)(struct protocol_io *io, const uint8_t *data, size_t len);
	/* Bytes are missing.  NULL: the rest of that side is not parsed. */
	void (*gap)(struct protocol_io *io, enum protocol_side side, uint64_t bytes);
	void (*close)(struct protocol_io *io); /* last facts: an unanswered login, a cut payload */
	/* UDP, not answering, between two datagrams: true when close would tell nothing and of the state
	 * only its first four bytes matter.  NULL: when all behind them (with close: all) is zero. */
	bool (*rests)(const void *state);
};

#define PROTOCOL_EVENTS(list) .events = (list), .event_count = sizeof(list) / sizeof((list)[0])

/* All modules, in the order of meson.build; identification asks them in this order. */
extern const struct protocol_module *const protocol_modules[];
extern const unsigned protocol_module_count;

/* NULL when there is none of that name. */
const struct protocol_module *protocol_module_find(const char *name);

/* Its index in protocol_modules. */
unsigned protocol_module_number(const struct protocol_module *module);
