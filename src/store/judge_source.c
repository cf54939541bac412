/*
 * Sources of a date, judged one at a time when all rows are in; the contract is in judge_source.h.
 *
 * Nothing of a source depends on the order of its rows: what is kept are sums, largest values and
 * the set of its ports.  Rows come a vector at a time: what they will touch in the tables is fetched
 * into the cache for all of them first.
 */
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
#define BLOCK_SUBJECTS 4096u /* that are allocated at a time; a power of two */
#define TABLE_MIN 16384u

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
	uint64_t access;
	uint64_t bits; /* of the first row of access: the addresses it reached */
	uint32_t ports;
	uint32_t last_port; /* that is counted: protocol × 65536 + port, + 1; 0: none yet */
	uint32_t hours; /* bits of the hours in which it asked; a site day has 25 at most */
	uint32_t asn;
	uint16_t sensor; /* of the first row of access */
	uint8_t country[2];
	bool several; /* observed addresses asked */
	bool asked;
	bool bits_lack; /* of a row of access */
	bool moved;     /* rows of access have several countries */
	uint8_t access_country[2]; /* the largest of its rows of access, as the next four */
	uint16_t marks;
	uint32_t access_asn;
	uint32_t dsts;
	uint64_t all_bits;
	uint64_t marked[RECORD_MARK_COUNT]; /* packets of access by mark */
	struct tools_evidence tools; /* last: of most sources it stays empty */
};

/* Of a protocol: the ports' access. */
struct port_access {
	uint64_t packets;
	uint32_t sources;
};
#define PORTS 65536u

/* Of a country (two letters, 0 0 for none) and mark. */
struct origin_access {
	uint64_t packets;
	uint32_t sources;
};
#define ORIGINS (65536u * (1 + RECORD_MARK_COUNT)) /* the first 65536: of all packets */

struct judge_sources {
	struct judge_sources_options options;
	duckdb_connection con;
	struct chunks_writer writer;
	struct subject **blocks; /* subjects do not move */
	size_t block_count;
	uint32_t subjects;
	uint32_t *places; /* numbers of subjects + 1 by hash of the address; 0: free */
	size_t place_count;
	uint64_t *ports; /* set of port_key() of the ports counted; 0: free */
	size_t port_cap;
	size_t port_count;
	uint64_t fresh[BATCH]; /* keys of this vector that may be new */
	size_t fresh_count;
	struct record_role rows[BATCH];
	char reasons[BATCH][ROLE_REASON_MAX];
	size_t count;
	struct chunks_writer source_writer; /* of source_day */
	struct record_source_day days[BATCH];
	size_t day_count;
	struct port_access *protocols[256]; /* PORTS each; NULL: not asked */
	struct record_port_day ports_asked[BATCH];
	size_t ports_asked_count;
	struct origin_access *origins; /* NULL: not asked */
	bool moved;
};

int judge_sources_new(const struct judge_sources_options *options, duckdb_connection con,
    const char *table, struct judge_sources **ret_sources, struct err *err)
{
	struct judge_sources *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->options = *options;
	s->con = con;
	s->place_count = TABLE_MIN;
	s->port_cap = TABLE_MIN;
	s->places = calloc(s->place_count, sizeof(*s->places));
	s->ports = calloc(s->port_cap, sizeof(*s->ports));
	if (s->places && s->ports)
		ret = chunks_writer_open(&s->writer, con, &record_tables[RECORD_TABLE_role], table,
		    err);
	else
		ret = err_set(err, -ENOMEM, "out of memory");
	if (options->origin_day)
		s->origins = calloc(ORIGINS, sizeof(*s->origins));
	if (!ret && options->origin_day && !s->origins)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (!ret && options->source_day)
		ret = chunks_writer_open(&s->source_writer, con,
		    &record_tables[RECORD_TABLE_source_day], options->source_day, err);
	if (ret) {
		judge_sources_free(s);
		return ret;
	}
	*ret_sources = s;
	return ST_OK;
}

