/* The driver of one connection's protocol; the contract is in session.h. */
#include "protocol/session.h"

#include <string.h>

#define PREFIX_ROOM (2 * PROTOCOL_PREFIX_MAX)
_Static_assert(PREFIX_ROOM <= PROTOCOL_ROOM_MAX, "prefixes fit a room");

void session_begin(struct session *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->number = IDENTIFY_UNKNOWN;
	s->random = seed;
}

const struct protocol_module *session_module(const struct session *s)
{
	return s->room && s->decided ? identify_module(s->number) : NULL;
}

static void leave_room(struct session_driver *d, struct session *s)
{
	room_give(d->pool, s->room, s->room_size);
	s->room = NULL;
	s->room_size = 0;
	s->have[PROTOCOL_CLIENT] = 0;
	s->have[PROTOCOL_SERVER] = 0;
}

static bool take_room(struct session_driver *d, struct session *s, size_t size)
{
	s->room = room_take(d->pool, size);
	if (!s->room) {
		if (!s->told_no_room)
			d->counters.no_room++;
		s->told_no_room = true;
		return false;
	}
	s->room_size = (uint16_t)size;
	s->have[PROTOCOL_CLIENT] = 0;
	s->have[PROTOCOL_SERVER] = 0;
	return true;
}

static bool is_lost(const struct session *s, enum protocol_side side)
{
	return side == PROTOCOL_CLIENT ? s->lost_client : s->lost_server;
}

static void lose(struct session_driver *d, struct session *s, enum protocol_side side)
{
	if (!is_lost(s, side))
		d->counters.lost_sides++;
	if (side == PROTOCOL_CLIENT)
		s->lost_client = true;
	else
		s->lost_server = true;
}

/* ---- calling a module ----------------------------------------------------------------------- */

static struct protocol_io make_io(const struct session_driver *d, const struct session *s,
    const struct session_peer *peer, struct wr *reply)
{
	bool answering = reply && !s->silent;
	struct protocol_io io = {
		.state = s->room,
		.answering = answering,
		.counting = d->counting,
		.transport = peer->transport,
		.port = peer->port,
		.client_port = peer->client_port,
		.client = peer->client,
		.server = peer->server,
		.now_us = peer->now_us,
		.persona = answering ? d->persona : NULL,
		.reply = answering ? reply : NULL,
		.random = s->random,
		.fact = d->fact,
		.fact_arg = peer->fact_arg,
		.module = identify_module(s->number),
	};

	return io;
}

/* What a call left in io that outlives it. */
static void after_call(struct session *s, const struct protocol_io *io)
{
	s->random = io->random;
	if (io->hang_up && io->answering)
		s->closed = true;
}

static bool open_module(struct session_driver *d, struct session *s,
    const struct session_peer *peer, struct wr *reply)
{
	const struct protocol_module *m = identify_module(s->number);
	struct protocol_io io;

	if (!take_room(d, s, (size_t)m->state_size + m->client_inbox + m->server_inbox))
		return false;
	memset(s->room, 0, m->state_size);
	if (!m->open || !reply)
		return true;
	io = make_io(d, s, peer, reply);
	m->open(&io);
	after_call(s, &io);
	return true;
}

static void close_module(struct session_driver *d, struct session *s,
    const struct session_peer *peer)
{
	const struct protocol_module *m = session_module(s);

	if (m && m->close) {
		struct protocol_io io = make_io(d, s, peer, NULL);

		m->close(&io);
		after_call(s, &io);
	}
	leave_room(d, s);
}

/* One call with one view; returns what the module took. */
static size_t call(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_side side, const uint8_t *view, size_t len, bool full, struct wr *reply,
    bool *ret_handover)
{
	const struct protocol_module *m = session_module(s);
	struct protocol_io io = make_io(d, s, peer, reply);
	size_t taken;

	io.full = full;
	io.reply_limit = len;
	taken = side == PROTOCOL_CLIENT ? m->client(&io, view, len) : m->server(&io, view, len);
	after_call(s, &io);
	*ret_handover = io.handover;
	if (taken > len)
		taken = len;
	if (taken == 0 && full && len > 0 && !io.handover) {
		d->counters.stuck++;
		taken = len;
	}
	return taken;
}

struct inbox {
	uint8_t *bytes;
	size_t cap;
};

static struct inbox inbox_of(const struct session *s, const struct protocol_module *m,
    enum protocol_side side)
{
	struct inbox inbox = {s->room + m->state_size, m->client_inbox};

