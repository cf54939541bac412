/*
 * teiten-capture: counts what reaches the observed addresses, from the kernel's packet ring.
 *
 * Started by teiten-sensor with the ring open; confines itself before the first packet.  Rows go to
 * the store when their minute is over.
 */
#include "capture/ring.h"
#include "config/config.h"
#include "daemon/minute.h"
#include "daemon/outbox.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "geo/geo.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/confine.h"
#include "os/memory.h"
#include "os/signals.h"
#include "tally/tally.h"

#include "base/civil.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_MS 100
#define BATCHES_PER_TURN 256
#define FINISH_MS 5000
#define STATUS_US 1000000

struct watcher {
	struct start start;
	struct config *config;
	struct geo *geo;
	struct tools *tools;
	struct tally *tally;
	struct ring *ring;
	struct outbox *outbox;
	struct minute minute;
	bool blind; /* the interface is down: this time is not observed */
	int64_t status_us;
	int64_t flushed_minute; /* the wall minute after which the tally was last closed */
	unsigned signatures;
	uint32_t addresses;
};

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

static int take_rows(void *arg, const struct tally_rows *rows)
{
	struct watcher *w = arg;

	for (uint32_t i = 0; i < rows->count; i++) {
		struct record_flow flow;
		struct geo_place place;

		tally_row_flow(rows, i, &flow);
		place = geo_lookup(w->geo, flow.class == RECORD_CLASS_BACKSCATTER
		    ? (struct ip){flow.victim_hi, flow.victim_lo}
		    : (struct ip){flow.src_hi, flow.src_lo});
		memcpy(flow.country, place.country, 2);
		flow.asn = place.asn;
		(void)outbox_row(w->outbox, RECORD_TABLE_flow, &flow);
	}
	return ST_OK;
}

static int tell_signature(void *arg, uint32_t id, const char *text)
{
	outbox_signature(arg, id, text);
	return ST_OK;
}

/* Texts before the rows that name them. */
static int close_minutes(struct watcher *w)
{
	unsigned count = tools_signature_count(w->tools);

	if (count != w->signatures)
		(void)tools_signatures(w->tools, tell_signature, w->outbox);
	w->signatures = count;
	return tally_flush(w->tally);
}

static void put_drops(struct buf *b, const struct tally_counters *c)
{
	for (size_t i = 1; i < DECODE_DROP_COUNT; i++)
		if (c->dropped[i])
			buf_printf(b, "%s\"%s\":%llu", b->len && buf_text(b)[b->len - 1] != '{' ? "," : "",
			    decode_drop_name((enum decode_drop)i), (unsigned long long)c->dropped[i]);
}

static void tell_status(struct watcher *w)
{
	const struct tally_counters *c = tally_counters(w->tally);
	struct ring_drops drops = ring_drops(w->ring);
	struct buf b = {0};

	buf_printf(&b, "{\"received\":%llu,\"kernel_drops\":%llu,\"read\":%llu,\"counted\":%llu,"
	    "\"access\":%llu,\"rows\":%llu,\"lost_rows\":%llu,\"dropped\":{",
	    (unsigned long long)drops.received, (unsigned long long)drops.dropped,
	    (unsigned long long)c->read, (unsigned long long)c->counted,
	    (unsigned long long)c->classes[RECORD_CLASS_REQUEST],
	    (unsigned long long)outbox_counters(w->outbox)->rows,
	    (unsigned long long)outbox_counters(w->outbox)->lost_rows);
	put_drops(&b, c);
	buf_puts(&b, "}}");
	if (!b.failed && os_channel_send(START_CONTROL, WIRE_STATUS, b.data, b.len) == ST_NOT_FOUND)
		stop_asked = 1;
	buf_fini(&b);
}

