/*
 * What visitors spoke and tried, in words: protocols, events, masked passwords (spoken.msg).
 *
 * A name that has no message is printed as the records have it, because modules come more often
 * than translations.
 */
#include "publish/message.h"


#include <stdio.h>
#include <string.h>

#define ID_MAX 128
#define UTF8_LEN_MAX 4

/* Passwords shorter than this would be half told by their first character. */
#define FIRST_SHOWN_FROM 5

void publish_protocol(struct buf *b, const struct publish_style *style, const char *name)
{
	char id[ID_MAX];

	(void)snprintf(id, sizeof(id), "protocol.%s", name);
	if (publish_message_find(style->language, id))
		publish_message(b, style, id);
	else
		publish_outside_text(b, name);
}

static void put_joined(struct buf *b, const struct publish_style *style, const char *protocol,
    const char *phrase)
{
	struct buf title = {0};
	struct buf words = {0};

	publish_protocol(&title, style, protocol);
	publish_message(&words, style, phrase);
	const struct report_value values[] = {
	    {.name = "protocol", .kind = REPORT_VALUE_TEXT, .text = buf_text(&title)},
	    {.name = "event", .kind = REPORT_VALUE_TEXT, .text = buf_text(&words)},
	};
	const struct report_sentence sentence = {"event.joined", values, 2};

	publish_sentence(b, style, &sentence);
	buf_fini(&title);
	buf_fini(&words);
}

void publish_event(struct buf *b, const struct publish_style *style, const char *protocol,
    const char *event)
{
	char id[ID_MAX];

	(void)snprintf(id, sizeof(id), "event.%s.%s", protocol, event);
	if (publish_message_find(style->language, id)) {
		publish_message(b, style, id);
		return;
	}
	(void)snprintf(id, sizeof(id), "event.any.%s", event);
	if (publish_message_find(style->language, id)) {
		put_joined(b, style, protocol, id);
		return;
	}
	publish_protocol(b, style, protocol);
	buf_putc(b, ' ');
	publish_outside_text(b, event);
}

/* Length in classes, so that the mask does not tell a short password by its length. */
static const char *length_class(size_t length)
{
	static const struct {
		size_t most;
		const char *text;
	} classes[] = {{4, "1-4"}, {8, "5-8"}, {12, "9-12"}, {16, "13-16"}, {32, "17-32"}};

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (length <= classes[i].most)
			return classes[i].text;
	return "33-";
}

void publish_password(struct buf *b, const struct publish_style *style, const char *text,
    const char *secret)
{
	char first[UTF8_LEN_MAX + 1] = "";
	const char *id = "password.masked-all";
	size_t length = 0;

	if (strcmp(secret, "none") == 0)
		id = "password.none";
	else if (strcmp(secret, "hash") == 0)
		id = "password.hash";
	else if (strcmp(secret, "key") == 0)
		id = "password.key";
	else if (!text[0])
		id = "password.empty";
	for (const char *p = text; *p; p++)
		length += ((unsigned char)*p & 0xc0) != 0x80;
	if (length >= FIRST_SHOWN_FROM && strcmp(id, "password.masked-all") == 0) {
		size_t len = 1;

		while (len < UTF8_LEN_MAX && ((unsigned char)text[len] & 0xc0) == 0x80)
			len++;
		memcpy(first, text, len);
		id = "password.masked";
	}
	const struct report_value values[] = {
	    {.name = "first", .kind = REPORT_VALUE_TEXT, .text = first},
	    {.name = "class", .kind = REPORT_VALUE_TEXT, .text = length_class(length)},
	};
	const struct report_sentence sentence = {id, values, 2};

	publish_sentence(b, style, &sentence);
}
