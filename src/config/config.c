/*
 * The configuration reader: walks a YAML tree along the keys of config.def.
 *
 * Defaults are YAML text in the same list and go through the same checks as the file, so a default
 * that its own key would refuse cannot exist.  All findings of a file are reported, not only the
 * first; a configuration with a finding is never returned.
 */
#include "config/config.h"

#include "config/keys.h"
#include "config/nearest.h"
#include "os/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_TEXT_MAX 96

static const char *const type_texts[] = {
    [CONFIG_TYPE_TEXT] = "text",
    [CONFIG_TYPE_ZONE] = "time zone",
    [CONFIG_TYPE_COUNTRY] = "country code",
    [CONFIG_TYPE_BOOL] = "true or false",
    [CONFIG_TYPE_INT] = "number",
    [CONFIG_TYPE_ENUM] = "choice",
    [CONFIG_TYPE_DAYS] = "days",
    [CONFIG_TYPE_PERCENT] = "percentage",
    [CONFIG_TYPE_LIST] = "list of texts",
    [CONFIG_TYPE_LANGUAGES] = "list of ja and en",
    [CONFIG_TYPE_NETS] = "list of addresses and networks",
    [CONFIG_TYPE_PORTS] = "ports for each protocol",
};

#define SECTION(name, doc)
#define KEY(section, field, path, type, preset, choices, min, max, doc)        \
	{{#section, path, preset, choices, min, max, doc}, CONFIG_TYPE_##type, \
	    offsetof(struct config, section.field)},
#define END(name)
const struct config_entry config_entries[] = {
#include "config/config.def"
};
#undef SECTION
#undef KEY
#undef END

const size_t config_entry_count = sizeof(config_entries) / sizeof(*config_entries);
_Static_assert(
    sizeof(config_entries) / sizeof(*config_entries) <= CONFIG_KEYS_MAX, "raise CONFIG_KEYS_MAX");

/* The configuration with what only config/ needs behind it. */
struct config_private {
	struct config config;
	struct config_origin origins[CONFIG_KEYS_MAX];
};

const struct config_origin *config_origins(const struct config *config)
{
	return ((const struct config_private *)config)->origins;
}

/* ---- the list ------------------------------------------------------------------------------- */

size_t config_key_count(void)
{
	return config_entry_count;
}

const struct config_key *config_key(size_t index)
{
	return index < config_entry_count ? &config_entries[index].key : NULL;
}

const char *config_type_text(size_t index)
{
	return index < config_entry_count ? type_texts[config_entries[index].type] : "";
}

const char *config_section_doc(const char *section)
{
#define SECTION(name, doc) {#name, doc},
#define KEY(section, field, path, type, preset, choices, min, max, doc)
#define END(name)
	static const struct {
		const char *name;
		const char *doc;
	} sections[] = {
#include "config/config.def"
	};
#undef SECTION
#undef KEY
#undef END
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (strcmp(sections[i].name, section) == 0)
			return sections[i].doc;
	return "";
}

bool config_is_set(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config_entry_count; i++)
		if (strcmp(config_entries[i].key.path, path) == 0)
			return config_origins(config)[i].set;
	return false;
}

/* ---- findings ------------------------------------------------------------------------------- */

void config_finding(struct config_findings *f, unsigned line, unsigned column, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;
	int used;

	used = snprintf(text, sizeof(text), "%.200s:%u:%u: ", f->name, line, column);
	if (used < 0)
		used = 0;
	va_start(ap, fmt);
	(void)vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, ap);
	va_end(ap);
	if (f->count++ == 0)
		(void)err_set(f->err, ST_MALFORMED, "%s", text);
	if (f->say)
		f->say(f->arg, text);
}

static bool is_section(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < config_entry_count; i++)
		if (strncmp(config_entries[i].key.path, path, len) == 0 &&
		    config_entries[i].key.path[len] == '.')
			return true;
	return false;
}

