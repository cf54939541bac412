/*
 * teiten-capture: counts what reaches the observed addresses, from the kernel's packet ring.
 *
 * Started by teiten-sensor with the ring open; confines itself before the first packet.  Rows go to
 * the store when their minute is over.
 */
#include "capture/ring.h"
#include "daemon/answered.h"
#include "daemon/clusters.h"
#include "daemon/minute.h"
#include "daemon/wire.h"
#include "daemon/worker.h"
#include "os/clock.h"
#include "tally/tally.h"

#include "base/civil.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define BATCHES_PER_TURN 256
#define LAST_US 2000000 /* for what is still in the ring at the end */

struct watcher {
	struct worker worker; /* first: worker.h */
	struct tools *tools;
	struct tally *tally;
	struct ring *ring;
	struct minute minute;
	bool blind; /* the interface is down: this time is not observed */
	int64_t flushed_minute; /* the wall minute after which the tally was last closed */
	int64_t told_clock_us;  /* by which the store reads the coverage; several rings only */
	unsigned signatures;
	uint32_t addresses;
	uint32_t numbered; /* observed addresses whose numbers the store knows */
	struct answered answered;
	struct daily_clusters clusters;
};

/* Numbers before the rows that use them. */
static void tell_numbers(struct watcher *w)
{
	const struct destinations *d = tally_destinations(w->tally);
	uint32_t count = d->offset_count ? 0 : d->listed_count;

	for (; w->numbered < count && w->numbered < DESTINATIONS_LISTED_MAX; w->numbered++)
		outbox_address(w->worker.outbox, w->numbered, d->listed[w->numbered]);
}

static int take_rows(void *arg, const struct tally_rows *rows)
{
	struct watcher *w = arg;

	tell_numbers(w);
	for (uint32_t i = 0; i < rows->count; i++) {
		struct record_flow flow;
		struct geo_place place;

		tally_row_flow(rows, i, &flow);
		place = geo_lookup(w->worker.geo, flow.class == RECORD_CLASS_BACKSCATTER
		    ? (struct ip){flow.victim_hi, flow.victim_lo}
		    : (struct ip){flow.src_hi, flow.src_lo});
		memcpy(flow.country, place.country, 2);
		flow.asn = place.asn;
		(void)outbox_row(w->worker.outbox, RECORD_TABLE_flow, &flow);
	}
	return ST_OK;
}

static int tell_signature(void *arg, uint32_t id, const char *text)
{
	outbox_signature(arg, id, text);
	return ST_OK;
}

/* Texts before the rows that name them.  At each minute's end. */
static int close_minutes(struct watcher *w)
{
	unsigned count = tools_signature_count(w->tools);

	if (count != w->signatures)
		(void)tools_signatures(w->tools, tell_signature, w->worker.outbox);
	w->signatures = count;
	w->numbered = 0; /* all again: the store may be another one */
	return tally_flush(w->tally);
}

static void put_drops(struct buf *b, const struct tally_counters *c)
{
	for (size_t i = 1; i < DECODE_DROP_COUNT; i++)
		if (c->dropped[i])
			buf_printf(b, "%s\"%s\":%llu", b->len && buf_text(b)[b->len - 1] != '{' ? "," : "",
			    decode_drop_name((enum decode_drop)i), (unsigned long long)c->dropped[i]);
}

static void tell_status(void *self, struct buf *b)
{
	const struct watcher *w = self;
	const struct tally_counters *c = tally_counters(w->tally);
	struct ring_drops drops = ring_drops(w->ring);

	buf_printf(b, "\"received\":%llu,\"kernel_drops\":%llu,\"read\":%llu,\"counted\":%llu,"
	    "\"access\":%llu,\"rows\":%llu,\"lost_rows\":%llu,\"dropped\":{",
	    (unsigned long long)drops.received, (unsigned long long)drops.dropped,
	    (unsigned long long)c->read, (unsigned long long)c->counted,
	    (unsigned long long)c->classes[RECORD_CLASS_REQUEST],
	    (unsigned long long)outbox_counters(w->worker.outbox)->rows,
	    (unsigned long long)outbox_counters(w->worker.outbox)->lost_rows);
	put_drops(b, c);
	buf_putc(b, '}');
}

/* Of several rings the store makes one coverage, and compares their clocks. */
static void tell_clock(struct watcher *w)
{
	if (w->worker.start.rings < 2 || w->told_clock_us == w->minute.wall_minus_monotonic_us)
		return;
	w->told_clock_us = w->minute.wall_minus_monotonic_us;
	outbox_clock(w->worker.outbox, w->told_clock_us);
}

/* What goes by the wall clock: coverage and quiet minutes. */
static int by_the_clock(struct watcher *w, bool last)
{
	const struct tally_counters *c = tally_counters(w->tally);
	int64_t wall = os_clock_now_us();
	int64_t now = os_clock_monotonic_us();
	int64_t minute = (wall - TALLY_LATE_US - 1000000) / CIVIL_US_PER_MINUTE;
	struct record_coverage row;
	struct minute_counts counts;
	int rc = ST_OK;

	if (last || minute != w->flushed_minute) {
		rc = close_minutes(w);
		daily_clusters_turn(&w->clusters, &w->worker, wall);
	}
	w->flushed_minute = minute;
	counts = (struct minute_counts){c->read, c->counted, ring_drops(w->ring).dropped};
	tell_clock(w); /* a row is by the clock that its interval began with */
	while (!rc && !w->blind && minute_turn(&w->minute, wall, now, last, &counts,
	    w->worker.start.sensor, w->addresses, &row)) {
		(void)outbox_row(w->worker.outbox, RECORD_TABLE_coverage, &row);
		if (last)
			break;
		tell_clock(w);
	}
	return rc;
}

