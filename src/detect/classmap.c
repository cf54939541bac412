/*
 * Reading and asking the map of attack methods; the contract is in classmap.h, the format in
 * data/attack-classes.map.
 */
#include "detect/classmap.h"

#include "base/embed.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORDS_MAX (2 + 2 * CLASSMAP_CONDITIONS_MAX)
#define SPANS_MAX 64 /* of numbers in one condition */

extern const struct embed_file detect_files[];

enum condition_kind {
	CONDITION_MSG,
	CONDITION_HAS,
	CONDITION_WORD,
	CONDITION_CLASSTYPE,
	CONDITION_SID,
	CONDITION_GID,
	CONDITION_KINDS,
};

static const char *const condition_names[CONDITION_KINDS] = {
	"msg", "has", "word", "classtype", "sid", "gid",
};

struct condition {
	enum condition_kind kind;
	const char *text; /* of numbers: checked when read, and read again when asked */
};

struct when {
	size_t class;
	struct condition conditions[CLASSMAP_CONDITIONS_MAX];
	size_t count;
};

struct classmap {
	char *text; /* words end in NUL */
	const char *version;
	struct classmap_class classes[CLASSMAP_CLASSES_MAX];
	size_t class_count;
	struct when *lines;
	size_t line_count;
	size_t rest;
	bool has_rest;
};

/* One line being read. */
struct line {
	const char *name;
	unsigned number;
	char *words[WORDS_MAX];
	size_t count;
	struct err *err;
};

static int wrong(const struct line *line, const char *what)
{
	return err_set(line->err, ST_MALFORMED, "%s:%u: %s", line->name, line->number, what);
}

/* Cuts a line into words; "…" keeps blanks.  Text after # is a comment. */
static int cut(struct line *line, char *at)
{
	for (line->count = 0;;) {
		while (*at == ' ' || *at == '\t' || *at == '\r')
			at++;
		if (!*at || *at == '#')
			return ST_OK;
		if (line->count == WORDS_MAX)
			return wrong(line, "too many words");
		if (*at == '"') {
			char *end = strchr(++at, '"');

			if (!end)
				return wrong(line, "a quotation mark is missing");
			*end = '\0';
			line->words[line->count++] = at;
			at = end + 1;
			if (*at && !strchr(" \t\r#", *at))
				return wrong(line, "a blank is missing after a quotation mark");
			continue;
		}
		line->words[line->count++] = at;
		at += strcspn(at, " \t\r#");
		if (*at == '#')
			*at = '\0';
		else if (*at)
			*at++ = '\0';
	}
}

static size_t find_class(const struct classmap *map, const char *id)
{
	for (size_t i = 0; i < map->class_count; i++)
		if (strcmp(map->classes[i].id, id) == 0)
			return i;
	return SIZE_MAX;
}

/* The next "10" or "10-19" of a list; false at its end or where it is no number. */
static bool next_span(const char **at, uint32_t *ret_low, uint32_t *ret_high)
{
	char *end;
	unsigned long low;
	unsigned long high;

	if (!isdigit((unsigned char)**at))
		return false;
	low = high = strtoul(*at, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		high = strtoul(end + 1, &end, 10);
	if (low > UINT32_MAX || high > UINT32_MAX || high < low || (*end && *end != ','))
		return false;
	if (*end == ',' && !end[1])
		return false;
	*ret_low = (uint32_t)low;
	*ret_high = (uint32_t)high;
	*at = *end ? end + 1 : end;
	return true;
}

static bool are_numbers(const char *text)
{
	uint32_t low;
	uint32_t high;

	for (size_t i = 0; i < SPANS_MAX; i++) {
		if (!next_span(&text, &low, &high))
			return false;
		if (!*text)
			return true;
	}
	return false;
}

static int take_condition(struct when *when, const struct line *line, size_t at)
{
	struct condition *c = &when->conditions[when->count];
	int kind = 0;

	while (kind < CONDITION_KINDS && strcmp(condition_names[kind], line->words[at]) != 0)
		kind++;
	if (kind == CONDITION_KINDS)
		return err_set(line->err, ST_MALFORMED, "%s:%u: '%.40s' is no condition (msg, has, "
		    "word, classtype, sid, gid)", line->name, line->number, line->words[at]);
	if (at + 1 == line->count || !line->words[at + 1][0])
		return err_set(line->err, ST_MALFORMED, "%s:%u: %s needs something after it",
		    line->name, line->number, condition_names[kind]);
	c->kind = (enum condition_kind)kind;
	c->text = line->words[at + 1];
	if ((c->kind == CONDITION_SID || c->kind == CONDITION_GID) && !are_numbers(c->text))
		return err_set(line->err, ST_MALFORMED, "%s:%u: '%.40s': numbers are written "
		    "1,10-19", line->name, line->number, c->text);
	when->count++;
	return ST_OK;
}

static int take_when(struct classmap *map, const struct line *line)
{
	struct when *when = &map->lines[map->line_count];

	if (line->count < 4)
		return wrong(line, "when needs a class and a condition");
	if (map->line_count == CLASSMAP_LINES_MAX)
		return wrong(line, "too many lines of when");
	when->class = find_class(map, line->words[1]);
	if (when->class == SIZE_MAX)
		return err_set(line->err, ST_MALFORMED, "%s:%u: no class '%.40s' above", line->name,
		    line->number, line->words[1]);
	for (size_t i = 2; i < line->count; i += 2) {
		int r = take_condition(when, line, i);

		if (r)
			return r;
	}
	map->line_count++;
	return ST_OK;
}

static bool is_id(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '-')
			return false;
	return *text != '\0';
}

