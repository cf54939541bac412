/*
 * The analysis pipeline; the contract is in pipeline.h.
 *
 * One file is one ingest: when its last packet has been counted the open minutes are closed and
 * the ingest is committed, so a crash or a damaged later file costs nothing that was done before.
 *
 * With a relay there is a second thread.  The first alone reads, decodes, counts, clusters and
 * inspects, and begins and ends files while the second rests.  Taking rows (take_rows) and hearing visitors
 * (take_packets) are two turns, each of which either thread may have, one at a time.
 */
#include "cmd/pipeline.h"

#include "base/buf.h"
#include "base/civil.h"
#include "cmd/identity.h"
#include "cmd/relay.h"
#include "cmd/visitors.h"
#include "decode/decode.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "tally/coverage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_BATCHES 2048u
#define HASH_FIRST_MAX (64u << 20) /* files up to this size are hashed before they are read */

struct pipeline {
	struct pipeline_options options;
	struct capture *capture;
	struct tools *tools;
	struct tools *visit_tools; /* the visitors' own, with a store; NULL: they need no texts */
	struct tally *tally;
	struct relay *relay; /* NULL: there is no second thread, and the first does all */
	bool sends_packets;  /* the second thread hears visitors; else it takes rows only */
	struct summary *summary;
	struct visitors *visitors;
	struct judgements *judgements;
	struct clustering *clustering;
	struct store_ingest *ingest; /* of the current file; NULL when it is not stored */
	struct identity *identity;   /* being worked out for the current file; may be NULL */
	struct coverage *coverage;   /* of the current file */
	const struct capture_file *file;
	/* Whose turn it is to take rows has these two; who hears visitors, the third. */
	struct record_flow *flows; /* one tally batch for the store */
	struct err rows_err;
	struct err visitors_err;
	unsigned signatures_stored; /* how many the store has from this run */
	unsigned refused;
	unsigned undecoded;        /* files of link types that are not decoded */
	struct tally_counters before; /* when the current file began */
};

static void say(const struct pipeline *p, const char *sentence)
{
	if (p->options.say)
		p->options.say(p->options.arg, sentence);
}

static struct ip whose_place(const struct record_flow *flow)
{
	return flow->class == RECORD_CLASS_BACKSCATTER
	    ? (struct ip){flow->victim_hi, flow->victim_lo}
	    : (struct ip){flow->src_hi, flow->src_lo};
}

/* The tally's sink: sums, and the rows with their places on their way to the store.  In either
 * thread. */
static int take_rows(void *arg, const struct tally_rows *rows)
{
	struct pipeline *p = arg;
	struct ip ips[TALLY_ROWS_BATCH];
	struct geo_place places[TALLY_ROWS_BATCH];
	int rc = summary_add(p->summary, rows);

	if (!rc && !p->options.quick)
		rc = judgements_add(p->judgements, rows);
	if (rc || !p->ingest)
		return rc;
	for (uint32_t i = 0; i < rows->count; i++) {
		tally_row_flow(rows, i, &p->flows[i]);
		ips[i] = whose_place(&p->flows[i]);
	}
	geo_lookup_many(p->options.geo, ips, rows->count, places);
	for (uint32_t i = 0; i < rows->count; i++) {
		memcpy(p->flows[i].country, places[i].country, 2);
		p->flows[i].asn = places[i].asn;
	}
	return store_ingest_flow(p->ingest, p->flows, rows->count, &p->rows_err);
}

/* Standard input, a pipe or a device: its bytes come once, reading them twice would lose them. */
static bool comes_once(const char *name)
{
	struct os_stat stat;

	return strcmp(name, "-") == 0
	    || (os_path_stat(name, &stat, NULL) == ST_OK && stat.kind != OS_KIND_FILE);
}

static bool is_small(const char *name)
{
	struct os_stat stat;

	return os_path_stat(name, &stat, NULL) == ST_OK && stat.size <= HASH_FIRST_MAX;
}

/* The file is in the store already: its rows are not kept, the analysis goes on. */
static int refuse(struct pipeline *p, const struct err *err)
{
	char sentence[ERR_TEXT_MAX + 200];

	(void)snprintf(sentence, sizeof(sentence), "not stored again: %s", err->text);
	say(p, sentence);
	if (p->ingest)
		store_ingest_abort(p->ingest);
	p->ingest = NULL;
	p->refused++;
	return ST_OK;
}

