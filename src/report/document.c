/*
 * Memory and lists of the report document; the contract is in document.h.
 *
 * An arena of chunks: a document is built once, read, and freed as a whole.
 */
#include "report/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64u * 1024)
#define ALIGNMENT 16u

struct report_arena {
	struct report_arena *next;
	size_t used;
	size_t size;
	_Alignas(16) unsigned char data[];
};

static struct report_arena *chunk_new(size_t size)
{
	struct report_arena *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk) {
		(void)fputs("report: out of memory\n", stderr);
		abort();
	}
	chunk->size = size;
	return chunk;
}

int report_document_new(struct report_document **ret_document)
{
	struct report_arena *chunk = chunk_new(CHUNK_BYTES);
	struct report_document *document = (struct report_document *)chunk->data;

	chunk->used = (sizeof(*document) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	document->arena = chunk;
	document->schema = "teiten.report/1";
	document->facts_tail = &document->facts;
	document->blocks_tail = &document->blocks;
	*ret_document = document;
	return ST_OK;
}

void report_document_free(struct report_document *document)
{
	struct report_arena *chunk;

	if (!document)
		return;
	/* The document itself lies in the oldest chunk, the last of the list. */
	chunk = document->arena;
	while (chunk) {
		struct report_arena *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void *report_alloc(struct report_document *document, size_t size)
{
	struct report_arena *chunk = document->arena;
	void *memory;

	if (size > SIZE_MAX / 2)
		abort();
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (chunk->size - chunk->used < size) {
		chunk = chunk_new(size > CHUNK_BYTES ? size : CHUNK_BYTES);
		chunk->next = document->arena;
		document->arena = chunk;
	}
	memory = chunk->data + chunk->used;
	chunk->used += size;
	return memory;
}

const char *report_printf(struct report_document *document, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return "";
	text = report_alloc(document, (size_t)len + 1);
	va_start(args, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

const struct report_fact *report_fact_find(const struct report_document *document, const char *id)
{
	for (const struct report_fact *fact = document->facts; fact; fact = fact->next)
		if (strcmp(fact->id, id) == 0)
			return fact;
	return NULL;
}

const struct report_fact *report_fact_add(struct report_document *document,
    const struct report_fact *fact)
{
	const struct report_fact *known = report_fact_find(document, fact->id);
	struct report_fact *copy;

	if (known)
		return known;
	copy = report_alloc(document, sizeof(*copy));
	*copy = *fact;
	copy->next = NULL;
	*document->facts_tail = copy;
	document->facts_tail = &copy->next;
	return copy;
}

struct report_block *report_block_add(struct report_document *document,
    const struct report_block *block)
{
	struct report_block *copy = report_alloc(document, sizeof(*copy));

	*copy = *block;
	copy->next = NULL;
	*document->blocks_tail = copy;
	document->blocks_tail = &copy->next;
	return copy;
}
