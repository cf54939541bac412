/* Row buffers that grow by doubling and own their text; the contract is in batch.h. */
#include "store/batch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MIN 256
#define TEXT_BLOCK (64u << 10)

struct batch_text {
	struct batch_text *next;
	size_t len;
	size_t cap;
	char data[];
};

struct batch *batch_new(const struct record_table *table, int32_t day)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch) {
		batch->table = table;
		batch->day = day;
	}
	return batch;
}

void batch_clear(struct batch *batch)
{
	while (batch->texts) {
		struct batch_text *next = batch->texts->next;

		free(batch->texts);
		batch->texts = next;
	}
	batch->count = 0;
	batch->text_bytes = 0;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	batch_clear(batch);
	free(batch->rows);
	free(batch);
}

static bool reserve(struct batch *batch, size_t count)
{
	size_t need = batch->count + count;
	size_t cap = batch->cap ? batch->cap : ROWS_MIN;
	uint8_t *rows;

	if (need <= batch->cap)
		return true;
	while (cap < need)
		cap *= 2;
	rows = realloc(batch->rows, cap * batch->table->size);
	if (!rows)
		return false;
	batch->rows = rows;
	batch->cap = cap;
	return true;
}

static const char *keep_text(struct batch *batch, const char *data, size_t len)
{
	struct batch_text *block = batch->texts;
	char *at;

	if (!block || block->cap - block->len < len) {
		size_t cap = len > TEXT_BLOCK ? len : TEXT_BLOCK;

		block = malloc(sizeof(*block) + cap);
		if (!block)
			return NULL;
		block->next = batch->texts;
		block->len = 0;
		block->cap = cap;
		batch->texts = block;
	}
	at = block->data + block->len;
	memcpy(at, data, len);
	block->len += len;
	batch->text_bytes += len;
	return at;
}

/* Points the text fields of the rows after batch->count to copies. */
static bool own_texts(struct batch *batch, const struct record_field *field, size_t count)
{
	uint8_t *at = batch->rows + batch->count * batch->table->size + field->offset;

	for (size_t i = 0; i < count; i++, at += batch->table->size) {
		struct record_text text;

		memcpy(&text, at, sizeof(text));
		if (!text.len)
			continue;
		text.data = keep_text(batch, text.data, text.len);
		if (!text.data)
			return false;
		memcpy(at, &text, sizeof(text));
	}
	return true;
}

int batch_append(struct batch *batch, const void *rows, size_t count)
{
	if (!reserve(batch, count))
		return -ENOMEM;
	memcpy(batch->rows + batch->count * batch->table->size, rows, count * batch->table->size);
	for (unsigned i = 0; i < batch->table->field_count; i++)
		if (record_is_text(batch->table->fields[i].type)
		    && !own_texts(batch, &batch->table->fields[i], count))
			return -ENOMEM;
	batch->count += count;
	return ST_OK;
}