/* Opens the ingest of a file, or says why it is not stored. */
static int begin_file(struct pipeline *p, const struct capture_file *file, struct err *err)
{
	char sha256[OS_SHA256_TEXT_MAX] = "";
	struct store_ingest_options options = {
		.sensor = p->options.sensor,
		.name = file->name,
		.again = p->options.again,
		.journal = comes_once(file->name),
	};
	int rc;

	p->file = file;
	p->before = *tally_counters(p->tally);
	rc = coverage_new(p->options.zone, &p->coverage);
	if (rc)
		return err_set(err, rc, "out of memory");
	if (!p->options.store)
		return ST_OK;
	if (!options.journal) {
		rc = identity_begin(file->name, &p->identity, err);
		if (rc)
			return rc;
	}
	/* A small file is known at once; a large one is read twice at the same time. */
	if (p->identity && is_small(file->name)) {
		rc = identity_finish(p->identity, sha256, err);
		p->identity = NULL;
		if (rc)
			return rc;
		options.sha256 = sha256;
	}
	rc = store_ingest_begin(p->options.store, &options, &p->ingest, err);
	return rc == ST_EXISTS ? refuse(p, err) : rc;
}

struct signatures {
	struct store_signature *list;
	struct buf texts; /* one after the other, each with its NUL */
	size_t count;
};

/* The first thread's and those of the visitors. */
static unsigned count_signatures(const struct pipeline *p)
{
	return tools_signature_count(p->tools) + tools_signature_count(p->visit_tools);
}

static int gather_signature(void *arg, uint32_t id, const char *text)
{
	struct signatures *s = arg;

	buf_append(&s->texts, text, strlen(text) + 1);
	s->list[s->count++].id = id;
	return ST_OK;
}

