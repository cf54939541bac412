/*
 * Attacks from rows; the contract is in attack.h.
 *
 * Victims lie densely; an index of their numbers finds them and the whole key is compared.  When
 * there is no room, those that have been silent long enough are ended first.  What has ended and
 * meets the rule goes to the list.  Every threshold only grows with the number of addresses, so
 * what fails at the number known so far fails at the end as well, and the rest is asked again.
 */
#include "detect/attack.h"

#include "base/civil.h"
#include "base/hash.h"
#include "detect/reflection.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMPV6 58
#define PORT_QUIC 443
#define VICTIMS_FIRST 1024u
#define CACHE_LINE 64u
#define SWEEP_FRACTION 8 /* a sweep that frees less than this part is not repeated at once */

struct minute_count {
	int64_t minute_us;
	uint64_t packets;
};

struct sensor_bits {
	uint64_t bits;
	uint16_t sensor;
};

struct victim {
	struct attack attack;
	int64_t last_us;
	struct minute_count minutes[ATTACK_MINUTES];
	struct sensor_bits spread[ATTACK_SENSORS];
	uint8_t spread_count;
	uint64_t spread_packets; /* of the sensors in spread */
	uint64_t sampled;      /* bits of the first addresses of rows without bits */
	uint32_t sample_count; /* of such rows */
	uint64_t destinations_max; /* largest number that a row said */
};

struct heard {
	struct ip source; /* zero: free */
	uint16_t port;
	const char *vector;
};

struct attacks {
	struct detect_settings settings;
	uint64_t addresses;
	struct attack_rule rules[ATTACK_KIND_COUNT];
	struct victim *victims;
	uint32_t count;
	uint32_t capacity;
	uint32_t *index; /* number + 1; twice the capacity */
	int64_t now_us;  /* latest moment seen */
	int64_t sweep_us; /* no sweep before this moment */
	struct attack *list;
	size_t list_count;
	size_t list_capacity;
	uint64_t untracked;
	uint64_t unlisted;
	struct heard *heard; /* open addressing, a power of two; NULL: nothing was heard */
	uint32_t heard_count;
	uint32_t heard_capacity;
};

/* ---- rules ---------------------------------------------------------------------------------- */

struct attack_rule attack_rule_backscatter(const struct detect_settings *settings,
    uint64_t addresses)
{
	struct attack_rule rule = {
		.packets = settings->backscatter_packets,
		.destinations = settings->backscatter_addresses,
		.gap_us = settings->backscatter_gap_us,
	};

	if (rule.destinations > addresses)
		rule.destinations = addresses > 1 ? (uint32_t)addresses : 1;
	if (addresses >= ATTACK_TELESCOPE) {
		rule.duration_us = settings->backscatter_us;
		rule.ppm = settings->backscatter_ppm;
	} else {
		rule.packets = (uint64_t)ceil((double)rule.packets
		    * sqrt((double)addresses / ATTACK_TELESCOPE));
	}
	if (rule.packets < settings->backscatter_packets_min)
		rule.packets = settings->backscatter_packets_min;
	rule.packets_asked = rule.packets;
	return rule;
}

double attack_rate(const struct attack *attack, uint64_t addresses)
{
	double seconds = (double)(attack->end_us - attack->start_us) / 1e6;

	if (attack->kind != ATTACK_BACKSCATTER || !ip_is_v4(attack->victim)
	    || addresses <= ATTACK_SMALL)
		return 0;
	return (double)attack->packets / (seconds < 1 ? 1 : seconds) * 4294967296.0
	    / (double)addresses;
}

enum attack_confidence attack_confidence(uint64_t addresses)
{
	double per_minute = 1e5 * 60 * (double)addresses / 4294967296.0;

	if (per_minute < 1)
		return ATTACK_CONFIDENCE_LOW;
	return per_minute < 30 ? ATTACK_CONFIDENCE_MEDIUM : ATTACK_CONFIDENCE_HIGH;
}

const char *attack_confidence_name(enum attack_confidence confidence)
{
	static const char *const names[] = {"low", "medium", "high"};

	return names[confidence];
}

const char *attack_kind_name(enum attack_kind kind)
{
	return kind == ATTACK_REFLECTION ? "reflection" : "backscatter";
}

/* ---- rows ----------------------------------------------------------------------------------- */

