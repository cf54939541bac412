/*
 * YAML (1.1, libyaml's event parser) to a tree with positions; the contract is in yaml.h.
 *
 * Works on events, never on libyaml's documents, so that an alias is seen and refused before it
 * could multiply anything.  No recursion: the open collections are an array of CONFIG_DEPTH_MAX.
 */
#include "config/yaml.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* ---- memory --------------------------------------------------------------------------------- */

struct block {
	struct block *next;
	max_align_t data[];
};

struct config_memory {
	struct block *blocks;
};

static void *allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		(void)fputs("out of memory while reading the configuration\n", stderr);
		abort();
	}
	return p;
}

struct config_memory *config_memory_new(void)
{
	return allocate(sizeof(struct config_memory));
}

void *config_alloc(struct config_memory *memory, size_t size)
{
	struct block *block = allocate(sizeof(*block) + size);

	block->next = memory->blocks;
	memory->blocks = block;
	return block->data;
}

void config_memory_free(struct config_memory *memory)
{
	struct block *next;

	if (!memory)
		return;
	for (struct block *block = memory->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(memory);
}

/* ---- the text itself ------------------------------------------------------------------------ */

static int problem(struct config_problem *p, int code, unsigned line, unsigned column,
    const char *fmt, ...) ST_PRINTF(5, 6);

static int problem(
    struct config_problem *p, int code, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list ap;

	p->line = line;
	p->column = column;
	va_start(ap, fmt);
	(void)vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
	return code;
}

/* Text a terminal and another YAML reader can take: no controls, separators or marks of order. */
static bool printable(uint32_t cp)
{
	if (cp == 0x2028 || cp == 0x2029 || cp == 0xfeff)
		return false;
	return (cp >= 0x20 && cp <= 0x7e) || (cp >= 0xa0 && cp <= 0xd7ff) ||
	       (cp >= 0xe000 && cp <= 0xfffd) || (cp >= 0x10000 && cp <= 0x10ffff);
}

/* libyaml's own messages about encodings lack a position a person can use. */
static int check_characters(const char *text, size_t len, struct config_problem *p)
{
	unsigned line = 1;
	unsigned column = 1;
	size_t at = 0;

	while (at < len) {
		uint32_t cp;
		size_t used = utf8_decode(text + at, len - at, &cp);

		if (cp == 0xfffd && !(used == 3 && memcmp(text + at, "\xef\xbf\xbd", 3) == 0))
			return problem(p, ST_MALFORMED, line, column,
			    "byte 0x%02x is not valid UTF-8; save the file as UTF-8",
			    (uint8_t)text[at]);
		if (!printable(cp) && cp != '\n' && cp != '\r' && cp != '\t')
			return problem(p, ST_MALFORMED, line, column,
			    "control character 0x%02x; remove it", (unsigned)cp);
		at += used;
		column++;
		if (cp == '\n') {
			line++;
			column = 1;
		}
	}
	return ST_OK;
}

/* Does the indentation of that line (from 1) contain a tab? */
static bool line_has_tab(const char *text, size_t len, unsigned line)
{
	const char *end = text + len;
	const char *p = text;

	for (unsigned n = 1; n < line; n++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return false;
		p++;
	}
	for (; p < end && (*p == ' ' || *p == '\t'); p++)
		if (*p == '\t')
			return true;
	return false;
}

static int syntax_problem(
    const yaml_parser_t *parser, const char *text, size_t len, struct config_problem *p)
{
	unsigned line = (unsigned)parser->problem_mark.line + 1;
	unsigned column = (unsigned)parser->problem_mark.column + 1;

	if (line_has_tab(text, len, line))
		return problem(
		    p, ST_MALFORMED, line, column, "a tab in the indentation; YAML wants spaces");
	if (parser->context)
		return problem(p, ST_MALFORMED, line, column, "not valid YAML: %s %s (line %zu)",
		    parser->problem ? parser->problem : "unknown problem", parser->context,
		    parser->context_mark.line + 1);
	return problem(p, ST_MALFORMED, line, column, "not valid YAML: %s",
	    parser->problem ? parser->problem : "unknown problem");
}

/* ---- the tree ------------------------------------------------------------------------------- */

struct builder {
	struct config_memory *memory;
	struct config_problem *problem;
	struct config_node *root;
	struct config_node *open[CONFIG_DEPTH_MAX];
	size_t depth;
	size_t nodes;
	unsigned documents;
	/* In a mapping: the key whose value comes next. */
	const char *key[CONFIG_DEPTH_MAX];
	yaml_mark_t key_mark[CONFIG_DEPTH_MAX];
};

static int at_mark(const struct builder *b, int code, yaml_mark_t mark, const char *text)
{
	return problem(
	    b->problem, code, (unsigned)mark.line + 1, (unsigned)mark.column + 1, "%s", text);
}

static int take_key(struct builder *b, const yaml_event_t *event)
{
	struct config_node *map = b->open[b->depth - 1];
	const char *text;
	size_t len;
	char *copy;

	if (event->type != YAML_SCALAR_EVENT)
		return at_mark(b, ST_MALFORMED, event->start_mark, "a key must be a word");
	text = (const char *)event->data.scalar.value;
	len = event->data.scalar.length;
	if (strcmp(text, "<<") == 0)
		return at_mark(b, ST_MALFORMED, event->start_mark,
		    "merge keys (<<) are not accepted; write the keys out");
	for (struct config_node *n = map->child; n; n = n->next)
		if (strcmp(n->key, text) == 0)
			return problem(b->problem, ST_MALFORMED,
			    (unsigned)event->start_mark.line + 1,
			    (unsigned)event->start_mark.column + 1,
			    "key '%.60s' is there twice (first in line %u); keep one", text,
			    n->key_line);
	copy = config_alloc(b->memory, len + 1);
	memcpy(copy, text, len);
	b->key[b->depth - 1] = copy;
	b->key_mark[b->depth - 1] = event->start_mark;
	return ST_OK;
}

static void attach(struct builder *b, struct config_node *node)
{
	struct config_node *parent;

	if (b->depth == 0) {
		b->root = node;
		return;
	}
	parent = b->open[b->depth - 1];
	if (parent->kind == CONFIG_NODE_MAP) {
		node->key = b->key[b->depth - 1];
		node->key_line = (unsigned)b->key_mark[b->depth - 1].line + 1;
		node->key_column = (unsigned)b->key_mark[b->depth - 1].column + 1;
		b->key[b->depth - 1] = NULL;
	}
	if (parent->last)
		parent->last->next = node;
	else
		parent->child = node;
	parent->last = node;
	parent->count++;
}

static int check_plain(
    const struct builder *b, const yaml_event_t *event, const void *anchor, const void *tag)
{
	if (anchor)
		return at_mark(b, ST_MALFORMED, event->start_mark,
		    "anchors (&name) are not accepted; write the value out");
	if (tag)
		return at_mark(b, ST_MALFORMED, event->start_mark,
		    "tags (!name) are not accepted; write the plain value");
	return ST_OK;
}

static int add_node(struct builder *b, const yaml_event_t *event, enum config_node_kind kind,
    const void *anchor, const void *tag)
{
	struct config_node *node;
	int r = check_plain(b, event, anchor, tag);

	if (r < 0)
		return r;
	if (b->depth > 0 && b->open[b->depth - 1]->kind == CONFIG_NODE_MAP && !b->key[b->depth - 1])
		return take_key(b, event);
	if (++b->nodes > CONFIG_NODES_MAX ||
	    (b->depth > 0 && b->open[b->depth - 1]->count >= CONFIG_ITEMS_MAX))
		return at_mark(b, ST_LIMIT, event->start_mark,
		    "more values than a configuration can "
		    "have");
	if (kind != CONFIG_NODE_SCALAR && b->depth == CONFIG_DEPTH_MAX)
		return at_mark(b, ST_LIMIT, event->start_mark, "nested too deeply");
	node = config_alloc(b->memory, sizeof(*node));
	node->kind = kind;
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	if (kind == CONFIG_NODE_SCALAR) {
		char *text = config_alloc(b->memory, event->data.scalar.length + 1);

		memcpy(text, event->data.scalar.value, event->data.scalar.length);
		node->text = text;
		node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	}
	attach(b, node);
	if (kind != CONFIG_NODE_SCALAR)
		b->open[b->depth++] = node;
	return ST_OK;
}

/* An escape in quotes ("\0") can bring in what check_characters kept out. */
static bool scalar_printable(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(text + at, len - at, &cp);
		if (!printable(cp) && cp != '\n')
			return false;
	}
	return true;
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		if (!scalar_printable(event))
			return at_mark(b, ST_MALFORMED, event->start_mark,
			    "an escaped control character; remove it");
		return add_node(b, event, CONFIG_NODE_SCALAR, event->data.scalar.anchor,
		    event->data.scalar.tag);
	case YAML_SEQUENCE_START_EVENT:
		return add_node(b, event, CONFIG_NODE_LIST, event->data.sequence_start.anchor,
		    event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return add_node(b, event, CONFIG_NODE_MAP, event->data.mapping_start.anchor,
		    event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return ST_OK;
	case YAML_ALIAS_EVENT:
		return at_mark(b, ST_MALFORMED, event->start_mark,
		    "aliases (*name) are not accepted; write the value out");
	case YAML_DOCUMENT_START_EVENT:
		if (++b->documents > 1)
			return at_mark(b, ST_MALFORMED, event->start_mark,
			    "a second document (---); one file is one document");
		return ST_OK;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return ST_OK;
	}
	return ST_OK;
}

int config_yaml_parse(struct config_memory *memory, const char *text, size_t len,
    struct config_node **ret_root, struct config_problem *ret_problem)
{
	struct builder b = {.memory = memory, .problem = ret_problem};
	yaml_parser_t parser;
	bool end = false;
	int r;

	if (len > CONFIG_BYTES_MAX)
		return problem(ret_problem, ST_LIMIT, 1, 1,
		    "the file has %zu bytes; a configuration has at most %u", len,
		    CONFIG_BYTES_MAX);
	r = check_characters(text, len, ret_problem);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&parser))
		return problem(ret_problem, ST_ENGINE, 1, 1, "libyaml does not start");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			r = syntax_problem(&parser, text, len, ret_problem);
			goto out;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		r = take_event(&b, &event);
		yaml_event_delete(&event);
		if (r < 0)
			goto out;
	}
	*ret_root = b.root;
	r = ST_OK;
out:
	yaml_parser_delete(&parser);
	return r;
}
