/* Distinct values by a table of positions; the contract is in distinct.h. */
#include "store/distinct.h"

#include "base/hash.h"

#include <string.h>

#define PROBES_MAX 24
#define TRIAL_MIN 2048 /* from so many on it is looked at whether values repeat */

/* No room for one more, or three of four rows bring a new value: they hardly repeat. */
static bool hopeless(const struct distinct *distinct, size_t row)
{
	return distinct->count == DISTINCT_MAX || distinct->bytes > DISTINCT_TEXT_MAX
	    || (distinct->count >= TRIAL_MIN && distinct->count * 4 > row * 3);
}

/* A narrow range needs no hash: every value has its own slot. */
static bool by_range(struct distinct *distinct, const uint64_t *values, size_t count,
    uint64_t least, uint64_t range, uint16_t *positions)
{
	uint16_t *slots = distinct->slots;

	memset(slots, 0, (size_t)(range + 1) * sizeof(*slots));
	for (size_t i = 0; i < count; i++) {
		uint16_t *slot = &slots[values[i] - least];

		if (!*slot) {
			if (hopeless(distinct, i))
				return false;
			distinct->values[distinct->count++] = values[i];
			*slot = (uint16_t)distinct->count;
		}
		positions[i] = *slot - 1;
	}
	return true;
}

/* The slot of a value, or of the place where it belongs; NULL after too many. */
static uint16_t *find_value(struct distinct *distinct, uint64_t value)
{
	size_t at = (size_t)(value * 0x9e3779b97f4a7c15ull >> 48);

	for (unsigned probe = 0; probe < PROBES_MAX; probe++) {
		uint16_t *slot = &distinct->slots[(at + probe) & (DISTINCT_SLOTS - 1)];

		if (!*slot || distinct->values[*slot - 1] == value)
			return slot;
	}
	return NULL;
}

bool distinct_values(struct distinct *distinct, const uint64_t *values, size_t count,
    uint64_t least, uint64_t most, uint16_t *positions)
{
	distinct->count = 0;
	distinct->bytes = 0;
	if (most - least < DISTINCT_SLOTS)
		return by_range(distinct, values, count, least, most - least, positions);
	memset(distinct->slots, 0, sizeof(distinct->slots));
	for (size_t i = 0; i < count; i++) {
		uint16_t *slot;

		if (i && values[i] == values[i - 1]) {
			positions[i] = positions[i - 1];
			continue;
		}
		slot = find_value(distinct, values[i]);
		if (!slot || (!*slot && hopeless(distinct, i)))
			return false;
		if (!*slot) {
			distinct->values[distinct->count++] = values[i];
			*slot = (uint16_t)distinct->count;
		}
		positions[i] = *slot - 1;
	}
	return true;
}

static size_t hash_text(const struct record_text *text)
{
	const char *at = text->data;
	uint32_t left = text->len;
	uint64_t hash = left;
	uint64_t word[2];

	for (; left > sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(word, at, sizeof(word));
		hash = hash_pair(hash ^ word[0], word[1]);
	}
	memset(word, 0, sizeof(word));
	if (left)
		memcpy(word, at, left);
	return (size_t)hash_pair(hash ^ word[0], word[1]);
}

static bool same_text(const struct record_text *a, const struct record_text *b)
{
	return a->len == b->len
	    && (a->len == 0 || a->data == b->data || memcmp(a->data, b->data, a->len) == 0);
}

static uint16_t *find_text(struct distinct *distinct, const struct record_text *text)
{
	size_t at = hash_text(text);

	for (unsigned probe = 0; probe < PROBES_MAX; probe++) {
		uint16_t *slot = &distinct->slots[(at + probe) & (DISTINCT_SLOTS - 1)];

		if (!*slot || same_text(&distinct->texts[*slot - 1], text))
			return slot;
	}
	return NULL;
}

bool distinct_texts(struct distinct *distinct, const struct record_text *texts, size_t count,
    uint16_t *positions)
{
	distinct->count = 0;
	distinct->bytes = 0;
	memset(distinct->slots, 0, sizeof(distinct->slots));
	for (size_t i = 0; i < count; i++) {
		uint16_t *slot;

		if (i && same_text(&texts[i], &texts[i - 1])) {
			positions[i] = positions[i - 1];
			continue;
		}
		slot = find_text(distinct, &texts[i]);
		if (!slot || (!*slot && hopeless(distinct, i)))
			return false;
		if (!*slot) {
			distinct->bytes += texts[i].len;
			distinct->texts[distinct->count++] = texts[i];
			*slot = (uint16_t)distinct->count;
		}
		positions[i] = *slot - 1;
	}
	return true;
}
