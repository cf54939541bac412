/* Numbers for IPv6 addresses; the contract is in v6.h. */
#include "tally/v6.h"

#include "base/hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define V6_INITIAL 256u

static bool grow_v6(struct v6_numbers *v6)
{
	uint32_t size = v6->size ? v6->size * 2 : V6_INITIAL;
	struct ip *list = realloc(v6->list, size / 2 * sizeof(*list));
	uint32_t *slots;

	if (!list)
		return false;
	v6->list = list;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return false;
	free(v6->slots);
	v6->slots = slots;
	v6->size = size;
	for (uint32_t i = 0; i < v6->count; i++) {
		uint32_t at = (uint32_t)hash_pair(list[i].hi, list[i].lo) & (size - 1);

		while (slots[at])
			at = (at + 1) & (size - 1);
		slots[at] = i + 1;
	}
	return true;
}

uint32_t v6_number(struct v6_numbers *v6, struct ip ip, uint32_t count_max)
{
	uint32_t at;

	if (v6->count >= v6->size / 2 && !grow_v6(v6))
		return 0;
	at = (uint32_t)hash_pair(ip.hi, ip.lo) & (v6->size - 1);
	for (; v6->slots[at]; at = (at + 1) & (v6->size - 1))
		if (ip_equal(v6->list[v6->slots[at] - 1], ip))
			return v6->slots[at];
	if (v6->count >= count_max)
		return 0;
	v6->list[v6->count++] = ip;
	v6->slots[at] = v6->count;
	return v6->count;
}

void v6_numbers_fini(struct v6_numbers *v6)
{
	free(v6->list);
	free(v6->slots);
	memset(v6, 0, sizeof(*v6));
}
