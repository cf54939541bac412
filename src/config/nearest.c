/*
 * Nearest word by restricted Damerau-Levenshtein distance; the contract is in nearest.h.
 *
 * A suggestion that is far from what was typed is worse than none: at most a third of the word may
 * differ.  Nothing here allocates, and words are cut off at NEAREST_WORD_MAX.
 */
#include "config/nearest.h"

#include <string.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned nearest_distance(const char *a, const char *b)
{
	unsigned rows[3][NEAREST_WORD_MAX + 1];
	size_t alen = strlen(a);
	size_t blen = strlen(b);
	unsigned distance;

	if (alen > NEAREST_WORD_MAX || blen > NEAREST_WORD_MAX)
		return NEAREST_DISTANCE_MAX + 1;
	for (size_t j = 0; j <= blen; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *above2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			row[j] = min3(
			    above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	distance = rows[alen % 3][blen];
	return distance > NEAREST_DISTANCE_MAX ? NEAREST_DISTANCE_MAX + 1 : distance;
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t len = strlen(n->word);
	unsigned allowed = len < 3 ? 1 : (unsigned)((len + 2) / 3);
	unsigned distance = nearest_distance(n->word, candidate);

	if (allowed > NEAREST_DISTANCE_MAX)
		allowed = NEAREST_DISTANCE_MAX;
	if (distance > allowed || (n->best && n->distance <= distance))
		return;
	n->best = candidate;
	n->distance = distance;
}
