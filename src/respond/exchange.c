/*
 * Datagrams: exchanges of one pair of ends, answered within strict limits.
 *
 * A reply is never longer than its request (protocol.h sees to it, and it is checked again here),
 * is not sent to ports whose owner would answer it or is a forged victim, and networks get few.
 */
#include "base/hash.h"
#include "respond/internal.h"

#include <string.h>

#define DATAGRAMS_PER_TURN 256

static uint32_t chain_of(const struct engine *e, const struct os_datagram *d, uint16_t port)
{
	uint64_t h = hash_pair(d->peer.hi ^ d->local.lo, d->peer.lo);

	return (uint32_t)hash_pair(h, (uint64_t)d->peer_port << 16 | port) & e->exchange_mask;
}

static uint32_t *head_of(struct engine *e, const struct stream *s)
{
	struct os_datagram d = {
		.peer = s->client,
		.peer_port = s->client_port,
		.local = s->server,
	};

	return &e->exchanges[chain_of(e, &d, s->server_port)];
}

static uint32_t find(struct engine *e, const struct os_datagram *d, uint16_t port)
{
	uint32_t i = e->exchanges[chain_of(e, d, port)];

	while (i != ENGINE_NONE) {
		const struct stream *s = &e->slots[i].stream;

		if (s->client_port == d->peer_port && s->server_port == port
		    && ip_equal(s->client, d->peer) && ip_equal(s->server, d->local))
			return i;
		i = e->slots[i].next;
	}
	return ENGINE_NONE;
}

int64_t exchange_deadline(const struct slot *s)
{
	return s->active_us + ENGINE_EXCHANGE_IDLE_US;
}

static uint32_t begin(struct engine *e, const struct os_datagram *d, uint16_t port)
{
	uint32_t i = engine_take_slot(e);
	struct slot *s;
	uint32_t *head;

	if (i == ENGINE_NONE)
		return i;
	s = &e->slots[i];
	s->state = SLOT_EXCHANGE;
	s->fd = -1;
	s->opened_us = e->now_us;
	s->active_us = e->now_us;
	s->stream.client = d->peer;
	s->stream.server = d->local;
	s->stream.client_port = d->peer_port;
	s->stream.server_port = port;
	s->stream.proto = DECODE_PROTO_UDP;
	s->stream.first_us = e->wall_us;
	s->stream.last_us = e->wall_us;
	head = head_of(e, &s->stream);
	s->next = *head;
	*head = i;
	sessions_stream_sink.open(e->options.sessions, &s->stream, slot_context(e, i));
	deadline_set(&e->wheel, i, exchange_deadline(s));
	return i;
}

void exchange_close(struct engine *e, uint32_t i, enum stream_end end)
{
	uint32_t *link = head_of(e, &e->slots[i].stream);

	while (*link != i)
		link = &e->slots[*link].next;
	*link = e->slots[i].next;
	engine_end_session(e, i, end);
	engine_give_slot(e, i);
}

static bool may_be_answered(struct engine *e, const struct os_datagram *d)
{
	return !limits_is_amplifier_port(d->peer_port) && limits_is_answerable(d->peer, d->local)
	    && limits_reply(e->limits, d->peer, e->now_us);
}

static void answer(struct engine *e, const struct os_datagram *d, size_t len, engine_send_fn send,
    void *arg)
{
	uint16_t port = engine_port(e, d->local_port);
	uint32_t i = find(e, d, port);
	struct wr reply = wr_init(e->reply, len);
	struct slot *s;

	if (i == ENGINE_NONE)
		i = begin(e, d, port);
	if (i == ENGINE_NONE) {
		e->counters.no_slot++;
		return;
	}
	s = &e->slots[i];
	s->active_us = e->now_us;
	s->stream.last_us = e->wall_us;
	s->stream.bytes[STREAM_CLIENT] += len;
	s->stream.packets[STREAM_CLIENT]++;
	engine_tell(e, i, true, false, e->input->bytes, len);
	(void)sessions_answer(e->options.sessions, &s->stream, slot_context(e, i), e->input->bytes,
	    len, &reply);
	if (wr_len(&reply) == 0 || wr_len(&reply) > len)
		return;
	if (!may_be_answered(e, d) || send(arg, e->reply, wr_len(&reply), d)) {
		e->counters.replies_withheld++;
		return;
	}
	engine_tell(e, i, false, false, e->reply, wr_len(&reply));
	e->counters.replies++;
	e->counters.bytes_out += wr_len(&reply);
	s->stream.bytes[STREAM_SERVER] += wr_len(&reply);
	s->stream.packets[STREAM_SERVER]++;
}

/* Its bytes are in e->input. */
static void take(struct engine *e, const struct os_datagram *d, size_t len, engine_send_fn send,
    void *arg)
{
	e->input->len = (uint32_t)len;
	e->input->port = d->local_port;
	e->input->transport = PROTOCOL_UDP;
	e->counters.datagrams++;
	e->counters.bytes_in += len;
	if (e->options.destinations && !destinations_observed(e->options.destinations, d->local))
		e->counters.not_observed++;
	else if (len > 0)
		answer(e, d, len, send, arg);
}

/* From the socket that was asked. */
static int send_from(void *arg, const void *data, size_t len, const struct os_datagram *to)
{
	return os_datagram_send(*(const int *)arg, data, len, to);
}

void exchange_receive(struct engine *e, int fd)
{
	struct os_datagram d;

	for (unsigned n = 0; n < DATAGRAMS_PER_TURN; n++) {
		if (os_datagram_receive(fd, e->input->bytes, ENGINE_READ_MAX, &d))
			return;
		take(e, &d, d.len < ENGINE_READ_MAX ? d.len : ENGINE_READ_MAX, send_from, &fd);
	}
}

void engine_datagram(struct engine *e, const struct os_datagram *d, const uint8_t *data,
    size_t len, engine_send_fn send, void *arg)
{
	len = len < ENGINE_READ_MAX ? len : ENGINE_READ_MAX;
	memcpy(e->input->bytes, data, len);
	take(e, d, len, send, arg);
}
