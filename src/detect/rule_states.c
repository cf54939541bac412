/*
 * Options that remember something between packets, options that only say something about the
 * rule, and options that this engine knows and does not do.
 */
#include "detect/events.h"
#include "detect/rule_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMES_MAX 16
#define LANGUAGE (7u << 16 | 0u << 8 | 10u) /* the version of Suricata that is followed */

static int take_names(struct rule_draft *d, struct rule_test *t, char *text)
{
	char *parts[NAMES_MAX];
	size_t count = draft_split(text, '|', parts, NAMES_MAX);
	uint16_t *names = arena_alloc(&d->set->arena, count * sizeof(*names));

	if (!names)
		return ST_LIMIT;
	for (size_t i = 0; i < count; i++) {
		int n = ruleset_name(d->set, parts[i], strlen(parts[i]));

		if (n < 0)
			return draft_unsupported(d, "more than %d names of flowbits", RULE_NAMES_MAX);
		names[i] = (uint16_t)n;
	}
	t->names = names;
	t->count = (uint16_t)count;
	return count ? ST_OK : draft_bad(d, "a name is missing");
}

static int bit_operation(const char *word)
{
	static const char *const words[] = {"set", "unset", "toggle", "isset", "isnotset"};

	for (int i = 0; i < 5; i++)
		if (strcasecmp(word, words[i]) == 0)
			return i;
	return -1;
}

/* Bits that are asked for are tests, bits that change are done when all has matched. */
static struct rule_test *bit_test(struct rule_draft *d, enum packet_test_kind kind, int operation)
{
	struct rule_test *t = operation >= BIT_ISSET ? draft_test(d, kind) : draft_after(d, kind);

	if (t)
		t->mode = (uint8_t)operation;
	return t;
}

static int take_flowbits(struct rule_draft *d, char *value, int arg)
{
	char *parts[2] = {value, NULL};
	size_t count = draft_split(value, ',', parts, 2);
	struct rule_test *t;
	int operation;

	(void)arg;
	if (strcasecmp(parts[0], "noalert") == 0) {
		d->rule->silent = true;
		return ST_OK;
	}
	operation = bit_operation(parts[0]);
	if (operation < 0 || count < 2)
		return draft_bad(d, "flowbits is set, unset, toggle, isset or isnotset, NAME");
	t = bit_test(d, TEST_FLOWBIT, operation);
	return t ? take_names(d, t, parts[1]) : ST_LIMIT;
}

static int track_of(const char *word)
{
	static const char *const words[] = {"ip_src", "ip_dst", "ip_pair"};

	for (int i = 0; i < 3; i++)
		if (strcasecmp(word, words[i]) == 0)
			return i;
	return -1;
}

static int take_xbits(struct rule_draft *d, char *value, int arg)
{
	char *parts[4];
	size_t count = draft_split(value, ',', parts, 4);
	int operation = count ? bit_operation(parts[0]) : -1;
	struct rule_test *t;
	int64_t n;

	if (count == 1 && strcasecmp(parts[0], "noalert") == 0) {
		d->rule->silent = true;
		return ST_OK;
	}
	if (operation < 0 || count < 2)
		return draft_bad(d, "it is set, unset, toggle, isset or isnotset, NAME, track ip_src");
	t = bit_test(d, TEST_XBIT, operation);
	if (!t)
		return ST_LIMIT;
	t->expire = arg ? 300 : 30;
	for (size_t i = 2; i < count; i++) {
		if (strncmp(parts[i], "track ", 6) == 0) {
			int track = track_of(draft_trim(parts[i] + 6));

			if (track < 0)
				return draft_unsupported(d, "%s", parts[i]);
			t->track = (uint8_t)track;
		} else if (strncmp(parts[i], "expire ", 7) == 0
		    && draft_parse_long(draft_trim(parts[i] + 7), &n) == ST_OK && n > 0) {
			t->expire = (uint32_t)n;
		} else if (arg && strcmp(parts[i], "dst") == 0) {
			t->track = TRACK_DESTINATION;
		} else if (arg && strcmp(parts[i], "both") == 0) {
			t->track = TRACK_PAIR;
		} else if (!arg || strcmp(parts[i], "src") != 0) {
			return draft_bad(d, "it does not know %s", parts[i]);
		}
	}
	return take_names(d, t, parts[1]);
}

