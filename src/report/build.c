/* Short ways to say things in a document; the contract is in build.h. */
#include "report/build.h"

#include <string.h>

struct report_value value_none(void)
{
	return (struct report_value){.kind = REPORT_VALUE_NONE};
}

struct report_value value_text(const char *name, const char *text)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_TEXT, .text = text};
}

struct report_value value_integer(const char *name, int64_t integer)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_INTEGER,
	    .integer = integer};
}

static struct report_value fact_value(const char *name, enum report_value_kind kind,
    const struct report_fact *fact)
{
	if (!fact)
		kind = REPORT_VALUE_NONE;
	return (struct report_value){.name = name, .kind = kind, .fact = fact};
}

struct report_value value_fact(const char *name, const struct report_fact *fact)
{
	return fact_value(name, REPORT_VALUE_FACT, fact);
}

struct report_value value_abs(const char *name, const struct report_fact *fact)
{
	return fact_value(name, REPORT_VALUE_ABS, fact);
}

struct report_value value_signed(const char *name, const struct report_fact *fact)
{
	return fact_value(name, REPORT_VALUE_SIGNED, fact);
}

struct report_value value_port(const char *name, uint32_t key)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_PORT,
	    .integer = GATHER_PORT(key), .proto = GATHER_PROTO(key)};
}

struct report_value value_service(const char *name, uint32_t key)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_SERVICE,
	    .integer = GATHER_PORT(key), .proto = GATHER_PROTO(key)};
}

struct report_value value_country(struct build *b, const char *name, const char code[2])
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_COUNTRY,
	    .text = report_printf(b->doc, "%.2s", code)};
}

struct report_value value_sensor(struct build *b, const char *name, const char *text)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_SENSOR,
	    .text = report_printf(b->doc, "%s", text)};
}

struct report_value value_protocol(struct build *b, const char *name, const char *protocol)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_PROTOCOL,
	    .text = report_printf(b->doc, "%s", protocol)};
}

struct report_value value_event(struct build *b, const char *name, const char *event)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_EVENT,
	    .text = report_printf(b->doc, "%s", event)};
}

struct report_value value_class(struct build *b, const char *name,
    const struct classmap_class *class)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_CLASS,
	    .text = report_printf(b->doc, "%s", class->id),
	    .ja = report_printf(b->doc, "%s", class->ja),
	    .en = report_printf(b->doc, "%s", class->en)};
}

struct report_value value_day(const char *name, int32_t day)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_DAY, .integer = day};
}

struct report_value value_day_short(const char *name, int32_t day)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_DAY_SHORT, .integer = day};
}

struct report_value value_period(const char *name, const struct report_period *period)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_PERIOD, .period = *period};
}

struct report_value value_range(const char *name, const struct report_period *period)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_RANGE, .period = *period};
}

struct report_value value_message(struct build *b, const char *name, const char *message,
    const struct report_value *values, size_t count)
{
	struct report_sentence s = sentence(b, message, values, count);

	return (struct report_value){.name = name, .kind = REPORT_VALUE_MESSAGE,
	    .text = s.message, .values = s.values, .value_count = s.value_count};
}

struct report_value value_word(const char *name, const char *message)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_MESSAGE, .text = message};
}

/* ---- sentences ------------------------------------------------------------------------------- */

struct report_sentence sentence(struct build *b, const char *message,
    const struct report_value *values, size_t count)
{
	struct report_value *copy = NULL;

	if (count) {
		copy = report_alloc(b->doc, count * sizeof(*copy));
		memcpy(copy, values, count * sizeof(*copy));
	}
	return (struct report_sentence){message, copy, count, NULL};
}

void lines_say(struct build *b, struct lines *lines, const char *message,
    const struct report_value *values, size_t count)
{
	if (lines->count < BUILD_LINES_MAX)
		lines->items[lines->count++] = sentence(b, message, values, count);
}

void lines_note(struct build *b, struct lines *lines, const char *column, const char *message,
    const struct report_value *values, size_t count)
{
	lines_say(b, lines, message, values, count);
	lines->items[lines->count - 1].column = column;
}

static const struct report_sentence *lines_take(struct build *b, struct lines *lines,
    size_t *ret_count)
{
	size_t size = lines->count * sizeof(lines->items[0]);
	struct report_sentence *copy = report_alloc(b->doc, size);

	memcpy(copy, lines->items, size);
	*ret_count = lines->count;
	lines->count = 0;
	return copy;
}

void lines_end(struct build *b, struct lines *lines, enum report_block_kind kind)
{
	struct report_block block = {.kind = kind};

	if (!lines->count)
		return;
	block.sentences = lines_take(b, lines, &block.sentence_count);
	(void)report_block_add(b->doc, &block);
}

void build_heading(struct build *b, int level, const char *anchor, const char *message)
{
	struct report_sentence *text = report_alloc(b->doc, sizeof(*text));
	struct report_block block = {.kind = REPORT_BLOCK_HEADING, .level = level,
	    .anchor = anchor, .sentences = text, .sentence_count = 1};

	text->message = message;
	(void)report_block_add(b->doc, &block);
}

/* ---- facts ----------------------------------------------------------------------------------- */

const struct report_fact *fact_add(struct build *b, const char *id, double value,
    enum report_unit unit, int decimals, const char *question, const char *inputs)
{
	struct report_fact fact = {
		.id = id,
		.value = value,
		.known = true,
		.unit = unit,
		.decimals = unit == REPORT_UNIT_PACKETS || unit == REPORT_UNIT_TIMES ? 0 : decimals,
		.question = question,
		.inputs = inputs,
	};

