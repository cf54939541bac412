/* Attacks and roles of a run; the contract is in judgements.h. */
#include "cmd/judgements.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct judgements {
	struct attacks *attacks;
	struct role_talks *talks;
	struct research *research;
	const struct attack **victims; /* sorted by address */
	size_t victim_count;
	const struct tools *tools; /* while sources are judged, as are the next two */
	uint64_t addresses;
	int32_t day;
	struct judgements_role roles[ROLE_COUNT];
	size_t role_count;
};

int judgements_new(uint64_t addresses, struct judgements **ret_judgements, struct err *err)
{
	struct judgements *j = calloc(1, sizeof(*j));
	int rc = j ? ST_OK : -ENOMEM;

	if (!rc)
		rc = attacks_new(addresses, &j->attacks);
	if (!rc)
		rc = role_talks_new(&j->talks);
	if (rc)
		(void)err_set(err, rc, "out of memory");
	if (!rc)
		rc = research_new(NULL, &j->research, err);
	if (rc) {
		judgements_free(j);
		return rc;
	}
	*ret_judgements = j;
	return ST_OK;
}

void judgements_free(struct judgements *j)
{
	if (!j)
		return;
	attacks_free(j->attacks);
	role_talks_free(j->talks);
	research_free(j->research);
	free(j->victims);
	free(j);
}

int judgements_add(struct judgements *j, const struct tally_rows *rows)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		const struct minute_key *key = &tally_row(rows, i)->key;
		uint8_t class = minute_key_class(key);
		bool attack = attack_is_sample(class, minute_key_proto(key),
		    minute_key_attack_proto(key), minute_key_port(key));
		struct attack_sample sample;
		struct record_flow flow;
		int rc = ST_OK;

		if (class == RECORD_CLASS_REQUEST && !attack)
			continue;
		tally_row_flow(rows, i, &flow);
		if (attack && attack_sample_of(&flow, &sample)) {
			sample.first_dst = tally_row(rows, i)->first_dst + 1;
			rc = attacks_add(j->attacks, &sample);
		}
		if (!rc)
			rc = role_talks_add(j->talks, &flow);
		if (rc)
			return rc;
	}
	return ST_OK;
}

static int compare_victims(const void *va, const void *vb)
{
	const struct attack *a = *(const struct attack *const *)va;
	const struct attack *b = *(const struct attack *const *)vb;

	if (!ip_equal(a->victim, b->victim))
		return ip_compare(a->victim, b->victim);
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->packets > b->packets ? -1 : a->packets < b->packets;
}

static int sort_victims(struct judgements *j)
{
	const struct attack *list = attacks_list(j->attacks, &j->victim_count);

	free(j->victims);
	j->victims = calloc(j->victim_count + 1, sizeof(struct attack *));
	if (!j->victims)
		return -ENOMEM;
	for (size_t i = 0; i < j->victim_count; i++)
		j->victims[i] = &list[i];
	qsort(j->victims, j->victim_count, sizeof(struct attack *), compare_victims);
	return ST_OK;
}

/* The largest attack of each kind on the address. */
static void find_attacks(const struct judgements *j, struct ip ip, struct role_evidence *e)
{
	size_t low = 0;
	size_t high = j->victim_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ip_compare(j->victims[middle]->victim, ip) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < j->victim_count && ip_equal(j->victims[low]->victim, ip); low++) {
		if (j->victims[low]->kind == ATTACK_REFLECTION && !e->reflection)
			e->reflection = j->victims[low];
		else if (j->victims[low]->kind == ATTACK_BACKSCATTER && !e->backscatter)
			e->backscatter = j->victims[low];
	}
}

static int judge_source(void *arg, const struct summary_source *source)
{
	struct judgements *j = arg;
	const struct role_talk *talk = role_talks_find(j->talks, source->ip);
	struct role_evidence e = {
		.access = source->access,
		.ports = source->ports,
		.several_addresses = source->several_addresses,
		.observed = j->addresses,
		.research = research_find(j->research, source->ip, j->day),
	};
	enum role role;

	if (source->tools)
		e.tool = tools_name(j->tools, (unsigned)__builtin_ctz(source->tools));
	if (talk) {
		e.replies = talk->replies;
		e.responses = talk->responses;
		e.spoken = talk->spoken;
		e.other = talk->other;
	}
	find_attacks(j, source->ip, &e);
	role = role_judge(&e, NULL);
	j->roles[role].sources++;
	j->roles[role].packets += e.access + e.replies + e.responses + e.spoken + e.other;
	return ST_OK;
}

static int compare_roles(const void *va, const void *vb)
{
	const struct judgements_role *a = va;
	const struct judgements_role *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (a->sources != b->sources)
		return a->sources > b->sources ? -1 : 1;
	return a->role < b->role ? -1 : a->role > b->role;
}

int judgements_finish(struct judgements *j, const struct summary *summary,
    const struct tools *tools, uint64_t addresses, int32_t day)
{
	int rc;

	attacks_observe(j->attacks, addresses);
	j->tools = tools;
	j->addresses = addresses;
	j->day = day;
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		j->roles[i] = (struct judgements_role){.role = (enum role)i};
	rc = attacks_finish(j->attacks);
	if (!rc)
		rc = sort_victims(j);
	if (!rc)
		rc = summary_sources(summary, judge_source, j);
	if (rc)
		return rc;
	qsort(j->roles, ROLE_COUNT, sizeof(j->roles[0]), compare_roles);
	for (j->role_count = 0; j->role_count < ROLE_COUNT && j->roles[j->role_count].sources;)
		j->role_count++;
	return ST_OK;
}

const struct attacks *judgements_attacks(const struct judgements *j)
{
	return j->attacks;
}

const struct judgements_role *judgements_roles(const struct judgements *j, size_t *ret_count)
{
	*ret_count = j->role_count;
	return j->roles;
}
