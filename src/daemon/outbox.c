/* A worker's way to the store; the contract is in outbox.h. */
#include "daemon/outbox.h"

#include "base/wr.h"
#include "daemon/wire.h"
#include "os/channel.h"
#include "os/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct message {
	struct message *next;
	uint16_t type;
	uint32_t len;
	uint8_t body[];
};

struct outbox {
	int fd;
	struct message *first; /* waiting, in order */
	struct message **last;
	size_t waiting;
	struct wr rows;        /* the message of rows that is being filled */
	uint8_t space[OS_CHANNEL_MAX];
	struct outbox_counters counters;
};

int outbox_new(int fd, struct outbox **ret_outbox)
{
	struct outbox *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->fd = fd;
	o->last = &o->first;
	o->rows = wr_init(o->space, sizeof(o->space));
	*ret_outbox = o;
	return ST_OK;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	while (o->first) {
		struct message *next = o->first->next;

		free(o->first);
		o->first = next;
	}
	free(o);
}

/* Queues a copy; false when there is no room for it. */
static bool queue(struct outbox *o, uint16_t type, const void *body, size_t len)
{
	struct message *m;

	if (o->waiting + len > OUTBOX_MAX)
		return false;
	m = malloc(sizeof(*m) + len);
	if (!m)
		return false;
	m->next = NULL;
	m->type = type;
	m->len = (uint32_t)len;
	memcpy(m->body, body, len);
	*o->last = m;
	o->last = &m->next;
	o->waiting += len;
	return true;
}

/* Sends now or queues behind what waits. */
static bool post(struct outbox *o, uint16_t type, const void *body, size_t len)
{
	if (!o->first && os_channel_send(o->fd, type, body, len) == ST_OK) {
		o->counters.messages++;
		return true;
	}
	return queue(o, type, body, len);
}

static void post_rows(struct outbox *o)
{
	size_t len = wr_len(&o->rows);

	if (len == 0)
		return;
	if (!post(o, WIRE_ROWS, o->space, len))
		o->counters.lost_rows++;
	o->rows = wr_init(o->space, sizeof(o->space));
}

int outbox_row(void *arg, enum record_table_id id, const void *row)
{
	struct outbox *o = arg;
	const struct record_table *table = &record_tables[id];
	size_t need = WIRE_ROW_HEAD + record_encoded_max(table, row);
	uint8_t *length;
	size_t before;

	if (need > sizeof(o->space)) {
		o->counters.lost_rows++;
		return ST_OK;
	}
	if ((size_t)(o->rows.end - o->rows.pos) < need)
		post_rows(o);
	wr_u8(&o->rows, (uint8_t)id);
	length = o->rows.pos;
	wr_u32le(&o->rows, 0);
	before = wr_len(&o->rows);
	record_encode(table, row, &o->rows);
	before = wr_len(&o->rows) - before;
	for (unsigned i = 0; i < 4; i++)
		length[i] = (uint8_t)(before >> 8 * i);
	o->counters.rows++;
	return ST_OK;
}

int outbox_blob(void *arg, const char *sha256, const void *data, size_t len)
{
	struct outbox *o = arg;
	uint8_t part[WIRE_BLOB_HEAD + WIRE_BLOB_PART];

	for (size_t at = 0; at < len; at += WIRE_BLOB_PART) {
		size_t n = len - at < WIRE_BLOB_PART ? len - at : WIRE_BLOB_PART;
		struct wr w = wr_init(part, sizeof(part));

		wr_bytes(&w, sha256, 64);
		wr_u64le(&w, len);
		wr_u64le(&w, at);
		wr_bytes(&w, (const uint8_t *)data + at, n);
		if (!post(o, WIRE_BLOB, part, wr_len(&w))) {
			o->counters.lost_rows++;
			return ST_OK;
		}
	}
	return ST_OK;
}

void outbox_signature(void *arg, uint32_t id, const char *text)
{
	uint8_t body[512];
	struct wr w = wr_init(body, sizeof(body));

	wr_u32le(&w, id);
	wr_bytes(&w, text, strlen(text));
	if (!w.bad)
		(void)post(arg, WIRE_SIGNATURE, body, wr_len(&w));
}

void outbox_edition(struct outbox *o, const struct ruleset_edition *edition, uint32_t rules,
    int64_t from_us, int64_t to_us)
{
	uint8_t body[64];
	struct wr w = wr_init(body, sizeof(body));

	wr_u32le(&w, rules);
	wr_u32le(&w, (uint32_t)edition->updated);
	wr_u64le(&w, (uint64_t)from_us);
	wr_u64le(&w, (uint64_t)to_us);
	wr_bytes(&w, edition->digest, WIRE_DIGEST);
	(void)post(o, WIRE_EDITION, body, wr_len(&w));
}

void outbox_address(struct outbox *o, uint32_t number, struct ip ip)
{
	uint8_t body[20];
	struct wr w = wr_init(body, sizeof(body));

	wr_u32le(&w, number);
	wr_u64le(&w, ip.hi);
	wr_u64le(&w, ip.lo);
	(void)post(o, WIRE_ADDRESS, body, wr_len(&w));
}

void outbox_clock(struct outbox *o, int64_t wall_minus_monotonic_us)
{
	uint8_t body[8];
	struct wr w = wr_init(body, sizeof(body));

	post_rows(o);
	wr_u64le(&w, (uint64_t)wall_minus_monotonic_us);
	(void)post(o, WIRE_CLOCK, body, wr_len(&w));
}

int outbox_flush(struct outbox *o)
{
	post_rows(o);
	while (o->first) {
		struct message *m = o->first;
		int rc = os_channel_send(o->fd, m->type, m->body, m->len);

		if (rc == -EAGAIN) {
			o->counters.waited++;
			return ST_OK;
		}
		if (rc)
			return rc;
		o->counters.messages++;
		o->waiting -= m->len;
		o->first = m->next;
		if (!o->first)
			o->last = &o->first;
		free(m);
	}
	return ST_OK;
}

bool outbox_behind(const struct outbox *o)
{
	return o->waiting > OUTBOX_BEHIND;
}

bool outbox_empty(const struct outbox *o)
{
	return !o->first && wr_len(&o->rows) == 0;
}

int outbox_finish(struct outbox *o, int timeout_ms)
{
	int64_t end_us = os_clock_monotonic_us() + (int64_t)timeout_ms * 1000;
	int rc = outbox_flush(o);

	while (!rc && o->first && os_clock_monotonic_us() < end_us) {
		struct pollfd p = {o->fd, POLLOUT, 0};

		(void)poll(&p, 1, 50);
		rc = outbox_flush(o);
	}
	if (!rc && o->first)
		rc = ST_LIMIT;
	return rc ? rc : os_channel_send(o->fd, WIRE_GONE, "", 0);
}

const struct outbox_counters *outbox_counters(const struct outbox *o)
{
	return &o->counters;
}
