/*
 * teiten-courier: carries datagrams that came to ports without a socket of their own to the
 * responder, and its answers back to who asked, from the port that was asked.
 *
 * Only a raw socket can send from any port, and who has one could speak in the name of every port of
 * this machine.  So it is here, away from the parsers: the courier never looks into a datagram, and
 * takes from the responder, which may have been taken over, a token and bytes, nothing else.  Where
 * they go is what it remembers itself (respond/tokens.h): to who asked, once, soon, no longer than
 * what was asked.
 */
#include "config/config.h"
#include "daemon/await.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/confine.h"
#include "os/memory.h"
#include "os/rawudp.h"
#include "os/signals.h"
#include "respond/letter.h"
#include "respond/limits.h"
#include "respond/tokens.h"

#include "base/buf.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#define NAME "teiten-courier"
#define SOCKETS 4 /* of all ports there is one */
#define PER_TURN 64
#define STATUS_US 1000000ll
#define COMPLAINT_US 1000000ll /* what a sender left behind is complained of once */

struct courier {
	struct start start;
	struct config *config;
	struct tokens *tokens;
	struct os_raw_udp raw;
	size_t socket_count;
	bool stop;
	int64_t now_us;
	int64_t status_us;
	int64_t complaint_us;
	uint64_t datagrams;
	uint64_t passed;
	uint64_t not_observed;
	uint64_t unanswerable; /* passed, but nobody whom an answer may go to */
	uint64_t behind;       /* the responder did not take them */
	uint64_t answers;
	uint64_t sent;
	uint64_t not_sent;     /* the kernel's word */
	uint64_t nonsense;
	uint64_t refused[TOKEN_VERDICTS];
};

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

/* ---- from outside to the responder ---------------------------------------------------------- */

static bool in_nets(const struct config_nets *nets, struct ip ip)
{
	for (size_t i = 0; i < nets->count; i++)
		if (ip_net_contains(nets->items[i], ip))
			return true;
	return false;
}

static bool is_observed(const struct courier *c, struct ip ip)
{
	return in_nets(&c->config->sensor.addresses, ip) && !in_nets(&c->config->sensor.exclude, ip);
}

/* From an address that answers, to a host, which is not the sensor itself. */
static bool is_answerable(const struct courier *c, const struct os_datagram *d)
{
	const struct config_nets *answering = &c->config->respond.addresses;

	if (answering->count > 0 && !in_nets(answering, d->local))
		return false;
	if (ip_equal(d->peer, d->local) ? d->peer_port == d->local_port : is_observed(c, d->peer))
		return false;
	return limits_is_answerable(d->peer, d->local) && !limits_is_amplifier_port(d->peer_port);
}

static uint64_t issue(struct courier *c, const struct os_datagram *d)
{
	struct token_ends ends = {
		.peer = d->peer,
		.local = d->local,
		.peer_port = d->peer_port,
		.local_port = d->local_port,
	};

	if (is_answerable(c, d))
		return tokens_issue(c->tokens, &ends, d->len, c->now_us);
	c->unanswerable++;
	return TOKENS_NONE;
}

static void receive(struct courier *c, int fd)
{
	static uint8_t body[LETTER_HEAD + LETTER_DATA_MAX];

	for (unsigned n = 0; n < PER_TURN; n++) {
		struct letter letter = {0};
		struct wr head = wr_init(body, LETTER_HEAD);

		if (os_datagram_receive(fd, body + LETTER_HEAD, LETTER_DATA_MAX, &letter.datagram))
			return;
		c->datagrams++;
		if (!is_observed(c, letter.datagram.local)) {
			c->not_observed++;
			continue;
		}
		letter.len = letter.datagram.len < LETTER_DATA_MAX ? letter.datagram.len
		                                                   : LETTER_DATA_MAX;
		letter.token = issue(c, &letter.datagram);
		letter_head_write(&letter, &head);
		if (os_channel_send(START_COURIER_RESPONDER, WIRE_DATAGRAM, body, LETTER_HEAD + letter.len))
			c->behind++;
		else
			c->passed++;
	}
}

/* ---- from the responder to outside ---------------------------------------------------------- */

static void take_answer(struct courier *c, const struct letter_answer *answer)
{
	struct token_ends ends;
	enum token_verdict verdict =
	    tokens_redeem(c->tokens, answer->token, answer->len, c->now_us, &ends);

	c->answers++;
	if (verdict != TOKEN_GOOD)
		c->refused[verdict]++;
	else if (os_raw_udp_send(&c->raw, ends.local, ends.local_port, ends.peer, ends.peer_port,
	    answer->data, answer->len))
		c->not_sent++;
	else
		c->sent++;
}

/* The supervisor has the one that sent it killed. */
static void complain(struct courier *c)
{
	c->nonsense++;
	if (c->complaint_us > 0 && c->now_us - c->complaint_us < COMPLAINT_US)
		return;
	c->complaint_us = c->now_us;
	(void)os_channel_send(START_CONTROL, WIRE_COMPLAINT, "", 0);
}

