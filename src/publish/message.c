/*
 * Messages of data/messages, their places and the values that go into them.
 *
 * A catalogue is made once per language from every embedded *.msg file of that language and is
 * read-only afterwards.  A missing message or place prints ⟦its name⟧, so that it is seen, and
 * tests look for these brackets.
 */
#include "publish/message.h"

#include "base/utf8.h"
#include "publish/date.h"
#include "publish/names.h"
#include "publish/number.h"

#include <stdlib.h>
#include <string.h>
#include <threads.h>

#define MISSING_OPEN "\xe2\x9f\xa6"
#define MISSING_CLOSE "\xe2\x9f\xa7"
/* A message inside a message inside …: each costs two; documents are ours and nest twice. */
#define NESTING_MAX 12

struct entry {
	const char *id;
	const char *text;
};

static struct catalogue {
	struct entry *entries;
	size_t count;
} catalogues[PUBLISH_LANGUAGE_COUNT];
static once_flag catalogues_once = ONCE_FLAG_INIT;

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static bool is_message_file(const struct embed_file *file, const char *code)
{
	size_t len = strlen(file->name);

	return strncmp(file->name, code, 2) == 0 && file->name[2] == '/' && len > 4
	    && strcmp(file->name + len - 4, ".msg") == 0;
}

/* One copy of a file with its continued lines joined, cut into entries in place. */
static void load_file(struct catalogue *c, const struct embed_file *file, bool join_with_space)
{
	char *copy = malloc(file->len + 1);
	char *out = copy;
	const char *line = file->data;

	if (!copy)
		abort();
	while (*line) {
		size_t len = strcspn(line, "\n");
		const char *equals = memchr(line, '=', len);
		const char *next = line + len + (line[len] == '\n');

		if (line[0] == '\t' && out > copy) {
			out--;
			if (join_with_space)
				*out++ = ' ';
			memcpy(out, line + 1, len - 1);
			out += len - 1;
			*out++ = '\0';
		} else if (len > 0 && line[0] != '#' && line[0] != '\t' && equals) {
			size_t id_len = (size_t)(equals - line);
			size_t skip = id_len + 1;

			while (id_len > 0 && line[id_len - 1] == ' ')
				id_len--;
			while (skip < len && line[skip] == ' ')
				skip++;
			c->entries[c->count].id = out;
			memcpy(out, line, id_len);
			out += id_len;
			*out++ = '\0';
			c->entries[c->count++].text = out;
			memcpy(out, line + skip, len - skip);
			out += len - skip;
			*out++ = '\0';
		}
		line = next;
	}
} /* NOLINT: the first entry points at the memory */

static void load_catalogue(enum publish_language language)
{
	struct catalogue *c = &catalogues[language];
	const char *code = publish_language_code(language);
	size_t lines = 0;

	for (const struct embed_file *f = publish_data; f->name; f++)
		if (is_message_file(f, code))
			for (size_t i = 0; i < f->len; i++)
				lines += f->data[i] == '\n';
	c->entries = calloc(lines + 1, sizeof(*c->entries));
	if (!c->entries)
		abort();
	for (const struct embed_file *f = publish_data; f->name; f++)
		if (is_message_file(f, code))
			load_file(c, f, language == PUBLISH_EN);
	qsort(c->entries, c->count, sizeof(*c->entries), compare_entries);
}

static void load_catalogues(void)
{
	load_catalogue(PUBLISH_JA);
	load_catalogue(PUBLISH_EN);
}

const char *publish_message_find(enum publish_language language, const char *id)
{
	const struct catalogue *c = &catalogues[language];
	struct entry key = {.id = id};
	const struct entry *found;

	call_once(&catalogues_once, load_catalogues);
	found = bsearch(&key, c->entries, c->count, sizeof(key), compare_entries);
	return found ? found->text : NULL;
}

void publish_outside_text(struct buf *b, const char *text)
{
	size_t len = strlen(text);

	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t used = utf8_decode(text + at, len - at, &cp);

		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			buf_printf(b, "\\x%02x", (unsigned)cp);
		else if (cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e)
		    || (cp >= 0x2066 && cp <= 0x2069))
			buf_printf(b, "\\u%04x", (unsigned)cp);
		else if (cp == 0xfffd)
			buf_puts(b, "\xef\xbf\xbd");
		else
			buf_append(b, text + at, used);
		at += used;
	}
}

/* Literal text of a template, with the site's word for 送信元. */
static void append_literal(struct buf *b, const struct publish_style *style, const char *text,
    size_t len)
{
	static const char soshin[] = "送信元";
	const size_t word = sizeof(soshin) - 1;

	if (!style->source_hasshin) {
		buf_append(b, text, len);
		return;
	}
	for (size_t at = 0; at < len;) {
		if (len - at >= word && memcmp(text + at, soshin, word) == 0) {
			buf_puts(b, "発信元");
			at += word;
		} else {
			buf_putc(b, text[at++]);
		}
	}
}

