/*
 * teiten-sensor: the supervisor.  Opens sockets, starts the workers, keeps them running; reads no
 * byte that comes from the network.
 *
 * The channels between the workers are made here and stay open here, so that a worker that dies
 * loses nothing that was on its way: its successor reads on.
 */
#include "capture/ring.h"
#include "config/config.h"
#include "daemon/control.h"
#include "daemon/identity.h"
#include "daemon/lastinput.h"
#include "daemon/sockets.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/confine.h"
#include "os/file.h"
#include "os/link.h"
#include "os/listen.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/signals.h"

#include "base/rd.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG_MAX (1u << 20)
#define TURN_MS 100
#define BACKOFF_FIRST_US 200000ll
#define BACKOFF_MAX_US 60000000ll
#define STEADY_US 30000000ll /* a worker that ran so long starts with the first back-off again */
#define STOP_US 8000000ll
#define DRAINED_MAX 16 /* workers that only finish their sessions; beyond it the oldest must end */

enum worker_kind {
	WORKER_STORE,
	WORKER_RESPOND,
	WORKER_CAPTURE,
	WORKER_SSH,
	WORKER_COUNT,
};

struct worker {
	const char *program;
	bool wanted;
	pid_t pid;
	int control;       /* our end; -1 */
	int64_t started_us;
	int64_t next_us;   /* not before */
	int64_t backoff_us;
	unsigned restarts;
	int input;         /* what it read last (lastinput.h); of the responder only */
	char *status;      /* the last it told */
	size_t status_len;
};

/* A worker that ends when its last session does.  It would take a closed channel for our end. */
struct drained {
	pid_t pid;
	int control;
};

struct supervisor {
	const char *config_path;
	char *config_text;
	size_t config_len;
	struct config *config;
	struct identity identity;
	struct sockets sockets;
	struct worker workers[WORKER_COUNT];
	struct drained drained[DRAINED_MAX]; /* the oldest first */
	size_t drained_count;
	int channels[WIRE_PEER_COUNT][2]; /* worker's end, store's end */
	int ring;                         /* of capture.interface; -1 */
	int link;                         /* readable when an interface has changed; -1 */
	enum os_link_state link_state;
	unsigned link_index;
	char folder[OS_PATH_MAX];
	char geo_path[OS_PATH_MAX];
	const char *user; /* "" when nobody else is to be become */
	struct ip *known; /* what the store told: observed addresses with an index */
	size_t known_count;
	uint16_t sensor;
	bool ready;       /* the store is */
	bool stopping;
	bool unconfined; /* a worker could not be confined */
	int64_t stop_us;
	struct control *control;
};

static volatile sig_atomic_t stop_asked;
static volatile sig_atomic_t reload_asked;

static void on_signal(int signal)
{
	if (signal == SIGHUP)
		reload_asked = 1;
	else
		stop_asked = 1;
}

static void say(const char *line)
{
	(void)fprintf(stderr, "teiten-sensor: %s\n", line);
}

/* ---- configuration -------------------------------------------------------------------------- */

static void say_finding(void *arg, const char *line)
{
	(void)arg;
	say(line);
}

/* Reads and checks; what is in force stays when something is wrong. */
static int load_config(struct supervisor *s, struct err *err)
{
	struct config *config = NULL;
	char *text = NULL;
	size_t len;
	int rc = os_file_read(s->config_path, CONFIG_MAX, &text, &len, err);

	if (!rc)
		rc = config_parse(s->config_path, text, len, say_finding, NULL, &config, err);
	if (!rc && (!config->sensor.name[0] || config->sensor.addresses.count == 0))
		rc = err_set(err, ST_USAGE, "%s: a sensor needs sensor.name and sensor.addresses",
		    s->config_path);
	if (!rc && !config->respond.enabled && !config->capture.interface[0])
		rc = err_set(err, ST_USAGE, "%s: a dark sensor (respond.enabled) needs capture.interface",
		    s->config_path);
	if (rc) {
		config_free(config);
		free(text);
		return rc;
	}
	config_free(s->config);
	free(s->config_text);
	s->config = config;
	s->config_text = text;
	s->config_len = len;
	return ST_OK;
}

