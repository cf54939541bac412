/* Many contents at once; the contract is in prefilter.h. */
#include "detect/signature/prefilter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BOUND_MAX 256u /* positions that are worth telling the prefilter */

struct entry {
	const uint8_t *bytes;
	uint16_t len;
	bool nocase;
	uint32_t rule;
	uint32_t min_end; /* where its last byte may lie, one behind; max 0: anywhere */
	uint32_t max_end;
};

struct prefilter {
	struct entry *entries;
	size_t count;
	size_t room;
	hs_database_t *db;
	uint32_t *rules; /* all patterns' rules, pattern after pattern */
	uint32_t *first; /* of each pattern; one more than there are */
};

int candidates_init(struct candidates *c, size_t rules)
{
	c->words = (uint32_t)(rules / 64 + 1);
	c->seen = calloc(c->words, sizeof(*c->seen));
	c->low = c->words;
	c->high = 0;
	return c->seen ? ST_OK : -ENOMEM;
}

void candidates_fini(struct candidates *c)
{
	free(c->seen);
	*c = (struct candidates){0};
}

bool candidates_take(struct candidates *c, uint32_t *ret_rule)
{
	for (; c->low <= c->high && c->low < c->words; c->low++) {
		uint64_t bits = c->seen[c->low];

		if (bits == 0)
			continue;
		*ret_rule = c->low * 64 + (uint32_t)__builtin_ctzll(bits);
		c->seen[c->low] = bits & (bits - 1);
		return true;
	}
	c->low = c->words;
	c->high = 0;
	return false;
}

/* A content that must lie near the beginning is looked for there alone. */
static void bound_entry(struct entry *e, const struct rule_content *c)
{
	uint32_t offset = c->has_offset ? (uint32_t)c->offset.literal : 0;

	if (!c->has_depth || c->has_distance || c->has_within || c->depth.value != RULE_NO_VALUE
	    || (c->has_offset && c->offset.value != RULE_NO_VALUE) || offset > BOUND_MAX
	    || c->depth.literal > (int32_t)BOUND_MAX || (c->has_offset && c->offset.literal < 0))
		return;
	e->min_end = offset + c->fast_offset + c->fast_len;
	e->max_end = offset + (uint32_t)c->depth.literal - (c->len - c->fast_offset - c->fast_len);
}