bool attack_is_sample(uint8_t class, uint8_t proto, uint8_t attack_proto, uint16_t port)
{
	/* Where a service answers, what is asked next belongs to the conversation. */
	if (class == RECORD_CLASS_REQUEST || class == RECORD_CLASS_FOLLOWUP)
		return proto == PROTO_UDP && reflection_is_port(port);
	if (class != RECORD_CLASS_BACKSCATTER)
		return false;
	/* A datagram from a service is a reflector's answer: its sender is not attacked.  Only QUIC
	 * servers answer forged first packets themselves (QUICsand, IMC 2021). */
	return !(proto == PROTO_UDP && attack_proto == PROTO_UDP && port != PORT_QUIC);
}

bool attack_sample_of(const struct record_flow *flow, struct attack_sample *ret_sample)
{
	bool backscatter = flow->class == RECORD_CLASS_BACKSCATTER;
	bool ports = flow->victim_proto == PROTO_TCP || flow->victim_proto == PROTO_UDP;

	if (!attack_is_sample(flow->class, flow->proto, flow->victim_proto, flow->port))
		return false;
	*ret_sample = (struct attack_sample){
		.kind = backscatter ? ATTACK_BACKSCATTER : ATTACK_REFLECTION,
		.victim = backscatter ? (struct ip){flow->victim_hi, flow->victim_lo}
		                      : (struct ip){flow->src_hi, flow->src_lo},
		.proto = backscatter ? flow->victim_proto : flow->proto,
		.port = backscatter && !ports ? 0 : flow->port,
		.sensor = flow->sensor,
		.minute_us = flow->time,
		.first_second = flow->first_second,
		.last_second = flow->last_second,
		.packets = flow->packets,
		.dsts = flow->dsts,
		.dst_bits = flow->dst_bits,
		.has_bits = flow->dst_bits != 0,
	};
	return true;
}

/* ---- one victim ----------------------------------------------------------------------------- */

static void count_minute(struct victim *v, const struct attack_sample *s)
{
	struct minute_count *m = &v->minutes[0];

	for (size_t i = 0; i < ATTACK_MINUTES; i++) {
		if (v->minutes[i].packets && v->minutes[i].minute_us == s->minute_us) {
			m = &v->minutes[i];
			break;
		}
		if (!v->minutes[i].packets
		    || (m->packets && v->minutes[i].minute_us < m->minute_us))
			m = &v->minutes[i];
	}
	if (!m->packets || m->minute_us != s->minute_us)
		*m = (struct minute_count){.minute_us = s->minute_us};
	m->packets += s->packets;
	if (m->packets > v->attack.max_ppm)
		v->attack.max_ppm = m->packets;
}

/* The most frequent ports, after Metwally et al., "space saving" (2005). */
static void count_port(struct attack *a, const struct attack_sample *s)
{
	struct attack_port *least = &a->ports[0];

	for (size_t i = 0; i < ATTACK_PORTS; i++) {
		struct attack_port *p = &a->ports[i];

		if (p->packets == 0 || p->port == s->port) {
			p->port = s->port;
			p->packets += s->packets;
			return;
		}
		if (p->packets < least->packets)
			least = p;
	}
	a->many_ports = true;
	least->port = s->port;
	least->packets += s->packets;
}

static void count_destinations(struct victim *v, const struct attack_sample *s, uint64_t repeats)
{
	if (s->dsts > v->destinations_max)
		v->destinations_max = s->dsts;
	if (s->dsts && s->packets >= repeats * s->dsts)
		v->attack.repeated = true;
	if (!s->has_bits) {
		if (s->first_dst) {
			v->sampled |= 1ull << (hash_u64(s->first_dst) & 63);
			v->sample_count++;
		}
		return;
	}
	for (size_t i = 0; i < ATTACK_SENSORS; i++) {
		struct sensor_bits *spread = &v->spread[i];

		if (i < v->spread_count && spread->sensor != s->sensor)
			continue;
		if (i == v->spread_count) {
			v->spread_count++;
			spread->sensor = s->sensor;
		}
		spread->bits |= s->dst_bits;
		v->spread_packets += s->packets;
		return;
	}
}

static uint32_t spread_of(const struct victim *v)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v->spread_count; i++)
		n += (uint32_t)__builtin_popcountll(v->spread[i].bits);
	return n > v->destinations_max ? n
	    : v->destinations_max > UINT32_MAX ? UINT32_MAX : (uint32_t)v->destinations_max;
}

