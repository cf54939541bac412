/* The sources of a run; the contract is in sources.h. */
#include "tally/sources.h"

#include "base/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS_INITIAL 14
#define INDEX_BITS_MAX 26 /* twice SOURCES_MAX */
#define PAIR_BITS_MAX 27
#define SOURCES_MIN 1024u
#define EVIDENCE_INITIAL 1024u
#define OVERFLOW_INITIAL 16u

static size_t words_of(unsigned shift)
{
	return (size_t)(UINT64_MAX >> shift) + 1;
}

/* Bytes of a table that has room behind its last word for what belongs there. */
static size_t words_size(unsigned shift, size_t word_size)
{
	return (words_of(shift) + PAIR_FAR_MAX + 1) * word_size;
}

/* Address space for all there can be, or as much as the system allows: what is not used stays
 * untouched, and nothing is ever copied. */
static int allocate_list(struct sources *s, uint32_t count_max)
{
	for (s->capacity = count_max; s->capacity >= SOURCES_MIN; s->capacity /= 2) {
		s->list = large_alloc((size_t)s->capacity * sizeof(*s->list));
		if (s->list)
			return ST_OK;
	}
	return -ENOMEM;
}

static void *allocate_words(size_t word_size, unsigned bits_max, unsigned *ret_shift_min)
{
	for (unsigned bits = bits_max; bits >= BITS_INITIAL; bits--) {
		void *words = large_alloc(words_size(64 - bits, word_size));

		*ret_shift_min = 64 - bits;
		if (words)
			return words;
	}
	return NULL;
}

int sources_init(struct sources *s, uint32_t count_max)
{
	memset(s, 0, sizeof(*s));
	s->index_shift = 64 - BITS_INITIAL;
	s->pair_shift = 64 - BITS_INITIAL;
	s->index = allocate_words(sizeof(*s->index), INDEX_BITS_MAX, &s->index_shift_min);
	s->pairs = allocate_words(sizeof(*s->pairs), PAIR_BITS_MAX, &s->pair_shift_min);
	return !s->index || !s->pairs || allocate_list(s, count_max) ? -ENOMEM : ST_OK;
}

void sources_fini(struct sources *s)
{
	large_free(s->list, (size_t)s->capacity * sizeof(*s->list));
	large_free(s->index, words_size(s->index_shift_min, sizeof(*s->index)));
	large_free(s->pairs, words_size(s->pair_shift_min, sizeof(*s->pairs)));
	free(s->overflow);
	large_free(s->evidence, s->evidence_capacity * sizeof(*s->evidence));
	memset(s, 0, sizeof(*s));
}

static bool grow_index(struct sources *s)
{
	unsigned shift = s->index_shift - 1;
	uint32_t mask;

	if (shift < s->index_shift_min)
		return false;
	memset(s->index, 0, words_of(s->index_shift) * sizeof(*s->index));
	mask = (uint32_t)(words_of(shift) - 1);
	for (uint32_t i = 0; i < s->count; i++) {
		uint64_t hash = sources_hash(s->list[i].key);
		uint32_t at = (uint32_t)(hash >> shift);

		while (s->index[at])
			at = (at + 1) & mask;
		s->index[at] = sources_tag(hash) | (i + 1);
	}
	s->index_shift = shift;
	return true;
}

static size_t pair_home(uint64_t word, unsigned shift)
{
	return (size_t)(sources_hash(word >> PAIR_COUNT_BITS) >> shift);
}

static void put_pair(struct sources *s, uint64_t word, unsigned shift)
{
	size_t at = pair_home(word, shift);

	while (s->pairs[at])
		at++;
	s->pairs[at] = word;
}

/*
 * Twice the words, where they are.  Places follow the upper bits of the hash, so a pair's new place
 * is at least twice its old home: from the last to the first, each finds there only pairs that have
 * moved.  Those at the very beginning that might find others wait aside.  No pair is farther from
 * its home afterwards than one was before: as many homes have twice the words.
 */