void judge_sources_free(struct judge_sources *s)
{
	int closed;

	if (!s)
		return;
	/* Open only after an error, which has been told. */
	closed = chunks_writer_close(&s->writer, NULL);
	closed |= chunks_writer_close(&s->source_writer, NULL);
	(void)closed;
	for (size_t i = 0; i < sizeof(s->protocols) / sizeof(s->protocols[0]); i++)
		free(s->protocols[i]);
	for (size_t i = 0; i < s->block_count; i++)
		free(s->blocks[i]);
	free(s->origins);
	free(s->blocks);
	free(s->places);
	free(s->ports);
	free(s);
}

static int flush(struct judge_sources *s, struct err *err)
{
	int ret = s->count ? chunks_writer_add(&s->writer, s->rows, s->count, err) : ST_OK;

	if (!ret && s->day_count)
		ret = chunks_writer_add(&s->source_writer, s->days, s->day_count, err);
	s->count = 0;
	s->day_count = 0;
	return ret;
}

static struct record_text text_of(const char *text)
{
	return (struct record_text){text ? text : "", text ? (uint32_t)strlen(text) : 0};
}

/* As rollup_source_day.sql has it. */
static void put_source_day(struct judge_sources *s, const struct subject *subject)
{
	s->days[s->day_count++] = (struct record_source_day){
		.date = s->options.day,
		.sensor = s->options.sensor,
		.src_hi = subject->talk.ip.hi,
		.src_lo = subject->talk.ip.lo,
		.packets = subject->access,
		.ports = subject->ports,
		.dst_bits = subject->bits_lack ? 0 : subject->all_bits,
		.dsts = subject->bits_lack ? subject->dsts
		                           : (uint32_t)__builtin_popcountll(subject->all_bits),
		.marks = subject->marks,
		.country = {(char)subject->access_country[0], (char)subject->access_country[1]},
		.asn = subject->access_asn,
	};
}

static void count_origin(struct judge_sources *s, const struct subject *subject)
{
	struct origin_access *all =
	    &s->origins[subject->access_country[0] << 8 | subject->access_country[1]];

	s->moved |= subject->moved;
	all->packets += subject->access;
	all->sources++;
	for (unsigned i = 0; i < RECORD_MARK_COUNT; i++) {
		all += 65536;
		all->packets += subject->marked[i];
		all->sources += (subject->marks >> i & 1) != 0;
	}
}

