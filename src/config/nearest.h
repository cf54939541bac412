/*
 * The nearest of a list of words, for "did you mean …?".
 */
#pragma once

#include <stddef.h>

/*
 * Edits (insert, delete, replace, swap of neighbours) that turn a into b; anything above
 * NEAREST_DISTANCE_MAX, and words longer than NEAREST_WORD_MAX, count as NEAREST_DISTANCE_MAX + 1.
 */
#define NEAREST_DISTANCE_MAX 3
#define NEAREST_WORD_MAX 64
unsigned nearest_distance(const char *a, const char *b);

/* A search that is fed candidates one by one; zero-initialise, set word. */
struct nearest {
	const char *word;
	const char *best; /* NULL while nothing is near enough */
	unsigned distance;
};

/* Offers a candidate; it stays borrowed. */
void nearest_offer(struct nearest *n, const char *candidate);
