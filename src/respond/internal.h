/*
 * The engine's slots, shared by its connections (engine.c) and its datagrams (exchange.c).
 */
#pragma once

#include "respond/engine.h"
#include "respond/deadline.h"

#define ENGINE_REPLY_MAX (64u << 10)
#define ENGINE_LISTENERS_MAX 4096
#define ENGINE_NONE UINT32_MAX

enum slot_state {
	SLOT_FREE,
	SLOT_OPEN,
	SLOT_CLOSING,  /* the session is over; the last reply is on its way, then FIN */
	SLOT_EXCHANGE, /* datagrams of one pair of ends; no descriptor */
};

struct slot {
	struct stream stream;
	int fd;
	uint8_t state;
	bool greeting_due : 1;
	bool paused : 1;        /* not reading until the pending reply is sent */
	bool stranger : 1;      /* the port is nobody's */
	bool said_something : 1;
	bool unclear : 1;       /* what was said is not identified yet; after a moment the port decides */
	bool finished : 1;      /* the client closed its side */
	int64_t opened_us;      /* monotonic, as all times of the engine */
	int64_t active_us;
	const struct protocol_module *module; /* of the port; NULL */
	struct tls *tls;
	uint8_t *pending;       /* reply bytes that were not taken; malloc'd, only for slow readers */
	uint32_t pending_len;
	uint32_t pending_sent;
	uint8_t *rest;          /* bytes received that wait for room in the reply */
	uint32_t rest_len;
	uint32_t next;          /* free list, or hash chain of exchanges */
};

struct listener {
	int fd;
	enum protocol_transport transport;
	bool paused;
};

struct watch {
	int fd;
	void (*ready)(void *arg);
	void *arg;
};

#define ENGINE_WATCHES_MAX 8

struct engine {
	struct engine_options options;
	struct engine_counters counters;
	int epoll;
	bool draining;
	bool accept_paused;
	struct slot *slots;
	uint8_t *contexts;
	size_t context_size;
	struct deadlines wheel;
	struct deadline_link *links;
	uint32_t free_slot;  /* list of slots given back */
	uint32_t slots_used; /* those from here on were never taken */
	uint32_t *exchanges; /* heads of hash chains */
	uint32_t exchange_mask;
	struct limits *limits;
	struct listener listeners[ENGINE_LISTENERS_MAX];
	size_t listener_count;
	struct watch watches[ENGINE_WATCHES_MAX];
	size_t watch_count;
	uint64_t pending_bytes;
	uint32_t *signatures; /* those told already, a small set */
	int64_t now_us;  /* monotonic, of this turn */
	int64_t wall_us; /* UTC, of this turn */
	struct engine_input *input; /* the options', or own_input */
	struct engine_input own_input;
	uint8_t plain[ENGINE_READ_MAX];
	uint8_t reply[ENGINE_REPLY_MAX];
};

static inline void *slot_context(struct engine *e, uint32_t i)
{
	return e->contexts + (size_t)i * e->context_size;
}

/* A free slot with a zeroed context; ENGINE_NONE when there is none. */
uint32_t engine_take_slot(struct engine *e);
void engine_give_slot(struct engine *e, uint32_t i);

/* Ends the session of a slot: its records are made. */
void engine_end_session(struct engine *e, uint32_t i, enum stream_end end);

/* For who reads along: what was said in the clear; data NULL: the conversation is over. */
void engine_tell(struct engine *e, uint32_t i, bool by_client, bool inside, const uint8_t *data,
    size_t len);

/* The port as it is known outside: without the offset that lets one try without root. */
uint16_t engine_port(const struct engine *e, uint16_t local_port);

/* Takes what waits at a UDP socket. */
void exchange_receive(struct engine *e, int fd);
void exchange_close(struct engine *e, uint32_t i, enum stream_end end);
int64_t exchange_deadline(const struct slot *s);