	if (side == PROTOCOL_SERVER) {
		inbox.bytes += m->client_inbox;
		inbox.cap = m->server_inbox;
	}
	return inbox;
}

static bool reply_is_full(const struct protocol_module *m, const struct wr *reply)
{
	return reply && (size_t)(reply->end - reply->pos) < m->reply_max;
}

/*
 * Bytes of a TCP side to the module, unit by unit.  Views come straight from data while the inbox
 * is empty, else the inbox is filled up first.  Returns the bytes taken over; a handover stops it.
 */
static size_t feed(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_side side, const uint8_t *data, size_t len, struct wr *reply,
    bool *ret_handover)
{
	const struct protocol_module *m = session_module(s);
	struct inbox inbox = inbox_of(s, m, side);
	bool untried = true; /* the inbox may hold a unit that had to wait for room in reply */
	size_t done = 0;

	while (!s->closed && !*ret_handover && !reply_is_full(m, reply)) {
		size_t have = s->have[side];
		size_t left = len - done;
		size_t added = 0;
		size_t view_len = left < inbox.cap ? left : inbox.cap;
		const uint8_t *view = data + done;
		size_t taken;

		if (have) {
			added = inbox.cap - have < left ? inbox.cap - have : left;
			if (added > 0)
				memcpy(inbox.bytes + have, view, added);
			view = inbox.bytes;
			view_len = have + added;
		}
		if (view_len == 0 || (have && added == 0 && !untried))
			break;
		taken = call(d, s, peer, side, view, view_len, view_len == inbox.cap, reply,
		    ret_handover);
		untried = taken > 0;
		if (taken >= have && taken > 0) {
			s->have[side] = 0;
			done += taken - have;
			continue;
		}
		/* What was not taken waits in the inbox. */
		memmove(inbox.bytes, view + taken, view_len - taken);
		s->have[side] = (uint16_t)(view_len - taken);
		done += have ? added : view_len;
	}
	return s->closed ? len : done;
}

/* The module has opened a tunnel: what follows is identified anew. */
static size_t hand_over(struct session_driver *d, struct session *s,
    const struct session_peer *peer, enum protocol_side side, const uint8_t *data, size_t len,
    struct wr *reply)
{
	uint8_t rest[PROTOCOL_ROOM_MAX];
	struct inbox inbox = inbox_of(s, session_module(s), side);
	size_t rest_len = s->have[side];

	if (rest_len > 0)
		memcpy(rest, inbox.bytes, rest_len);
	close_module(d, s, peer);
	if (++s->handovers > SESSION_HANDOVERS_MAX)
		return len;
	s->decided = false;
	if (rest_len > 0)
		(void)session_data(d, s, peer, side, rest, rest_len, reply);
	return len > 0 ? session_data(d, s, peer, side, data, len, reply) : 0;
}

/* Bytes to the module that is open. */
static size_t pass(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_side side, const uint8_t *data, size_t len, struct wr *reply)
{
	const struct protocol_module *m = session_module(s);
	bool handover = false;
	size_t done;

	if (!m || is_lost(s, side) || (side == PROTOCOL_SERVER && (!m->server || !m->server_inbox)))
		return len;
	done = feed(d, s, peer, side, data, len, reply, &handover);
	if (handover && !s->closed)
		return done + hand_over(d, s, peer, side, data + done, len - done, reply);
	return done;
}

/* ---- identification ------------------------------------------------------------------------- */

/* The server whose port it is meets another protocol (`number`), or none that is known. */
static void meet_stranger(struct session_driver *d, struct session *s,
    const struct session_peer *peer, uint16_t number, const struct protocol_start *start,
    struct wr *reply)
{
	const struct protocol_module *m = identify_module(number);
	struct session_peer asked = *peer;
	const struct protocol_module *owner;
	struct protocol_io io;

	/* What comes through a tunnel is another server's. */
	if (!reply || !d->answers || s->handovers > 0)
		return;
	asked.inside = s->inside;
	if (m && d->answers(d->answers_arg, m, &asked))
		return;
	s->silent = m != NULL;
	owner = d->owner ? d->owner(d->answers_arg, &asked) : NULL;
	if (!owner || !owner->stranger || start->client_len == 0)
		return;
	io = make_io(d, s, peer, NULL);
	io.state = NULL;
	io.answering = true;
	io.persona = d->persona;
	io.reply = reply;
	io.reply_limit = start->client_len;
	io.module = owner;
	owner->stranger(&io, start->client, start->client_len);
	s->random = io.random;
	s->refused = io.hang_up;
}