/* "; did you mean …?" for a key under prefix ("" or "report."), or "". */
static void suggest(const char *prefix, const char *key, char *text, size_t size)
{
	static char words[CONFIG_KEYS_MAX][PATH_TEXT_MAX];
	struct nearest near = {.word = key};
	size_t len = strlen(prefix);

	text[0] = 0;
	for (size_t i = 0; i < config_entry_count; i++) {
		const char *path = config_entries[i].key.path;
		const char *last = strrchr(path, '.') + 1;

		/* The right word in the wrong section comes before a similar one in this. */
		if (strcmp(last, key) == 0) {
			(void)snprintf(text, size, "; did you mean '%s'?", path);
			return;
		}
		if (strncmp(path, prefix, len) != 0)
			continue;
		(void)snprintf(
		    words[i], PATH_TEXT_MAX, "%.*s", (int)strcspn(path + len, "."), path + len);
		nearest_offer(&near, words[i]);
	}
	if (near.best)
		(void)snprintf(text, size, "; did you mean '%s'?", near.best);
}

static void unknown_key(
    struct config_findings *f, const char *prefix, const struct config_node *node)
{
	char suggestion[PATH_TEXT_MAX + 32];
	size_t len = strlen(prefix);

	suggest(prefix, node->key, suggestion, sizeof(suggestion));
	if (len > 0)
		config_finding(f, node->key_line, node->key_column,
		    "unknown key '%.60s' in '%.*s'%s", node->key, (int)(len - 1), prefix,
		    suggestion);
	else
		config_finding(f, node->key_line, node->key_column, "unknown section '%.60s'%s",
		    node->key, suggestion);
}

/* ---- the walk ------------------------------------------------------------------------------- */

struct frame {
	const struct config_node *map;
	char prefix[PATH_TEXT_MAX];
};

static bool take_entry(struct config_private *p, const char *path, const struct config_node *node,
    struct config_findings *findings)
{
	for (size_t i = 0; i < config_entry_count; i++) {
		if (strcmp(config_entries[i].key.path, path) != 0)
			continue;
		if (config_value_set(&p->config, &config_entries[i], node, findings)) {
			p->origins[i].node = node;
			p->origins[i].set = true;
		}
		return true;
	}
	return false;
}

static void walk(
    struct config_private *p, const struct config_node *root, struct config_findings *findings)
{
	struct frame queue[CONFIG_KEYS_MAX];
	size_t count = 1;

	queue[0] = (struct frame){.map = root};
	for (size_t at = 0; at < count; at++) {
		struct frame frame = queue[at];

		for (const struct config_node *n = frame.map->child; n; n = n->next) {
			char path[PATH_TEXT_MAX];

			(void)snprintf(path, sizeof(path), "%s%s", frame.prefix, n->key);
			if (take_entry(p, path, n, findings))
				continue;
			if (!is_section(path)) {
				unknown_key(findings, frame.prefix, n);
				continue;
			}
			/* A section whose keys are all commented out is empty, not wrong. */
			if (n->kind == CONFIG_NODE_SCALAR && !n->text[0] && !n->quoted)
				continue;
			if (n->kind != CONFIG_NODE_MAP) {
				config_finding(findings, n->line, n->column,
				    "'%s' is a section with keys below it, not a value", path);
				continue;
			}
			/* Keys of a mapping are unique, so each section comes here once. */
			queue[count].map = n;
			(void)snprintf(queue[count].prefix, PATH_TEXT_MAX, "%.90s.", path);
			count++;
		}
	}
}

static bool nets_contain(const struct config_nets *nets, struct ip_net net)
{
	for (size_t i = 0; i < nets->count; i++)
		if (nets->items[i].plen <= net.plen && ip_net_contains(nets->items[i], net.base))
			return true;
	return false;
}

/* Every network of `path` must lie inside sensor.addresses. */
static void check_inside(struct config_private *p, const char *path, const struct config_nets *nets,
    struct config_findings *findings)
{
	const struct config_node *item = NULL;

