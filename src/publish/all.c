/*
 * Every file of a report, handed to the caller one after the other.
 */
#include "publish/edition.h"

typedef int (*file_fn)(void *arg, const char *name, const char *data, size_t len, struct err *err);

struct output {
	const struct report_document *document;
	file_fn file;
	void *arg;
	struct err *err;
	struct buf name;
	struct buf data;
};

/* Gives the composed data away under a name, unless composing failed. */
static int hand_over(struct output *out, int r, const char *part, int language,
    const char *extension)
{
	if (r == ST_OK) {
		buf_reset(&out->name);
		publish_file_name(&out->name, out->document, part, language, extension);
		r = publish_done(&out->name, out->err);
	}
	if (r == ST_OK)
		r = out->file(out->arg, buf_text(&out->name), buf_text(&out->data), out->data.len,
		    out->err);
	buf_reset(&out->data);
	return r;
}

static int write_language(struct output *out, const struct publish_style *style, unsigned languages)
{
	const struct report_document *d = out->document;
	int language = (int)style->language;
	int r;

	r = publish_html_linked(&out->data, style, d, languages, out->err);
	r = hand_over(out, r, NULL, language, "html");
	if (r != ST_OK)
		return r;
	r = hand_over(out, publish_text(&out->data, style, d, out->err), NULL, language, "txt");
	if (r != ST_OK)
		return r;
	r = hand_over(out, publish_markdown(&out->data, style, d, out->err), NULL, language, "md");
	for (const struct report_block *k = d->blocks; k && r == ST_OK; k = k->next) {
		if (k->kind != REPORT_BLOCK_FIGURE)
			continue;
		r = publish_figure_svg(&out->data, style, k->figure, out->err);
		r = hand_over(out, r, k->figure->id, language, "svg");
	}
	return r;
}

static int write_data(struct output *out, const struct publish_style *style)
{
	const struct report_document *d = out->document;
	int r;

	r = hand_over(out, publish_facts_json(&out->data, d, out->err), "facts", -1, "json");
	for (const struct report_block *k = d->blocks; k && r == ST_OK; k = k->next) {
		if (k->kind == REPORT_BLOCK_TABLE) {
			r = publish_table_csv(&out->data, style, k->table, out->err);
			r = hand_over(out, r, k->table->id, -1, "csv");
		} else if (k->kind == REPORT_BLOCK_FIGURE) {
			r = publish_figure_csv(&out->data, style, k->figure, out->err);
			r = hand_over(out, r, k->figure->id, -1, "csv");
		}
	}
	return r;
}

int publish_all(const struct report_document *document, const struct publish_style *styles,
    size_t style_count, file_fn file, void *arg, struct err *err)
{
	struct output out = {.document = document, .file = file, .arg = arg, .err = err};
	unsigned languages = 0;
	int r = ST_OK;

	for (size_t i = 0; i < style_count; i++)
		languages |= 1u << styles[i].language;
	for (size_t i = 0; i < style_count && r == ST_OK; i++)
		r = write_language(&out, &styles[i], languages);
	if (r == ST_OK && style_count > 0)
		r = write_data(&out, &styles[0]);
	buf_fini(&out.name);
	buf_fini(&out.data);
	return r;
}
