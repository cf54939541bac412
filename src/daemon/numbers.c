/* Numbers of observed addresses; the contract is in numbers.h. */
#include "daemon/numbers.h"

#include "base/rd.h"

#include <string.h>

void numbers_init(struct numbers *n, const struct ip *known, size_t count)
{
	*n = (struct numbers){0};
	n->count = count < DESTINATIONS_LISTED_MAX ? (uint32_t)count : DESTINATIONS_LISTED_MAX;
	if (n->count)
		memcpy(n->list, known, n->count * sizeof(*known));
}

static bool is_observed(const struct config *config, struct ip ip)
{
	for (size_t i = 0; i < config->sensor.addresses.count; i++)
		if (ip_net_contains(config->sensor.addresses.items[i], ip))
			return true;
	return false;
}

static uint8_t number_of(struct numbers *n, const struct config *config, struct ip ip,
    bool *ret_new)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (ip_equal(n->list[i], ip))
			return (uint8_t)i;
	/* One that is observed no more keeps its number, but gets none. */
	if (n->count == DESTINATIONS_LISTED_MAX || !is_observed(config, ip))
		return NUMBERS_NONE;
	*ret_new = true;
	n->list[n->count] = ip;
	return (uint8_t)n->count++;
}

int numbers_hear(struct numbers *n, unsigned capture, const struct config *config,
    const uint8_t *body, size_t len, bool *ret_new)
{
	struct numbers_of *of = &n->captures[capture];
	struct rd r = rd_init(body, len);
	uint32_t own = rd_u32le(&r);
	struct ip ip;

	ip.hi = rd_u64le(&r);
	ip.lo = rd_u64le(&r);
	if (r.bad || rd_left(&r) > 0 || own >= DESTINATIONS_LISTED_MAX)
		return ST_MALFORMED;
	if (own > of->count)
		return ST_OK;
	of->number[own] = number_of(n, config, ip, ret_new);
	of->count = own + 1;
	return ST_OK;
}

void numbers_forget(struct numbers *n, unsigned capture)
{
	n->captures[capture].count = 0;
}

uint64_t numbers_bits(const struct numbers *n, unsigned capture, uint64_t bits)
{
	const struct numbers_of *of = &n->captures[capture];
	uint64_t found = 0;

	for (; bits; bits &= bits - 1) {
		unsigned own = (unsigned)__builtin_ctzll(bits);

		if (own >= of->count || of->number[own] == NUMBERS_NONE)
			return 0;
		found |= 1ull << of->number[own];
	}
	return found;
}
