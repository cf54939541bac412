/*
 * The configuration written out: as YAML, as JSON, and its keys as a manual section.
 *
 * Values are printed from the nodes they were read from (or their defaults'), so what a person
 * wrote comes back as written.  A value is at most a mapping of lists: two levels, no recursion.
 */
#include "config/keys.h"

#include <string.h>

/* Plain YAML words that need no quotes. */
static bool plain(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                           "/._-%";

	if (!text[0] || text[0] == '-' || text[0] == '%')
		return false;
	return text[strspn(text, safe)] == 0;
}

static void put_yaml_scalar(struct buf *b, const struct config_node *node)
{
	/* Number-like and boolean-like text keeps its quotes, for other readers of YAML. */
	if (!node->quoted && plain(node->text)) {
		buf_puts(b, node->text);
		return;
	}
	buf_putc(b, '\'');
	for (const char *p = node->text; *p; p++) {
		if (*p == '\'')
			buf_putc(b, '\'');
		buf_putc(b, *p);
	}
	buf_putc(b, '\'');
}

static void put_yaml_list(struct buf *b, const struct config_node *node)
{
	buf_putc(b, '[');
	for (const struct config_node *n = node->child; n; n = n->next) {
		put_yaml_scalar(b, n);
		if (n->next)
			buf_puts(b, ", ");
	}
	buf_putc(b, ']');
}

static void put_yaml(struct buf *b, const struct config_node *node)
{
	switch (node->kind) {
	case CONFIG_NODE_SCALAR:
		put_yaml_scalar(b, node);
		return;
	case CONFIG_NODE_LIST:
		put_yaml_list(b, node);
		return;
	case CONFIG_NODE_MAP:
		buf_putc(b, '{');
		for (const struct config_node *n = node->child; n; n = n->next) {
			buf_printf(b, "%s: ", n->key);
			put_yaml_list(b, n);
			if (n->next)
				buf_puts(b, ", ");
		}
		buf_putc(b, '}');
		return;
	}
}

/* Opens the sections of path that were not open in `before`; returns the depth of the key. */
static int open_sections(struct buf *b, const char *before, const char *path)
{
	const char *p = path;
	int depth = 0;

	for (;;) {
		size_t len = strcspn(p, ".");
		size_t upto = (size_t)(p - path) + len;

		if (!p[len])
			return depth;
		if (!before || strncmp(before, path, upto + 1) != 0) {
			if (depth == 0 && before)
				buf_putc(b, '\n');
			for (int i = 0; i < depth; i++)
				buf_puts(b, "  ");
			buf_printf(b, "%.*s:\n", (int)len, p);
		}
		depth++;
		p += len + 1;
	}
}

void config_dump_yaml(const struct config *config, struct buf *b)
{
	const struct config_origin *origins = config_origins(config);
	const char *before = NULL;

	for (size_t i = 0; i < config_entry_count; i++) {
		const char *path = config_entries[i].key.path;
		int depth = open_sections(b, before, path);

		for (int d = 0; d < depth; d++)
			buf_puts(b, "  ");
		buf_printf(b, "%s: ", strrchr(path, '.') + 1);
		put_yaml(b, origins[i].node);
		buf_puts(b, origins[i].set ? "\n" : "  # default\n");
		before = path;
	}
}

static void put_json_string(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_putc(b, '\\');
		if (*p == '\n')
			buf_puts(b, "\\n");
		else
			buf_putc(b, *p);
	}
	buf_putc(b, '"');
}

static void put_json_scalar(struct buf *b, enum config_type type, const struct config_node *node)
{
	/* These three were checked to be a number, a port or true/false: JSON as they stand,
	 * but for zeros in front. */
	if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_PORTS) {
		const char *text = node->text;

		if (*text == '-')
			buf_putc(b, *text++);
		while (*text == '0' && text[1])
			text++;
		buf_puts(b, text);
	} else if (type == CONFIG_TYPE_BOOL) {
		buf_puts(b, node->text);
	} else {
		put_json_string(b, node->text);
	}
}

static void put_json_list(struct buf *b, enum config_type type, const struct config_node *node)
{
	buf_putc(b, '[');
	for (const struct config_node *n = node->child; n; n = n->next) {
		put_json_scalar(b, type, n);
		if (n->next)
			buf_puts(b, ", ");
	}
	buf_putc(b, ']');
}

void config_dump_json(const struct config *config, struct buf *b)
{
	const struct config_origin *origins = config_origins(config);

	buf_puts(b, "[\n");
	for (size_t i = 0; i < config_entry_count; i++) {
		const struct config_node *node = origins[i].node;
		enum config_type type = config_entries[i].type;

		buf_printf(b, "  {\"key\": \"%s\", \"value\": ", config_entries[i].key.path);
		if (node->kind == CONFIG_NODE_SCALAR)
			put_json_scalar(b, type, node);
		else if (node->kind == CONFIG_NODE_LIST)
			put_json_list(b, type, node);
		if (node->kind == CONFIG_NODE_MAP) {
			buf_putc(b, '{');
			for (const struct config_node *n = node->child; n; n = n->next) {
				put_json_string(b, n->key);
				buf_puts(b, ": ");
				put_json_list(b, type, n);
				if (n->next)
					buf_puts(b, ", ");
			}
			buf_putc(b, '}');
		}
		buf_printf(b, ", \"default\": %s}%s\n", origins[i].set ? "false" : "true",
		    i + 1 < config_entry_count ? "," : "");
	}
	buf_puts(b, "]\n");
}

/* scdoc reads *, _ and \ as markup; our list uses * on purpose, the rest is literal. */
static void put_manual(struct buf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '_' || *p == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *p);
	}
}

static void put_choices(struct buf *b, const char *choices)
{
	for (const char *p = choices; *p; p++) {
		if (*p != '|')
			buf_putc(b, *p);
		else
			buf_puts(b, strchr(p + 1, '|') ? ", " : " or ");
	}
}

void config_manual(struct buf *b)
{
	const char *section = "";

	for (size_t i = 0; i < config_entry_count; i++) {
		const struct config_key *key = config_key(i);

		if (strcmp(section, key->section) != 0) {
			section = key->section;
			buf_printf(b, "## %s\n\n", section);
			put_manual(b, config_section_doc(section));
			buf_puts(b, "\n\n");
		}
		buf_puts(b, "*");
		put_manual(b, key->path);
		buf_puts(b, "*: ");
		if (key->choices)
			put_choices(b, key->choices);
		else
			buf_puts(b, config_type_text(i));
		if (config_entries[i].type == CONFIG_TYPE_INT)
			buf_printf(
			    b, " from %lld to %lld", (long long)key->min, (long long)key->max);
		buf_puts(b, "; default ");
		put_manual(b, strcmp(key->preset, "''") == 0 ? "empty" : key->preset);
		buf_puts(b, "\n\t");
		put_manual(b, key->doc);
		buf_puts(b, "\n\n");
	}
}
