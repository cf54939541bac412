/*
 * What the subcommands share: the registry, the option walk, the configuration of this run.
 *
 * The option walk moves operands behind options as it goes, so that `teiten top ports --last 7d`
 * and `teiten top --last 7d ports` are the same.  An option that is not known is an error with the
 * nearest one; nothing is guessed.
 */
#include "cmd/command.h"

#include "base/zone.h"
#include "config/nearest.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef TEITEN_DATADIR
#define TEITEN_DATADIR "/usr/share/teiten"
#endif
#define GEO_TABLE_NAME "geo.teiten"

#define COMMAND(name) extern const struct command command_##name;
#include "cmd/commands.def"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cmd/commands.def"
#undef COMMAND
    NULL,
};

/* The one configuration of this process; freed by the system. */
static struct config *run_config;

/* ---- registry and messages ------------------------------------------------------------------ */

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

void command_error(const struct command *self, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "teiten %s: ", self->name);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

void *command_need(void *memory)
{
	if (!memory) {
		(void)fputs("teiten: out of memory\n", stderr);
		abort();
	}
	return memory;
}

const char *command_suggestion(const char *word, const char *const *words)
{
	static char text[NEAREST_WORD_MAX + 32];
	struct nearest near = {.word = word};

	for (; *words; words++)
		nearest_offer(&near, *words);
	if (!near.best)
		return "";
	(void)snprintf(text, sizeof(text), "; did you mean '%s'?", near.best);
	return text;
}

/* ---- options -------------------------------------------------------------------------------- */

enum common_option {
	OPTION_CONFIG,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_TSV,
	OPTION_LANG,
	OPTION_TIMEZONE,
	OPTION_CREDENTIALS,
	OPTION_QUIET,
	OPTION_QUIET_LONG,
	OPTION_VERBOSE,
	OPTION_VERBOSE_LONG,
	OPTION_HELP,
	OPTION_HELP_LONG,
	OPTION_COMMON_COUNT,
};

static const char *const common_names[] = {
    [OPTION_CONFIG] = "-c=",
    [OPTION_JSON] = "--json",
    [OPTION_CSV] = "--csv",
    [OPTION_TSV] = "--tsv",
    [OPTION_LANG] = "--lang=",
    [OPTION_TIMEZONE] = "--timezone=",
    [OPTION_CREDENTIALS] = "--credentials",
    [OPTION_QUIET] = "-q",
    [OPTION_QUIET_LONG] = "--quiet",
    [OPTION_VERBOSE] = "-v",
    [OPTION_VERBOSE_LONG] = "--verbose",
    [OPTION_HELP] = "-h",
    [OPTION_HELP_LONG] = "--help",
    [OPTION_COMMON_COUNT] = NULL,
};

#define OPTION_NAMES_MAX 64
#define OPTION_NAME_SIZE 40

/* Length of the part of the argument that names the option: "--lang=ja" 6, "-sDIR" 2. */
static size_t option_name_len(const char *arg)
{
	if (arg[1] == '-')
		return strcspn(arg, "=");
	return 2;
}

static bool name_takes_value(const char *name)
{
	return name[strlen(name) - 1] == '=';
}

/* Index of the name that the first len bytes of arg spell, or -1. */
static int name_index(const char *const *names, const char *arg, size_t len)
{
	for (int i = 0; names[i]; i++) {
		size_t name_len = strlen(names[i]) - name_takes_value(names[i]);

		if (name_len == len && memcmp(names[i], arg, len) == 0)
			return i;
	}
	return -1;
}

static void say_unknown_option(
    const struct command *self, const char *const *names, const char *arg, size_t len)
{
	static char texts[OPTION_NAMES_MAX][OPTION_NAME_SIZE];
	const char *words[OPTION_NAMES_MAX + 1];
	const char *const *lists[] = {names, common_names};
	char word[OPTION_NAME_SIZE];
	size_t count = 0;

	for (size_t l = 0; l < 2; l++) {
		for (const char *const *n = lists[l]; *n && count < OPTION_NAMES_MAX; n++) {
			(void)snprintf(texts[count], OPTION_NAME_SIZE, "%.*s",
			    (int)(strlen(*n) - name_takes_value(*n)), *n);
			/* One letter is near every other letter: only long names are suggested. */
			if (texts[count][1] == '-') {
				words[count] = texts[count];
				count++;
			}
		}
	}
	words[count] = NULL;
	(void)snprintf(word, sizeof(word), "%.*s", (int)len, arg);
	command_error(self, "unknown option '%s'%s (teiten %s -h lists them)", word,
	    len > 2 ? command_suggestion(word, words) : "", self->name);
}