static void find_geo(struct supervisor *s)
{
	struct os_stat stat;

	if (s->config->geo.table[0])
		(void)snprintf(s->geo_path, sizeof(s->geo_path), "%s", s->config->geo.table);
	else
		(void)snprintf(s->geo_path, sizeof(s->geo_path), "%sgeo.teiten", s->folder);
	if (os_path_stat(s->geo_path, &stat, NULL) || stat.kind == OS_KIND_NONE)
		(void)snprintf(s->geo_path, sizeof(s->geo_path), "%s/geo.teiten", TEITEN_DATADIR);
	if (os_path_stat(s->geo_path, &stat, NULL) || stat.kind == OS_KIND_NONE)
		s->geo_path[0] = '\0';
}

/* ---- workers -------------------------------------------------------------------------------- */

static enum start_owner owner_of(enum worker_kind kind)
{
	return kind == WORKER_SSH ? START_SSH : START_RESPOND;
}

static size_t count_sockets(const struct supervisor *s, enum start_owner owner)
{
	size_t n = 0;

	for (size_t i = 0; i < s->sockets.count; i++)
		n += s->sockets.list[i].owner == owner;
	return n;
}

/* Everybody answers at its own sockets only. */
static int make_start(const struct supervisor *s, enum worker_kind kind, int *ret_fd,
    struct err *err)
{
	static struct start_socket sockets[SOCKETS_MAX];
	struct start start = {
		.config = s->config_text,
		.config_len = s->config_len,
		.config_name = s->config_path,
		.persona = s->identity.persona,
		.persona_len = s->identity.persona_len,
		.tls = s->identity.tls ? s->identity.tls : "",
		.tls_len = s->identity.tls_len,
		.geo_path = s->geo_path,
		.sensor = s->sensor,
		.known = s->known,
		.known_count = s->known_count,
		.ssh = kind == WORKER_SSH ? s->identity.ssh : "",
		.ssh_len = kind == WORKER_SSH ? s->identity.ssh_len : 0,
		.sockets = sockets,
	};

	for (size_t i = 0; i < s->sockets.count; i++)
		if (s->sockets.list[i].owner == owner_of(kind))
			sockets[start.socket_count++] = s->sockets.list[i];
	return start_write(&start, ret_fd, err);
}

/* The descriptors of each kind of worker, in the order of enum start_descriptor. */
static size_t list_descriptors(const struct supervisor *s, enum worker_kind kind, int start,
    int control, int *fds)
{
	size_t n = 0;

	fds[n++] = start;
	fds[n++] = control;
	switch (kind) {
	case WORKER_STORE:
		for (unsigned i = 0; i < WIRE_PEER_COUNT; i++)
			fds[n++] = s->channels[i][1];
		break;
	case WORKER_RESPOND:
	case WORKER_SSH:
		fds[n++] = s->channels[kind == WORKER_SSH ? WIRE_PEER_SSH : WIRE_PEER_RESPOND][0];
		for (size_t i = 0; i < s->sockets.count; i++)
			if (s->sockets.list[i].owner == owner_of(kind))
				fds[n++] = s->sockets.fds[i];
		if (kind == WORKER_RESPOND)
			fds[n++] = s->workers[kind].input;
		break;
	case WORKER_CAPTURE:
		fds[n++] = s->channels[WIRE_PEER_CAPTURE][0];
		fds[n++] = s->ring;
		break;
	case WORKER_COUNT:
		break;
	}
	return n;
}

static void tell_link(const struct supervisor *s)
{
	uint8_t up = s->link_state == OS_LINK_UP;

	if (s->workers[WORKER_CAPTURE].control >= 0)
		(void)os_channel_send(s->workers[WORKER_CAPTURE].control, WIRE_LINK, &up, 1);
}

/* An interface that was made anew needs a ring of its own, and the capture starts with that. */
static void renew_ring(struct supervisor *s)
{
	struct ring_options options = {
		.interface = s->config->capture.interface,
		.filter = s->config->capture.filter,
	};
	struct err err = {0};
	int ring;

	if (ring_open(&options, &ring, &err)) {
		say(err.text);
		return;
	}
	(void)close(s->ring);
	s->ring = ring;
	if (s->workers[WORKER_CAPTURE].pid > 0)
		(void)kill(s->workers[WORKER_CAPTURE].pid, SIGTERM);
}

