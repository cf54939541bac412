/*
 * A rule while it is being read: what the option handlers fill.  Private to detect/.
 */
#pragma once

#include "detect/signature/rule.h"

#define DRAFT_TESTS_MAX 48
#define DRAFT_NAME_MAX 64
#define DRAFT_REASON_MAX 200

struct draft_list {
	struct rule_view view;
	uint8_t buffer;
	unsigned count;
};

struct rule_draft {
	struct ruleset *set;
	struct rule *rule;
	struct rule_match matches[RULE_MATCHES_MAX];
	uint8_t list_of[RULE_MATCHES_MAX]; /* index into lists */
	size_t match_count;
	struct draft_list lists[RULE_LISTS_MAX]; /* the first is the payload */
	size_t list_count;
	int sticky;       /* list that contents go to; -1: the payload */
	int last;         /* the last match that something can be relative to; -1 */
	int last_content; /* -1 */
	struct rule_test tests[DRAFT_TESTS_MAX];
	size_t test_count;
	struct rule_test after[DRAFT_TESTS_MAX];
	size_t after_count;
	char values[RULE_VALUES_MAX][DRAFT_NAME_MAX]; /* byte_extract names */
	int value_count;
	bool app_test; /* a test that needs a transaction */
	bool event;    /* a decode event */
	bool only_stream;
	char reason[DRAFT_REASON_MAX];
};

/* One option.  value: trimmed, changeable, "" when there is none. */
typedef int draft_handler(struct rule_draft *d, char *value, int arg);

struct draft_keyword {
	const char *name;
	draft_handler *handle;
	int arg;
};

/* All lists end with a NULL name. */
extern const struct draft_keyword draft_contents[]; /* rule_content.c */
extern const struct draft_keyword draft_bytes[];    /* rule_bytes.c */
extern const struct draft_keyword draft_tests[];    /* rule_tests.c */
extern const struct draft_keyword draft_states[];   /* rule_states.c */
extern const struct draft_keyword draft_values[];   /* rule_values.c */

/* ST_MALFORMED with a sentence for the person who wrote the rule. */
int draft_bad(struct rule_draft *d, const char *fmt, ...) ST_PRINTF(2, 3);
int draft_unsupported(struct rule_draft *d, const char *fmt, ...) ST_PRINTF(2, 3);

/* The list of a buffer without transforms, made when there is none. */
int draft_list_of(struct rule_draft *d, enum buffer_id buffer);

/* Adds a match to the list where such a match belongs; NULL: reason is set. */
struct rule_match *draft_match(struct rule_draft *d, enum match_kind kind, int list);

/* The list for a keyword that may be relative: the sticky one, else that of the match before. */
int draft_current_list(struct rule_draft *d, bool relative);

struct rule_test *draft_test(struct rule_draft *d, enum packet_test_kind kind);
struct rule_test *draft_after(struct rule_draft *d, enum packet_test_kind kind);

/* A number or the name of a value made earlier in the rule. */
int draft_number(struct rule_draft *d, const char *text, struct rule_number *ret);
int draft_parse_long(const char *text, int64_t *ret);

/* "5", "<5", ">5", "3<>7", "3-7", "!5", "<=5", ">=5". */
int draft_compare(struct rule_draft *d, const char *text, struct rule_compare *ret);

/* Cuts at commas and trims; returns the number of parts. */
size_t draft_split(char *text, char separator, char **parts, size_t max);
char *draft_trim(char *text);

/* rule_parse.c: reads one rule.  On failure d->reason says why and *ret_keyword where. */
int rule_parse(struct ruleset *set, const char *line, size_t len, struct rule_draft *d,
    struct rule **ret_rule, const char **ret_keyword);