static int take_class(struct classmap *map, const struct line *line)
{
	if (line->count != 4 || !line->words[2][0] || !line->words[3][0])
		return wrong(line, "class needs an id and two names: class scan \"スキャン\" "
		    "\"Scanning\"");
	if (!is_id(line->words[1]))
		return wrong(line, "an id has small letters, digits and hyphens");
	if (find_class(map, line->words[1]) != SIZE_MAX)
		return err_set(line->err, ST_MALFORMED, "%s:%u: class '%.40s' is there twice",
		    line->name, line->number, line->words[1]);
	if (map->class_count == CLASSMAP_CLASSES_MAX)
		return wrong(line, "too many classes");
	map->classes[map->class_count++] =
	    (struct classmap_class){line->words[1], line->words[2], line->words[3]};
	return ST_OK;
}

static int take_line(struct classmap *map, const struct line *line)
{
	if (line->count == 0)
		return ST_OK;
	if (strcmp(line->words[0], "when") == 0)
		return take_when(map, line);
	if (strcmp(line->words[0], "class") == 0)
		return take_class(map, line);
	if (strcmp(line->words[0], "version") == 0) {
		if (line->count != 2 || map->version)
			return wrong(line, "version is said once, with one word");
		map->version = line->words[1];
		return ST_OK;
	}
	if (strcmp(line->words[0], "otherwise") == 0) {
		if (line->count != 2 || map->has_rest)
			return wrong(line, "otherwise is said once, with one class");
		map->rest = find_class(map, line->words[1]);
		map->has_rest = true;
		return map->rest == SIZE_MAX ? wrong(line, "otherwise names no class above") : ST_OK;
	}
	return err_set(line->err, ST_MALFORMED, "%s:%u: a line begins with version, class, when or "
	    "otherwise, not with '%.40s'", line->name, line->number, line->words[0]);
}

static int read_map(struct classmap *map, const char *name, struct err *err)
{
	struct line line = {.name = name, .err = err};

	for (char *at = map->text; at;) {
		char *next = strchr(at, '\n');
		int r;

		if (next)
			*next++ = '\0';
		line.number++;
		r = cut(&line, at);
		if (!r)
			r = take_line(map, &line);
		if (r)
			return r;
		at = next;
	}
	if (!map->version)
		return err_set(err, ST_MALFORMED, "%s: the line 'version' is missing", name);
	if (!map->has_rest)
		return err_set(err, ST_MALFORMED, "%s: the line 'otherwise' is missing", name);
	return ST_OK;
}

int classmap_new(const char *text, const char *name, struct classmap **ret_map, struct err *err)
{
	struct classmap *map = calloc(1, sizeof(*map));
	int r;

	if (!text) {
		text = embed_find(detect_files, "attack-classes.map")->data;
		name = "attack-classes.map";
	}
	if (map) {
		map->text = strdup(text);
		map->lines = calloc(CLASSMAP_LINES_MAX, sizeof(*map->lines));
	}
	if (!map || !map->text || !map->lines) {
		classmap_free(map);
		return err_set(err, -ENOMEM, "out of memory");
	}
	r = read_map(map, name, err);
	if (r) {
		classmap_free(map);
		return r;
	}
	*ret_map = map;
	return ST_OK;
}

void classmap_free(struct classmap *map)
{
	if (!map)
		return;
	free(map->text);
	free(map->lines);
	free(map);
}

const char *classmap_version(const struct classmap *map)
{
	return map->version;
}

size_t classmap_count(const struct classmap *map)
{
	return map->class_count;
}

const struct classmap_class *classmap_at(const struct classmap *map, size_t i)
{
	return &map->classes[i];
}

size_t classmap_rest(const struct classmap *map)
{
	return map->rest;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Contains it with no letter or digit at either end. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strcasestr(text, word); at; at = strcasestr(at + 1, word))
		if ((at == text || !is_letter(at[-1])) && !is_letter(at[len]))
			return true;
	return false;
}

static bool is_one_of(const char *list, const char *text)
{
	size_t len = strlen(text);

	for (const char *at = list; len > 0 && *at;) {
		size_t n = strcspn(at, ",");

		if (n == len && strncasecmp(at, text, len) == 0)
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

static bool is_number_of(const char *list, uint32_t number)
{
	uint32_t low;
	uint32_t high;

	while (*list && next_span(&list, &low, &high))
		if (number >= low && number <= high)
			return true;
	return false;
}

static bool holds(const struct condition *c, const struct classmap_rule *rule)
{
	const char *msg = rule->msg ? rule->msg : "";

	switch (c->kind) {
	case CONDITION_MSG:
		return strncasecmp(msg, c->text, strlen(c->text)) == 0;
	case CONDITION_HAS:
		return strcasestr(msg, c->text) != NULL;
	case CONDITION_WORD:
		return has_word(msg, c->text);
	case CONDITION_CLASSTYPE:
		return is_one_of(c->text, rule->classtype ? rule->classtype : "");
	case CONDITION_SID:
		return is_number_of(c->text, rule->sid);
	case CONDITION_GID:
		return is_number_of(c->text, rule->gid);
	case CONDITION_KINDS:
		break;
	}
	return false;
}

size_t classmap_find(const struct classmap *map, const struct classmap_rule *rule)
{
	for (size_t i = 0; i < map->line_count; i++) {
		const struct when *when = &map->lines[i];
		size_t held = 0;

		while (held < when->count && holds(&when->conditions[held], rule))
			held++;
		if (held == when->count)
			return when->class;
	}
	return map->rest;
}
