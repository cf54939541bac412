/*
 * Rule matching with a memory of shapes.
 *
 * Real traffic repeats a few thousand SYN shapes, so what depends on the shape alone (signature
 * text, its id, which rules are still possible) is worked out once per shape and found again by
 * the shape's bytes, compared in full.  What differs from packet to packet (ports, marks, TTL) is
 * checked each time, for the rules that the shape left over.
 */
#include "fingerprint/tools.h"

#include "base/hash.h"
#include "fingerprint/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MARKS_ALL ((1u << RECORD_MARK_COUNT) - 1)
#define SHAPE_SLOTS 4096u /* a cache: a collision costs time, never truth */

struct shape {
	struct syn syn;
	uint32_t signature; /* 0 = free */
	uint32_t possible;  /* rules whose shape conditions hold */
};

struct signature {
	uint32_t id; /* 0 = free */
	char *text;
};

struct tools {
	struct rules rules;
	struct shape shapes[SHAPE_SLOTS];
	struct signature *signatures; /* open addressing, 2 × TOOLS_SIGNATURES_MAX */
	unsigned signature_count;
};

int tools_new(const char *rules_text, struct tools **ret_tools, struct err *err)
{
	struct tools *tools = calloc(1, sizeof(*tools));
	int rc;

	if (!tools)
		return err_set(err, -ENOMEM, "out of memory");
	tools->signatures = calloc(2 * TOOLS_SIGNATURES_MAX, sizeof(*tools->signatures));
	if (!tools->signatures) {
		rc = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	rc = tools_reload(tools, rules_text, err);
	if (rc)
		goto out;
	*ret_tools = tools;
	tools = NULL;
out:
	tools_free(tools);
	return rc;
}

void tools_free(struct tools *tools)
{
	if (!tools)
		return;
	if (tools->signatures)
		for (size_t i = 0; i < 2 * TOOLS_SIGNATURES_MAX; i++)
			free(tools->signatures[i].text);
	free(tools->signatures);
	free(tools);
}

int tools_reload(struct tools *tools, const char *rules_text, struct err *err)
{
	struct rules rules;
	int rc = rules_parse(rules_text ? rules_text : rules_builtin(), &rules, err);

	if (rc)
		return rc;
	tools->rules = rules;
	memset(tools->shapes, 0, sizeof(tools->shapes));
	return ST_OK;
}

/* Keeps the text of a signature that was not seen before. */
static void remember(struct tools *tools, uint32_t id, const struct syn *syn)
{
	size_t mask = 2 * TOOLS_SIGNATURES_MAX - 1;
	size_t at = hash_u64(id) & mask;
	char text[SYN_TEXT_MAX];
	struct signature *s;
	size_t len;

	if (tools->signature_count == TOOLS_SIGNATURES_MAX)
		return; /* full: most ids are new, looking them up would only cost */
	while (tools->signatures[at].id && tools->signatures[at].id != id)
		at = (at + 1) & mask;
	s = &tools->signatures[at];
	if (s->id)
		return;
	len = syn_format(syn, text);
	s->text = malloc(len + 1);
	if (!s->text)
		return;
	memcpy(s->text, text, len + 1);
	s->id = id;
	tools->signature_count++;
}

static void learn(struct tools *tools, struct shape *shape, const struct syn *syn)
{
	shape->syn = *syn;
	shape->signature = syn_id(syn);
	shape->possible = rules_match_shape(&tools->rules, syn);
	remember(tools, shape->signature, syn);
}

static uint64_t hash_shape(const struct syn *syn)
{
	uint64_t w[sizeof(*syn) / 8];

	memcpy(w, syn, sizeof(w));
	return hash_pair(hash_pair(w[0], w[1]), w[2] ^ w[3]);
}

static inline struct shape *shape_of(struct tools *tools, const struct syn *syn)
{
	return &tools->shapes[hash_shape(syn) % SHAPE_SLOTS];
}

void tools_prefetch(struct tools *tools, const struct syn *syn)
{
	__builtin_prefetch(shape_of(tools, syn));
}

struct tools_verdict tools_match(struct tools *tools, const struct decode_packet *packet,
    const struct syn *syn, uint16_t marks)
{
	struct shape *shape = shape_of(tools, syn);
	uint32_t possible;

	if (!shape->signature || memcmp(&shape->syn, syn, sizeof(*syn)) != 0)
		learn(tools, shape, syn);
	possible = shape->possible & tools->rules.by_marks[marks & MARKS_ALL];
	return (struct tools_verdict){
		.signature = shape->signature,
		.rules = possible ? rules_match_packet(&tools->rules, possible, packet) : 0,
	};
}

uint32_t tools_pair_rules(const struct tools *tools)
{
	return tools->rules.pair_rules;
}

void tools_evidence_add(struct tools_evidence *evidence, uint32_t packets, uint32_t rules)
{
	for (; rules; rules &= rules - 1) {
		uint32_t *n = &evidence->matches[__builtin_ctz(rules)];

		if (__builtin_add_overflow(*n, packets, n))
			*n = UINT32_MAX;
	}
}

unsigned tools_count(const struct tools *tools)
{
	return tools->rules.tool_count;
}

const char *tools_name(const struct tools *tools, unsigned tool)
{
	return tool < tools->rules.tool_count ? tools->rules.tools[tool] : "";
}

uint32_t tools_judge(const struct tools *tools, const struct tools_evidence *evidence,
    uint64_t access_packets)
{
	uint32_t judged = 0;

	for (unsigned i = 0; i < tools->rules.rule_count; i++) {
		const struct rule *rule = &tools->rules.rules[i];
		uint32_t k = evidence->matches[i];

		if (k >= rule->needs && k >= rule->share * (double)access_packets)
			judged |= 1u << rule->tool;
	}
	return judged;
}

int tools_signatures(const struct tools *tools,
    int (*each)(void *arg, uint32_t id, const char *text), void *arg)
{
	for (size_t i = 0; i < 2 * TOOLS_SIGNATURES_MAX; i++) {
		const struct signature *s = &tools->signatures[i];

		if (s->id) {
			int rc = each(arg, s->id, s->text);

			if (rc)
				return rc;
		}
	}
	return 0;
}
