/*
 * Rule matching with a memory of shapes.
 *
 * Real traffic repeats a few hundred SYN shapes, the window apart (bots draw it at random), so what
 * depends on the shape alone (the stem of the signature's id, which rules are still possible) is
 * worked out once per shape and found again by the shape's bytes, compared in full.  What differs
 * from packet to packet (window, ports, marks, TTL) is checked each time, for the rules that the
 * shape left over.
 */
#include "fingerprint/tools.h"

#include "base/hash.h"
#include "fingerprint/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MARKS_ALL ((1u << RECORD_MARK_COUNT) - 1)
#define RECENT_SLOTS 4096u
#define SIGNATURE_SLOTS (2 * TOOLS_SIGNATURES_MAX)
#define SHAPE_SLOTS 512u /* a cache: a collision costs time, never truth */

struct shape {
	struct syn syn; /* its window is 0 */
	bool used;
	uint32_t stem;     /* of the id */
	uint32_t possible; /* rules whose shape conditions hold */
};

struct tools {
	struct rules rules;
	struct shape shapes[SHAPE_SLOTS];
	/* Signatures that are kept, open addressing: ids (0 = free) apart from what they stand for,
	 * because most look-ups only ask whether an id is there. */
	uint32_t *ids;
	struct syn *kept;
	unsigned signature_count;
	uint32_t recent[RECENT_SLOTS]; /* ids that are known to be kept */
};

int tools_new(const char *rules_text, struct tools **ret_tools, struct err *err)
{
	struct tools *tools = calloc(1, sizeof(*tools));
	int rc;

	if (!tools)
		return err_set(err, -ENOMEM, "out of memory");
	tools->ids = calloc(SIGNATURE_SLOTS, sizeof(*tools->ids));
	tools->kept = calloc(SIGNATURE_SLOTS, sizeof(*tools->kept));
	if (!tools->ids || !tools->kept) {
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
	free(tools->kept);
	free(tools->ids);
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

/* Keeps a signature that was not seen before; its text is made when somebody asks. */
static void remember(struct tools *tools, uint32_t id, const struct syn *syn)
{
	size_t at = hash_u64(id) % SIGNATURE_SLOTS;

	if (tools->recent[id % RECENT_SLOTS] == id
	    || tools->signature_count == TOOLS_SIGNATURES_MAX)
		return;
	tools->recent[id % RECENT_SLOTS] = id;
	while (tools->ids[at] && tools->ids[at] != id)
		at = (at + 1) % SIGNATURE_SLOTS;
	if (tools->ids[at])
		return;
	tools->ids[at] = id;
	tools->kept[at] = *syn;
	tools->signature_count++;
}

static uint64_t hash_shape(const struct syn *syn)
{
	uint64_t w[sizeof(*syn) / 8];

	memcpy(w, syn, sizeof(w));
	return hash_pair(hash_pair(w[0], w[1]), w[2] ^ w[3]);
}

static const struct shape *find_shape(struct tools *tools, const struct syn *syn)
{
	struct syn windowless = *syn;
	struct shape *shape;

	windowless.window = 0;
	shape = &tools->shapes[hash_shape(&windowless) % SHAPE_SLOTS];
	if (!shape->used || memcmp(&shape->syn, &windowless, sizeof(windowless)) != 0) {
		shape->used = true;
		shape->syn = windowless;
		shape->stem = syn_id_stem(syn);
		shape->possible = rules_match_shape(&tools->rules, syn);
	}
	return shape;
}

struct tools_verdict tools_match(struct tools *tools, const struct decode_packet *packet,
    const struct syn *syn, uint16_t marks)
{
	const struct shape *shape = find_shape(tools, syn);
	uint32_t possible = shape->possible & tools->rules.by_marks[marks & MARKS_ALL];
	uint32_t id = syn_id_with_window(shape->stem, syn->window);

	remember(tools, id, syn);
	return (struct tools_verdict){
		.signature = id,
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
	char text[SYN_TEXT_MAX];

	for (size_t i = 0; i < SIGNATURE_SLOTS; i++) {
		int rc = 0;

		if (tools->ids[i]) {
			(void)syn_format(&tools->kept[i], text);
			rc = each(arg, tools->ids[i], text);
		}
		if (rc)
			return rc;
	}
	return 0;
}

unsigned tools_signature_count(const struct tools *tools)
{
	return tools->signature_count;
}
