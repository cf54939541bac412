/* Bytes between a visitor and libssh; the contract is in ssh.h. */
#include "daemon/ssh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PUMPS_MAX 256u
#define HELD_MAX (256u << 10)
#define SCRATCH_MAX 4096u
#define GREETED_US 150000ll /* a client that left sooner did not wait for a greeting */
#define WORDS_INVALID "Invalid SSH identification string.\r\n"
#define WORDS_MAJOR "Protocol major versions differ.\r\n"

void ssh_speak(struct ssh_conn *c, void (*speak)(struct protocol_io *io, void *arg), void *arg)
{
	sessions_speak(c->worker->sessions, &c->stream, c->context, c->worker->module, speak, arg);
}

void ssh_said(struct ssh_conn *c, bool by_client, bool inside, const void *data, size_t len)
{
	struct said said = {
		.stream = &c->stream,
		.session = sessions_id(c->context),
		.time_us = c->worker->wall_us,
		.data = data,
		.len = len,
		.by_client = by_client,
		.inside = inside,
	};

	if (!c->worker->said || (data && len == 0))
		return;
	c->said_inside = c->said_inside || inside;
	c->worker->said(c->worker->said_arg, &said);
}

/* ---- to the visitor ------------------------------------------------------------------------- */

static bool hold(struct ssh_conn *c, const uint8_t *data, size_t len)
{
	uint8_t *more = c->held_len + len <= HELD_MAX ? realloc(c->held, c->held_len + len) : NULL;

	if (!more)
		return false;
	memcpy(more + c->held_len, data, len);
	c->held = more;
	c->held_len += (uint32_t)len;
	return true;
}

/* Sends or holds; false when the visitor is gone. */
static bool send_visitor(struct ssh_conn *c, const uint8_t *data, size_t len)
{
	ssize_t n = 0;

	if (c->in_clear)
		ssh_said(c, false, false, data, len);
	if (!c->held) {
		do
			n = send(c->fd, data, len, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 0 && errno != EAGAIN)
			return false;
		n = n < 0 ? 0 : n;
	}
	c->stream.bytes[STREAM_SERVER] += len;
	c->stream.packets[STREAM_SERVER]++;
	c->worker->counters.bytes_out += len;
	return (size_t)n == len || hold(c, data + n, len - (size_t)n);
}

enum drained {
	DRAINED,      /* all that there was, or as much as the visitor takes */
	DRAINED_END,  /* and there will be no more */
	DRAINED_LOST, /* the visitor is gone */
};

/* What libssh says goes out. */
static enum drained drain(struct ssh_conn *c)
{
	uint8_t bytes[SSH_READ_MAX];