/* Moves argv[from] to argv[to], to <= from; those between move up by one. */
static void move_argument(char **argv, int from, int to)
{
	char *arg = argv[from];

	memmove(&argv[to + 1], &argv[to], (size_t)(from - to) * sizeof(*argv));
	argv[to] = arg;
}

static bool language_known(const char *text, size_t len)
{
	return len == 2 && (memcmp(text, "ja", 2) == 0 || memcmp(text, "en", 2) == 0);
}

static int check_languages(const struct command *self, const char *value)
{
	const char *p = value;

	for (;;) {
		size_t len = strcspn(p, ","); /* NOLINT: --lang always has a value */

		if (!language_known(p, len)) {
			command_error(self, "--lang %s: the languages are ja and en", value);
			return COMMAND_OPTION_BAD;
		}
		if (!p[len])
			return 0;
		if (!self->many_languages) {
			command_error(self, "--lang %s: one language, ja or en", value);
			return COMMAND_OPTION_BAD;
		}
		p += len + 1;
	}
}

static int check_timezone(const struct command *self, const char *value)
{
	struct err err = {0};
	struct zone *zone = NULL;

	if (zone_new(value, &zone, &err) < 0) {
		command_error(self, "--timezone %s: %s", value, err.text);
		return COMMAND_OPTION_BAD;
	}
	zone_free(zone);
	return 0;
}

static int common_option(const struct command *self, struct command_common *common,
    enum common_option option, const char *value)
{
	switch (option) {
	case OPTION_CONFIG:
		common->config_path = value;
		return 0;
	case OPTION_JSON:
		common->format = COMMAND_JSON;
		return 0;
	case OPTION_CSV:
		common->format = COMMAND_CSV;
		return 0;
	case OPTION_TSV:
		common->format = COMMAND_TSV;
		return 0;
	case OPTION_LANG:
		common->lang = value;
		return check_languages(self, value);
	case OPTION_TIMEZONE:
		common->timezone = value;
		return check_timezone(self, value);
	case OPTION_CREDENTIALS:
		common->credentials = true;
		return 0;
	case OPTION_QUIET:
	case OPTION_QUIET_LONG:
		common->quiet = true;
		return 0;
	case OPTION_VERBOSE:
	case OPTION_VERBOSE_LONG:
		common->verbose++;
		return 0;
	case OPTION_HELP:
	case OPTION_HELP_LONG:
		(void)fputs(self->usage, stdout);
		exit(fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED);
	case OPTION_COMMON_COUNT:
		break;
	}
	return COMMAND_OPTION_BAD;
}

static int end_options(const struct command *self, struct command_common *common)
{
	const char *no_color = getenv("NO_COLOR");

	common->color = isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
	if (!self->own_config) {
		struct err err = {0};

		config_free(run_config);
		run_config = NULL;
		if (config_load(common->config_path, NULL, NULL, &run_config, &err) < 0) {
			command_error(self, "%s", err.text);
			return COMMAND_OPTION_BAD;
		}
	}
	return COMMAND_OPTION_END;
}

/*
 * Takes the value of the option at argv[at] out of it or the next argument; *used counts the
 * arguments taken.  An option that takes none may be a cluster (-qv): the rest stays in argv[at].
 */
static int take_value(const struct command *self, const char *name, int argc, char **argv, int at,
    size_t len, int *used, const char **ret_value)
{
	char *arg = argv[at];
	bool takes = name_takes_value(name);

	*used = 1;
	if (takes) {
		if (arg[len]) {
			*ret_value = arg + len + (arg[1] == '-');
			return 0;
		}
		if (at + 1 >= argc) {
			command_error(self, "option '%s' takes a value", arg);
			return COMMAND_OPTION_BAD;
		}
		*ret_value = argv[at + 1];
		*used = 2;
		return 0;
	}
	*ret_value = NULL;
	if (!arg[len])
		return 0;
	if (arg[1] == '-') {
		command_error(self, "option '%.*s' takes no value", (int)len, arg);
		return COMMAND_OPTION_BAD;
	}
	memmove(arg + 1, arg + 2, strlen(arg + 2) + 1);
	*used = 0;
	return 0;
}

