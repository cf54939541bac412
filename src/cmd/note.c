/*
 * teiten note: what a person knows about a day, attached to a series and drawn with it.
 *
 * Adding and removing touch the catalogue alone, beside a running sensor.  Nothing is judged by a
 * note and no number changes.
 */
#include "cmd/notes.h"
#include "cmd/table.h"

#include "base/civil.h"

#include <stdlib.h>
#include <string.h>

static int run(int argc, char **argv);

const struct command command_note = {
    .name = "note",
    .summary = "Dated notes (a CVE, an advisory) on a series, drawn in its figures",
    .usage =
        "usage: teiten note add --on SERIES… --date DAY --ja TEXT --en TEXT [--url URL]\n"
        "       teiten note list [--on SERIES] [--from DAY] [--to DAY]\n"
        "       teiten note remove NUMBER\n"
        "\n"
        "Attaches what is known about a day (a CVE is published, an advisory goes out, a sensor\n"
        "moves) to a series. Notes are printed by `teiten series`, `teiten port` and `teiten\n"
        "rises`, drawn in the figures of reports as a dashed line with a number, and listed\n"
        "there in every edition. They can be added while a sensor writes the store.\n"
        "\n"
        "  -s STORE        directory of the store (default: store.path)\n"
        "  --on SERIES     port:23/tcp, country:CN, tool:mirai, signature:2017918,\n"
        "                  login:telnet, or all; repeated: up to five series of one note\n"
        "  --date DAY      the site day it belongs to: 2026-10-03\n"
        "  --ja TEXT       one line in Japanese\n"
        "  --en TEXT       one line in English; where one language is missing, the other is\n"
        "                  shown\n"
        "  --url URL       where more is written, https://…\n"
        "  --from --to     list: site days, both included\n"
        "\n"
        "--json: an array of id, date, series (array), ja, en, url.\n"
        "Reports are published: write nothing into a note that may not be.\n"
        "\n"
        "Examples:\n"
        "  teiten note add --on port:8728/tcp --date 2026-10-03 --ja '注意喚起を公開' \\\n"
        "      --en 'Advisory published' --url https://www.example.jp/at/260001.html\n"
        "  teiten note add --on port:23/tcp --on tool:mirai --date 2026-10-12 --en 'CVE-2026-1234'\n"
        "  teiten note list --on port:23/tcp\n"
        "  teiten note remove 2\n",
    .run = run,
};

enum {
	OPTION_STORE,
	OPTION_ON,
	OPTION_DATE,
	OPTION_JA,
	OPTION_EN,
	OPTION_URL,
	OPTION_FROM,
	OPTION_TO,
	OPTION_COUNT,
};

static const char *const option_names[] = {
	"-s=", "--on=", "--date=", "--ja=", "--en=", "--url=", "--from=", "--to=", NULL};

struct request {
	struct command_common common;
	struct publish_style style;
	const char *values[OPTION_COUNT];
	struct note_series series[NOTE_SERIES_MAX];
	size_t series_count;
	const char *store;
};

static int failed(const struct err *err)
{
	command_error(&command_note, "%s", err->text);
	return err->code == ST_NOT_FOUND ? COMMAND_NOT_FOUND
	    : err->code == ST_MALFORMED ? COMMAND_USAGE : COMMAND_FAILED;
}

static bool take_day(const char *option, const char *text, int32_t *ret_day)
{
	if (civil_parse_date(text, strlen(text), ret_day) == ST_OK)
		return true;
	command_error(&command_note, "%s %s: a day such as 2026-10-03", option, text);
	return false;
}

static bool take_series(struct request *r, const char *text)
{
	struct note_series *series = &r->series[r->series_count];
	struct err err = {0};

	if (r->series_count == NOTE_SERIES_MAX) {
		command_error(&command_note, "--on %s: a note has at most %d series", text,
		    NOTE_SERIES_MAX);
		return false;
	}
	if (note_series_parse(text, series, &err) < 0) {
		command_error(&command_note, "--on %s", err.text);
		return false;
	}
	for (size_t i = 0; i < r->series_count; i++)
		if (series->kind == r->series[i].kind && strcmp(series->key, r->series[i].key) == 0)
			return true;
	r->series_count++;
	return true;
}

/* Options that the action does not know are a mistake worth saying. */
static bool check_options(const struct request *r, const char *action, unsigned known)
{
	for (int i = OPTION_DATE; i < OPTION_COUNT; i++) {
		if (!r->values[i] || known >> i & 1)
			continue;
		command_error(&command_note, "%.*s does not belong to `teiten note %s`",
		    (int)strcspn(option_names[i], "="), option_names[i], action);
		return false;
	}
	return true;
}

