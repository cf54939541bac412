/* Conversations that are answered; the contract is in answered.h. */
#include "daemon/answered.h"

void answered_init(struct answered *a, const struct config *config,
    const struct start_socket *sockets, size_t count)
{
	*a = (struct answered){
		.nets = config->respond.addresses.count > 0 ? &config->respond.addresses
		                                            : &config->sensor.addresses,
	};
	for (size_t i = 0; i < count; i++) {
		unsigned udp = sockets[i].transport == DECODE_PROTO_UDP;

		if (sockets[i].transparent)
			a->all[udp] = true;
		a->ports[udp][sockets[i].port / 8] |= (uint8_t)(1u << sockets[i].port % 8);
	}
}

static bool has_end(const struct answered *a, struct ip ip, unsigned udp, uint16_t port)
{
	if (!a->all[udp] && !(a->ports[udp][port / 8] >> port % 8 & 1))
		return false;
	for (size_t i = 0; i < a->nets->count; i++)
		if (ip_net_contains(a->nets->items[i], ip))
			return true;
	return false;
}

bool answered_has(const struct answered *a, const struct decode_packet *p)
{
	unsigned udp = p->proto == DECODE_PROTO_UDP;

	if (!(p->flags & DECODE_TRANSPORT) || (!udp && p->proto != DECODE_PROTO_TCP)
	    || p->payload_len == 0)
		return false;
	return has_end(a, p->dst, udp, p->dport) || has_end(a, p->src, udp, p->sport);
}
