/*
 * teiten-ssh: answers SSH as far as a shell and tells the store what visitors did.
 *
 * Started by teiten-sensor with its sockets open, like teiten-respond, and a program of its own
 * because libssh is more code than anything else that hears the network.  It confines itself before
 * the first byte from outside, never connects anywhere and opens no file.
 */
#include "daemon/ssh.h"

#include "config/config.h"
#include "daemon/outbox.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "geo/geo.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/confine.h"
#include "os/listen.h"
#include "os/memory.h"
#include "os/signals.h"
#include "protocol/patterns.h"
#include "protocol/persona.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TURN_MS 100
#define FINISH_MS 5000
#define STATUS_US 1000000
#define RESERVED_DESCRIPTORS 64
#define DESCRIPTORS_EACH 3
#define ROOM_BYTES (16u << 20)
#define LIST_MAX 1024
#define KEY_BEGIN "-----BEGIN "

struct program {
	struct start start;
	struct config *config;
	struct persona *persona;
	struct patterns *patterns;
	struct geo *geo;
	struct destinations destinations;
	struct outbox *outbox;
	struct ssh_worker worker;
	int64_t status_us;
};

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

/* ---- what libssh offers --------------------------------------------------------------------- */

/* Lines of the persona's "ssh.server", as protocol/ssh.c has them. */
enum offer {
	OFFER_IDENT,
	OFFER_KEX,
	OFFER_HOST_KEY,
	OFFER_CIPHER,
	OFFER_MAC,
};

/* Groups that cost the server a tenth of a second each, or a file of primes. */
static const char *const left_out[] = {
	"diffie-hellman-group18-sha512",
	"diffie-hellman-group-exchange-sha256",
	"diffie-hellman-group-exchange-sha1",
	"kex-strict-s-v00@openssh.com", /* libssh says this by itself where it can */
};

static bool is_left_out(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strlen(left_out[i]) == len && memcmp(left_out[i], name, len) == 0)
			return true;
	return false;
}

/* A line of a persona's text; false when it has none or a longer one. */
static bool line_of(const char *text, unsigned line, char ret_line[LIST_MAX])
{
	for (; line > 0 && text; line--) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (!text || strcspn(text, "\n") == 0 || strcspn(text, "\n") >= LIST_MAX)
		return false;
	memcpy(ret_line, text, strcspn(text, "\n"));
	ret_line[strcspn(text, "\n")] = '\0';
	return true;
}

/* Takes names out of a comma separated list, in place. */
static void leave_out(char *list)
{
	char *to = list;

	for (const char *at = list; *at;) {
		size_t len = strcspn(at, ",");
		const char *next = at + len + (at[len] == ',');

		if (len > 0 && !is_left_out(at, len)) {
			if (to > list)
				*to++ = ',';
			memmove(to, at, len);
			to += len;
		}
		at = next;
	}
	*to = '\0';
}

/* libssh passes over names that it does not know; a list of none leaves its own default. */
static void offer(ssh_bind bind, const char *server, enum offer what, enum ssh_bind_options_e first,
    enum ssh_bind_options_e second)
{
	char list[LIST_MAX];

	if (!line_of(server, what, list))
		return;
	leave_out(list);
	if (list[0]) {
		(void)ssh_bind_options_set(bind, first, list);
		(void)ssh_bind_options_set(bind, second, list);
	}
}

/* The bind owns each key that it takes. */
static int import_keys(ssh_bind bind, const char *pem, struct err *err)
{
	unsigned taken = 0;

	for (const char *at = strstr(pem, KEY_BEGIN); at;) {
		const char *next = strstr(at + 1, KEY_BEGIN);
		char *one = strndup(at, next ? (size_t)(next - at) : strlen(at));
		ssh_key key = NULL;

		at = next;
		if (one && ssh_pki_import_privkey_base64(one, NULL, NULL, NULL, &key) == SSH_OK) {
			if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) == SSH_OK)
				taken++;
			else
				ssh_key_free(key);
		}
		free(one);
	}
	if (taken == 0)
		return err_set(err, ST_MALFORMED, "ssh-keys.pem of this installation has no usable key");
	return ST_OK;
}

