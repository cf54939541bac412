/*
 * Notes: the words a person attaches them with, and their rows in the catalogue.
 *
 * Series are kept as text, one after the other, and parsed again when they are read: a row that a
 * newer program wrote with words this one does not know keeps the series that it does know.
 */
#include "store/note.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "record/record.h"
#include "store/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NOTES_MAX 10000 /* of one reading */
#define SID_DIGITS_MAX 10

static const char *const kind_names[NOTE_KIND_COUNT] = {
	"all", "port", "country", "tool", "signature", "login"};

/* ---- words ----------------------------------------------------------------------------------- */

static bool parse_number(const char **at, uint32_t max, uint32_t *ret_number)
{
	uint64_t number = 0;
	size_t digits = 0;

	for (; isdigit((unsigned char)**at) && digits <= SID_DIGITS_MAX; (*at)++, digits++)
		number = number * 10 + (uint64_t)(**at - '0');
	if (digits == 0 || digits > SID_DIGITS_MAX || number > max)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static int parse_port(const char *text, struct note_series *series, struct err *err)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} protocols[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}};
	const char *at = text;
	uint32_t port;

	if (parse_number(&at, UINT16_MAX, &port)) {
		for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
			if (*at != '/' || strcasecmp(at + 1, protocols[i].name) != 0)
				continue;
			series->port = (uint32_t)protocols[i].proto << 16 | port;
			(void)snprintf(series->key, sizeof(series->key), "%u/%s", port,
			    protocols[i].name);
			return ST_OK;
		}
	}
	return err_set(err, ST_MALFORMED,
	    "'port:%.40s' is no port; write port:23/tcp, port:53/udp or port:8/icmp", text);
}

static int parse_country(const char *text, struct note_series *series, struct err *err)
{
	if (strlen(text) != 2 || !isalpha((unsigned char)text[0])
	    || !isalpha((unsigned char)text[1]))
		return err_set(err, ST_MALFORMED,
		    "'country:%.40s' is no country; write its two letters, country:CN", text);
	(void)snprintf(series->key, sizeof(series->key), "%c%c",
	    toupper((unsigned char)text[0]), toupper((unsigned char)text[1]));
	return ST_OK;
}

static int parse_signature(const char *text, struct note_series *series, struct err *err)
{
	const char *at = text;
	uint32_t gid = 1;
	uint32_t sid;
	bool good = parse_number(&at, UINT32_MAX, &sid);

	if (good && *at == ':') {
		gid = sid;
		at++;
		good = parse_number(&at, UINT32_MAX, &sid);
	}
	if (!good || *at)
		return err_set(err, ST_MALFORMED, "'signature:%.40s' is no signature; write its "
		    "number, signature:2017918 or signature:1:2017918", text);
	(void)snprintf(series->key, sizeof(series->key), "%u:%u", gid, sid);
	return ST_OK;
}

/* Tools and protocols have names of their own: lower case, as they are printed. */
static int parse_name(const char *kind, const char *text, struct note_series *series,
    struct err *err)
{
	size_t len = strlen(text);
	bool good = len > 0 && len < sizeof(series->key);

	for (size_t i = 0; good && i < len; i++) {
		good = isalnum((unsigned char)text[i]) || strchr("-_.", text[i]) != NULL;
		series->key[i] = (char)tolower((unsigned char)text[i]);
	}
	if (good) {
		series->key[len] = '\0';
		return ST_OK;
	}
	return err_set(err, ST_MALFORMED, "'%s:%.40s' is no name; write it as %s", kind, text,
	    strcmp(kind, "tool") == 0 ? "`teiten top tools` does, tool:mirai"
	    : "`teiten top logins` does, login:telnet");
}

