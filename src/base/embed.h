/*
 * Data files compiled into the program (tools/embed.py): SQL questions, messages, tables.
 */
#pragma once

#include <stddef.h>

/* data[len] is a NUL that does not count.  A table ends with name NULL. */
struct embed_file {
	const char *name;
	const char *data;
	size_t len;
};

/* The file of that name, or NULL. */
const struct embed_file *embed_find(const struct embed_file *table, const char *name);
