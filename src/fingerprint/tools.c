/*
 * Rule matching with a memory of shapes.
 *
 * Real traffic repeats a few hundred SYN shapes, the window apart (bots draw it at random), so what
 * depends on the shape alone (the stem of the signature's id, which rules are still possible) is
 * worked out once per shape and found again by the header's bytes, compared in full: the options
 * of a known header are not walked again.  What differs from packet to packet (window, ports,
 * marks, TTL, time stamps) is checked each time, for the rules that the shape left over.
 */
#include "fingerprint/tools.h"

#include "base/choose.h"
#include "base/hash.h"
#include "base/rd.h"
#include "fingerprint/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MARKS_ALL ((1u << RECORD_MARK_COUNT) - 1)
#define RECENT_SLOTS 4096u
#define SIGNATURE_SLOTS (2 * TOOLS_SIGNATURES_MAX)
#define SHAPE_SLOTS 512u /* a cache: a collision costs time, never truth */
#define GLANCE_SLOTS 512u /* likewise */
#define GLANCE_WORDS 3
#define GLANCE_OPTIONS_MAX (8 * GLANCE_WORDS) /* longer options are walked */
#define GLANCE_CANDIDATES 2
#define TCP_HEADER_LEN 20
#define WINDOW_BITS 65536u

struct shape {
	struct syn syn; /* its window is 0 */
	bool used;
	uint32_t stem;     /* of the id */
	uint32_t possible; /* rules whose shape conditions hold */
};

/*
 * A header as it lies in the packet, as far as it decides the shape: what the fixed parts say, and
 * the last bytes up to the end of the options, where a time stamp's eight bytes are masked out.
 */
struct glance {
	uint64_t fixed; /* 0 = free */
	uint64_t options[GLANCE_WORDS];
	uint64_t masks[GLANCE_WORDS];
	uint64_t stamp_mask; /* all ones when there is a time stamp */
	uint8_t stamp_back;  /* from its values to the end of the options, else 8 */
	uint8_t stamp;       /* which of its values are zero: stamp_of() */
	uint32_t stem;
	uint32_t certain; /* rules that hold for every packet with this header */
	uint32_t candidates[GLANCE_CANDIDATES]; /* one rule each that may hold, by its ranges */
	uint32_t further; /* the others that may: nearly always none */
	struct rule_ranges ranges[GLANCE_CANDIDATES];
	struct syn syn;     /* its window is 0 */
	uint64_t *windows;  /* bits: windows with which it is remembered; NULL at first */
};

struct tools {
	struct rules rules;
	struct shape shapes[SHAPE_SLOTS];
	struct glance glances[GLANCE_SLOTS];
	/* By length of the options: */
	uint64_t options_mask[GLANCE_OPTIONS_MAX + 1][GLANCE_WORDS];
	uint64_t head_mask[GLANCE_OPTIONS_MAX + 1]; /* of the eight bytes up to the first eight's end */
	uint8_t head_end[GLANCE_OPTIONS_MAX + 1];   /* their end, from the TCP header on, less eight */
	/* Signatures that are kept, open addressing: ids (0 = free) apart from what they stand for,
	 * because most look-ups only ask whether an id is there. */
	uint32_t *ids;
	struct syn *kept;
	unsigned signature_count;
	bool forgets; /* signatures are not kept */
	uint32_t recent[RECENT_SLOTS]; /* ids that are known to be kept */
};

/* The lower n bytes of a word. */
static inline uint64_t low_bytes(size_t n)
{
	return n >= 8 ? UINT64_MAX : (1ull << 8 * n) - 1;
}

