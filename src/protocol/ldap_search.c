/* Search requests and their filters as text; see ldap_search.h. */
#include "protocol/ldap_search.h"

#include "protocol/ber.h"

#define DEPTH_MAX 8 /* deeper filters are rendered as (…) */

enum filter { AND = 0xa0, OR = 0xa1, NOT = 0xa2, EQUAL = 0xa3, SUBSTRING = 0xa4, GREATER = 0xa5,
	LESS = 0xa6, PRESENT = 0x87, APPROX = 0xa8, EXTENSIBLE = 0xa9 };

bool ldap_message(struct rd message, uint32_t *ret_id, uint8_t *ret_tag, struct rd *ret_operation)
{
	*ret_id = ber_number(&message, 0x02);
	*ret_tag = ber_take(&message, ret_operation);
	return !message.bad;
}

static void put(struct wr *w, const char *text)
{
	wr_bytes(w, text, strlen(text));
}

static void put_value(struct wr *w, struct rd value)
{
	wr_bytes(w, value.pos, rd_left(&value));
}

static void put_comparison(struct wr *w, uint8_t tag, struct rd value)
{
	struct rd part;

	(void)ber_take(&value, &part);
	put_value(w, part);
	put(w, tag == GREATER ? ">=" : tag == LESS ? "<=" : tag == APPROX ? "~=" : "=");
	if (tag != SUBSTRING) {
		(void)ber_take(&value, &part);
		put_value(w, part);
		put(w, ")");
		return;
	}
	value = ber_expect(&value, 0x30);
	while (rd_left(&value) > 0 && !value.bad) {
		const uint8_t kind = ber_take(&value, &part);

		put(w, kind == 0x80 ? "" : "*");
		put_value(w, part);
		if (rd_left(&value) == 0 && kind != 0x82)
			put(w, "*");
	}
	put(w, ")");
}

/* RFC 4515; the request's filters are nested, so the readers that are still open stand on a stack.
 */
static void put_filter(struct wr *w, struct rd filter)
{
	struct rd open[DEPTH_MAX];
	unsigned depth = 1;

	open[0] = filter;
	while (depth > 0 && !w->bad) {
		struct rd *r = &open[depth - 1];
		struct rd value;
		uint8_t tag;

		if (rd_left(r) == 0 || r->bad) {
			put(w, depth > 1 ? ")" : "");
			depth--;
			continue;
		}
		tag = ber_take(r, &value);
		if (r->bad)
			continue;
		put(w, "(");
		if (tag == AND || tag == OR || tag == NOT) {
			put(w, tag == AND ? "&" : tag == OR ? "|" : "!");
			if (depth == DEPTH_MAX)
				put(w, "…)");
			else
				open[depth++] = value;
		} else if (tag == PRESENT) {
			put_value(w, value);
			put(w, "=*)");
		} else if (tag == EXTENSIBLE) {
			put(w, "…)");
		} else {
			put_comparison(w, tag, value);
		}
	}
}

bool ldap_search_tell(struct protocol_io *io, struct rd operation)
{
	static const char *const scopes[] = {"base", "one", "sub"};
	char text[PROTOCOL_TEXT_MAX];
	struct wr w = wr_init(text, sizeof(text));
	struct rd base = ber_expect(&operation, 0x04);
	const uint32_t scope = ber_number(&operation, 0x0a);
	struct rd filter;
	struct rd attributes;
	struct rd value;

	(void)ber_number(&operation, 0x0a); /* aliases */
	(void)ber_number(&operation, 0x02); /* size limit */
	(void)ber_number(&operation, 0x02); /* time limit */
	(void)ber_number(&operation, 0x01); /* types only */
	if (operation.bad)
		return false;
	if (!protocol_texts(io))
		return true;
	filter = operation;
	(void)ber_take(&operation, &value);
	filter.end = operation.pos;
	put(&w, "search \"");
	put_value(&w, base);
	put(&w, "\" ");
	put(&w, scope < 3 ? scopes[scope] : "?");
	put(&w, " ");
	if (!operation.bad)
		put_filter(&w, filter);
	attributes = ber_expect(&operation, 0x30);
	while (!operation.bad && !attributes.bad && rd_left(&attributes) > 0) {
		value = ber_expect(&attributes, 0x04);
		put(&w, " ");
		put_value(&w, value);
	}
	protocol_command(io, text, wr_len(&w));
	return true;
}

size_t ldap_result(uint8_t out[32], uint32_t id, uint8_t tag, uint8_t code)
{
	struct wr w = wr_init(out, 32);
	const unsigned id_len = id < 0x80 ? 1 : id < 0x8000 ? 2 : id < 0x800000 ? 3 : 4;

	wr_u8(&w, 0x30);
	wr_u8(&w, (uint8_t)(2 + id_len + 2 + 7));
	wr_u8(&w, 0x02);
	wr_u8(&w, (uint8_t)id_len);
	for (unsigned i = id_len; i > 0; i--)
		wr_u8(&w, (uint8_t)(id >> 8 * (i - 1)));
	wr_u8(&w, tag);
	wr_bytes(&w, "\x07\x0a\x01", 3);
	wr_u8(&w, code);
	wr_bytes(&w, "\x04\x00\x04\x00", 4);
	return wr_len(&w);
}