/* Room and counters for the answer; what was kept of both sides goes to the module. */
static void settle(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_verdict verdict, uint16_t number, struct wr *reply)
{
	uint8_t kept[PREFIX_ROOM];
	uint16_t have[2] = {s->have[0], s->have[1]};
	const struct protocol_module *m;

	if (s->room)
		memcpy(kept, s->room, PREFIX_ROOM);
	leave_room(d, s);
	s->decided = true;
	if (verdict != PROTOCOL_YES) {
		d->counters.unknown++;
		return;
	}
	s->number = number;
	d->counters.identified++;
	m = identify_module(number);
	if (!m || !open_module(d, s, peer, reply))
		return;
	for (unsigned i = 0; i < 2; i++) {
		enum protocol_side side = (m->speaks_first == PROTOCOL_SERVER) == (i == 0)
		    ? PROTOCOL_SERVER : PROTOCOL_CLIENT;

		if (have[side] > 0 && s->decided)
			(void)pass(d, s, peer, side, kept + side * PROTOCOL_PREFIX_MAX, have[side],
			    reply);
	}
}

/* Keeps what there is of a side until more comes; false without room. */
static bool keep(struct session_driver *d, struct session *s, enum protocol_side side,
    const uint8_t *data, size_t len)
{
	if (!s->room && !take_room(d, s, PREFIX_ROOM))
		return false;
	memcpy(s->room + side * PROTOCOL_PREFIX_MAX + s->have[side], data, len);
	s->have[side] = (uint16_t)(s->have[side] + len);
	return true;
}

static struct protocol_start what_is_kept(const struct session *s, const struct session_peer *peer)
{
	struct protocol_start start = {
		.transport = peer->transport,
		.port = peer->port,
		.client = s->room,
		.client_len = s->room ? s->have[PROTOCOL_CLIENT] : 0,
		.server = s->room ? s->room + PROTOCOL_PREFIX_MAX : NULL,
		.server_len = s->room ? s->have[PROTOCOL_SERVER] : 0,
	};

	return start;
}

/* Returns how many of the bytes went into the answer, or were kept for it. */
static size_t look(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_side side, const uint8_t *data, size_t len, struct wr *reply)
{
	size_t space = PROTOCOL_PREFIX_MAX - s->have[side];
	size_t n = len < space ? len : space;
	bool kept_before = s->room != NULL;
	struct protocol_start start;
	enum protocol_verdict verdict;
	uint16_t number = IDENTIFY_UNKNOWN;

	if (kept_before && !keep(d, s, side, data, n))
		return len;
	start = what_is_kept(s, peer);
	if (!kept_before && side == PROTOCOL_CLIENT) {
		start.client = data;
		start.client_len = n;
	} else if (!kept_before) {
		start.server = data;
		start.server_len = n;
	}
	verdict = identify(d->patterns, &start, n == space, &number);
	if (verdict != PROTOCOL_MORE) {
		meet_stranger(d, s, peer, verdict == PROTOCOL_YES ? number : IDENTIFY_UNKNOWN, &start,
		    reply);
		settle(d, s, peer, verdict, number, reply);
		return kept_before ? n : 0;
	}
	if (!kept_before && !keep(d, s, side, data, n))
		s->decided = true;
	return n;
}

/* Decides on what is there. */
static void decide(struct session_driver *d, struct session *s, const struct session_peer *peer)
{
	struct protocol_start start = what_is_kept(s, peer);
	uint16_t number = IDENTIFY_UNKNOWN;
	enum protocol_verdict verdict = identify(d->patterns, &start, true, &number);

	settle(d, s, peer, verdict, number, NULL);
}

/* Nobody proved to be it so far, and the visitor waits: if it may be the port's, it is.  What may
 * still become another protocol stays undecided, unless this server would hang up on it. */
static bool decide_for(struct session_driver *d, struct session *s, const struct session_peer *peer,
    const struct protocol_module *module, struct wr *reply)
{
	struct protocol_start start = what_is_kept(s, peer);
	uint16_t number = IDENTIFY_UNKNOWN;
	enum protocol_verdict verdict = identify(d->patterns, &start, true, &number);

	if (verdict == PROTOCOL_YES ? identify_module(number) != module : !module->stranger)
		return false;
	meet_stranger(d, s, peer, number, &start, reply);
	settle(d, s, peer, verdict, number, reply);
	if (s->refused)
		s->closed = true;
	return true;
}

