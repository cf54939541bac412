/*
 * One configuration value: from a YAML node to its C type, with the checks of config.def.
 *
 * Every message says what was expected, with an example a person can copy.
 */
#include "config/keys.h"

#include "base/zone.h"

#include <string.h>

struct setter {
	struct config *config;
	const struct config_entry *entry;
	struct config_findings *findings;
	void *field;
};

static const char *node_kind_text(const struct config_node *node)
{
	switch (node->kind) {
	case CONFIG_NODE_SCALAR:
		return "a single value";
	case CONFIG_NODE_LIST:
		return "a list";
	case CONFIG_NODE_MAP:
		return "a group of keys";
	}
	return "something else";
}

/* The scalar's text, or NULL after saying that a single value was expected. */
static const char *want_scalar(
    const struct setter *s, const struct config_node *node, const char *expected)
{
	if (node->kind != CONFIG_NODE_SCALAR) {
		config_finding(s->findings, node->line, node->column, "'%s' is %s, not %s",
		    s->entry->key.path, expected, node_kind_text(node));
		return NULL;
	}
	if (!node->text[0] && !node->quoted) {
		config_finding(s->findings, node->line, node->column,
		    "'%s' has no value; give it %s or leave the key out", s->entry->key.path,
		    expected);
		return NULL;
	}
	if (strchr(node->text, '\n')) {
		config_finding(s->findings, node->line, node->column, "'%s' is %s, and in one line",
		    s->entry->key.path, expected);
		return NULL;
	}
	return node->text;
}

static bool wrong(const struct setter *s, const struct config_node *node, const char *expected)
{
	config_finding(s->findings, node->line, node->column, "'%s' is %s, not '%.60s'",
	    s->entry->key.path, expected, node->text);
	return false;
}

/* Decimal digits only, at most len characters; false when there are none or too many. */
static bool parse_digits(const char *text, size_t len, int64_t *ret_value)
{
	int64_t value = 0;

	if (len == 0 || len > 15)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*ret_value = value;
	return true;
}

static bool in_range(const struct setter *s, const struct config_node *node, int64_t value)
{
	if (value >= s->entry->key.min && value <= s->entry->key.max)
		return true;
	config_finding(s->findings, node->line, node->column,
	    "'%s' is %lld, which is out of range: %lld to %lld", s->entry->key.path,
	    (long long)value, (long long)s->entry->key.min, (long long)s->entry->key.max);
	return false;
}

static bool set_text(const struct setter *s, const struct config_node *node)
{
	const char *text = want_scalar(s, node, "a text");

	if (!text)
		return false;
	*(const char **)s->field = text;
	return true;
}

static bool set_zone(const struct setter *s, const struct config_node *node)
{
	const char *text = want_scalar(s, node, "a time zone such as Asia/Tokyo");
	struct zone *zone;
	struct err err = {0};

	if (!text)
		return false;
	if (zone_new(text, &zone, &err) < 0)
		return wrong(s, node, "an IANA time zone such as Asia/Tokyo or UTC");
	zone_free(zone);
	*(const char **)s->field = text;
	return true;
}

