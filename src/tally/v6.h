/*
 * Numbers for IPv6 addresses, so that tables can hold any source in 33 bits.
 *
 * Private to the summary.
 */
#pragma once

#include "base/ip.h"

#include <stdint.h>

/* IPv6 addresses by number, from 1. */
struct v6_numbers {
	struct ip *list; /* number - 1 */
	uint32_t *slots;
	uint32_t size;
	uint32_t count;
};

/* The number of the address, a new one at first sight; 0 at the bound. */
uint32_t v6_number(struct v6_numbers *v6, struct ip ip, uint32_t count_max);
void v6_numbers_fini(struct v6_numbers *v6);
