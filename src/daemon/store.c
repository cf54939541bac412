/*
 * teiten-store: takes what the sensor's workers found and keeps it.
 *
 * The only program of the sensor that may write files, and it sees no network.  Rows come framed
 * from workers that may have been taken over: each is checked, and a worker that sends nonsense is
 * reported to the supervisor and not listened to any more.
 */
#include "config/config.h"
#include "daemon/numbers.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/confine.h"
#include "os/signals.h"
#include "os/digest.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/sandbox.h"
#include "store/store.h"
#include "tally/destinations.h"
#include "tally/overlap.h"

#include "base/civil.h"
#include "base/rd.h"
#include "base/wr.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOB_MAX (1u << 20)
#define READY_ADDRESSES 2048
#define MESSAGES_PER_TURN 512
#define WATERMARK_KEEPS 7 /* days whose detail stays, whoever filled the disk */
#define UPKEEP_US (10 * CIVIL_US_PER_MINUTE)
#define DRAIN_MS 3000
#define STATUS_US 1000000
#define RELEASE_US CIVIL_US_PER_MINUTE
#define RESERVE_SHARE 20 /* one part in so many of the disk is left free, within these bounds */
#define FULL_SHARE 4     /* less than one part in so many of that: full */
#define RESERVE_MIN (2u << 20)
#define RESERVE_MAX (256u << 20)
#define CLOCK_MAX_US (1ll << 53) /* a worker's clock: some 285 years */

struct peer {
	int fd;
	bool ignored;
	char sha256[65];
	uint8_t *blob;
	size_t blob_len;
	size_t blob_have;
	int64_t clock_us; /* of its coverage */
};

/* How much of what comes is kept. */
enum room {
	ROOM_ENOUGH,
	ROOM_SHORT, /* no detail: logins and event counts only */
	ROOM_NONE,
};

