/* Sorts the rules into groups by what they look at, and compiles each group's prefilter. */
#include "detect/signature/addresses.h"
#include "detect/signature/engine.h"

#include <errno.h>
#include <stdlib.h>

static int numbers_add(struct rule_numbers *n, uint32_t number)
{
	if (n->count == n->room) {
		size_t room = n->room ? n->room * 2 : 16;
		uint32_t *list = realloc(n->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		n->list = list;
		n->room = room;
	}
	n->list[n->count++] = number;
	return ST_OK;
}

static bool has_list(const struct rule *r, enum buffer_id buffer)
{
	for (size_t i = 0; i < r->list_count; i++)
		if (r->lists[i].buffer == buffer)
			return true;
	return false;
}

static int group_add(struct group *g, const struct rule *r)
{
	int rc;

	if (r->fast)
		return prefilter_add(&g->filter, r);
	rc = numbers_add(&g->always, r->number);
	if (!rc && !has_list(r, BUFFER_PAYLOAD))
		rc = numbers_add(&g->bare, r->number);
	return rc;
}

static int raw_add(struct signatures *s, const struct rule *r)
{
	static const struct {
		enum raw_group group;
		uint8_t protos;
	} groups[] = {
		{RAW_TCP_STREAM, RULE_PROTO_TCP}, {RAW_TCP_PACKET, RULE_PROTO_TCP},
		{RAW_UDP, RULE_PROTO_UDP}, {RAW_ICMP, RULE_PROTO_ICMP | RULE_PROTO_ICMPV6},
		{RAW_OTHER, RULE_PROTO_OTHER},
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (!(r->protos & groups[i].protos))
			continue;
		if (groups[i].group == RAW_TCP_STREAM && !r->wants_stream)
			continue;
		if (groups[i].group == RAW_TCP_PACKET && r->wants_stream && !r->wants_packet)
			continue;
		for (unsigned d = 0; d < 2; d++) {
			int rc;

			if (!(r->directions >> d & 1))
				continue;
			rc = group_add(&s->raw[groups[i].group][d], r);
			if (rc)
				return rc;
		}
	}
	return ST_OK;
}

static int app_add(struct signatures *s, const struct rule *r)
{
	for (unsigned d = 0; d < 2; d++) {
		int rc = ST_OK;

		if (!(r->directions >> d & 1))
			continue;
		if (r->fast) {
			rc = prefilter_add(&s->views[d][r->fast_view], r);
		} else if (r->app != APP_UNKNOWN) {
			rc = numbers_add(&s->app_always[r->app][d], r->number);
		} else {
			for (unsigned app = 1; !rc && app < APP_FAILED; app++)
				rc = numbers_add(&s->app_always[app][d], r->number);
		}
		if (rc)
			return rc;
	}
	return ST_OK;
}

static int finish_group(struct signatures *s, struct prefilter *filter, struct err *err)
{
	return filter ? prefilter_finish(filter, &s->scratch, err) : ST_OK;
}

int engine_build(struct signatures *s, struct err *err)
{
	int rc = ST_OK;

	for (unsigned d = 0; d < 2; d++) {
		s->views[d] = calloc(s->set.view_count + 1, sizeof(struct prefilter *));
		if (!s->views[d])
			return err_set(err, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; !rc && i < s->set.count; i++) {
		const struct rule *r = s->set.rules[i];

		for (size_t l = 0; l < r->list_count; l++)
			s->wanted[r->lists[l].buffer] = true;
		switch ((enum rule_kind)r->kind) {
		case RULE_IP_ONLY:
			rc = numbers_add(&s->ip_only, r->number);
			break;
		case RULE_APP_ONLY:
			rc = numbers_add(&s->app_only[r->app], r->number);
			if (!rc && detect_app_carrier((enum detect_app)r->app) != APP_UNKNOWN)
				rc = numbers_add(&s->app_only[detect_app_carrier((enum detect_app)r->app)], r->number);
			break;
		case RULE_PACKET:
			rc = raw_add(s, r);
			break;
		case RULE_APP:
			rc = app_add(s, r);
			break;
		case RULE_EVENT:
			rc = numbers_add(&s->events, r->number);
			break;
		}
	}
	if (rc)
		return err_set(err, rc, "out of memory");
	for (unsigned g = 0; !rc && g < RAW_COUNT; g++)
		for (unsigned d = 0; !rc && d < 2; d++)
			rc = finish_group(s, s->raw[g][d].filter, err);
	for (size_t v = 0; !rc && v < s->set.view_count; v++)
		for (unsigned d = 0; !rc && d < 2; d++)
			rc = finish_group(s, s->views[d][v], err);
	if (!rc && candidates_init(&s->candidates, s->set.count))
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc;
}

void engine_free_groups(struct signatures *s)
{
	for (unsigned d = 0; d < 2; d++) {
		for (unsigned g = 0; g < RAW_COUNT; g++) {
			prefilter_free(s->raw[g][d].filter);
			free(s->raw[g][d].always.list);
			free(s->raw[g][d].bare.list);
		}
		for (size_t v = 0; s->views[d] && v < s->set.view_count; v++)
			prefilter_free(s->views[d][v]);
		free(s->views[d]);
		for (unsigned app = 0; app < APP_COUNT; app++)
			free(s->app_always[app][d].list);
	}
	for (unsigned app = 0; app < APP_COUNT; app++)
		free(s->app_only[app].list);
	free(s->ip_only.list);
	free(s->events.list);
	candidates_fini(&s->candidates);
	hs_free_scratch(s->scratch);
}