static bool value_is_one(const struct report_value *value)
{
	if (value->kind == REPORT_VALUE_INTEGER)
		return value->integer == 1;
	return value->fact && value->fact->known && value->fact->value == 1.0;
}

static void append_value(struct buf *b, const struct publish_style *style,
    const struct report_value *value, int depth);

/* One place, the text between { and }. */
static void append_place(struct buf *b, const struct publish_style *style, const char *place,
    size_t len, const struct report_sentence *sentence, int depth)
{
	const char *bar = memchr(place, '|', len);
	size_t name_len = bar ? (size_t)(bar - place) : len;
	const struct report_value *value = NULL;
	const char *wanted;

	for (size_t i = 0; i < sentence->value_count && !value; i++) {
		const char *name = sentence->values[i].name;

		if (name && strlen(name) == name_len && memcmp(name, place, name_len) == 0)
			value = &sentence->values[i];
	}
	if (!value) {
		buf_printf(b, MISSING_OPEN "%.*s" MISSING_CLOSE, (int)name_len, place);
		return;
	}
	if (!bar) {
		append_value(b, style, value, depth + 1);
		return;
	}
	/* {country|the}: the article that English names of some countries need. */
	if (len - name_len == sizeof("|the") - 1 && memcmp(bar, "|the", len - name_len) == 0) {
		if (value->kind == REPORT_VALUE_COUNTRY && value->text
		    && publish_country_article(style, value->text))
			buf_puts(b, "the ");
		append_value(b, style, value, depth + 1);
		return;
	}
	wanted = value_is_one(value) ? "one=" : "other=";
	while (bar) {
		const char *choice = bar + 1;
		size_t left = len - (size_t)(choice - place);

		bar = memchr(choice, '|', left);
		if (bar)
			left = (size_t)(bar - choice);
		if (left >= strlen(wanted) && memcmp(choice, wanted, strlen(wanted)) == 0)
			append_literal(b, style, choice + strlen(wanted), left - strlen(wanted));
	}
}

static void append_template(struct buf *b, const struct publish_style *style, const char *text,
    const struct report_sentence *sentence, int depth)
{
	while (*text) {
		size_t len = strcspn(text, "{");
		const char *close;

		append_literal(b, style, text, len);
		text += len;
		close = *text ? strchr(text, '}') : NULL;
		if (!close)
			break;
		append_place(b, style, text + 1, (size_t)(close - text) - 1, sentence, depth);
		text = close + 1;
	}
}

static void append_sentence(struct buf *b, const struct publish_style *style,
    const struct report_sentence *sentence, int depth)
{
	const char *text;

	if (!sentence->message || depth > NESTING_MAX)
		return;
	text = publish_message_find(style->language, sentence->message);
	if (text)
		append_template(b, style, text, sentence, depth);
	else
		buf_printf(b, MISSING_OPEN "%s" MISSING_CLOSE, sentence->message);
}

void publish_template(struct buf *b, const struct publish_style *style, const char *text,
    const struct report_sentence *sentence)
{
	append_template(b, style, text, sentence, 0);
}

void publish_sentence(struct buf *b, const struct publish_style *style,
    const struct report_sentence *sentence)
{
	append_sentence(b, style, sentence, 0);
}

void publish_message(struct buf *b, const struct publish_style *style, const char *id)
{
	struct report_sentence sentence = {.message = id};

	publish_sentence(b, style, &sentence);
}

void publish_message_integer(struct buf *b, const struct publish_style *style, const char *id,
    const char *name, int64_t integer)
{
	struct report_value value = {
	    .name = name, .kind = REPORT_VALUE_INTEGER, .integer = integer};
	struct report_sentence sentence = {.message = id, .values = &value, .value_count = 1};

	publish_sentence(b, style, &sentence);
}

static void append_fact(struct buf *b, const struct publish_style *style,
    const struct report_value *value)
{
	const struct report_fact *fact = value->fact;

	if (!fact || !fact->known)
		publish_message(b, style, "unknown");
	else if (value->kind == REPORT_VALUE_ABS)
		publish_number(b, fact->value < 0 ? -fact->value : fact->value, fact->decimals);
	else if (value->kind == REPORT_VALUE_SIGNED)
		publish_number_signed(b, fact->value, fact->decimals);
	else
		publish_number(b, fact->value, fact->decimals);
}

/* +9.2% (+101.44), or the reason why there is none. */
static void append_change(struct buf *b, const struct publish_style *style,
    const struct report_value *value)
{
	if (!value->fact || !value->fact->known) {
		publish_message(b, style, value->text ? value->text : "unknown");
		return;
	}
	publish_number_signed(b, value->fact->value, value->fact->decimals);
	buf_putc(b, '%');
	if (value->fact2 && value->fact2->known) {
		buf_puts(b, " (");
		publish_number_signed(b, value->fact2->value, value->fact2->decimals);
		buf_putc(b, ')');
	}
}

