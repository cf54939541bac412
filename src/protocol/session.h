/*
 * The driver of one connection: identification, then the module, for whoever owns the bytes — the
 * streams of a capture or a responder's socket.
 *
 * A session is a small fixed struct in its owner's memory; the rest is a room from the pool, taken
 * when bytes come and given back when the session ends.  Without room the bytes are not parsed and
 * a counter says so.
 */
#pragma once

#include "protocol/identify.h"
#include "protocol/protocol.h"
#include "protocol/room.h"

#define SESSION_HANDOVERS_MAX 3

struct session_counters {
	uint64_t identified;
	uint64_t unknown;   /* bytes came, and they were nothing known */
	uint64_t no_room;
	uint64_t stuck;     /* a module took nothing of a full view: its bytes were skipped */
	uint64_t lost_sides; /* a gap, in a module that cannot go on after one */
};

struct session_peer;

/* What all sessions of an owner share. */
struct session_driver {
	struct room_pool *pool;
	const struct patterns *patterns; /* may be NULL */
	const struct persona *persona;   /* NULL: replies are off */
	protocol_fact_fn fact;
	bool counting; /* commands, attributes and payloads need not be told: fact ignores them */
	/* Answering: may what was identified be answered on this port?  NULL: always.  What may not is
	 * parsed for its facts, in silence: a mail server does not speak HTTP. */
	bool (*answers)(void *arg, const struct protocol_module *module, const struct session_peer *peer);
	/* Whose port is it?  Its server is asked what it says to those (protocol_module.stranger). */
	const struct protocol_module *(*owner)(void *arg, const struct session_peer *peer);
	void *answers_arg; /* of both */
	struct session_counters counters;
};

/* Who talks, at each call; fact_arg goes to the fact callback. */
struct session_peer {
	enum protocol_transport transport;
	uint16_t port;
	uint16_t client_port;
	struct ip client;
	struct ip server;
	int64_t now_us;
	void *fact_arg;
	bool inside; /* for `answers`: what is spoken comes out of TLS that the owner has opened */
};

/* Zero is not a session: session_begin. */
struct session {
	uint8_t *room;       /* the module's state and inboxes; before identification both prefixes */
	uint64_t random;
	uint16_t room_size;
	uint16_t number;     /* identify_name; IDENTIFY_UNKNOWN while it is not known */
	uint16_t have[2];    /* bytes in the inboxes or prefixes, by side */
	uint8_t handovers;
	bool inside : 1;      /* session_handover was called */
	bool decided : 1;    /* identified, or given up */
	bool closed : 1;     /* the module hung up, or the session was ended */
	bool lost_client : 1; /* that side is not parsed any more */
	bool lost_server : 1;
	bool told_no_room : 1;
	bool silent : 1;      /* replies are off for this one */
	bool refused : 1;     /* to be closed when what has come was parsed */
};

/* seed: for challenges and ids of the answering side; any value while passive. */
void session_begin(struct session *session, uint64_t seed);

/*
 * Opens a module without identification: the port's, when its protocol lets the server speak first
 * and the client waits.  The greeting goes to reply.  When the client has said what is not
 * identified yet and waits, that is taken as the port's protocol if it may be.  false: no room, or it
 * is not that.
 */
bool session_open(struct session_driver *driver, struct session *session,
    const struct session_peer *peer, const struct protocol_module *module, struct wr *reply);

/*
 * Gives the next bytes of one side (TCP: in order; UDP: one whole datagram).  reply is NULL while
 * passive.  Returns how many bytes were taken; fewer than len only when answering and reply has no
 * room for more: send it and come again with the rest.
 */
size_t session_data(struct session_driver *driver, struct session *session,
    const struct session_peer *peer, enum protocol_side side, const uint8_t *data, size_t len,
    struct wr *reply);

/*
 * A passive session over UDP between two datagrams, without its room: what the module knows fits a
 * word, or there is no module yet.  false: it does not fit, nothing has changed.  True: the session
 * may be forgotten; session_unpack with its number makes one that goes on the same.
 */
bool session_pack(struct session_driver *driver, struct session *session, uint32_t *ret_state);
void session_unpack(struct session_driver *driver, struct session *session, uint16_t number,
    uint32_t state);

/* So many bytes of a side are missing (0: unknown how many). */
void session_gap(struct session_driver *driver, struct session *session,
    const struct session_peer *peer, enum protocol_side side, uint64_t bytes);

/* What follows is another protocol, inside the one so far (TLS that the owner has opened): the
 * module's last facts come, and identification begins anew. */
void session_handover(struct session_driver *driver, struct session *session,
    const struct session_peer *peer);

/* The connection is over: what was not identified is decided on what there is, last facts come,
 * the room is given back.  Calling it again does nothing. */
void session_end(struct session_driver *driver, struct session *session,
    const struct session_peer *peer);

/* The module at work, NULL when there is none (yet). */
const struct protocol_module *session_module(const struct session *session);
