/*
 * Personas; the contract and the format of the data are in persona.h.
 *
 * Every choice depends on the seed and the key alone, so data for one protocol can change without
 * changing how the others look.
 */
#include "protocol/persona.h"

#include "base/embed.h"
#include "base/hash.h"
#include "protocol/encoding.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 512
#define KEY_LEN_MAX 64
#define ALTERNATIVES_MAX 64
#define EXPANDED_MAX (64u << 10)

extern const struct embed_file persona_files[];

struct choice {
	char *key;
	char *value;
};

struct persona {
	uint8_t seed[PERSONA_SEED_LEN];
	struct choice choices[KEYS_MAX];
	size_t count;
};

static const struct choice *find(const struct persona *p, const char *key)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->choices[i].key, key) == 0)
			return &p->choices[i];
	return NULL;
}

const char *persona_text(const struct persona *p, const char *key)
{
	const struct choice *choice = find(p, key);

	return choice ? choice->value : "";
}

const uint8_t *persona_seed(const struct persona *p)
{
	return p->seed;
}

void persona_free(struct persona *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		free(p->choices[i].key);
		free(p->choices[i].value);
	}
	free(p);
}

/* Takes the value's memory. */
static int add(struct persona *p, const char *key, size_t key_len, char *value, struct err *err)
{
	struct choice *choice = &p->choices[p->count];

	if (p->count == KEYS_MAX || key_len >= KEY_LEN_MAX) {
		free(value);
		return err_set(err, ST_LIMIT, "persona: more than %d keys, or one longer than %d",
		    KEYS_MAX, KEY_LEN_MAX);
	}
	choice->key = strndup(key, key_len);
	choice->value = value;
	p->count++;
	return choice->key && value ? ST_OK : err_set(err, -ENOMEM, "out of memory");
}

/* ---- choosing ------------------------------------------------------------------------------- */

/* A stream of random numbers that belongs to the seed and the key. */
struct dice {
	uint8_t digest[32];
	uint64_t state;
};

static void dice_init(struct dice *dice, const struct persona *p, const char *key, size_t key_len)
{
	uint8_t input[PERSONA_SEED_LEN + KEY_LEN_MAX];

	memcpy(input, p->seed, PERSONA_SEED_LEN);
	memcpy(input + PERSONA_SEED_LEN, key, key_len);
	encoding_sha256(input, PERSONA_SEED_LEN + key_len, dice->digest);
	memcpy(&dice->state, dice->digest, sizeof(dice->state));
}

static uint32_t dice_throw(struct dice *dice, uint32_t below)
{
	dice->state += 0x9e3779b97f4a7c15ull;
	return (uint32_t)((hash_u64(dice->state) >> 32) * below >> 32);
}

struct place {
	const char *file;
	unsigned line;
};

static void expand_random(struct buf *b, struct dice *dice, const char *set, unsigned count)
{
	size_t n = strlen(set);

	while (count-- > 0)
		buf_putc(b, set[dice_throw(dice, (uint32_t)n)]);
}

/* {hex:4}, {HEX:4}, {digits:3}, {letters:5}, {LETTERS:5}; false when it is none of them. */
static bool expand_made_up(struct buf *b, struct dice *dice, const char *name, size_t len)
{
	static const struct {
		const char *name;
		const char *set;
	} sets[] = {
		{"hex:", "0123456789abcdef"},
		{"HEX:", "0123456789ABCDEF"},
		{"digits:", "0123456789"},
		{"letters:", "abcdefghijklmnopqrstuvwxyz"},
		{"LETTERS:", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		size_t n = strlen(sets[i].name);
		unsigned count = 0;

		if (len <= n || len > n + 2 || memcmp(name, sets[i].name, n) != 0)
			continue;
		for (size_t at = n; at < len && name[at] >= '0' && name[at] <= '9'; at++)
			count = count * 10 + (unsigned)(name[at] - '0');
		expand_random(b, dice, sets[i].set, count);
		return true;
	}
	return false;
}

/* {hostname} is the choice of persona.hostname; other braces stay, pages are full of them. */
static void expand_braces(const struct persona *p, struct buf *b, struct dice *dice,
    const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *end = text[i] == '{' ? memchr(text + i, '}', len - i) : NULL;
		size_t n = end ? (size_t)(end - (text + i)) - 1 : 0;
		char key[KEY_LEN_MAX];
		const struct choice *choice;

		if (!end || n == 0 || n > 24) {
			buf_putc(b, text[i]);
			continue;
		}
		(void)snprintf(key, sizeof(key), "persona.%.*s", (int)n, text + i + 1);
		choice = find(p, key);
		if (choice)
			buf_puts(b, choice->value);
		else if (!expand_made_up(b, dice, text + i + 1, n)) {
			buf_putc(b, '{');
			continue;
		}
		i += n + 1;
	}
}