int note_series_parse(const char *text, struct note_series *ret_series, struct err *err)
{
	struct note_series series = {.kind = NOTE_ALL};
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	int r = ST_OK;

	if (!colon && strcmp(text, kind_names[NOTE_ALL]) == 0) {
		*ret_series = series;
		return ST_OK;
	}
	for (int kind = NOTE_PORT; colon && kind < NOTE_KIND_COUNT; kind++)
		if (strlen(kind_names[kind]) == len && memcmp(kind_names[kind], text, len) == 0)
			series.kind = (enum note_kind)kind;
	if (series.kind == NOTE_ALL)
		return err_set(err, ST_MALFORMED, "'%.40s' names no series; write port:23/tcp, "
		    "country:CN, tool:mirai, signature:2017918, login:telnet or all%s", text,
		    !colon && isdigit((unsigned char)text[0]) && strchr(text, '/')
		        ? " (for a port, port: goes before it)" : "");
	if (series.kind == NOTE_PORT)
		r = parse_port(colon + 1, &series, err);
	else if (series.kind == NOTE_COUNTRY)
		r = parse_country(colon + 1, &series, err);
	else if (series.kind == NOTE_SIGNATURE)
		r = parse_signature(colon + 1, &series, err);
	else
		r = parse_name(kind_names[series.kind], colon + 1, &series, err);
	if (r == ST_OK)
		*ret_series = series;
	return r;
}

void note_series_text(const struct note_series *series, char *ret_text, size_t size)
{
	if (series->kind == NOTE_ALL)
		(void)snprintf(ret_text, size, "all");
	else
		(void)snprintf(ret_text, size, "%s:%s", kind_names[series->kind], series->key);
}

int note_text_check(const char *what, const char *text, struct err *err)
{
	size_t len = strlen(text);
	size_t characters = 0;
	bool words = false;

	for (size_t at = 0; at < len; characters++) {
		uint32_t cp;
		size_t used = utf8_decode(text + at, len - at, &cp);

		if (cp == 0xfffd)
			return err_set(err, ST_MALFORMED, "%s: byte %zu is not UTF-8", what, at + 1);
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029
		    || (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069))
			return err_set(err, ST_MALFORMED, "%s: character %zu is a control character; "
			    "a note is one line", what, characters + 1);
		words |= cp != ' ' && cp != 0x3000;
		at += used;
	}
	if (!words)
		return err_set(err, ST_MALFORMED, "%s: the text is empty", what);
	if (len > NOTE_TEXT_MAX)
		return err_set(err, ST_MALFORMED, "%s: the text has %zu bytes, %d are allowed; put "
		    "the rest behind --url", what, len, NOTE_TEXT_MAX);
	return ST_OK;
}

int note_url_check(const char *what, const char *url, struct err *err)
{
	size_t begin = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
	size_t len = strlen(url);

	if (begin == 0 || !isalnum((unsigned char)url[begin]))
		return err_set(err, ST_MALFORMED, "%s: '%.60s' is no address of a page; write "
		    "https://…", what, url);
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] >= 0x7f || strchr("\"<>\\^`{|}", url[i]))
			return err_set(err, ST_MALFORMED,
			    "%s: character %zu does not belong into an address (write it as %%XX)",
			    what, i + 1);
	if (len > NOTE_TEXT_MAX)
		return err_set(err, ST_MALFORMED, "%s: the address has %zu bytes, %d are allowed",
		    what, len, NOTE_TEXT_MAX);
	return ST_OK;
}

bool note_is_on(const struct note *note, enum note_kind kind, const char *key)
{
	for (size_t i = 0; i < note->series_count; i++)
		if (note->series[i].kind == NOTE_ALL
		    || (note->series[i].kind == kind && strcmp(note->series[i].key, key) == 0))
			return true;
	return false;
}

