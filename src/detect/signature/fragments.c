/*
 * Datagrams out of their fragments (RFC 791, RFC 8200 §4.5), within a fixed number of them.
 * Of bytes that come twice the first copy wins.
 */
#include "detect/signature/engine.h"
#include "detect/signature/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DATAGRAMS_MAX 256
#define DATAGRAM_BYTES_MAX 65535u
#define DATAGRAM_AGE_US 60000000ll
#define UNIT 8u

struct datagram {
	bool used;
	struct ip src;
	struct ip dst;
	uint32_t id;
	uint8_t proto;
	uint8_t family;
	uint8_t next; /* the protocol the first fragment names */
	int64_t first_us;
	uint32_t end; /* 0: the last fragment has not come */
	uint32_t have;
	uint8_t *bytes;
	uint8_t filled[DATAGRAM_BYTES_MAX / UNIT / 8 + 2]; /* bit per 8 bytes */
};

struct fragments {
	struct datagram table[DATAGRAMS_MAX];
	struct datagram done; /* given out last; its bytes are freed at the next call */
};

int fragments_new(struct fragments **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? ST_OK : -ENOMEM;
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < DATAGRAMS_MAX; i++)
		free(f->table[i].bytes);
	free(f->done.bytes);
	free(f);
}

static struct datagram *find(struct fragments *f, const struct packet *p)
{
	struct datagram *oldest = &f->table[0];
	uint8_t *bytes;

	for (size_t i = 0; i < DATAGRAMS_MAX; i++) {
		struct datagram *d = &f->table[i];

		if (d->used && p->time_us - d->first_us > DATAGRAM_AGE_US)
			d->used = false;
		if (d->used && d->id == p->fragment_id && d->family == p->family
		    && (p->family == 6 || d->proto == p->proto) && ip_equal(d->src, p->src)
		    && ip_equal(d->dst, p->dst))
			return d;
		if (oldest->used && (!d->used || d->first_us < oldest->first_us))
			oldest = d;
	}
	bytes = oldest->bytes ? oldest->bytes : malloc(DATAGRAM_BYTES_MAX + UNIT);
	if (!bytes)
		return NULL;
	memset(oldest, 0, sizeof(*oldest));
	oldest->bytes = bytes;
	oldest->used = true;
	oldest->src = p->src;
	oldest->dst = p->dst;
	oldest->id = p->fragment_id;
	oldest->family = p->family;
	oldest->proto = oldest->next = p->proto;
	oldest->first_us = p->time_us;
	return oldest;
}

static bool is_filled(const struct datagram *d, uint32_t unit)
{
	return d->filled[unit / 8] >> (unit % 8) & 1;
}

/* Copies what was not there yet; true when something was there already. */
static bool fill(struct datagram *d, uint32_t at, const uint8_t *data, uint32_t len)
{
	bool overlap = false;

	for (uint32_t i = 0; i < len; i += UNIT) {
		uint32_t unit = (at + i) / UNIT;
		uint32_t n = len - i < UNIT ? len - i : UNIT;

		if (is_filled(d, unit)) {
			overlap = true;
			continue;
		}
		memcpy(d->bytes + at + i, data + i, n);
		d->filled[unit / 8] |= (uint8_t)(1u << (unit % 8));
		d->have += n;
	}
	return overlap;
}

bool fragments_add(struct fragments *f, struct packet *p, struct packet *ret)
{
	uint32_t at = p->fragment_offset * UNIT;
	uint32_t len = p->payload_len;
	bool more = p->fragment_bits & 1;
	struct datagram *d;

	if (at + len > DATAGRAM_BYTES_MAX || (more && len % UNIT) || len == 0)
		return false;
	d = find(f, p);
	if (!d)
		return false;
	if (fill(d, at, p->payload, len))
		p->events |= 1u << (p->family == 6 ? EVENT_IPV6_FRAGMENT_OVERLAP
		                                   : EVENT_IPV4_FRAGMENT_OVERLAP);
	if (at == 0)
		d->next = p->proto;
	if (!more && !d->end)
		d->end = at + len;
	if (!d->end || d->have < d->end)
		return false;
	free(f->done.bytes);
	f->done = *d;
	d->bytes = NULL;
	d->used = false;
	*ret = *p;
	ret->events = 0;
	ret->fragment = false;
	ret->fragment_offset = 0;
	ret->fragment_bits &= 6;
	ret->proto = f->done.next;
	return packet_parse_transport(ret, f->done.bytes, f->done.end);
}