/* \r \n \t \\ and \xHH; \x00 cannot be kept in a text and stays as it is written. */
static void unescape(struct buf *b, const char *text, size_t len)
{
	static const char from[] = "rnt\\";
	static const char to[] = "\r\n\t\\";

	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] == '\\' && i + 1 < len ? strchr(from, text[i + 1]) : NULL;
		uint8_t byte;

		if (at && *at) {
			buf_putc(b, to[at - from]);
			i++;
		} else if (text[i] == '\\' && len - i > 3 && text[i + 1] == 'x'
		    && encoding_unhex(text + i + 2, 2, &byte, 1) == 1 && byte) {
			buf_putc(b, (char)byte);
			i += 3;
		} else {
			buf_putc(b, text[i]);
		}
	}
}

struct alternatives {
	struct {
		const char *text;
		size_t len;
		bool own_kind;
		bool any_kind;
	} list[ALTERNATIVES_MAX];
	size_t count;
};

static const char *const kinds[] = {"linux", "windows", "router", "camera"};

static void add_alternative(const struct persona *p, struct alternatives *a, const char *text,
    size_t len)
{
	const char *own = persona_text(p, "persona.kind");
	const char *kind = NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i]);

		if (len > n + 1 && memcmp(text, kinds[i], n) == 0 && text[n] == ':') {
			kind = kinds[i];
			text += n + 1;
			len -= n + 1;
			while (len > 0 && *text == ' ') {
				text++;
				len--;
			}
			break;
		}
	}
	if (a->count == ALTERNATIVES_MAX)
		return;
	a->list[a->count].text = text;
	a->list[a->count].len = len;
	a->list[a->count].own_kind = kind && strcmp(kind, own) == 0;
	a->list[a->count].any_kind = !kind;
	a->count++;
}

/* Which one: of the own kind if there are such, else of any kind, else whatever there is. */
static size_t pick(const struct alternatives *a, struct dice *dice)
{
	for (unsigned round = 0; round < 3; round++) {
		size_t fits[ALTERNATIVES_MAX];
		uint32_t n = 0;

		for (size_t i = 0; i < a->count; i++)
			if (round == 2 || (round == 0 ? a->list[i].own_kind : a->list[i].any_kind))
				fits[n++] = i;
		if (n > 0)
			return fits[dice_throw(dice, n)];
	}
	return 0;
}

static int choose(struct persona *p, struct place place, const char *key, size_t key_len,
    const struct alternatives *a, struct err *err)
{
	bool from_file = key[key_len - 1] == '<';
	struct buf plain = {0};
	struct buf value = {0};
	struct dice dice;
	size_t at;

	if (from_file)
		key_len--;
	if (a->count == 0 || key_len == 0 || key_len >= KEY_LEN_MAX)
		return err_set(err, ST_MALFORMED, "%s line %u: key without alternatives, or too long",
		    place.file, place.line);
	for (size_t i = 0; i < p->count; i++)
		if (strlen(p->choices[i].key) == key_len
		    && memcmp(p->choices[i].key, key, key_len) == 0)
			return ST_OK; /* kept from an earlier start */
	dice_init(&dice, p, key, key_len);
	at = pick(a, &dice);
	if (from_file) {
		char name[KEY_LEN_MAX];
		const struct embed_file *file;

		(void)snprintf(name, sizeof(name), "%.*s", (int)a->list[at].len, a->list[at].text);
		file = embed_find(persona_files, name);
		if (!file)
			return err_set(err, ST_MALFORMED, "%s line %u: there is no file %s",
			    place.file, place.line, name);
		buf_append(&plain, file->data, file->len);
	} else {
		unescape(&plain, a->list[at].text, a->list[at].len);
	}
	expand_braces(p, &value, &dice, buf_text(&plain), plain.len);
	buf_fini(&plain);
	return add(p, key, key_len, buf_take(&value), err);
}