	if (p->config.sensor.addresses.count == 0 || !config_is_set(&p->config, path))
		return;
	for (size_t i = 0; i < config_entry_count; i++)
		if (strcmp(config_entries[i].key.path, path) == 0)
			item = p->origins[i].node->child;
	for (size_t i = 0; i < nets->count && item; i++, item = item->next)
		if (!nets_contain(&p->config.sensor.addresses, nets->items[i]))
			config_finding(findings, item->line, item->column,
			    "'%s': '%.60s' is outside sensor.addresses", path, item->text);
}

static void check_together(struct config_private *p, struct config_findings *findings)
{
	const struct config *c = &p->config;

	check_inside(p, "sensor.exclude", &c->sensor.exclude, findings);
	check_inside(p, "respond.addresses", &c->respond.addresses, findings);
	for (size_t i = 0; i < c->respond.protocols.count; i++) {
		const struct config_port_list *list = &c->respond.protocols.items[i];

		for (size_t j = 0; j < list->count; j++)
			if (list->ports[j] + c->respond.port_offset > UINT16_MAX)
				config_finding(findings, 1, 1,
				    "respond.port_offset %d brings %s's port %u above 65535",
				    c->respond.port_offset, list->protocol, list->ports[j]);
	}
}

static int set_presets(struct config_private *p, struct err *err)
{
	for (size_t i = 0; i < config_entry_count; i++) {
		const struct config_entry *entry = &config_entries[i];
		struct config_findings findings = {.name = entry->key.path, .err = err};
		struct config_problem problem;
		struct config_node *node;
		int r;

		r = config_yaml_parse(p->config.memory, entry->key.preset,
		    strlen(entry->key.preset), &node, &problem);
		if (r < 0)
			return err_set(err, ST_ENGINE, "%s: %s", entry->key.path, problem.text);
		if (!config_value_set(&p->config, entry, node, &findings))
			return ST_ENGINE;
		p->origins[i].node = node;
	}
	return ST_OK;
}

int config_parse(const char *name, const char *text, size_t len, config_say_fn say, void *arg,
    struct config **ret_config, struct err *err)
{
	struct config_findings findings = {.name = name, .say = say, .arg = arg, .err = err};
	struct config_private *p = calloc(1, sizeof(*p));
	struct config_problem problem;
	struct config_node *root = NULL;
	int r;

	if (!p)
		return err_set(err, -ENOMEM, "%s: no memory", name);
	p->config.memory = config_memory_new();
	r = set_presets(p, err);
	if (r < 0)
		goto out;
	r = config_yaml_parse(p->config.memory, text, len, &root, &problem);
	if (r < 0) {
		config_finding(&findings, problem.line, problem.column, "%s", problem.text);
		r = ST_MALFORMED;
		goto out;
	}
	if (root && root->kind == CONFIG_NODE_MAP)
		walk(p, root, &findings);
	else if (root && (root->kind != CONFIG_NODE_SCALAR || root->text[0]))
		config_finding(&findings, root->line, root->column,
		    "a configuration is a group of sections such as 'site:'");
	if (findings.count == 0)
		check_together(p, &findings);
	r = findings.count > 0 ? ST_MALFORMED : ST_OK;
out:
	if (r < 0) {
		config_free(&p->config);
		return r;
	}
	*ret_config = &p->config;
	return ST_OK;
}

/* ---- files ---------------------------------------------------------------------------------- */

int config_load(
    const char *path, config_say_fn say, void *arg, struct config **ret_config, struct err *err)
{
	bool given = path;
	char *text = NULL;
	size_t len = 0;
	struct config *config;
	char *file;
	int r;

	if (!given) {
		path = CONFIG_DEFAULT_PATH;
		if (access(path, F_OK) != 0)
			return config_parse("defaults", "", 0, say, arg, ret_config, err);
	}
	r = os_file_read(path, CONFIG_BYTES_MAX, &text, &len, err);
	if (r < 0) {
		if (say && err)
			say(arg, err->text);
		return r;
	}
	r = config_parse(path, text, len, say, arg, &config, err);
	free(text);
	if (r < 0)
		return r;
	file = config_alloc(config->memory, strlen(path) + 1);
	memcpy(file, path, strlen(path));
	config->file = file;
	*ret_config = config;
	return ST_OK;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	config_memory_free(config->memory);
	free(config);
}