int prefilter_add(struct prefilter **group, const struct rule *rule)
{
	struct prefilter *g = *group;
	const struct rule_content *c = rule->fast;

	if (!g) {
		g = *group = calloc(1, sizeof(*g));
		if (!g)
			return -ENOMEM;
	}
	if (g->count == g->room) {
		size_t room = g->room ? g->room * 2 : 16;
		struct entry *entries = realloc(g->entries, room * sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		g->entries = entries;
		g->room = room;
	}
	g->entries[g->count] = (struct entry){c->bytes + c->fast_offset, c->fast_len, c->nocase,
		rule->number, 0, 0};
	bound_entry(&g->entries[g->count++], c);
	return ST_OK;
}

static int compare_entries(const void *va, const void *vb)
{
	const struct entry *a = va;
	const struct entry *b = vb;
	int order;

	if (a->nocase != b->nocase)
		return a->nocase - b->nocase;
	if (a->len != b->len)
		return a->len - b->len;
	order = memcmp(a->bytes, b->bytes, a->len);
	if (!order && a->min_end != b->min_end)
		order = a->min_end < b->min_end ? -1 : 1;
	if (!order && a->max_end != b->max_end)
		order = a->max_end < b->max_end ? -1 : 1;
	return order ? order : a->rule < b->rule ? -1 : a->rule > b->rule;
}

static bool same_pattern(const struct entry *a, const struct entry *b)
{
	return a->nocase == b->nocase && a->len == b->len && a->min_end == b->min_end
	    && a->max_end == b->max_end && memcmp(a->bytes, b->bytes, a->len) == 0;
}

struct patterns {
	char **texts;
	unsigned *flags;
	unsigned *ids;
	hs_expr_ext_t *ext;
	const hs_expr_ext_t **exts;
	unsigned count;
};

/* Bytes as an expression: the interface for literals refuses those that begin with a zero. */
static char *expression(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(len * 4 + 1);
	char *p = text;

	for (size_t i = 0; text && i < len; i++) {
		*p++ = '\\';
		*p++ = 'x';
		*p++ = digits[bytes[i] >> 4];
		*p++ = digits[bytes[i] & 15];
	}
	if (text)
		*p = '\0';
	return text;
}

static int gather(struct prefilter *g, struct patterns *p)
{
	p->texts = calloc(g->count, sizeof(char *));
	p->flags = calloc(g->count, sizeof(*p->flags));
	p->ids = calloc(g->count, sizeof(*p->ids));
	p->ext = calloc(g->count, sizeof(*p->ext));
	p->exts = calloc(g->count, sizeof(hs_expr_ext_t *));
	g->rules = calloc(g->count, sizeof(*g->rules));
	g->first = calloc(g->count + 1, sizeof(*g->first));
	if (!p->texts || !p->flags || !p->ids || !p->ext || !p->exts || !g->rules || !g->first)
		return -ENOMEM;
	for (size_t i = 0; i < g->count; i++) {
		const struct entry *e = &g->entries[i];

		if (i == 0 || !same_pattern(e, e - 1)) {
			p->texts[p->count] = expression(e->bytes, e->len);
			if (!p->texts[p->count])
				return -ENOMEM;
			p->flags[p->count] = HS_FLAG_SINGLEMATCH | (e->nocase ? HS_FLAG_CASELESS : 0);
			p->ids[p->count] = p->count;
			if (e->max_end) {
				p->ext[p->count] = (hs_expr_ext_t){
					.flags = HS_EXT_FLAG_MIN_OFFSET | HS_EXT_FLAG_MAX_OFFSET,
					.min_offset = e->min_end, .max_offset = e->max_end};
				p->exts[p->count] = &p->ext[p->count];
			}
			g->first[p->count++] = (uint32_t)i;
		}
		g->rules[i] = e->rule;
	}
	g->first[p->count] = (uint32_t)g->count;
	return ST_OK;
}

int prefilter_finish(struct prefilter *g, hs_scratch_t **scratch, struct err *err)
{
	struct patterns p = {0};
	hs_compile_error_t *bad = NULL;
	int rc;

	qsort(g->entries, g->count, sizeof(*g->entries), compare_entries);
	rc = gather(g, &p);
	if (rc) {
		rc = err_set(err, rc, "out of memory");
		goto out;
	}
	if (hs_compile_ext_multi((const char *const *)p.texts, p.flags, p.ids, p.exts, p.count,
	        HS_MODE_BLOCK, NULL, &g->db, &bad) != HS_SUCCESS) {
		rc = err_set(err, ST_ENGINE, "the contents of rules could not be compiled: %s",
		    bad ? bad->message : "unknown reason");
		hs_free_compile_error(bad);
		goto out;
	}
	if (hs_alloc_scratch(g->db, scratch) != HS_SUCCESS)
		rc = err_set(err, -ENOMEM, "out of memory");
out:
	for (unsigned i = 0; p.texts && i < p.count; i++)
		free(p.texts[i]);
	free(p.texts);
	free(p.flags);
	free(p.ids);
	free(p.ext);
	free(p.exts);
	free(g->entries);
	g->entries = NULL;
	return rc;
}

void prefilter_free(struct prefilter *g)
{
	if (!g)
		return;
	hs_free_database(g->db);
	free(g->entries);
	free(g->rules);
	free(g->first);
	free(g);
}

struct scan {
	const struct prefilter *group;
	struct candidates *candidates;
};

static int hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
    void *arg)
{
	const struct scan *s = arg;

	(void)from;
	(void)to;
	(void)flags;
	for (uint32_t i = s->group->first[id]; i < s->group->first[id + 1]; i++)
		candidates_add(s->candidates, s->group->rules[i]);
	return 0;
}

void prefilter_scan(const struct prefilter *g, hs_scratch_t *scratch, const uint8_t *data,
    size_t len, struct candidates *c)
{
	struct scan s = {g, c};

	if (g && len)
		(void)hs_scan(g->db, (const char *)data, (unsigned)len, 0, scratch, hit, &s);
}