static void fill_options_mask(struct tools *tools)
{
	for (size_t len = 0; len <= GLANCE_OPTIONS_MAX; len++) {
		for (size_t i = 0; i < GLANCE_WORDS; i++) {
			size_t behind = 8 * (GLANCE_WORDS - 1 - i);

			tools->options_mask[len][i] = low_bytes(len > behind ? len - behind : 0);
		}
		tools->head_mask[len] = low_bytes(len);
		tools->head_end[len] = (uint8_t)(TCP_HEADER_LEN - 8 + (len < 8 ? len : 8));
	}
}

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
	fill_options_mask(tools);
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
	for (size_t i = 0; i < GLANCE_SLOTS; i++)
		free(tools->glances[i].windows);
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
	for (size_t i = 0; i < GLANCE_SLOTS; i++)
		tools->glances[i].fixed = 0;
	return ST_OK;
}

/* Keeps a signature that was not seen before; its text is made when somebody asks. */
static void remember(struct tools *tools, uint32_t id, const struct syn *syn)
{
	size_t at;

	if (tools->forgets || tools->signature_count == TOOLS_SIGNATURES_MAX
	    || tools->recent[id % RECENT_SLOTS] == id)
		return;
	at = hash_u64(id) % SIGNATURE_SLOTS;
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

static struct tools_verdict judge_packet(struct tools *tools, const struct decode_packet *packet,
    uint32_t id, uint32_t possible, uint16_t marks)
{
	possible &= tools->rules.by_marks[marks & MARKS_ALL];
	return (struct tools_verdict){
		.signature = id,
		.rules = possible ? rules_match_packet(&tools->rules, possible, packet) : 0,
	};
}

struct tools_verdict tools_match(struct tools *tools, const struct decode_packet *packet,
    const struct syn *syn, uint16_t marks)
{
	const struct shape *shape = find_shape(tools, syn);
	uint32_t id = syn_id_with_window(shape->stem, syn->window);

	remember(tools, id, syn);
	return judge_packet(tools, packet, id, shape->possible, marks);
}

/* ---- known headers -------------------------------------------------------------------------- */

/* Everything outside the options that syn_parse looks at, the window apart; never 0. */
static inline uint64_t glance_fixed(const struct decode_packet *p, const uint8_t *tcp,
    size_t options_len)
{
	unsigned flags = p->flags & (DECODE_V4 | DECODE_IP_DF | DECODE_IP_OPTIONS);
	unsigned ttl = ((unsigned)p->ttl - (p->ttl > 0)) >> 5; /* parts at 32, 64, 128 too */
	unsigned bits = 1u | (p->ip_id != 0) << 1 | ((p->tcp_flags & 0xc0) != 0) << 2
	    | (p->seq == 0) << 3 | (p->ack != 0) << 4 | ((tcp[18] | tcp[19]) != 0) << 5
	    | (p->payload_len > 0) << 6;

	return bits | ttl << 7 | flags << 10 | (uint64_t)(tcp[12] >> 4) << 18 | options_len << 22;
}

/* Which of a time stamp's two values are zero: all that a signature tells of them. */
static inline uint8_t stamp_of(uint64_t values)
{
	return (uint8_t)((values >> 32 == 0) | ((uint32_t)values != 0) << 1);
}

static inline bool glance_matches(const struct glance *g, uint64_t fixed, const uint8_t *end)
{
	uint64_t differ = g->fixed ^ fixed;

	for (size_t i = 0; i < GLANCE_WORDS; i++)
		differ |= (rd_at_u64be(end - GLANCE_OPTIONS_MAX + 8 * i) & g->masks[i])
		    ^ g->options[i];
	return !differ && stamp_of(rd_at_u64be(end - g->stamp_back) & g->stamp_mask) == g->stamp;
}

/*
 * Whether the header is known, in its own slot or in the one beside it; *ret_glance is that slot, or
 * where it may go.  In one slot two frequent headers would drive each other out all the time.
 */
static inline bool find_glance(struct tools *tools, uint64_t hash, uint64_t fixed,
    const uint8_t *end, struct glance **ret_glance)
{
	*ret_glance = &tools->glances[hash % GLANCE_SLOTS];
	if (glance_matches(*ret_glance, fixed, end))
		return true;
	if (!(*ret_glance)->fixed)
		return false;
	*ret_glance = &tools->glances[(hash ^ 1) % GLANCE_SLOTS];
	return glance_matches(*ret_glance, fixed, end);
}

/* Parts the rules that the shape leaves possible into what is certain and what the packet decides. */
static void glance_part_rules(const struct rules *rules, struct glance *g, uint32_t possible,
    bool acknowledges)
{
	uint32_t open = possible & rules->packet_rules;

	g->certain = possible & ~open;
	if (!acknowledges)
		open &= ~rules->synful_rules;
	g->further = open;
	if (open & rules->synful_rules)
		return;
	for (size_t i = 0; i < GLANCE_CANDIDATES && g->further; i++) {
		unsigned first = (unsigned)__builtin_ctz(g->further);

		g->candidates[i] = 1u << first;
		g->ranges[i] = rules->rules[first].ranges;
		g->further &= g->further - 1;
	}
}

/* Keeps the header for the next time. */
static void glance_fill(struct tools *tools, struct glance *g, uint64_t fixed,
    const struct syn *syn, const struct decode_packet *packet, size_t options_len)
{
	const uint8_t *end = packet->data + packet->payload_offset;
	const struct shape *shape = find_shape(tools, syn);
	size_t stamp = syn_find_timestamp(end - options_len, options_len);

	if (g->windows)
		memset(g->windows, 0, WINDOW_BITS / 8);
	*g = (struct glance){
		.fixed = fixed,
		.stamp_back = 8,
		.stem = shape->stem,
		.syn = *syn,
		.windows = g->windows,
	};
	glance_part_rules(&tools->rules, g, shape->possible, packet->ack != 0);
	g->syn.window = 0;
	memcpy(g->masks, tools->options_mask[options_len], sizeof(g->masks));
	if (stamp < options_len) {
		g->stamp_mask = UINT64_MAX;
		g->stamp_back = (uint8_t)(options_len - stamp);
		for (size_t i = 0; i < 8; i++) {
			size_t at = GLANCE_OPTIONS_MAX - g->stamp_back + i;

			g->masks[at / 8] &= ~(0xffull << (56 - 8 * (at % 8)));
		}
	}
	for (size_t i = 0; i < GLANCE_WORDS; i++)
		g->options[i] = rd_at_u64be(end - GLANCE_OPTIONS_MAX + 8 * i) & g->masks[i];
	g->stamp = stamp_of(rd_at_u64be(end - g->stamp_back) & g->stamp_mask);
}

/*
 * Has the shape been remembered with this window?  It will be after this.  A bot that draws its
 * window at random has as many signatures as there are windows: a bit each stays in the cache.
 */
static inline bool is_remembered(struct glance *g, uint16_t window)
{
	uint64_t bit = 1ull << window % 64;
	bool was;

	if (!g->windows)
		g->windows = calloc(WINDOW_BITS / 64, sizeof(*g->windows));
	if (!g->windows)
		return false;
	was = g->windows[window / 64] & bit;
	g->windows[window / 64] |= bit;
	return was;
}

static inline uint32_t glance_rules(const struct rules *rules, const struct glance *g,
    const struct decode_packet *packet, uint16_t marks)
{
	uint32_t matched = g->certain;

	for (size_t i = 0; i < GLANCE_CANDIDATES; i++)
		matched |= choose_u32(rule_ranges_hold(&g->ranges[i], packet), g->candidates[i], 0);
	if (g->further)
		matched |= rules_match_packet(rules, g->further, packet);
	return matched & rules->by_marks[marks & MARKS_ALL];
}

/* The rare ways, kept out of the frequent one's registers and stack. */
static __attribute__((noinline)) struct tools_verdict match_parsed(struct tools *tools,
    const struct decode_packet *packet, uint16_t marks)
{
	struct syn syn;

	syn_parse(packet, &syn);
	return tools_match(tools, packet, &syn, marks);
}

static __attribute__((noinline)) void learn_header(struct tools *tools, struct glance *g,
    uint64_t fixed, const struct decode_packet *packet, size_t options_len)
{
	struct syn syn;

	syn_parse(packet, &syn);
	glance_fill(tools, g, fixed, &syn, packet, options_len);
}

static __attribute__((noinline)) void remember_window(struct tools *tools, struct glance *g,
    uint32_t id, uint16_t window)
{
	struct syn syn;

	if (is_remembered(g, window))
		return;
	syn = g->syn;
	syn.window = window;
	remember(tools, id, &syn);
}

struct tools_verdict tools_match_syn(struct tools *tools, const struct decode_packet *packet,
    uint16_t marks)
{
	const uint8_t *tcp = packet->data + packet->transport_offset;
	const uint8_t *end = packet->data + packet->payload_offset;
	size_t options_len = (size_t)(end - tcp) - TCP_HEADER_LEN;
	struct glance *g;
	uint64_t fixed;
	uint64_t head;
	uint32_t id;

	/* An IP header of 20 bytes or more lies in front, so the words at the end can be read. */
	if (options_len > GLANCE_OPTIONS_MAX || packet->transport_offset < TCP_HEADER_LEN
	    || packet->payload_offset > packet->data_len)
		return match_parsed(tools, packet, marks);
	fixed = glance_fixed(packet, tcp, options_len);
	/* The ends tell most shapes apart; a time stamp, which would spoil the hash, is in between. */
	head = rd_at_u64be(tcp + tools->head_end[options_len]) & tools->head_mask[options_len];
	head = head << 32 ^ head >> 32
	    ^ (rd_at_u32be(end - 4) & (uint32_t)tools->head_mask[options_len]);
	if (!find_glance(tools, hash_pair(fixed, head), fixed, end, &g))
		learn_header(tools, g, fixed, packet, options_len);
	id = syn_id_with_window(g->stem, packet->window);
	if (!tools->forgets)
		remember_window(tools, g, id, packet->window);
	return (struct tools_verdict){
		.signature = id,
		.rules = glance_rules(&tools->rules, g, packet, marks),
	};
}

const struct rules *tools_rules(const struct tools *tools)
{
	return &tools->rules;
}

uint32_t tools_pair_rules(const struct tools *tools)
{
	return tools->rules.pair_rules;
}

unsigned tools_count(const struct tools *tools)
{
	return tools->rules.tool_count;
}

const char *tools_name(const struct tools *tools, unsigned tool)
{
	return tool < tools->rules.tool_count ? tools->rules.tools[tool] : "";
}

static inline bool is_enough(const struct rule *rule, uint32_t matches, uint64_t access_packets)
{
	return matches >= rule->needs && matches >= rule->share * (double)access_packets;
}

uint32_t tools_judge_alike(const struct tools *tools, uint32_t rules, uint32_t matches,
    uint64_t access_packets)
{
	uint32_t judged = 0;

	for (; rules; rules &= rules - 1) {
		const struct rule *rule = &tools->rules.rules[__builtin_ctz(rules)];

		if (is_enough(rule, matches, access_packets))
			judged |= 1u << rule->tool;
	}
	return judged;
}

uint32_t tools_judge(const struct tools *tools, const struct tools_evidence *evidence,
    uint64_t access_packets)
{
	uint32_t judged = 0;

	for (unsigned i = 0; i < tools->rules.rule_count; i++) {
		const struct rule *rule = &tools->rules.rules[i];

		if (is_enough(rule, evidence->matches[i], access_packets))
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

void tools_forget_signatures(struct tools *tools)
{
	tools->forgets = true;
}

unsigned tools_signature_count(const struct tools *tools)
{
	return tools->signature_count;
}