/* "mqtt.connect.anonymous": the protocol's name ends at the first dot. */
static void append_event(struct buf *b, const struct publish_style *style, const char *name)
{
	char protocol[32];
	size_t len = strcspn(name, ".");

	if (!name[len] || len >= sizeof(protocol)) {
		publish_outside_text(b, name);
		return;
	}
	memcpy(protocol, name, len);
	protocol[len] = '\0';
	publish_event(b, style, protocol, name + len + 1);
}

static const char *words_of(const struct publish_style *style, const struct report_value *value)
{
	const char *first = style->language == PUBLISH_JA ? value->ja : value->en;
	const char *second = style->language == PUBLISH_JA ? value->en : value->ja;

	return first ? first : second ? second : "";
}

static const char *class_name(const struct publish_style *style,
    const struct report_value *value)
{
	const char *name = style->language == PUBLISH_JA ? value->ja : value->en;

	return name ? name : value->text ? value->text : "";
}

static void append_value(struct buf *b, const struct publish_style *style,
    const struct report_value *value, int depth)
{
	struct report_sentence nested = {
	    .message = value->text, .values = value->values, .value_count = value->value_count};

	switch (value->kind) {
	case REPORT_VALUE_NONE:
		buf_putc(b, '-');
		break;
	case REPORT_VALUE_FACT:
	case REPORT_VALUE_ABS:
	case REPORT_VALUE_SIGNED:
		append_fact(b, style, value);
		break;
	case REPORT_VALUE_INTEGER:
		publish_integer(b, value->integer);
		break;
	case REPORT_VALUE_PORT:
		publish_port(b, value->proto, (uint16_t)value->integer);
		break;
	case REPORT_VALUE_SERVICE:
		buf_puts(b, publish_service(value->proto, (uint16_t)value->integer));
		break;
	case REPORT_VALUE_COUNTRY:
		publish_country(b, style, value->text && strlen(value->text) == 2 ? value->text
		    : "ZZ");
		break;
	case REPORT_VALUE_PROTOCOL:
		publish_protocol(b, style, value->text ? value->text : "");
		break;
	case REPORT_VALUE_EVENT:
		append_event(b, style, value->text ? value->text : "");
		break;
	case REPORT_VALUE_CLASS:
		publish_outside_text(b, class_name(style, value));
		break;
	case REPORT_VALUE_TRIED:
		if (value->text && value->text[0])
			publish_outside_text(b, value->text);
		else
			publish_message(b, style, "password.empty");
		break;
	case REPORT_VALUE_WORDS:
		publish_outside_text(b, words_of(style, value));
		break;
	case REPORT_VALUE_SENSOR:
	case REPORT_VALUE_TEXT:
	case REPORT_VALUE_LINK:
		publish_outside_text(b, value->text ? value->text : "");
		break;
	case REPORT_VALUE_DAY:
		publish_day(b, style, (int32_t)value->integer);
		break;
	case REPORT_VALUE_DAY_SHORT:
		publish_day_short(b, style, (int32_t)value->integer);
		break;
	case REPORT_VALUE_PERIOD:
		publish_period(b, style, value->period);
		break;
	case REPORT_VALUE_RANGE:
		publish_range(b, style, value->period);
		break;
	case REPORT_VALUE_MESSAGE:
		append_sentence(b, style, &nested, depth + 1);
		break;
	case REPORT_VALUE_CHANGE:
		append_change(b, style, value);
		break;
	}
}

void publish_value(struct buf *b, const struct publish_style *style,
    const struct report_value *value)
{
	append_value(b, style, value, 0);
}

void publish_unit(struct buf *b, const struct publish_style *style, enum report_unit unit)
{
	static const char *const ids[] = {
	    [REPORT_UNIT_NONE] = NULL,
	    [REPORT_UNIT_RATE] = "unit.rate",
	    [REPORT_UNIT_PER_DAY] = "unit.per-day",
	    [REPORT_UNIT_SENSOR_MEAN] = "unit.sensor-mean",
	    [REPORT_UNIT_ADDRESSES_DAY] = "unit.addresses-day",
	    [REPORT_UNIT_PACKETS] = "unit.packets",
	    [REPORT_UNIT_ADDRESSES] = "unit.addresses",
	    [REPORT_UNIT_PERCENT] = "unit.percent",
	    [REPORT_UNIT_SENSORS] = "unit.sensors",
	    [REPORT_UNIT_DAYS] = "unit.days",
	    [REPORT_UNIT_WEEKS] = "unit.weeks",
	    [REPORT_UNIT_SECONDS] = "unit.seconds",
	    [REPORT_UNIT_TIMES_RATE] = "unit.times-rate",
	    [REPORT_UNIT_TIMES_PER_DAY] = "unit.times-per-day",
	    [REPORT_UNIT_TIMES_SENSOR_MEAN] = "unit.times-sensor-mean",
	    [REPORT_UNIT_TIMES] = "unit.times",
	};

	if (ids[unit])
		publish_message(b, style, ids[unit]);
}
