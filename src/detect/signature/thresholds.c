/* Thresholds and xbits; the contract is in thresholds.h. */
#include "detect/signature/thresholds.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000ll
#define PROBES 16 /* slots looked at; the stalest of them gives way */

struct entry {
	struct ip a;
	struct ip b;
	uint32_t id;   /* 1 + the rule's number, or 1 + the bit's name */
	uint8_t kind;  /* threshold or filter, track */
	uint32_t count;
	uint32_t next; /* backoff: the count that is raised next */
	int64_t start_us;
	int64_t end_us;
};

struct thresholds {
	struct entry *entries;
	struct entry *xbits;
};

int thresholds_new(struct thresholds **ret)
{
	struct thresholds *t = calloc(1, sizeof(*t));

	if (t) {
		t->entries = calloc(THRESHOLDS_MAX, sizeof(*t->entries));
		t->xbits = calloc(XBITS_MAX, sizeof(*t->xbits));
	}
	if (!t || !t->entries || !t->xbits) {
		thresholds_free(t);
		return -ENOMEM;
	}
	*ret = t;
	return ST_OK;
}

void thresholds_free(struct thresholds *t)
{
	if (!t)
		return;
	free(t->entries);
	free(t->xbits);
	free(t);
}

/* Finds the entry of a key, or the place for it; *ret_new says which. */
static struct entry *find(struct entry *table, uint32_t size, const struct entry *key, bool *ret_new)
{
	uint64_t h = hash_pair(hash_pair(key->a.hi ^ key->b.lo, key->a.lo + key->b.hi),
	    (uint64_t)key->kind << 32 | key->id);
	struct entry *stale = NULL;

	for (unsigned i = 0; i < PROBES; i++) {
		struct entry *e = &table[(h + i) & (size - 1)];

		if (e->id == key->id && e->kind == key->kind && ip_equal(e->a, key->a)
		    && ip_equal(e->b, key->b)) {
			*ret_new = false;
			return e;
		}
		if (e->id == 0) {
			stale = e;
			break;
		}
		if (!stale || e->end_us < stale->end_us)
			stale = e;
	}
	*ret_new = true;
	return stale;
}

static bool within(const struct rule_threshold *t, struct entry *e, int64_t now)
{
	bool held;

	switch ((enum threshold_type)t->type) {
	case THRESHOLD_LIMIT:
		return ++e->count <= t->count;
	case THRESHOLD_EVERY:
		if (++e->count < t->count)
			return false;
		e->count = 0;
		e->start_us = now;
		return true;
	case THRESHOLD_BOTH:
		return ++e->count == t->count;
	case THRESHOLD_DETECTION:
		return ++e->count > t->count;
	case THRESHOLD_BACKOFF:
		held = ++e->count != e->next;
		if (!held)
			e->next *= t->multiplier ? t->multiplier : 10;
		return !held;
	case THRESHOLD_NONE:
		break;
	}
	return true;
}

static bool first_time(const struct rule_threshold *t)
{
	return t->type == THRESHOLD_LIMIT
	    || (t->count == 1 && t->type != THRESHOLD_DETECTION);
}

bool thresholds_allow(struct thresholds *t, const struct rule *rule,
    const struct rule_threshold *threshold, struct ip src, struct ip dst, uint64_t flow,
    int64_t now)
{
	struct entry key = {.id = rule->number + 1,
		.kind = (uint8_t)(threshold->track | (threshold->type == THRESHOLD_DETECTION ? 8 : 0))};
	struct entry *e;
	bool fresh;

	switch ((enum threshold_track)threshold->track) {
	case THRESHOLD_BY_SOURCE:
		key.a = src;
		break;
	case THRESHOLD_BY_DESTINATION:
		key.a = dst;
		break;
	case THRESHOLD_BY_PAIR:
		key.a = ip_compare(src, dst) < 0 ? src : dst;
		key.b = ip_compare(src, dst) < 0 ? dst : src;
		break;
	case THRESHOLD_BY_FLOW:
		key.a.lo = flow;
		break;
	case THRESHOLD_BY_RULE:
		break;
	}
	e = find(t->entries, THRESHOLDS_MAX, &key, &fresh);
	if (fresh || (threshold->seconds && now > e->start_us + threshold->seconds * SECOND)) {
		*e = key;
		e->start_us = now;
		e->count = 1;
		e->next = threshold->count;
		if (threshold->type == THRESHOLD_EVERY && threshold->count == 1)
			e->count = 0;
		if (threshold->type == THRESHOLD_BACKOFF && threshold->count == 1)
			e->next = threshold->multiplier ? threshold->multiplier : 10;
		e->end_us = now + threshold->seconds * SECOND;
		return first_time(threshold);
	}
	if (threshold->type == THRESHOLD_EVERY && e->count == 0)
		e->start_us = now;
	e->end_us = e->start_us + threshold->seconds * SECOND;
	return within(threshold, e, now);
}

/* ---- xbits ---------------------------------------------------------------------------------- */

static struct entry xbit_key(const struct rule_test *test, struct ip src, struct ip dst)
{
	struct entry key = {.id = test->names[0] + 1u, .kind = test->track};

	switch ((enum bit_track)test->track) {
	case TRACK_SOURCE:
		key.a = src;
		break;
	case TRACK_DESTINATION:
		key.a = dst;
		break;
	case TRACK_PAIR:
		key.a = ip_compare(src, dst) < 0 ? src : dst;
		key.b = ip_compare(src, dst) < 0 ? dst : src;
		break;
	}
	/* A host's bit is one, whichever side the rule found it on. */
	if (key.kind == TRACK_DESTINATION)
		key.kind = TRACK_SOURCE;
	return key;
}

bool xbits_test(struct thresholds *t, const struct rule_test *test, struct ip src, struct ip dst,
    int64_t now)
{
	struct entry key = xbit_key(test, src, dst);
	bool fresh;
	struct entry *e = find(t->xbits, XBITS_MAX, &key, &fresh);
	bool set = !fresh && e->end_us >= now;

	return set == (test->mode == BIT_ISSET);
}

void xbits_change(struct thresholds *t, const struct rule_test *test, struct ip src, struct ip dst,
    int64_t now)
{
	struct entry key = xbit_key(test, src, dst);
	bool fresh;
	struct entry *e = find(t->xbits, XBITS_MAX, &key, &fresh);
	bool set = !fresh && e->end_us >= now;

	if (test->mode == BIT_UNSET || (test->mode == BIT_TOGGLE && set)) {
		if (!fresh)
			e->end_us = INT64_MIN;
		return;
	}
	*e = key;
	e->start_us = now;
	e->end_us = now + test->expire * SECOND;
}
