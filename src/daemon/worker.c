/* What workers share; the contract is in worker.h. */
#include "daemon/worker.h"

#include "daemon/await.h"
#include "daemon/wire.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/digest.h"
#include "os/memory.h"
#include "os/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAITING_MS 10 /* while rows wait for the store */
#define FINISH_MS 5000
#define STATUS_US 1000000

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

/* ---- the supervisor ------------------------------------------------------------------------- */

static const struct worker_kind *the_kind; /* of this program */

int worker_hear(struct worker *w)
{
	static uint8_t body[OS_CHANNEL_MAX];
	uint16_t type;
	size_t len;
	int rc = os_channel_receive(START_CONTROL, &type, body, &len);

	if (rc == ST_NOT_FOUND)
		w->stop = true;
	if (rc == ST_OK && type != WIRE_DRAIN && the_kind->hear)
		return the_kind->hear(w, type, body, len);
	if (rc != ST_OK || type != WIRE_DRAIN || w->draining)
		return ST_OK;
	w->draining = true;
	if (the_kind->drain)
		the_kind->drain(w);
	else
		w->stop = true;
	return ST_OK;
}

static void tell_status(struct worker *w)
{
	struct buf b = {0};

	buf_putc(&b, '{');
	inspector_status(w->inspector, &b);
	the_kind->status(w, &b);
	buf_putc(&b, '}');
	/* A supervisor that does not listen misses a status, nothing more. */
	if (!b.failed && b.len <= OS_CHANNEL_MAX
	    && os_channel_send(START_CONTROL, WIRE_STATUS, b.data, b.len) == ST_NOT_FOUND)
		w->stop = true;
	buf_fini(&b);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/* Sensors with few addresses give each its index before anything else does, in the order of the
 * configuration, so that all programs agree. */
static int index_addresses(struct worker *w, struct err *err)
{
	const struct config_nets *nets = &w->config->sensor.addresses;
	int rc = destinations_init(&w->destinations, nets->items, nets->count, w->start.known,
	    w->start.known_count);

	if (!rc)
		rc = destinations_exclude(&w->destinations, w->config->sensor.exclude.items,
		    w->config->sensor.exclude.count);
	return rc ? err_set(err, rc, "sensor.addresses: %s", st_text(rc)) : ST_OK;
}

static int read_rules(struct worker *w, struct err *err)
{
	struct inspector_options options = {
		.program = w->name,
		.fd = START_RULES,
		.says = w->start.rules == START_RULES_SAID,
		.config = w->config,
		.rows = {w->start.sensor, &w->destinations, w->geo},
		.outbox = w->outbox,
	};

	return w->start.rules == START_RULES_NONE ? ST_OK
	    : inspector_new(&options, &w->inspector, err);
}

static int prepare(struct worker *w, const char *user, struct err *err)
{
	int rc = start_read(START_FILE, &w->start, err);

	if (!rc)
		rc = config_parse(w->start.config_name, w->start.config, w->start.config_len, NULL, NULL,
		    &w->config, err);
	if (!rc && w->start.geo_path[0])
		rc = geo_open(w->start.geo_path, &w->geo, err);
	if (!rc)
		rc = index_addresses(w, err);
	if (!rc && outbox_new(START_STORE, &w->outbox))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = read_rules(w, err);
	if (!rc)
		rc = the_kind->prepare(w, err);
	os_digest_prepare();
	if (!rc && os_confine(the_kind->program, user, err))
		rc = START_UNCONFINED;
	return rc;
}

/* The store is behind: nothing new is read until it has caught up. */
static int wait_for_store(struct worker *w)
{
	struct pollfd p = {START_STORE, POLLOUT, 0};

	(void)poll(&p, 1, WORKER_TURN_MS);
	return outbox_flush(w->outbox);
}

/* What still waits in the channel was another's, who may have been ended for sending nonsense. */
static int begin_channel(void)
{
	struct pollfd p = {START_STORE, POLLOUT, 0};
	int rc = os_channel_send(START_STORE, WIRE_GONE, "", 0);

	while (rc == -EAGAIN && !stop_asked) {
		(void)poll(&p, 1, WORKER_TURN_MS);
		rc = os_channel_send(START_STORE, WIRE_GONE, "", 0);
	}
	return rc == -EAGAIN ? ST_OK : rc;
}

static int run(struct worker *w, struct err *err)
{
	int rc = begin_channel();

	while (!rc && !w->stop && !stop_asked) {
		int64_t now = os_clock_monotonic_us();

		rc = the_kind->waits && outbox_behind(w->outbox) ? wait_for_store(w)
		    : the_kind->turn(w, outbox_empty(w->outbox) ? WORKER_TURN_MS : WAITING_MS);
		if (!rc)
			rc = outbox_flush(w->outbox);
		if (now - w->status_us >= STATUS_US) {
			w->status_us = now;
			inspector_tell(w->inspector, os_clock_now_us(), false);
			tell_status(w);
		}
		if (w->draining && the_kind->is_done && the_kind->is_done(w))
			break;
	}
	return rc ? err_set(err, rc, "%s", st_text(rc)) : ST_OK;
}

void worker_main(const struct worker_kind *kind, struct worker *w, const char *user)
{
	struct err err = {0};
	bool begun = false;
	int rc;

	the_kind = kind;
	w->name = kind->name;
	os_signal_catch(SIGTERM, ask_stop);
	os_signal_catch(SIGINT, ask_stop);
	os_signal_ignore(SIGPIPE);
	os_signal_ignore(SIGHUP);
	rc = prepare(w, user, &err);
	if (!rc)
		rc = await_turn(inspector_rules(w->inspector), &stop_asked, &begun, &err);
	os_memory_release();
	if (begun && kind->begin)
		kind->begin(w);
	if (begun)
		rc = run(w, &err);
	/* A clean end: every session's records, then the counts, then goodbye. */
	if (begun)
		kind->end(w);
	inspector_flush(begun ? w->inspector : NULL);
	if (begun)
		inspector_tell(w->inspector, os_clock_now_us(), true);
	if (begun && !rc && outbox_finish(w->outbox, FINISH_MS))
		rc = err_set(&err, ST_LIMIT, "the store did not take all records in time");
	if (rc)
		(void)fprintf(stderr, "%s: %s\n", kind->name, err.text);
	_exit(rc == START_UNCONFINED ? rc : rc ? 1 : 0);
}