const char *note_text(const struct note *note, bool ja)
{
	const char *first = ja ? note->ja : note->en;
	const char *second = ja ? note->en : note->ja;

	return first ? first : second ? second : "";
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Opens the catalogue of a store that is there; a new one would be made otherwise. */
static int open_catalogue(struct catalogue *cat, const char *path, struct err *err)
{
	struct buf name = {0};
	struct stat st;
	int there;

	buf_printf(&name, "%s/catalogue.db", path);
	there = stat(buf_text(&name), &st);
	buf_fini(&name);
	if (there != 0)
		return err_set(err, ST_NOT_FOUND, "there is no store at %s", path);
	return catalogue_open(cat, path, true, NULL, err);
}

int store_note_add(const char *path, const struct note *note, int64_t *ret_id, struct err *err)
{
	struct catalogue cat = {0};
	struct buf series = {0};
	int r = open_catalogue(&cat, path, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < note->series_count; i++) {
		char text[NOTE_KEY_MAX + 16];

		note_series_text(&note->series[i], text, sizeof(text));
		buf_printf(&series, "%s%s", i ? " " : "", text);
	}
	r = catalogue_run(&cat, err,
	    "INSERT INTO note (day, series, ja, en, url, made) VALUES (?, ?, ?, ?, ?, ?)", "issssi",
	    (int64_t)note->day, buf_text(&series), note->ja, note->en, note->url,
	    store_now());
	if (r == ST_OK)
		*ret_id = sqlite3_last_insert_rowid(cat.db);
	buf_fini(&series);
	catalogue_close(&cat);
	return r;
}

int store_note_remove(const char *path, int64_t id, struct err *err)
{
	struct catalogue cat = {0};
	int r = open_catalogue(&cat, path, err);

	if (r < 0)
		return r;
	r = catalogue_run(&cat, err, "DELETE FROM note WHERE id = ?", "i", id);
	if (r == ST_OK && sqlite3_changes(cat.db) == 0)
		r = err_set(err, ST_NOT_FOUND, "there is no note %lld (teiten note list)",
		    (long long)id);
	catalogue_close(&cat);
	return r;
}

static char *column_copy(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text && text[0] ? strdup(text) : NULL;
}

static void take(sqlite3_stmt *stmt, struct note *ret_note)
{
	char words[NOTE_SERIES_MAX * (NOTE_KEY_MAX + 16)];
	char *rest = words;
	char *word;

	*ret_note = (struct note){
		.id = sqlite3_column_int64(stmt, 0),
		.day = (int32_t)sqlite3_column_int64(stmt, 1),
		.ja = column_copy(stmt, 3),
		.en = column_copy(stmt, 4),
		.url = column_copy(stmt, 5),
	};
	(void)snprintf(words, sizeof(words), "%s", catalogue_text(stmt, 2));
	while ((word = strsep(&rest, " ")) && ret_note->series_count < NOTE_SERIES_MAX) {
		struct err ignored = {0};

		if (note_series_parse(word, &ret_note->series[ret_note->series_count], &ignored)
		    == ST_OK)
			ret_note->series_count++;
	}
}

int store_notes(struct store *store, int32_t day_from, int32_t day_to,
    struct note_list *ret_list, struct err *err)
{
	struct note_list list = {0};
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int r = catalogue_int(&store->cat, &count, err,
	    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'note'", "");

	/* A store that nobody has written since knows of no notes. */
	if (r == ST_OK && count)
		r = catalogue_int(&store->cat, &count, err,
		    "SELECT count(*) FROM note WHERE day >= ? AND day < ?", "ii", (int64_t)day_from,
		    (int64_t)day_to);
	if (r < 0 || count == 0) {
		if (r == ST_OK)
			*ret_list = list;
		return r;
	}
	count = count < NOTES_MAX ? count : NOTES_MAX;
	list.items = calloc((size_t)count, sizeof(*list.items));
	if (!list.items)
		return err_set(err, -ENOMEM, "out of memory");
	r = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT id, day, series, ja, en, url FROM note WHERE day >= ? AND day < ? "
	    "ORDER BY day, id", "ii", (int64_t)day_from, (int64_t)day_to);
	while (r >= 0 && list.count < (size_t)count
	    && (r = catalogue_step(&store->cat, stmt, err)) == 1)
		take(stmt, &list.items[list.count++]);
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (r < 0) {
		note_list_free(&list);
		return r;
	}
	*ret_list = list;
	return ST_OK;
}

void note_list_free(struct note_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].ja);
		free(list->items[i].en);
		free(list->items[i].url);
	}
	free(list->items);
	*list = (struct note_list){0};
}