static int take_link(struct watcher *w, bool up)
{
	int rc = ST_OK;

	if (up && w->blind)
		minute_resume(&w->minute, os_clock_now_us(), os_clock_monotonic_us());
	else if (!up && !w->blind)
		rc = by_the_clock(w, true);
	w->blind = !up;
	return rc;
}

static int hear(void *self, uint16_t type, const uint8_t *body, size_t len)
{
	return type == WIRE_LINK && len == 1 ? take_link(self, body[0] != 0) : ST_OK;
}

/* What no worker that answers inspects, of the observed addresses. */
static void inspect(struct watcher *w, const struct decode_packet *packets, size_t count)
{
	const struct destinations *d = &w->worker.destinations;

	for (size_t i = 0; i < count; i++)
		if ((destinations_observed(d, packets[i].dst) || destinations_observed(d, packets[i].src))
		    && !answered_has(&w->answered, &packets[i]))
			inspector_packets(w->worker.inspector, &packets[i], 1);
}

static int read_packets(struct watcher *w)
{
	static struct capture_packet views[CAPTURE_BATCH_MAX];
	static struct decode_packet packets[CAPTURE_BATCH_MAX];
	size_t count;
	int rc = ST_OK;

	for (unsigned n = 0; !rc && n < BATCHES_PER_TURN; n++) {
		count = ring_next(w->ring, views, CAPTURE_BATCH_MAX);
		if (count == 0)
			break;
		decode_batch(views, count, packets);
		rc = tally_add(w->tally, packets, count);
		daily_clusters_add(&w->clusters, &w->worker, packets, count);
		if (w->worker.inspector)
			inspect(w, packets, count);
	}
	return rc;
}

static int turn(void *self, int timeout_ms)
{
	struct watcher *w = self;
	struct pollfd polls[3] = {
		{START_FIRST, POLLIN, 0},
		{START_CONTROL, POLLIN, 0},
		{START_STORE, outbox_empty(w->worker.outbox) ? 0 : POLLOUT, 0},
	};
	int rc;

	(void)poll(polls, 3, timeout_ms);
	if (polls[0].revents & POLLERR)
		ring_recover(w->ring);
	rc = read_packets(w);
	if (!rc && polls[1].revents)
		rc = worker_hear(&w->worker);
	return rc ? rc : by_the_clock(w, false);
}

static int open_tally(struct watcher *w, struct err *err)
{
	const struct config *c = w->worker.config;
	struct tally_options options = {
		.sensor = w->worker.start.sensor,
		.nets = c->sensor.addresses.items,
		.net_count = c->sensor.addresses.count,
		.excluded = c->sensor.exclude.items,
		.excluded_count = c->sensor.exclude.count,
		.known = w->worker.start.known,
		.known_count = w->worker.start.known_count,
		.tools = w->tools,
		.sink = take_rows,
		.sink_arg = w,
	};

	return tally_new(&options, &w->tally, err);
}

static int prepare(void *self, struct err *err)
{
	struct watcher *w = self;
	const struct config *c = w->worker.config;
	int rc = tools_new(NULL, &w->tools, err);

	if (!rc)
		rc = open_tally(w, err);
	if (!rc)
		rc = daily_clusters_init(&w->clusters, c->site.timezone, err);
	if (!rc)
		rc = ring_map(START_FIRST, &w->ring, err);
	w->addresses = (uint32_t)destinations_nets_size(c->sensor.addresses.items,
	    c->sensor.addresses.count, c->sensor.exclude.items, c->sensor.exclude.count);
	answered_init(&w->answered, c, w->worker.start.sockets, w->worker.start.socket_count);
	return rc;
}

static void begin(void *self)
{
	struct watcher *w = self;

	minute_begin(&w->minute, os_clock_now_us(), os_clock_monotonic_us());
	w->flushed_minute = os_clock_now_us() / CIVIL_US_PER_MINUTE;
}

/* A successor begins with the block behind the last one that was read whole. */
static void end(void *self)
{
	struct watcher *w = self;
	int64_t until = os_clock_monotonic_us() + LAST_US;
	uint64_t before;

	do {
		before = tally_counters(w->tally)->read;
		if (read_packets(w))
			break;
	} while (tally_counters(w->tally)->read != before && os_clock_monotonic_us() < until);
	daily_clusters_end(&w->clusters, &w->worker);
	(void)by_the_clock(w, true);
}

int main(int argc, char **argv)
{
	static struct watcher w;
	static const struct worker_kind kind = {
		.name = "teiten-capture",
		.program = OS_PROGRAM_CAPTURE,
		.prepare = prepare,
		.begin = begin,
		.hear = hear,
		.turn = turn,
		.status = tell_status,
		.end = end,
	};

	worker_main(&kind, &w.worker, argc > 1 && argv[1][0] ? argv[1] : NULL);
}