static int take_flowint(struct rule_draft *d, char *value, int arg)
{
	static const char *const tests[] = {"<", "<=", ">", ">=", "==", "!="};
	char *parts[3];
	size_t count = draft_split(value, ',', parts, 3);
	struct rule_test *t;
	char operation = 0;
	int64_t n = 0;

	(void)arg;
	if (count < 2)
		return draft_bad(d, "flowint is NAME, OPERATION, VALUE");
	if (strcmp(parts[1], "+") == 0 || strcmp(parts[1], "-") == 0 || strcmp(parts[1], "=") == 0)
		operation = parts[1][0];
	t = operation ? draft_after(d, TEST_FLOWINT) : draft_test(d, TEST_FLOWINT);
	if (!t)
		return ST_LIMIT;
	t->mode = (uint8_t)operation;
	if (!operation) {
		t->compare.op = 255;
		for (uint8_t i = 0; i < 6; i++)
			if (strcmp(parts[1], tests[i]) == 0)
				t->compare.op = i;
		if (strcmp(parts[1], "isset") == 0)
			t->mode = 's';
		else if (strcmp(parts[1], "isnotset") == 0 || strcmp(parts[1], "notset") == 0)
			t->mode = 'n';
		else if (t->compare.op == 255)
			return draft_bad(d, "flowint does not know %s", parts[1]);
	}
	if (t->mode != 's' && t->mode != 'n') {
		if (count < 3)
			return draft_bad(d, "flowint needs a value");
		if (draft_parse_long(parts[2], &n)) {
			int other = ruleset_name(d->set, parts[2], strlen(parts[2]));

			if (other < 0)
				return draft_unsupported(d, "too many names");
			t->other = (uint16_t)(other + 1);
		}
		t->compare.a = (uint32_t)n;
	}
	return take_names(d, t, parts[0]);
}

/* ---- what the rule says of itself ----------------------------------------------------------- */

static int take_nothing(struct rule_draft *d, char *value, int arg)
{
	(void)d;
	(void)value;
	(void)arg;
	return ST_OK;
}

static int take_noalert(struct rule_draft *d, char *value, int arg)
{
	(void)value;
	(void)arg;
	d->rule->silent = true;
	return ST_OK;
}

static int take_msg(struct rule_draft *d, char *value, int arg)
{
	size_t len = strlen(value);
	char *copy;
	size_t n = 0;

	(void)arg;
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
	}
	copy = arena_copy(&d->set->arena, value, strlen(value));
	if (!copy)
		return ST_LIMIT;
	for (const char *p = value; *p; p++) {
		if (*p == '\\' && p[1] && strchr("\\\";:", p[1]))
			p++;
		copy[n++] = *p;
	}
	copy[n] = '\0';
	d->rule->msg = copy;
	return ST_OK;
}

static int take_id(struct rule_draft *d, char *value, int arg)
{
	int64_t n;

	if (draft_parse_long(value, &n) || n < 0 || n > UINT32_MAX)
		return draft_bad(d, "not a number: %s", value);
	if (arg == 's')
		d->rule->sid = (uint32_t)n;
	else if (arg == 'r')
		d->rule->rev = (uint32_t)n;
	else
		d->rule->gid = (uint32_t)n;
	return ST_OK;
}

static int take_priority(struct rule_draft *d, char *value, int arg)
{
	int64_t n;

	(void)arg;
	if (draft_parse_long(value, &n) || n < 1 || n > 255)
		return draft_bad(d, "priority is a number from 1 to 255");
	d->rule->severity = (uint8_t)n;
	return ST_OK;
}

static int take_classtype(struct rule_draft *d, char *value, int arg)
{
	(void)arg;
	for (size_t i = 0; i < d->set->class_count; i++)
		if (strcasecmp(d->set->classes[i].name, value) == 0) {
			d->rule->class_id = (uint16_t)(i + 1);
			return ST_OK;
		}
	return ST_OK; /* a class nobody described: the rule still counts, with severity 3 */
}

