/*
 * The set of rules: texts to lines, classes, repeated rules, the order of matching.
 */
#include "detect/signature/addresses.h"
#include "detect/signature/events.h"
#include "detect/signature/rule_draft.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES (256u << 10)
#define CLASSES_MAX 1024
#define VIEWS_MAX 250
#define SID_TABLE_MIN 1024

const struct buffer_kind buffer_kinds[BUFFER_COUNT] = {
	[BUFFER_PAYLOAD] = {"payload", "", "", 0, APP_UNKNOWN, DIRECTION_B},
	[BUFFER_BASE64] = {"base64_data", "", "", 0, APP_UNKNOWN, DIRECTION_B},
	[BUFFER_HEADER_IPV4] = {"ipv4.hdr", "", "", 0, APP_UNKNOWN, DIRECTION_B},
	[BUFFER_HEADER_IPV6] = {"ipv6.hdr", "", "", 0, APP_UNKNOWN, DIRECTION_B},
	[BUFFER_HEADER_TCP] = {"tcp.hdr", "", "", 0, APP_UNKNOWN, DIRECTION_B},
	[BUFFER_HEADER_UDP] = {"udp.hdr", "", "", 0, APP_UNKNOWN, DIRECTION_B},
	[BUFFER_HEADER_ICMPV4] = {"icmpv4.hdr", "", "", 0, APP_UNKNOWN, DIRECTION_B},
	[BUFFER_HEADER_ICMPV6] = {"icmpv6.hdr", "", "", 0, APP_UNKNOWN, DIRECTION_B},
#define APP_NONE APP_UNKNOWN
#define BUFFER(id, app, direction, name, other, modifier, flag) \
	[BUFFER_##id] = {name, other, modifier, flag, APP_##app, DIRECTION_##direction},
#include "detect/signature/buffers.def"
#undef BUFFER
#undef APP_NONE
};

/* Names and priorities of the stock classification, for rules that come without their own. */
static const struct rule_class stock_classes[] = {
	{"not-suspicious", "Not Suspicious Traffic", 3}, {"unknown", "Unknown Traffic", 3},
	{"bad-unknown", "Potentially Bad Traffic", 2},
	{"attempted-recon", "Attempted Information Leak", 2},
	{"successful-recon-limited", "Information Leak", 2},
	{"successful-recon-largescale", "Large Scale Information Leak", 2},
	{"attempted-dos", "Attempted Denial of Service", 2},
	{"successful-dos", "Denial of Service", 2},
	{"attempted-user", "Attempted User Privilege Gain", 1},
	{"unsuccessful-user", "Unsuccessful User Privilege Gain", 1},
	{"successful-user", "Successful User Privilege Gain", 1},
	{"attempted-admin", "Attempted Administrator Privilege Gain", 1},
	{"successful-admin", "Successful Administrator Privilege Gain", 1},
	{"rpc-portmap-decode", "Decode of an RPC Query", 2},
	{"shellcode-detect", "Executable code was detected", 1},
	{"string-detect", "A suspicious string was detected", 3},
	{"suspicious-filename-detect", "A suspicious filename was detected", 2},
	{"suspicious-login", "An attempted login using a suspicious username was detected", 2},
	{"system-call-detect", "A system call was detected", 2},
	{"tcp-connection", "A TCP connection was detected", 4},
	{"trojan-activity", "A Network Trojan was detected", 1},
	{"unusual-client-port-connection", "A client was using an unusual port", 2},
	{"network-scan", "Detection of a Network Scan", 3},
	{"denial-of-service", "Detection of a Denial of Service Attack", 2},
	{"non-standard-protocol", "Detection of a non-standard protocol or event", 2},
	{"protocol-command-decode", "Generic Protocol Command Decode", 3},
	{"web-application-activity", "access to a potentially vulnerable web application", 2},
	{"web-application-attack", "Web Application Attack", 1},
	{"misc-activity", "Misc activity", 3}, {"misc-attack", "Misc Attack", 2},
	{"icmp-event", "Generic ICMP event", 3},
	{"inappropriate-content", "Inappropriate Content was Detected", 1},
	{"policy-violation", "Potential Corporate Privacy Violation", 1},
	{"default-login-attempt", "Attempt to login by a default username and password", 2},
	{"targeted-activity", "Targeted Malicious Activity was Detected", 1},
	{"exploit-kit", "Exploit Kit Activity Detected", 1},
	{"external-ip-check", "Device Retrieving External IP Address Detected", 2},
	{"domain-c2", "Domain Observed Used for C2 Detected", 1},
	{"pup-activity", "Possibly Unwanted Program Detected", 2},
	{"credential-theft", "Successful Credential Theft Detected", 1},
	{"social-engineering", "Possible Social Engineering Attempted", 2},
	{"coin-mining", "Crypto Currency Mining Activity Detected", 2},
	{"command-and-control", "Malware Command and Control Activity Detected", 1},
};

const char *detect_app_name(enum detect_app app)
{
	static const char *const names[APP_COUNT] = {
		[APP_UNKNOWN] = "unknown",
#define APP(id, name) [APP_##id] = name,
#include "detect/signature/apps.def"
#undef APP
		[APP_FAILED] = "failed",
	};

	return app < APP_COUNT ? names[app] : "";
}

int decode_event_find(const char *name)
{
	static const char *const names[EVENT_COUNT] = {
#define EVENT(id, name) [EVENT_##id] = name,
#include "detect/signature/events.def"
#undef EVENT
	};

	for (int i = 0; i < EVENT_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

int ruleset_name(struct ruleset *set, const char *name, size_t len)
{
	for (size_t i = 0; i < set->name_count; i++)
		if (strlen(set->names[i]) == len && memcmp(set->names[i], name, len) == 0)
			return (int)i;
	if (set->name_count == RULE_NAMES_MAX)
		return -1;
	if (!set->names)
		set->names = arena_alloc(&set->arena, RULE_NAMES_MAX * sizeof(*set->names));
	if (!set->names || !(set->names[set->name_count] = arena_copy(&set->arena, name, len)))
		return -1;
	return (int)set->name_count++;
}

int ruleset_view(struct ruleset *set, const struct rule_view *view)
{
	for (size_t i = 0; i < set->view_count; i++)
		if (memcmp(&set->views[i], view, sizeof(*view)) == 0)
			return (int)i;
	if (set->view_count == VIEWS_MAX)
		return -1;
	if (!set->views)
		set->views = arena_alloc(&set->arena, VIEWS_MAX * sizeof(*set->views));
	if (!set->views)
		return -1;
	set->views[set->view_count] = *view;
	return (int)set->view_count++;
}

/* ---- texts ---------------------------------------------------------------------------------- */

struct reader {
	struct ruleset *set;
	const struct signatures_options *options;
	struct rule_draft *draft;
	const char *file;
	uint32_t *table; /* hash of gid and sid → 1 + place in rules */
	size_t table_size;
	char *line; /* continued lines put together */
};

static uint32_t find_sid(const char *line, size_t len)
{
	for (size_t i = 0; i + 4 < len; i++) {
		if (memcmp(line + i, "sid:", 4) == 0
		    && (i == 0 || isspace((unsigned char)line[i - 1]) || line[i - 1] == ';'
		        || line[i - 1] == '('))
			return (uint32_t)strtoul(line + i + 4, NULL, 10);
	}
	return 0;
}

static void report(struct reader *r, unsigned line, const char *text, size_t len,
    const char *keyword, const char *reason)
{
	struct signatures_problem problem = {
		.file = r->file,
		.line = line,
		.sid = find_sid(text, len),
		.keyword = keyword,
		.reason = reason,
	};

	if (r->options->problem)
		r->options->problem(r->options->arg, &problem);
}

static int grow_table(struct reader *r)
{
	size_t size = r->table_size ? r->table_size * 2 : SID_TABLE_MIN;
	uint32_t *table = calloc(size, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < r->set->count; i++) {
		size_t at = r->set->rules[i]->sid * 2654435761u % size;

		while (table[at])
			at = (at + 1) % size;
		table[at] = (uint32_t)(i + 1);
	}
	free(r->table);
	r->table = table;
	r->table_size = size;
	return ST_OK;
}

/* Adds a rule, or replaces the same one of a lower revision. */
static int add_rule(struct reader *r, struct rule *rule)
{
	struct ruleset *set = r->set;
	size_t at;

	if (set->count * 2 >= r->table_size && grow_table(r))
		return -ENOMEM;
	if (set->count == set->room) {
		size_t room = set->room ? set->room * 2 : 1024;
		struct rule **rules = realloc(set->rules, room * sizeof(*rules));

		if (!rules)
			return -ENOMEM;
		set->rules = rules;
		set->room = room;
	}
	for (at = rule->sid * 2654435761u % r->table_size; r->table[at];
	     at = (at + 1) % r->table_size) {
		struct rule **other = &set->rules[r->table[at] - 1];

		if ((*other)->sid == rule->sid && (*other)->gid == rule->gid) {
			set->stats.duplicates++;
			if (rule->rev > (*other)->rev)
				*other = rule;
			return ST_OK;
		}
	}
	set->rules[set->count++] = rule;
	r->table[at] = (uint32_t)set->count;
	return ST_OK;
}

/* "config classification: name,description,priority". */
static void take_class(struct reader *r, const char *line, size_t len)
{
	static const char word[] = "config classification:";
	char text[512];
	char *parts[3];
	int64_t severity;
	struct rule_class class;

	if (len <= sizeof(word) || len - (sizeof(word) - 1) >= sizeof(text))
		return;
	memcpy(text, line + sizeof(word) - 1, len - (sizeof(word) - 1));
	text[len - (sizeof(word) - 1)] = '\0';
	if (draft_split(text, ',', parts, 3) != 3 || draft_parse_long(parts[2], &severity)
	    || severity < 1 || severity > 255)
		return;
	class.name = arena_copy(&r->set->arena, parts[0], strlen(parts[0]));
	class.description = arena_copy(&r->set->arena, parts[1], strlen(parts[1]));
	class.severity = (uint8_t)severity;
	if (!class.name || !class.description)
		return;
	for (size_t i = 0; i < r->set->class_count; i++)
		if (strcasecmp(r->set->classes[i].name, class.name) == 0) {
			r->set->classes[i] = class;
			return;
		}
	if (r->set->class_count < CLASSES_MAX)
		r->set->classes[r->set->class_count++] = class;
}

static bool looks_like_rule(const char *p, const char *end)
{
	static const char *const words[] = {"alert ", "drop ", "pass ", "reject ", "log "};

	while (p < end && (*p == '#' || isspace((unsigned char)*p)))
		p++;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((size_t)(end - p) > strlen(words[i]) && memcmp(p, words[i], strlen(words[i])) == 0
		    && memchr(p, '(', (size_t)(end - p)))
			return true;
	return false;
}

static int take_line(struct reader *r, unsigned number, const char *line, size_t len)
{
	struct rule *rule;
	const char *keyword;
	int rc;

	while (len && isspace((unsigned char)*line)) {
		line++;
		len--;
	}
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	if (len == 0)
		return ST_OK;
	if (*line == '#') {
		r->set->stats.disabled += looks_like_rule(line, line + len);
		return ST_OK;
	}
	if (len > 7 && memcmp(line, "config ", 7) == 0) {
		if (len > 22 && memcmp(line, "config classification:", 22) == 0)
			take_class(r, line, len);
		return ST_OK; /* references are words for people */
	}
	rc = rule_parse(r->set, line, len, r->draft, &rule, &keyword);
	if (rc) {
		if (rc == ST_UNSUPPORTED)
			r->set->stats.unsupported++;
		else
			r->set->stats.malformed++;
		report(r, number, line, len, keyword,
		    r->draft->reason[0] ? r->draft->reason : st_text(rc));
		for (size_t i = 0; i < r->draft->match_count; i++)
			if (r->draft->matches[i].kind == MATCH_PCRE && r->draft->matches[i].pcre.code)
				pcre2_code_free(r->draft->matches[i].pcre.code);
		return ST_OK;
	}
	rule->file = r->file;
	rule->line = number;
	rule->text = arena_copy(&r->set->arena, line, len);
	return rule->text ? add_rule(r, rule) : -ENOMEM;
}

/* A line that ends with a backslash goes on in the next. */
static int take_text(struct reader *r, const struct signatures_text *text)
{
	const char *p = text->text;
	const char *end = p + text->len;
	size_t n = 0;
	unsigned number = 0;
	unsigned first = 0;

	r->file = arena_copy(&r->set->arena, text->name, strlen(text->name));
	if (!r->file)
		return -ENOMEM;
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((eol ? eol : end) - p);
		bool more;
		int rc;

		number++;
		first = n ? first : number;
		while (len && (p[len - 1] == '\r'))
			len--;
		more = len && p[len - 1] == '\\' && *p != '#';
		len -= more;
		if (n + len > LINE_MAX_BYTES)
			len = LINE_MAX_BYTES - n;
		memcpy(r->line + n, p, len);
		n += len;
		p = eol ? eol + 1 : end;
		if (more && p < end)
			continue;
		rc = take_line(r, first, r->line, n);
		if (rc)
			return rc;
		n = 0;
	}
	return ST_OK;
}

/* ---- the order ------------------------------------------------------------------------------ */

/* pass before alert, who sets bits before who asks for them, worse before better. */
static int order_key(const struct rule *r)
{
	static const int actions[] = {
		[SIGNATURES_PASS] = 0, [SIGNATURES_DROP] = 1, [SIGNATURES_REJECT] = 2, [SIGNATURES_ALERT] = 3,
	};
	int bits = 2;

	for (size_t i = 0; i < r->test_count; i++)
		if (r->tests[i].kind == TEST_FLOWBIT || r->tests[i].kind == TEST_XBIT)
			bits = r->sets_bits ? 1 : 2;
	if (bits == 2 && r->sets_bits)
		bits = 0;
	return actions[r->action] * 3 + bits;
}

static int compare_rules(const void *va, const void *vb)
{
	const struct rule *a = *(struct rule *const *)va;
	const struct rule *b = *(struct rule *const *)vb;
	int ka = order_key(a);
	int kb = order_key(b);

	if (ka != kb)
		return ka - kb;
	if (a->severity != b->severity)
		return a->severity - b->severity;
	return a->number < b->number ? -1 : a->number > b->number;
}

int ruleset_load(struct ruleset *set, const struct signatures_options *options, struct err *err)
{
	struct reader r = {.set = set, .options = options};
	int rc;

	set->classes = arena_alloc(&set->arena, CLASSES_MAX * sizeof(*set->classes));
	r.draft = malloc(sizeof(*r.draft));
	r.line = malloc(LINE_MAX_BYTES + 1);
	rc = set->classes && r.draft && r.line ? ST_OK : err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = address_book_new(&set->arena, options, &set->addresses, err);
	if (rc)
		goto out;
	set->class_count = sizeof(stock_classes) / sizeof(stock_classes[0]);
	memcpy(set->classes, stock_classes, sizeof(stock_classes));
	for (size_t i = 0; !rc && i < options->text_count; i++)
		rc = take_text(&r, &options->texts[i]);
	if (rc) {
		(void)err_set(err, rc, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < set->count; i++) {
		struct rule *rule = set->rules[i];

		rule->number = (uint32_t)i;
		if (!rule->severity)
			rule->severity = rule->class_id ? set->classes[rule->class_id - 1].severity : 3;
	}
	if (set->count)
		qsort(set->rules, set->count, sizeof(struct rule *), compare_rules);
	for (size_t i = 0; i < set->count; i++)
		set->rules[i]->number = (uint32_t)i;
	set->stats.loaded = (uint32_t)set->count;
out:
	free(r.draft);
	free(r.line);
	free(r.table);
	return rc;
}

void ruleset_fini(struct ruleset *set)
{
	for (size_t i = 0; i < set->count; i++)
		for (size_t l = 0; l < set->rules[i]->list_count; l++)
			for (size_t m = 0; m < set->rules[i]->lists[l].count; m++)
				if (set->rules[i]->lists[l].matches[m].kind == MATCH_PCRE)
					pcre2_code_free(set->rules[i]->lists[l].matches[m].pcre.code);
	free(set->rules);
	address_book_free(set->addresses);
	arena_fini(&set->arena);
	*set = (struct ruleset){0};
}
