/*
 * Ranges from CSV (RFC 4180 quoting): `first,last,VALUE[,"name"]` per line, VALUE an AS number or a
 * two-letter country code.  Addresses are text, or decimal numbers as in the "-num" files of
 * ip-location-db.  Empty lines and lines that begin with # are skipped.
 *
 * Anything else is an error that names the line: a half-read list would place addresses wrongly
 * without anybody noticing.
 */
#include "geo/ranges.h"

#include <errno.h>
#include <string.h>

/* A longer line is no range. */
#define LINE_MAX_LEN 4096
#define FIELDS_MAX 4

struct field {
	const char *text;
	size_t len;
	bool quoted;
};

/* Splits a line in place of its text; what follows the fourth field is not looked at.  Gives the
 * number of fields, 0 for broken quoting. */
static unsigned split(const char *line, size_t len, struct field fields[FIELDS_MAX])
{
	unsigned count = 0;
	size_t i = 0;

	while (count < FIELDS_MAX) {
		struct field *f = &fields[count++];
		size_t start;

		f->quoted = i < len && line[i] == '"';
		i += f->quoted;
		start = i;
		if (f->quoted) {
			/* "" inside quotes is one quote and does not end the field. */
			while (i < len && (line[i] != '"' || (i + 1 < len && line[i + 1] == '"')))
				i += line[i] == '"' ? 2 : 1;
			if (i >= len)
				return 0;
		} else {
			while (i < len && line[i] != ',')
				i++;
		}
		f->text = line + start;
		f->len = i - start;
		i += f->quoted;
		if (i >= len)
			break;
		if (line[i] != ',')
			return 0;
		i++;
	}
	return count;
}

/* Decimal digits only.  Values above 128 bits fail. */
static bool parse_number(struct field f, unsigned __int128 *ret)
{
	const unsigned __int128 max = ~(unsigned __int128)0;
	unsigned __int128 v = 0;

	if (f.len == 0)
		return false;
	for (size_t i = 0; i < f.len; i++) {
		unsigned digit = (unsigned)(unsigned char)f.text[i] - '0';

		if (digit > 9 || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

static struct ip ip_of_number(unsigned __int128 v)
{
	struct ip ip = {.hi = (uint64_t)(v >> 64), .lo = (uint64_t)v};

	return ip;
}

/* Both ends as text, or both as numbers. */
static const char *parse_range(struct field first, struct field last, struct geo_range *range)
{
	unsigned __int128 a;
	unsigned __int128 b;

	if (parse_number(first, &a) && parse_number(last, &b)) {
		bool v4 = b <= UINT32_MAX && a <= UINT32_MAX;

		range->first = v4 ? ip_from_v4((uint32_t)a) : ip_of_number(a);
		range->last = v4 ? ip_from_v4((uint32_t)b) : ip_of_number(b);
	} else {
		if (ip_parse(first.text, first.len, &range->first) != ST_OK)
			return "the first field is not an address";
		if (ip_parse(last.text, last.len, &range->last) != ST_OK)
			return "the second field is not an address";
		if (ip_is_v4(range->first) != ip_is_v4(range->last))
			return "one end is IPv4 and the other IPv6";
	}
	if (ip_compare(range->first, range->last) > 0)
		return "the range ends before it begins";
	return NULL;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "" and ZZ mean unknown and give 0. */
static const char *parse_country(struct field f, uint32_t *ret_value)
{
	if (f.len == 0) {
		*ret_value = 0;
		return NULL;
	}
	if (f.len != 2 || !is_letter(f.text[0]) || !is_letter(f.text[1]))
		return "the third field is not a two-letter country code";
	*ret_value = GEO_CC(f.text[0] & ~0x20, f.text[1] & ~0x20);
	if (*ret_value == GEO_CC('Z', 'Z'))
		*ret_value = 0;
	return NULL;
}

/* "13335" or "AS13335"; 0 means unknown. */
static const char *parse_asn(struct field f, uint32_t *ret_value)
{
	unsigned __int128 v;

	if (f.len > 2 && (f.text[0] & ~0x20) == 'A' && (f.text[1] & ~0x20) == 'S') {
		f.text += 2;
		f.len -= 2;
	}
	if (!parse_number(f, &v) || v > UINT32_MAX)
		return "the third field is not an AS number";
	*ret_value = (uint32_t)v;
	return NULL;
}

/* A quoted name with "" for each quote becomes plain text. */
static int add_name(struct geo_names *names, uint32_t asn, struct field f)
{
	char plain[LINE_MAX_LEN];
	size_t len = 0;

	for (size_t i = 0; i < f.len; i++) {
		plain[len++] = f.text[i];
		if (f.quoted && f.text[i] == '"')
			i++;
	}
	return geo_names_add(names, asn, plain, len);
}

/* NULL, or what is wrong with the line; *ret_code is for failures that are not the line's. */
static const char *read_line(
    struct geo_input *input, const char *line, size_t len, uint32_t number, int *ret_code)
{
	struct geo_range range = {.line = number};
	struct field fields[FIELDS_MAX];
	unsigned count;
	const char *wrong;

	if (len >= LINE_MAX_LEN)
		return "the line is too long";
	if (memchr(line, '\0', len))
		return "not text";
	count = split(line, len, fields);
	if (count < 3)
		return count == 0 ? "a quote is not closed" : "less than three fields";
	wrong = parse_range(fields[0], fields[1], &range);
	if (!wrong)
		wrong = input->role == GEO_ROLE_COUNTRY ? parse_country(fields[2], &range.value)
		                                        : parse_asn(fields[2], &range.value);
	if (wrong || range.value == 0)
		return wrong;
	*ret_code = geo_ranges_add(
	    ip_is_v4(range.first) && ip_is_v4(range.last) ? &input->v4 : &input->v6, range);
	if (*ret_code == ST_OK && input->role == GEO_ROLE_ASN && count > 3)
		*ret_code = add_name(input->names, range.value, fields[3]);
	return NULL;
}

int geo_csv_read(struct geo_input *input, const uint8_t *data, size_t len, struct err *err)
{
	const char *text = (const char *)data;
	const char *slash = strrchr(input->path, '/');
	const char *name = slash ? slash + 1 : input->path;
	uint32_t number = 0;

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t next = end ? (size_t)(end - text) + 1 : len;
		size_t line_len = next - at - (end != NULL);
		const char *wrong;
		int ret = ST_OK;

		number++;
		if (line_len && text[at + line_len - 1] == '\r')
			line_len--;
		if (line_len && text[at] != '#') {
			wrong = read_line(input, text + at, line_len, number, &ret);
			if (wrong)
				return err_set(
				    err, ST_MALFORMED, "%s:%u: %s", input->path, number, wrong);
			if (ret != ST_OK)
				return err_set(
				    err, ret, "%s:%u: %s", input->path, number, st_text(ret));
		}
		at = next;
	}
	if (input->v4.count + input->v6.count == 0)
		return err_set(err, ST_MALFORMED, "%s: no range with %s in it", input->path,
		    input->role == GEO_ROLE_COUNTRY ? "a country" : "an AS number");
	geo_append_line_text(input->source, name, strlen(name));
	return ST_OK;
}
