/* Sources of a date, judged one at a time; the contract is in judge_source.h. */
#include "store/judge_source.h"

#include "store/chunks.h"

#include "base/civil.h"
#include "base/hash.h"
#include "fingerprint/stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 2048 /* DuckDB's vectors */
#define PROTO_TCP 6
#define HOUR_US (60 * CIVIL_US_PER_MINUTE)

/* ---- signatures ----------------------------------------------------------------------------- */

struct judge_signature {
	uint32_t id; /* 0: free */
	uint32_t rules;
};

static struct judge_signature *find_signature(const struct judge_signatures *s, uint32_t id)
{
	uint32_t at = (uint32_t)hash_u64(id) & (s->capacity - 1);

	while (s->slots[at].id && s->slots[at].id != id)
		at = (at + 1) & (s->capacity - 1);
	return &s->slots[at];
}

int judge_signatures_load(struct judge_signatures *s, struct catalogue *cat,
    const struct tools *tools, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int ret = catalogue_int(cat, &count, err, "SELECT count(*) FROM signature", "");

	if (ret)
		return ret;
	s->capacity = 64;
	while (s->capacity < 2 * (uint64_t)count && s->capacity < 1u << 30)
		s->capacity *= 2;
	s->slots = calloc(s->capacity, sizeof(*s->slots));
	if (!s->slots)
		return err_set(err, -ENOMEM, "out of memory");
	/* No option and no window that a rule could name. */
	s->unknown = stored_rules_of(tools, "4:64:0:*:0,*::df:+");
	ret = catalogue_prepare(cat, &stmt, err, "SELECT id, text FROM signature LIMIT ?", "i", count);
	while (!ret && (ret = catalogue_step(cat, stmt, err)) == 1) {
		uint32_t id = (uint32_t)sqlite3_column_int64(stmt, 0);

		ret = ST_OK;
		if (id)
			*find_signature(s, id) = (struct judge_signature){id,
				stored_rules_of(tools, catalogue_text(stmt, 1))};
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

void judge_signatures_fini(struct judge_signatures *s)
{
	free(s->slots);
	memset(s, 0, sizeof(*s));
}

/* ---- one source ----------------------------------------------------------------------------- */

struct subject {
	struct role_talk talk;
	struct tools_evidence tools;
	uint64_t access;
	uint32_t ports;
	uint32_t last_port; /* protocol × 65536 + port, + 1 */
	bool several;       /* observed addresses asked */
	bool asked;
	uint16_t sensor; /* of the first row of access, and the addresses it reached */
	uint64_t bits;
	uint32_t hours; /* bits of the hours in which it asked; a site day has 25 at most */
	char country[2];
	uint32_t asn;
};

struct judge_sources {
	struct judge_sources_options options;
	struct chunks_writer writer;
	struct subject subject;
	bool any; /* a source is under way */
	struct record_role rows[BATCH];
	char reasons[BATCH][ROLE_REASON_MAX];
	size_t count;
};

int judge_sources_new(const struct judge_sources_options *options, duckdb_connection con,
    const char *table, struct judge_sources **ret_sources, struct err *err)
{
	struct judge_sources *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->options = *options;
	ret = chunks_writer_open(&s->writer, con, &record_tables[RECORD_TABLE_role], table, err);
	if (ret) {
		judge_sources_free(s);
		return ret;
	}
	*ret_sources = s;
	return ST_OK;
}

void judge_sources_free(struct judge_sources *s)
{
	if (s && chunks_writer_close(&s->writer, NULL)) {
		/* Only after an error, which has been told. */
	}
	free(s);
}

static int flush(struct judge_sources *s, struct err *err)
{
	int ret = s->count ? chunks_writer_add(&s->writer, s->rows, s->count, err) : ST_OK;

	s->count = 0;
	return ret;
}

static struct record_text text_of(const char *text)
{
	return (struct record_text){text ? text : "", text ? (uint32_t)strlen(text) : 0};
}

static int end_source(struct judge_sources *s, struct err *err)
{
	const struct judge_sources_options *o = &s->options;
	const struct subject *subject = &s->subject;
	const struct role_talk *talk = &subject->talk;
	char *reason = s->reasons[s->count];
	uint32_t tools = tools_judge(o->tools, &subject->tools, subject->access);
	struct role_evidence evidence = {
		.access = subject->access,
		.replies = talk->replies,
		.responses = talk->responses,
		.spoken = talk->spoken,
		.other = talk->other,
		.ports = subject->ports,
		.several_addresses = subject->several,
		.hours = (unsigned)__builtin_popcount(subject->hours),
		.tool = tools ? tools_name(o->tools, (unsigned)__builtin_ctz(tools)) : NULL,
		.research = research_find(o->research, talk->ip, o->day),
		.carpet = carpets_networks(o->carpets, talk->carpet, talk->replies),
		.observed = o->addresses,
		.settings = o->settings,
	};
	enum role role;

	role_victims_find(o->victims, talk->ip, &evidence);
	role = role_judge(&evidence, reason);
	if (!o->all_roles && !role_is_apart(role))
		return ST_OK;
	s->rows[s->count] = (struct record_role){
		.date = o->day,
		.src_hi = talk->ip.hi,
		.src_lo = talk->ip.lo,
		.role = text_of(role_name(role)),
		.reason = text_of(reason),
		.packets = subject->access,
		.replies = talk->replies + talk->responses + talk->spoken + talk->other,
		.tool = text_of(evidence.tool),
		.research = text_of(evidence.research),
		.country = {'Z', 'Z'},
		.asn = subject->asn,
		.detector = ROLE_DETECTOR,
	};
	if (subject->country[0])
		memcpy(s->rows[s->count].country, subject->country, 2);
	return ++s->count == BATCH ? flush(s, err) : ST_OK;
}

/* Whether one observed address was asked or several. */
static void note_destinations(struct subject *subject, const struct record_flow *flow)
{
	if (flow->dsts > 1 || (flow->dst_bits & (flow->dst_bits - 1))) {
		subject->several = true;
	} else if (!subject->asked) {
		subject->sensor = flow->sensor;
		subject->bits = flow->dst_bits;
	} else if (subject->sensor != flow->sensor || subject->bits != flow->dst_bits
	    || !flow->dst_bits) {
		/* In a network above 64 addresses rows do not say which: taken for different ones. */
		subject->several = true;
	}
	subject->asked = true;
}

static void count_access(struct judge_sources *s, const struct record_flow *flow)
{
	const struct judge_sources_options *o = &s->options;
	struct subject *subject = &s->subject;
	uint32_t port = ((uint32_t)flow->proto << 16 | flow->port) + 1;

	subject->access += flow->packets;
	if (subject->last_port != port) {
		subject->ports++;
		subject->last_port = port;
	}
	subject->hours |= 1u << flow->time / HOUR_US % 32;
	note_destinations(subject, flow);
	if (flow->proto == PROTO_TCP && flow->syn_signature) {
		const struct judge_signature *known =
		    find_signature(o->signatures, flow->syn_signature);
		uint32_t possible = known->id ? known->rules : o->signatures->unknown;

		tools_evidence_add(&subject->tools, flow->packets,
		    stored_rules_match(o->tools, possible, flow->marks, flow->ttl, flow->ttl));
	}
}

static void count_row(struct judge_sources *s, const struct record_flow *flow)
{
	struct subject *subject = &s->subject;

	if (memcmp(flow->country, subject->country, 2) > 0)
		memcpy(subject->country, flow->country, 2);
	if (flow->asn > subject->asn)
		subject->asn = flow->asn;
	if (flow->class == RECORD_CLASS_REQUEST)
		count_access(s, flow);
	else
		role_talk_count(&subject->talk, flow);
}

struct columns {
	const uint64_t *hi, *lo, *bits;
	const uint8_t *class, *proto, *victim_proto, *flags, *ttl;
	const uint16_t *port, *marks, *sensor;
	const uint32_t *signature, *packets, *dsts, *asn;
	const int64_t *seconds;
	const duckdb_string_t *country;
};

/* In the order of judge_roles.sql. */
static struct columns columns_of(duckdb_data_chunk chunk)
{
	return (struct columns){
		.hi = CHUNKS_COLUMN(chunk, 0, uint64_t),
		.lo = CHUNKS_COLUMN(chunk, 1, uint64_t),
		.class = CHUNKS_COLUMN(chunk, 2, uint8_t),
		.proto = CHUNKS_COLUMN(chunk, 3, uint8_t),
		.victim_proto = CHUNKS_COLUMN(chunk, 4, uint8_t),
		.port = CHUNKS_COLUMN(chunk, 5, uint16_t),
		.flags = CHUNKS_COLUMN(chunk, 6, uint8_t),
		.marks = CHUNKS_COLUMN(chunk, 7, uint16_t),
		.signature = CHUNKS_COLUMN(chunk, 8, uint32_t),
		.packets = CHUNKS_COLUMN(chunk, 9, uint32_t),
		.dsts = CHUNKS_COLUMN(chunk, 10, uint32_t),
		.bits = CHUNKS_COLUMN(chunk, 11, uint64_t),
		.ttl = CHUNKS_COLUMN(chunk, 12, uint8_t),
		.sensor = CHUNKS_COLUMN(chunk, 13, uint16_t),
		.seconds = CHUNKS_COLUMN(chunk, 14, int64_t),
		.country = CHUNKS_COLUMN(chunk, 15, duckdb_string_t),
		.asn = CHUNKS_COLUMN(chunk, 16, uint32_t),
	};
}

static struct record_flow row_of(const struct columns *c, size_t i)
{
	struct record_flow flow = {
		.time = c->seconds[i] * CIVIL_US_PER_SECOND,
		.sensor = c->sensor[i],
		.src_hi = c->hi[i],
		.src_lo = c->lo[i],
		.proto = c->proto[i],
		.port = c->port[i],
		.class = c->class[i],
		.tcp_flags = c->flags[i],
		.marks = c->marks[i],
		.packets = c->packets[i],
		.dsts = c->dsts[i],
		.dst_bits = c->bits[i],
		.ttl = c->ttl[i],
		.syn_signature = c->signature[i],
		.asn = c->asn[i],
		.victim_proto = c->victim_proto[i],
	};

	/* Two letters lie in the string's own struct. */
	if (c->country[i].value.inlined.length == 2)
		memcpy(flow.country, c->country[i].value.inlined.inlined, 2);
	return flow;
}

int judge_sources_take(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge_sources *s = arg;
	const struct columns columns = columns_of(chunk);
	size_t count = duckdb_data_chunk_get_size(chunk);

	for (size_t i = 0; i < count; i++) {
		const struct record_flow flow = row_of(&columns, i);
		struct ip ip = {flow.src_hi, flow.src_lo};

		if (!s->any || !ip_equal(s->subject.talk.ip, ip)) {
			int ret = s->any ? end_source(s, err) : ST_OK;

			if (ret)
				return ret;
			s->any = true;
			s->subject = (struct subject){.talk.ip = ip};
		}
		count_row(s, &flow);
	}
	return ST_OK;
}

int judge_sources_finish(struct judge_sources *s, struct err *err)
{
	int ret = s->any ? end_source(s, err) : ST_OK;

	s->any = false;
	if (!ret)
		ret = flush(s, err);
	if (!ret)
		ret = chunks_writer_close(&s->writer, err);
	return ret;
}
