/* The sentences of a rise, of both languages; the contract is in rises.h. */
#include "report/build.h"
#include "report/rises.h"

#include <math.h>
#include <string.h>

#define LEAST_SHARE 0.05 /* parts below are not told */
#define COUNTRY_PARTS 3
#define OVERLAP_PARTS 2

struct teller {
	struct build b;
	const struct rise *rise;
	struct report_sentence *out;
	size_t count;
};

static const struct report_fact *fact(struct teller *t, const char *what, double value,
    enum report_unit unit, int decimals)
{
	const struct rise *r = t->rise;
	struct report_fact f = {
		.id = report_printf(t->b.doc, "rise.%s.%s.%d.%s", rises_kind_name(r->kind), r->key,
		    (int)r->first_day, what),
		.value = value,
		.known = !isnan(value),
		.unit = unit,
		.decimals = decimals,
		.question = "rises",
		.inputs = "",
	};

	return report_fact_add(t->b.doc, &f);
}

static struct report_value percent(struct teller *t, const char *name, double share)
{
	return value_fact(name, fact(t, name, 100 * share, REPORT_UNIT_PERCENT, 0));
}

static void say(struct teller *t, const char *message, const struct report_value *values,
    size_t count)
{
	if (t->count < RISES_SENTENCES)
		t->out[t->count++] = sentence(&t->b, message, values, count);
}

/* Prints as more than 0%. */
static bool is_part(double share)
{
	return !isnan(share) && share >= 0.005;
}

/* What rose: access to a port, from a country … */
static struct report_value subject(struct teller *t)
{
	const struct rise *r = t->rise;
	struct build *b = &t->b;

	switch (r->kind) {
	case RISES_PORT:
		return value_message(b, "subject", MSG("rise.subject.port"),
		    VALUES(value_port("port", r->port_key)));
	case RISES_COUNTRY:
		return value_message(b, "subject", MSG("rise.subject.country"),
		    VALUES(value_country(b, "country", r->key)));
	case RISES_TOOL:
		return value_message(b, "subject", MSG("rise.subject.tool"),
		    VALUES(value_text("tool", strcmp(r->key, "mirai") == 0 ? "Mirai"
		        : strcmp(r->key, "zmap") == 0 ? "ZMap" : report_printf(b->doc, "%s",
		            r->key))));
	case RISES_SIGNATURE:
		return value_message(b, "subject", MSG("rise.subject.signature"),
		    VALUES(value_text("signature", report_printf(b->doc, "%s",
		        r->name ? r->name : r->key))));
	case RISES_LOGIN:
	case RISES_KIND_COUNT:
		break;
	}
	return value_message(b, "subject", MSG("rise.subject.login"),
	    VALUES(value_protocol(b, "protocol", r->key)));
}

static void say_change(struct teller *t)
{
	const struct rise *r = t->rise;
	bool up = r->direction == RISE_UP;
	bool ratio = isfinite(r->ratio) && r->expected > 0;
	struct report_value values[] = {
		subject(t),
		value_day_short("from", r->first_day),
		value_fact("observed", fact(t, "observed", r->observed, REPORT_UNIT_RATE, 2)),
		value_fact("expected", fact(t, "expected", r->expected, REPORT_UNIT_RATE, 2)),
		value_fact("ratio", fact(t, "ratio", ratio ? up ? r->ratio : 100 * r->ratio : 0,
		    up ? REPORT_UNIT_NONE : REPORT_UNIT_PERCENT, up && r->ratio < 100 ? 1 : 0)),
		value_integer("days", r->baseline_days),
	};
	size_t count = sizeof(values) / sizeof(values[0]);

	if (!up)
		say(t, MSG("rise.fell"), values, count);
	else if (r->novel)
		say(t, MSG("rise.new"), values, count);
	else if (r->expected < RISES_SCARCE)
		say(t, MSG("rise.scarce"), values, count);
	else if (r->slow)
		say(t, MSG("rise.slow"), values, count);
	else
		say(t, MSG("rise.rose"), values, count);
}

static void say_locality(struct teller *t)
{
	const struct rise *r = t->rise;
	bool up = r->direction == RISE_UP;
	const struct report_value values[] = {
		subject(t),
		value_integer("sensors", r->sensors),
		value_integer("risen", r->risen > 0 ? r->risen : 1),
		percent(t, "share", r->top_share),
	};
	const size_t count = sizeof(values) / sizeof(values[0]);

	switch (r->locality) {
	case RISE_GLOBAL:
		say(t, up ? MSG("rise.global") : MSG("rise.global-fall"), values, count);
		return;
	case RISE_PARTIAL:
		say(t, up ? MSG("rise.partial") : MSG("rise.partial-fall"), values, count);
		return;
	case RISE_SINGLE:
		say(t, up ? MSG("rise.single") : MSG("rise.single-fall"), values, count);
		return;
	case RISE_UNKNOWN:
	case RISE_LOCALITY_COUNT:
		say(t, MSG("rise.unknown"), NULL, 0);
	}
}

