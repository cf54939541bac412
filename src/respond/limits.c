/* Limits per source; the contract is in limits.h. */
#include "respond/limits.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES (1u << 18) /* more than there are slots, so that a sweep always finds graves */
#define SOURCES_FULL (SOURCES / 4 * 3)
#define NETS (1u << 15)
#define PROBES 16u
#define MULTICAST_V4 0xe0u /* first byte; broadcast and reserved addresses are above */
#define LOOPBACK_V4 127u

struct source {
	struct ip ip;
	uint32_t count; /* 0: free, or a grave when used */
	uint32_t used;
};

struct bucket {
	struct ip net;
	int64_t last_us;
	uint32_t tokens;
	uint32_t used;
};

struct limits {
	struct limits_options options;
	struct source *sources;
	uint32_t source_count;
	struct bucket *buckets;
	int64_t second_us;
	uint32_t this_second;
};

int limits_new(const struct limits_options *options, struct limits **ret_limits)
{
	struct limits *l = calloc(1, sizeof(*l));

	if (l) {
		l->sources = calloc(SOURCES, sizeof(*l->sources));
		l->buckets = calloc(NETS, sizeof(*l->buckets));
	}
	if (!l || !l->sources || !l->buckets) {
		limits_free(l);
		return -ENOMEM;
	}
	l->options = *options;
	*ret_limits = l;
	return ST_OK;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	free(l->sources);
	free(l->buckets);
	free(l);
}

static struct ip cut(struct ip ip, unsigned v4_bits, unsigned v6_bits)
{
	if (ip_is_v4(ip))
		return ip_from_v4(ip_v4(ip) & (uint32_t)(0xffffffffull << (32 - v4_bits)));
	ip.hi &= ~0ull << (64 - v6_bits);
	ip.lo = 0;
	return ip;
}

/* The source's entry; with `add`, a free one for it when there is none. */
static struct source *find(struct limits *l, struct ip key, bool add)
{
	uint32_t at = (uint32_t)hash_pair(key.hi, key.lo) % SOURCES;
	struct source *grave = NULL;

	for (;; at = (at + 1) % SOURCES) {
		struct source *s = &l->sources[at];

		if (s->used && s->count > 0 && ip_equal(s->ip, key))
			return s;
		if (s->used && s->count == 0 && !grave)
			grave = s;
		if (s->used)
			continue;
		if (!add || (!grave && l->source_count >= SOURCES_FULL))
			return NULL;
		if (!grave)
			l->source_count++;
		s = grave ? grave : s;
		s->ip = key;
		s->used = 1;
		return s;
	}
}

/* Graves make probing long: when they fill the table it is written anew. */
static void sweep(struct limits *l)
{
	struct source *old = l->sources;
	struct source *fresh;

	if (l->source_count < SOURCES_FULL)
		return;
	fresh = calloc(SOURCES, sizeof(*fresh));
	if (!fresh)
		return;
	l->sources = fresh;
	l->source_count = 0;
	for (uint32_t i = 0; i < SOURCES; i++) {
		struct source *s = old[i].count > 0 ? find(l, old[i].ip, true) : NULL;

		if (s)
			s->count = old[i].count;
	}
	free(old);
}

bool limits_enter(struct limits *l, struct ip source)
{
	struct source *s;

	sweep(l);
	s = find(l, cut(source, 32, 64), true);
	if (!s)
		return true;
	if (s->count >= l->options.connections_per_source)
		return false;
	s->count++;
	return true;
}

void limits_leave(struct limits *l, struct ip source)
{
	struct source *s = find(l, cut(source, 32, 64), false);

	if (s)
		s->count--;
}

static struct bucket *bucket_of(struct limits *l, struct ip net, int64_t now_us)
{
	uint32_t at = (uint32_t)hash_pair(net.hi, net.lo) % NETS;
	int64_t whole_us = l->options.reply_interval_us * l->options.replies;
	struct bucket *stale = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct bucket *b = &l->buckets[(at + i) % NETS];

		if (b->used && ip_equal(b->net, net))
			return b;
		if (!stale && (!b->used || now_us - b->last_us > whole_us))
			stale = b;
	}
	if (stale)
		*stale = (struct bucket){net, now_us, l->options.replies, 1};
	return stale;
}

bool limits_reply(struct limits *l, struct ip source, int64_t now_us)
{
	struct bucket *b = bucket_of(l, cut(source, 24, 56), now_us);
	int64_t earned;

	if (!b)
		return false;
	if (now_us - l->second_us >= 1000000 || now_us < l->second_us) {
		l->second_us = now_us;
		l->this_second = 0;
	}
	if (now_us < b->last_us)
		b->last_us = now_us;
	earned = (now_us - b->last_us) / l->options.reply_interval_us;
	if (earned > 0) {
		uint64_t tokens = b->tokens + (uint64_t)earned;

		b->tokens = tokens > l->options.replies ? l->options.replies : (uint32_t)tokens;
		b->last_us += earned * l->options.reply_interval_us;
	}
	if (b->tokens == 0 || l->this_second >= l->options.replies_per_second)
		return false;
	b->tokens--;
	l->this_second++;
	return true;
}

bool limits_is_amplifier_port(uint16_t port)
{
	static const uint16_t ports[] = {7, 13, 17, 19, 37, 53, 69, 111, 123, 137, 138, 161, 177, 389,
		427, 500, 520, 623, 1194, 1434, 1645, 1812, 1900, 3283, 3389, 3478, 3702, 5060, 5353,
		5683, 10001, 11211, 27015, 37810};

	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (ports[i] == port)
			return true;
	return port == 0;
}

static bool is_loopback(struct ip ip)
{
	return ip_is_v4(ip) ? ip_v4(ip) >> 24 == LOOPBACK_V4 : ip.hi == 0 && ip.lo == 1;
}

bool limits_is_answerable(struct ip peer, struct ip local)
{
	uint32_t first = ip_is_v4(peer) ? ip_v4(peer) >> 24 : 0;

	if (ip_is_v4(peer) != ip_is_v4(local) || (is_loopback(peer) && !is_loopback(local)))
		return false;
	if (ip_is_v4(peer))
		return first != 0 && first < MULTICAST_V4;
	return peer.hi >> 56 != 0xff && (peer.hi | peer.lo) != 0;
}
