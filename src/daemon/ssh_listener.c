/* Accepting SSH connections, their limits and deadlines; the contract is in ssh.h. */
#include "daemon/ssh.h"

#include "os/clock.h"
#include "os/listen.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 256
#define ACCEPTS_PER_TURN 64
#define LOOK_US 500000ll
#define KIND_SHIFT 32

enum kind {
	KIND_LISTENER,
	KIND_CONNECTION,
	KIND_WATCHED,
};

static int add(struct ssh_worker *w, int fd, enum kind kind, size_t number, struct err *err)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)kind << KIND_SHIFT | number,
	};

	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		return err_set(err, -errno, "cannot wait for a descriptor: %s", st_text(-errno));
	return ST_OK;
}

int ssh_listen(struct ssh_worker *w, int fd, struct err *err)
{
	if (w->listener_count == SSH_LISTENERS_MAX)
		return err_set(err, ST_LIMIT, "more than %u listening sockets", SSH_LISTENERS_MAX);
	w->listeners[w->listener_count] = fd;
	return add(w, fd, KIND_LISTENER, w->listener_count++, err);
}

int ssh_watch(struct ssh_worker *w, int fd, struct err *err)
{
	return add(w, fd, KIND_WATCHED, 0, err);
}

void ssh_want(struct ssh_conn *c, uint32_t events)
{
	struct epoll_event event = {
		.events = events,
		.data.u64 = (uint64_t)KIND_CONNECTION << KIND_SHIFT | c->number,
	};

	if (c->watched == events)
		return;
	(void)epoll_ctl(c->worker->epoll, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event);
	c->watched = events;
}

static void pause_accepting(struct ssh_worker *w, bool pause)
{
	if (w->paused == pause)
		return;
	w->paused = pause;
	for (size_t i = 0; i < w->listener_count; i++) {
		struct epoll_event event = {
			.events = pause ? 0 : EPOLLIN,
			.data.u64 = (uint64_t)KIND_LISTENER << KIND_SHIFT | i,
		};

		(void)epoll_ctl(w->epoll, EPOLL_CTL_MOD, w->listeners[i], &event);
	}
}

static void let_go(struct ssh_worker *w, struct ssh_conn *c, enum stream_end end)
{
	w->connections[c->number] = NULL;
	w->counters.open--;
	ssh_conn_free(c, end);
}

/* IPv6 sources are counted by /64. */
static bool has_too_many(const struct ssh_worker *w, struct ip source)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->used; i++) {
		const struct ssh_conn *c = w->connections[i];

		if (c && c->stream.client.hi == source.hi
		    && (!ip_is_v4(source) || c->stream.client.lo == source.lo))
			n++;
	}
	return n >= w->per_source;
}

static uint32_t free_place(const struct ssh_worker *w)
{
	uint32_t i = 0;

	while (i < w->connections_max && w->connections[i])
		i++;
	return i;
}

/* Is the connection one that we serve? */
static bool is_welcome(struct ssh_worker *w, const struct stream *ends)
{
	if (w->destinations && !destinations_observed(w->destinations, ends->server)) {
		w->counters.not_observed++;
		return false;
	}
	if (has_too_many(w, ends->client)) {
		w->counters.over_limit++;
		return false;
	}
	return true;
}

static void serve(struct ssh_worker *w, int fd, const struct stream *ends)
{
	uint32_t number = free_place(w);
	struct ssh_conn *c = ssh_conn_open(w, number, fd, ends);

	if (!c) {
		w->counters.failed++;
		return;
	}
	w->connections[number] = c;
	if (number >= w->used)
		w->used = number + 1;
	w->counters.accepted++;
	w->counters.open++;
	if (w->counters.open > w->counters.open_max)
		w->counters.open_max = w->counters.open;
}

static void accept_some(struct ssh_worker *w, int listener)
{
	for (unsigned n = 0; n < ACCEPTS_PER_TURN; n++) {
		struct stream ends = {
			.proto = DECODE_PROTO_TCP,
			.handshake = STREAM_HANDSHAKE_FULL,
			.first_us = w->wall_us,
			.last_us = w->wall_us,
		};
		int fd;

		if (w->counters.open >= w->connections_max) {
			w->counters.no_slot++;
			pause_accepting(w, true);
			return;
		}
		if (os_accept(listener, &fd, &ends.client, &ends.client_port, &ends.server,
		    &ends.server_port))
			return;
		if (ends.server_port > w->port_offset)
			ends.server_port = (uint16_t)(ends.server_port - w->port_offset);
		if (is_welcome(w, &ends))
			serve(w, fd, &ends);
		else
			(void)close(fd);
	}
}

static void look_at_deadlines(struct ssh_worker *w)
{
	if (w->now_us - w->looked_us < LOOK_US)
		return;
	w->looked_us = w->now_us;
	for (uint32_t i = 0; i < w->used; i++) {
		struct ssh_conn *c = w->connections[i];

		if (c && ssh_conn_deadline(c) <= w->now_us && !ssh_conn_due(c))
			let_go(w, c, STREAM_END_IDLE);
	}
	while (w->used > 0 && !w->connections[w->used - 1])
		w->used--;
}

int ssh_turn(struct ssh_worker *w, int timeout_ms, bool *ret_watched)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(w->epoll, events, EVENTS, timeout_ms);

	if (n < 0 && errno != EINTR)
		return -errno;
	w->now_us = os_clock_monotonic_us();
	w->wall_us = os_clock_now_us();
	*ret_watched = false;
	for (int k = 0; k < n; k++) {
		uint32_t number = (uint32_t)events[k].data.u64;
		struct ssh_conn *c;

		switch ((enum kind)(events[k].data.u64 >> KIND_SHIFT)) {
		case KIND_LISTENER:
			if (!w->draining)
				accept_some(w, w->listeners[number]);
			break;
		case KIND_CONNECTION:
			c = w->connections[number];
			if (c && !ssh_conn_event(c, events[k].events))
				let_go(w, c, STREAM_END_RESET);
			break;
		case KIND_WATCHED:
			*ret_watched = true;
			break;
		}
	}
	look_at_deadlines(w);
	if (w->paused && w->counters.open < w->connections_max && !w->draining)
		pause_accepting(w, false);
	return ST_OK;
}

void ssh_drain(struct ssh_worker *w)
{
	w->draining = true;
	/* Its successor has them; a port that nobody has any more is closed. */
	for (size_t i = 0; i < w->listener_count; i++) {
		(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->listeners[i], NULL);
		(void)close(w->listeners[i]);
	}
	w->listener_count = 0;
}

void ssh_end_all(struct ssh_worker *w)
{
	for (uint32_t i = 0; i < w->used; i++)
		if (w->connections[i])
			let_go(w, w->connections[i], STREAM_END_CAPTURE);
}
