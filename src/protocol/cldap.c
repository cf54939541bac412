/*
 * CLDAP: LDAP searches in datagrams, which amplification attacks send and reflectors answer.
 *
 * Answers a search with "done, no entries", which is shorter than any search.  A request for
 * objectClass of the root is what attacks send.  RFC 1798, RFC 4511; MS-ADTS 6.3.3.
 */
#include "protocol/ber.h"
#include "protocol/ldap_search.h"

enum {
	EVENT_SEARCH,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_SEARCH] = {"search", "SearchRequest"},
	[EVENT_MALFORMED] = {"malformed", "message that contradicts the protocol"},
};

static bool take(const uint8_t *data, size_t len, uint32_t *ret_id, uint8_t *ret_tag,
    struct rd *ret_operation)
{
	struct rd r = rd_init(data, len);
	struct rd message = ber_expect(&r, 0x30);

	return !r.bad && ldap_message(message, ret_id, ret_tag, ret_operation);
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	struct rd r = rd_init(p, start->client_len);
	size_t head;

	/* Enough to know it by, even where the request is cut or its outer length is wrong. */
	if (start->client_len < 12 || p[0] != 0x30)
		return PROTOCOL_NO;
	head = p[1] < 0x80 ? 2 : 2 + (size_t)(p[1] & 0x7f);
	rd_skip(&r, head);
	(void)ber_number(&r, 0x02);
	return !r.bad && rd_left(&r) > 0 && r.pos[0] == LDAP_SEARCH ? PROTOCOL_YES : PROTOCOL_NO;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd operation;
	uint32_t id;
	uint8_t tag;
	uint8_t reply[32];
	size_t n;

	if (!take(data, len, &id, &tag, &operation) || tag != LDAP_SEARCH) {
		protocol_event(io, EVENT_MALFORMED);
		return len;
	}
	protocol_event(io, EVENT_SEARCH);
	if (!ldap_search_tell(io, operation)) {
		protocol_event(io, EVENT_MALFORMED);
		return len;
	}
	n = ldap_result(reply, id, LDAP_SEARCH_DONE, 0);
	protocol_reply(io, reply, n);
	return len;
}

const struct protocol_module protocol_cldap = {
	.name = "cldap",
	.title = "CLDAP",
	.spec = "RFC 1798, RFC 4511",
	.doc = "Searches in datagrams.  Answers that there are no entries, shorter than the "
	       "request.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.udp_ports = {389},
	.state_size = 1,
	.client_inbox = 1,
	.reply_max = 32,
	.idle_s = 10,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff}, {0x30}},
	},
	.client = client,
};
