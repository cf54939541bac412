/* Slots and their index; the contract is in table.h. */
#include "stream/table.h"

#include "base/large.h"

#include <errno.h>
#include <string.h>

#define CONTEXT_ALIGN 16u
#define PLACES_PER_SLOT 4u /* of 16 ways, 4 are used when full: fewer than one bucket in a million overflows */
#define BUCKETS_MIN 64u

static size_t context_stride(size_t context_size)
{
	return (context_size + CONTEXT_ALIGN - 1) / CONTEXT_ALIGN * CONTEXT_ALIGN;
}

static uint32_t buckets_for(uint32_t slots_max)
{
	uint32_t count = BUCKETS_MIN;

	while ((uint64_t)count * TABLE_WAYS < (uint64_t)slots_max * PLACES_PER_SLOT)
		count *= 2;
	return count;
}

static size_t filled_size(uint32_t bucket_count)
{
	return bucket_count / 8; /* BUCKETS_MIN is a whole word */
}

uint64_t table_size(uint32_t slots_max, size_t context_size)
{
	return (uint64_t)slots_max * (sizeof(struct slot) + context_stride(context_size))
	    + (uint64_t)buckets_for(slots_max) * sizeof(struct table_bucket)
	    + filled_size(buckets_for(slots_max));
}

int table_init(struct table *t, uint32_t slots_max, size_t context_size)
{
	*t = (struct table){
		.slots_max = slots_max,
		.free = SLOT_NONE,
		.context_size = context_stride(context_size),
		.bucket_count = buckets_for(slots_max),
		.number_mask = 1,
	};
	while (t->number_mask < slots_max)
		t->number_mask = t->number_mask << 1 | 1;
	t->slots = large_alloc((size_t)slots_max * sizeof(*t->slots));
	t->buckets = large_alloc((size_t)t->bucket_count * sizeof(*t->buckets));
	t->filled = large_alloc(filled_size(t->bucket_count));
	if (t->context_size)
		t->contexts = large_alloc((size_t)slots_max * t->context_size);
	if (!t->slots || !t->buckets || !t->filled || (t->context_size && !t->contexts)) {
		table_fini(t);
		return -ENOMEM;
	}
	return ST_OK;
}

void table_fini(struct table *t)
{
	large_free(t->slots, (size_t)t->slots_max * sizeof(*t->slots));
	large_free(t->buckets, (size_t)t->bucket_count * sizeof(*t->buckets));
	large_free(t->filled, filled_size(t->bucket_count));
	large_free(t->contexts, (size_t)t->slots_max * t->context_size);
	*t = (struct table){.free = SLOT_NONE};
}

static uint32_t tag_of(const struct table *t, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~t->number_mask;
}

static bool is_from(const struct stream *s, const struct decode_packet *p, bool client)
{
	if (client)
		return s->client_port == p->sport && s->server_port == p->dport
		    && ip_equal(s->client, p->src) && ip_equal(s->server, p->dst);
	return s->client_port == p->dport && s->server_port == p->sport
	    && ip_equal(s->client, p->dst) && ip_equal(s->server, p->src);
}

uint32_t table_find(const struct table *t, const struct decode_packet *p, uint64_t hash,
    enum stream_side *ret_from)
{
	const struct table_bucket *b = table_bucket_of(t, hash);
	uint32_t tag = tag_of(t, hash);

	if (!table_has_bucket(t, hash))
		return SLOT_NONE;
	for (unsigned i = 0; i < TABLE_WAYS && b->entries[i]; i++) {
		uint32_t number = (b->entries[i] & t->number_mask) - 1;
		const struct stream *s;

		if ((b->entries[i] & ~t->number_mask) != tag)
			continue;
		s = &t->slots[number].stream;
		if (s->proto != p->proto)
			continue;
		if (is_from(s, p, true)) {
			*ret_from = STREAM_CLIENT;
			return number;
		}
		if (is_from(s, p, false)) {
			*ret_from = STREAM_SERVER;
			return number;
		}
	}
	return SLOT_NONE;
}

void table_prefetch_slots(const struct table *t, uint64_t hash)
{
	const struct table_bucket *b = table_bucket_of(t, hash);
	uint32_t tag = tag_of(t, hash);

	if (!table_has_bucket(t, hash))
		return;
	for (unsigned i = 0; i < TABLE_WAYS && b->entries[i]; i++)
		if ((b->entries[i] & ~t->number_mask) == tag)
			table_prefetch(t, (b->entries[i] & t->number_mask) - 1);
}

uint32_t table_crowded(const struct table *t, uint64_t hash)
{
	const struct table_bucket *b = table_bucket_of(t, hash);
	uint32_t oldest = SLOT_NONE;

	if (!table_has_bucket(t, hash) || !b->entries[TABLE_WAYS - 1])
		return SLOT_NONE;
	for (unsigned i = 0; i < TABLE_WAYS; i++) {
		uint32_t number = (b->entries[i] & t->number_mask) - 1;

		if (oldest == SLOT_NONE
		    || seq_diff(t->slots[number].touched, t->slots[oldest].touched) < 0)
			oldest = number;
	}
	return oldest;
}

static void set_filled(struct table *t, uint64_t hash, bool filled)
{
	uint32_t bucket = (uint32_t)hash & (t->bucket_count - 1);
	uint64_t bit = 1ull << bucket % 64;

	t->filled[bucket / 64] = (t->filled[bucket / 64] & ~bit) | (filled ? bit : 0);
}

uint32_t table_add(struct table *t, uint64_t hash)
{
	struct table_bucket *b = table_bucket_of(t, hash);
	uint32_t number = t->free;
	unsigned way = 0;

	if (number != SLOT_NONE) {
		t->free = t->slots[number].next;
		if (t->free != SLOT_NONE)
			table_prefetch(t, t->free);
	} else {
		number = t->fresh++;
	}
	t->used++;
	while (b->entries[way])
		way++;
	b->entries[way] = tag_of(t, hash) | (number + 1);
	set_filled(t, hash, true);
	memset(&t->slots[number], 0, sizeof(t->slots[number]));
	if (t->context_size)
		memset(table_context(t, number), 0, t->context_size);
	t->slots[number].hash = (uint32_t)hash;
	return number;
}

void table_remove(struct table *t, uint32_t number)
{
	struct slot *slot = &t->slots[number];
	struct table_bucket *b = table_bucket_of(t, slot->hash);
	unsigned way = 0;
	unsigned last = TABLE_WAYS - 1;

	while ((b->entries[way] & t->number_mask) != number + 1)
		way++;
	while (!b->entries[last])
		last--;
	b->entries[way] = b->entries[last];
	b->entries[last] = 0;
	if (last == 0)
		set_filled(t, slot->hash, false);
	slot->state = SLOT_FREE;
	slot->next = t->free;
	t->free = number;
	t->used--;
}
