/*
 * SYN-ACK carpets: many servers answer, a few packets each, because somebody forged SYNs from our
 * addresses to all of them (NICTER saw 2.5 thousand million such packets a day from 70 million
 * hosts in March 2020).  The servers are reflectors and nobody attacks them; the one attacked is
 * who they answer.
 *
 * What tells them from many small victims: they answer from the same port in the same quarter of
 * an hour, and lie in many networks.  A source belongs to the quarter of its first SYN-ACK.
 */
#pragma once

#include "base/ip.h"
#include "detect/settings.h"
#include "record/record.h"

#include <stdint.h>

#define CARPET_SOURCES_MAX (1u << 23)

/* Quarter of an hour and port of a SYN-ACK, in order of time; 0: the row has none. */
uint64_t carpet_key(const struct record_flow *flow);
/* The same of a moment. */
uint64_t carpet_key_at(int64_t time_us, uint16_t port);

struct carpets;

/* settings: NULL are the defaults.  -ENOMEM. */
ST_MUST_CHECK int carpets_new(const struct detect_settings *settings, struct carpets **ret_carpets);
void carpets_free(struct carpets *carpets);

/* A source, once: the smallest key of its rows and all its replies.  -ENOMEM. */
ST_MUST_CHECK int carpets_add(struct carpets *carpets, struct ip source, uint64_t key,
    uint64_t replies);

/* After the last source, at so many observed addresses. */
void carpets_finish(struct carpets *carpets, uint64_t addresses);

/* In how many networks a source with that key and so many replies has company; 0: no carpet. */
uint32_t carpets_networks(const struct carpets *carpets, uint64_t key, uint64_t replies);
