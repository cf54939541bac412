/*
 * teiten: what a person types.  Finds the subcommand and runs it.
 *
 * Exit status: 0 ok, 1 failed, 2 usage or configuration, 3 findings, 4 not found.  A reader that
 * closes our standard output early (`teiten … | head`) is no failure; output that could not be
 * written for another reason is.
 */
#include "cmd/command.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void print_overview(FILE *out)
{
	(void)fputs("usage: teiten SUBCOMMAND [OPTION…]\n"
	            "\n"
	            "Internet fixed-point observation: who knocks, with what, and how many.\n"
	            "\n"
	            "Subcommands:\n",
	    out);
	for (const struct command *const *c = commands; *c; c++)
		(void)fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->summary);
	(void)fputs(
	    "  help       Explain a subcommand\n"
	    "\n"
	    "Options of every subcommand:\n"
	    "  -c FILE               configuration (default " CONFIG_DEFAULT_PATH ")\n"
	    "  --json, --csv, --tsv  machine-readable output\n"
	    "  --lang ja|en          language of the output\n"
	    "  --timezone ZONE       time zone of printed times, such as Asia/Tokyo\n"
	    "  --credentials         print captured passwords in full\n"
	    "  -q, -v                say less, say more\n"
	    "  -h                    help for the subcommand\n"
	    "\n"
	    "teiten help SUBCOMMAND explains one, with examples.  teiten --version\n"
	    "Exit status: 0 ok, 1 failed, 2 usage or configuration, 3 findings, 4 not found\n",
	    out);
}

static int unknown_subcommand(const char *word)
{
	const char *names[64];
	size_t count = 0;

	for (const struct command *const *c = commands; *c && count < 62; c++)
		names[count++] = (*c)->name;
	names[count++] = "help";
	names[count] = NULL;
	(void)fprintf(stderr, "teiten: there is no subcommand '%s'%s (teiten help lists them)\n",
	    word, command_suggestion(word, names));
	return COMMAND_USAGE;
}

static int run_help(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2 || argv[1][0] == '-') {
		print_overview(stdout);
		return COMMAND_OK;
	}
	if (strcmp(argv[1], "help") == 0) {
		(void)puts("usage: teiten help [SUBCOMMAND]");
		return COMMAND_OK;
	}
	c = command_find(argv[1]);
	if (!c)
		return unknown_subcommand(argv[1]);
	(void)fputs(c->usage, stdout);
	return COMMAND_OK;
}

static int run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_overview(stderr);
		return COMMAND_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		(void)puts("teiten " TEITEN_VERSION);
		return COMMAND_OK;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		print_overview(stdout);
		return COMMAND_OK;
	}
	if (strcmp(argv[1], "help") == 0)
		return run_help(argc - 1, argv + 1);
	if (argv[1][0] == '-') {
		(void)fprintf(stderr,
		    "teiten: the subcommand comes first, then options such as '%s' "
		    "(teiten help lists the subcommands)\n",
		    argv[1]);
		return COMMAND_USAGE;
	}
	c = command_find(argv[1]);
	if (!c)
		return unknown_subcommand(argv[1]);
	return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	int status;

	/* A closed pipe is seen as a failed write below instead of as our sudden death, so that
	 * files being written elsewhere are finished. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	status = run(argc, argv);
	/* Why an earlier write failed is forgotten: what one more says is why. */
	if (ferror(stdout)) {
		clearerr(stdout);
		(void)fputc('\n', stdout);
	}
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE && status == COMMAND_OK) {
		(void)fprintf(stderr, "teiten: standard output cannot be written: %s\n",
		    errno ? strerror(errno) : "the write failed earlier");
		status = COMMAND_FAILED;
	}
	return status;
}
