/*
 * Subcommands: one file each, one line each in commands.def; everything they share is here.
 */
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "config/config.h"
#include "publish/publish.h"
#include "report/document.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum command_exit {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1,
	COMMAND_USAGE = 2,
	COMMAND_FINDINGS = 3,
	COMMAND_NOT_FOUND = 4,
};

struct command {
	const char *name;
	const char *summary;               /* one line for `teiten help` */
	const char *usage;                 /* the whole --help text */
	int (*run)(int argc, char **argv); /* argv[0] = the subcommand; returns the exit status */
	bool own_config;     /* command_option does not read the configuration for it */
	bool many_languages; /* --lang takes a list: ja,en */
};

/* In the order of commands.def; NULL ends. */
extern const struct command *const commands[];

/* The subcommand of that name, or NULL. */
const struct command *command_find(const char *name);

enum command_format {
	COMMAND_HUMAN,
	COMMAND_JSON,
	COMMAND_CSV,
	COMMAND_TSV,
};

/* Options every subcommand takes; zero-initialise, command_option fills them. */
struct command_common {
	const char *config_path; /* -c */
	enum command_format format;
	const char *lang;     /* --lang, NULL = configuration, else by LANG */
	const char *timezone; /* --timezone, checked; NULL = configuration or store */
	bool quiet;
	int verbose;
	bool color;       /* stdout is a terminal and NO_COLOR is not set */
	bool credentials; /* --credentials */
};

/*
 * Walks argv.  Returns the next option the caller knows (index into `names`, value in *ret_value
 * for names that end with '='), COMMAND_OPTION_END when there are only operands left
 * (operands are argv[*index …]), or COMMAND_OPTION_BAD after it has printed what is wrong.
 * Common options are handled inside; -h prints usage and exits.
 * names: {"-r=", "--sensor=", "--all", NULL}: a trailing '=' takes a value ("--x v" or "--x=v").
 * Start with *index = 0.  Options and operands may come in any order (argv is reordered); "--"
 * ends the options and "-" is an operand.  At the end the configuration has been read
 * (command_configuration), unless the subcommand says own_config.
 */
#define COMMAND_OPTION_END (-1)
#define COMMAND_OPTION_BAD (-2)
int command_option(const struct command *self, struct command_common *common, int argc, char **argv,
    int *index, const char *const *names, const char **ret_value);

/* Prints "teiten NAME: sentence" on stderr. */
void command_error(const struct command *self, const char *fmt, ...) ST_PRINTF(2, 3);

/* Gives memory back, or ends the program when the system had none. */
void *command_need(void *memory);

/* "; did you mean 'X'?" for the nearest of the words (NULL ends), or "".  Static storage. */
const char *command_suggestion(const char *word, const char *const *words);

/* Configuration of this run: what command_option read, else all defaults.  Never NULL. */
const struct config *command_configuration(void);

/* Language: --lang, then configuration, then LC_ALL/LC_MESSAGES/LANG beginning with ja. */
enum publish_language command_language(const struct command_common *common);

/* How this site prints, in the language of command_language. */
struct publish_style command_style(const struct command_common *common);

/* Folder of the running program, for data files beside it; static storage. */
const char *command_program_folder(void);

/* The compiled geo table: configuration, then beside the program, then the installed one. NULL
 * when there is none. */
const char *command_geo_path(void);