	return report_fact_add(b->doc, &fact);
}

int build_decimals(const struct report_measure *measure)
{
	double largest = measure->now > measure->before ? measure->now : measure->before;

	return largest > 0 && largest < 10 ? 2 : 1;
}

struct measure_facts measure_facts_add(struct build *b, const char *id,
    const struct report_measure *measure, enum report_unit unit, int decimals,
    const char *question)
{
	struct report_change change = report_change_of(measure, b->g->has_before);
	struct measure_facts facts = {.state = change.state};
	const char *panel = report_printf(b->doc, "%s on the sensors of both periods", id);

	facts.now = fact_add(b, id, measure->now, unit, decimals, question,
	    "sensors that observed in the period");
	if (!b->compare)
		return facts;
	facts.before = report_fact_add(b->doc, &(struct report_fact){
	    .id = report_printf(b->doc, "%s.before", id), .value = measure->before,
	    .known = b->g->sensors_before > 0, .unit = unit, .decimals = decimals,
	    .question = question, .inputs = "sensors that observed in the previous period"});
	facts.difference = report_fact_add(b->doc, &(struct report_fact){
	    .id = report_printf(b->doc, "%s.difference", id), .value = change.difference,
	    .known = change.state != REPORT_CHANGE_NO_DATA, .unit = unit, .decimals = decimals,
	    .question = question, .inputs = panel});
	facts.percent = report_fact_add(b->doc, &(struct report_fact){
	    .id = report_printf(b->doc, "%s.percent", id), .value = change.percent,
	    .known = change.state == REPORT_CHANGE_UP || change.state == REPORT_CHANGE_DOWN
	        || change.state == REPORT_CHANGE_SAME,
	    .unit = REPORT_UNIT_PERCENT, .decimals = 1, .question = question, .inputs = panel});
	return facts;
}

struct report_value value_change(const struct measure_facts *facts)
{
	static const char *const reasons[REPORT_CHANGE_COUNT] = {
		[REPORT_CHANGE_NO_DATA] = MSG("change.no-data"),
		[REPORT_CHANGE_NEW] = MSG("change.new"),
		[REPORT_CHANGE_NONE] = MSG("change.none"),
	};

	/* Data lies before, but no sensor observed both times. */
	bool no_panel = facts->state == REPORT_CHANGE_NO_DATA && facts->before
	    && facts->before->known;

	return (struct report_value){.kind = REPORT_VALUE_CHANGE, .fact = facts->percent,
	    .fact2 = facts->difference,
	    .text = no_panel ? MSG("change.no-panel") : reasons[facts->state]};
}

const struct report_fact *share_add(struct build *b, const char *id, double part, double whole,
    const char *inputs)
{
	if (whole == 0)
		return NULL;
	return fact_add(b, report_printf(b->doc, "%s.share", id), part / whole * 100,
	    REPORT_UNIT_PERCENT, 1, NULL, inputs);
}

void lines_change(struct build *b, struct lines *lines, const char *const *messages,
    const struct measure_facts *facts, const struct report_value *extra, size_t extra_count)
{
	struct report_value values[BUILD_COLUMNS_MAX] = {
		value_fact("value", facts->now),
		value_abs("difference", facts->difference),
		value_abs("percent", facts->percent),
		value_signed("percent_signed", facts->percent),
		b->subject,
		b->compared,
		value_word("before", b->word_before),
	};
	size_t count = 7;

	for (size_t i = 0; i < extra_count && count < BUILD_COLUMNS_MAX; i++)
		values[count++] = extra[i];
	lines_say(b, lines, messages[facts->state], values, count);
}

/* ---- tables ---------------------------------------------------------------------------------- */

void grid_column(struct grid *grid, const char *message, const char *csv,
    enum report_align align, bool text_edition)
{
	if (grid->column_count < BUILD_COLUMNS_MAX)
		grid->columns[grid->column_count++] = (struct report_column){message, csv, align,
		    text_edition};
}

void grid_cell(struct build *b, struct grid *grid, struct report_value value)
{
	if (grid->cell_count == grid->cell_cap) {
		size_t cap = grid->cell_cap ? grid->cell_cap * 2 : 128;
		struct report_value *cells = report_alloc(b->doc, cap * sizeof(*cells));

		if (grid->cell_count)
			memcpy(cells, grid->cells, grid->cell_count * sizeof(*cells));
		grid->cells = cells;
		grid->cell_cap = cap;
	}
	grid->cells[grid->cell_count++] = value;
}

void grid_end(struct build *b, struct grid *grid, const char *id, struct report_sentence caption,
    struct lines *notes)
{
	struct report_column *columns = report_alloc(b->doc, sizeof(grid->columns));
	struct report_table *table = report_alloc(b->doc, sizeof(*table));
	struct report_block block = {.kind = REPORT_BLOCK_TABLE, .table = table};

	if (grid->cell_count && grid->column_count) {
		memcpy(columns, grid->columns, sizeof(grid->columns));
		table->id = id;
		table->caption = caption;
		table->columns = columns;
		table->column_count = grid->column_count;
		table->cells = grid->cells;
		table->row_count = grid->cell_count / grid->column_count;
		if (notes)
			table->notes = lines_take(b, notes, &table->note_count);
		(void)report_block_add(b->doc, &block);
	}
	memset(grid, 0, sizeof(*grid));
}