static int make_bind(struct program *p, struct err *err)
{
	const char *server = persona_text(p->persona, "ssh.server");
	ssh_bind bind = ssh_bind_new();
	bool no = false;
	char ident[LIST_MAX];

	if (ssh_init() != SSH_OK || !bind)
		return err_set(err, ST_ENGINE, "libssh does not start");
	p->worker.bind = bind;
	(void)ssh_set_log_level(SSH_LOG_NOLOG);
	(void)ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
	if (line_of(server, OFFER_IDENT, ident) && strncmp(ident, "SSH-2.0-", 8) == 0)
		(void)ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BANNER, ident + 8);
	offer(bind, server, OFFER_KEX, SSH_BIND_OPTIONS_KEY_EXCHANGE, SSH_BIND_OPTIONS_KEY_EXCHANGE);
	offer(bind, server, OFFER_HOST_KEY, SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS,
	    SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS);
	offer(bind, server, OFFER_CIPHER, SSH_BIND_OPTIONS_CIPHERS_C_S, SSH_BIND_OPTIONS_CIPHERS_S_C);
	offer(bind, server, OFFER_MAC, SSH_BIND_OPTIONS_HMAC_C_S, SSH_BIND_OPTIONS_HMAC_S_C);
	return import_keys(bind, p->start.ssh, err);
}

/* ---- status --------------------------------------------------------------------------------- */

static void tell_status(struct program *p)
{
	const struct ssh_counters *c = &p->worker.counters;
	const struct outbox_counters *o = outbox_counters(p->outbox);
	struct buf b = {0};
	const char *comma = "";
	unsigned module = protocol_module_number(p->worker.module);

	buf_printf(&b, "{\"accepted\":%llu,\"open\":%u,\"open_max\":%u,\"no_slot\":%llu,"
	    "\"over_limit\":%llu,\"not_observed\":%llu,\"failed\":%llu,\"bytes_in\":%llu,"
	    "\"bytes_out\":%llu,\"rows\":%llu,\"lost_rows\":%llu,\"store_waits\":%llu,"
	    "\"logins\":%llu,\"events\":{",
	    (unsigned long long)c->accepted, c->open, c->open_max, (unsigned long long)c->no_slot,
	    (unsigned long long)c->over_limit, (unsigned long long)c->not_observed,
	    (unsigned long long)c->failed, (unsigned long long)c->bytes_in,
	    (unsigned long long)c->bytes_out, (unsigned long long)o->rows,
	    (unsigned long long)o->lost_rows, (unsigned long long)o->waited,
	    (unsigned long long)logins_total(sessions_logins(p->worker.sessions)));
	for (unsigned e = 0; e < p->worker.module->event_count; e++) {
		uint64_t count = sessions_event_count(p->worker.sessions, module, e);

		if (count == 0)
			continue;
		buf_printf(&b, "%s\"ssh.%s\":%llu", comma, p->worker.module->events[e].name,
		    (unsigned long long)count);
		comma = ",";
	}
	buf_puts(&b, "}}");
	if (!b.failed && b.len <= OS_CHANNEL_MAX
	    && os_channel_send(START_CONTROL, WIRE_STATUS, b.data, b.len) == ST_NOT_FOUND)
		stop_asked = 1;
	buf_fini(&b);
}

