/*
 * The numbers of observed addresses, on the store's side: one list for all captures.
 *
 * Where the addresses are too many to be numbered beforehand (a large IPv6 network) a capture numbers
 * them as it sees them, each by itself.  It tells its numbers before rows use them, and the bits in
 * those rows (flow.dst_bits) are put down by the store's numbers, which stay what they are.
 */
#pragma once

#include "config/config.h"
#include "daemon/wire.h"
#include "tally/destinations.h"

struct numbers {
	struct ip list[DESTINATIONS_LISTED_MAX];
	uint32_t count;
	struct numbers_of {
		uint8_t number[DESTINATIONS_LISTED_MAX]; /* by the capture's own; NUMBERS_NONE */
		uint32_t count;
	} captures[FANOUT_RINGS_MAX];
};

#define NUMBERS_NONE 0xff /* there is none left */

/* Those that the store knows already; of large IPv4 networks, whose numbers are offsets, none. */
void numbers_init(struct numbers *numbers, const struct ip *known, size_t count);

/*
 * A WIRE_ADDRESS of a capture: its numbers come in their order and begin again with 0 now and then.
 * What comes behind a gap (those before were told to another store, or had no room on their way)
 * waits for that.  *ret_new: the list is longer now.  ST_MALFORMED.
 */
ST_MUST_CHECK int numbers_hear(struct numbers *numbers, unsigned capture,
    const struct config *config, const uint8_t *body, size_t len, bool *ret_new);

/* A successor is at that ring, with numbers of its own. */
void numbers_forget(struct numbers *numbers, unsigned capture);

/* A capture's bits by the store's numbers; 0, which says nothing, when one has no number. */
uint64_t numbers_bits(const struct numbers *numbers, unsigned capture, uint64_t bits);
