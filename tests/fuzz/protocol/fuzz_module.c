/*
 * Any protocol module (-DMODULE, or TEITEN_PROTOCOL when replayed): no input may crash it, make it
 * take nothing of a full view, or amplify over UDP (conversation.h aborts); and every splitting
 * must give the same replies and facts.  (Not behind a handover while passive: what is in the
 * tunnel is identified from both sides' first bytes, and how they came is forgotten then.)
 *
 * Input: one byte of flags (1 UDP, 2 passive, 4 pieces), then client bytes; with pieces, each is a
 * byte (128: from the server; the rest: its length) and so many bytes.
 */
#include "../../unit/protocol/conversation.h"

#define FLAG_UDP 1
#define FLAG_PASSIVE 2
#define FLAG_PIECES 4
#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct protocol_module *module_under_test(void)
{
#ifdef MODULE
	const char *name = MODULE;
#else
	const char *name = getenv("TEITEN_PROTOCOL");
#endif
	const struct protocol_module *module = name ? protocol_module_find(name) : NULL;

	if (!module) {
		(void)fprintf(stderr, "no module of the name %s\n", name ? name : "(TEITEN_PROTOCOL)");
		abort();
	}
	return module;
}

/* Returns whether there was such a handover. */
static bool play(const struct protocol_module *module, uint8_t flags, const uint8_t *data,
    size_t len, size_t part, struct buf *ret_trace)
{
	bool udp = flags & FLAG_UDP && module->transports & PROTOCOL_UDP;
	bool passive = flags & FLAG_PASSIVE || module->identify_only;
	struct conversation c;
	bool handed_over;

	if (!(module->transports & PROTOCOL_TCP))
		udp = true;
	conversation_begin(&c, !passive, udp, udp ? module->udp_ports[0] : module->tcp_ports[0]);
	if (passive && !session_open(&c.driver, &c.session, &c.peer, module, NULL))
		abort();
	if (!passive)
		conversation_open(&c, module);
	while (len > 0) {
		size_t n = flags & FLAG_PIECES ? data[0] & 127 : len;
		enum protocol_side side = flags & FLAG_PIECES && data[0] & 128 && passive
		    ? PROTOCOL_SERVER : PROTOCOL_CLIENT;

		if (flags & FLAG_PIECES) {
			data++;
			len--;
		}
		n = n < len ? n : len;
		conversation_give(&c, side, data, n, udp ? n : part);
		data += n;
		len -= n;
	}
	handed_over = passive && c.session.handovers > 0;
	conversation_close(&c);
	buf_append(ret_trace, buf_text(&c.trace.reply), c.trace.reply.len);
	buf_append(ret_trace, buf_text(&c.trace.facts), c.trace.facts.len);
	conversation_free(&c);
	return handed_over;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const size_t parts[] = {INPUT_MAX, 1, 5};
	const struct protocol_module *module = module_under_test();
	struct buf first = {0};

	if (len < 1 || len > INPUT_MAX)
		return 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct buf trace = {0};
		bool handed_over =
		    play(module, data[0], data + 1, len - 1, parts[i], i ? &trace : &first);

		if (i && !handed_over && (trace.len != first.len
		    || memcmp(buf_text(&trace), buf_text(&first), first.len) != 0))
			abort();
		buf_fini(&trace);
	}
	buf_fini(&first);
	return 0;
}
