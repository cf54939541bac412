/* What a rule does, in words, for the person who wrote it or wonders why it was silent. */
#include "detect/engine.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdio.h>

#define BYTES_SHOWN 64

static void put_content(struct buf *b, const struct rule_content *c)
{
	buf_putc(b, '"');
	for (unsigned i = 0; i < c->len && i < BYTES_SHOWN; i++) {
		uint8_t ch = c->bytes[i];

		if (isprint(ch) && ch != '|' && ch != '"')
			buf_putc(b, (char)ch);
		else
			buf_printf(b, "|%02x|", ch);
	}
	buf_puts(b, c->len > BYTES_SHOWN ? "\"…" : "\"");
}

static void put_number(struct buf *b, const char *word, const struct rule_number *n)
{
	if (n->value == RULE_NO_VALUE)
		buf_printf(b, ", %s %d", word, n->literal);
	else
		buf_printf(b, ", %s value %d", word, n->value);
}

static void put_match(struct buf *b, const struct rule_match *m)
{
	static const char *const kinds[] = {
		[MATCH_CONTENT] = "content", [MATCH_PCRE] = "pcre", [MATCH_ISDATAAT] = "isdataat",
		[MATCH_BYTE_TEST] = "byte_test", [MATCH_BYTE_JUMP] = "byte_jump",
		[MATCH_BYTE_EXTRACT] = "byte_extract", [MATCH_BYTE_MATH] = "byte_math",
		[MATCH_BASE64_DECODE] = "base64_decode", [MATCH_BSIZE] = "size", [MATCH_ABSENT] = "absent",
		[MATCH_NUMBER] = "number",
	};

	buf_printf(b, "    %s%s", m->negated ? "not " : "", kinds[m->kind]);
	if (m->kind == MATCH_PCRE && m->pcre.text)
		buf_printf(b, " /%s/", m->pcre.text);
	if (m->kind == MATCH_CONTENT) {
		const struct rule_content *c = &m->content;

		buf_putc(b, ' ');
		put_content(b, c);
		if (c->nocase)
			buf_puts(b, ", in any case");
		if (c->has_offset)
			put_number(b, "from", &c->offset);
		if (c->has_depth)
			put_number(b, "within the next", &c->depth);
		if (c->ends)
			buf_puts(b, ", at the end");
		if (c->has_distance)
			put_number(b, "distance", &c->distance);
		if (c->has_within)
			put_number(b, "within", &c->within);
	}
	if (m->relative)
		buf_puts(b, ", counted from the match before");
	buf_putc(b, '\n');
}

static const char *kind_text(const struct rule *r)
{
	switch ((enum rule_kind)r->kind) {
	case RULE_IP_ONLY:
		return "addresses and protocol alone; once per direction of a flow";
	case RULE_APP_ONLY:
		return "the application protocol alone; once per direction of a flow";
	case RULE_APP:
		return "transactions of the application protocol";
	case RULE_EVENT:
		return "oddities met while decoding";
	case RULE_PACKET:
		break;
	}
	if (r->wants_stream)
		return r->wants_packet ? "packets, and streams put together" : "streams put together";
	return "packets";
}

static void put_flow(struct buf *b, const struct rule *r)
{
	static const struct {
		uint8_t flow;
		const char *text;
	} words[] = {
		{FLOW_TO_SERVER, " to the server"}, {FLOW_TO_CLIENT, " to the client"},
		{FLOW_ESTABLISHED, ", established"}, {FLOW_NOT_ESTABLISHED, ", not established"},
		{FLOW_STATELESS, ", any state"},
	};

	if (!r->flow)
		return;
	buf_puts(b, "  flow:");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (r->flow & words[i].flow)
			buf_puts(b, words[i].text);
	buf_putc(b, '\n');
}

static void put_threshold(struct buf *b, const struct rule_threshold *t)
{
	static const char *const types[] = {"", "the first %u", "each %uth", "the %uth",
		"those after the first %u", "the %uth, and ever more rarely"};
	static const char *const tracks[] = {"source", "destination", "pair of addresses", "rule", "flow"};

	if (!t->type)
		return;
	buf_puts(b, "  raised: ");
	buf_printf(b, types[t->type], t->count);
	buf_printf(b, " in %u s, per %s\n", t->seconds, tracks[t->track]);
}

void signatures_explain(const struct signatures *s, size_t index, struct buf *b)
{
	const struct rule *r = s->set.rules[index];

	buf_printf(b, "%u:%u rev %u  %s\n  from %s:%u\n", r->gid, r->sid, r->rev, r->msg, r->file, r->line);
	buf_printf(b, "  class: %s, severity %u\n",
	    r->class_id ? s->set.classes[r->class_id - 1].name : "none", r->severity);
	buf_printf(b, "  looks at: %s", kind_text(r));
	if (r->app)
		buf_printf(b, " (%s)", detect_app_name((enum detect_app)r->app));
	buf_putc(b, '\n');
	put_flow(b, r);
	for (size_t i = 0; i < r->list_count; i++) {
		const struct rule_list *l = &r->lists[i];

		buf_printf(b, "  in %s%s:\n", buffer_kinds[l->buffer].name,
		    s->set.views[l->view].transform_count ? ", transformed" : "");
		for (unsigned m = 0; m < l->count; m++)
			put_match(b, &l->matches[m]);
	}
	if (r->test_count)
		buf_printf(b, "  tests of the packet, its flow or its hosts: %u\n", r->test_count);
	if (r->fast) {
		buf_puts(b, "  considered when ");
		put_content(b, r->fast);
		buf_printf(b, " is in %s\n", buffer_kinds[s->set.views[r->fast_view].buffer].name);
	} else {
		buf_puts(b, "  considered always: it has no content to look for first\n");
	}
	put_threshold(b, &r->threshold);
	put_threshold(b, &r->filter);
	if (r->silent)
		buf_puts(b, "  raises nothing by itself (noalert)\n");
	buf_printf(b, "  %s\n", r->text);
}
