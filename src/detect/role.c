/* Roles and what they are judged from; the contract is in role.h. */
#include "detect/role.h"

#include "base/hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTO_TCP 6
#define PROTO_UDP 17
#define TCP_PSH 0x08
#define TALKS_FIRST 1024u

static const char *const names[ROLE_COUNT] = {
	"victim-reflection", "victim-backscatter", "reflector", "infected", "research", "actor",
	"scanner", "misconfigured", "unknown",
};

const char *role_name(enum role role)
{
	return names[role];
}

enum role role_find(const char *name, size_t len)
{
	unsigned role = 0;

	while (role < ROLE_COUNT
	    && !(strlen(names[role]) == len && memcmp(names[role], name, len) == 0))
		role++;
	return (enum role)role;
}

bool role_is_attacker(enum role role)
{
	return role != ROLE_VICTIM_REFLECTION && role != ROLE_VICTIM_BACKSCATTER
	    && role != ROLE_REFLECTOR && role != ROLE_MISCONFIGURED;
}

bool role_is_apart(enum role role)
{
	return !role_is_attacker(role) || role == ROLE_RESEARCH;
}

static void say(char *reason, const char *fmt, ...) ST_PRINTF(2, 3);

/* Many sources are judged for their number only. */
static void say(char *reason, const char *fmt, ...)
{
	va_list args;

	if (!reason)
		return;
	va_start(args, fmt);
	(void)vsnprintf(reason, ROLE_REASON_MAX, fmt, args);
	va_end(args);
}

/* "1 packet", "2 packets". */
#define PLURAL(n) ((n) == 1 ? "" : "s")

static enum role judge_unknown(const struct role_evidence *e, char *reason)
{
	if (e->access)
		say(reason, "%" PRIu64 " packet%s to one port of one address", e->access,
		    PLURAL(e->access));
	else if (e->replies)
		say(reason,
		    "%" PRIu64 " repl%s to nothing: too few for an attack, or about another's",
		    e->replies, e->replies == 1 ? "y" : "ies");
	else
		say(reason, "%" PRIu64 " packet%s that ask nothing", e->other, PLURAL(e->other));
	return ROLE_UNKNOWN;
}

/* Those who ask. */
static enum role judge_asking(const struct role_evidence *e, char *reason)
{
	bool bot = e->tool && strcmp(e->tool, "mirai") == 0;
	const struct detect_settings *settings = e->settings ? e->settings : &detect_settings_default;
	uint64_t least = settings->misconfigured_packets;
	/* A burst may be anything; what keeps coming to one address means it, or somebody else's. */
	bool keeps_on = !e->hours || e->hours >= settings->misconfigured_hours;

	if (bot) {
		say(reason, "its SYNs carry the mark of %s", e->tool);
		return ROLE_INFECTED;
	}
	if (e->research) {
		say(reason, "address of %s", e->research);
		return ROLE_RESEARCH;
	}
	if (e->spoken) {
		say(reason,
		    "%" PRIu64 " packet%s with data in answered conversations", e->spoken,
		    PLURAL(e->spoken));
		return ROLE_ACTOR;
	}
	if (e->access && (e->tool || e->ports > 1 || e->several_addresses)) {
		say(reason, "%" PRIu64 " packet%s to %" PRIu32 " port%s of %s%s%s",
		    e->access, PLURAL(e->access), e->ports, PLURAL(e->ports),
		    e->several_addresses ? "several addresses" : "one address",
		    e->tool ? ", with " : "", e->tool ? e->tool : "");
		return ROLE_SCANNER;
	}
	if (e->access >= least && e->observed > 1 && keeps_on) {
		say(reason,
		    "%" PRIu64 " packets to one port of one of %" PRIu64 " addresses", e->access,
		    e->observed);
		return ROLE_MISCONFIGURED;
	}
	if (!e->access && !e->replies && e->other >= least) {
		say(reason,
		    "%" PRIu64 " packets of conversations that never began", e->other);
		return ROLE_MISCONFIGURED;
	}
	return judge_unknown(e, reason);
}

enum role role_judge(const struct role_evidence *e, char *ret_reason)
{
	if (e->reflection) {
		say(ret_reason,
		    "%" PRIu64 " packets to %u/udp%s%s, the same addresses again and again",
		    e->reflection->packets, e->reflection->port,
		    e->reflection->vector ? " for " : "",
		    e->reflection->vector ? e->reflection->vector : "");
		return ROLE_VICTIM_REFLECTION;
	}
	if (e->carpet) {
		say(ret_reason,
		    "%" PRIu64 " replies, with servers of %" PRIu32 " networks at the same time and port",
		    e->replies, e->carpet);
		return ROLE_REFLECTOR;
	}
	if (e->backscatter) {
		say(ret_reason,
		    "%" PRIu64 " replies to packets that were forged, reaching %" PRIu32 " addresses",
		    e->backscatter->packets, e->backscatter->destinations);
		return ROLE_VICTIM_BACKSCATTER;
	}
	if (e->responses) {
		say(ret_reason,
		    "%" PRIu64 " response%s of a service that nobody had asked", e->responses,
		    PLURAL(e->responses));
		return ROLE_REFLECTOR;
	}
	return judge_asking(e, ret_reason);
}

/* ---- victims by address --------------------------------------------------------------------- */

static int compare_victims(const void *va, const void *vb)
{
	const struct attack *a = *(const struct attack *const *)va;
	const struct attack *b = *(const struct attack *const *)vb;

	if (!ip_equal(a->victim, b->victim))
		return ip_compare(a->victim, b->victim);
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	return a->start_us < b->start_us ? -1 : a->start_us > b->start_us;
}