static void look_at_link(struct supervisor *s)
{
	static const char *const names[] = {"gone", "down", "up"};
	enum os_link_state before = s->link_state;
	unsigned index;
	char line[200];

	os_link_seen(s->link);
	s->link_state = os_link_look(s->config->capture.interface, &index);
	if (index != 0 && index != s->link_index) {
		s->link_index = index;
		renew_ring(s);
	}
	if (s->link_state == before)
		return;
	(void)snprintf(line, sizeof(line), "capture.interface: %s is %s",
	    s->config->capture.interface, names[s->link_state]);
	say(line);
	tell_link(s);
}

static int start_worker(struct supervisor *s, enum worker_kind kind, struct err *err)
{
	static int fds[SOCKETS_MAX + 8];
	struct worker *w = &s->workers[kind];
	char path[OS_PATH_MAX + 64];
	const char *arguments[3] = {w->program, s->user, NULL};
	int control[2];
	int start;
	int rc = make_start(s, kind, &start, err);

	if (rc)
		return rc;
	rc = os_channel_pair(control, err);
	if (!rc && kind == WORKER_RESPOND && w->input == 0)
		rc = lastinput_make(&w->input, err);
	if (!rc) {
		size_t n = list_descriptors(s, kind, start, control[1], fds);

		(void)snprintf(path, sizeof(path), "%s%s", s->folder, w->program);
		rc = os_process_start(path, arguments, fds, n, &w->pid, err);
		(void)close(control[1]);
		if (rc)
			(void)close(control[0]);
		else
			w->control = control[0];
	}
	(void)close(start);
	if (!rc && kind == WORKER_CAPTURE)
		tell_link(s);
	w->started_us = os_clock_monotonic_us();
	return rc;
}

/* What made a worker crash is worth keeping. */
static void keep_input(const struct supervisor *s, const struct worker *w)
{
	char path[OS_PATH_MAX + 128];
	char line[OS_PATH_MAX + 256];
	struct err err = {0};

	if (lastinput_keep(w->input, s->config->store.path, w->program, os_clock_now_us(), path,
	    sizeof(path), &err))
		(void)snprintf(line, sizeof(line), "its last input is not kept: %s", err.text);
	else
		(void)snprintf(line, sizeof(line), "its last input is kept in %s", path);
	say(line);
}

static void worker_ended(struct supervisor *s, enum worker_kind kind, int status)
{
	struct worker *w = &s->workers[kind];
	int64_t now = os_clock_monotonic_us();
	char line[200];

	if (w->control >= 0)
		(void)close(w->control);
	w->control = -1;
	w->pid = 0;
	if (kind == WORKER_STORE)
		s->ready = false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == START_UNCONFINED) {
		(void)snprintf(line, sizeof(line), "%s cannot be confined: the sensor does not run "
		    "without that", w->program);
		say(line);
		s->unconfined = true;
		stop_asked = 1;
	}
	if (s->stopping || s->unconfined)
		return;
	if (now - w->started_us > STEADY_US || w->backoff_us == 0)
		w->backoff_us = BACKOFF_FIRST_US;
	else
		w->backoff_us = w->backoff_us * 2 < BACKOFF_MAX_US ? w->backoff_us * 2 : BACKOFF_MAX_US;
	w->next_us = now + w->backoff_us;
	w->restarts++;
	(void)snprintf(line, sizeof(line), "%s ended (%s %d); it starts again in %.1f s", w->program,
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    (double)w->backoff_us / 1e6);
	say(line);
	if (w->input > 0 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL
	    && WTERMSIG(status) != SIGTERM)
		keep_input(s, w);
}

static void forget_drained(struct supervisor *s, size_t i)
{
	(void)close(s->drained[i].control);
	s->drained_count--;
	memmove(s->drained + i, s->drained + i + 1, (s->drained_count - i) * sizeof(*s->drained));
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < WORKER_COUNT; i++)
			if (s->workers[i].pid == pid)
				worker_ended(s, (enum worker_kind)i, status);
		for (size_t i = 0; i < s->drained_count; i++)
			if (s->drained[i].pid == pid)
				forget_drained(s, i);
	}
}

/* The store first: the others need to know what it calls the sensor and its addresses. */
static void start_what_is_due(struct supervisor *s)
{
	int64_t now = os_clock_monotonic_us();

	for (int i = 0; i < WORKER_COUNT && !s->stopping; i++) {
		struct worker *w = &s->workers[i];
		struct err err = {0};

		if (!w->wanted || w->pid > 0 || now < w->next_us || (i != WORKER_STORE && !s->ready))
			continue;
		if (start_worker(s, (enum worker_kind)i, &err)) {
			say(err.text);
			w->next_us = now + BACKOFF_MAX_US / 10;
		}
	}
}

