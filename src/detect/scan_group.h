/*
 * Scans that several sources share: neighbours that ask one port and whose destinations partition
 * the observed addresses.
 *
 * Sources that each choose addresses by lot hit some of them twice.  With sets of d1, d2 … of N
 * addresses two of them have d1 d2 / N in common in the mean (hypergeometric); over all pairs the
 * sum is compared with what is seen.  Sets that have far less in common were dealt out by
 * somebody.  Sources that prefer some addresses have more in common, so the test errs on the safe
 * side.  Pure; the sets are those of flow.dst_bits, sensors of up to 64 addresses.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define SCAN_GROUP_SOURCES_MIN 3
#define SCAN_GROUP_CHANCE 0.001 /* of one false group among all that are tested */

/* What one source asked at one sensor. */
struct scan_member {
	struct ip source;
	uint16_t sensor;
	uint64_t dst_bits;
};

struct scan_group {
	uint32_t sources;
	uint32_t destinations; /* asked by any */
	uint64_t overlap;      /* pairs of sources × address that both asked */
	double expected;       /* the same by lot */
	double chance;         /* of so little or less by lot; an upper bound */
};

/*
 * members: of one group, sorted by source; their order changes.  addresses: observed at the sensors
 * whose sets are known.
 */
struct scan_group scan_group_test(struct scan_member *members, size_t count, uint64_t addresses);
