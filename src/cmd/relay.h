/*
 * Closed minutes on their way to a second thread, which takes their rows while the first counts on.
 *
 * The rows go to the sink in the order in which the minutes closed, so results are the same with
 * and without it.  When the tally has been flushed (tally_flush), the sink is at rest.
 */
#pragma once

#include "tally/tally.h"

struct relay;

/* The sink is called in the other thread only.  err: no thread, no memory. */
ST_MUST_CHECK int relay_new(tally_sink_fn sink, void *arg, struct relay **ret_relay,
    struct err *err);

/* Ends the thread; minutes that were not taken yet are left.  Before the tally is freed. */
void relay_free(struct relay *relay);

/* For struct tally_options, with the relay as its argument. */
extern const struct tally_relay relay_calls;
