/*
 * What all editions share: file names, sentences that run on, captions.
 */
#include "publish/edition.h"

#include "base/civil.h"
#include "publish/message.h"

#include <errno.h>

void publish_file_stem(struct buf *b, const struct report_document *document)
{
	char date[CIVIL_DATE_TEXT_MAX];

	buf_printf(b, "%s-%s", document->name, civil_format_date(document->period.from, date));
}

void publish_file_name(struct buf *b, const struct report_document *document, const char *part,
    int language, const char *extension)
{
	publish_file_stem(b, document);
	if (part)
		buf_printf(b, ".%s", part);
	if (language >= 0)
		buf_printf(b, ".%s", publish_language_code((enum publish_language)language));
	buf_printf(b, ".%s", extension);
}

const char *publish_site_name(const struct publish_style *style,
    const struct report_document *document)
{
	const char *name = style->language == PUBLISH_JA ? document->site_ja : document->site_en;

	return name ? name : "";
}

void publish_sentences(struct buf *b, const struct publish_style *style,
    const struct report_sentence *sentences, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && style->language == PUBLISH_EN)
			buf_putc(b, ' ');
		publish_sentence(b, style, &sentences[i]);
	}
}

void publish_caption(struct buf *b, const struct publish_style *style, const char *label,
    int64_t number, const struct report_sentence *caption)
{
	publish_message_integer(b, style, label, "number", number);
	buf_puts(b, style->language == PUBLISH_JA ? " " : ". ");
	publish_sentence(b, style, caption);
}

int publish_done(const struct buf *b, struct err *err)
{
	if (b->failed)
		return err_set(err, -ENOMEM, "no memory to compose the report");
	return ST_OK;
}
