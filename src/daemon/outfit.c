/* What workers are started with; the contract is in outfit.h. */
#include "daemon/outfit.h"

#include "os/process.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COURIER_USER "teiten-courier"

static enum start_owner owner_of(enum post_kind kind)
{
	return kind == POST_SSH ? START_SSH : kind == POST_COURIER ? START_COURIER : START_RESPOND;
}

size_t outfit_sockets(const struct supervisor *s, enum start_owner owner)
{
	size_t n = 0;

	for (size_t i = 0; i < s->sockets.count; i++)
		n += s->sockets.list[i].owner == owner;
	return n;
}

bool outfit_inspects(const struct supervisor *s, enum post_kind kind)
{
	return s->rules >= 0 && kind != POST_STORE && kind != POST_COURIER;
}

/* Those who answer inspect what they hear, the capture the rest; one of them says what is wrong.
 * Compiling takes seconds: where nobody is at work somebody begins without, and is succeeded. */
static uint8_t rules_for(const struct supervisor *s, enum post_kind kind)
{
	bool responder = s->posts.list[POST_RESPOND].wanted;

	if (!outfit_inspects(s, kind) || s->posts.list[kind].now.pid == 0)
		return START_RULES_NONE;
	return kind == (responder ? POST_RESPOND : POST_CAPTURE) ? START_RULES_SAID
	                                                          : START_RULES_SILENT;
}

/* Everybody answers at its own sockets only; the capture knows where there are any. */
static int make_start(const struct supervisor *s, enum post_kind kind, int *ret_fd,
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
		.rules = rules_for(s, kind),
		.rings = (uint8_t)s->rings.count,
		.known = s->known,
		.known_count = s->known_count,
		.ssh = kind == POST_SSH ? s->identity.ssh : "",
		.ssh_len = kind == POST_SSH ? s->identity.ssh_len : 0,
		.sockets = sockets,
	};

	for (size_t i = 0; i < s->sockets.count; i++)
		if (post_is_capture(kind) || s->sockets.list[i].owner == owner_of(kind))
			sockets[start.socket_count++] = s->sockets.list[i];
	return start_write(&start, ret_fd, err);
}

/* The descriptors of each kind of worker, in the order of enum start_descriptor. */
static size_t list_descriptors(const struct supervisor *s, enum post_kind kind, int start,
    int control, int *fds)
{
	int rules = rules_for(s, kind) == START_RULES_NONE ? start : s->rules;
	bool raw = s->raw.v4 >= 0; /* without, it can send nothing */
	size_t n = 0;

	fds[n++] = start;
	fds[n++] = control;
	switch (kind) {
	case POST_STORE:
		for (unsigned i = 0; i < WIRE_PEER_CAPTURE + s->rings.count; i++)
			fds[n++] = s->channels[i][1];
		break;
	case POST_RESPOND:
	case POST_SSH:
		fds[n++] = s->channels[kind == POST_SSH ? WIRE_PEER_SSH : WIRE_PEER_RESPOND][0];
		fds[n++] = rules;
		for (size_t i = 0; i < s->sockets.count; i++)
			if (s->sockets.list[i].owner == owner_of(kind))
				fds[n++] = s->sockets.fds[i];
		if (kind == POST_SSH)
			break;
		fds[n++] = s->input;
		fds[n++] = s->courier[0];
		break;
	case POST_COURIER:
		fds[n++] = s->courier[1];
		fds[n++] = raw ? s->raw.v4 : start;
		fds[n++] = raw ? s->raw.v6 : start;
		for (size_t i = 0; i < s->sockets.count; i++)
			if (s->sockets.list[i].owner == owner_of(kind))
				fds[n++] = s->sockets.fds[i];
		break;
	case POST_CAPTURE:
	case POST_COUNT:
	default: /* one ring each */
		fds[n++] = s->channels[WIRE_PEER_CAPTURE + kind - POST_CAPTURE][0];
		fds[n++] = rules;
		fds[n++] = s->rings.fds[kind - POST_CAPTURE];
		break;
	}
	return n;
}

/* Who holds raw sockets is nobody else, where there is such a user. */
static const char *user_of(const struct supervisor *s, enum post_kind kind)
{
	return kind == POST_COURIER && s->user[0] && getpwnam(COURIER_USER) ? COURIER_USER : s->user;
}

int outfit_start(struct supervisor *s, enum post_kind kind, int control, pid_t *ret_pid,
    struct err *err)
{
	static int fds[SOCKETS_MAX + 8];
	char path[OS_PATH_MAX + 64];
	const char *program = s->posts.list[kind].program;
	const char *arguments[3] = {program, user_of(s, kind), NULL};
	int start;
	int rc = make_start(s, kind, &start, err);

	if (rc)
		return rc;
	s->hasty[kind] = outfit_inspects(s, kind) && rules_for(s, kind) == START_RULES_NONE;
	(void)snprintf(path, sizeof(path), "%s%s", s->folder, program);
	rc = os_process_start(path, arguments, fds, list_descriptors(s, kind, start, control, fds),
	    ret_pid, err);
	(void)close(start);
	return rc;
}
