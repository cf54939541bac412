/* One inferred attack as programs see it (design of the row `attacks`). */
#pragma once

#include "detect/attack.h"

#include <jansson.h>

/* addresses: observed.  A new object. */
json_t *attack_json(const struct attack *attack, uint64_t addresses);

/* "tcp", "udp", "icmp", "icmpv6" or "ip47"; text for the last. */
const char *attack_transport(const struct attack *attack, char text[8]);