static int end_source(struct judge_sources *s, const struct subject *subject, struct err *err)
{
	const struct judge_sources_options *o = &s->options;
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
	if (o->source_day && subject->asked)
		put_source_day(s, subject);
	if (s->origins && subject->asked)
		count_origin(s, subject);
	if (!o->all_roles && !role_is_apart(role))
		return s->day_count == BATCH ? flush(s, err) : ST_OK;
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
	s->count++;
	return s->count == BATCH || s->day_count == BATCH ? flush(s, err) : ST_OK;
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

static uint64_t port_key(uint32_t number, uint32_t port)
{
	return (uint64_t)number << 32 | port;
}

/* Whether the first code comes after the other in order. */
static bool code_above(const uint8_t a[2], const uint8_t b[2])
{
	return (a[0] << 8 | a[1]) > (b[0] << 8 | b[1]);
}

/* What only the rollups need. */
static void count_days(struct judge_sources *s, struct subject *subject,
    const struct record_flow *flow)
{
	const uint8_t *country = (const uint8_t *)flow->country;

	subject->bits_lack |= flow->dst_bits == 0;
	subject->all_bits |= flow->dst_bits;
	if (flow->dsts > subject->dsts)
		subject->dsts = flow->dsts;
	subject->marks |= flow->marks;
	for (unsigned marks = flow->marks; marks; marks &= marks - 1)
		if (__builtin_ctz(marks) < RECORD_MARK_COUNT)
			subject->marked[__builtin_ctz(marks)] += flow->packets;
	subject->moved |= subject->asked && memcmp(country, subject->access_country, 2) != 0;
	if (code_above(country, subject->access_country))
		memcpy(subject->access_country, country, 2);
	if (flow->asn > subject->access_asn)
		subject->access_asn = flow->asn;
	if (s->protocols[flow->proto])
		s->protocols[flow->proto][flow->port].packets += flow->packets;
}

static void count_access(struct judge_sources *s, uint32_t number, struct subject *subject,
    const struct record_flow *flow)
{
	const struct judge_sources_options *o = &s->options;
	uint32_t port = ((uint32_t)flow->proto << 16 | flow->port) + 1;

	subject->access += flow->packets;
	if (o->source_day)
		count_days(s, subject, flow);
	if (subject->last_port != port) {
		subject->last_port = port;
		s->fresh[s->fresh_count++] = port_key(number, port);
	}
	subject->hours |= 1u << flow->time / HOUR_US % 32;
	note_destinations(subject, flow);
	if (flow->proto == PROTO_TCP && flow->syn_signature) {
		const struct judge_signature *known =
		    find_signature(o->signatures, flow->syn_signature);
		uint32_t possible = known->id ? known->rules : o->signatures->unknown;

		if (possible)
			tools_evidence_add(&subject->tools, flow->packets,
			    stored_rules_match(o->tools, possible, flow->marks, flow->ttl, flow->ttl));
	}
}

static void count_row(struct judge_sources *s, uint32_t number, struct subject *subject,
    const struct record_flow *flow)
{
	const uint8_t *country = (const uint8_t *)flow->country;

	if (code_above(country, subject->country))
		memcpy(subject->country, country, 2);
	if (flow->asn > subject->asn)
		subject->asn = flow->asn;
	if (flow->class == RECORD_CLASS_REQUEST)
		count_access(s, number, subject, flow);
	else
		role_talk_count(&subject->talk, flow);
}

/* ---- rows ----------------------------------------------------------------------------------- */

struct columns {
	const uint64_t *hi, *lo, *bits;
	const uint8_t *class, *proto, *victim_proto, *flags, *ttl;
	const uint16_t *port, *marks, *sensor;
	const uint32_t *signature, *packets, *dsts, *asn;
	const int64_t *time;
	const duckdb_string_t *country;
	const uint8_t *for_another;
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
		.time = CHUNKS_COLUMN(chunk, 14, int64_t),
		.country = CHUNKS_COLUMN(chunk, 15, duckdb_string_t),
		.asn = CHUNKS_COLUMN(chunk, 16, uint32_t),
		.for_another = CHUNKS_COLUMN(chunk, 17, uint8_t),
	};
}

static struct record_flow row_of(const struct columns *c, size_t i)
{
	struct record_flow flow = {
		.time = c->time[i],
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
		.victim_proto = c->victim_proto[i],
	};

	if (c->for_another[i])
		return flow;
	flow.asn = c->asn[i];
	/* Two letters lie in the string's own struct. */
	if (c->country[i].value.inlined.length == 2)
		memcpy(flow.country, c->country[i].value.inlined.inlined, 2);
	return flow;
}

static struct subject *subject_at(const struct judge_sources *s, uint32_t number)
{
	return &s->blocks[number / BLOCK_SUBJECTS][number % BLOCK_SUBJECTS];
}

/* Where the address is, or the free place it belongs into. */
static uint32_t *find_place(const struct judge_sources *s, struct ip ip, uint64_t hash)
{
	size_t mask = s->place_count - 1;
	size_t at = hash & mask;

	while (s->places[at] && !ip_equal(subject_at(s, s->places[at] - 1)->talk.ip, ip))
		at = (at + 1) & mask;
	return &s->places[at];
}

