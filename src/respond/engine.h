/*
 * The answering engine: owns sockets, limits and time for the answering side of the protocols.
 *
 * One thread, one epoll set, fixed slots.  A connection is a stream (stream/stream.h) whose bytes go
 * to tally/sessions.h; what comes back is sent.  The engine never connects anywhere, never opens a
 * file, and never sends a datagram longer than the one it answers.
 *
 * On ports of protocols where the client speaks first the engine waits for it and goes by what it
 * says; on ports where the server does, the greeting comes after a short wait, so that a client that
 * speaks first all the same (TLS, HTTP on port 23) is understood.  Ports of nobody's (any port) wait
 * long for the client, who may be one that waits for a prompt.
 */
#pragma once

#include "os/listen.h"
#include "respond/limits.h"
#include "respond/said.h"
#include "respond/tls.h"
#include "tally/sessions.h"

#include <stdbool.h>
#include <stdint.h>

#define ENGINE_READ_MAX (16u << 10) /* bytes read at a time */
#define ENGINE_SLOTS_DEFAULT 131072u
#define ENGINE_SLOTS_MAX 196608u
#define ENGINE_GREETING_WAIT_US 150000ll
#define ENGINE_STRANGER_WAIT_US 2000000ll
#define ENGINE_FIRST_BYTES_US 30000000ll /* a connection that says nothing at all */
#define ENGINE_SESSION_MAX_US 3600000000ll
#define ENGINE_SESSION_BYTES_MAX (64ull << 20)
#define ENGINE_EXCHANGE_IDLE_US 30000000ll /* of datagrams */
#define ENGINE_PENDING_MAX (64u << 20)     /* reply bytes that slow readers have not taken */

struct engine;

/* What was read last, for whoever looks at it after a crash. */
struct engine_input {
	uint32_t len;
	uint16_t port; /* the local port it came to */
	uint16_t transport; /* enum protocol_transport */
	uint8_t bytes[ENGINE_READ_MAX];
};

struct engine_counters {
	uint64_t accepted;
	uint64_t datagrams;
	uint64_t replies;          /* datagrams sent */
	uint64_t replies_withheld; /* by a limit, an amplifier's port, or the kernel */
	uint64_t no_slot;
	uint64_t over_limit;       /* refused: the source has too many connections */
	uint64_t not_observed;     /* to an address that is not ours */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t closed[STREAM_END_COUNT];
	uint32_t open;
	uint32_t open_max;
};

struct engine_options {
	uint32_t slots; /* 0: the default */
	struct limits_options limits;
	int64_t greeting_wait_us;
	/* What greets a visitor who stays silent at a port of nobody's; NULL: nothing does. */
	const struct protocol_module *stranger;
	struct sessions *sessions;
	struct destinations *destinations; /* NULL: every local address is ours */
	struct tls_server *tls;            /* NULL: TLS is not answered */
	/* The module whose port that is, NULL for none; port as it was asked for. */
	const struct protocol_module *(*module_of)(void *arg, enum protocol_transport transport,
	    uint16_t port);
	/* The same behind TLS. */
	const struct protocol_module *(*module_inside)(void *arg, uint16_t port);
	/* A SYN's signature and its text, at each first sight of it; may be NULL. */
	void (*signature)(void *arg, uint32_t id, const char *text);
	/* What is said, for somebody who reads along; may be NULL. */
	void (*said)(void *arg, const struct said *said);
	void *said_arg;
	uint16_t port_offset; /* taken off local ports */
	struct engine_input *input; /* where to read into; NULL: the engine's own */
	void *arg;
};

ST_MUST_CHECK int engine_new(const struct engine_options *options, struct engine **ret_engine,
    struct err *err);

/* Ends every connection (STREAM_END_CAPTURE) and frees. */
void engine_free(struct engine *engine);

/* Takes a listening TCP or bound UDP socket (os_listen); it stays the caller's to close. */
ST_MUST_CHECK int engine_listen(struct engine *engine, int fd, enum protocol_transport transport,
    struct err *err);

/* Another descriptor to wait for: `ready` is called when it can be read. */
ST_MUST_CHECK int engine_watch(struct engine *engine, int fd, void (*ready)(void *arg), void *arg,
    struct err *err);

/* Waits for that one no more; the caller closes it. */
void engine_unwatch(struct engine *engine, int fd);

/* How a reply leaves; anything but ST_OK: it did not. */
typedef int (*engine_send_fn)(void *arg, const void *data, size_t len,
    const struct os_datagram *to);

/* A datagram that another program received: its bytes (up to ENGINE_READ_MAX), from a `ready` of
 * engine_watch.  It is treated as one of the engine's own sockets. */
void engine_datagram(struct engine *engine, const struct os_datagram *datagram, const uint8_t *data,
    size_t len, engine_send_fn send, void *arg);

/* Waits up to timeout_ms for something to do and does it.  -errno only when waiting fails. */
ST_MUST_CHECK int engine_turn(struct engine *engine, int timeout_ms);

/* Lets go of its listening sockets (the caller closes them); what is open goes on. */
void engine_drain(struct engine *engine);

const struct engine_counters *engine_counters(const struct engine *engine);
