/*
 * What one source may have: connections at a time, and UDP replies per minute for its network.
 *
 * Tables of fixed size; a source that finds no entry in a full table is let in for connections
 * (the slots are the bound then) and gets no UDP reply.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct limits;

struct limits_options {
	uint32_t connections_per_source; /* IPv6: per /64 */
	uint32_t replies;                /* UDP replies a /24 or /56 may get at once … */
	int64_t reply_interval_us;       /* … and one more after each such time */
	uint32_t replies_per_second;     /* to everybody together */
};

ST_MUST_CHECK int limits_new(const struct limits_options *options, struct limits **ret_limits);
void limits_free(struct limits *limits);

/* Counts a connection of the source in, unless it has too many. */
bool limits_enter(struct limits *limits, struct ip source);
void limits_leave(struct limits *limits, struct ip source);

/* May a reply be sent there now?  Takes a token when it may. */
bool limits_reply(struct limits *limits, struct ip source, int64_t now_us);

/* Is that a port whose owner would answer our answer, so that two services would talk for ever, or
 * whose datagrams are forged in a victim's name? */
bool limits_is_amplifier_port(uint16_t port);

/* May datagrams go from `local` to `peer` at all?  Only to one host, and to a loopback address only
 * from another. */
bool limits_is_answerable(struct ip peer, struct ip local);