/* ---- what workers tell ---------------------------------------------------------------------- */

static void take_addresses(struct supervisor *s, bool first, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	uint16_t sensor = rd_u16le(&r);
	bool last = rd_u16le(&r) != 0;
	size_t n = rd_left(&r) / 16;
	struct ip *known = realloc(s->known, ((first ? 0 : s->known_count) + n + 1) * sizeof(*known));

	if (r.bad || !known)
		return;
	s->known = known;
	if (first)
		s->known_count = 0;
	for (size_t i = 0; i < n; i++) {
		s->known[s->known_count].hi = rd_u64le(&r);
		s->known[s->known_count++].lo = rd_u64le(&r);
	}
	s->sensor = sensor;
	if (last && !s->ready) {
		say("ready");
		os_memory_release();
	}
	s->ready = last;
}

static void keep_status(struct worker *w, const uint8_t *body, size_t len)
{
	char *copy = realloc(w->status, len + 1);

	if (!copy)
		return;
	memcpy(copy, body, len);
	copy[len] = '\0';
	w->status = copy;
	w->status_len = len;
}

/* A worker that sends nonsense: whatever it has become, it is not ours any more. */
static void kill_worker(struct worker *w)
{
	char line[100];

	(void)snprintf(line, sizeof(line), "%s sent what no worker of ours sends: it is killed",
	    w->program);
	say(line);
	if (w->pid > 0)
		(void)kill(w->pid, SIGKILL);
}

static struct worker *worker_of_peer(struct supervisor *s, uint8_t peer)
{
	static const enum worker_kind kinds[WIRE_PEER_COUNT] = {
		[WIRE_PEER_RESPOND] = WORKER_RESPOND,
		[WIRE_PEER_CAPTURE] = WORKER_CAPTURE,
		[WIRE_PEER_SSH] = WORKER_SSH,
	};

	return &s->workers[peer < WIRE_PEER_COUNT ? kinds[peer] : WORKER_STORE];
}

static void hear_worker(struct supervisor *s, enum worker_kind kind)
{
	static uint8_t body[OS_CHANNEL_MAX];
	struct worker *w = &s->workers[kind];
	uint16_t type;
	size_t len;

	while (w->control >= 0) {
		int rc = os_channel_receive(w->control, &type, body, &len);

		if (rc == ST_MALFORMED)
			kill_worker(w);
		if (rc)
			return;
		if (type == WIRE_STATUS)
			keep_status(w, body, len);
		else if (kind == WORKER_STORE && (type == WIRE_READY || type == WIRE_MORE))
			take_addresses(s, type == WIRE_READY, body, len);
		else if (kind == WORKER_STORE && type == WIRE_COMPLAINT && len == 1)
			kill_worker(worker_of_peer(s, body[0]));
		else if (kind == WORKER_STORE && type == WIRE_TAIL)
			control_tail(s->control, (const char *)body, len);
		else
			kill_worker(w);
	}
}

/* ---- reload, status, stop ------------------------------------------------------------------- */

/* It finishes its sessions with the old sockets while its successor takes the new ones. */
static void drain_worker(struct supervisor *s, struct worker *w)
{
	if (w->control >= 0) {
		if (s->drained_count == DRAINED_MAX) {
			(void)kill(s->drained[0].pid, SIGTERM);
			forget_drained(s, 0);
		}
		s->drained[s->drained_count++] = (struct drained){w->pid, w->control};
		(void)os_channel_send(w->control, WIRE_DRAIN, "", 0);
		w->control = -1;
		w->pid = 0; /* it ends by itself; what it still says reaches the store */
	}
	w->next_us = 0;
}

static void choose_workers(struct supervisor *s)
{
	struct err err = {0};

	/* The responder also says when a sensor without a capture observed. */
	s->workers[WORKER_RESPOND].wanted = s->sockets.count > 0;
	s->workers[WORKER_SSH].wanted = false;
	if (count_sockets(s, START_SSH) == 0)
		return;
	if (identity_load_ssh(s->config->store.path, &s->identity, &err))
		say(err.text);
	else
		s->workers[WORKER_SSH].wanted = true;
}