static bool grow_pairs(struct sources *s)
{
	unsigned shift = s->pair_shift - 1;
	uint64_t aside[2 * PAIR_FAR_MAX + 2];
	size_t waiting = 0;

	if (shift < s->pair_shift_min)
		return false;
	for (size_t i = words_of(s->pair_shift) + PAIR_FAR_MAX; i-- > 0;) {
		uint64_t word = s->pairs[i];

		if (!word)
			continue;
		s->pairs[i] = 0;
		if (pair_home(word, shift) < i)
			aside[waiting++] = word; /* home < i ≤ home / 2 + PAIR_FAR_MAX */
		else
			put_pair(s, word, shift);
	}
	while (waiting > 0)
		put_pair(s, aside[--waiting], shift);
	s->pair_shift = shift;
	return true;
}

bool sources_reserve(struct sources *s, uint32_t more)
{
	while (s->count + more > words_of(s->index_shift) / 2)
		if (!grow_index(s))
			return false;
	while (s->pair_count + more > words_of(s->pair_shift) / 8 * 5)
		if (!grow_pairs(s))
			return false;
	return true;
}

bool sources_new_evidence(struct sources *s, struct source *source)
{
	if (s->evidence_count == s->evidence_capacity) {
		uint32_t capacity = s->evidence_capacity ? s->evidence_capacity * 2
		                                         : EVIDENCE_INITIAL;
		struct source_evidence *fresh = large_alloc(capacity * sizeof(*fresh));

		if (!fresh)
			return false;
		if (s->evidence)
			memcpy(fresh, s->evidence, s->evidence_count * sizeof(*fresh));
		large_free(s->evidence, s->evidence_capacity * sizeof(*fresh));
		s->evidence = fresh;
		s->evidence_capacity = capacity;
	}
	source->evidence = ++s->evidence_count;
	tools_evidence_add(&s->evidence[source->evidence - 1].tools, source->matches, source->rules);
	return true;
}

bool sources_add_overflow(struct sources *s, uint64_t pair, uint64_t packets)
{
	if (s->overflow_count == s->overflow_capacity) {
		uint32_t capacity = s->overflow_capacity ? s->overflow_capacity * 2
		                                         : OVERFLOW_INITIAL;
		struct pair_overflow *more = realloc(s->overflow, capacity * sizeof(*more));

		if (!more)
			return false;
		s->overflow = more;
		s->overflow_capacity = capacity;
	}
	s->overflow[s->overflow_count++] = (struct pair_overflow){(uint32_t)(pair >> SLOT_BITS),
		(uint32_t)pair & SLOT_MASK, packets};
	return true;
}

void sources_close(struct sources *s)
{
	size_t size = words_of(s->pair_shift) + PAIR_FAR_MAX;
	size_t n = 0;

	/* Which word is free nobody could foretell: each is copied, and kept by counting it. */
	for (size_t i = 0; i < size; i++) {
		uint64_t word = s->pairs[i];

		s->pairs[n] = word;
		n += word != 0;
	}
}

void sources_count_ports(const struct sources *s, uint64_t packets[SLOTS], uint32_t counts[SLOTS])
{
	for (uint32_t n = 0; n < s->count; n++) {
		const uint64_t *own = s->list[n].pairs;

		for (unsigned i = 0; i < SOURCE_PAIRS && own[i]; i++) {
			packets[own[i] >> SOURCE_PAIR_COUNT_BITS] += own[i] & SOURCE_PAIR_COUNT_MAX;
			counts[own[i] >> SOURCE_PAIR_COUNT_BITS]++;
		}
	}
	for (uint32_t i = 0; i < s->pair_count; i++) {
		uint32_t slot = s->pairs[i] >> PAIR_COUNT_BITS & SLOT_MASK;

		packets[slot] += s->pairs[i] & PAIR_COUNT_MAX;
		counts[slot]++;
	}
	for (uint32_t i = 0; i < s->overflow_count; i++)
		packets[s->overflow[i].slot] += s->overflow[i].packets;
}
