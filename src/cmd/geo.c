/*
 * teiten geo: compile country and AS files into the table every lookup uses, and ask it.
 */
#include "cmd/command.h"

#include "geo/geo.h"
#include "os/digest.h"
#include "os/file.h"
#include "os/sandbox.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* More files of a kind than anybody has. */
#define GEO_FILES_MAX 256

/* More addresses than that are a job for a file and a loop. */
#define GEO_LOOKUPS_MAX 4096

enum geo_option {
	OPTION_COUNTRY,
	OPTION_ASN,
	OPTION_OUTPUT,
	OPTION_TABLE,
};

static const char *const geo_options[] = {"--country=", "--asn=", "-o=", "--table=", NULL};
static const char *const geo_verbs[] = {"compile", "lookup", "info", NULL};

struct geo_request {
	struct command_common common;
	const char *files[2][GEO_FILES_MAX]; /* by OPTION_COUNTRY, OPTION_ASN */
	size_t counts[2];
	const char *output;
	const char *table;
};

static int run(int argc, char **argv);

const struct command command_geo = {
    .name = "geo",
    .summary = "Compile country and AS files, and look addresses up",
    .usage =
        "usage: teiten geo compile [--country FILE…] [--asn FILE…] [-o TABLE]\n"
        "       teiten geo lookup IP… [--table TABLE] [--json|--csv|--tsv]\n"
        "       teiten geo info [--table TABLE] [--json]\n"
        "\n"
        "compile reads MaxMind DB files (MMDB) and CSV ranges (first,last,VALUE[,\"name\"]; VALUE\n"
        "a country code or an AS number; addresses as text or as decimal numbers) and writes\n"
        "one table.  A file that is named earlier wins; later ones fill its gaps.  Without\n"
        "--country and --asn the files are those of the configuration (geo.country, geo.asn).\n"
        "-o is where the table goes (else geo.table of the configuration).\n"
        "lookup prints country, AS number and AS name; ZZ and 0 mean unknown.\n"
        "info prints where the table comes from and how large it is.\n"
        "\n"
        "Exit status: 0 done, 1 a file cannot be used, 2 wrong usage, 4 there is no table.\n"
        "\n"
        "Examples:\n"
        "  teiten geo compile --country country.mmdb --asn asn-ipv4.csv asn-ipv6.csv -o "
        "geo.teiten\n"
        "  teiten geo lookup 192.0.2.1 2001:db8::1\n",
    .run = run,
};