/* What goes by the wall clock: coverage, quiet minutes, status. */
static int by_the_clock(struct watcher *w, bool last)
{
	const struct tally_counters *c = tally_counters(w->tally);
	int64_t wall = os_clock_now_us();
	int64_t now = os_clock_monotonic_us();
	int64_t minute = (wall - TALLY_LATE_US - 1000000) / CIVIL_US_PER_MINUTE;
	struct record_coverage row;
	struct minute_counts counts;
	int rc = ST_OK;

	if (last || minute != w->flushed_minute)
		rc = close_minutes(w);
	w->flushed_minute = minute;
	if (now - w->status_us >= STATUS_US || last) {
		w->status_us = now;
		tell_status(w);
	}
	counts = (struct minute_counts){c->read, c->counted, ring_drops(w->ring).dropped};
	while (!rc && !w->blind && minute_turn(&w->minute, wall, now, last, &counts,
	    w->start.sensor, w->addresses, &row)) {
		(void)outbox_row(w->outbox, RECORD_TABLE_coverage, &row);
		if (last)
			break;
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

/* What the supervisor says; its end is ours. */
static int hear_supervisor(struct watcher *w)
{
	static uint8_t body[OS_CHANNEL_MAX];
	uint16_t type;
	size_t len;
	int rc = os_channel_receive(START_CONTROL, &type, body, &len);

	if (rc == ST_NOT_FOUND)
		stop_asked = 1;
	return rc == ST_OK && type == WIRE_LINK && len == 1 ? take_link(w, body[0] != 0) : ST_OK;
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
	}
	return rc;
}

static int run(struct watcher *w, struct err *err)
{
	int rc = ST_OK;

	while (!rc && !stop_asked) {
		struct pollfd polls[3] = {
			{START_FIRST, POLLIN, 0},
			{START_CONTROL, POLLIN, 0},
			{START_STORE, outbox_empty(w->outbox) ? 0 : POLLOUT, 0},
		};
		(void)poll(polls, 3, TURN_MS);
		if (polls[0].revents & POLLERR)
			ring_recover(w->ring);
		rc = read_packets(w);
		if (!rc && polls[1].revents)
			rc = hear_supervisor(w);
		if (!rc)
			rc = by_the_clock(w, false);
		if (!rc)
			rc = outbox_flush(w->outbox);
	}
	if (!rc)
		rc = by_the_clock(w, true);
	return rc ? err_set(err, rc, "%s", st_text(rc)) : ST_OK;
}

static int open_tally(struct watcher *w, struct err *err)
{
	const struct config *c = w->config;
	struct tally_options options = {
		.sensor = w->start.sensor,
		.nets = c->sensor.addresses.items,
		.net_count = c->sensor.addresses.count,
		.excluded = c->sensor.exclude.items,
		.excluded_count = c->sensor.exclude.count,
		.known = w->start.known,
		.known_count = w->start.known_count,
		.tools = w->tools,
		.sink = take_rows,
		.sink_arg = w,
	};

	return tally_new(&options, &w->tally, err);
}

static int prepare(struct watcher *w, struct err *err)
{
	int rc = start_read(START_FILE, &w->start, err);

	if (!rc)
		rc = config_parse(w->start.config_name, w->start.config, w->start.config_len, NULL, NULL,
		    &w->config, err);
	if (!rc && w->start.geo_path[0])
		rc = geo_open(w->start.geo_path, &w->geo, err);
	if (!rc)
		rc = tools_new(NULL, &w->tools, err);
	if (!rc)
		rc = open_tally(w, err);
	if (!rc)
		rc = ring_map(START_FIRST, &w->ring, err);
	if (!rc && outbox_new(START_STORE, &w->outbox))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		w->addresses = (uint32_t)destinations_nets_size(w->config->sensor.addresses.items,
		    w->config->sensor.addresses.count, w->config->sensor.exclude.items,
		    w->config->sensor.exclude.count);
	return rc;
}

int main(int argc, char **argv)
{
	static struct watcher w;
	struct err err = {0};
	int rc = prepare(&w, &err);

	os_signal_catch(SIGTERM, ask_stop);
	os_signal_catch(SIGINT, ask_stop);
	os_signal_ignore(SIGPIPE);
	os_signal_ignore(SIGHUP);
	if (!rc)
		rc = os_confine(OS_PROGRAM_CAPTURE, argc > 1 && argv[1][0] ? argv[1] : NULL, &err)
		    ? START_UNCONFINED : ST_OK;
	if (!rc) {
		minute_begin(&w.minute, os_clock_now_us(), os_clock_monotonic_us());
		w.flushed_minute = os_clock_now_us() / CIVIL_US_PER_MINUTE;
		os_memory_release();
		rc = run(&w, &err);
	}
	if (!rc && outbox_finish(w.outbox, FINISH_MS))
		rc = err_set(&err, ST_LIMIT, "the store did not take all records in time");
	if (rc)
		(void)fprintf(stderr, "teiten-capture: %s\n", err.text);
	_exit(rc == START_UNCONFINED ? rc : rc ? 1 : 0);
}
