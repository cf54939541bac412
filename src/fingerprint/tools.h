/*
 * Tools: which scanner or bot a source uses, judged from its packets by rules that are data.
 *
 * The rule file (data/tools.rules, format in its head) lists header conditions; relations between
 * fields are code (marks.h, the Unicornscan pair).  A source is judged to use a tool when at least
 * `needs` of its SYNs match one of the tool's rules and they are at least `share` of its access
 * packets.
 */
#pragma once

#include "base/status.h"
#include "decode/decode.h"
#include "fingerprint/syn.h"

#include <stdbool.h>
#include <stdint.h>

#define TOOLS_RULES_MAX 14
#define TOOLS_NAME_MAX 24
#define TOOLS_SIGNATURES_MAX 65536

struct tools;

/* Rules from text (NULL: the built-in file).  An error names the line. */
ST_MUST_CHECK int tools_new(const char *rules_text, struct tools **ret_tools, struct err *err);
void tools_free(struct tools *tools);

/* Replaces the rules, or leaves them untouched and says why. */
ST_MUST_CHECK int tools_reload(struct tools *tools, const char *rules_text, struct err *err);

/* What one SYN says: its signature and the bit set of rules that it matches. */
struct tools_verdict {
	uint32_t signature;
	uint32_t rules;
};

/* packet must be a counted TCP SYN that syn describes, with these marks.  Remembers the texts of
 * new signatures. */
struct tools_verdict tools_match(struct tools *tools, const struct decode_packet *packet,
    const struct syn *syn, uint16_t marks);

/* The same for a packet that nobody has described yet; known headers are told at a glance. */
struct tools_verdict tools_match_syn(struct tools *tools, const struct decode_packet *packet,
    uint16_t marks);

/* Evidence of one source, zeroed at first: SYNs that matched each rule. */
struct tools_evidence {
	uint32_t matches[TOOLS_RULES_MAX];
};

/* The two constants of Unicornscan's sequence relation (tcphash.h) for a SYN. */
static inline void tools_pair_keys(const struct decode_packet *p, uint32_t ret_keys[2])
{
	uint32_t ports = ((uint32_t)p->dport << 16) + p->sport;
	uint32_t dst = ip_v4(p->dst);

	ret_keys[0] = p->seq ^ dst ^ ports;
	ret_keys[1] = p->seq ^ __builtin_bswap32(dst) ^ ports;
}

/* Rules that ask for the Unicornscan relation: true of a SYN when one of its two keys is the same
 * as that of the source's SYN before. */
uint32_t tools_pair_rules(const struct tools *tools);

/* Adds `packets` SYNs that match these rules. */
static inline void tools_evidence_add(struct tools_evidence *evidence, uint32_t packets,
    uint32_t rules)
{
	for (; rules; rules &= rules - 1) {
		uint32_t *n = &evidence->matches[__builtin_ctz(rules)];

		if (__builtin_add_overflow(*n, packets, n))
			*n = UINT32_MAX;
	}
}

/* Number of tools, their names in order of priority. */
unsigned tools_count(const struct tools *tools);
const char *tools_name(const struct tools *tools, unsigned tool);

/* Bit set of the tools that the evidence supports for a source of so many access packets. */
uint32_t tools_judge(const struct tools *tools, const struct tools_evidence *evidence,
    uint64_t access_packets);

/* The same for evidence of so many SYNs that all match these rules, and no others that match any. */
uint32_t tools_judge_alike(const struct tools *tools, uint32_t rules, uint32_t matches,
    uint64_t access_packets);

/* The rules themselves, for the rest of this layer (rules.h). */
struct rules;
const struct rules *tools_rules(const struct tools *tools);

/* From now on signatures are told, but not remembered: for who will not ask for them. */
void tools_forget_signatures(struct tools *tools);

/* How many signatures are remembered; never shrinks. */
unsigned tools_signature_count(const struct tools *tools);

/* Remembered signatures: calls `each` with id and text (valid during the call) until it returns
 * non-zero. */
int tools_signatures(const struct tools *tools,
    int (*each)(void *arg, uint32_t id, const char *text), void *arg);