	while (!c->held) {
		ssize_t n = recv(c->pair, bytes, sizeof(bytes), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return DRAINED;
		if (n <= 0)
			return DRAINED_END;
		if (!send_visitor(c, bytes, (size_t)n))
			return DRAINED_LOST;
	}
	return DRAINED;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void free_library(struct ssh_conn *c)
{
	if (c->event && c->session)
		(void)ssh_event_remove_session(c->event, c->session);
	if (c->event)
		ssh_event_free(c->event);
	if (c->session)
		ssh_free(c->session);
	c->event = NULL;
	c->session = NULL;
}

/* The clear bytes that never became a line, and what a silent client was greeted with. */
static void tell_rest(struct ssh_conn *c)
{
	struct sessions *sessions = c->worker->sessions;
	uint8_t scratch[SCRATCH_MAX];
	struct wr reply = wr_init(scratch, sizeof(scratch));

	if (c->identified || !c->in_clear)
		return;
	if (c->ident_len > 0)
		(void)sessions_answer(sessions, &c->stream, c->context, (const uint8_t *)c->ident,
		    c->ident_len, NULL);
	else if (c->worker->now_us - c->opened_us >= GREETED_US)
		(void)sessions_greet(sessions, &c->stream, c->context, c->worker->module, &reply);
}

static void end_session(struct ssh_conn *c, enum stream_end end)
{
	if (c->closing)
		return;
	c->closing = true;
	c->stream.last_us = c->worker->wall_us;
	tell_rest(c);
	ssh_auth_end(c);
	ssh_chans_end(c);
	if (c->said_inside)
		ssh_said(c, true, true, NULL, 0);
	ssh_said(c, true, false, NULL, 0);
	sessions_stream_sink.close(c->worker->sessions, &c->stream, c->context, end);
	c->worker->counters.closed[end]++;
}

/* On our side; what is left goes out, then FIN, then the visitor's FIN. */
static bool hang_up(struct ssh_conn *c)
{
	end_session(c, STREAM_END_FIN);
	free_library(c);
	c->active_us = c->worker->now_us;
	if (drain(c) == DRAINED_LOST)
		return false;
	if (!c->held)
		(void)shutdown(c->fd, SHUT_WR);
	ssh_want(c, c->held ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return true;
}

void ssh_conn_free(struct ssh_conn *c, enum stream_end end)
{
	end_session(c, end);
	free_library(c);
	(void)close(c->pair);
	(void)close(c->fd);
	for (unsigned i = 0; i < SSH_CHANNELS_MAX; i++)
		free(c->channels[i].out);
	free(c->held);
	free(c);
}

/* ---- libssh at work ------------------------------------------------------------------------- */

/* Lets libssh do what there is to do; false when the connection is gone. */
static bool pump(struct ssh_conn *c)
{
	enum drained drained = DRAINED;

	for (unsigned i = 0; i < PUMPS_MAX && drained == DRAINED && !c->hang_up && !c->held; i++) {
		int rc = ssh_event_dopoll(c->event, 0);
		bool moved = ssh_chans_flush(c);

		drained = drain(c);
		if (rc != SSH_OK && !moved)
			break;
	}
	if (drained == DRAINED_LOST)
		return false;
	if (drained == DRAINED_END || c->hang_up
	    || ssh_get_status(c->session) & (SSH_CLOSED | SSH_CLOSED_ERROR))
		return hang_up(c);
	/* Who does not read is not read: its answers wait first. */
	ssh_want(c, c->held ? EPOLLOUT : EPOLLIN);
	return true;
}

static bool give_library(struct ssh_conn *c, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(c->pair, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hang_up(c); /* it closed its end, or reads nothing any more */
		data += n;
		len -= (size_t)n;
	}
	return pump(c);
}

/* ---- the clear part ------------------------------------------------------------------------- */

/* For the facts; replies are libssh's. */
static void show(struct ssh_conn *c, const uint8_t *data, size_t len)
{
	if (!c->in_clear)
		return;
	(void)sessions_answer(c->worker->sessions, &c->stream, c->context, data, len, NULL);
	c->cleared += (uint32_t)len;
	if (c->cleared > SSH_CLEAR_MAX)
		c->in_clear = false;
}

/* The module judges the identification: it hangs up on those that OpenSSH does not take. */
static bool is_accepted(struct ssh_conn *c)
{
	uint8_t scratch[SCRATCH_MAX];
	struct wr reply = wr_init(scratch, sizeof(scratch));
	const uint8_t *data = (const uint8_t *)c->ident;
	size_t len = c->ident_len;

	while (len > 0) {
		size_t taken = sessions_answer(c->worker->sessions, &c->stream, c->context, data, len,
		    &reply);

		if (taken == 0)
			break;
		data += taken;
		len -= taken;
	}
	return !sessions_hung_up(c->context);
}

static bool is_numbered(const char *ident, size_t len)
{
	return len > 5 && ident[4] >= '0' && ident[4] <= '9' && ident[5] == '.';
}

/* No identification, or one of another age: OpenSSH's words for it, and goodbye. */
static bool refuse(struct ssh_conn *c, const char *words)
{
	if (!send_visitor(c, (const uint8_t *)words, strlen(words)))
		return false;
	return hang_up(c);
}

/* Bytes before the first line is whole; libssh sees them when they are an identification. */
static bool take_ident(struct ssh_conn *c, const uint8_t *data, size_t len)
{
	size_t room = sizeof(c->ident) - c->ident_len;
	const uint8_t *lf = memchr(data, '\n', len < room ? len : room);
	size_t n = lf ? (size_t)(lf - data) + 1 : len < room ? len : room;

	memcpy(c->ident + c->ident_len, data, n);
	c->ident_len = (uint16_t)(c->ident_len + n);
	if (!lf && c->ident_len < sizeof(c->ident))
		return true;
	c->identified = true;
	if (c->ident_len < 4 || memcmp(c->ident, "SSH-", 4) != 0) {
		/* Another protocol on this port: it is recorded as what it is. */
		show(c, (const uint8_t *)c->ident, c->ident_len);
		show(c, data + n, len - n);
		return refuse(c, WORDS_INVALID);
	}
	if (!is_accepted(c))
		return refuse(c, is_numbered(c->ident, c->ident_len) ? WORDS_MAJOR : WORDS_INVALID);
	show(c, data + n, len - n);
	if (!give_library(c, (const uint8_t *)c->ident, c->ident_len))
		return false;
	return c->closing || len == n || give_library(c, data + n, len - n);
}

static bool take(struct ssh_conn *c, const uint8_t *data, size_t len)
{
	c->active_us = c->worker->now_us;
	c->stream.last_us = c->worker->wall_us;
	c->stream.bytes[STREAM_CLIENT] += len;
	c->stream.packets[STREAM_CLIENT]++;
	c->worker->counters.bytes_in += len;
	if (c->stream.bytes[STREAM_CLIENT] > SSH_SESSION_BYTES_MAX) {
		end_session(c, STREAM_END_REPLACED);
		return false;
	}
	if (c->in_clear)
		ssh_said(c, true, false, data, len);
	if (!c->identified)
		return take_ident(c, data, len);
	show(c, data, len);
	return give_library(c, data, len);
}

/* ---- events --------------------------------------------------------------------------------- */

static bool receive(struct ssh_conn *c)
{
	ssize_t n = recv(c->fd, c->worker->input, sizeof(c->worker->input), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		end_session(c, n == 0 ? STREAM_END_FIN : STREAM_END_RESET);
		return false;
	}
	return c->closing || take(c, c->worker->input, (size_t)n);
}

/* The visitor takes bytes again. */
static bool resume(struct ssh_conn *c)
{
	ssize_t n = send(c->fd, c->held + c->held_at, c->held_len - c->held_at, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->held_at += (uint32_t)n;
	c->active_us = c->worker->now_us;
	if (c->held_at < c->held_len)
		return true;
	free(c->held);
	c->held = NULL;
	c->held_len = 0;
	c->held_at = 0;
	return c->closing ? hang_up(c) : pump(c);
}

bool ssh_conn_event(struct ssh_conn *c, uint32_t events)
{
	if (events & EPOLLOUT && c->held)
		return resume(c);
	if (events & (EPOLLERR | EPOLLHUP) && c->held)
		return false;
	return receive(c);
}

int64_t ssh_conn_deadline(const struct ssh_conn *c)
{
	int64_t last = c->opened_us + SSH_SESSION_MAX_US;

	if (c->closing)
		return c->active_us + SSH_CLOSING_US;
	if (!c->authenticated)
		return c->opened_us + SSH_LOGIN_US;
	return c->active_us + SSH_IDLE_US < last ? c->active_us + SSH_IDLE_US : last;
}

bool ssh_conn_due(struct ssh_conn *c)
{
	end_session(c, STREAM_END_IDLE);
	return false;
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* libssh gets its end of the pair and says its identification. */
static bool open_library(struct ssh_conn *c)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	c->pair = ends[0];
	c->session = ssh_new();
	if (!c->session || ssh_bind_accept_fd(c->worker->bind, c->session, ends[1]) != SSH_OK) {
		(void)close(ends[1]);
		return false;
	}
	ssh_set_blocking(c->session, 0);
	ssh_auth_init(c);
	if (ssh_handle_key_exchange(c->session) == SSH_ERROR)
		return false;
	c->event = ssh_event_new();
	return c->event && ssh_event_add_session(c->event, c->session) == SSH_OK;
}

static void read_syn(struct ssh_conn *c)
{
	struct ssh_worker *w = c->worker;
	char text[SYN_TEXT_MAX];
	struct syn syn;

	if (!syn_of_socket(c->fd, w->wall_us, &c->stream, &syn))
		return;
	(void)syn_format(&syn, text);
	w->signature(w->signature_arg, c->stream.syn_signature, text);
}

struct ssh_conn *ssh_conn_open(struct ssh_worker *w, uint32_t number, int fd,
    const struct stream *ends)
{
	struct ssh_conn *c = calloc(1, sizeof(*c) + sessions_context_size());

	if (!c) {
		(void)close(fd);
		return NULL;
	}
	c->worker = w;
	c->number = number;
	c->stream = *ends;
	c->fd = fd;
	c->pair = -1;
	c->opened_us = w->now_us;
	c->active_us = w->now_us;
	c->in_clear = true;
	read_syn(c);
	sessions_stream_sink.open(w->sessions, &c->stream, c->context);
	if (!open_library(c) || drain(c) != DRAINED) {
		ssh_conn_free(c, STREAM_END_REPLACED);
		return NULL;
	}
	ssh_want(c, c->held ? EPOLLOUT : EPOLLIN);
	return c;
}