/* Room for the subjects and ports of a whole vector, so that no row can fail. */
static int reserve_subjects(struct judge_sources *s)
{
	size_t blocks = (s->subjects + BATCH + BLOCK_SUBJECTS - 1) / BLOCK_SUBJECTS;
	uint32_t *places;

	while (s->block_count < blocks) {
		struct subject **grown = realloc(s->blocks, (s->block_count + 1) * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->blocks = grown;
		grown[s->block_count] = malloc(BLOCK_SUBJECTS * sizeof(**grown));
		if (!grown[s->block_count])
			return -ENOMEM;
		s->block_count++;
	}
	if (2 * ((size_t)s->subjects + BATCH) <= s->place_count)
		return ST_OK;
	places = calloc(2 * s->place_count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(s->places);
	s->places = places;
	s->place_count *= 2;
	for (uint32_t i = 0; i < s->subjects; i++) {
		struct ip ip = subject_at(s, i)->talk.ip;

		*find_place(s, ip, hash_pair(ip.hi, ip.lo)) = i + 1;
	}
	return ST_OK;
}

/* Puts a key where it belongs; false when it was there. */
static bool put_port(uint64_t *ports, size_t cap, uint64_t key)
{
	size_t at = hash_u64(key) & (cap - 1);

	while (ports[at] && ports[at] != key)
		at = (at + 1) & (cap - 1);
	if (ports[at])
		return false;
	ports[at] = key;
	return true;
}

static int reserve_protocols(struct judge_sources *s, const struct columns *c, size_t count)
{
	if (!s->options.port_day)
		return ST_OK;
	for (size_t i = 0; i < count; i++) {
		struct port_access **ports = &s->protocols[c->proto[i]];

		if (!*ports)
			*ports = calloc(PORTS, sizeof(**ports));
		if (!*ports)
			return -ENOMEM;
	}
	return ST_OK;
}

static int reserve_ports(struct judge_sources *s)
{
	uint64_t *ports;

	if (s->port_count + BATCH <= s->port_cap / 4 * 3)
		return ST_OK;
	ports = calloc(2 * s->port_cap, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	for (size_t i = 0; i < s->port_cap; i++)
		if (s->ports[i])
			(void)put_port(ports, 2 * s->port_cap, s->ports[i]);
	free(s->ports);
	s->ports = ports;
	s->port_cap *= 2;
	return ST_OK;
}

static void count_ports(struct judge_sources *s)
{
	for (size_t i = 0; i < s->fresh_count; i++)
		__builtin_prefetch(&s->ports[hash_u64(s->fresh[i]) & (s->port_cap - 1)], 1);
	for (size_t i = 0; i < s->fresh_count; i++) {
		if (!put_port(s->ports, s->port_cap, s->fresh[i]))
			continue;
		s->port_count++;
		subject_at(s, (uint32_t)(s->fresh[i] >> 32))->ports++;
		if (s->options.port_day) {
			uint32_t port = (uint32_t)s->fresh[i] - 1; /* with its protocol */

			s->protocols[port / PORTS][port % PORTS].sources++;
		}
	}
	s->fresh_count = 0;
}

/* Fetches what the rows' sources are found by, then what is known of them. */
static void hash_sources(const struct judge_sources *s, const struct columns *c, size_t count,
    uint64_t ret_hashes[BATCH])
{
	size_t mask = s->place_count - 1;

	for (size_t i = 0; i < count; i++) {
		ret_hashes[i] = hash_pair(c->hi[i], c->lo[i]);
		__builtin_prefetch(&s->places[ret_hashes[i] & mask]);
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t place = s->places[ret_hashes[i] & mask];

		if (!place)
			continue;
		__builtin_prefetch(subject_at(s, place - 1), 1);
		__builtin_prefetch(&subject_at(s, place - 1)->country, 1);
	}
}

static void take_rows(struct judge_sources *s, const struct columns *columns, size_t count)
{
	uint64_t hashes[BATCH];

	hash_sources(s, columns, count, hashes);
	for (size_t i = 0; i < count; i++) {
		const struct record_flow flow = row_of(columns, i);
		struct ip ip = {flow.src_hi, flow.src_lo};
		uint32_t *place = find_place(s, ip, hashes[i]);

		if (!*place) {
			*subject_at(s, s->subjects) = (struct subject){.talk.ip = ip};
			*place = ++s->subjects;
		}
		count_row(s, *place - 1, subject_at(s, *place - 1), &flow);
	}
	count_ports(s);
}

int judge_sources_take(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge_sources *s = arg;
	const struct columns columns = columns_of(chunk);
	size_t count = duckdb_data_chunk_get_size(chunk);

	if (reserve_subjects(s) || reserve_ports(s) || reserve_protocols(s, &columns, count))
		return err_set(err, -ENOMEM, "out of memory");
	take_rows(s, &columns, count);
	return ST_OK;
}

int judge_sources_end_part(struct judge_sources *s, struct err *err)
{
	int ret = ST_OK;

	for (uint32_t i = 0; !ret && i < s->subjects; i++)
		ret = end_source(s, subject_at(s, i), err);
	s->subjects = 0;
	memset(s->places, 0, s->place_count * sizeof(*s->places));
	memset(s->ports, 0, s->port_cap * sizeof(*s->ports));
	s->port_count = 0;
	return ret;
}

/* As rollup_port_day.sql has it: with one sensor its numbers are those of all together. */
static int put_port_day(struct judge_sources *s, uint8_t proto, uint16_t port,
    struct chunks_writer *writer, struct err *err)
{
	const struct port_access *access = &s->protocols[proto][port];
	int ret = ST_OK;

	for (unsigned i = 0; i < 2; i++)
		s->ports_asked[s->ports_asked_count++] = (struct record_port_day){
			.date = s->options.day,
			.sensor = i ? s->options.sensor : 0,
			.proto = proto,
			.port = port,
			.packets = access->packets,
			.sources = access->sources,
		};
	if (s->ports_asked_count == BATCH) {
		ret = chunks_writer_add(writer, s->ports_asked, BATCH, err);
		s->ports_asked_count = 0;
	}
	return ret;
}

static int write_port_day(struct judge_sources *s, struct err *err)
{
	struct chunks_writer writer;
	int ret = chunks_writer_open(&writer, s->con, &record_tables[RECORD_TABLE_port_day],
	    s->options.port_day, err);

	for (unsigned proto = 0; proto < 256; proto++)
		for (uint32_t port = 0; !ret && s->protocols[proto] && port < PORTS; port++)
			if (s->protocols[proto][port].sources)
				ret = put_port_day(s, (uint8_t)proto, (uint16_t)port, &writer, err);
	if (!ret && s->ports_asked_count)
		ret = chunks_writer_add(&writer, s->ports_asked, s->ports_asked_count, err);
	if (chunks_writer_close(&writer, ret ? NULL : err) && !ret)
		ret = ST_ENGINE;
	return ret;
}

/* As rollup_origin_day.sql has it, likewise. */
static int write_origin_day(struct judge_sources *s, struct err *err)
{
	struct chunks_writer writer;
	int ret = chunks_writer_open(&writer, s->con, &record_tables[RECORD_TABLE_origin_day],
	    s->options.origin_day, err);

	for (uint32_t at = 0; !ret && at < ORIGINS; at++) {
		const struct origin_access *access = &s->origins[at];
		struct record_origin_day rows[2] = {
			{.date = s->options.day, .country = {(char)(at >> 8), (char)at},
			    .mark = at < 65536 ? 0 : (uint16_t)(1u << (at / 65536 - 1)),
			    .packets = access->packets, .sources = access->sources}};

		rows[1] = rows[0];
		rows[1].sensor = s->options.sensor;
		if (access->sources)
			ret = chunks_writer_add(&writer, rows, 2, err);
	}
	if (chunks_writer_close(&writer, ret ? NULL : err) && !ret)
		ret = ST_ENGINE;
	return ret;
}

int judge_sources_finish(struct judge_sources *s, bool *ret_moved, struct err *err)
{
	int ret = flush(s, err);

	if (!ret)
		ret = chunks_writer_close(&s->writer, err);
	if (!ret)
		ret = chunks_writer_close(&s->source_writer, err);
	if (!ret && s->options.port_day)
		ret = write_port_day(s, err);
	if (!ret && s->origins && !s->moved)
		ret = write_origin_day(s, err);
	if (!ret)
		*ret_moved = s->moved;
	return ret;
}
