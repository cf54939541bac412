/* Signatures inside a worker; the contract is in inspector.h. */
#include "daemon/inspector.h"

#include "daemon/rulebook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID_PROBLEMS_MAX 20

struct inspector {
	struct inspector_options options;
	struct signatures *engine;
	const struct said *said; /* being inspected; NULL */
	int64_t second;          /* of the alerts that are counted for the limit */
	uint32_t in_second;
	uint64_t alerts;
	uint64_t left_out;
	unsigned problems; /* while rules are read */
	struct ruleset_edition edition;
	int64_t told_us;   /* up to which time the store knows that they are at work; 0 */
};

static void take_alert(void *arg, const struct signatures_alert *alert)
{
	struct inspector *i = arg;
	struct alert_row_texts texts;
	struct record_alert row;
	int64_t second = alert->time_us / 1000000;

	if (!alert_row(&i->options.rows, alert, &texts, &row))
		return;
	i->in_second = second == i->second ? i->in_second + 1 : 1;
	i->second = second;
	if (i->in_second > INSPECTOR_ALERTS_PER_SECOND) {
		i->left_out++;
		return;
	}
	i->alerts += !alert->suppressed;
	(void)outbox_row(i->options.outbox, RECORD_TABLE_alert, &row);
}

/* An alert of another conversation (its flow had to give way) is not this one's. */
static uint64_t tell_session(void *arg, const struct signatures_alert *alert)
{
	const struct said *said = ((const struct inspector *)arg)->said;
	struct ip client = said && said->by_client ? alert->src : alert->dst;
	uint16_t port = said && said->by_client ? alert->sport : alert->dport;

	return said && said->stream->client_port == port && ip_equal(said->stream->client, client)
	    ? said->session : 0;
}

/* Rules of an own file are looked at by their writer; of a large set there is no end of them. */
static void take_problem(void *arg, const struct signatures_problem *p)
{
	struct inspector *i = arg;

	if (i->options.says && i->problems++ < SAID_PROBLEMS_MAX)
		(void)fprintf(stderr, "%s: %s:%u: sid %u: %s%s%s\n", i->options.program, p->file, p->line,
		    p->sid, p->keyword, p->keyword[0] ? ": " : "", p->reason);
}

static void say_sum(const struct inspector *i)
{
	const struct signatures_stats *s = signatures_stats(i->engine);

	if (!i->options.says)
		return;
	if (i->problems > SAID_PROBLEMS_MAX)
		(void)fprintf(stderr, "%s: … (teiten rules test says all of them)\n", i->options.program);
	(void)fprintf(stderr, "%s: %u rules are used, %u are not supported, %u are wrong\n",
	    i->options.program, s->loaded, s->unsupported, s->malformed);
}

int inspector_new(const struct inspector_options *options, struct inspector **ret_inspector,
    struct err *err)
{
	struct inspector *i = calloc(1, sizeof(*i));
	const struct config_nets *home = &options->config->sensor.addresses;
	struct signatures_options s = {
		.home = home->items,
		.home_count = home->count,
		.alert = take_alert,
		.problem = take_problem,
		.session = tell_session,
		.arg = i,
	};
	struct rulebook book = {0};
	int rc = i ? rulebook_read(options->fd, &book, err) : err_set(err, -ENOMEM, "out of memory");

	if (!rc) {
		i->options = *options;
		s.texts = book.texts;
		s.text_count = book.count;
		ruleset_edition_find(book.texts, book.count, &i->edition);
		rc = signatures_new(&s, &i->engine, err);
	}
	rulebook_free(&book);
	if (rc) {
		inspector_free(i);
		return rc;
	}
	say_sum(i);
	*ret_inspector = NULL;
	if (signatures_stats(i->engine)->loaded == 0)
		inspector_free(i);
	else
		*ret_inspector = i;
	return ST_OK;
}

void inspector_free(struct inspector *i)
{
	if (!i)
		return;
	signatures_free(i->engine);
	free(i);
}

void inspector_said(void *arg, const struct said *said)
{
	struct inspector *i = arg;
	const struct stream *stream = said->stream;
	struct signatures_ends ends = {
		.client = stream->client,
		.server = stream->server,
		.client_port = stream->client_port,
		.server_port = stream->server_port,
		.proto = stream->proto,
		.depth = said->inside,
	};

	i->said = said;
	if (said->data)
		signatures_said(i->engine, &ends, said->by_client, said->data, said->len, said->time_us);
	else
		signatures_over(i->engine, &ends, said->time_us);
	i->said = NULL;
}

void inspector_packets(struct inspector *i, const struct decode_packet *packets, size_t count)
{
	signatures_add(i->engine, packets, count);
}

void inspector_flush(struct inspector *i)
{
	if (i)
		signatures_flush(i->engine);
}

void inspector_tell(struct inspector *i, int64_t wall_us, bool last)
{
	if (!i || (!last && i->told_us > 0 && wall_us >= i->told_us
	        && wall_us - i->told_us < INSPECTOR_TELL_US))
		return;
	/* A clock that was set far ahead is not believed to have inspected all that time. */
	if (i->told_us == 0 || wall_us < i->told_us || wall_us - i->told_us > 2 * INSPECTOR_TELL_US)
		i->told_us = wall_us;
	outbox_edition(i->options.outbox, &i->edition, inspector_rules(i), i->told_us, wall_us);
	i->told_us = wall_us;
}

uint32_t inspector_rules(const struct inspector *i)
{
	return i ? signatures_stats(i->engine)->loaded : 0;
}

void inspector_status(const struct inspector *i, struct buf *b)
{
	const struct signatures_counters *c = i ? signatures_counters(i->engine) : NULL;

	buf_printf(b, "\"rules\":%u,\"alerts\":%llu,\"alerts_left_out\":%llu,\"uninspected\":%llu,",
	    inspector_rules(i), i ? (unsigned long long)i->alerts : 0,
	    i ? (unsigned long long)i->left_out : 0,
	    c ? (unsigned long long)(c->flows_dropped + c->no_memory) : 0);
}