static bool meets(const struct attack *a, const struct attack_rule *rule, bool asked)
{
	return a->packets >= (asked ? rule->packets_asked : rule->packets)
	    && a->destinations >= rule->destinations
	    && a->max_ppm >= rule->ppm && a->end_us - a->start_us >= rule->duration_us
	    && (a->kind == ATTACK_BACKSCATTER || a->repeated);
}

static int compare_ports(const void *va, const void *vb)
{
	const struct attack_port *a = va;
	const struct attack_port *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	return a->port < b->port ? -1 : a->port > b->port;
}

/*
 * Are the same addresses asked again and again?  In a large network only the first address of each
 * minute is known: distinct ones are estimated by linear counting (Whang et al., 1990), which a
 * scanner's addresses fill up.
 */
static bool is_repeated(const struct victim *v, uint64_t repeats)
{
	int free_bits = 64 - __builtin_popcountll(v->sampled);

	if (v->attack.repeated)
		return true;
	if (v->spread_count
	    && v->spread_packets >= repeats * spread_of(v))
		return true;
	return v->sample_count && free_bits
	    && v->sample_count >= (double)repeats * 64 * log(64.0 / free_bits);
}

/* The attack is over: into the list when it was one, or may be for what was asked. */
static int end_attack(struct attacks *as, struct victim *v)
{
	struct attack *a = &v->attack;

	a->end_us = v->last_us;
	a->destinations = spread_of(v);
	a->repeated = is_repeated(v, as->rules[a->kind].repeats);
	qsort(a->ports, ATTACK_PORTS, sizeof(a->ports[0]), compare_ports);
	a->port = a->ports[0].port;
	if (!meets(a, &as->rules[a->kind], true))
		return ST_OK;
	if (as->list_count == ATTACK_LIST_MAX) {
		as->unlisted++;
		return ST_OK;
	}
	if (as->list_count == as->list_capacity) {
		size_t capacity = as->list_capacity ? as->list_capacity * 2 : 64;
		struct attack *list = realloc(as->list, capacity * sizeof(*list));

		if (!list)
			return -ENOMEM;
		as->list = list;
		as->list_capacity = capacity;
	}
	as->list[as->list_count++] = *a;
	return ST_OK;
}

static void begin_attack(struct victim *v, const struct attack_sample *s, int64_t first_us)
{
	*v = (struct victim){
		.attack = {.kind = s->kind, .victim = s->victim, .proto = s->proto,
		    .start_us = first_us},
		.last_us = first_us,
	};
	/* The port is part of the key of a reflection. */
	v->attack.port = s->kind == ATTACK_REFLECTION ? s->port : 0;
}

/* ---- the table ------------------------------------------------------------------------------ */

static uint64_t hash_of(enum attack_kind kind, struct ip victim, uint8_t proto, uint16_t port)
{
	return hash_pair(victim.hi ^ hash_u64(victim.lo),
	    (uint64_t)kind << 32 | (uint64_t)proto << 16 | (kind == ATTACK_REFLECTION ? port : 0));
}

/* Where the search for a key begins. */
static uint32_t home_of(const struct attacks *as, enum attack_kind kind, struct ip victim,
    uint8_t proto, uint16_t port)
{
	return (uint32_t)hash_of(kind, victim, proto, port) & (as->capacity * 2 - 1);
}

static uint32_t *find_place(struct attacks *as, const struct attack *key)
{
	uint32_t mask = as->capacity * 2 - 1;
	uint32_t at = home_of(as, key->kind, key->victim, key->proto, key->port);

	for (; as->index[at]; at = (at + 1) & mask) {
		const struct attack *a = &as->victims[as->index[at] - 1].attack;

		if (a->kind == key->kind && a->proto == key->proto && a->port == key->port
		    && ip_equal(a->victim, key->victim))
			break;
	}
	return &as->index[at];
}

static void reindex(struct attacks *as)
{
	memset(as->index, 0, sizeof(*as->index) * as->capacity * 2);
	for (uint32_t i = 0; i < as->count; i++)
		*find_place(as, &as->victims[i].attack) = i + 1;
}