/* Checked first, kept as it was if wrong. */
static void reload(struct supervisor *s)
{
	static struct sockets fresh;
	struct err err = {0};

	reload_asked = 0;
	if (load_config(s, &err)) {
		say(err.text);
		say("the configuration stays as it was");
		return;
	}
	find_geo(s);
	drain_worker(s, &s->workers[WORKER_RESPOND]);
	drain_worker(s, &s->workers[WORKER_SSH]);
	if (sockets_open(s->config, say, &s->sockets, &fresh, &err))
		say(err.text);
	sockets_close(&s->sockets);
	s->sockets = fresh;
	choose_workers(s);
	say("reloaded");
}

static void tell_status(void *arg, struct buf *b)
{
	static const char *const names[WORKER_COUNT] = {"store", "respond", "capture", "ssh"};
	const struct supervisor *s = arg;

	buf_printf(b, "{\"sensor\":\"%s\",\"ready\":%s,\"sockets\":%zu,\"sockets_failed\":%zu,"
	    "\"workers\":{", s->config->sensor.name, s->ready ? "true" : "false", s->sockets.count,
	    s->sockets.failed);
	for (int i = 0; i < WORKER_COUNT; i++) {
		const struct worker *w = &s->workers[i];

		buf_printf(b, "%s\"%s\":{\"wanted\":%s,\"pid\":%d,\"restarts\":%u,\"status\":%s}",
		    i ? "," : "", names[i], w->wanted ? "true" : "false", (int)w->pid, w->restarts,
		    w->status ? w->status : "null");
	}
	buf_puts(b, "}}\n");
}

static void want_tail(void *arg, bool wanted)
{
	const struct supervisor *s = arg;
	uint8_t body = wanted;

	if (s->workers[WORKER_STORE].control >= 0)
		(void)os_channel_send(s->workers[WORKER_STORE].control, WIRE_TAIL, &body, 1);
}

/* The workers first, so that the store gets all they have; then the store. */
static bool stop_step(struct supervisor *s)
{
	int64_t now = os_clock_monotonic_us();
	bool others = s->drained_count > 0;

	for (int i = WORKER_RESPOND; i < WORKER_COUNT; i++)
		others = others || s->workers[i].pid > 0;
	if (!s->stopping) {
		s->stopping = true;
		s->stop_us = now;
		for (int i = WORKER_RESPOND; i < WORKER_COUNT; i++)
			if (s->workers[i].pid > 0)
				(void)kill(s->workers[i].pid, SIGTERM);
		for (size_t i = 0; i < s->drained_count; i++)
			(void)kill(s->drained[i].pid, SIGTERM);
	}
	if (now - s->stop_us > STOP_US) {
		say("a worker did not end in time");
		return true;
	}
	if (!others && s->workers[WORKER_STORE].pid > 0)
		(void)kill(s->workers[WORKER_STORE].pid, SIGTERM);
	return !others && s->workers[WORKER_STORE].pid == 0;
}

static void turn(struct supervisor *s)
{
	struct pollfd polls[WORKER_COUNT + CONTROL_POLLS_MAX + 1];
	size_t n = 0;

	for (int i = 0; i < WORKER_COUNT; i++)
		polls[n++] = (struct pollfd){s->workers[i].control, POLLIN, 0};
	n += control_polls(s->control, polls + n);
	polls[n++] = (struct pollfd){s->link, POLLIN, 0};
	(void)poll(polls, (nfds_t)n, TURN_MS);
	if (polls[n - 1].revents)
		look_at_link(s);
	for (int i = 0; i < WORKER_COUNT; i++)
		if (polls[i].revents)
			hear_worker(s, (enum worker_kind)i);
	control_turn(s->control, polls + WORKER_COUNT);
	reap(s);
	if (reload_asked && !s->stopping)
		reload(s);
	start_what_is_due(s);
}

/* ---- beginning ------------------------------------------------------------------------------ */

static int make_channels(struct supervisor *s, struct err *err)
{
	int rc = ST_OK;

	for (unsigned i = 0; !rc && i < WIRE_PEER_COUNT; i++)
		rc = os_channel_pair(s->channels[i], err);
	return rc;
}

