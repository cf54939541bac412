/* Distinct words by sorting; the contract is in word_list.h. */
#include "report/word_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define WORDS_FIRST 4096

int word_list_add(struct word_list *list, uint64_t word)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : WORDS_FIRST;
		uint64_t *words = realloc(list->words, cap * sizeof(*words));

		if (!words)
			return -ENOMEM;
		list->words = words;
		list->cap = cap;
	}
	list->words[list->count++] = word;
	return 0;
}

/* By one byte of each, smallest first; the others keep their order.  False: all have the same. */
static bool sort_byte(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
	size_t starts[256] = {0};
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		starts[from[i] >> shift & 0xff]++;
	if (count == 0 || starts[from[0] >> shift & 0xff] == count)
		return false;
	for (size_t i = 0; i < 256; i++) {
		size_t here = starts[i];

		starts[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[starts[from[i] >> shift & 0xff]++] = from[i];
	return true;
}

int word_list_unique(struct word_list *list)
{
	uint64_t *other = calloc(list->cap ? list->cap : 1, sizeof(*other));
	size_t kept = 0;

	if (!other)
		return -ENOMEM;
	for (unsigned shift = 0; shift < 64; shift += 8) {
		uint64_t *from = list->words;

		if (!sort_byte(from, other, list->count, shift))
			continue;
		list->words = other;
		other = from;
	}
	free(other);
	for (size_t i = 0; i < list->count; i++)
		if (i == 0 || list->words[i] != list->words[kept - 1])
			list->words[kept++] = list->words[i];
	list->count = kept;
	return 0;
}

void word_list_fini(struct word_list *list)
{
	free(list->words);
	*list = (struct word_list){0};
}
