/*
 * Options that compare one value of a protocol (tls.version:1.2, mqtt.type:CONNECT, …).
 *
 * Each is a content in a buffer that holds the value as text, so that nothing else has to know.
 */
#include "detect/events.h"
#include "detect/rule_draft.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum how {
	HOW_PART = 0x100,  /* the text is anywhere in the buffer */
	HOW_WHOLE = 0x200, /* it is the buffer */
	HOW_UPPER = 0x400,
	HOW_LOWER = 0x800,
	HOW_BUFFER = 0xff,
};

static int take_value(struct rule_draft *d, char *value, int arg)
{
	struct rule_match *m;
	bool negated = false;
	size_t len;

	if (*value == '!') {
		negated = true;
		value = draft_trim(value + 1);
	}
	len = strlen(value);
	if (len >= 2 && *value == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
		len -= 2;
	}
	if (len == 0)
		return draft_bad(d, "a value is missing");
	for (char *p = value; *p && (arg & (HOW_UPPER | HOW_LOWER)); p++)
		*p = (char)(arg & HOW_UPPER ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
	m = draft_match(d, MATCH_CONTENT, draft_list_of(d, (enum buffer_id)(arg & HOW_BUFFER)));
	if (!m)
		return ST_LIMIT;
	m->negated = negated;
	m->content.len = (uint16_t)len;
	m->content.bytes = arena_copy(&d->set->arena, value, len);
	m->content.offset.value = m->content.depth.value = RULE_NO_VALUE;
	m->content.distance.value = m->content.within.value = RULE_NO_VALUE;
	if (arg & HOW_WHOLE) {
		m->content.has_offset = m->content.has_depth = m->content.starts = m->content.ends = true;
		m->content.depth.literal = (int32_t)len;
	}
	return m->content.bytes ? ST_OK : ST_LIMIT;
}

/* A number or a range; sizes may be in kilobytes and so on. */
static int take_number(struct rule_draft *d, char *value, int arg)
{
	static const struct {
		const char *unit;
		uint32_t factor;
	} units[] = {{"kb", 1u << 10}, {"mb", 1u << 20}, {"gb", 1u << 30}, {"kib", 1u << 10},
		{"mib", 1u << 20}, {"gib", 1u << 30}};
	struct rule_match *m = draft_match(d, MATCH_NUMBER,
	    draft_list_of(d, (enum buffer_id)(arg & HOW_BUFFER)));
	size_t len = strlen(value);
	uint32_t factor = 1;
	int rc;

	if (!m)
		return ST_LIMIT;
	d->last = d->last > 0 ? d->last - 1 : -1; /* nothing can be relative to it */
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].unit);

		if (len > n && strcasecmp(value + len - n, units[i].unit) == 0) {
			factor = units[i].factor;
			value[len - n] = '\0';
			break;
		}
	}
	rc = draft_compare(d, value, &m->size);
	if (!rc && (m->size.a > UINT32_MAX / factor || m->size.b > UINT32_MAX / factor))
		return draft_bad(d, "too large: %s", value);
	m->size.a *= factor;
	m->size.b *= factor;
	return rc;
}

/* The name of a file, or how it ends. */
static int take_file_name(struct rule_draft *d, char *value, int arg)
{
	char text[DRAFT_REASON_MAX];
	bool negated = *value == '!';
	char *v = draft_trim(negated ? value + 1 : value);
	size_t len = strlen(v);
	struct rule_match *m;
	int rc;

	if (len >= 2 && *v == '"' && v[len - 1] == '"') {
		v[len - 1] = '\0';
		v++;
	}
	if (snprintf(text, sizeof(text), "%s%s%s", negated ? "!" : "", arg ? "." : "", v)
	    >= (int)sizeof(text))
		return draft_bad(d, "too long a name");
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	rc = take_value(d, text, BUFFER_FILE_NAME | HOW_PART);
	if (rc)
		return rc;
	m = &d->matches[d->last];
	m->content.nocase = true;
	m->content.ends = arg != 0;
	return ST_OK;
}

static int take_app_event(struct rule_draft *d, char *value, int arg)
{
	for (unsigned i = 0; strncmp(value, "http.", 5) == 0 && i < HTTP_EVENT_COUNT; i++)
		if (strcmp(value + 5, http_event_names[i]) == 0)
			return take_value(d, value + 5, arg);
	return draft_unsupported(d, "the protocol event %s is not raised here", value);
}

/* Words with commas, each of them set, or with ! not set. */
static int take_words(struct rule_draft *d, char *value, int arg)
{
	char *parts[8];
	size_t count = draft_split(value, ',', parts, 8);

	for (size_t i = 0; i < count; i++) {
		bool negated = *parts[i] == '!';
		char text[48];
		int rc;

		(void)snprintf(text, sizeof(text), "%s\" %s \"", negated ? "!" : "",
		    draft_trim(parts[i] + negated));
		rc = take_value(d, text, arg);
		if (rc)
			return rc;
	}
	return ST_OK;
}

