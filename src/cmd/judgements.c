/* Attacks and roles of a run; the contract is in judgements.h. */
#include "cmd/judgements.h"

#include "cmd/command.h"
#include "cmd/judging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TELLING_BATCH 32

struct judgements {
	struct detect_settings settings;
	struct attacks *attacks;
	struct carpets *carpets;
	struct role_talks *talks;
	const struct research *research;
	struct role_victims victims;
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

	if (!rc) {
		j->settings = detect_settings_of(command_configuration());
		rc = attacks_new(&j->settings, addresses, &j->attacks);
	}
	if (!rc)
		rc = carpets_new(&j->settings, &j->carpets);
	if (!rc)
		rc = role_talks_new(&j->talks);
	if (rc)
		(void)err_set(err, rc, "out of memory");
	if (!rc)
		rc = judging_research(&j->research, err);
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
	carpets_free(j->carpets);
	role_talks_free(j->talks);
	role_victims_fini(&j->victims);
	free(j);
}

static struct ip source_of(const struct record_flow *flow)
{
	return (struct ip){flow->src_hi, flow->src_lo};
}

/* Rows that say more than that somebody asked, and what they are for attacks. */
struct telling {
	struct record_flow flow;
	struct attack_sample sample;
	bool is_sample;
};

/* The next telling rows from *inout_next on; how many. */
static size_t gather(const struct tally_rows *rows, uint32_t *inout_next,
    struct telling list[TELLING_BATCH])
{
	size_t count = 0;
	uint32_t i = *inout_next;

	for (; i < rows->count && count < TELLING_BATCH; i++) {
		const struct minute_row *row = tally_row(rows, i);
		uint8_t class = minute_key_class(&row->key);
		struct telling *t = &list[count];

		t->is_sample = attack_is_sample(class, minute_key_proto(&row->key),
		    minute_key_attack_proto(&row->key), minute_key_port(&row->key));
		if (class == RECORD_CLASS_REQUEST && !t->is_sample)
			continue;
		tally_row_flow(rows, i, &t->flow);
		t->is_sample = t->is_sample && attack_sample_of(&t->flow, &t->sample);
		t->sample.first_dst = row->first_dst + 1;
		count++;
	}
	*inout_next = i;
	return count;
}

/* One step of all before the next step of any: tables are far larger than the cache. */
static int add_telling(struct judgements *j, const struct telling *list, size_t count)
{
	int rc = ST_OK;

	for (size_t i = 0; i < count; i++) {
		role_talks_prefetch_index(j->talks, source_of(&list[i].flow));
		if (list[i].is_sample)
			attacks_prefetch_index(j->attacks, &list[i].sample);
	}
	for (size_t i = 0; i < count; i++) {
		role_talks_prefetch_talk(j->talks, source_of(&list[i].flow));
		if (list[i].is_sample)
			attacks_prefetch_victim(j->attacks, &list[i].sample);
	}
	for (size_t i = 0; i < count && !rc; i++) {
		if (list[i].is_sample)
			rc = attacks_add(j->attacks, &list[i].sample);
		if (!rc)
			rc = role_talks_add(j->talks, &list[i].flow);
	}
	return rc;
}

int judgements_add(struct judgements *j, const struct tally_rows *rows)
{
	struct telling list[TELLING_BATCH];
	uint32_t next = 0;
	int rc = ST_OK;

	while (!rc && next < rows->count) {
		size_t count = gather(rows, &next, list);

		rc = add_telling(j, list, count);
	}
	return rc;
}

static int judge_source(void *arg, const struct summary_source *source)
{
	struct judgements *j = arg;
	const struct role_talk *talk = source->talks ? role_talks_find(j->talks, source->ip) : NULL;
	struct role_evidence e = {
		.access = source->access,
		.ports = source->ports,
		.several_addresses = source->several_addresses,
		.observed = j->addresses,
		.research = research_find(j->research, source->ip, j->day),
		.settings = &j->settings,
	};
	enum role role;

	if (source->tools)
		e.tool = tools_name(j->tools, (unsigned)__builtin_ctz(source->tools));
	if (talk) {
		e.replies = talk->replies;
		e.responses = talk->responses;
		e.spoken = talk->spoken;
		e.other = talk->other;
		e.carpet = carpets_networks(j->carpets, talk->carpet, talk->replies);
	}
	role_victims_find(&j->victims, source->ip, &e);
	role = role_judge(&e, NULL);
	j->roles[role].sources++;
	j->roles[role].packets += e.access + e.replies + e.responses + e.spoken + e.other;
	return ST_OK;
}

/* Whose replies belong to a carpet is no victim. */
static bool in_carpet(void *arg, const struct attack *attack)
{
	const struct judgements *j = arg;
	const struct role_talk *talk = role_talks_find(j->talks, attack->victim);

	return attack->kind == ATTACK_BACKSCATTER && talk
	    && carpets_networks(j->carpets, talk->carpet, talk->replies);
}

static int find_carpets(struct judgements *j)
{
	size_t count;
	const struct role_talk *talks = role_talks_list(j->talks, &count);

	for (size_t i = 0; i < count; i++)
		if (carpets_add(j->carpets, talks[i].ip, talks[i].carpet, talks[i].replies))
			return -ENOMEM;
	carpets_finish(j->carpets, j->addresses);
	attacks_drop(j->attacks, in_carpet, j);
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
		rc = find_carpets(j);
	if (!rc)
		rc = role_victims_init(&j->victims, j->attacks);
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
