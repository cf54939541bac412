/* Identification from first bytes; the contract is in identify.h. */
#include "protocol/identify.h"

#include "protocol/patterns.h"

bool identify_is_port(const struct protocol_module *module, enum protocol_transport transport,
    uint16_t port)
{
	const uint16_t *ports = transport == PROTOCOL_TCP ? module->tcp_ports : module->udp_ports;

	for (unsigned i = 0; i < PROTOCOL_PORTS_MAX && ports[i]; i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* One round over the modules; hinted asks only those whose port it is. */
static enum protocol_verdict ask_modules(struct protocol_start *start, bool final,
    uint16_t *ret_number)
{
	for (unsigned i = 0; i < protocol_module_count; i++) {
		const struct protocol_module *module = protocol_modules[i];
		enum protocol_verdict verdict;

		if (!(module->transports & start->transport) || !module->probe)
			continue;
		if (start->hinted && !identify_is_port(module, start->transport, start->port))
			continue;
		verdict = module->probe(start);
		if (verdict == PROTOCOL_YES)
			*ret_number = (uint16_t)i;
		if (verdict == PROTOCOL_YES || (verdict == PROTOCOL_MORE && !final))
			return verdict;
	}
	return PROTOCOL_NO;
}

enum protocol_verdict identify(const struct patterns *patterns, const struct protocol_start *given,
    bool final, uint16_t *ret_number)
{
	struct protocol_start start = *given;
	enum protocol_verdict verdict;
	unsigned pattern;

	start.hinted = false;
	verdict = ask_modules(&start, final, ret_number);
	if (verdict == PROTOCOL_NO && patterns) {
		verdict = patterns_match(patterns, &start, final, &pattern);
		if (verdict == PROTOCOL_YES)
			*ret_number = (uint16_t)(protocol_module_count + pattern);
	}
	if (verdict != PROTOCOL_NO)
		return verdict;
	start.hinted = true;
	return ask_modules(&start, final, ret_number);
}

const char *identify_name(const struct patterns *patterns, uint16_t number)
{
	if (number < protocol_module_count)
		return protocol_modules[number]->name;
	return patterns ? patterns_name(patterns, number - protocol_module_count) : "";
}

const struct protocol_module *identify_module(uint16_t number)
{
	return number < protocol_module_count ? protocol_modules[number] : NULL;
}
