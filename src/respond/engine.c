/* The answering engine: connections and the loop; the contract is in engine.h. */
#include "respond/internal.h"

#include "os/clock.h"
#include "os/listen.h"
#include "respond/syn_of.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512
#define ACCEPTS_PER_TURN 512
#define CLOSING_US 2000000ll
#define EXCHANGE_CHAINS 65536u
#define SIGNATURES_TOLD 4096u
#define TLS_HANDSHAKE 0x16
#define KIND_SHIFT 32 /* what an epoll event is about: kind and number */

enum kind {
	KIND_LISTENER,
	KIND_SLOT,
	KIND_WATCH,
};

/* ---- slots ---------------------------------------------------------------------------------- */

uint32_t engine_take_slot(struct engine *e)
{
	uint32_t i = e->free_slot;

	if (i != ENGINE_NONE)
		e->free_slot = e->slots[i].next;
	else if (e->slots_used < e->options.slots)
		i = e->slots_used++;
	else
		return ENGINE_NONE;
	memset(&e->slots[i], 0, sizeof(e->slots[i]));
	memset(slot_context(e, i), 0, e->context_size);
	e->counters.open++;
	if (e->counters.open > e->counters.open_max)
		e->counters.open_max = e->counters.open;
	return i;
}

static bool has_slot(const struct engine *e)
{
	return e->free_slot != ENGINE_NONE || e->slots_used < e->options.slots;
}

void engine_give_slot(struct engine *e, uint32_t i)
{
	struct slot *s = &e->slots[i];

	deadline_remove(&e->wheel, i);
	free(s->pending);
	free(s->rest);
	tls_free(s->tls);
	e->pending_bytes -= s->pending_len;
	s->state = SLOT_FREE;
	s->next = e->free_slot;
	e->free_slot = i;
	e->counters.open--;
}

void engine_tell(struct engine *e, uint32_t i, bool by_client, bool inside, const uint8_t *data,
    size_t len)
{
	struct said said = {
		.stream = &e->slots[i].stream,
		.session = sessions_id(slot_context(e, i)),
		.time_us = e->wall_us,
		.data = data,
		.len = len,
		.by_client = by_client,
		.inside = inside,
	};

	if (e->options.said)
		e->options.said(e->options.said_arg, &said);
}

void engine_end_session(struct engine *e, uint32_t i, enum stream_end end)
{
	struct slot *s = &e->slots[i];

	s->stream.last_us = e->wall_us;
	if (s->tls)
		engine_tell(e, i, true, true, NULL, 0);
	engine_tell(e, i, true, false, NULL, 0);
	sessions_stream_sink.close(e->options.sessions, &s->stream, slot_context(e, i), end);
	e->counters.closed[end]++;
}

uint16_t engine_port(const struct engine *e, uint16_t local_port)
{
	return local_port > e->options.port_offset
	    ? (uint16_t)(local_port - e->options.port_offset) : local_port;
}

static void release(struct engine *e, uint32_t i)
{
	struct slot *s = &e->slots[i];

	(void)close(s->fd);
	limits_leave(e->limits, s->stream.client);
	engine_give_slot(e, i);
}