/* Ends what has been silent for its gap, and closes the ranks. */
static int sweep(struct attacks *as)
{
	uint32_t kept = 0;
	int rc = ST_OK;

	for (uint32_t i = 0; i < as->count && !rc; i++) {
		struct victim *v = &as->victims[i];

		if (as->now_us - v->last_us <= as->rules[v->attack.kind].gap_us)
			as->victims[kept++] = *v;
		else
			rc = end_attack(as, v);
	}
	if (rc)
		return rc;
	if (as->count - kept < as->count / SWEEP_FRACTION)
		as->sweep_us = as->now_us + CIVIL_US_PER_MINUTE;
	as->count = kept;
	reindex(as);
	return ST_OK;
}

static int grow(struct attacks *as)
{
	uint32_t capacity = as->capacity ? as->capacity * 2 : VICTIMS_FIRST;
	struct victim *victims = realloc(as->victims, capacity * sizeof(*victims));
	uint32_t *index;

	if (!victims)
		return -ENOMEM;
	as->victims = victims;
	index = realloc(as->index, (size_t)capacity * 2 * sizeof(*index));
	if (!index)
		return -ENOMEM;
	as->index = index;
	as->capacity = capacity;
	reindex(as);
	return ST_OK;
}

/* Room for one more, if there is any to be had. */
static int make_room(struct attacks *as)
{
	int rc = ST_OK;

	if (as->count < as->capacity)
		return ST_OK;
	if (as->capacity && as->now_us >= as->sweep_us)
		rc = sweep(as);
	if (!rc && as->count >= as->capacity / 2 && as->capacity < ATTACK_VICTIMS_MAX)
		rc = grow(as);
	return rc;
}

int attacks_new(const struct detect_settings *settings, uint64_t addresses,
    struct attacks **ret_attacks)
{
	struct attacks *as = calloc(1, sizeof(*as));

	if (!as)
		return -ENOMEM;
	as->now_us = INT64_MIN / 2;
	as->sweep_us = INT64_MIN / 2;
	as->settings = settings ? *settings : detect_settings_default;
	as->rules[ATTACK_REFLECTION] = reflection_rule(&as->settings);
	attacks_observe(as, addresses);
	if (grow(as)) {
		attacks_free(as);
		return -ENOMEM;
	}
	*ret_attacks = as;
	return ST_OK;
}

void attacks_free(struct attacks *as)
{
	if (!as)
		return;
	free(as->victims);
	free(as->index);
	free(as->list);
	free(as->heard);
	free(as);
}

void attacks_observe(struct attacks *as, uint64_t addresses)
{
	as->addresses = addresses;
	as->rules[ATTACK_BACKSCATTER] = attack_rule_backscatter(&as->settings, addresses);
}

static void count_sample(struct victim *v, const struct attack_sample *s, uint64_t repeats,
    int64_t first_us, int64_t last_us)
{
	if (first_us < v->attack.start_us)
		v->attack.start_us = first_us;
	if (last_us > v->last_us)
		v->last_us = last_us;
	v->attack.packets += s->packets;
	count_minute(v, s);
	count_port(&v->attack, s);
	count_destinations(v, s, repeats);
}

void attacks_prefetch_index(const struct attacks *as, const struct attack_sample *s)
{
	__builtin_prefetch(&as->index[home_of(as, s->kind, s->victim, s->proto, s->port)]);
}

void attacks_prefetch_victim(const struct attacks *as, const struct attack_sample *s)
{
	uint32_t number = as->index[home_of(as, s->kind, s->victim, s->proto, s->port)];
	const char *victim = (const char *)&as->victims[number ? number - 1 : 0];

	for (size_t at = 0; number && at < sizeof(struct victim); at += CACHE_LINE)
		__builtin_prefetch(victim + at, 1);
}