/* Puts what this run has learnt since the last file; all again, the store knows which are new. */
static int store_signatures(struct pipeline *p, struct err *err)
{
	unsigned total = count_signatures(p);
	struct signatures s = {.list = calloc(total ? total : 1, sizeof(*s.list))};
	const char *text;
	int rc = ST_OK;

	if (total == p->signatures_stored)
		goto out;
	if (!s.list || tools_signatures(p->tools, gather_signature, &s)
	    || tools_signatures(p->visit_tools, gather_signature, &s) || s.texts.failed) {
		rc = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	text = buf_text(&s.texts);
	for (size_t i = 0; i < s.count; i++, text += strlen(text) + 1)
		s.list[i].text = text;
	rc = store_signatures_put(p->options.store, s.list, s.count, err);
	if (!rc)
		p->signatures_stored = total;
out:
	buf_fini(&s.texts);
	free(s.list);
	return rc;
}

static int store_file(struct pipeline *p, struct err *err)
{
	const struct destinations *d = tally_destinations(p->tally);
	uint64_t addresses = destinations_size(d);
	const struct record_coverage *rows;
	size_t count;
	int rc;

	rc = coverage_rows(p->coverage, p->options.sensor,
	    addresses > UINT32_MAX ? UINT32_MAX : (uint32_t)addresses, &rows, &count);
	if (rc)
		return err_set(err, rc, "out of memory");
	rc = store_ingest_coverage(p->ingest, rows, count, err);
	if (rc)
		return rc;
	/* An index must be kept before rows that use it can be seen. */
	if (d->offset_count == 0)
		rc = store_destinations_save(p->options.store, p->options.sensor, d->listed,
		    d->listed_count, err);
	if (rc)
		return rc;
	rc = store_signatures(p, err);
	if (!rc && p->options.alerts && p->file->packets)
		rc = inspection_rules_put(p->options.alerts, p->options.store, p->options.sensor,
		    p->file->first_us, p->file->last_us, err);
	if (rc)
		return rc;
	rc = store_ingest_commit(p->ingest, err);
	p->ingest = NULL;
	if (rc)
		return rc;
	return ST_OK;
}

/* A file that held nothing but a link type we do not decode is an error of its own. */
static void note_undecoded(struct pipeline *p)
{
	const struct tally_counters *c = tally_counters(p->tally);
	uint64_t read = c->read - p->before.read;
	char sentence[400];

	if (read == 0 || c->dropped[DECODE_DROP_LINK_TYPE]
	    - p->before.dropped[DECODE_DROP_LINK_TYPE] != read)
		return;
	p->undecoded++;
	(void)snprintf(sentence, sizeof(sentence),
	    "%s: its link type is not decoded: none of the %llu packets could be counted",
	    p->file->name, (unsigned long long)read);
	say(p, sentence);
}

/* In either thread. */
static int take_packets(void *arg, const struct decode_packet *packets, size_t count)
{
	struct pipeline *p = arg;

	return visitors_add(p->visitors, packets, count, p->ingest, &p->visitors_err);
}

/* Says what the tally's code means: its own is memory, every other one the sink's. */
static int tell_tally(const struct pipeline *p, int rc, struct err *err)
{
	if (rc == -ENOMEM)
		return err_set(err, rc, "out of memory");
	if (rc)
		*err = p->rows_err;
	return rc;
}

/* All packets that were sent have been taken.  An error that was met is the run's. */
static int drain(struct pipeline *p, struct err *err)
{
	int rc = relay_drain(p->relay);

	if (rc)
		*err = p->visitors_err;
	return rc;
}

/* What visitors say in a batch that has been counted: nobody writes it any more. */
static int add_visits(struct pipeline *p, const struct decode_packet *packets, size_t count,
    struct err *err)
{
	if (!p->sends_packets)
		return visitors_add(p->visitors, packets, count, p->ingest, err);
	return relay_send(p->relay, count) ? drain(p, err) : ST_OK;
}

static int end_file(struct pipeline *p, bool last, struct err *err)
{
	char sentence[400];
	int64_t silent;
	int rc;

	if (!p->file)
		return ST_OK;
	/* After these two the second thread is at rest. */
	rc = tell_tally(p, tally_flush(p->tally), err);
	if (!rc && p->sends_packets)
		rc = drain(p, err);
	if (!rc)
		rc = visitors_end_file(p->visitors, last, p->ingest, err);
	if (!rc)
		rc = clustering_flush(p->clustering, p->ingest, err);
	if (rc)
		return rc;
	note_undecoded(p);
	silent = coverage_silent_days(p->coverage);
	if (silent > 0) {
		(void)snprintf(sentence, sizeof(sentence),
		    "%s: %lld days without any packet are taken as not observed in the store",
		    p->file->name, (long long)silent);
		if (p->options.store)
			say(p, sentence);
	}
	if (p->identity) {
		char sha256[OS_SHA256_TEXT_MAX];

		rc = identity_finish(p->identity, sha256, err);
		p->identity = NULL;
		if (!rc && p->ingest)
			rc = store_ingest_identify(p->ingest, sha256, err);
		if (rc == ST_EXISTS)
			rc = refuse(p, err);
	}
	if (!rc && p->ingest)
		rc = store_file(p, err);
	coverage_free(p->coverage);
	p->coverage = NULL;
	p->file = NULL;
	return rc;
}

/* Counts a batch in runs of one site day each. */
static int count_batch(struct pipeline *p, struct decode_packet *packets, size_t count,
    struct err *err)
{
	if (p->relay)
		relay_counted(p->relay, count);
	for (size_t at = 0; at < count;) {
		struct tally_counters before;
		struct coverage_run run = coverage_run(p->coverage, packets + at, count - at);
		int rc;

		before = *tally_counters(p->tally);
		rc = tell_tally(p, tally_add(p->tally, packets + at, run.count), err);
		if (rc)
			return rc;
		rc = coverage_add(p->coverage, &run, &before, tally_counters(p->tally));
		if (rc)
			return err_set(err, rc, "out of memory");
		if (!p->options.quick)
			rc = clustering_add(p->clustering, packets + at, run.count, p->ingest,
			    err);
		if (rc)
			return rc;
		at += run.count;
	}
	return ST_OK;
}

static int run(struct pipeline *p, struct err *err)
{
	static struct capture_packet views[CAPTURE_BATCH_MAX];
	static struct decode_packet decoded[CAPTURE_BATCH_MAX];
	struct decode_packet *packets = decoded;
	const struct capture_file *file;
	uint64_t batches = 0;
	uint64_t done;
	uint64_t total;
	size_t count;
	int rc;

	while ((count = capture_next(p->capture, views, CAPTURE_BATCH_MAX, &file)) > 0) {
		if (file != p->file) {
			rc = end_file(p, false, err);
			if (!rc)
				rc = begin_file(p, file, err);
			if (rc)
				return rc;
		}
		if (p->sends_packets)
			packets = relay_room(p->relay);
		decode_batch(views, count, packets);
		rc = count_batch(p, packets, count, err);
		if (!rc && !p->options.quick)
			rc = add_visits(p, packets, count, err);
		if (!rc && p->options.alerts)
			rc = inspection_add(p->options.alerts, packets, count, p->ingest, err);
		if (rc)
			return rc;
		if (p->options.progress && ++batches % PROGRESS_BATCHES == 0) {
			capture_progress(p->capture, &done, &total);
			p->options.progress(p->options.arg, done, total);
		}
	}
	if (p->options.alerts && p->file) {
		int r = inspection_flush(p->options.alerts, p->ingest, err);

		if (r)
			return r;
	}
	return end_file(p, true, err);
}

static int open_visitors(struct pipeline *p, struct err *err)
{
	struct visitors_options options = {
		.sensor = p->options.sensor,
		.destinations = tally_observed(p->tally),
		.geo = p->options.geo,
		.tools = p->visit_tools,
		.store = p->options.store,
		.streams_max = p->options.streams_max,
		.hold_max = p->options.hold_max,
		.stream_bytes = p->options.stream_bytes,
		.room_bytes = p->options.room_bytes,
	};
	struct inspection_keep_options keep = {
		.rows = {p->options.sensor, tally_observed(p->tally), p->options.geo},
		.session = visitors_session,
	};
	int rc;

	options.remember = p->options.alerts && p->options.store;
	rc = visitors_new(&options, &p->visitors, err);
	keep.arg = p->visitors;
	if (!rc && options.remember)
		inspection_keep(p->options.alerts, &keep);
	return rc;
}

static int open_relay(struct pipeline *p, struct err *err)
{
	struct relay_options options = {.rows = take_rows, .packets = take_packets, .arg = p};

	return os_processors() > 1 ? relay_new(&options, &p->relay, err) : ST_OK;
}

/*
 * Visitors are heard in the second thread where they share nothing that changes with the first.
 * With a store their rows have indices of destinations, which must not be handed out by both, and
 * alerts ask for their session's row before the next batch.
 */
static bool may_send_packets(const struct pipeline *p)
{
	if (!p->relay || p->options.quick)
		return false;
	return !p->options.store
	    || (!p->options.alerts && destinations_fixed(tally_destinations(p->tally)));
}

static int open_capture(struct pipeline *p, struct err *err)
{
	struct capture_options options = {
		.names = p->options.names,
		.name_count = p->options.name_count,
		.filter = p->options.filter,
		.settle = p->sends_packets ? relay_settle : NULL,
		.settle_arg = p->relay,
	};

	return capture_open(&options, &p->capture, err);
}

/* Texts of signatures are for rows. */
static int open_tools(struct pipeline *p, struct err *err)
{
	int rc = tools_new(p->options.tool_rules, &p->tools, err);

	if (!rc && p->options.store)
		rc = tools_new(p->options.tool_rules, &p->visit_tools, err);
	else if (!rc)
		tools_forget_signatures(p->tools);
	return rc;
}

static int open_tally(struct pipeline *p, struct err *err)
{
	struct ip *known = NULL;
	struct tally_options options = {
		.sensor = p->options.sensor,
		.nets = p->options.nets,
		.net_count = p->options.net_count,
		.excluded = p->options.excluded,
		.excluded_count = p->options.excluded_count,
		/* Attacks ask for all destinations, but not of SYNs. */
		.dsts = p->options.store ? TALLY_DSTS_ALL
		    : p->options.quick ? TALLY_DSTS_FEW : TALLY_DSTS_FEW_OF_SYNS,
		.tools = p->tools,
		.sink = take_rows,
		.sink_arg = p,
	};
	int rc = ST_OK;

	if (p->options.store)
		rc = store_destinations_load(p->options.store, p->options.sensor, &known,
		    &options.known_count, err);
	options.known = known;
	if (p->relay) {
		options.relay = &relay_calls;
		options.relay_arg = p->relay;
	}
	if (!rc)
		rc = tally_new(&options, &p->tally, err);
	free(known);
	return rc;
}

static int judge(void *arg)
{
	struct pipeline *p = arg;
	size_t count;
	const struct capture_file *files = capture_files(p->capture, &count);
	int64_t first_us = 0;

	if (p->options.quick)
		return ST_OK;
	for (size_t i = count; i-- > 0;)
		if (files[i].packets)
			first_us = files[i].first_us;
	return judgements_finish(p->judgements, p->summary, p->tools,
	    destinations_size(tally_destinations(p->tally)), civil_days_of_time(first_us));
}

/* What the summary still adds up, and what is judged, are two things that only read what it has. */
static int conclude(struct pipeline *p)
{
	int rc;
	int judged;

	summary_close(p->summary);
	if (p->relay)
		relay_begin(p->relay, judge, p);
	rc = summary_finish(p->summary);
	judged = p->relay ? relay_finish(p->relay) : judge(p);
	return rc ? rc : judged;
}

int pipeline_run(const struct pipeline_options *options, struct pipeline **ret_pipeline,
    struct err *err)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	p->options = *options;
	p->flows = calloc(TALLY_ROWS_BATCH, sizeof(*p->flows));
	rc = p->flows ? ST_OK : err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = open_relay(p, err);
	if (!rc)
		rc = open_tools(p, err);
	if (!rc)
		rc = open_tally(p, err);
	if (!rc) {
		p->sends_packets = may_send_packets(p);
		rc = open_capture(p, err);
	}
	if (!rc)
		rc = open_visitors(p, err);
	if (!rc && summary_new(&(struct summary_options){p->tools, options->geo,
	    options->quick}, &p->summary))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = judgements_new(destinations_size(tally_destinations(p->tally)), &p->judgements, err);
	if (!rc)
		rc = clustering_new(options->sensor, options->zone, options->geo, &p->clustering, err);
	if (!rc)
		rc = run(p, err);
	if (!rc && conclude(p))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc) {
		pipeline_free(p);
		return rc;
	}
	*ret_pipeline = p;
	return ST_OK;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	relay_free(p->relay); /* first: its thread uses all the others */
	if (p->ingest)
		store_ingest_abort(p->ingest);
	if (p->identity)
		(void)identity_finish(p->identity, NULL, NULL); /* nobody asks any more */
	coverage_free(p->coverage);
	summary_free(p->summary);
	visitors_free(p->visitors);
	judgements_free(p->judgements);
	clustering_free(p->clustering);
	tally_free(p->tally);
	tools_free(p->tools);
	tools_free(p->visit_tools);
	capture_close(p->capture);
	free(p->flows);
	free(p);
}