static void drop(struct engine *e, uint32_t i, enum stream_end end)
{
	if (e->slots[i].state == SLOT_OPEN)
		engine_end_session(e, i, end);
	release(e, i);
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static int64_t deadline_of(struct engine *e, uint32_t i)
{
	const struct slot *s = &e->slots[i];
	const struct protocol_module *m;
	int64_t idle = ENGINE_FIRST_BYTES_US;
	int64_t at;

	if (s->state == SLOT_EXCHANGE)
		return exchange_deadline(s);
	if (s->state == SLOT_CLOSING)
		return s->active_us + CLOSING_US;
	if (s->greeting_due)
		return s->opened_us
		    + (s->stranger ? ENGINE_STRANGER_WAIT_US : e->options.greeting_wait_us);
	if (s->unclear)
		return s->active_us + e->options.greeting_wait_us;
	m = session_module(sessions_session(slot_context(e, i)));
	if (m && m->idle_s)
		idle = (int64_t)m->idle_s * 1000000;
	at = s->active_us + idle;
	return at < s->opened_us + ENGINE_SESSION_MAX_US ? at : s->opened_us + ENGINE_SESSION_MAX_US;
}

/* ---- sending -------------------------------------------------------------------------------- */

static void want(struct engine *e, uint32_t i, uint32_t events)
{
	struct epoll_event event = {
		.events = events,
		.data.u64 = (uint64_t)KIND_SLOT << KIND_SHIFT | i,
	};

	(void)epoll_ctl(e->epoll, EPOLL_CTL_MOD, e->slots[i].fd, &event);
}

/* Keeps what the kernel does not take; false when there is no memory left for slow readers. */
static bool hold(struct engine *e, uint32_t i, const uint8_t *data, size_t len)
{
	struct slot *s = &e->slots[i];
	uint8_t *more;

	if (e->pending_bytes + len > ENGINE_PENDING_MAX || s->pending_len + len > 4 * ENGINE_REPLY_MAX)
		return false;
	more = realloc(s->pending, s->pending_len + len);
	if (!more)
		return false;
	memcpy(more + s->pending_len, data, len);
	s->pending = more;
	s->pending_len += (uint32_t)len;
	e->pending_bytes += len;
	if (!s->paused)
		want(e, i, EPOLLOUT);
	s->paused = true;
	return true;
}

/* Sends to the network; false when the connection is gone. */
static bool send_raw(struct engine *e, uint32_t i, const uint8_t *data, size_t len)
{
	struct slot *s = &e->slots[i];
	ssize_t n = 0;

	if (len == 0)
		return true;
	if (!s->pending) {
		do
			n = send(s->fd, data, len, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 0 && errno != EAGAIN)
			return false;
		n = n < 0 ? 0 : n;
	}
	e->counters.bytes_out += len;
	s->stream.bytes[STREAM_SERVER] += len;
	s->stream.packets[STREAM_SERVER]++;
	return (size_t)n == len || hold(e, i, data + n, len - (size_t)n);
}

static bool flush_tls(struct engine *e, uint32_t i)
{
	uint8_t out[ENGINE_READ_MAX];
	size_t n;

	while ((n = tls_take(e->slots[i].tls, out, sizeof(out))) > 0)
		if (!send_raw(e, i, out, n))
			return false;
	return true;
}

static bool send_reply(struct engine *e, uint32_t i, const struct wr *reply)
{
	struct slot *s = &e->slots[i];

	if (wr_len(reply) > 0)
		engine_tell(e, i, false, s->tls != NULL, reply->start, wr_len(reply));
	if (!s->tls)
		return send_raw(e, i, reply->start, wr_len(reply));
	tls_write(s->tls, reply->start, wr_len(reply));
	return flush_tls(e, i);
}

/* The session is over on our side: what is left goes out, then FIN, then the client's FIN. */
static void hang_up(struct engine *e, uint32_t i)
{
	struct slot *s = &e->slots[i];

	engine_end_session(e, i, STREAM_END_FIN);
	s->state = SLOT_CLOSING;
	s->active_us = e->now_us;
	if (!s->pending)
		(void)shutdown(s->fd, SHUT_WR);
	deadline_set(&e->wheel, i, deadline_of(e, i));
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Keeps what the session could not take yet; false without memory. */
static bool keep_rest(struct slot *s, const uint8_t *data, size_t len)
{
	uint8_t *rest = malloc(len ? len : 1);

	if (!rest)
		return false;
	memcpy(rest, data, len);
	free(s->rest);
	s->rest = rest;
	s->rest_len = (uint32_t)len;
	return true;
}

/* Plain bytes to the session, its replies out; false when the slot is gone or closing. */
static bool converse(struct engine *e, uint32_t i, const uint8_t *data, size_t len)
{
	struct slot *s = &e->slots[i];
	void *context = slot_context(e, i);

	while (len > 0) {
		struct wr reply = wr_init(e->reply, sizeof(e->reply));
		size_t taken = sessions_answer(e->options.sessions, &s->stream, context, data, len,
		    &reply);

		if (!send_reply(e, i, &reply)) {
			drop(e, i, STREAM_END_RESET);
			return false;
		}
		if (sessions_hung_up(context)) {
			hang_up(e, i);
			return false;
		}
		data += taken;
		len -= taken;
		if (len > 0 && s->pending) {
			/* A slow reader that keeps asking waits for its answers. */
			if (keep_rest(s, data, len))
				return true;
			drop(e, i, STREAM_END_REPLACED);
			return false;
		}
		if (taken == 0 && wr_len(&reply) == 0)
			break;
	}
	s->unclear = s->module && !sessions_session(context)->decided;
	if (s->unclear)
		deadline_set(&e->wheel, i, deadline_of(e, i));
	return true;
}

/* The client waits: for a greeting, or for an answer to what several protocols could mean. */
static bool greet(struct engine *e, uint32_t i)
{
	struct slot *s = &e->slots[i];
	struct wr reply = wr_init(e->reply, sizeof(e->reply));

	s->greeting_due = false;
	s->unclear = false;
	(void)sessions_greet(e->options.sessions, &s->stream, slot_context(e, i), s->module, &reply);
	if (!send_reply(e, i, &reply)) {
		drop(e, i, STREAM_END_RESET);
		return false;
	}
	if (sessions_hung_up(slot_context(e, i))) {
		hang_up(e, i);
		return false;
	}
	return true;
}

/* The ClientHello for its facts, all bytes for the library; plain bytes to a session inside. */
static bool converse_tls(struct engine *e, uint32_t i, const uint8_t *data, size_t len)
{
	struct slot *s = &e->slots[i];
	bool was_open = tls_is_open(s->tls);
	bool over = false;
	size_t n;

	if (!was_open) {
		engine_tell(e, i, true, false, data, len);
		(void)sessions_answer(e->options.sessions, &s->stream, slot_context(e, i), data, len, NULL);
	}
	tls_give(s->tls, data, len);
	do {
		n = tls_read(s->tls, e->plain, sizeof(e->plain), &over);
		if (!was_open && tls_is_open(s->tls)) {
			was_open = true;
			sessions_handover(e->options.sessions, &s->stream, slot_context(e, i));
			if (!s->stranger)
				s->module = e->options.module_inside(e->options.arg,
				    s->stream.server_port);
			s->greeting_due = s->module && s->module->speaks_first == PROTOCOL_SERVER;
			s->opened_us = e->now_us;
			deadline_set(&e->wheel, i, deadline_of(e, i));
		}
		if (n > 0)
			s->greeting_due = false;
		if (n > 0)
			engine_tell(e, i, true, true, e->plain, n);
		if (n > 0 && !converse(e, i, e->plain, n))
			return false;
	} while (n > 0);
	if (!flush_tls(e, i)) {
		drop(e, i, STREAM_END_RESET);
		return false;
	}
	if (over)
		hang_up(e, i);
	return !over;
}

/* First bytes decide whether TLS is spoken, of the connection or behind a protocol that gave way
 * to it (RDP, STARTTLS): nothing else begins with a handshake record. */
static bool begins_tls(struct engine *e, uint32_t i, const uint8_t *data)
{
	const struct slot *s = &e->slots[i];

	return !s->tls && e->options.tls && data[0] == TLS_HANDSHAKE
	    && (!s->said_something || !sessions_session(slot_context(e, i))->decided);
}

static bool take(struct engine *e, uint32_t i, const uint8_t *data, size_t len)
{
	struct slot *s = &e->slots[i];

	s->active_us = e->now_us;
	s->stream.last_us = e->wall_us;
	s->stream.bytes[STREAM_CLIENT] += len;
	s->stream.packets[STREAM_CLIENT]++;
	e->counters.bytes_in += len;
	if (begins_tls(e, i, data) && tls_open(e->options.tls, &s->tls))
		s->tls = NULL;
	s->said_something = true;
	s->greeting_due = false;
	s->unclear = false; /* until converse() finds it so again */
	if (s->stream.bytes[STREAM_CLIENT] > ENGINE_SESSION_BYTES_MAX) {
		drop(e, i, STREAM_END_REPLACED);
		return false;
	}
	if (s->tls)
		return converse_tls(e, i, data, len);
	engine_tell(e, i, true, false, data, len);
	return converse(e, i, data, len);
}

static void receive(struct engine *e, uint32_t i)
{
	struct slot *s = &e->slots[i];

	for (unsigned round = 0; round < 4; round++) {
		ssize_t n = recv(s->fd, e->input->bytes, ENGINE_READ_MAX, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 && s->state == SLOT_CLOSING) {
			release(e, i);
			return;
		}
		if (n == 0) {
			/* The client is done; what it still waits for is sent before we close. */
			if (!s->unclear || greet(e, i))
				hang_up(e, i);
			return;
		}
		if (n < 0) {
			drop(e, i, STREAM_END_RESET);
			return;
		}
		e->input->len = (uint32_t)n;
		e->input->port = s->stream.server_port;
		e->input->transport = PROTOCOL_TCP;
		if (s->state == SLOT_CLOSING)
			continue;
		if (!take(e, i, e->input->bytes, (size_t)n) || s->paused)
			return;
		if ((size_t)n < ENGINE_READ_MAX)
			return;
	}
}

/* The kernel takes bytes again: what was held goes out, then what waited goes on. */
static void resume(struct engine *e, uint32_t i)
{
	struct slot *s = &e->slots[i];
	ssize_t n = send(s->fd, s->pending + s->pending_sent, s->pending_len - s->pending_sent,
	    MSG_NOSIGNAL);
	uint8_t *rest = s->rest;
	uint32_t rest_len = s->rest_len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		drop(e, i, STREAM_END_RESET);
		return;
	}
	s->pending_sent += (uint32_t)n;
	s->active_us = e->now_us;
	if (s->pending_sent < s->pending_len)
		return;
	e->pending_bytes -= s->pending_len;
	free(s->pending);
	s->pending = NULL;
	s->pending_len = 0;
	s->pending_sent = 0;
	s->paused = false;
	s->rest = NULL;
	s->rest_len = 0;
	want(e, i, EPOLLIN | EPOLLRDHUP);
	if (s->state == SLOT_CLOSING)
		(void)shutdown(s->fd, SHUT_WR);
	else if (rest)
		(void)converse(e, i, rest, rest_len);
	free(rest);
}

/* ---- accepting ------------------------------------------------------------------------------ */

/* Tells a signature's text once; the set forgets the oldest of a place, telling twice is harmless. */
static void tell_signature(struct engine *e, const struct syn *syn, uint32_t id)
{
	char text[SYN_TEXT_MAX];
	uint32_t *told = &e->signatures[id % SIGNATURES_TOLD];

	if (*told == id || !e->options.signature)
		return;
	*told = id;
	(void)syn_format(syn, text);
	e->options.signature(e->options.arg, id, text);
}

static void read_syn(struct engine *e, struct slot *s)
{
	struct syn syn;

	if (syn_of_socket(s->fd, e->wall_us, &s->stream, &syn))
		tell_signature(e, &syn, s->stream.syn_signature);
}

static void open_slot(struct engine *e, uint32_t i, int fd, const struct stream *ends)
{
	struct slot *s = &e->slots[i];
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP,
		.data.u64 = (uint64_t)KIND_SLOT << KIND_SHIFT | i,
	};

	s->fd = fd;
	s->state = SLOT_OPEN;
	s->stream = *ends;
	s->opened_us = e->now_us;
	s->active_us = e->now_us;
	s->module = e->options.module_of(e->options.arg, PROTOCOL_TCP, ends->server_port);
	s->stranger = !s->module;
	if (s->stranger)
		s->module = e->options.stranger;
	s->greeting_due = s->module && s->module->speaks_first == PROTOCOL_SERVER;
	read_syn(e, s);
	sessions_stream_sink.open(e->options.sessions, &s->stream, slot_context(e, i));
	deadline_set(&e->wheel, i, deadline_of(e, i));
	if (epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		drop(e, i, STREAM_END_REPLACED);
}

/* Without a free slot connections wait in the kernel's queue. */
static void pause_accepting(struct engine *e, bool pause)
{
	if (e->accept_paused == pause)
		return;
	e->accept_paused = pause;
	for (size_t i = 0; i < e->listener_count; i++) {
		struct epoll_event event = {
			.events = pause ? 0 : EPOLLIN,
			.data.u64 = (uint64_t)KIND_LISTENER << KIND_SHIFT | i,
		};

		if (e->listeners[i].transport == PROTOCOL_TCP)
			(void)epoll_ctl(e->epoll, EPOLL_CTL_MOD, e->listeners[i].fd, &event);
	}
}

static void accept_some(struct engine *e, int listener)
{
	for (unsigned n = 0; n < ACCEPTS_PER_TURN; n++) {
		struct stream ends = {
			.proto = DECODE_PROTO_TCP,
			.handshake = STREAM_HANDSHAKE_FULL,
			.first_us = e->wall_us,
			.last_us = e->wall_us,
		};
		uint32_t i;
		int fd;

		if (!has_slot(e)) {
			e->counters.no_slot++;
			pause_accepting(e, true);
			return;
		}
		if (os_accept(listener, &fd, &ends.client, &ends.client_port, &ends.server,
		    &ends.server_port))
			return;
		ends.server_port = engine_port(e, ends.server_port);
		if (e->options.destinations
		    && !destinations_observed(e->options.destinations, ends.server)) {
			e->counters.not_observed++;
			(void)close(fd);
			continue;
		}
		if (!limits_enter(e->limits, ends.client)) {
			e->counters.over_limit++;
			(void)close(fd);
			continue;
		}
		e->counters.accepted++;
		i = engine_take_slot(e);
		open_slot(e, i, fd, &ends);
	}
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void due(void *arg, uint32_t i)
{
	struct engine *e = arg;
	struct slot *s = &e->slots[i];
	int64_t deadline = deadline_of(e, i);

	if (deadline > e->now_us) {
		deadline_set(&e->wheel, i, deadline);
		return;
	}
	if (s->state == SLOT_EXCHANGE) {
		exchange_close(e, i, STREAM_END_IDLE);
	} else if (s->state == SLOT_CLOSING) {
		release(e, i);
	} else if (s->greeting_due || s->unclear) {
		if (greet(e, i))
			deadline_set(&e->wheel, i, deadline_of(e, i));
	} else {
		drop(e, i, STREAM_END_IDLE);
	}
}

static void slot_event(struct engine *e, uint32_t i, uint32_t events)
{
	struct slot *s = &e->slots[i];

	if (s->state != SLOT_OPEN && s->state != SLOT_CLOSING)
		return; /* went away earlier in this turn */
	if (events & EPOLLOUT && s->pending)
		resume(e, i);
	else if (events & (EPOLLERR | EPOLLHUP) && s->paused)
		drop(e, i, STREAM_END_RESET);
	else if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP | EPOLLERR) && !s->paused)
		receive(e, i);
}