static void hear_supervisor(struct program *p)
{
	static uint8_t body[OS_CHANNEL_MAX];
	uint16_t type;
	size_t len;
	int rc = os_channel_receive(START_CONTROL, &type, body, &len);

	if (rc == ST_NOT_FOUND)
		stop_asked = 1;
	if (rc == ST_OK && type == WIRE_DRAIN && !p->worker.draining)
		ssh_drain(&p->worker);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static int index_addresses(struct program *p, struct err *err)
{
	const struct config_nets *nets = &p->config->sensor.addresses;
	int rc = destinations_init(&p->destinations, nets->items, nets->count, p->start.known,
	    p->start.known_count);

	if (!rc)
		rc = destinations_exclude(&p->destinations, p->config->sensor.exclude.items,
		    p->config->sensor.exclude.count);
	return rc ? err_set(err, rc, "sensor.addresses: %s", st_text(rc)) : ST_OK;
}

static int prepare(struct program *p, struct err *err)
{
	int rc = start_read(START_FILE, &p->start, err);

	if (!rc)
		rc = config_parse(p->start.config_name, p->start.config, p->start.config_len, NULL, NULL,
		    &p->config, err);
	if (!rc)
		rc = persona_read(p->start.persona, p->start.persona_len, &p->persona, err);
	if (!rc && p->start.geo_path[0])
		rc = geo_open(p->start.geo_path, &p->geo, err);
	if (!rc)
		rc = index_addresses(p, err);
	if (!rc && (patterns_new(&p->patterns) || outbox_new(START_STORE, &p->outbox)))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = make_bind(p, err);
	return rc;
}

static uint32_t choose_room(const struct program *p)
{
	uint64_t descriptors = os_descriptors_raise();
	uint64_t taken = p->start.socket_count + RESERVED_DESCRIPTORS;
	uint64_t room = descriptors > taken ? (descriptors - taken) / DESCRIPTORS_EACH : 1;

	if (room > (uint64_t)p->config->respond.sessions)
		room = (uint64_t)p->config->respond.sessions;
	return room < SSH_CONNECTIONS_MAX ? (uint32_t)room : SSH_CONNECTIONS_MAX;
}

static int open_worker(struct program *p, struct err *err)
{
	static const struct sessions_sink sink = {outbox_row, outbox_blob};
	struct sessions_options sessions = {
		.sensor = p->start.sensor,
		.room_bytes = ROOM_BYTES,
		.text_bytes = ROOM_BYTES,
		.persona = p->persona,
		.patterns = p->patterns,
		.destinations = &p->destinations,
		.geo = p->geo,
		.sink = &sink,
		.arg = p->outbox,
	};
	struct ssh_worker *w = &p->worker;
	uint32_t per_source = (uint32_t)p->config->respond.per_source;
	int rc = ST_OK;

	if (sessions_new(&sessions, &w->sessions))
		return err_set(err, -ENOMEM, "out of memory");
	w->destinations = &p->destinations;
	w->module = protocol_module_find("ssh");
	w->signature = outbox_signature;
	w->signature_arg = p->outbox;
	w->connections_max = choose_room(p);
	w->per_source = per_source < SSH_PER_SOURCE_MAX ? per_source : SSH_PER_SOURCE_MAX;
	w->port_offset = (uint16_t)p->config->respond.port_offset;
	w->now_us = os_clock_monotonic_us();
	w->wall_us = os_clock_now_us();
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return err_set(err, -errno, "cannot wait for descriptors: %s", st_text(-errno));
	for (size_t i = 0; !rc && i < p->start.socket_count; i++)
		rc = ssh_listen(w, START_FIRST + (int)i, err);
	return rc ? rc : ssh_watch(w, START_CONTROL, err);
}

/* The store is behind: nothing new is read until it has caught up. */
static int wait_for_store(struct program *p)
{
	struct pollfd poll_for = {START_STORE, POLLOUT, 0};

	(void)poll(&poll_for, 1, TURN_MS);
	return outbox_flush(p->outbox);
}

static int run(struct program *p, struct err *err)
{
	int rc = ST_OK;

	while (!rc && !stop_asked) {
		int64_t now = os_clock_monotonic_us();
		bool heard = false;

		rc = outbox_behind(p->outbox) ? wait_for_store(p)
		    : ssh_turn(&p->worker, outbox_empty(p->outbox) ? TURN_MS : 10, &heard);
		if (heard)
			hear_supervisor(p);
		if (!rc)
			rc = outbox_flush(p->outbox);
		sessions_flush(p->worker.sessions, os_clock_now_us());
		if (now - p->status_us >= STATUS_US) {
			p->status_us = now;
			tell_status(p);
		}
		if (p->worker.draining && p->worker.counters.open == 0)
			break;
	}
	return rc ? err_set(err, rc, "the channel to the store: %s", st_text(rc)) : ST_OK;
}

int main(int argc, char **argv)
{
	static struct program p;
	struct err err = {0};
	int rc = prepare(&p, &err);

	os_signal_catch(SIGTERM, ask_stop);
	os_signal_catch(SIGINT, ask_stop);
	os_signal_ignore(SIGPIPE);
	os_signal_ignore(SIGHUP);
	if (!rc)
		rc = open_worker(&p, &err);
	if (!rc)
		rc = os_confine(OS_PROGRAM_SSH, argc > 1 && argv[1][0] ? argv[1] : NULL, &err)
		    ? START_UNCONFINED : ST_OK;
	os_memory_release();
	if (!rc)
		rc = run(&p, &err);
	/* A clean end: every session's records, then the counts, then goodbye. */
	ssh_end_all(&p.worker);
	if (p.worker.sessions)
		sessions_flush(p.worker.sessions, INT64_MAX);
	if (!rc && outbox_finish(p.outbox, FINISH_MS))
		rc = err_set(&err, ST_LIMIT, "the store did not take all records in time");
	if (rc)
		(void)fprintf(stderr, "teiten-ssh: %s\n", err.text);
	_exit(rc == START_UNCONFINED ? rc : rc ? 1 : 0);
}
