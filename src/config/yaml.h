/*
 * A YAML document as a tree with positions, inside strict limits.
 *
 * Private to config/.  Refused, with line and column: bad UTF-8, control characters, anchors,
 * aliases, tags, more than one document, duplicate keys, keys that are not words, and anything
 * deeper or larger than the limits below.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_BYTES_MAX (1u << 20)
#define CONFIG_DEPTH_MAX 8
#define CONFIG_ITEMS_MAX 4096 /* of one list or mapping */
#define CONFIG_NODES_MAX 65536

struct config_memory;

/* Zeroed memory that lives until config_memory_free; aborts the program when there is none. */
struct config_memory *config_memory_new(void);
void *config_alloc(struct config_memory *memory, size_t size);
void config_memory_free(struct config_memory *memory);

enum config_node_kind {
	CONFIG_NODE_SCALAR,
	CONFIG_NODE_LIST,
	CONFIG_NODE_MAP,
};

struct config_node {
	enum config_node_kind kind;
	const char *text; /* scalar: NUL-terminated, valid UTF-8 without control characters */
	bool quoted;      /* scalar: written with quotes, so '' is text and not nothing */
	unsigned line;    /* from 1 */
	unsigned column;  /* from 1, in characters */
	const char *key;  /* its key when it is in a mapping */
	unsigned key_line;
	unsigned key_column;
	struct config_node *child; /* first item */
	struct config_node *last;
	struct config_node *next;
	size_t count;
};

struct config_problem {
	unsigned line;
	unsigned column;
	char text[300];
};

/* An empty document gives *ret_root = NULL.  ST_MALFORMED and ST_LIMIT fill *ret_problem. */
ST_MUST_CHECK int config_yaml_parse(struct config_memory *memory, const char *text, size_t len,
    struct config_node **ret_root, struct config_problem *ret_problem);