int engine_turn(struct engine *e, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(e->epoll, events, EVENTS, timeout_ms);

	if (n < 0 && errno != EINTR)
		return -errno;
	e->now_us = os_clock_monotonic_us();
	e->wall_us = os_clock_now_us();
	for (int k = 0; k < n; k++) {
		uint32_t number = (uint32_t)events[k].data.u64;

		switch ((enum kind)(events[k].data.u64 >> KIND_SHIFT)) {
		case KIND_SLOT:
			slot_event(e, number, events[k].events);
			break;
		case KIND_LISTENER:
			if (e->draining)
				break;
			if (e->listeners[number].transport == PROTOCOL_UDP)
				exchange_receive(e, e->listeners[number].fd);
			else
				accept_some(e, e->listeners[number].fd);
			break;
		case KIND_WATCH:
			e->watches[number].ready(e->watches[number].arg);
			break;
		}
	}
	deadline_turn(&e->wheel, e->now_us, due, e);
	if (e->accept_paused && has_slot(e) && !e->draining)
		pause_accepting(e, false);
	return ST_OK;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void *reserve(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS
	    | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int make_tables(struct engine *e)
{
	uint32_t n = e->options.slots;

	/* Untouched pages cost nothing: an idle engine is small whatever its bound. */
	e->context_size = (sessions_context_size() + 15) / 16 * 16;
	e->slots = reserve(n * sizeof(*e->slots));
	e->contexts = reserve(n * e->context_size);
	e->links = reserve(n * sizeof(*e->links));
	e->exchanges = malloc(EXCHANGE_CHAINS * sizeof(*e->exchanges));
	e->signatures = calloc(SIGNATURES_TOLD, sizeof(*e->signatures));
	if (!e->slots || !e->contexts || !e->links || !e->exchanges || !e->signatures)
		return -ENOMEM;
	e->exchange_mask = EXCHANGE_CHAINS - 1;
	for (uint32_t i = 0; i < EXCHANGE_CHAINS; i++)
		e->exchanges[i] = ENGINE_NONE;
	e->free_slot = ENGINE_NONE;
	return ST_OK;
}

int engine_new(const struct engine_options *options, struct engine **ret_engine, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return err_set(err, -ENOMEM, "out of memory");
	e->options = *options;
	e->input = options->input ? options->input : &e->own_input;
	if (e->options.slots == 0 || e->options.slots > ENGINE_SLOTS_MAX)
		e->options.slots = ENGINE_SLOTS_DEFAULT;
	e->now_us = os_clock_monotonic_us();
	e->wall_us = os_clock_now_us();
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	rc = e->epoll < 0 ? -errno : make_tables(e);
	if (!rc)
		rc = limits_new(&options->limits, &e->limits);
	if (rc) {
		engine_free(e);
		return err_set(err, rc, "the engine cannot start: %s", st_text(rc));
	}
	deadline_init(&e->wheel, e->links, e->now_us);
	*ret_engine = e;
	return ST_OK;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (uint32_t i = 0; e->slots && i < e->slots_used && e->counters.open > 0; i++) {
		if (e->slots[i].state == SLOT_EXCHANGE)
			exchange_close(e, i, STREAM_END_CAPTURE);
		else if (e->slots[i].state != SLOT_FREE)
			drop(e, i, STREAM_END_CAPTURE);
	}
	if (e->slots)
		(void)munmap(e->slots, e->options.slots * sizeof(*e->slots));
	if (e->contexts)
		(void)munmap(e->contexts, e->options.slots * e->context_size);
	if (e->links)
		(void)munmap(e->links, e->options.slots * sizeof(*e->links));
	free(e->exchanges);
	free(e->signatures);
	limits_free(e->limits);
	if (e->epoll >= 0)
		(void)close(e->epoll);
	free(e);
}

static int add_descriptor(struct engine *e, int fd, enum kind kind, size_t number, struct err *err)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)kind << KIND_SHIFT | number,
	};

	if (epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		return err_set(err, -errno, "cannot wait for a descriptor: %s", st_text(-errno));
	return ST_OK;
}

