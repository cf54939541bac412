/*
 * Configuration: one YAML schema for all programs, as typed structs with a default for each key.
 *
 * config.def lists the keys.  A file is strict: an unknown key, a wrong type or a value out of
 * range is an error that names file, line and column, and the nearest key where there is one.
 * Anchors, aliases and tags are refused, size and depth are limited, so no file can explode.
 */
#pragma once

#include "base/buf.h"
#include "base/ip.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_DEFAULT_PATH "/etc/teiten/teiten.yaml"

struct config_list {
	const char *const *items;
	size_t count;
};

struct config_nets {
	const struct ip_net *items;
	size_t count;
};

struct config_port_list {
	const char *protocol;
	const uint16_t *ports;
	size_t count;
};

struct config_ports {
	const struct config_port_list *items;
	size_t count;
};

enum config_week_start { CONFIG_WEEK_MONDAY }; /* 0 = Monday … 6 = Sunday, as civil_weekday */
enum config_quarters { CONFIG_QUARTERS_CALENDAR, CONFIG_QUARTERS_FISCAL };
enum config_eras { CONFIG_ERAS_BOTH, CONFIG_ERAS_GREGORIAN, CONFIG_ERAS_JAPANESE };
enum config_basis { CONFIG_BASIS_ADDRESS, CONFIG_BASIS_SENSOR_MEAN, CONFIG_BASIS_TOTAL };
enum config_ranking { CONFIG_RANKING_ALL, CONFIG_RANKING_ATTACKERS };
enum config_vocabulary {
	CONFIG_VOCABULARY_NPA,
	CONFIG_VOCABULARY_JPCERT,
	CONFIG_VOCABULARY_NICTER,
	CONFIG_VOCABULARY_PLAIN,
};
enum config_source_term { CONFIG_SOURCE_SOSHIN, CONFIG_SOURCE_HASSHIN }; /* 送信元, 発信元 */
enum config_country_names { CONFIG_COUNTRIES_NPA, CONFIG_COUNTRIES_CLDR };
enum config_icmp { CONFIG_ICMP_BY_TYPE, CONFIG_ICMP_ONE_ROW };

#define CONFIG_C_TEXT(n) const char *n; /* one line of text, may be empty */
#define CONFIG_C_ZONE(n) const char *n; /* name of a time zone that exists */
#define CONFIG_C_COUNTRY(n) char n[3];  /* two capital letters */
#define CONFIG_C_BOOL(n) bool n;
#define CONFIG_C_INT(n) int n;
#define CONFIG_C_ENUM(n) int n;                     /* position in the choices: enum config_… */
#define CONFIG_C_DAYS(n) int n;                     /* "400d" */
#define CONFIG_C_PERCENT(n) double n;               /* "80%" = 80.0 */
#define CONFIG_C_LIST(n) struct config_list n;      /* of texts */
#define CONFIG_C_LANGUAGES(n) struct config_list n; /* of ja and en, at least one */
#define CONFIG_C_NETS(n) struct config_nets n;      /* ADDRESS or ADDRESS/PLEN */
#define CONFIG_C_PORTS(n) struct config_ports n;    /* protocol: [port …] */

struct config_memory;

#define SECTION(name, doc) struct {
#define KEY(section, field, path, type, preset, choices, min, max, doc) CONFIG_C_##type(field)
#define END(name) \
	}         \
	name;
struct config {
#include "config/config.def"
	const char *file;             /* NULL when no file was read */
	struct config_memory *memory; /* private: everything above points into it */
};
#undef SECTION
#undef KEY
#undef END

/* Receives one line per finding: "FILE:LINE:COLUMN: sentence". */
typedef void (*config_say_fn)(void *arg, const char *line);

/*
 * Reads YAML text.  `name` is the file's name in messages; say may be NULL.  ST_MALFORMED when
 * there was any finding; err then holds the first one.  The caller frees with config_free.
 */
ST_MUST_CHECK int config_parse(const char *name, const char *text, size_t len, config_say_fn say,
    void *arg, struct config **ret_config, struct err *err);

/*
 * Reads a file.  path NULL is CONFIG_DEFAULT_PATH where that exists, else only defaults; a path
 * that was given must exist.
 */
ST_MUST_CHECK int config_load(
    const char *path, config_say_fn say, void *arg, struct config **ret_config, struct err *err);

/* NULL is allowed. */
void config_free(struct config *config);

/* Was the key set in the file?  By its path: "report.languages". */
bool config_is_set(const struct config *config, const char *path);

/* Every key, for those who list them. */
struct config_key {
	const char *section;
	const char *path;
	const char *preset;
	const char *choices;
	int64_t min;
	int64_t max;
	const char *doc;
};
size_t config_key_count(void);
const struct config_key *config_key(size_t index);
const char *config_type_text(size_t index); /* text, list of ja and en … */
const char *config_section_doc(const char *section);

/* Appends the whole configuration as YAML that config_parse accepts; defaults carry "# default". */
void config_dump_yaml(const struct config *config, struct buf *b);

/* Appends a JSON array of {"key", "value", "default"}. */
void config_dump_json(const struct config *config, struct buf *b);

/* Appends the keys as sections of a manual page in scdoc(5). */
void config_manual(struct buf *b);