static void hear_responder(struct courier *c)
{
	static uint8_t body[OS_CHANNEL_MAX];

	for (unsigned n = 0; n < PER_TURN; n++) {
		struct letter_answer answer;
		uint16_t type;
		size_t len;
		int rc = os_channel_receive(START_COURIER_RESPONDER, &type, body, &len);

		if (rc == ST_NOT_FOUND)
			c->stop = true;
		if (rc && rc != ST_MALFORMED)
			return;
		if (!rc)
			rc = type == WIRE_ANSWER ? letter_answer_read(body, len, &answer) : ST_MALFORMED;
		if (rc)
			complain(c);
		else
			take_answer(c, &answer);
	}
}

/* ---- the supervisor ------------------------------------------------------------------------- */

static void hear_supervisor(struct courier *c)
{
	static uint8_t body[OS_CHANNEL_MAX];
	uint16_t type;
	size_t len;
	int rc = os_channel_receive(START_CONTROL, &type, body, &len);

	if (rc == ST_NOT_FOUND || (!rc && type == WIRE_DRAIN))
		c->stop = true;
}

static void tell_status(struct courier *c)
{
	struct buf b = {0};
	uint64_t drops = 0;

	for (size_t i = 0; i < c->socket_count; i++)
		drops += os_datagram_drops(START_COURIER_FIRST + (int)i);
	buf_printf(&b, "{\"datagrams\":%llu,\"passed\":%llu,\"kernel_drops\":%llu,"
	    "\"not_observed\":%llu,\"unanswerable\":%llu,\"responder_behind\":%llu,"
	    "\"answers\":%llu,\"sent\":%llu,\"not_sent\":%llu,\"token_unknown\":%llu,"
	    "\"token_used\":%llu,\"token_late\":%llu,\"wrong_length\":%llu,\"pushed_out\":%llu,"
	    "\"nonsense\":%llu}",
	    (unsigned long long)c->datagrams, (unsigned long long)c->passed,
	    (unsigned long long)drops, (unsigned long long)c->not_observed,
	    (unsigned long long)c->unanswerable, (unsigned long long)c->behind,
	    (unsigned long long)c->answers, (unsigned long long)c->sent,
	    (unsigned long long)c->not_sent, (unsigned long long)c->refused[TOKEN_UNKNOWN],
	    (unsigned long long)c->refused[TOKEN_USED], (unsigned long long)c->refused[TOKEN_LATE],
	    (unsigned long long)c->refused[TOKEN_LENGTH],
	    (unsigned long long)tokens_pushed_out(c->tokens), (unsigned long long)c->nonsense);
	if (!b.failed)
		(void)os_channel_send(START_CONTROL, WIRE_STATUS, b.data, b.len);
	buf_fini(&b);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static int prepare(struct courier *c, const char *user, struct err *err)
{
	uint64_t seed = 0;
	int rc = start_read(START_FILE, &c->start, err);

	if (!rc)
		rc = config_parse(c->start.config_name, c->start.config, c->start.config_len, NULL, NULL,
		    &c->config, err);
	if (!rc && c->start.socket_count > SOCKETS)
		rc = err_set(err, ST_LIMIT, "more than %d sockets", SOCKETS);
	if (rc)
		return rc;
	c->raw = (struct os_raw_udp){START_COURIER_RAW_V4, START_COURIER_RAW_V6};
	c->socket_count = c->start.socket_count;
	/* A predecessor's tokens are not to be taken for ours. */
	rc = getrandom(&seed, sizeof(seed), 0) < 0 ? -errno : tokens_new(seed, &c->tokens);
	if (rc)
		return err_set(err, rc, "%s", st_text(rc));
	return os_confine(OS_PROGRAM_COURIER, user, err) ? START_UNCONFINED : ST_OK;
}

static void turn(struct courier *c)
{
	struct pollfd polls[2 + SOCKETS];
	size_t n = 2;

	polls[0] = (struct pollfd){START_CONTROL, POLLIN, 0};
	polls[1] = (struct pollfd){START_COURIER_RESPONDER, POLLIN, 0};
	for (size_t i = 0; i < c->socket_count; i++)
		polls[n++] = (struct pollfd){START_COURIER_FIRST + (int)i, POLLIN, 0};
	(void)poll(polls, (nfds_t)n, (int)(STATUS_US / 1000));
	c->now_us = os_clock_monotonic_us();
	if (polls[0].revents)
		hear_supervisor(c);
	if (polls[1].revents)
		hear_responder(c);
	for (size_t i = 0; i < c->socket_count; i++)
		if (polls[2 + i].revents)
			receive(c, polls[2 + i].fd);
	if (c->now_us - c->status_us < STATUS_US)
		return;
	c->status_us = c->now_us;
	tell_status(c);
}

int main(int argc, char **argv)
{
	static struct courier c;
	struct err err = {0};
	bool begun = false;
	int rc;

	os_signal_catch(SIGTERM, ask_stop);
	os_signal_catch(SIGINT, ask_stop);
	os_signal_ignore(SIGPIPE);
	os_signal_ignore(SIGHUP);
	rc = prepare(&c, argc > 1 && argv[1][0] ? argv[1] : NULL, &err);
	if (!rc)
		rc = await_turn(0, &stop_asked, &begun, &err);
	os_memory_release();
	while (begun && !c.stop && !stop_asked)
		turn(&c);
	if (rc)
		(void)fprintf(stderr, NAME ": %s\n", err.text);
	_exit(rc == START_UNCONFINED ? rc : rc ? 1 : 0);
}