static uint32_t victim_bit(struct ip ip)
{
	return (uint32_t)hash_pair(ip.hi, ip.lo) % ROLE_VICTIMS_BITS;
}

int role_victims_init(struct role_victims *victims, const struct attacks *attacks)
{
	size_t count;
	const struct attack *list = attacks_list(attacks, &count);

	*victims = (struct role_victims){.list = calloc(count + 1, sizeof(*victims->list))};
	if (!victims->list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint32_t bit = victim_bit(list[i].victim);

		victims->list[i] = &list[i];
		victims->maybe[bit / 64] |= 1ull << bit % 64;
	}
	victims->count = count;
	qsort(victims->list, count, sizeof(*victims->list), compare_victims);
	return ST_OK;
}

void role_victims_fini(struct role_victims *victims)
{
	free(victims->list);
	memset(victims, 0, sizeof(*victims));
}

void role_victims_find(const struct role_victims *victims, struct ip ip, struct role_evidence *e)
{
	uint32_t bit = victim_bit(ip);
	size_t low = 0;
	size_t high = victims->count;

	if (!(victims->maybe[bit / 64] >> bit % 64 & 1))
		return;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ip_compare(victims->list[middle]->victim, ip) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < victims->count && ip_equal(victims->list[low]->victim, ip); low++) {
		if (victims->list[low]->kind == ATTACK_REFLECTION && !e->reflection)
			e->reflection = victims->list[low];
		else if (victims->list[low]->kind == ATTACK_BACKSCATTER && !e->backscatter)
			e->backscatter = victims->list[low];
	}
}

/* ---- what sources do besides asking --------------------------------------------------------- */

struct role_talks {
	struct role_talk *list;
	uint32_t count;
	uint32_t capacity;
	uint32_t *index; /* number + 1; twice the capacity */
	uint64_t untracked;
};

/* Where the search for an address begins. */
static uint32_t home_of(const struct role_talks *t, struct ip ip)
{
	return (uint32_t)hash_pair(ip.hi, ip.lo) & (t->capacity * 2 - 1);
}

static uint32_t *find_place(const struct role_talks *t, struct ip ip)
{
	uint32_t mask = t->capacity * 2 - 1;
	uint32_t at = home_of(t, ip);

	while (t->index[at] && !ip_equal(t->list[t->index[at] - 1].ip, ip))
		at = (at + 1) & mask;
	return &t->index[at];
}

static int grow(struct role_talks *t)
{
	uint32_t capacity = t->capacity ? t->capacity * 2 : TALKS_FIRST;
	struct role_talk *list = realloc(t->list, capacity * sizeof(*list));
	uint32_t *index = calloc((size_t)capacity * 2, sizeof(*index));

	if (list)
		t->list = list;
	if (!list || !index) {
		free(index);
		return -ENOMEM;
	}
	free(t->index);
	t->index = index;
	t->capacity = capacity;
	for (uint32_t i = 0; i < t->count; i++)
		*find_place(t, t->list[i].ip) = i + 1;
	return ST_OK;
}

int role_talks_new(struct role_talks **ret_talks)
{
	struct role_talks *t = calloc(1, sizeof(*t));

	if (!t || grow(t)) {
		role_talks_free(t);
		return -ENOMEM;
	}
	*ret_talks = t;
	return ST_OK;
}

void role_talks_free(struct role_talks *t)
{
	if (!t)
		return;
	free(t->list);
	free(t->index);
	free(t);
}

void role_talks_prefetch_index(const struct role_talks *t, struct ip ip)
{
	__builtin_prefetch(&t->index[home_of(t, ip)]);
}

void role_talks_prefetch_talk(const struct role_talks *t, struct ip ip)
{
	uint32_t number = t->index[home_of(t, ip)];

	if (number)
		__builtin_prefetch(&t->list[number - 1], 1);
}

int role_talks_add(struct role_talks *t, const struct record_flow *flow)
{
	struct ip ip = {flow->src_hi, flow->src_lo};
	uint32_t *place;

	if (flow->class == RECORD_CLASS_REQUEST)
		return ST_OK;
	place = find_place(t, ip);
	if (!*place) {
		if (t->count == t->capacity && t->capacity < ROLE_TALKS_MAX) {
			if (grow(t))
				return -ENOMEM;
			place = find_place(t, ip);
		}
		if (t->count == t->capacity) {
			t->untracked += flow->packets;
			return ST_OK;
		}
		t->list[t->count] = (struct role_talk){.ip = ip};
		*place = ++t->count;
	}
	role_talk_count(&t->list[*place - 1], flow);
	return ST_OK;
}

void role_talk_count(struct role_talk *talk, const struct record_flow *flow)
{
	uint64_t key = carpet_key(flow);

	if (key && (!talk->carpet || key < talk->carpet))
		talk->carpet = key;
	if (flow->class == RECORD_CLASS_OTHER)
		talk->other += flow->packets;
	else if (flow->class == RECORD_CLASS_BACKSCATTER
	    && attack_is_sample(flow->class, flow->proto, flow->victim_proto, flow->port))
		talk->replies += flow->packets;
	else if (flow->class == RECORD_CLASS_BACKSCATTER)
		talk->responses += flow->packets;
	else if (flow->proto == PROTO_UDP || (flow->proto == PROTO_TCP && flow->tcp_flags & TCP_PSH))
		talk->spoken += flow->packets;
}

const struct role_talk *role_talks_find(const struct role_talks *t, struct ip ip)
{
	uint32_t number = *find_place(t, ip);

	return number ? &t->list[number - 1] : NULL;
}

const struct role_talk *role_talks_list(const struct role_talks *t, size_t *ret_count)
{
	*ret_count = t->count;
	return t->list;
}

uint64_t role_talks_untracked(const struct role_talks *t)
{
	return t->untracked;
}
