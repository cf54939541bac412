/*
 * teiten-ssh: answers SSH as far as a shell and tells the store what visitors did.
 *
 * Started by teiten-sensor with its sockets open, like teiten-respond, and a program of its own
 * because libssh is more code than anything else that hears the network.  It confines itself before
 * the first byte from outside, never connects anywhere and opens no file.
 */
#include "daemon/ssh.h"

#include "daemon/worker.h"
#include "os/clock.h"
#include "os/listen.h"
#include "protocol/patterns.h"
#include "protocol/persona.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define RESERVED_DESCRIPTORS 64
#define DESCRIPTORS_EACH 3
#define ROOM_BYTES (16u << 20)
#define LIST_MAX 1024
#define KEY_BEGIN "-----BEGIN "

struct program {
	struct worker common; /* first: worker.h */
	struct persona *persona;
	struct patterns *patterns;
	struct ssh_worker worker;
};

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
	return import_keys(bind, p->common.start.ssh, err);
}

/* ---- status --------------------------------------------------------------------------------- */

static void tell_status(void *self, struct buf *b)
{
	const struct program *p = self;
	const struct ssh_counters *c = &p->worker.counters;
	const struct outbox_counters *o = outbox_counters(p->common.outbox);
	const char *comma = "";
	unsigned module = protocol_module_number(p->worker.module);

	buf_printf(b, "\"accepted\":%llu,\"open\":%u,\"open_max\":%u,\"no_slot\":%llu,"
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
		buf_printf(b, "%s\"ssh.%s\":%llu", comma, p->worker.module->events[e].name,
		    (unsigned long long)count);
		comma = ",";
	}
	buf_putc(b, '}');
}

static void drain(void *self)
{
	ssh_drain(&((struct program *)self)->worker);
}

static bool is_done(void *self)
{
	return ((struct program *)self)->worker.counters.open == 0;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static uint32_t choose_room(const struct program *p)
{
	uint64_t descriptors = os_descriptors_raise();
	uint64_t taken = p->common.start.socket_count + RESERVED_DESCRIPTORS;
	uint64_t room = descriptors > taken ? (descriptors - taken) / DESCRIPTORS_EACH : 1;

	if (room > (uint64_t)p->common.config->respond.sessions)
		room = (uint64_t)p->common.config->respond.sessions;
	return room < SSH_CONNECTIONS_MAX ? (uint32_t)room : SSH_CONNECTIONS_MAX;
}

static int open_worker(struct program *p, struct err *err)
{
	static const struct sessions_sink sink = {outbox_row, outbox_blob};
	struct sessions_options sessions = {
		.sensor = p->common.start.sensor,
		.room_bytes = ROOM_BYTES,
		.text_bytes = ROOM_BYTES,
		.persona = p->persona,
		.patterns = p->patterns,
		.destinations = &p->common.destinations,
		.geo = p->common.geo,
		.sink = &sink,
		.arg = p->common.outbox,
	};
	struct ssh_worker *w = &p->worker;
	uint32_t per_source = (uint32_t)p->common.config->respond.per_source;
	int rc = ST_OK;

	if (sessions_new(&sessions, &w->sessions))
		return err_set(err, -ENOMEM, "out of memory");
	w->destinations = &p->common.destinations;
	w->module = protocol_module_find("ssh");
	w->signature = outbox_signature;
	w->signature_arg = p->common.outbox;
	w->said = p->common.inspector ? inspector_said : NULL;
	w->said_arg = p->common.inspector;
	w->connections_max = choose_room(p);
	w->per_source = per_source < SSH_PER_SOURCE_MAX ? per_source : SSH_PER_SOURCE_MAX;
	w->port_offset = (uint16_t)p->common.config->respond.port_offset;
	w->now_us = os_clock_monotonic_us();
	w->wall_us = os_clock_now_us();
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return err_set(err, -errno, "cannot wait for descriptors: %s", st_text(-errno));
	for (size_t i = 0; !rc && i < p->common.start.socket_count; i++)
		rc = ssh_listen(w, START_FIRST + (int)i, err);
	return rc ? rc : ssh_watch(w, START_CONTROL, err);
}

static int prepare(void *self, struct err *err)
{
	struct program *p = self;
	const struct start *start = &p->common.start;
	int rc = persona_read(start->persona, start->persona_len, &p->persona, err);

	if (!rc && patterns_new(&p->patterns))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = make_bind(p, err);
	return rc ? rc : open_worker(p, err);
}

static int turn(void *self, int timeout_ms)
{
	struct program *p = self;
	bool heard = false;
	int rc = ssh_turn(&p->worker, timeout_ms, &heard);

	if (!rc && heard)
		rc = worker_hear(&p->common);
	sessions_flush(p->worker.sessions, os_clock_now_us());
	return rc;
}

static void end(void *self)
{
	struct program *p = self;

	ssh_end_all(&p->worker);
	sessions_flush(p->worker.sessions, INT64_MAX);
}

int main(int argc, char **argv)
{
	static struct program p;
	static const struct worker_kind kind = {
		.name = "teiten-ssh",
		.program = OS_PROGRAM_SSH,
		.prepare = prepare,
		.turn = turn,
		.status = tell_status,
		.drain = drain,
		.is_done = is_done,
		.end = end,
		.waits = true,
	};

	worker_main(&kind, &p.common, argc > 1 && argv[1][0] ? argv[1] : NULL);
}
