/*
 * The table made from config.def.  Private to config/.
 */
#pragma once

#include "config/config.h"
#include "config/yaml.h"

enum config_type {
	CONFIG_TYPE_TEXT,
	CONFIG_TYPE_ZONE,
	CONFIG_TYPE_COUNTRY,
	CONFIG_TYPE_BOOL,
	CONFIG_TYPE_INT,
	CONFIG_TYPE_ENUM,
	CONFIG_TYPE_DAYS,
	CONFIG_TYPE_PERCENT,
	CONFIG_TYPE_LIST,
	CONFIG_TYPE_LANGUAGES,
	CONFIG_TYPE_NETS,
	CONFIG_TYPE_PORTS,
};

struct config_entry {
	struct config_key key;
	enum config_type type;
	size_t offset; /* in struct config */
};

#define CONFIG_KEYS_MAX 128
extern const struct config_entry config_entries[];
extern const size_t config_entry_count;

/* What struct config keeps beside the typed values, for dump and config_is_set. */
struct config_origin {
	const struct config_node *node;
	bool set; /* in the file */
};
const struct config_origin *config_origins(const struct config *config);

/* Where findings go; the first one is kept in err. */
struct config_findings {
	const char *name;
	config_say_fn say;
	void *arg;
	struct err *err;
	unsigned count;
};
void config_finding(struct config_findings *f, unsigned line, unsigned column, const char *fmt, ...)
    ST_PRINTF(4, 5);

/*
 * Checks the node against the entry and writes the typed value into config.  Findings name the
 * place; false when there was one.
 */
bool config_value_set(struct config *config, const struct config_entry *entry,
    const struct config_node *node, struct config_findings *findings);