/* Several versions with commas: one of them, or with ! none of them. */
static int take_ssl_version(struct rule_draft *d, char *value, int arg)
{
	char text[256] = "^(";
	char *parts[8];
	size_t count = draft_split(value, ',', parts, 8);
	struct rule_match *m;
	bool negated = *parts[0] == '!';
	PCRE2_SIZE at;
	int code;

	(void)arg;
	for (size_t i = 0; i < count; i++) {
		const char *word = *parts[i] == '!' ? parts[i] + 1 : parts[i];
		size_t used = strlen(text);

		if (strcmp(word, "sslv2") != 0 && strcmp(word, "sslv3") != 0
		    && strncmp(word, "tls1.", 5) != 0)
			return draft_bad(d, "unknown version %s", word);
		(void)snprintf(text + used, sizeof(text) - used, "%s%s", i ? "|" : "", word);
	}
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ")$");
	m = draft_match(d, MATCH_PCRE, draft_list_of(d, BUFFER_TLS_VERSION));
	if (!m)
		return ST_LIMIT;
	m->negated = negated;
	m->pcre.text = "";
	m->pcre.code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &code, &at, NULL);
	return m->pcre.code ? ST_OK : draft_bad(d, "not a version");
}

/* "1.2" is held as "tls1.2". */
static int take_tls_version(struct rule_draft *d, char *value, int arg)
{
	char text[32];
	bool negated = *value == '!';
	char *v = draft_trim(negated ? value + 1 : value);
	size_t len = strlen(v);

	if (len >= 2 && *v == '"') {
		v[len - 1] = '\0';
		v++;
	}
	if (strncmp(v, "1.", 2) != 0 || strlen(v) != 3)
		return draft_bad(d, "a version is 1.0 to 1.3");
	(void)snprintf(text, sizeof(text), "%stls%s", negated ? "!" : "", v);
	return take_value(d, text, arg);
}

/* "2_compat" is a server that speaks 1 as well. */
static int take_ssh_version(struct rule_draft *d, char *value, int arg)
{
	struct rule_match *m;
	PCRE2_SIZE at;
	int code;

	if (strcmp(value, "2_compat") != 0)
		return take_value(d, value, arg);
	m = draft_match(d, MATCH_PCRE, draft_list_of(d, BUFFER_SSH_PROTO));
	if (!m)
		return ST_LIMIT;
	m->pcre.text = "";
	m->pcre.code = pcre2_compile((PCRE2_SPTR) "^(2|2\\.0|1\\.99)$", PCRE2_ZERO_TERMINATED, 0, &code,
	    &at, NULL);
	return m->pcre.code ? ST_OK : ST_LIMIT;
}

/* Kinds of SNMP have numbers and names. */
static int take_pdu_type(struct rule_draft *d, char *value, int arg)
{
	static const char *const kinds[] = {"get_request", "get_next_request", "response",
		"set_request", "trap_v1", "get_bulk_request", "inform_request", "trap_v2", "report"};
	char text[32];
	int64_t n;

	if (draft_parse_long(value, &n) || n < 0
	    || n >= (int64_t)(sizeof(kinds) / sizeof(kinds[0])))
		return take_value(d, value, arg);
	(void)snprintf(text, sizeof(text), "%s", kinds[n]);
	return take_value(d, text, arg);
}

const struct draft_keyword draft_values[] = {
	{"tls.version", take_tls_version, BUFFER_TLS_VERSION | HOW_WHOLE},
	{"ssl_version", take_ssl_version, 0},
	{"tls.subject", take_value, BUFFER_TLS_CERT_SUBJECT | HOW_PART},
	{"tls.issuerdn", take_value, BUFFER_TLS_CERT_ISSUER | HOW_PART},
	{"tls.fingerprint", take_value, BUFFER_TLS_CERT_FINGERPRINT | HOW_WHOLE | HOW_LOWER},
	{"ssh.protoversion", take_ssh_version, BUFFER_SSH_PROTO | HOW_WHOLE},
	{"ssh.softwareversion", take_value, BUFFER_SSH_SOFTWARE | HOW_WHOLE},
	{"mqtt.type", take_value, BUFFER_MQTT_TYPE | HOW_WHOLE | HOW_UPPER},
	{"dns.opcode", take_value, BUFFER_DNS_OPCODE | HOW_WHOLE},
	{"snmp.version", take_value, BUFFER_SNMP_VERSION | HOW_WHOLE},
	{"snmp.pdu_type", take_pdu_type, BUFFER_SNMP_PDU_TYPE | HOW_WHOLE | HOW_LOWER},
	{"mqtt.flags", take_words, BUFFER_MQTT_FLAGS | HOW_PART | HOW_LOWER},
	{"mqtt.connect.flags", take_words, BUFFER_MQTT_CONNECT_FLAGS | HOW_PART | HOW_LOWER},
	{"mqtt.connack.session_present", take_value, BUFFER_MQTT_SESSION_PRESENT | HOW_WHOLE | HOW_LOWER},
	{"mqtt.qos", take_number, BUFFER_MQTT_QOS},
	{"mqtt.protocol_version", take_number, BUFFER_MQTT_VERSION},
	{"mqtt.reason_code", take_number, BUFFER_MQTT_REASON},
	{"mqtt.connack.return_code", take_number, BUFFER_MQTT_REASON},
	{"tls.cert_chain_len", take_number, BUFFER_TLS_CHAIN},
	{"app-layer-event", take_app_event, BUFFER_HTTP_EVENT | HOW_WHOLE},
	{"filename", take_file_name, 0},
	{"fileext", take_file_name, 1},
	{"filesize", take_number, BUFFER_FILE_SIZE},
	{NULL, NULL, 0},
};
