/*
 * teiten-sensor: the supervisor.  Opens sockets, starts the workers, keeps them running; reads no
 * byte that comes from the network.
 *
 * The channels between the workers are made here and stay open here, so that a worker that dies
 * loses nothing that was on its way: its successor reads on.  It waits for signals and messages only;
 * while nothing happens it does not run.
 */
#include "daemon/lastinput.h"
#include "daemon/outfit.h"
#include "daemon/rulebook.h"
#include "daemon/supervisor.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/listen.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/signals.h"

#include "base/hash.h"
#include "base/rd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG_MAX (1u << 20)
#define STOP_US 8000000ll

static volatile sig_atomic_t stop_asked;
static volatile sig_atomic_t reload_asked;
static int awake[2]; /* a pipe: what a signal writes ends the wait */

static void on_signal(int signal)
{
	int error = errno;

	if (signal == SIGHUP)
		reload_asked = 1;
	else if (signal != SIGCHLD)
		stop_asked = 1;
	(void)!write(awake[1], "", 1);
	errno = error;
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

static bool same_nets(const struct config_nets *a, const struct config_nets *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = ip_equal(a->items[i].base, b->items[i].base) && a->items[i].plen == b->items[i].plen;
	return same;
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
	if (!rc)
		rc = sockets_check(config, err);
	if (rc) {
		config_free(config);
		free(text);
		return rc;
	}
	s->observes_others = s->config
	    && !(same_nets(&config->sensor.addresses, &s->config->sensor.addresses)
	    && same_nets(&config->sensor.exclude, &s->config->sensor.exclude));
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

static int start_worker(void *arg, enum post_kind kind, int control, pid_t *ret_pid,
    struct err *err)
{
	return outfit_start(arg, kind, control, ret_pid, err);
}

/* What made a worker crash is worth keeping. */
static void worker_died(void *arg, enum post_kind kind, int status)
{
	const struct supervisor *s = arg;
	const char *program = s->posts.list[kind].program;
	char path[OS_PATH_MAX + 128];
	char line[OS_PATH_MAX + 256];
	struct err err = {0};

	if (kind != POST_RESPOND || !WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL
	    || WTERMSIG(status) == SIGTERM)
		return;
	if (lastinput_keep(s->input, s->config->store.path, program, os_clock_now_us(), path,
	    sizeof(path), &err))
		(void)snprintf(line, sizeof(line), "its last input is not kept: %s", err.text);
	else
		(void)snprintf(line, sizeof(line), "its last input is kept in %s", path);
	say(line);
}

/* Rules of which none can be used do not drive out those that were. */
static bool may_begin(void *arg, enum post_kind kind, uint32_t rules)
{
	struct supervisor *s = arg;

	if (rules > 0 || s->rules_before < 0 || !outfit_inspects(s, kind) || s->hasty[kind])
		return true;
	say("signatures.rules: none of the rules can be used; those from before stay");
	(void)close(s->rules);
	s->rules = s->rules_before;
	s->rules_before = -1;
	for (enum post_kind other = 0; other < POST_COUNT; other++)
		if (other != kind && outfit_inspects(s, other))
			posts_renew(&s->posts, other);
	return false;
}

/* ---- the interface -------------------------------------------------------------------------- */

static void tell_link(const struct supervisor *s, enum post_kind kind)
{
	uint8_t up = rings_hear(&s->rings);

	posts_send(&s->posts, kind, WIRE_LINK, &up, 1);
}

static void look_at_link(struct supervisor *s)
{
	switch (rings_look(&s->rings, s->config, say)) {
	case RINGS_NEW:
		posts_renew_captures(&s->posts);
		break;
	case RINGS_LINK:
		break;
	case RINGS_SAME:
		return;
	}
	for (int i = POST_CAPTURE; i < POST_COUNT; i++)
		tell_link(s, (enum post_kind)i);
}

/* ---- what workers tell ---------------------------------------------------------------------- */

static void take_addresses(struct supervisor *s, bool first, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	uint16_t sensor = rd_u16le(&r);
	bool last = rd_u16le(&r) != 0;
	size_t n = rd_left(&r) / 16;
	struct ip *known;

	if (r.bad)
		return;
	known = realloc(s->known, ((first ? 0 : s->known_count) + n + 1) * sizeof(*known));
	if (!known)
		return;
	s->known = known;
	if (first)
		s->known_count = 0;
	for (size_t i = 0; i < n; i++) {
		s->known[s->known_count].hi = rd_u64le(&r);
		s->known[s->known_count++].lo = rd_u64le(&r);
	}
	s->sensor = sensor;
	if (last && !s->posts.ready) {
		say("ready");
		os_memory_release();
	}
	s->posts.ready = last;
}

static enum post_kind post_of(uint8_t peer)
{
	static const enum post_kind kinds[WIRE_PEER_CAPTURE] = {
		[WIRE_PEER_RESPOND] = POST_RESPOND,
		[WIRE_PEER_SSH] = POST_SSH,
	};

	if (peer >= WIRE_PEER_COUNT)
		return POST_STORE;
	return peer < WIRE_PEER_CAPTURE ? kinds[peer]
	                                : (enum post_kind)(POST_CAPTURE + peer - WIRE_PEER_CAPTURE);
}

static bool hear_worker(void *arg, enum post_kind kind, uint16_t type, const uint8_t *body,
    size_t len)
{
	struct supervisor *s = arg;

	/* Courier and responder believe each other nothing. */
	if (type == WIRE_COMPLAINT && (kind == POST_COURIER || kind == POST_RESPOND)) {
		posts_kill(&s->posts, kind == POST_COURIER ? POST_RESPOND : POST_COURIER);
		return true;
	}
	if (kind != POST_STORE)
		return false;
	if (type == WIRE_READY || type == WIRE_MORE)
		take_addresses(s, type == WIRE_READY, body, len);
	else if (type == WIRE_COMPLAINT && len == 1)
		posts_kill(&s->posts, post_of(body[0]));
	else if (type == WIRE_TAIL)
		control_tail(s->control, (const char *)body, len);
	else
		return false;
	return true;
}

static void worker_unconfined(void *arg, enum post_kind kind)
{
	struct supervisor *s = arg;
	char line[200];

	(void)snprintf(line, sizeof(line), "%s cannot be confined: the sensor does not run without that",
	    s->posts.list[kind].name);
	say(line);
	s->unconfined = true;
	stop_asked = 1;
}

static void worker_begun(void *arg, enum post_kind kind)
{
	struct supervisor *s = arg;

	if (post_is_capture(kind))
		tell_link(s, kind);
	if (s->hasty[kind])
		posts_renew(&s->posts, kind);
	s->hasty[kind] = false;
}

static const struct posts_calls calls = {
	.start = start_worker,
	.hear = hear_worker,
	.may_begin = may_begin,
	.begun = worker_begun,
	.died = worker_died,
	.unconfined = worker_unconfined,
	.say = say,
};

/* ---- reload, status, stop ------------------------------------------------------------------- */

/* Anew with each configuration: what they may send from depends on it. */
static void open_raw(struct supervisor *s)
{
	struct err err = {0};
	struct os_raw_udp raw = {-1, -1};

	if (os_raw_udp_open(sockets_routed(s->config), &raw, &err)) {
		say(err.text);
		say("respond.any_port: datagrams are recorded and not answered");
	}
	os_raw_udp_close(&s->raw);
	s->raw = raw;
}

static void choose_workers(struct supervisor *s)
{
	struct err err = {0};

	/* The responder also says when a sensor without a capture observed. */
	s->posts.list[POST_RESPOND].wanted = s->sockets.count > 0;
	s->posts.list[POST_COURIER].wanted = outfit_sockets(s, START_COURIER) > 0;
	if (s->posts.list[POST_COURIER].wanted)
		open_raw(s);
	else
		os_raw_udp_close(&s->raw);
	s->posts.list[POST_SSH].wanted = false;
	if (outfit_sockets(s, START_SSH) == 0)
		return;
	if (identity_load_ssh(s->config->store.path, &s->identity, &err))
		say(err.text);
	else
		s->posts.list[POST_SSH].wanted = true;
}

static void forget_rules(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Without one file that can be read, those from before stay as well. */
static void load_rules(struct supervisor *s)
{
	struct err err = {0};
	int fd;

	if (rulebook_gather(s->config, say, &fd, &err))
		say(err.text);
	if (fd < 0 && s->rules >= 0 && s->config->signatures.rules.count > 0) {
		say("signatures.rules: no file can be read; the rules from before stay");
		return;
	}
	if (s->rules_before < 0)
		s->rules_before = s->rules;
	else
		forget_rules(&s->rules);
	s->rules = fd;
}

/* Checked first, kept as it was if wrong.  The workers of before go on until their successors are
 * prepared. */
static void reload(struct supervisor *s)
{
	static struct sockets fresh;
	struct err err = {0};
	bool rules = s->rules >= 0;

	reload_asked = 0;
	if (load_config(s, &err)) {
		say(err.text);
		say("the configuration stays as it was");
		return;
	}
	find_geo(s);
	load_rules(s);
	if (sockets_open(s->config, say, &s->sockets, &fresh, &err)) {
		say(err.text);
		say("the sockets from before stay");
	} else {
		sockets_close(&s->sockets);
		s->sockets = fresh;
	}
	choose_workers(s);
	posts_renew(&s->posts, POST_RESPOND);
	posts_renew(&s->posts, POST_SSH);
	posts_renew(&s->posts, POST_COURIER);
	if (rules || s->rules >= 0 || s->observes_others) {
		if (rings_reconfigure(&s->rings, s->config, &err))
			say(err.text);
		posts_renew_captures(&s->posts);
	}
	s->reloading = true;
}

static void finish_reload(struct supervisor *s)
{
	if (!s->reloading || posts_renewing(&s->posts))
		return;
	s->reloading = false;
	forget_rules(&s->rules_before);
	say("reloaded");
}

/* One capture is "capture", several are "capture-1" and so on. */
static void put_worker(const struct supervisor *s, enum post_kind kind, struct buf *b)
{
	static const char *const names[POST_CAPTURE + 1] = {"store", "respond", "ssh", "courier",
		"capture"};
	const struct post *w = &s->posts.list[kind];
	unsigned ring = kind < POST_CAPTURE ? 0 : kind - POST_CAPTURE;

	if (ring > 0 && ring >= s->rings.count)
		return;
	buf_printf(b, "%s\"%s", kind ? "," : "", names[kind - ring]);
	if (post_is_capture(kind) && s->rings.count > 1)
		buf_printf(b, "-%u", ring + 1);
	buf_printf(b, "\":{\"wanted\":%s,\"pid\":%d,\"restarts\":%u,\"status\":%s}",
	    w->wanted ? "true" : "false", (int)w->now.pid, w->restarts, w->status ? w->status : "null");
}

static void tell_status(void *arg, struct buf *b)
{
	const struct supervisor *s = arg;

	buf_printf(b, "{\"sensor\":\"%s\",\"ready\":%s,\"sockets\":%zu,\"sockets_failed\":%zu,"
	    "\"workers\":{", s->config->sensor.name, s->posts.ready ? "true" : "false", s->sockets.count,
	    s->sockets.failed);
	for (int i = 0; i < POST_COUNT; i++)
		put_worker(s, (enum post_kind)i, b);
	buf_puts(b, "}}\n");
}

static void want_tail(void *arg, bool wanted)
{
	const struct supervisor *s = arg;
	uint8_t body = wanted;

	posts_send(&s->posts, POST_STORE, WIRE_TAIL, &body, 1);
}

/* The workers first, so that the store gets all they have; then the store. */
static bool stop_step(struct supervisor *s)
{
	pid_t store = s->posts.list[POST_STORE].now.pid;
	bool alone = posts_stop(&s->posts);

	if (s->stop_us == 0)
		s->stop_us = os_clock_monotonic_us();
	if (os_clock_monotonic_us() - s->stop_us > STOP_US) {
		say("a worker did not end in time");
		return true;
	}
	if (alone && store > 0)
		(void)kill(store, SIGTERM);
	return alone && store == 0;
}

static int wait_ms(const struct supervisor *s, int64_t due_us)
{
	int64_t now = os_clock_monotonic_us();

	if (s->stop_us > 0)
		due_us = s->stop_us + STOP_US;
	if (due_us == INT64_MAX)
		return -1;
	return due_us <= now ? 0 : (int)((due_us - now) / 1000 + 1);
}

static void turn(struct supervisor *s)
{
	struct pollfd polls[POSTS_POLLS + CONTROL_POLLS_MAX + 2];
	int64_t due_us = posts_tend(&s->posts);
	char signals[64];
	size_t n = POSTS_POLLS;

	posts_poll(&s->posts, polls);
	n += control_polls(s->control, polls + n);
	polls[n] = (struct pollfd){s->rings.link, POLLIN, 0};
	polls[n + 1] = (struct pollfd){awake[0], POLLIN, 0};
	(void)poll(polls, (nfds_t)n + 2, wait_ms(s, due_us));
	while (read(awake[0], signals, sizeof(signals)) > 0)
		;
	if (polls[n].revents)
		look_at_link(s);
	posts_hear(&s->posts, polls);
	control_turn(s->control, polls + POSTS_POLLS);
	posts_reap(&s->posts);
	if (reload_asked && !stop_asked)
		reload(s);
	finish_reload(s);
}

/* ---- beginning ------------------------------------------------------------------------------ */

static int make_channels(struct supervisor *s, struct err *err)
{
	int rc = ST_OK;

	for (unsigned i = 0; !rc && i < WIRE_PEER_CAPTURE + s->rings.count; i++)
		rc = os_channel_pair(s->channels[i], err);
	return rc ? rc : os_channel_pair(s->courier, err);
}

/* Whether the user gets to the folder, through all that are above it. */
static bool can_enter(const struct passwd *user, const char *folder)
{
	gid_t gid = (gid_t)setfsgid(user->pw_gid);
	uid_t uid = (uid_t)setfsuid(user->pw_uid);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)setfsuid(uid);
	(void)setfsgid(gid);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
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
	if (!can_enter(user, s->config->store.path))
		return err_set(err, -EACCES, "store.path %s: the user %s cannot get there: open the folders "
		    "above it to others (chmod o+x), or choose another place",
		    s->config->store.path, s->user);
	return ST_OK;
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
		rc = rings_open(&s->rings, s->config,
		    hash_fnv32(s->identity.persona, s->identity.persona_len), err);
	if (!rc)
		rc = make_channels(s, err);
	s->rules = s->rules_before = -1;
	s->raw = (struct os_raw_udp){-1, -1};
	if (!rc)
		load_rules(s);
	(void)snprintf(path, sizeof(path), "%s/%s", s->config->store.path, CONTROL_SOCKET);
	if (!rc)
		rc = control_open(path, tell_status, want_tail, s, &s->control, err);
	if (!rc)
		rc = lastinput_make(&s->input, err);
	posts_init(&s->posts, s->rings.count, &calls, s);
	choose_workers(s);
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

	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		(void)puts("teiten-sensor " TEITEN_VERSION);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return 0;
	}
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
	if (pipe2(awake, O_CLOEXEC | O_NONBLOCK) != 0) {
		say(st_text(-errno));
		return 1;
	}
	os_signal_catch(SIGCHLD, on_signal);
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