int command_option(const struct command *self, struct command_common *common, int argc, char **argv,
    int *index, const char *const *names, const char **ret_value)
{
	if (*index == 0)
		*index = 1;
	for (;;) {
		int at = *index;
		int own;
		int shared = -1;
		int used = 0;
		size_t len;
		const char *value = NULL;

		while (at < argc && (argv[at][0] != '-' || !argv[at][1]))
			at++;
		if (at >= argc)
			return end_options(self, common);
		if (strcmp(argv[at], "--") == 0) {
			move_argument(argv, at, *index);
			(*index)++;
			return end_options(self, common);
		}
		len = option_name_len(argv[at]);
		own = name_index(names, argv[at], len);
		if (own < 0)
			shared = name_index(common_names, argv[at], len);
		if (own < 0 && shared < 0) {
			say_unknown_option(self, names, argv[at], len);
			return COMMAND_OPTION_BAD;
		}
		if (take_value(self, own >= 0 ? names[own] : common_names[shared], argc, argv, at,
		        len, &used, &value) < 0)
			return COMMAND_OPTION_BAD;
		for (int i = 0; i < used; i++)
			move_argument(argv, at + i, (*index)++);
		if (own >= 0) {
			*ret_value = value;
			return own;
		}
		if (common_option(self, common, (enum common_option)shared, value) < 0)
			return COMMAND_OPTION_BAD;
	}
}

/* ---- this run ------------------------------------------------------------------------------- */

const struct config *command_configuration(void)
{
	struct err err = {0};

	if (!run_config && config_parse("defaults", "", 0, NULL, NULL, &run_config, &err) < 0) {
		(void)fprintf(stderr, "teiten: %s\n", err.text);
		exit(COMMAND_FAILED);
	}
	return run_config;
}

enum publish_language command_language(const struct command_common *common)
{
	static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	const struct config *config = command_configuration();
	const char *code = common->lang;

	if (!code && config_is_set(config, "report.languages"))
		code = config->report.languages.items[0];
	for (size_t i = 0; !code && i < sizeof(variables) / sizeof(*variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && value[0])
			code = value;
	}
	return code && strncmp(code, "ja", 2) == 0 ? PUBLISH_JA : PUBLISH_EN;
}

struct publish_style command_style(const struct command_common *common)
{
	const struct config *config = command_configuration();
	struct publish_style style = {
	    .language = command_language(common),
	    .source_hasshin = config->report.source_term == CONFIG_SOURCE_HASSHIN,
	    .countries_cldr = config->report.country_names == CONFIG_COUNTRIES_CLDR,
	};

	switch ((enum config_eras)config->report.eras) {
	case CONFIG_ERAS_BOTH:
		style.era = PUBLISH_ERA_BOTH;
		break;
	case CONFIG_ERAS_GREGORIAN:
		style.era = PUBLISH_ERA_GREGORIAN;
		break;
	case CONFIG_ERAS_JAPANESE:
		style.era = PUBLISH_ERA_JAPANESE;
		break;
	}
	return style;
}

const char *command_program_folder(void)
{
	static char folder[PATH_MAX];
	ssize_t len;
	char *slash;

	if (folder[0])
		return folder;
	len = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	if (len <= 0 || len >= (ssize_t)sizeof(folder) - 1)
		len = 0;
	folder[len] = 0;
	slash = strrchr(folder, '/');
	if (slash)
		*slash = 0;
	else
		(void)snprintf(folder, sizeof(folder), ".");
	return folder;
}

const char *command_geo_path(void)
{
	static char path[PATH_MAX + sizeof(GEO_TABLE_NAME) + 1];
	const struct config *config = command_configuration();

	if (config->geo.table[0])
		return config->geo.table;
	(void)snprintf(path, sizeof(path), "%s/%s", command_program_folder(), GEO_TABLE_NAME);
	if (access(path, R_OK) == 0)
		return path;
	(void)snprintf(path, sizeof(path), "%s/%s", TEITEN_DATADIR, GEO_TABLE_NAME);
	return access(path, R_OK) == 0 ? path : NULL;
}