static void say_state(struct teller *t)
{
	const struct rise *r = t->rise;
	bool up = r->direction == RISE_UP;

	if (r->earlier_end_us)
		say(t, up ? MSG("rise.again") : MSG("rise.again-fall"),
		    VALUES(value_day_short("from", r->earlier_first_day),
		        value_day_short("to", r->earlier_last_day)));
	if (r->going_on)
		say(t, MSG("rise.going-on"), NULL, 0);
	else
		say(t, up ? MSG("rise.over") : MSG("rise.over-fall"),
		    VALUES(value_day_short("to", r->last_day)));
	if (r->short_history)
		say(t, MSG("rise.short"), VALUES(value_integer("days", r->baseline_days)));
}

static void say_sources(struct teller *t)
{
	const struct rise *r = t->rise;

	if (isnan(r->sources))
		return;
	/* None were expected of what is new. */
	say(t, r->novel ? MSG("rise.sources-new") : MSG("rise.sources"), VALUES(
	    value_fact("sources", fact(t, "sources", r->sources, REPORT_UNIT_ADDRESSES_DAY,
	        r->sources < 100 ? 1 : 0)),
	    value_fact("expected", fact(t, "sources-expected", r->sources_expected,
	        REPORT_UNIT_ADDRESSES_DAY, r->sources < 100 ? 1 : 0))));
	if (r->victims > 0)
		say(t, MSG("rise.victims"), VALUES(value_integer("count", (int64_t)r->victims)));
}

static void say_countries(struct teller *t)
{
	static const char *const messages[] = {
	    MSG("rise.countries-1"), MSG("rise.countries-2"), MSG("rise.countries-3")};
	static const char *const names[] = {"first", "second", "third"};
	struct report_value values[COUNTRY_PARTS];
	size_t count = 0;

	for (; count < t->rise->country_count && count < COUNTRY_PARTS; count++) {
		const struct rises_part *part = &t->rise->countries[count];

		if (part->share < LEAST_SHARE)
			break;
		values[count] = value_message(&t->b, names[count], MSG("rise.part"),
		    VALUES(value_country(&t->b, "what", part->name),
		        value_fact("share", fact(t, report_printf(t->b.doc, "country.%s",
		            part->name), 100 * part->share, REPORT_UNIT_PERCENT, 0))));
	}
	if (count > 0)
		say(t, messages[count - 1], values, count);
}

static void say_overlap(struct teller *t)
{
	static const char *const messages[] = {MSG("rise.overlap-1"), MSG("rise.overlap-2")};
	static const char *const names[] = {"first", "second"};
	struct report_value values[OVERLAP_PARTS];
	size_t count = 0;

	for (; count < t->rise->overlap_count && count < OVERLAP_PARTS; count++) {
		const struct rises_part *part = &t->rise->overlaps[count];

		if (part->share < LEAST_SHARE)
			break;
		values[count] = value_message(&t->b, names[count], MSG("rise.part"),
		    VALUES(value_port("what", part->key),
		        value_fact("share", fact(t, report_printf(t->b.doc, "overlap.%s",
		            part->name), 100 * part->share, REPORT_UNIT_PERCENT, 0))));
	}
	if (count > 0)
		say(t, messages[count - 1], values, count);
}

static void say_who(struct teller *t)
{
	static const char *const guesses[] = {
		[RISES_GUESS_BRUTE] = MSG("rise.guess.brute"),
		[RISES_GUESS_DICTIONARY] = MSG("rise.guess.dictionary"),
		[RISES_GUESS_LIST] = MSG("rise.guess.list"),
		[RISES_GUESS_SPRAY] = MSG("rise.guess.spray"),
	};
	const struct rise *r = t->rise;

	if (r->guess != RISES_GUESS_NONE)
		say(t, guesses[r->guess], VALUES(value_integer("users", (int64_t)r->users),
		    value_integer("passwords", (int64_t)r->passwords)));
	if (is_part(r->mirai_share) && r->kind != RISES_TOOL)
		say(t, MSG("rise.mirai"), VALUES(percent(t, "mirai", r->mirai_share)));
	if (!isnan(r->asn_share))
		say(t, MSG("rise.asns"), VALUES(percent(t, "asns", r->asn_share)));
}

/* 23/tcp → 23/TCP, as ports are written in sentences. */
static const char *in_capitals(struct report_document *document, const char *text)
{
	size_t len = strlen(text);
	char *copy = report_alloc(document, len + 1);

	for (size_t i = 0; i < len; i++)
		copy[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
	return copy;
}

size_t rises_sentences(const struct rise *rise, struct report_document *document,
    struct report_sentence *ret_sentences)
{
	struct teller t = {.b = {.doc = document}, .rise = rise, .out = ret_sentences};

	say_change(&t);
	say_locality(&t);
	say_state(&t);
	say_sources(&t);
	say_countries(&t);
	say_overlap(&t);
	say_who(&t);
	if (rise->explained_by[0])
		say(&t, MSG("rise.explained"), VALUES(value_text("port",
		    in_capitals(document, rise->explained_by))));
	return t.count;
}
