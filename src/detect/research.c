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

#define RESEARCH_NETS_MAX 4096
#define RESEARCH_FIELDS 5

extern const struct embed_file detect_files[];

struct research_net {
	struct ip_net net;
	int32_t from;
	int32_t to; /* last day */
	const char *name;
};

struct research {
	char *text; /* names end in NUL */
	struct research_net *nets;
	size_t count;
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

static int take_line(struct research *r, char *line, unsigned number, struct err *err)
{
	struct research_net *net = &r->nets[r->count];
	char *fields[RESEARCH_FIELDS];

	if (!line[0] || line[0] == '#')
		return ST_OK;
	if (r->count == RESEARCH_NETS_MAX)
		return err_set(err, ST_LIMIT, "line %u: more than %d networks", number,
		    RESEARCH_NETS_MAX);
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
	r->count++;
	return ST_OK;
}

int research_new(const char *text, struct research **ret_research, struct err *err)
{
	struct research *r = calloc(1, sizeof(*r));
	unsigned number = 0;
	int rc = ST_OK;

	if (!text)
		text = embed_find(detect_files, "research.tsv")->data;
	if (r) {
		r->text = strdup(text);
		r->nets = calloc(RESEARCH_NETS_MAX, sizeof(*r->nets));
	}
	if (!r || !r->text || !r->nets) {
		research_free(r);
		return err_set(err, -ENOMEM, "out of memory");
	}
	for (char *line = r->text; line && !rc;) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		rc = take_line(r, line, ++number, err);
		line = end;
	}
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
	free(r->text);
	free(r->nets);
	free(r);
}

const char *research_find(const struct research *r, struct ip ip, int32_t day)
{
	for (size_t i = 0; i < r->count; i++)
		if (day >= r->nets[i].from && day <= r->nets[i].to
		    && ip_net_contains(r->nets[i].net, ip))
			return r->nets[i].name;
	return NULL;
}
