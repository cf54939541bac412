/*
 * Networks of research scanners; the contract is in role.h (research_*).
 *
 * A line of the file: network, first day, last day or -, organisation, where it says so.
 */
#include "base/civil.h"
#include "base/embed.h"
#include "detect/role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESEARCH_NETS_MAX 65536
#define RESEARCH_TEXTS_MAX 64
#define RESEARCH_FIELDS 5
#define NETS_FIRST 128u

extern const struct embed_file detect_files[];

struct research_net {
	struct ip_net net;
	int32_t from;
	int32_t to; /* last day */
	const char *name;
};

struct research {
	char *texts[RESEARCH_TEXTS_MAX]; /* names end in NUL */
	size_t text_count;
	struct research_net *nets;
	size_t count;
	size_t capacity;
	uint64_t v4[65536 / 64]; /* /16s that a network lies in: nearly all sources are in no such one */
	bool v6;                 /* a network of IPv6 is known */
};

/* Cuts a line at its tabs; how many fields there are. */
static unsigned cut(char *line, char *fields[RESEARCH_FIELDS])
{
	unsigned count = 0;

	for (char *at = line; at && count < RESEARCH_FIELDS; count++) {
		fields[count] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = '\0';
	}
	return count;
}

static int parse_line(char *line, unsigned number, struct research_net *net, struct err *err)
{
	char *fields[RESEARCH_FIELDS];

	if (cut(line, fields) != RESEARCH_FIELDS)
		return err_set(err, ST_MALFORMED, "line %u: needs %d fields between tabs", number,
		    RESEARCH_FIELDS);
	net->to = INT32_MAX;
	net->name = fields[3];
	if (ip_net_parse(fields[0], strlen(fields[0]), &net->net))
		return err_set(err, ST_MALFORMED, "line %u: '%s' is not a network", number, fields[0]);
	if (civil_parse_date(fields[1], strlen(fields[1]), &net->from)
	    || (strcmp(fields[2], "-") != 0
	        && civil_parse_date(fields[2], strlen(fields[2]), &net->to)))
		return err_set(err, ST_MALFORMED, "line %u: dates are written 2026-01-31", number);
	return ST_OK;
}

static int take_line(struct research *r, char *line, unsigned number, struct err *err)
{
	if (!line[0] || line[0] == '#')
		return ST_OK;
	if (r->count == RESEARCH_NETS_MAX)
		return err_set(err, ST_LIMIT, "line %u: more than %d networks", number,
		    RESEARCH_NETS_MAX);
	if (r->count == r->capacity) {
		size_t capacity = r->capacity ? r->capacity * 2 : NETS_FIRST;
		struct research_net *nets = realloc(r->nets, capacity * sizeof(*nets));

		if (!nets)
			return err_set(err, -ENOMEM, "out of memory");
		r->nets = nets;
		r->capacity = capacity;
	}
	memset(&r->nets[r->count], 0, sizeof(r->nets[0]));
	if (parse_line(line, number, &r->nets[r->count], err))
		return ST_MALFORMED;
	r->count++;
	return ST_OK;
}

/* Marks the /16s of the networks from `first` on. */
static void note_networks(struct research *r, size_t first)
{
	for (size_t i = first; i < r->count; i++) {
		const struct ip_net *net = &r->nets[i].net;
		uint32_t low = ip_v4(net->base) >> 16;
		uint32_t high = low;

		if (!ip_is_v4(net->base)) {
			r->v6 = true;
			continue; /* ::/90 and shorter would name half the Internet: not IPv4's */
		}
		if (net->plen < 96 + 16)
			high |= net->plen <= 96 ? 0xffff : 0xffffu >> (net->plen - 96);
		for (uint32_t b = low; b <= high; b++)
			r->v4[b / 64] |= 1ull << b % 64;
	}
}

int research_add(struct research *r, const char *text, struct err *err)
{
	size_t before = r->count;
	unsigned number = 0;
	int rc = ST_OK;
	char *copy;

	if (r->text_count == RESEARCH_TEXTS_MAX)
		return err_set(err, ST_LIMIT, "more than %d lists of networks", RESEARCH_TEXTS_MAX);
	copy = strdup(text);
	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	for (char *line = copy; line && !rc;) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		rc = take_line(r, line, ++number, err);
		line = end;
	}
	if (rc) {
		r->count = before;
		free(copy);
		return rc;
	}
	r->texts[r->text_count++] = copy;
	note_networks(r, before);
	return ST_OK;
}

int research_new(const char *text, struct research **ret_research, struct err *err)
{
	struct research *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	rc = research_add(r, text ? text : embed_find(detect_files, "research.tsv")->data, err);
	if (rc) {
		research_free(r);
		return rc;
	}
	*ret_research = r;
	return ST_OK;
}

void research_free(struct research *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->text_count; i++)
		free(r->texts[i]);
	free(r->nets);
	free(r);
}

const char *research_find(const struct research *r, struct ip ip, int32_t day)
{
	uint32_t block = ip_v4(ip) >> 16;

	if (ip_is_v4(ip) ? !(r->v4[block / 64] >> block % 64 & 1) : !r->v6)
		return NULL;
	for (size_t i = r->count; i-- > 0;)
		if (day >= r->nets[i].from && day <= r->nets[i].to
		    && ip_net_contains(r->nets[i].net, ip))
			return r->nets[i].name;
	return NULL;
}