/* ---- add ------------------------------------------------------------------------------------- */

static bool check_texts(const struct request *r)
{
	static const int texts[] = {OPTION_JA, OPTION_EN, OPTION_URL};

	if (r->series_count == 0) {
		command_error(&command_note, "--on SERIES is missing: port:23/tcp, country:CN, "
		    "tool:mirai, signature:2017918, login:telnet or all");
		return false;
	}
	if (!r->values[OPTION_DATE]) {
		command_error(&command_note, "--date is missing: the site day, such as 2026-10-03");
		return false;
	}
	if (!r->values[OPTION_JA] && !r->values[OPTION_EN]) {
		command_error(&command_note, "the text is missing: --ja, --en or both");
		return false;
	}
	for (size_t i = 0; i < 3; i++) {
		const char *value = r->values[texts[i]];
		char what[8];
		struct err err = {0};
		int rc;

		if (!value)
			continue;
		(void)snprintf(what, sizeof(what), "%.*s",
		    (int)strcspn(option_names[texts[i]], "="), option_names[texts[i]]);
		rc = texts[i] == OPTION_URL ? note_url_check(what, value, &err)
		    : note_text_check(what, value, &err);
		if (rc < 0) {
			command_error(&command_note, "%s", err.text);
			return false;
		}
	}
	return true;
}

static char *copy_value(const struct request *r, int option)
{
	return r->values[option] ? command_need(strdup(r->values[option])) : NULL;
}

static int add_note(struct request *r, int argc, char **argv)
{
	struct note note = {.series_count = r->series_count};
	struct err err = {0};
	struct buf b = {0};
	int status = COMMAND_OK;

	if (!check_options(r, "add", 1u << OPTION_DATE | 1u << OPTION_JA | 1u << OPTION_EN
	        | 1u << OPTION_URL))
		return COMMAND_USAGE;
	if (argc > 0) {
		command_error(&command_note, "'%s': a text with blanks goes into quotes", argv[0]);
		return COMMAND_USAGE;
	}
	if (!check_texts(r) || !take_day("--date", r->values[OPTION_DATE], &note.day))
		return COMMAND_USAGE;
	memcpy(note.series, r->series, sizeof(note.series));
	note.ja = copy_value(r, OPTION_JA);
	note.en = copy_value(r, OPTION_EN);
	note.url = copy_value(r, OPTION_URL);
	if (store_note_add(r->store, &note, &note.id, &err) < 0)
		status = failed(&err);
	else if (r->common.format == COMMAND_JSON) {
		buf_puts(&b, "[\n  ");
		notes_json(&note, &b);
		buf_puts(&b, "\n]\n");
	} else if (!r->common.quiet) {
		buf_printf(&b, r->style.language == PUBLISH_JA ? "注記%lld: " : "note %lld: ",
		    (long long)note.id);
		notes_line(&note, &r->style, "", &b);
	}
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	free(note.ja);
	free(note.en);
	free(note.url);
	return status;
}

/* ---- list ------------------------------------------------------------------------------------ */

static bool is_wanted(const struct request *r, const struct note *note)
{
	for (size_t i = 0; i < r->series_count; i++)
		for (size_t j = 0; j < note->series_count; j++)
			if (note->series[j].kind == r->series[i].kind
			    && strcmp(note->series[j].key, r->series[i].key) == 0)
				return true;
	return r->series_count == 0;
}

static void list_row(const struct request *r, struct table *t, const struct note *note)
{
	const char *text = note_text(note, r->style.language == PUBLISH_JA);
	char date[CIVIL_DATE_TEXT_MAX];
	struct buf series = {0};
	struct buf names = {0};

	for (size_t i = 0; i < note->series_count; i++) {
		char word[NOTE_KEY_MAX + 16];

		note_series_text(&note->series[i], word, sizeof(word));
		buf_printf(&series, "%s%s", i ? " " : "", word);
	}
	notes_series(note, &r->style, &names);
	table_row(t);
	table_set_int(t, 0, note->id);
	table_set_text(t, 1, civil_format_date(note->day, date));
	table_set_text(t, 2, buf_text(&series));
	table_show(t, 2, "%s", buf_text(&names));
	table_set_text(t, 3, text);
	if (note->ja)
		table_set_text(t, 4, note->ja);
	if (note->en)
		table_set_text(t, 5, note->en);
	if (note->url)
		table_set_text(t, 6, note->url);
	buf_fini(&series);
	buf_fini(&names);
}

