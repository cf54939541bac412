/* Which logins are accepted; the contract is in accept.h. */
#include "protocol/accept.h"

#include "base/hash.h"
#include "protocol/line.h"
#include "protocol/persona.h"

#define NETWORK_V4_BITS 8   /* of the address that are not the network's */
#define FIRST_ACCEPTED_TRY 2
#define TRIES_SPREAD 2

static uint64_t network_of(struct ip ip)
{
	return ip_is_v4(ip) ? ip_v4(ip) >> NETWORK_V4_BITS : ip.hi >> 16;
}

static bool same(struct protocol_text a, struct protocol_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool is_listed(const char *list, struct protocol_text user, struct protocol_text password)
{
	struct protocol_text rest = {list, strlen(list)};

	for (;;) {
		struct protocol_text pair = line_word(&rest);
		const char *colon = pair.len ? memchr(pair.data, ':', pair.len) : NULL;
		struct protocol_text name;
		struct protocol_text secret;

		if (!colon)
			return false;
		name = (struct protocol_text){pair.data, (size_t)(colon - pair.data)};
		secret = (struct protocol_text){colon + 1, pair.len - name.len - 1};
		if (same(name, user) && same(secret, password))
			return true;
	}
}

bool accept_login(const struct protocol_io *io, const char *key, unsigned try,
    struct protocol_text user, struct protocol_text password)
{
	uint64_t seed;
	unsigned k;

	if (!io->persona || user.len == 0)
		return false;
	if (is_listed(protocol_persona(io, key), user, password))
		return true;
	memcpy(&seed, persona_seed(io->persona), sizeof(seed));
	k = FIRST_ACCEPTED_TRY + (unsigned)(hash_u64(seed ^ hash_u64(network_of(io->client)))
	    % TRIES_SPREAD);
	return try >= k;
}