static int compile(struct geo_request *request)
{
	const struct config *config = command_configuration();
	const struct command *self = &command_geo;
	const char *reads[2 * GEO_FILES_MAX];
	struct geo_inputs inputs = {
	    .country = request->files[OPTION_COUNTRY],
	    .country_count = request->counts[OPTION_COUNTRY],
	    .asn = request->files[OPTION_ASN],
	    .asn_count = request->counts[OPTION_ASN],
	};
	char parent[OS_PATH_MAX];
	const char *writes[] = {parent};
	struct err err = {0};
	size_t count = 0;

	if (inputs.country_count + inputs.asn_count == 0) {
		inputs.country = config->geo.country.items;
		inputs.country_count = config->geo.country.count;
		inputs.asn = config->geo.asn.items;
		inputs.asn_count = config->geo.asn.count;
	}
	if (!request->output && config->geo.table[0])
		request->output = config->geo.table;
	if (inputs.country_count + inputs.asn_count == 0 || !request->output) {
		command_error(self, inputs.country_count + inputs.asn_count == 0
		                        ? "no files: give --country FILE or --asn FILE"
		                        : "no place for the table: give -o TABLE");
		return COMMAND_USAGE;
	}
	if (inputs.country_count > GEO_FILES_MAX || inputs.asn_count > GEO_FILES_MAX ||
	    os_path_parent(request->output, parent) != ST_OK) {
		command_error(self, "too many files, or the name of the table is too long");
		return COMMAND_USAGE;
	}
	for (size_t i = 0; i < inputs.country_count; i++)
		reads[count++] = inputs.country[i];
	for (size_t i = 0; i < inputs.asn_count; i++)
		reads[count++] = inputs.asn[i];
	/* The files were made by others: from here on this process can read them and write the
	 * table's folder, nothing else. */
	if (os_sandbox_reader(reads, count, writes, 1, NULL, &err) != ST_OK ||
	    geo_compile(&inputs, request->output, &err) != ST_OK) {
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	if (!request->common.quiet)
		(void)fprintf(stderr, "%s: written\n", request->output);
	return COMMAND_OK;
}

/* The table asked for, or the one every command uses. */
static int open_table(const struct geo_request *request, struct geo **ret_geo)
{
	const char *path = request->table ? request->table : command_geo_path();
	struct err err = {0};
	int ret;

	if (!path) {
		command_error(&command_geo, "there is no table; teiten geo compile makes one");
		return COMMAND_NOT_FOUND;
	}
	ret = geo_open(path, ret_geo, &err);
	if (ret != ST_OK) {
		command_error(&command_geo, "%s", err.text);
		return ret == ST_NOT_FOUND ? COMMAND_NOT_FOUND : COMMAND_FAILED;
	}
	return COMMAND_OK;
}

/* RFC 4180; tabs and line ends cannot occur in a name. */
static void print_quoted(const char *text)
{
	if (!strpbrk(text, ",\"")) {
		(void)fputs(text, stdout);
		return;
	}
	(void)putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

static void print_place(
    enum command_format format, const char *ip, struct geo_place place, const char *name)
{
	switch (format) {
	case COMMAND_CSV:
		(void)printf("%s,%.2s,%u,", ip, place.country, place.asn);
		print_quoted(name);
		(void)putchar('\n');
		break;
	case COMMAND_TSV:
		(void)printf("%s\t%.2s\t%u\t%s\n", ip, place.country, place.asn, name);
		break;
	case COMMAND_HUMAN:
		if (place.asn)
			(void)printf("%-39s  %.2s  AS%u  %s\n", ip, place.country, place.asn, name);
		else
			(void)printf("%-39s  %.2s  -\n", ip, place.country);
		break;
	case COMMAND_JSON:
		break;
	}
}

/* Nothing is answered when one of the addresses is none. */
static int parse_all(int count, char **texts, struct ip ret_ips[GEO_LOOKUPS_MAX])
{
	if (count > GEO_LOOKUPS_MAX) {
		command_error(&command_geo, "more than %d addresses", GEO_LOOKUPS_MAX);
		return COMMAND_USAGE;
	}
	for (int i = 0; i < count; i++) {
		if (ip_parse(texts[i], strlen(texts[i]), &ret_ips[i]) != ST_OK) {
			command_error(&command_geo, "'%s' is not an address", texts[i]);
			return COMMAND_USAGE;
		}
	}
	return COMMAND_OK;
}

static int lookup(const struct geo_request *request, int count, char **texts)
{
	struct ip ips[GEO_LOOKUPS_MAX];
	enum command_format format = request->common.format;
	json_t *rows = format == COMMAND_JSON ? json_array() : NULL;
	struct geo *geo = NULL;
	int exit_status;

	exit_status = parse_all(count, texts, ips);
	if (exit_status == COMMAND_OK)
		exit_status = open_table(request, &geo);
	if (exit_status != COMMAND_OK)
		goto out;
	if (format == COMMAND_CSV)
		(void)puts("ip,country,asn,as_name");
	if (format == COMMAND_TSV)
		(void)puts("ip\tcountry\tasn\tas_name");
	for (int i = 0; i < count; i++) {
		struct geo_place place = geo_lookup(geo, ips[i]);
		char text[IP_TEXT_MAX];

		(void)ip_format(ips[i], text);
		print_place(format, text, place, geo_asn_name(geo, place.asn));
		if (format == COMMAND_JSON)
			(void)json_array_append_new(
			    rows, json_pack("{s:s, s:s%, s:I, s:s}", "ip", text, "country",
			              place.country, (size_t)2, "asn", (json_int_t)place.asn,
			              "as_name", geo_asn_name(geo, place.asn)));
	}
	if (format == COMMAND_JSON) {
		(void)json_dumpf(rows, stdout, JSON_INDENT(1));
		(void)putchar('\n');
	}
out:
	json_decref(rows);
	geo_close(geo);
	return exit_status;
}

static int info(const struct geo_request *request)
{
	struct geo *geo = NULL;
	int exit_status = open_table(request, &geo);
	char hash[OS_SHA256_TEXT_MAX];
	struct geo_info about;

	if (exit_status != COMMAND_OK)
		return exit_status;
	geo_get_info(geo, &about);
	(void)os_sha256_format(about.inputs_hash, hash);
	if (request->common.format == COMMAND_JSON) {
		json_t *row = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "sources",
		    geo_description(geo), "bytes", (json_int_t)about.bytes, "ipv4_ranges",
		    (json_int_t)about.v4_ranges, "ipv6_ranges", (json_int_t)about.v6_ranges,
		    "places", (json_int_t)about.values, "as_names", (json_int_t)about.names,
		    "inputs_sha256", hash);

		(void)json_dumpf(row, stdout, JSON_INDENT(1));
		(void)putchar('\n');
		json_decref(row);
	} else {
		(void)printf("sources      %s\nIPv4 ranges  %u\nIPv6 ranges  %u\nplaces       %u\n"
		             "AS names     %u\nbytes        %llu\ninputs       %s\n",
		    geo_description(geo), about.v4_ranges, about.v6_ranges, about.values,
		    about.names, (unsigned long long)about.bytes, hash);
	}
	geo_close(geo);
	return COMMAND_OK;
}

static bool is_verb(const char *word)
{
	for (const char *const *v = geo_verbs; *v; v++)
		if (strcmp(*v, word) == 0)
			return true;
	return false;
}

/* "--asn a b" becomes "--asn a --asn b": the option walk takes one value per option.  A verb ends
 * the list (a file of that name is ./compile).  The caller frees; NULL without memory. */
static char **repeat_options(int argc, char **argv, int *ret_argc)
{
	char **all = calloc((size_t)argc * 2 + 1, sizeof(*all));
	char *current = NULL;
	bool fresh = false; /* the value right behind its option needs no repetition */
	int count = 0;

	for (int i = 0; all && i < argc; i++) {
		bool list = strcmp(argv[i], "--country") == 0 || strcmp(argv[i], "--asn") == 0;

		if (list || argv[i][0] == '-' || is_verb(argv[i])) {
			current = list ? argv[i] : NULL;
			fresh = list;
		} else if (current) {
			if (!fresh)
				all[count++] = current;
			fresh = false;
		}
		all[count++] = argv[i];
	}
	*ret_argc = count;
	return all;
}

static int run_request(int argc, char **argv)
{
	static struct geo_request request; /* large, and used once */
	const char *value = NULL;
	int index = 0;
	int option;

	while ((option = command_option(&command_geo, &request.common, argc, argv, &index,
	            geo_options, &value)) != COMMAND_OPTION_END) {
		if (option == COMMAND_OPTION_BAD)
			return COMMAND_USAGE;
		if (option == OPTION_OUTPUT)
			request.output = value;
		else if (option == OPTION_TABLE)
			request.table = value;
		else if (request.counts[option] < GEO_FILES_MAX)
			request.files[option][request.counts[option]++] = value;
		else {
			command_error(&command_geo, "more than %d files", GEO_FILES_MAX);
			return COMMAND_USAGE;
		}
	}
	if (index >= argc) {
		command_error(&command_geo, "compile, lookup or info? (teiten geo -h)");
		return COMMAND_USAGE;
	}
	if (strcmp(argv[index], "lookup") == 0) {
		if (index + 1 < argc)
			return lookup(&request, argc - index - 1, argv + index + 1);
		command_error(&command_geo, "lookup which address?");
		return COMMAND_USAGE;
	}
	if (strcmp(argv[index], "compile") != 0 && strcmp(argv[index], "info") != 0) {
		command_error(&command_geo, "no '%s' here%s", argv[index],
		    command_suggestion(argv[index], geo_verbs));
		return COMMAND_USAGE;
	}
	if (index + 1 < argc) {
		command_error(&command_geo, "'%s' is too many", argv[index + 1]);
		return COMMAND_USAGE;
	}
	return strcmp(argv[index], "info") == 0 ? info(&request) : compile(&request);
}

static int run(int argc, char **argv)
{
	int count = 0;
	char **all = repeat_options(argc, argv, &count);
	int exit_status;

	if (!all) {
		command_error(&command_geo, "out of memory");
		return COMMAND_FAILED;
	}
	exit_status = run_request(count, all);
	free(all);
	return exit_status;
}
