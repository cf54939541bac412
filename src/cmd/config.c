/*
 * teiten config: is the configuration right, and what is it in full?
 */
#include "cmd/command.h"
#include "detect/settings.h"
#include "protocol/protocol.h"

#include <string.h>

#define PROTOCOL_NAMES_MAX 256 /* for a suggestion */

static void say_finding(void *arg, const char *line)
{
	unsigned *count = arg;

	(*count)++;
	(void)puts(line);
}

/* Compared as bytes below. */
_Static_assert(sizeof(struct detect_settings) == 11 * 8 + 4 * 4, "no padding");

/* Dates that are compacted keep what was judged of them. */
static void say_judged(const struct command *self, const struct config *config)
{
	struct detect_settings settings = detect_settings_of(config);

	if (memcmp(&settings, &detect_settings_default, sizeof(settings)) != 0
	    || config->detect.research.count)
		command_error(self, "note: thresholds and networks under detect are used "
		    "when a date is judged; dates that were judged with others keep that until "
		    "'teiten db compact --all'");
}

/* The reader of the file knows no protocols. */
static unsigned say_protocols(const struct config *config)
{
	const struct config_ports *ports = &config->respond.protocols;
	const char *names[PROTOCOL_NAMES_MAX + 1] = {NULL};
	unsigned count = 0;

	for (unsigned i = 0; i < protocol_module_count && i < PROTOCOL_NAMES_MAX; i++)
		names[i] = protocol_modules[i]->name;
	for (size_t i = 0; i < ports->count; i++) {
		const char *name = ports->items[i].protocol;

		if (protocol_module_find(name))
			continue;
		count++;
		(void)printf("%s: respond.protocols: there is no protocol '%s'%s\n", config->file, name,
		    command_suggestion(name, names));
	}
	return count;
}

static int check(const struct command *self, const struct command_common *common, const char *path)
{
	struct config *config = NULL;
	struct err err = {0};
	unsigned count = 0;
	int r;

	r = config_load(path, say_finding, &count, &config, &err);
	if (r == ST_MALFORMED)
		return COMMAND_FINDINGS;
	/* The file itself could not be read: say_finding has printed why. */
	if (r < 0)
		return COMMAND_USAGE;
	if (say_protocols(config) > 0) {
		config_free(config);
		return COMMAND_FINDINGS;
	}
	if (!common->quiet) {
		if (config->file)
			(void)printf("%s: ok\n", config->file);
		else
			(void)printf("%s: not there; the defaults stand\n", CONFIG_DEFAULT_PATH);
		say_judged(self, config);
	}
	config_free(config);
	return COMMAND_OK;
}

static int dump(const struct command *self, const struct command_common *common, const char *path)
{
	struct config *config = NULL;
	struct buf b = {0};
	struct err err = {0};

	if (config_load(path, NULL, NULL, &config, &err) < 0) {
		command_error(self, "%s", err.text);
		return COMMAND_USAGE;
	}
	if (common->format == COMMAND_JSON)
		config_dump_json(config, &b);
	else
		config_dump_yaml(config, &b);
	(void)fputs(buf_text(&b), stdout);
	buf_fini(&b);
	config_free(config);
	return COMMAND_OK;
}

static int run(int argc, char **argv);

const struct command command_config = {
    .name = "config",
    .summary = "Check the configuration, or print it in full",
    .usage =
        "usage: teiten config check [FILE]\n"
        "       teiten config dump [FILE] [--json]\n"
        "\n"
        "check reads the configuration and prints every finding as FILE:LINE:COLUMN: sentence.\n"
        "dump prints all keys with their values; those that are not in the file carry\n"
        "\"# default\".  FILE is -c, or " CONFIG_DEFAULT_PATH " when neither is given.\n"
        "teiten.conf(5) explains the keys.\n"
        "\n"
        "Exit status: 0 right, 3 findings, 2 the file cannot be read.\n"
        "\n"
        "Examples:\n"
        "  teiten config check                      the installed file\n"
        "  teiten config check new.yaml && sudo cp new.yaml " CONFIG_DEFAULT_PATH "\n"
        "  teiten config dump > teiten.yaml         a complete file to start from\n",
    .run = run,
    .own_config = true,
};

static int run(int argc, char **argv)
{
	static const char *const names[] = {NULL};
	static const char *const verbs[] = {"check", "dump", NULL};
	const struct command *self = &command_config;
	struct command_common common = {0};
	const char *value;
	const char *path;
	int index = 0;

	if (command_option(self, &common, argc, argv, &index, names, &value) != COMMAND_OPTION_END)
		return COMMAND_USAGE;
	if (index >= argc) {
		command_error(self, "check or dump? (teiten config -h)");
		return COMMAND_USAGE;
	}
	if (common.format == COMMAND_CSV || common.format == COMMAND_TSV) {
		command_error(self, "prints text or --json");
		return COMMAND_USAGE;
	}
	if (argc - index > 2) {
		command_error(self, "one file at a time; '%s' is too many", argv[index + 2]);
		return COMMAND_USAGE;
	}
	path = argc - index == 2 ? argv[index + 1] : common.config_path;
	if (strcmp(argv[index], "check") == 0)
		return check(&command_config, &common, path);
	if (strcmp(argv[index], "dump") == 0)
		return dump(self, &common, path);
	command_error(self, "no '%s' here%s", argv[index], command_suggestion(argv[index], verbs));
	return COMMAND_USAGE;
}