static int choose_from_file(struct persona *p, const struct embed_file *file, struct err *err)
{
	const char *at = file->data;
	const char *end = file->data + file->len;
	struct place place = {file->name, 0};
	struct alternatives alternatives = {.count = 0};
	const char *key = NULL;
	size_t key_len = 0;
	unsigned line = 0;

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol ? eol : end) - at);

		line++;
		if (len > 0 && (*at == '\t' || *at == ' ') && key) {
			add_alternative(p, &alternatives, at + 1, len - 1);
		} else if (len > 0 && *at != '#') {
			int rc = key ? choose(p, place, key, key_len, &alternatives, err) : ST_OK;

			if (rc)
				return rc;
			key = at;
			key_len = len;
			place.line = line;
			alternatives.count = 0;
		}
		at += len + 1;
	}
	return key ? choose(p, place, key, key_len, &alternatives, err) : ST_OK;
}

/* The names first: the other texts are about them. */
static int choose_all(struct persona *p, struct err *err)
{
	const struct embed_file *names = embed_find(persona_files, "persona.txt");
	int rc = names ? choose_from_file(p, names, err)
	               : err_set(err, ST_MALFORMED, "persona.txt is missing");

	for (const struct embed_file *file = persona_files; !rc && file->name; file++) {
		size_t n = strlen(file->name);

		if (n > 4 && strcmp(file->name + n - 4, ".txt") == 0 && file != names)
			rc = choose_from_file(p, file, err);
	}
	return rc;
}

static int finish(struct persona *p, struct persona **ret_persona, struct err *err)
{
	int rc = choose_all(p, err);

	if (rc)
		persona_free(p);
	else
		*ret_persona = p;
	return rc;
}

int persona_choose(const uint8_t seed[PERSONA_SEED_LEN], struct persona **ret_persona,
    struct err *err)
{
	struct persona *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(p->seed, seed, PERSONA_SEED_LEN);
	return finish(p, ret_persona, err);
}

/* ---- keeping -------------------------------------------------------------------------------- */

void persona_write(const struct persona *p, struct buf *b)
{
	char seed[2 * PERSONA_SEED_LEN + 1];

	(void)encoding_hex(p->seed, PERSONA_SEED_LEN, seed, sizeof(seed));
	buf_printf(b, "seed\t%s\n", seed);
	for (size_t i = 0; i < p->count; i++) {
		buf_printf(b, "%s\t", p->choices[i].key);
		for (const char *c = p->choices[i].value; *c; c++) {
			if (*c == '\n')
				buf_puts(b, "\\n");
			else if (*c == '\r')
				buf_puts(b, "\\r");
			else if (*c == '\t')
				buf_puts(b, "\\t");
			else if (*c == '\\')
				buf_puts(b, "\\\\");
			else
				buf_putc(b, *c);
		}
		buf_putc(b, '\n');
	}
}

static int read_line(struct persona *p, const char *line, size_t len, struct err *err)
{
	const char *tab = memchr(line, '\t', len);
	size_t key_len = tab ? (size_t)(tab - line) : 0;
	struct buf value = {0};

	if (key_len == 0)
		return err_set(err, ST_MALFORMED, "not KEY<TAB>VALUE");
	if (key_len == 4 && memcmp(line, "seed", 4) == 0) {
		if (encoding_unhex(tab + 1, len - 5, p->seed, PERSONA_SEED_LEN) != PERSONA_SEED_LEN)
			return err_set(err, ST_MALFORMED, "the seed is not %d hex digits",
			    2 * PERSONA_SEED_LEN);
		return ST_OK;
	}
	unescape(&value, tab + 1, len - key_len - 1);
	return add(p, line, key_len, buf_take(&value), err);
}

int persona_read(const char *text, size_t len, struct persona **ret_persona, struct err *err)
{
	struct persona *p = calloc(1, sizeof(*p));
	const char *end = text + len;
	unsigned line = 0;

	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((eol ? eol : end) - text);
		int rc;

		line++;
		rc = n > 0 ? read_line(p, text, n, err) : ST_OK;
		if (rc) {
			persona_free(p);
			return err_prefix(err, "line %u", line);
		}
		text += n + 1;
	}
	return finish(p, ret_persona, err);
}
