/*
 * Lists of words in which distinct ones are to be counted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Words, collected first and counted when sorted: faster than a set that no cache holds. */
struct word_list {
	uint64_t *words;
	size_t count;
	size_t cap;
};

/* Negative: out of memory. */
int word_list_add(struct word_list *list, uint64_t word);
/* Sorts, and leaves one of each.  Negative: out of memory. */
int word_list_unique(struct word_list *list);
void word_list_fini(struct word_list *list);