bool session_open(struct session_driver *d, struct session *s, const struct session_peer *peer,
    const struct protocol_module *module, struct wr *reply)
{
	if (s->decided || s->closed)
		return false;
	if (s->room)
		return decide_for(d, s, peer, module, reply);
	s->number = (uint16_t)protocol_module_number(module);
	s->decided = true;
	d->counters.identified++;
	return open_module(d, s, peer, reply);
}

/* ---- datagrams ------------------------------------------------------------------------------ */

static void datagram(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_side side, const uint8_t *data, size_t len, struct wr *reply)
{
	const struct protocol_module *m;
	bool handover;

	if (!s->decided) {
		struct protocol_start start = {.transport = peer->transport, .port = peer->port};
		uint16_t number = IDENTIFY_UNKNOWN;

		start.client = side == PROTOCOL_CLIENT ? data : NULL;
		start.client_len = side == PROTOCOL_CLIENT ? len : 0;
		start.server = side == PROTOCOL_SERVER ? data : NULL;
		start.server_len = side == PROTOCOL_SERVER ? len : 0;
		if (identify(d->patterns, &start, true, &number) != PROTOCOL_YES)
			return;
		meet_stranger(d, s, peer, number, &start, reply);
		settle(d, s, peer, PROTOCOL_YES, number, reply);
	}
	m = session_module(s);
	if (!m || (side == PROTOCOL_SERVER && !m->server))
		return;
	(void)call(d, s, peer, side, data, len, true, reply, &handover);
}

/* Does all that the module knows fit a word, and has it nothing to say at the end? */
static bool rests(const struct protocol_module *m, const uint8_t *state)
{
	size_t i = m->close ? 0 : sizeof(uint32_t);

	if (m->rests)
		return m->rests(state);

	while (i < m->state_size && !state[i])
		i++;
	return i >= m->state_size;
}

bool session_pack(struct session_driver *d, struct session *s, uint32_t *ret_state)
{
	const struct protocol_module *m = session_module(s);
	uint8_t state[sizeof(uint32_t)] = {0};

	if (!m && identify_module(s->number))
		return false; /* there was no room */
	if (m) {
		if (!rests(m, s->room))
			return false;
		memcpy(state, s->room, m->state_size < sizeof(state) ? m->state_size : sizeof(state));
		leave_room(d, s);
	}
	memcpy(ret_state, state, sizeof(state));
	return true;
}

void session_unpack(struct session_driver *d, struct session *s, uint16_t number, uint32_t state)
{
	const struct protocol_module *m = identify_module(number);

	s->number = number;
	s->decided = number != IDENTIFY_UNKNOWN;
	if (!m || !take_room(d, s, (size_t)m->state_size + m->client_inbox + m->server_inbox))
		return;
	memset(s->room, 0, m->state_size);
	memcpy(s->room, &state, m->state_size < sizeof(state) ? m->state_size : sizeof(state));
}

/* ---- what the owner calls ------------------------------------------------------------------- */

size_t session_data(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_side side, const uint8_t *data, size_t len, struct wr *reply)
{
	size_t done = 0;

	if (s->closed)
		return len;
	if (peer->transport == PROTOCOL_UDP) {
		datagram(d, s, peer, side, data, len, reply);
		return len;
	}
	if (!s->decided && len > 0)
		done = look(d, s, peer, side, data, len, reply);
	if (!s->decided)
		return len;
	done += pass(d, s, peer, side, data + done, len - done, reply);
	if (s->refused)
		s->closed = true;
	return done;
}

void session_gap(struct session_driver *d, struct session *s, const struct session_peer *peer,
    enum protocol_side side, uint64_t bytes)
{
	const struct protocol_module *m;

	if (s->closed)
		return;
	if (!s->decided && s->room)
		decide(d, s, peer);
	m = session_module(s);
	if (!m)
		return;
	s->have[side] = 0;
	if (!m->gap) {
		lose(d, s, side);
	} else {
		struct protocol_io io = make_io(d, s, peer, NULL);

		m->gap(&io, side, bytes);
		after_call(s, &io);
	}
}

void session_handover(struct session_driver *d, struct session *s, const struct session_peer *peer)
{
	if (s->closed || !s->decided)
		return;
	close_module(d, s, peer);
	s->decided = false;
	s->inside = true;
	s->lost_client = false;
	s->lost_server = false;
}

void session_end(struct session_driver *d, struct session *s, const struct session_peer *peer)
{
	if (!s->decided && s->room)
		decide(d, s, peer);
	if (s->decided && s->room)
		close_module(d, s, peer);
	leave_room(d, s);
	s->closed = true;
}
