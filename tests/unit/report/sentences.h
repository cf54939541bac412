/*
 * Checks that every sentence of a document can be said: its message is in both languages and every
 * place of the template has a value.  Reads data/messages of the source tree (TEITEN_SOURCE).
 */
#pragma once

#include "report/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCES_DEPTH_MAX 6

struct sentences {
	char *text; /* the file, with a newline in front */
	const char *language;
	unsigned checked;
};

static inline void sentences_load(struct sentences *s, const char *language)
{
	const char *source = getenv("TEITEN_SOURCE");
	char path[512];
	FILE *f;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/data/messages/%s/report.msg",
	    source ? source : ".", language);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("cannot open %s", path);
	s->language = language;
	s->checked = 0;
	s->text = calloc(1, 1 << 20);
	assert_non_null(s->text);
	s->text[0] = '\n';
	len = fread(s->text + 1, 1, (1 << 20) - 2, f);
	assert_true(len > 1000 && len < (1 << 20) - 2);
	(void)fclose(f);
}

static inline const char *sentences_find(const struct sentences *s, const char *id)
{
	char line[256];
	const char *found;

	(void)snprintf(line, sizeof(line), "\n%s = ", id);
	found = strstr(s->text, line);
	return found ? found + strlen(line) : NULL;
}

static inline void sentences_check_message(struct sentences *s, const char *id,
    const struct report_value *values, size_t count, int depth)
{
	const char *text = sentences_find(s, id);

	if (!text)
		fail_msg("%s: no message %s", s->language, id);
	s->checked++;
	for (; *text && *text != '\n'; text++) {
		size_t len = strcspn(text + 1, "|}");
		bool given = false;

		if (*text != '{')
			continue;
		for (size_t i = 0; i < count; i++)
			given |= values[i].name && strlen(values[i].name) == len
			    && memcmp(values[i].name, text + 1, len) == 0;
		if (!given)
			fail_msg("%s: %s has no value for {%.*s}", s->language, id, (int)len,
			    text + 1);
	}
	for (size_t i = 0; i < count; i++)
		if (values[i].kind == REPORT_VALUE_MESSAGE && depth < SENTENCES_DEPTH_MAX)
			sentences_check_message(s, values[i].text, values[i].values,
			    values[i].value_count, depth + 1);
}

static inline void sentences_check_list(struct sentences *s, const struct report_sentence *list,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		sentences_check_message(s, list[i].message, list[i].values, list[i].value_count, 0);
}

static inline void sentences_check_table(struct sentences *s, const struct report_table *table)
{
	sentences_check_list(s, &table->caption, 1);
	sentences_check_list(s, table->notes, table->note_count);
	for (size_t c = 0; c < table->column_count; c++)
		sentences_check_message(s, table->columns[c].message, NULL, 0, 0);
	for (size_t i = 0; i < table->row_count * table->column_count; i++) {
		const struct report_value *cell = &table->cells[i];

		if (cell->kind == REPORT_VALUE_MESSAGE)
			sentences_check_message(s, cell->text, cell->values, cell->value_count, 0);
		if (cell->kind == REPORT_VALUE_CHANGE && !cell->fact->known)
			sentences_check_message(s, cell->text, NULL, 0, 0);
	}
}

static inline void sentences_check(const struct report_document *doc)
{
	static const char *const languages[] = {"ja", "en"};

	for (size_t l = 0; l < 2; l++) {
		struct sentences s;

		sentences_load(&s, languages[l]);
		sentences_check_list(&s, &doc->title, 1);
		for (const struct report_block *b = doc->blocks; b; b = b->next) {
			sentences_check_list(&s, b->sentences, b->sentence_count);
			if (b->table)
				sentences_check_table(&s, b->table);
			if (!b->figure)
				continue;
			sentences_check_list(&s, &b->figure->caption, 1);
			sentences_check_list(&s, &b->figure->alt, 1);
			sentences_check_list(&s, b->figure->notes, b->figure->note_count);
			for (size_t m = 0; m < b->figure->mark_count; m++)
				sentences_check_list(&s, &b->figure->marks[m].text, 1);
		}
		assert_true(s.checked > 30);
		free(s.text);
	}
}