const struct capture_file *pipeline_files(const struct pipeline *p, size_t *ret_count)
{
	return capture_files(p->capture, ret_count);
}

const struct tally_counters *pipeline_counters(const struct pipeline *p)
{
	return tally_counters(p->tally);
}

const struct destinations *pipeline_destinations(const struct pipeline *p)
{
	return tally_destinations(p->tally);
}

const struct summary *pipeline_summary(const struct pipeline *p)
{
	return p->summary;
}

const struct visitors *pipeline_visitors(const struct pipeline *p)
{
	return p->visitors;
}

const struct judgements *pipeline_judgements(const struct pipeline *p)
{
	return p->judgements;
}

struct clustering *pipeline_clustering(const struct pipeline *p)
{
	return p->clustering;
}

unsigned pipeline_refused(const struct pipeline *p)
{
	return p->refused;
}

unsigned pipeline_undecoded(const struct pipeline *p)
{
	return p->undecoded;
}

static int compare_first(const void *va, const void *vb)
{
	const struct capture_file *const *a = va;
	const struct capture_file *const *b = vb;

	return (*a)->first_us < (*b)->first_us ? -1 : (*a)->first_us > (*b)->first_us;
}

double pipeline_days(const struct pipeline *p)
{
	size_t count;
	const struct capture_file *files = capture_files(p->capture, &count);
	const struct capture_file **order = calloc(count ? count : 1, sizeof(*order));
	size_t n = 0;
	int64_t end = INT64_MIN;
	double sum = 0;

	if (!order)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (files[i].packets > 0)
			order[n++] = &files[i];
	qsort(order, n, sizeof(struct capture_file *), compare_first);
	for (size_t i = 0; i < n; i++) {
		int64_t from = order[i]->first_us > end ? order[i]->first_us : end;

		if (order[i]->last_us > from)
			sum += (double)(order[i]->last_us - from);
		if (order[i]->last_us > end)
			end = order[i]->last_us;
	}
	free(order);
	return sum / (double)CIVIL_US_PER_DAY;
}
