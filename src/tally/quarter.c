/* Event counts per quarter of an hour; the contract is in quarter.h. */
#include "tally/quarter.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 8192u
#define FULL (SLOTS / 4 * 3)

struct quarter {
	quarter_fn give;
	void *arg;
	int64_t start_us;
	size_t used;
	struct quarter_count slots[SLOTS]; /* count 0: free */
};

int quarter_new(quarter_fn give, void *arg, struct quarter **ret_quarter)
{
	struct quarter *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->give = give;
	q->arg = arg;
	*ret_quarter = q;
	return ST_OK;
}

void quarter_free(struct quarter *q)
{
	free(q);
}

static int give_all(struct quarter *q)
{
	int rc = 0;

	for (size_t i = 0; q->used > 0 && i < SLOTS; i++)
		if (q->slots[i].count > 0 && !rc)
			rc = q->give(q->arg, q->start_us, &q->slots[i]);
	if (q->used > 0)
		memset(q->slots, 0, sizeof(q->slots));
	q->used = 0;
	return rc;
}

int quarter_flush(struct quarter *q, int64_t now_us)
{
	if (q->used > 0 && (now_us == INT64_MAX || now_us >= q->start_us + QUARTER_US))
		return give_all(q);
	return ST_OK;
}

int quarter_add(struct quarter *q, int64_t time_us, uint16_t module, uint16_t event, uint16_t port,
    const char country[2])
{
	int64_t rest = time_us % QUARTER_US;
	int64_t start_us = time_us - (rest < 0 ? rest + QUARTER_US : rest);
	uint64_t key = (uint64_t)module << 48 | (uint64_t)event << 32 | (uint64_t)port << 16
	    | (uint64_t)(uint8_t)country[0] << 8 | (uint8_t)country[1];
	uint32_t at = (uint32_t)hash_u64(key) % SLOTS;
	int rc = ST_OK;

	if (q->used > 0 && (start_us != q->start_us || q->used >= FULL))
		rc = give_all(q);
	q->start_us = start_us;
	for (;; at = (at + 1) % SLOTS) {
		struct quarter_count *slot = &q->slots[at];

		if (slot->count == 0) {
			slot->module = module;
			slot->event = event;
			slot->port = port;
			memcpy(slot->country, country, 2);
			q->used++;
		} else if (slot->module != module || slot->event != event || slot->port != port
		    || memcmp(slot->country, country, 2) != 0) {
			continue;
		}
		slot->count++;
		return rc;
	}
}