int engine_listen(struct engine *e, int fd, enum protocol_transport transport, struct err *err)
{
	if (e->listener_count == ENGINE_LISTENERS_MAX)
		return err_set(err, ST_LIMIT, "more than %d listening sockets", ENGINE_LISTENERS_MAX);
	e->listeners[e->listener_count].fd = fd;
	e->listeners[e->listener_count].transport = transport;
	return add_descriptor(e, fd, KIND_LISTENER, e->listener_count++, err);
}

int engine_watch(struct engine *e, int fd, void (*ready)(void *arg), void *arg, struct err *err)
{
	if (e->watch_count == ENGINE_WATCHES_MAX)
		return err_set(err, ST_LIMIT, "more than %d other descriptors", ENGINE_WATCHES_MAX);
	e->watches[e->watch_count] = (struct watch){fd, ready, arg};
	return add_descriptor(e, fd, KIND_WATCH, e->watch_count++, err);
}

void engine_unwatch(struct engine *e, int fd)
{
	(void)epoll_ctl(e->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void engine_drain(struct engine *e)
{
	e->draining = true;
	for (size_t i = 0; i < e->listener_count; i++)
		(void)epoll_ctl(e->epoll, EPOLL_CTL_DEL, e->listeners[i].fd, NULL);
	e->listener_count = 0;
}

const struct engine_counters *engine_counters(const struct engine *e)
{
	return &e->counters;
}