static int take_decode_event(struct rule_draft *d, char *value, int arg)
{
	struct rule_test *t;
	int event = decode_event_find(value);

	(void)arg;
	if (event < 0)
		return draft_unsupported(d, "the engine event %s is not raised here", value);
	t = draft_test(d, TEST_DECODE_EVENT);
	if (!t)
		return ST_LIMIT;
	t->compare.a = (uint32_t)event;
	d->event = true;
	return ST_OK;
}

static int take_stream_event(struct rule_draft *d, char *value, int arg)
{
	(void)arg;
	return draft_unsupported(d, "the stream event %s is not raised here", value);
}

/* "version >= 7.0.0, feature geoip": what another engine would have to be able to. */
static int take_requires(struct rule_draft *d, char *value, int arg)
{
	char *parts[NAMES_MAX];
	size_t count = draft_split(value, ',', parts, NAMES_MAX);

	(void)arg;
	for (size_t i = 0; i < count; i++) {
		char *word = parts[i] + strcspn(parts[i], " \t");
		unsigned major = 0;
		unsigned minor = 0;
		unsigned patch = 0;
		unsigned want;
		bool holds;

		if (*word)
			*word++ = '\0';
		word = draft_trim(word);
		if (strcmp(parts[i], "version") != 0)
			return draft_unsupported(d, "it requires %s %s", parts[i], word);
		if (sscanf(word + strspn(word, "<>= "), "%u.%u.%u", &major, &minor, &patch) < 1)
			return draft_bad(d, "not a version: %s", word);
		want = major << 16 | (minor & 255) << 8 | (patch & 255);
		holds = *word == '<' ? LANGUAGE < want : LANGUAGE > want;
		if (!holds && !(word[1] == '=' && LANGUAGE == want))
			return draft_unsupported(d, "it requires version %s", word);
	}
	return ST_OK;
}

static int take_unsupported(struct rule_draft *d, char *value, int arg)
{
	static const char *const why[] = {
		"this engine does not look for it",
		"there is no script engine here",
		"there are no places here while rules match",
		"files are not kept",
	};

	(void)value;
	return draft_unsupported(d, "%s", why[arg]);
}

const struct draft_keyword draft_states[] = {
	{"flowbits", take_flowbits, 0},
	{"xbits", take_xbits, 0},
	{"hostbits", take_xbits, 1},
	{"flowint", take_flowint, 0},
	{"msg", take_msg, 0},
	{"sid", take_id, 's'},
	{"rev", take_id, 'r'},
	{"gid", take_id, 'g'},
	{"priority", take_priority, 0},
	{"classtype", take_classtype, 0},
	{"noalert", take_noalert, 0},
	{"reference", take_nothing, 0},
	{"metadata", take_nothing, 0},
	{"target", take_nothing, 0},
	{"tag", take_nothing, 0},
	{"prefilter", take_nothing, 0},
	{"bypass", take_nothing, 0},
	{"requires", take_requires, 0},
	{"alert", take_nothing, 0},
	{"nfq_set_mark", take_nothing, 0},
	{"tls.store", take_nothing, 0},
	{"tls_store", take_nothing, 0},
	{"logto", take_nothing, 0},
	{"filestore", take_nothing, 0},
	{"decode-event", take_decode_event, 0},
	{"engine-event", take_decode_event, 0},
	{"stream-event", take_stream_event, 0},
	{"asn1", take_unsupported, 0},
	{"ftpbounce", take_unsupported, 0},
	{"rpc", take_unsupported, 0},
	{"lua", take_unsupported, 1},
	{"luajit", take_unsupported, 1},
	{"geoip", take_unsupported, 2},
	{"iprep", take_unsupported, 2},
	{"filemagic", take_unsupported, 3},
	{"filemd5", take_unsupported, 3},
	{"filesha1", take_unsupported, 3},
	{"filesha256", take_unsupported, 3},
	{NULL, NULL, 0},
};
