/*
 * Names of languages, ports, services and countries.
 *
 * Codes are data, names appear only here: services from data/ports.tsv (IANA's names), countries
 * from CLDR through ICU, with the NPA's short forms (米国, 英国 …) from data/countries-npa.tsv in
 * front of them.
 */
#include "publish/names.h"

#include "publish/message.h"

#include <string.h>
#include <threads.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#define COUNTRY_NAME_MAX 128
#define PORT_COUNT 65536
#define SERVICES_MAX 1024
#define SERVICE_NAME_MAX 24

enum {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMPV6 = 58,
};

bool publish_tsv_next(struct publish_tsv *row)
{
	while (row->next && *row->next) {
		const char *line = row->next;
		size_t len = strcspn(line, "\n");
		size_t column = 0;

		row->next = line + len + (line[len] == '\n');
		if (len == 0 || line[0] == '#')
			continue;
		memset(row->column, 0, sizeof(row->column));
		for (size_t at = 0; at <= len && column < PUBLISH_TSV_COLUMNS_MAX; column++) {
			const char *tab = memchr(line + at, '\t', len - at);
			size_t end = tab ? (size_t)(tab - line) : len;

			row->column[column].text = line + at;
			row->column[column].len = end - at;
			at = end + 1;
		}
		return true;
	}
	return false;
}

bool publish_tsv_is(const struct publish_tsv *row, size_t i, const char *text)
{
	return row->column[i].len == strlen(text)
	    && memcmp(row->column[i].text, text, row->column[i].len) == 0;
}

int publish_language_find(const char *text, enum publish_language *ret_language)
{
	for (int i = 0; i < PUBLISH_LANGUAGE_COUNT; i++) {
		if (strcmp(text, publish_language_code((enum publish_language)i)) == 0) {
			*ret_language = (enum publish_language)i;
			return ST_OK;
		}
	}
	return ST_NOT_FOUND;
}

const char *publish_language_code(enum publish_language language)
{
	return language == PUBLISH_JA ? "ja" : "en";
}

/* ports.tsv in memory: made once, read-only afterwards. */
static struct service {
	uint16_t port;
	uint8_t proto;
	char name[SERVICE_NAME_MAX];
} services[SERVICES_MAX];
static size_t service_count;
static once_flag services_once = ONCE_FLAG_INIT;

static uint8_t proto_of(const struct publish_tsv *row, size_t i)
{
	if (publish_tsv_is(row, i, "tcp"))
		return PROTO_TCP;
	if (publish_tsv_is(row, i, "udp"))
		return PROTO_UDP;
	if (publish_tsv_is(row, i, "icmp"))
		return PROTO_ICMP;
	return publish_tsv_is(row, i, "icmpv6") ? PROTO_ICMPV6 : 0;
}

static void load_services(void)
{
	const struct embed_file *file = embed_find(publish_data, "ports.tsv");
	struct publish_tsv row = {.next = file ? file->data : NULL};

	while (service_count < SERVICES_MAX && publish_tsv_next(&row)) {
		struct service *s = &services[service_count];
		uint32_t port = 0;

		for (size_t i = 0; i < row.column[1].len; i++)
			port = port * 10 + (uint32_t)(row.column[1].text[i] - '0');
		if (port >= PORT_COUNT || row.column[2].len >= SERVICE_NAME_MAX)
			continue;
		s->proto = proto_of(&row, 0);
		s->port = (uint16_t)port;
		memcpy(s->name, row.column[2].text, row.column[2].len);
		service_count++;
	}
}

const char *publish_service(uint8_t proto, uint16_t port)
{
	call_once(&services_once, load_services);
	for (size_t i = 0; i < service_count; i++)
		if (services[i].port == port && services[i].proto == proto)
			return services[i].name;
	return "";
}

void publish_port(struct buf *b, uint8_t proto, uint16_t port)
{
	const char *name = NULL;

	if (proto == PROTO_TCP)
		name = "TCP";
	else if (proto == PROTO_UDP)
		name = "UDP";
	else if (proto == PROTO_ICMP)
		name = "ICMP";
	else if (proto == PROTO_ICMPV6)
		name = "ICMPv6";
	if (name)
		buf_printf(b, "%u/%s", (unsigned)port, name);
	else
		buf_printf(b, "%u/IP%u", (unsigned)port, (unsigned)proto);
}

/* The NPA's short form, or false. */
static bool append_npa_country(struct buf *b, const struct publish_style *style, const char *code)
{
	const struct embed_file *file = embed_find(publish_data, "countries-npa.tsv");
	struct publish_tsv row = {.next = file ? file->data : NULL};
	size_t column = style->language == PUBLISH_JA ? 1 : 2;

	while (publish_tsv_next(&row)) {
		if (publish_tsv_is(&row, 0, code) && row.column[column].len > 0) {
			buf_append(b, row.column[column].text, row.column[column].len);
			return true;
		}
	}
	return false;
}

void publish_country(struct buf *b, const struct publish_style *style, const char code[2])
{
	char upper[3] = {0};
	char locale[] = "und_ZZ";
	UChar name[COUNTRY_NAME_MAX];
	char text[COUNTRY_NAME_MAX * 3];
	UErrorCode status = U_ZERO_ERROR;
	int32_t len;

	for (int i = 0; i < 2; i++) {
		char c = code[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		upper[i] = c;
		if (c < 'A' || c > 'Z') {
			publish_message(b, style, "country.unknown");
			return;
		}
	}
	if (strcmp(upper, "ZZ") == 0 || strcmp(upper, "XX") == 0) {
		publish_message(b, style, "country.unknown");
		return;
	}
	if (!style->countries_cldr && append_npa_country(b, style, upper))
		return;
	memcpy(locale + 4, upper, 2);
	len = uloc_getDisplayCountry(locale, publish_language_code(style->language), name,
	    COUNTRY_NAME_MAX, &status);
	if (U_FAILURE(status) || len <= 0 || len >= COUNTRY_NAME_MAX) {
		buf_puts(b, upper);
		return;
	}
	u_strToUTF8(text, sizeof(text), &len, name, len, &status);
	if (U_FAILURE(status) || len >= (int32_t)sizeof(text))
		buf_puts(b, upper);
	else
		buf_append(b, text, (size_t)len);
}

bool publish_country_article(const struct publish_style *style, const char *code)
{
	/* United States, Kingdom, Arab Emirates; Netherlands, Philippines; republics; islands. */
	static const char codes[] = "US GB AE NL PH BS GM MV KM SC CF DO BQ IM IO TF PS UM VI VG TC "
	    "SB MH KY CK FO FK CC MP PN AX HM ";

	for (const char *at = codes; style->language == PUBLISH_EN && *at; at += 3)
		if (strncmp(at, code, 2) == 0)
			return true;
	return false;
}