struct keeper {
	struct start start;
	struct config *config;
	struct store_judging judging;
	struct research *research;
	struct store *store;
	struct store_ingest *ingest;
	struct peer peers[WIRE_PEER_COUNT];
	unsigned peer_count;
	struct peer *speaker;    /* whose rows are being taken */
	struct overlap *overlap; /* of several captures; NULL */
	struct numbers numbers;  /* of observed addresses */
	uint16_t sensor;
	bool tail;
	bool told; /* the supervisor knows the sensor's addresses */
	int64_t upkeep_us;
	int64_t status_us;
	int64_t release_us;
	int32_t compacted_day;
	uint64_t rows[RECORD_TABLE_COUNT];
	uint64_t refused;
	enum room room;          /* what the disk still has */
	uint64_t left_out;       /* rows that were not kept because it was full */
	int64_t last_row_us;
	struct err *err;
};

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void put_json_text(struct buf *b, const char *name, struct record_text text)
{
	buf_printf(b, ",\"%s\":\"", name);
	for (uint32_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

/* One line for `teiten sensor tail`. */
static void tell_tail(enum record_table_id table, const void *row)
{
	const struct record_session *s = row;
	const struct record_login *l = row;
	const struct record_command *c = row;
	const struct record_alert *a = row;
	char time[CIVIL_TIME_TEXT_MAX];
	char ip[IP_TEXT_MAX];
	struct buf b = {0};

	if (table == RECORD_TABLE_session) {
		buf_printf(&b, "{\"kind\":\"session\",\"time\":\"%s\",\"source\":\"%s\",\"port\":%u",
		    civil_format_time(s->time, time),
		    ip_format((struct ip){s->src_hi, s->src_lo}, ip), s->dport);
		put_json_text(&b, "protocol", s->protocol);
		put_json_text(&b, "request", s->request);
		put_json_text(&b, "software", s->software);
	} else if (table == RECORD_TABLE_login) {
		buf_printf(&b, "{\"kind\":\"login\",\"time\":\"%s\",\"source\":\"%s\",\"port\":%u",
		    civil_format_time(l->time, time),
		    ip_format((struct ip){l->src_hi, l->src_lo}, ip), l->dport);
		put_json_text(&b, "protocol", l->protocol);
		put_json_text(&b, "user", l->user);
		put_json_text(&b, "password", l->password);
		put_json_text(&b, "outcome", l->outcome);
	} else if (table == RECORD_TABLE_command) {
		buf_printf(&b, "{\"kind\":\"command\",\"time\":\"%s\",\"source\":\"%s\",\"port\":%u",
		    civil_format_time(c->time, time),
		    ip_format((struct ip){c->src_hi, c->src_lo}, ip), c->dport);
		put_json_text(&b, "protocol", c->protocol);
		put_json_text(&b, "text", c->text);
	} else if (table == RECORD_TABLE_alert) {
		buf_printf(&b, "{\"kind\":\"alert\",\"time\":\"%s\",\"source\":\"%s\",\"port\":%u,\"sid\":%u",
		    civil_format_time(a->time, time),
		    ip_format((struct ip){a->src_hi, a->src_lo}, ip), a->dport, a->sid);
		put_json_text(&b, "msg", a->msg);
		put_json_text(&b, "class", a->class);
		buf_printf(&b, ",\"severity\":%u,\"suppressed\":%s", a->severity,
		    a->suppressed ? "true" : "false");
	} else {
		return;
	}
	buf_puts(&b, "}\n");
	if (!b.failed && b.len <= OS_CHANNEL_MAX)
		(void)os_channel_send(START_CONTROL, WIRE_TAIL, b.data, b.len);
	buf_fini(&b);
}

/* Is the row kept as things stand?  Coverage goes with the packets: what was not kept was not
 * observed. */
static bool has_room(const struct keeper *k, enum record_table_id table)
{
	if (k->room == ROOM_SHORT)
		return table == RECORD_TABLE_login || table == RECORD_TABLE_event;
	return k->room == ROOM_ENOUGH;
}

static int keep_row(struct keeper *k, enum record_table_id table, const void *row)
{
	if (!has_room(k, table)) {
		k->left_out++;
		return ST_OK;
	}
	k->rows[table]++;
	k->last_row_us = os_clock_now_us();
	if (k->tail)
		tell_tail(table, row);
	if (table == RECORD_TABLE_flow)
		return store_ingest_flow(k->ingest, row, 1, k->err);
	if (table == RECORD_TABLE_coverage)
		return store_ingest_coverage(k->ingest, row, 1, k->err);
	return store_ingest_rows(k->ingest, table, row, 1, k->err);
}

/* What several captures observed together is the sensor's coverage; each has numbers of its own for
 * observed addresses. */
static int take_row(void *arg, enum record_table_id table, const void *row)
{
	struct keeper *k = arg;
	ptrdiff_t capture = k->speaker - &k->peers[WIRE_PEER_CAPTURE];
	struct record_coverage together;
	struct record_flow flow;
	int rc = ST_OK;

	if (table == RECORD_TABLE_flow && capture >= 0) {
		flow = *(const struct record_flow *)row;
		flow.dst_bits = numbers_bits(&k->numbers, (unsigned)capture, flow.dst_bits);
		return keep_row(k, table, &flow);
	}
	if (table != RECORD_TABLE_coverage || !k->overlap || capture < 0)
		return keep_row(k, table, row);
	overlap_add(k->overlap, (unsigned)capture, k->speaker->clock_us, row);
	while (!rc && overlap_next(k->overlap, &together))
		rc = keep_row(k, RECORD_TABLE_coverage, &together);
	return rc;
}

static int take_clock(struct keeper *k, struct peer *p, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	int64_t clock_us = (int64_t)rd_u64le(&r);

	if (r.bad || rd_left(&r) > 0 || p < &k->peers[WIRE_PEER_CAPTURE] || clock_us < -CLOCK_MAX_US
	    || clock_us > CLOCK_MAX_US)
		return ST_MALFORMED;
	p->clock_us = clock_us;
	return ST_OK;
}

static int take_address(struct keeper *k, const struct peer *p, const uint8_t *body, size_t len)
{
	ptrdiff_t capture = p - &k->peers[WIRE_PEER_CAPTURE];
	bool is_new = false;
	int rc = ST_MALFORMED;

	if (capture >= 0)
		rc = numbers_hear(&k->numbers, (unsigned)capture, k->config, body, len, &is_new);
	if (!rc && is_new)
		rc = store_destinations_save(k->store, k->sensor, k->numbers.list, k->numbers.count, k->err);
	return rc;
}

static int take_signature(struct keeper *k, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	char text[256];
	struct store_signature signature = {rd_u32le(&r), text};
	size_t n = rd_left(&r);

	if (r.bad || n == 0 || n >= sizeof(text))
		return ST_MALFORMED;
	memcpy(text, r.pos, n);
	text[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return ST_MALFORMED;
	return store_signatures_put(k->store, &signature, 1, k->err);
}

static int take_edition(struct keeper *k, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	struct store_rules rules = {.sensor = k->sensor};
	const uint8_t *digest;

	rules.rules = rd_u32le(&r);
	rules.updated = (int32_t)rd_u32le(&r);
	rules.from = (int64_t)rd_u64le(&r);
	rules.to = (int64_t)rd_u64le(&r);
	digest = rd_take(&r, WIRE_DIGEST);
	if (r.bad || rd_left(&r) > 0 || rules.from < 0 || rules.to < rules.from
	    || rules.to - rules.from > CIVIL_US_PER_DAY
	    || rules.to > os_clock_now_us() + 2 * CIVIL_US_PER_DAY)
		return ST_MALFORMED;
	for (size_t i = 0; i < WIRE_DIGEST; i++)
		if (!((digest[i] >= '0' && digest[i] <= '9') || (digest[i] >= 'a' && digest[i] <= 'f')))
			return ST_MALFORMED;
	memcpy(rules.digest, digest, WIRE_DIGEST);
	return store_rules_put(k->store, &rules, k->err);
}

/* The parts of a blob come in order; its name is believed only when it is the bytes' own. */
static int take_blob(struct keeper *k, struct peer *p, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	const uint8_t *name = rd_take(&r, 64);
	uint64_t total = rd_u64le(&r);
	uint64_t offset = rd_u64le(&r);
	uint8_t digest[OS_SHA256_LEN];
	char text[OS_SHA256_TEXT_MAX];
	int rc;

	if (k->room != ROOM_ENOUGH)
		return ST_OK;
	if (r.bad || total == 0 || total > BLOB_MAX || offset > total || rd_left(&r) == 0
	    || rd_left(&r) > total - offset)
		return ST_MALFORMED;
	if (offset == 0) {
		free(p->blob);
		p->blob = malloc(total);
		p->blob_len = p->blob ? total : 0;
		p->blob_have = 0;
		memcpy(p->sha256, name, 64);
	}
	if (!p->blob)
		return ST_OK; /* no memory: the payload row stays, its bytes do not */
	if (offset != p->blob_have || total != p->blob_len || memcmp(p->sha256, name, 64) != 0)
		return ST_MALFORMED;
	memcpy(p->blob + offset, r.pos, rd_left(&r));
	p->blob_have += rd_left(&r);
	if (p->blob_have < p->blob_len)
		return ST_OK;
	rc = os_sha256(p->blob, p->blob_len, digest);
	if (!rc && strcmp(os_sha256_format(digest, text), p->sha256) != 0)
		rc = ST_MALFORMED;
	if (!rc)
		rc = store_payload_put(k->store, p->sha256, p->blob, p->blob_len, k->err);
	free(p->blob);
	p->blob = NULL;
	return rc;
}

/* A worker that sends what no worker of ours would send. */
static void complain(struct keeper *k, struct peer *p)
{
	uint8_t who = (uint8_t)(p - k->peers);

	k->refused++;
	p->ignored = true;
	(void)os_channel_send(START_CONTROL, WIRE_COMPLAINT, &who, 1);
}

static int take_message(struct keeper *k, struct peer *p, uint16_t type, const uint8_t *body,
    size_t len)
{
	switch (type) {
	case WIRE_ROWS:
		k->speaker = p;
		return wire_rows(body, len, k->sensor, os_clock_now_us(), take_row, k);
	case WIRE_SIGNATURE:
		return take_signature(k, body, len);
	case WIRE_EDITION:
		return take_edition(k, body, len);
	case WIRE_BLOB:
		return take_blob(k, p, body, len);
	case WIRE_CLOCK:
		return take_clock(k, p, body, len);
	case WIRE_ADDRESS:
		return take_address(k, p, body, len);
	case WIRE_GONE:
		p->ignored = false; /* who comes now is believed again */
		if (p >= &k->peers[WIRE_PEER_CAPTURE])
			numbers_forget(&k->numbers, (unsigned)(p - &k->peers[WIRE_PEER_CAPTURE]));
		return ST_OK;
	default:
		return ST_MALFORMED;
	}
}

/* Takes what waits from a worker, a bounded number of messages. */
static int listen_to(struct keeper *k, struct peer *p, bool *ret_more)
{
	static uint8_t body[OS_CHANNEL_MAX];

	for (unsigned n = 0; n < MESSAGES_PER_TURN; n++) {
		uint16_t type;
		size_t len;
		int rc = os_channel_receive(p->fd, &type, body, &len);

		if (rc == -EAGAIN || rc == ST_NOT_FOUND) {
			*ret_more = false;
			return ST_OK;
		}
		if (!rc)
			rc = p->ignored && type != WIRE_GONE ? ST_OK : take_message(k, p, type, body, len);
		if (rc == ST_MALFORMED)
			complain(k, p);
		else if (rc)
			return rc;
	}
	*ret_more = true;
	return ST_OK;
}

/* ---- upkeep --------------------------------------------------------------------------------- */

static void say(void *arg, const char *line)
{
	(void)arg;
	(void)fprintf(stderr, "teiten-store: %s\n", line);
}

/* Merges finished days and lets go of what is too old; a failure is said and tried again later. */
static void keep_up(struct keeper *k)
{
	int64_t now = os_clock_now_us();
	int32_t today = zone_day(store_zone(k->store), now);
	struct store_compact_options compact = {
		.before_day = today,
		.dirty_only = true,
		.now_us = now,
		.grace_us = UPKEEP_US,
	};
	struct store_prune_options prune = {
		.flow_before = today - k->config->retention.flow,
		.all_before = INT32_MIN,
		.watermark = k->config->retention.watermark / 100.0,
		.watermark_before = today - WATERMARK_KEEPS,
		.now_us = now,
	};
	struct store_compact_stats stats;
	struct err err = {0};

	prune.session_before = today - k->config->retention.session;
	prune.payload_before = today - k->config->retention.payload;
	if (store_prune(k->store, &prune, say, NULL, &err))
		say(NULL, err.text);
	if (k->compacted_day == today)
		return;
	if (store_compact(k->store, &compact, &stats, &err))
		say(NULL, err.text);
	else
		k->compacted_day = today;
}

static uint64_t reserve_of(const struct os_space *space)
{
	uint64_t reserve = space->total / RESERVE_SHARE;

	return reserve < RESERVE_MIN ? RESERVE_MIN : reserve > RESERVE_MAX ? RESERVE_MAX : reserve;
}

/* The last part of the disk is left free, so that what is in the journal can always be put into
 * segments.  Oldest detail goes first; when that does not help, new detail is not kept. */
static void look_at_disk(struct keeper *k)
{
	struct os_space space;
	struct err err = {0};
	uint64_t reserve;
	enum room before = k->room;

	if (os_path_space(k->config->store.path, &space, &err))
		return;
	reserve = reserve_of(&space);
	if (space.available < reserve && before == ROOM_ENOUGH) {
		keep_up(k);
		if (os_path_space(k->config->store.path, &space, &err))
			return;
	}
	if (space.available < reserve / FULL_SHARE)
		k->room = ROOM_NONE;
	else if (space.available < reserve)
		k->room = ROOM_SHORT;
	else if (space.available > reserve + reserve / 2)
		k->room = ROOM_ENOUGH;
	if (k->room != before)
		say(NULL, k->room == ROOM_ENOUGH ? "there is room on the disk again: everything is kept"
		    : k->room == ROOM_SHORT
		    ? "the disk is nearly full: of what comes, logins and event counts are kept only"
		    : "the disk is full: nothing that comes is kept");
}

static void tell_status(struct keeper *k)
{
	struct buf b = {0};
	const char *comma = "";

	buf_printf(&b, "{\"refused\":%llu,\"last_row_us\":%lld,\"left_out\":%llu,\"disk\":\"%s\","
	    "\"watched\":%s,\"rows\":{",
	    (unsigned long long)k->refused, (long long)k->last_row_us,
	    (unsigned long long)k->left_out,
	    k->room == ROOM_ENOUGH ? "enough" : k->room == ROOM_SHORT ? "short" : "full",
	    k->tail ? "true" : "false");
	for (unsigned i = 0; i < RECORD_TABLE_COUNT; i++) {
		if (k->rows[i] == 0)
			continue;
		buf_printf(&b, "%s\"%s\":%llu", comma, record_tables[i].name,
		    (unsigned long long)k->rows[i]);
		comma = ",";
	}
	buf_puts(&b, "}}");
	if (!b.failed)
		(void)os_channel_send(START_CONTROL, WIRE_STATUS, b.data, b.len);
	buf_fini(&b);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static int tell_addresses(const struct ip *known, size_t count, uint16_t sensor)
{
	static uint8_t body[OS_CHANNEL_MAX];
	size_t at = 0;
	uint16_t type = WIRE_READY;
	int rc;

	do {
		struct wr w = wr_init(body, sizeof(body));
		size_t n = count - at < READY_ADDRESSES ? count - at : READY_ADDRESSES;

		wr_u16le(&w, sensor);
		wr_u16le(&w, at + n == count);
		for (size_t i = 0; i < n; i++) {
			wr_u64le(&w, known[at + i].hi);
			wr_u64le(&w, known[at + i].lo);
		}
		rc = os_channel_send(START_CONTROL, type, body, wr_len(&w));
		at += n;
		type = WIRE_MORE;
	} while (!rc && at < count);
	return rc;
}

/* Small sensors' addresses get their indices here, once, in the order of the configuration. */
static int settle_addresses(struct keeper *k, struct ip **ret_known, size_t *ret_count,
    struct err *err)
{
	const struct config_nets *nets = &k->config->sensor.addresses;
	struct destinations destinations;
	int rc = store_destinations_load(k->store, k->sensor, ret_known, ret_count, err);

	if (rc)
		return rc;
	rc = destinations_init(&destinations, nets->items, nets->count, *ret_known, *ret_count);
	if (rc)
		return err_set(err, rc, "sensor.addresses: %s", st_text(rc));
	for (size_t i = 0; destinations.offset_count == 0 && i < nets->count; i++) {
		uint64_t size = ip_net_size(nets->items[i]);

		/* Of large IPv6 networks those count that are seen. */
		for (uint64_t j = 0; size <= DESTINATIONS_LISTED_MAX && j < size; j++) {
			struct ip ip = nets->items[i].base;

			ip.lo += j;
			(void)destinations_index(&destinations, ip);
		}
	}
	if (destinations.offset_count == 0) {
		struct ip *list = calloc(destinations.listed_count + 1u, sizeof(*list));

		rc = list ? store_destinations_save(k->store, k->sensor, destinations.listed,
		    destinations.listed_count, err) : -ENOMEM;
		if (list)
			memcpy(list, destinations.listed, destinations.listed_count * sizeof(*list));
		free(*ret_known);
		*ret_known = list;
		*ret_count = destinations.listed_count;
	}
	destinations_fini(&destinations);
	return rc;
}

static struct record_text kind_of(const struct config *c)
{
	if (!c->respond.enabled)
		return (struct record_text){"dark", 4};
	return c->respond.addresses.count > 0 ? (struct record_text){"mixed", 5}
	                                      : (struct record_text){"answering", 9};
}

static int open_store(struct keeper *k, struct err *err)
{
	const struct config *c = k->config;
	struct store_options options = {
		.path = c->store.path,
		.mode = STORE_WRITE,
		.timezone = c->site.timezone,
		.threads = 1,
		.memory_bytes = 256u << 20,
	};
	struct record_sensor sensor = {
		.name = {c->sensor.name, (uint32_t)strlen(c->sensor.name)},
	};
	struct store_ingest_options ingest = {.name = "live", .journal = true};
	struct ip *known = NULL;
	size_t count = 0;
	int rc;

	options.judging = k->judging;
	rc = store_open(&options, &k->store, err);
	sensor.kind = kind_of(c);
	sensor.addresses = (uint32_t)destinations_nets_size(c->sensor.addresses.items,
	    c->sensor.addresses.count, c->sensor.exclude.items, c->sensor.exclude.count);
	if (memcmp(c->sensor.country, "ZZ", 2) != 0)
		memcpy(sensor.country, c->sensor.country, 2);
	if (!rc)
		rc = store_sensor_put(k->store, &sensor, &k->sensor, err);
	if (!rc)
		rc = settle_addresses(k, &known, &count, err);
	if (!rc)
		numbers_init(&k->numbers, known, count);
	ingest.sensor = k->sensor;
	if (!rc)
		rc = store_ingest_begin(k->store, &ingest, &k->ingest, err);
	if (!rc && !k->told && tell_addresses(known, count, k->sensor))
		rc = err_set(err, ST_NOT_FOUND, "the supervisor is gone");
	k->told = k->told || !rc;
	free(known);
	return rc;
}

static void hear_supervisor(struct keeper *k)
{
	static uint8_t body[OS_CHANNEL_MAX];
	uint16_t type;
	size_t len;
	int rc = os_channel_receive(START_CONTROL, &type, body, &len);

	if (rc == ST_NOT_FOUND)
		stop_asked = 1;
	if (rc == ST_OK && type == WIRE_TAIL && len == 1)
		k->tail = body[0] != 0;
}

/* One look at everybody; *ret_more: somebody had more to say. */
static int turn(struct keeper *k, int timeout_ms, bool *ret_more)
{
	struct pollfd polls[1 + WIRE_PEER_COUNT] = {{START_CONTROL, POLLIN, 0}};
	int rc = ST_OK;

	for (unsigned i = 0; i < k->peer_count; i++)
		polls[1 + i] = (struct pollfd){k->peers[i].fd, POLLIN, 0};
	(void)poll(polls, 1 + k->peer_count, timeout_ms);
	if (polls[0].revents)
		hear_supervisor(k);
	*ret_more = false;
	for (unsigned i = 0; !rc && i < k->peer_count; i++) {
		bool more = false;

		if (polls[1 + i].revents & POLLIN)
			rc = listen_to(k, &k->peers[i], &more);
		*ret_more = *ret_more || more;
	}
	return rc;
}

static int run(struct keeper *k)
{
	bool more;
	int rc = ST_OK;

	while (!rc && !stop_asked) {
		int64_t now = os_clock_monotonic_us();

		rc = turn(k, 200, &more);
		if (now - k->status_us >= STATUS_US) {
			k->status_us = now;
			look_at_disk(k);
			tell_status(k);
		}
		if (now - k->release_us >= RELEASE_US) {
			k->release_us = now;
			os_memory_release();
		}
		if (now - k->upkeep_us >= UPKEEP_US) {
			k->upkeep_us = now;
			keep_up(k);
		}
	}
	/* What is on its way still belongs to us. */
	do {
		if (!rc)
			rc = turn(k, 0, &more);
	} while (!rc && more);
	return rc;
}

/* ---- a disk that is full at once ------------------------------------------------------------ */

static bool is_full(const struct keeper *k)
{
	struct os_space space;
	struct err err = {0};

	return os_path_space(k->config->store.path, &space, &err) == ST_OK
	    && space.available < reserve_of(&space) / FULL_SHARE;
}

/* What could not be put into segments is in the journal and what comes waits with the workers, so
 * nothing is lost by waiting; opening again replays the journal as after a crash. */
static void wait_for_room(struct keeper *k)
{
	struct pollfd control = {START_CONTROL, POLLIN, 0};

	say(NULL, "the disk is full: what comes waits until there is room");
	k->room = ROOM_NONE;
	while (!stop_asked && is_full(k)) {
		if (k->told)
			tell_status(k);
		if (poll(&control, 1, STATUS_US / 1000) > 0)
			hear_supervisor(k);
	}
}

/* Opens the store and works until it is asked to stop. */
static int serve(struct keeper *k)
{
	int rc;

	for (;;) {
		rc = open_store(k, k->err);
		if (!rc) {
			look_at_disk(k);
			rc = run(k);
		}
		if (!rc || stop_asked || !is_full(k))
			return rc;
		say(NULL, k->err->text[0] ? k->err->text : st_text(rc));
		if (k->ingest)
			store_ingest_abort(k->ingest);
		store_close(k->store);
		k->ingest = NULL;
		k->store = NULL;
		wait_for_room(k);
		if (stop_asked)
			return ST_OK;
	}
}

static int prepare(struct keeper *k, const char *user, struct err *err)
{
	const char *writable[1];
	int rc = start_read(START_FILE, &k->start, err);

	if (!rc)
		rc = config_parse(k->start.config_name, k->start.config, k->start.config_len, NULL, NULL,
		    &k->config, err);
	if (rc)
		return rc;
	/* Before the doors are shut.  A list that cannot be read is no reason not to observe. */
	if (store_judging_read(k->config, &k->judging, &k->research, err))
		say(NULL, err->text);
	writable[0] = k->config->store.path;
	if (os_become(user, err) || os_drop_capabilities(err)
	    || os_sandbox_reader(NULL, 0, writable, 1, NULL, err))
		rc = START_UNCONFINED;
	if (k->start.rings > FANOUT_RINGS_MAX)
		return err_set(err, ST_MALFORMED, "not started by teiten-sensor: start that instead");
	k->peer_count = WIRE_PEER_CAPTURE + k->start.rings;
	/* Captures tell their clocks when these change; a store that is not the first begins with its
	 * own, which is the same. */
	for (unsigned i = 0; i < k->peer_count; i++) {
		k->peers[i].fd = START_STORE + (int)i;
		k->peers[i].clock_us = os_clock_now_us() - os_clock_monotonic_us();
	}
	if (!rc && k->start.rings > 1 && overlap_new(k->start.rings, &k->overlap))
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc;
}

int main(int argc, char **argv)
{
	static struct keeper k;
	struct record_coverage rest;
	struct err err = {0};
	int rc;

	os_signal_catch(SIGTERM, ask_stop);
	os_signal_catch(SIGINT, ask_stop);
	os_signal_ignore(SIGHUP);
	os_signal_ignore(SIGPIPE);
	k.err = &err;
	k.compacted_day = INT32_MIN;
	k.upkeep_us = os_clock_monotonic_us();
	rc = prepare(&k, argc > 1 && argv[1][0] ? argv[1] : NULL, &err);
	if (!rc)
		rc = serve(&k);
	if (!rc && k.overlap && overlap_rest(k.overlap, &rest))
		rc = keep_row(&k, RECORD_TABLE_coverage, &rest);
	if (k.ingest && !rc)
		rc = store_ingest_commit(k.ingest, &err);
	if (rc)
		(void)fprintf(stderr, "teiten-store: %s\n", err.text[0] ? err.text : st_text(rc));
	store_close(k.store);
	research_free(k.research);
	return rc == START_UNCONFINED ? rc : rc ? 1 : 0;
}
