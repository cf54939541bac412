/* Partitions of the observed addresses; the contract is in scan_group.h. */
#include "detect/scan_group.h"

#include <math.h>
#include <stdlib.h>

#define TERMS_MAX 1000000u

/*
 * P(X ≤ k) of a Poisson variable: its tail is heavier than that of a sum of hypergeometric ones
 * with the same mean, whose variance is smaller.
 */
static double poisson_tail(uint64_t k, double mean)
{
	double sum = 0;
	double log_term = -mean;

	if (k >= mean || k > TERMS_MAX)
		return 1;
	for (uint64_t i = 0; i <= k; i++) {
		sum += exp(log_term);
		log_term += log(mean) - log((double)(i + 1));
	}
	return sum < 1 ? sum : 1;
}

static int compare_sensor(const void *va, const void *vb)
{
	const struct scan_member *a = va;
	const struct scan_member *b = vb;

	return a->sensor < b->sensor ? -1 : a->sensor > b->sensor;
}

/* How many sources asked each address of one sensor. */
static void count_sensor(const struct scan_member *members, size_t count, struct scan_group *group)
{
	uint64_t asked[64] = {0};

	for (size_t i = 0; i < count; i++)
		for (uint64_t bits = members[i].dst_bits; bits; bits &= bits - 1)
			asked[__builtin_ctzll(bits)]++;
	for (size_t a = 0; a < 64; a++) {
		group->destinations += asked[a] > 0;
		group->overlap += asked[a] ? asked[a] * (asked[a] - 1) / 2 : 0;
	}
}

struct scan_group scan_group_test(struct scan_member *members, size_t count, uint64_t addresses)
{
	struct scan_group group = {.chance = 1};
	double sum = 0;
	double squares = 0;

	for (size_t i = 0; i < count;) {
		struct ip source = members[i].source;
		double asked = 0;

		for (; i < count && ip_equal(members[i].source, source); i++)
			asked += __builtin_popcountll(members[i].dst_bits);
		group.sources++;
		sum += asked;
		squares += asked * asked;
	}
	if (count)
		qsort(members, count, sizeof(*members), compare_sensor);
	for (size_t i = 0; i < count;) {
		size_t begin = i;

		while (i < count && members[i].sensor == members[begin].sensor)
			i++;
		count_sensor(members + begin, i - begin, &group);
	}
	if (addresses == 0 || group.sources < SCAN_GROUP_SOURCES_MIN)
		return group;
	group.expected = (sum * sum - squares) / (2 * (double)addresses);
	group.chance = poisson_tail(group.overlap, group.expected);
	return group;
}