int attacks_add(struct attacks *as, const struct attack_sample *s)
{
	int64_t first_us = s->minute_us + s->first_second * CIVIL_US_PER_SECOND;
	int64_t last_us = s->minute_us + s->last_second * CIVIL_US_PER_SECOND;
	int64_t gap_us = as->rules[s->kind].gap_us;
	struct attack key = {.kind = s->kind, .victim = s->victim, .proto = s->proto,
		.port = s->kind == ATTACK_REFLECTION ? s->port : 0};
	uint32_t *place;
	struct victim *v;
	int rc = ST_OK;

	if (last_us > as->now_us)
		as->now_us = last_us;
	place = find_place(as, &key);
	if (!*place) {
		/* Scanners of a large network are many, and no address hears them twice. */
		if (s->kind == ATTACK_REFLECTION && !s->has_bits && s->packets <= s->dsts)
			return ST_OK;
		rc = make_room(as);
		if (rc)
			return rc;
		if (as->count == as->capacity) {
			as->untracked += s->packets;
			return ST_OK;
		}
		place = find_place(as, &key); /* it may have moved */
		v = &as->victims[as->count++];
		*place = as->count;
		begin_attack(v, s, first_us);
	}
	v = &as->victims[*place - 1];
	if (first_us - v->last_us > gap_us || v->attack.start_us - last_us > gap_us) {
		/* end_attack sorts out the port, which is the key's until then. */
		rc = end_attack(as, v);
		begin_attack(v, s, first_us);
	}
	count_sample(v, s, as->rules[s->kind].repeats, first_us, last_us);
	return rc;
}

/* ---- what was asked ------------------------------------------------------------------------- */

static struct heard *find_heard(const struct attacks *as, struct ip source, uint16_t port)
{
	uint32_t mask = as->heard_capacity - 1;
	uint32_t at = (uint32_t)hash_pair(source.hi ^ port, source.lo) & mask;

	while (as->heard[at].vector
	    && !(as->heard[at].port == port && ip_equal(as->heard[at].source, source)))
		at = (at + 1) & mask;
	return &as->heard[at];
}

static int grow_heard(struct attacks *as)
{
	struct heard *old = as->heard;
	uint32_t count = as->heard_capacity;
	uint32_t capacity = count ? count * 2 : VICTIMS_FIRST;
	struct heard *table = calloc(capacity, sizeof(*table));

	if (!table)
		return -ENOMEM;
	as->heard = table;
	as->heard_capacity = capacity;
	for (uint32_t i = 0; i < count; i++)
		if (old[i].vector)
			*find_heard(as, old[i].source, old[i].port) = old[i];
	free(old);
	return ST_OK;
}

int attacks_heard(struct attacks *as, struct ip source, uint16_t port, const char *vector)
{
	struct heard *heard;

	if (as->heard_count >= as->heard_capacity / 2) {
		if (as->heard_capacity >= 2 * ATTACK_VICTIMS_MAX)
			return ST_OK; /* an attack without a name needs more packets, that is all */
		if (grow_heard(as))
			return -ENOMEM;
	}
	heard = find_heard(as, source, port);
	if (heard->vector)
		return ST_OK;
	*heard = (struct heard){source, port, vector};
	as->heard_count++;
	return ST_OK;
}

/* ---- the list ------------------------------------------------------------------------------- */

static int compare_attacks(const void *va, const void *vb)
{
	const struct attack *a = va;
	const struct attack *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	if (!ip_equal(a->victim, b->victim))
		return ip_compare(a->victim, b->victim);
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->proto << 16 | a->port) - (b->proto << 16 | b->port);
}

int attacks_finish(struct attacks *as)
{
	size_t kept = 0;

	for (uint32_t i = 0; i < as->count; i++) {
		int rc = end_attack(as, &as->victims[i]);

		if (rc)
			return rc;
	}
	as->count = 0;
	memset(as->index, 0, sizeof(*as->index) * as->capacity * 2);
	for (size_t i = 0; i < as->list_count; i++) {
		struct attack *a = &as->list[i];

		if (a->kind == ATTACK_REFLECTION && as->heard)
			a->vector = find_heard(as, a->victim, a->port)->vector;
		if (meets(a, &as->rules[a->kind], a->vector != NULL))
			as->list[kept++] = *a;
	}
	as->list_count = kept;
	if (kept)
		qsort(as->list, kept, sizeof(*as->list), compare_attacks);
	return ST_OK;
}

void attacks_drop(struct attacks *as, bool (*drop)(void *arg, const struct attack *attack),
    void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < as->list_count; i++)
		if (!drop(arg, &as->list[i]))
			as->list[kept++] = as->list[i];
	as->list_count = kept;
}

const struct attack *attacks_list(const struct attacks *as, size_t *ret_count)
{
	*ret_count = as->list_count;
	return as->list;
}

uint64_t attacks_untracked(const struct attacks *as)
{
	return as->untracked;
}

uint64_t attacks_unlisted(const struct attacks *as)
{
	return as->unlisted;
}
