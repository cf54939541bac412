/*
 * Dated notes: what a person knows about a day, attached to a series and drawn with it.
 *
 * "2026-10-03, 23/tcp: advisory about …".  Rows live in the catalogue, so that they go where the
 * store goes; they are written without the lock of the store, beside a running sensor.  A note is
 * a person's words: nothing is judged by it.
 */
#pragma once

#include "base/status.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_SERIES_MAX 5  /* of one note */
#define NOTE_TEXT_MAX 400  /* bytes of a text or an address of a page */
#define NOTE_KEY_MAX 32

enum note_kind {
	NOTE_ALL,       /* every series */
	NOTE_PORT,      /* port:23/tcp */
	NOTE_COUNTRY,   /* country:CN */
	NOTE_TOOL,      /* tool:mirai */
	NOTE_SIGNATURE, /* signature:2017918, signature:1:2017918 */
	NOTE_LOGIN,     /* login:telnet */
	NOTE_KIND_COUNT,
};

struct note_series {
	enum note_kind kind;
	char key[NOTE_KEY_MAX]; /* as `teiten rises` writes it: 23/tcp, CN, mirai, 1:2017918; "" of all */
	uint32_t port;          /* of ports: protocol × 65536 + port */
};

struct note {
	int64_t id;
	int32_t day; /* site day, since 1970 */
	struct note_series series[NOTE_SERIES_MAX];
	size_t series_count;
	char *ja;  /* NULL or text; one of the two at least */
	char *en;
	char *url; /* NULL, or http:// or https:// */
};

struct note_list {
	struct note *items; /* by day, then id */
	size_t count;
};

/*
 * Reads one series as a person writes it.  The error quotes the word and says what would be right.
 */
ST_MUST_CHECK int note_series_parse(const char *text, struct note_series *ret_series,
    struct err *err);

/* "port:23/tcp", "all". */
void note_series_text(const struct note_series *series, char *ret_text, size_t size);

/*
 * One line of valid UTF-8 without control characters, at most NOTE_TEXT_MAX bytes; or an address
 * of a page.  `what` names the place for the error (--ja).
 */
ST_MUST_CHECK int note_text_check(const char *what, const char *text, struct err *err);
ST_MUST_CHECK int note_url_check(const char *what, const char *url, struct err *err);

/* Of that series, or of all. */
bool note_is_on(const struct note *note, enum note_kind kind, const char *key);

/* In Japanese when so, else in English; where there is none, in the other language. */
const char *note_text(const struct note *note, bool ja);

/* Adds it to the store in that directory, which must exist.  note->id is not read. */
ST_MUST_CHECK int store_note_add(const char *path, const struct note *note, int64_t *ret_id,
    struct err *err);

/* ST_NOT_FOUND when there is no such note. */
ST_MUST_CHECK int store_note_remove(const char *path, int64_t id, struct err *err);

/* Those of the site days [day_from, day_to).  The caller frees the list. */
ST_MUST_CHECK int store_notes(struct store *store, int32_t day_from, int32_t day_to,
    struct note_list *ret_list, struct err *err);
void note_list_free(struct note_list *list);
