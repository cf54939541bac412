/*
 * The second thread of an analysis: it takes closed minutes and decoded packets from the first,
 * which counts on meanwhile.
 *
 * Each kind is taken in the order in which it was handed over, and no result depends on which of the
 * two comes before the other, so documents are the same with and without the thread.  Rows go
 * before packets, for when the first has to wait it takes packets itself.
 */
#pragma once

#include "decode/decode.h"
#include "tally/tally.h"

#define RELAY_BATCHES 32u /* of packets, between the threads; a megabyte */

struct relay;

/*
 * Each is called by one thread at a time, mostly the second: `rows` in the first for minutes of a
 * few packets, when the second has no minute; `packets` in the first within the calls below that
 * wait.  Of each kind nothing more is taken after an error.
 */
struct relay_options {
	tally_sink_fn rows;
	int (*packets)(void *arg, const struct decode_packet *packets, size_t count);
	void *arg;
};

/* err: no thread, no memory. */
ST_MUST_CHECK int relay_new(const struct relay_options *options, struct relay **ret_relay,
    struct err *err);

/* Ends the thread; what was not taken yet is left.  Before the tally, the capture and what `rows`
 * and `packets` use go. */
void relay_free(struct relay *relay);

/* For struct tally_options, with the relay as its argument.  When the tally has been flushed, `rows`
 * is at rest. */
extern const struct tally_relay relay_calls;

/* Tells of packets that the tally is given: a minute of a few is not worth handing on. */
void relay_counted(struct relay *relay, size_t packets);

/* Room for the next batch of CAPTURE_BATCH_MAX packets; waits until there is some. */
struct decode_packet *relay_room(struct relay *relay);

/* Hands over what was put there: it may still be read until the next call of relay_room, but not be
 * written.  Returns the first error of `packets`. */
ST_MUST_CHECK int relay_send(struct relay *relay, size_t count);

/* Returns when the first so many batches have been taken, all of which were sent.  As
 * capture_options.settle, for batches that are sent as they are read. */
void relay_settle(void *relay, uint64_t batches);

/* The same for all, after which `packets` is at rest.  Returns its first error. */
ST_MUST_CHECK int relay_drain(struct relay *relay);

/* Runs a task in the second thread when it has taken everything else, beside what the caller does
 * until relay_finish, which waits for it and returns its code.  One at a time. */
void relay_begin(struct relay *relay, int (*task)(void *arg), void *arg);
ST_MUST_CHECK int relay_finish(struct relay *relay);