static void print_list(const struct request *r, const struct note_list *list)
{
	static const struct table_column columns[] = {
	    {"id", "番号", "number", TABLE_INT, TABLE_ALL},
	    {"date", "日付", "date", TABLE_TEXT, TABLE_ALL},
	    {"series", "対象", "series", TABLE_TEXT, TABLE_ALL},
	    {"text", "内容", "text", TABLE_TEXT, TABLE_PEOPLE},
	    {"ja", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
	    {"en", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
	    {"url", "参照先", "url", TABLE_TEXT, TABLE_ALL},
	};
	struct table *t = table_new(columns, 7);
	struct buf b = {0};
	size_t shown = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!is_wanted(r, &list->items[i]))
			continue;
		if (r->common.format == COMMAND_JSON) {
			buf_puts(&b, shown++ ? ",\n  " : "[\n  ");
			notes_json(&list->items[i], &b);
		} else {
			list_row(r, t, &list->items[i]);
			shown++;
		}
	}
	if (r->common.format == COMMAND_JSON)
		buf_puts(&b, shown ? "\n]\n" : "[]\n");
	else
		table_print(t, &r->common, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(t);
}

static int list_notes(struct request *r, int argc, char **argv)
{
	struct window_options options = {.store = r->store};
	struct note_list list = {0};
	struct window w = {0};
	struct err err = {0};
	int32_t from = INT32_MIN;
	int32_t to = INT32_MAX;
	int status;

	if (!check_options(r, "list", 1u << OPTION_FROM | 1u << OPTION_TO))
		return COMMAND_USAGE;
	if (argc > 0) {
		command_error(&command_note, "'%s': did you mean --on %s?", argv[0], argv[0]);
		return COMMAND_USAGE;
	}
	if ((r->values[OPTION_FROM] && !take_day("--from", r->values[OPTION_FROM], &from))
	    || (r->values[OPTION_TO] && !take_day("--to", r->values[OPTION_TO], &to)))
		return COMMAND_USAGE;
	if (r->values[OPTION_TO])
		to++;
	if (from >= to) {
		command_error(&command_note, "--from comes after --to");
		return COMMAND_USAGE;
	}
	status = window_open_store(&command_note, &options, &w);
	if (status == COMMAND_OK && store_notes(w.store, from, to, &list, &err) < 0)
		status = failed(&err);
	if (status == COMMAND_OK)
		print_list(r, &list);
	note_list_free(&list);
	window_close(&w);
	return status;
}

/* ---- remove ---------------------------------------------------------------------------------- */

static int remove_note(struct request *r, int argc, char **argv)
{
	struct err err = {0};
	char *end;
	long long id;

	if (!check_options(r, "remove", 0))
		return COMMAND_USAGE;
	if (argc != 1 || r->series_count) {
		command_error(&command_note, "the number of one note (teiten note list shows it)");
		return COMMAND_USAGE;
	}
	id = strtoll(argv[0], &end, 10);
	if (argv[0][0] < '0' || argv[0][0] > '9' || *end) {
		command_error(&command_note, "'%s' is no number of a note (teiten note list shows it)",
		    argv[0]);
		return COMMAND_USAGE;
	}
	return store_note_remove(r->store, id, &err) < 0 ? failed(&err) : COMMAND_OK;
}

/* ---- the subcommand -------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
	static const char *const words[] = {"add", "list", "remove", NULL};
	struct request r = {0};
	const char *value;
	const char *word;
	int index = 0;
	int option;

	while ((option = command_option(&command_note, &r.common, argc, argv, &index, option_names,
	            &value)) >= 0) {
		r.values[option] = value;
		if (option == OPTION_ON && !take_series(&r, value))
			return COMMAND_USAGE;
	}
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (index == argc) {
		command_error(&command_note, "one of add, list, remove (teiten note -h)");
		return COMMAND_USAGE;
	}
	r.style = command_style(&r.common);
	r.store = r.values[OPTION_STORE] ? r.values[OPTION_STORE] : command_configuration()->store.path;
	word = argv[index++];
	if (strcmp(word, "add") == 0)
		return add_note(&r, argc - index, argv + index);
	if (strcmp(word, "list") == 0)
		return list_notes(&r, argc - index, argv + index);
	if (strcmp(word, "remove") == 0)
		return remove_note(&r, argc - index, argv + index);
	command_error(&command_note, "'%s': add, list or remove%s", word,
	    command_suggestion(word, words));
	return COMMAND_USAGE;
}