static bool set_country(const struct setter *s, const struct config_node *node)
{
	static const char expected[] = "a country code of two capital letters such as JP";
	const char *text = want_scalar(s, node, expected);

	if (!text)
		return false;
	if (strlen(text) != 2 || text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z')
		return wrong(s, node, expected);
	memcpy(s->field, text, 3);
	return true;
}

static bool set_bool(const struct setter *s, const struct config_node *node)
{
	const char *text = want_scalar(s, node, "true or false");

	if (!text)
		return false;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return wrong(s, node, "true or false");
	*(bool *)s->field = text[0] == 't';
	return true;
}

static bool set_int(const struct setter *s, const struct config_node *node)
{
	const char *text = want_scalar(s, node, "a whole number");
	bool minus = text && text[0] == '-';
	int64_t value;

	if (!text)
		return false;
	if (!parse_digits(text + minus, strlen(text) - minus, &value))
		return wrong(s, node, "a whole number");
	if (!in_range(s, node, minus ? -value : value))
		return false;
	*(int *)s->field = (int)(minus ? -value : value);
	return true;
}

static bool set_suffixed(const struct setter *s, const struct config_node *node, char suffix,
    const char *expected, int64_t *ret_value)
{
	const char *text = want_scalar(s, node, expected);
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return false;
	if (len < 2 || text[len - 1] != suffix || !parse_digits(text, len - 1, ret_value))
		return wrong(s, node, expected);
	return in_range(s, node, *ret_value);
}

static bool set_enum(const struct setter *s, const struct config_node *node)
{
	char expected[160];
	const char *text;
	const char *p = s->entry->key.choices;
	size_t used = 0;
	int position = 0;

	/* "a, b or c" */
	for (const char *c = p; *c && used < sizeof(expected) - 8; c++) {
		if (*c != '|') {
			expected[used++] = *c;
			continue;
		}
		const char *join = strchr(c + 1, '|') ? ", " : " or ";
		memcpy(expected + used, join, strlen(join));
		used += strlen(join);
	}
	expected[used] = 0;
	text = want_scalar(s, node, expected);
	if (!text)
		return false;
	for (;;) {
		size_t len = strcspn(p, "|");

		if (strlen(text) == len && memcmp(text, p, len) == 0) {
			*(int *)s->field = position;
			return true;
		}
		if (!p[len])
			return wrong(s, node, expected);
		p += len + 1;
		position++;
	}
}

/* First item of a list, NULL when empty; false after saying that it is no list. */
static bool want_list(const struct setter *s, const struct config_node *node, const char *example,
    const struct config_node **ret_first)
{
	if (node->kind == CONFIG_NODE_LIST) {
		*ret_first = node->child;
		return true;
	}
	if (node->kind == CONFIG_NODE_SCALAR && node->text[0])
		config_finding(s->findings, node->line, node->column,
		    "'%s' is a list: write [%.60s]", s->entry->key.path, node->text);
	else
		config_finding(s->findings, node->line, node->column,
		    "'%s' is a list such as %s, not %s", s->entry->key.path, example,
		    node->kind == CONFIG_NODE_SCALAR ? "nothing" : node_kind_text(node));
	return false;
}

static bool set_list(const struct setter *s, const struct config_node *node, bool languages)
{
	struct config_list list = {.count = node->count};
	const struct config_node *item;
	const char **items;
	size_t at = 0;

	if (!want_list(s, node, languages ? "[ja, en]" : "[a, b]", &item))
		return false;
	if (languages && !item) {
		config_finding(s->findings, node->line, node->column,
		    "'%s' needs at least one of ja and en", s->entry->key.path);
		return false;
	}
	items = config_alloc(s->config->memory, (node->count + 1) * sizeof(*items));
	for (; item; item = item->next) {
		const char *text =
		    want_scalar(s, item, languages ? "a list of ja and en" : "a list of texts");

		if (!text)
			return false;
		if (languages && strcmp(text, "ja") != 0 && strcmp(text, "en") != 0)
			return wrong(s, item, "a list of ja and en");
		items[at++] = text;
	}
	list.items = items;
	*(struct config_list *)s->field = list;
	return true;
}

static bool wrong_net(const struct setter *s, const struct config_node *node, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	int64_t plen;
	struct ip ip;

	/* The usual mistake is an address inside the network instead of its base. */
	if (slash && ip_parse(text, len, &ip) == 0 &&
	    parse_digits(slash + 1, strlen(slash + 1), &plen) &&
	    plen <= (ip_is_v4(ip) ? 32 : 128)) {
		unsigned bits = (unsigned)plen + (ip_is_v4(ip) ? 96 : 0);
		char base[IP_TEXT_MAX];

		ip.hi &= bits >= 64 ? UINT64_MAX : bits ? UINT64_MAX << (64 - bits) : 0;
		ip.lo &= bits >= 128 ? UINT64_MAX : bits > 64 ? UINT64_MAX << (128 - bits) : 0;
		config_finding(s->findings, node->line, node->column,
		    "'%s': '%.60s' has host bits; did you mean '%s/%d'?", s->entry->key.path, text,
		    ip_format(ip, base), (int)plen);
		return false;
	}
	config_finding(s->findings, node->line, node->column,
	    "'%s': '%.60s' is not an address or network such as 192.0.2.0/28", s->entry->key.path,
	    text);
	return false;
}

static bool set_nets(const struct setter *s, const struct config_node *node)
{
	struct config_nets nets = {.count = node->count};
	const struct config_node *item;
	struct ip_net *items;
	size_t at = 0;

	if (!want_list(s, node, "[192.0.2.0/28]", &item))
		return false;
	items = config_alloc(s->config->memory, (node->count + 1) * sizeof(*items));
	for (; item; item = item->next) {
		const char *text = want_scalar(s, item, "a list of networks");

		if (!text)
			return false;
		if (ip_net_parse(text, strlen(text), &items[at]) < 0)
			return wrong_net(s, item, text);
		at++;
	}
	nets.items = items;
	*(struct config_nets *)s->field = nets;
	return true;
}

static bool set_port_list(
    const struct setter *s, const struct config_node *node, struct config_port_list *ret_list)
{
	const struct config_node *item;
	uint16_t *ports;
	size_t at = 0;

	if (!want_list(s, node, "[23, 2323]", &item))
		return false;
	ports = config_alloc(s->config->memory, (node->count + 1) * sizeof(*ports));
	for (; item; item = item->next) {
		const char *text = want_scalar(s, item, "a list of ports");
		int64_t value;

		if (!text)
			return false;
		if (!parse_digits(text, strlen(text), &value))
			return wrong(s, item, "lists of port numbers");
		if (!in_range(s, item, value))
			return false;
		ports[at++] = (uint16_t)value;
	}
	ret_list->protocol = node->key;
	ret_list->ports = ports;
	ret_list->count = at;
	return true;
}

static bool set_ports(const struct setter *s, const struct config_node *node)
{
	struct config_ports ports = {.count = node->count};
	struct config_port_list *items;
	size_t at = 0;

	if (node->kind != CONFIG_NODE_MAP) {
		config_finding(s->findings, node->line, node->column,
		    "'%s' gives ports for each protocol, as {telnet: [23, 2323]}, not %s",
		    s->entry->key.path, node_kind_text(node));
		return false;
	}
	items = config_alloc(s->config->memory, (node->count + 1) * sizeof(*items));
	for (const struct config_node *n = node->child; n; n = n->next) {
		if (!n->key[0] || n->key[strspn(n->key, "abcdefghijklmnopqrstuvwxyz0123456789-")]) {
			config_finding(s->findings, n->key_line, n->key_column,
			    "'%s': '%.60s' is no protocol; names are small letters, digits and -",
			    s->entry->key.path, n->key);
			return false;
		}
		if (!set_port_list(s, n, &items[at++]))
			return false;
	}
	ports.items = items;
	*(struct config_ports *)s->field = ports;
	return true;
}

bool config_value_set(struct config *config, const struct config_entry *entry,
    const struct config_node *node, struct config_findings *findings)
{
	struct setter s = {config, entry, findings, (char *)config + entry->offset};
	int64_t value;

	switch (entry->type) {
	case CONFIG_TYPE_TEXT:
		return set_text(&s, node);
	case CONFIG_TYPE_ZONE:
		return set_zone(&s, node);
	case CONFIG_TYPE_COUNTRY:
		return set_country(&s, node);
	case CONFIG_TYPE_BOOL:
		return set_bool(&s, node);
	case CONFIG_TYPE_INT:
		return set_int(&s, node);
	case CONFIG_TYPE_ENUM:
		return set_enum(&s, node);
	case CONFIG_TYPE_DAYS:
		if (!set_suffixed(&s, node, 'd', "a number of days such as 400d", &value))
			return false;
		*(int *)s.field = (int)value;
		return true;
	case CONFIG_TYPE_PERCENT:
		if (!set_suffixed(&s, node, '%', "a percentage such as 80%", &value))
			return false;
		*(double *)s.field = (double)value;
		return true;
	case CONFIG_TYPE_LIST:
		return set_list(&s, node, false);
	case CONFIG_TYPE_LANGUAGES:
		return set_list(&s, node, true);
	case CONFIG_TYPE_NETS:
		return set_nets(&s, node);
	case CONFIG_TYPE_PORTS:
		return set_ports(&s, node);
	}
	return false;
}
