/*
 * Sessions: the bytes of streams go through the protocol driver; the facts that come out become
 * records (session, login, command, payload, event) and the counts of a run.
 *
 * Used for the streams of a capture and, with replies, by responders: whoever owns the bytes calls
 * sessions_open, _data, _gap and _close with a struct stream and sessions_context_size() bytes of
 * memory for it.  Without a sink only counts are kept, and nothing of the contents.
 */
#pragma once

#include "geo/geo.h"
#include "protocol/session.h"
#include "record/record.h"
#include "stream/stream.h"
#include "tally/destinations.h"
#include "tally/logins.h"

struct sessions;

struct sessions_sink {
	/* One row of a table (session, login, command, payload, event); texts are valid during the
	 * call.  Non-zero stops further rows and is kept for sessions_error. */
	int (*row)(void *arg, enum record_table_id table, const void *row);
	/* A blob that is whole, before its payload row. */
	int (*blob)(void *arg, const char *sha256, const void *data, size_t len);
};

struct sessions_options {
	uint16_t sensor;
	bool passive;
	uint64_t room_bytes; /* for protocol state, 0: the default */
	uint64_t text_bytes; /* for first payloads and texts of open sessions, 0: the default */
	const struct persona *persona;      /* NULL while passive */
	/* As of session_driver; with the argument below. */
	bool (*answers)(void *arg, const struct protocol_module *module,
	    const struct session_peer *peer);
	const struct protocol_module *(*owner)(void *arg, const struct session_peer *peer);
	void *answers_arg;
	const struct patterns *patterns;    /* may be NULL */
	struct destinations *destinations;  /* may be NULL: every server counts, no index */
	const struct geo *geo;              /* may be NULL */
	const struct sessions_sink *sink;   /* may be NULL */
	void *arg;
};

/* -ENOMEM. */
ST_MUST_CHECK int sessions_new(const struct sessions_options *options,
    struct sessions **ret_sessions);
void sessions_free(struct sessions *sessions);

size_t sessions_context_size(void);

/* Streams of these clients may open soon, at most a batch of packets: their places are looked up
 * together. */
void sessions_expect(struct sessions *sessions, const struct ip *clients, size_t count);

/* As struct stream_sink has them, with the sessions as arg. */
extern const struct stream_sink sessions_stream_sink;

/* The same for sessions without a sink: nothing is kept of UDP exchanges that have nothing to keep. */
extern const struct stream_sink sessions_counting_sink;

/* Answering: a module's greeting; false when there was no room for it. */
bool sessions_greet(struct sessions *sessions, const struct stream *stream, void *context,
    const struct protocol_module *module, struct wr *reply);

/* Answering: bytes from the client; as session_data.  reply NULL: for their facts only. */
size_t sessions_answer(struct sessions *sessions, const struct stream *stream, void *context,
    const uint8_t *data, size_t len, struct wr *reply);

/* Answering: what follows came through TLS that the owner has opened; the session becomes what is
 * spoken inside. */
void sessions_handover(struct sessions *sessions, const struct stream *stream, void *context);

/*
 * Answering: for an owner that understands what no module can (SSH behind its keys).  `speak` is
 * called with an io of that module: what it tells becomes the session's records, and the shell can
 * be run with it.  There is no state and no reply; output is the owner's own.
 */
void sessions_speak(struct sessions *sessions, const struct stream *stream, void *context,
    const struct protocol_module *module, void (*speak)(struct protocol_io *io, void *arg),
    void *arg);

/* Did the module hang up? */
bool sessions_hung_up(const void *context);

/* The number that its rows have; 0: it makes none (not towards an observed address). */
uint64_t sessions_id(const void *context);

/* The protocol driver's view of a session (which module is at work). */
const struct session *sessions_session(const void *context);

/* Gives the event counts of finished quarters of an hour (now_us: INT64_MAX for all) to the sink. */
void sessions_flush(struct sessions *sessions, int64_t now_us);

/* The first error of the sink or of memory, ST_OK when there was none. */
int sessions_error(const struct sessions *sessions);

/* ---- counts of the run ---------------------------------------------------------------------- */

/* Streams identified as number (identify_name); numbers end where identify_name is "". */
uint64_t sessions_protocol_count(const struct sessions *sessions, uint16_t number);
uint64_t sessions_event_count(const struct sessions *sessions, unsigned module, unsigned event);
const struct logins *sessions_logins(const struct sessions *sessions);
const struct session_counters *sessions_counters(const struct sessions *sessions);