/* Root gives its work to the user of the configuration when there is one. */
static int choose_user(struct supervisor *s, struct err *err)
{
	const struct passwd *user;
	char line[300];

	s->user = "";
	if (geteuid() != 0)
		return ST_OK;
	user = s->config->sensor.user[0] ? getpwnam(s->config->sensor.user) : NULL;
	if (!user) {
		(void)snprintf(line, sizeof(line), "there is no user '%s': the workers stay root, without "
		    "capabilities", s->config->sensor.user);
		say(line);
		return ST_OK;
	}
	s->user = s->config->sensor.user;
	if (chown(s->config->store.path, user->pw_uid, user->pw_gid) != 0)
		return err_set(err, -errno, "%s: cannot be given to %s: %s", s->config->store.path,
		    s->user, st_text(-errno));
	return ST_OK;
}

static int open_ring(struct supervisor *s, struct err *err)
{
	struct ring_options options = {
		.interface = s->config->capture.interface,
		.filter = s->config->capture.filter,
	};
	int rc;

	s->ring = -1;
	s->link = -1;
	if (!options.interface[0])
		return ST_OK;
	rc = ring_open(&options, &s->ring, err);
	if (!rc)
		rc = os_link_watch(&s->link, err);
	s->link_state = os_link_look(options.interface, &s->link_index);
	return rc;
}

static int begin(struct supervisor *s, struct err *err)
{
	char path[OS_PATH_MAX + 32];
	int rc = load_config(s, err);

	if (!rc)
		rc = os_program_folder(s->folder, sizeof(s->folder), err);
	if (!rc)
		rc = os_folder_make(s->config->store.path, err);
	if (!rc)
		rc = choose_user(s, err);
	if (rc)
		return rc;
	find_geo(s);
	(void)os_descriptors_raise();
	rc = identity_load(s->config->store.path, s->config->respond.tls, &s->identity, err);
	if (!rc)
		rc = sockets_open(s->config, say, NULL, &s->sockets, err);
	if (!rc)
		rc = open_ring(s, err);
	if (!rc)
		rc = make_channels(s, err);
	(void)snprintf(path, sizeof(path), "%s/%s", s->config->store.path, CONTROL_SOCKET);
	if (!rc)
		rc = control_open(path, tell_status, want_tail, s, &s->control, err);
	for (int i = 0; i < WORKER_COUNT; i++)
		s->workers[i].control = -1;
	s->workers[WORKER_STORE] = (struct worker){.program = "teiten-store", .wanted = true,
		.control = -1};
	s->workers[WORKER_RESPOND] = (struct worker){.program = "teiten-respond", .control = -1};
	s->workers[WORKER_SSH] = (struct worker){.program = "teiten-ssh", .control = -1};
	choose_workers(s);
	s->workers[WORKER_CAPTURE] = (struct worker){.program = "teiten-capture",
		.wanted = s->config->capture.interface[0] != '\0', .control = -1};
	return rc;
}

static const char usage[] =
    "usage: teiten-sensor [-c FILE]\n"
    "\n"
    "Runs a sensor: answers and captures as FILE says (default " CONFIG_DEFAULT_PATH ") and stores\n"
    "what it sees.  SIGHUP reads FILE again, SIGTERM ends it cleanly.\n"
    "\n"
    "  teiten config check -c FILE     checks the configuration without starting\n"
    "  teiten sensor status            what the running sensor does\n";

int main(int argc, char **argv)
{
	static struct supervisor s = {.config_path = CONFIG_DEFAULT_PATH};
	struct err err = {0};
	int option;

	while ((option = getopt(argc, argv, "c:h")) != -1) {
		if (option == 'h') {
			(void)fputs(usage, stdout);
			return 0;
		}
		if (option != 'c') {
			(void)fputs(usage, stderr);
			return 2;
		}
		s.config_path = optarg;
	}
	os_signal_catch(SIGTERM, on_signal);
	os_signal_catch(SIGINT, on_signal);
	os_signal_catch(SIGHUP, on_signal);
	os_signal_ignore(SIGPIPE);
	if (begin(&s, &err)) {
		say(err.text);
		return err.code == ST_USAGE || err.code == ST_MALFORMED ? 2 : 1;
	}
	while (!stop_asked || !stop_step(&s))
		turn(&s);
	control_close(s.control);
	sockets_close(&s.sockets);
	return s.unconfined;
}
