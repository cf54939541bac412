/* Identification from first bytes; the contract is in identify.h. */
#include "protocol/identify.h"

#include "protocol/patterns.h"

#include <string.h>

#define MODULES_MAX 256
#define BEGINS_MAX 64
_Static_assert(PROTOCOL_BEGIN_LEN == sizeof(uint64_t), "compared as a word");

/* A way in which what a module knows begins; as a word. */
struct begin {
	uint64_t mask; /* 0: whatever it begins with */
	uint64_t value;
	uint8_t module;
};

bool identify_is_port(const struct protocol_module *module, enum protocol_transport transport,
    uint16_t port)
{
	const uint16_t *ports = transport == PROTOCOL_TCP ? module->tcp_ports : module->udp_ports;

	for (unsigned i = 0; i < PROTOCOL_PORTS_MAX && ports[i]; i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* What is known of the modules before any bytes come; the same whenever it is worked out. */
static struct {
	bool filled;
	unsigned count[2]; /* TCP, UDP */
	uint8_t asked[2][MODULES_MAX]; /* those that can be told by their bytes, in order */
	unsigned begin_count;
	struct begin begins[BEGINS_MAX]; /* of datagrams; by module, in order */
	uint64_t begins_with[256]; /* bits: which of them the first byte fits */
	bool has_begins; /* there was room for all */
	uint64_t ports[2][(UINT16_MAX + 1) / 64]; /* bits: some module's port */
} known;

static unsigned kind_of(enum protocol_transport transport)
{
	return transport == PROTOCOL_UDP;
}

static void know_port(unsigned kind, uint16_t port)
{
	known.ports[kind][port / 64] |= 1ull << port % 64;
}

static void know_begins(unsigned number)
{
	const struct protocol_begin *begins = protocol_modules[number]->udp_begins;

	for (unsigned i = 0; i < PROTOCOL_BEGINS_MAX; i++) {
		struct begin *begin = &known.begins[known.begin_count];

		if (known.begin_count == BEGINS_MAX) {
			known.has_begins = false;
			return;
		}
		memcpy(&begin->mask, begins[i].mask, sizeof(begin->mask));
		memcpy(&begin->value, begins[i].value, sizeof(begin->value));
		if (i > 0 && begin->mask == 0)
			break;
		begin->module = (uint8_t)number;
		for (unsigned byte = 0; byte < 256; byte++)
			if ((byte & begins[i].mask[0]) == begins[i].value[0])
				known.begins_with[byte] |= 1ull << known.begin_count;
		known.begin_count++;
	}
}

static void fill_known(void)
{
	known.has_begins = true;
	for (unsigned i = 0; i < protocol_module_count && i < MODULES_MAX; i++) {
		const struct protocol_module *m = protocol_modules[i];

		for (unsigned k = 0; k < PROTOCOL_PORTS_MAX && m->tcp_ports[k]; k++)
			know_port(0, m->tcp_ports[k]);
		for (unsigned k = 0; k < PROTOCOL_PORTS_MAX && m->udp_ports[k]; k++)
			know_port(1, m->udp_ports[k]);
		for (unsigned kind = 0; kind < 2; kind++)
			if (m->probe && m->transports & (kind ? PROTOCOL_UDP : PROTOCOL_TCP))
				known.asked[kind][known.count[kind]++] = (uint8_t)i;
		if (m->probe && m->transports & PROTOCOL_UDP)
			know_begins(i);
	}
	known.filled = true;
}

bool identify_knows_port(enum protocol_transport transport, uint16_t port)
{
	if (!known.filled)
		fill_known();
	return known.ports[kind_of(transport)][port / 64] >> port % 64 & 1;
}

/* One round over the modules; hinted asks only those whose port it is. */
static enum protocol_verdict ask_modules(struct protocol_start *start, bool final,
    uint16_t *ret_number)
{
	unsigned kind = kind_of(start->transport);

	if (start->hinted && !identify_knows_port(start->transport, start->port))
		return PROTOCOL_NO;
	for (unsigned i = 0; i < known.count[kind]; i++) {
		const struct protocol_module *module = protocol_modules[known.asked[kind][i]];
		enum protocol_verdict verdict;

		if (start->hinted && !identify_is_port(module, start->transport, start->port))
			continue;
		verdict = module->probe(start);
		if (verdict == PROTOCOL_YES)
			*ret_number = known.asked[kind][i];
		if (verdict == PROTOCOL_YES || (verdict == PROTOCOL_MORE && !final))
			return verdict;
	}
	return PROTOCOL_NO;
}

/* The round that is not hinted, for a client's datagram: it is whole, so there is no MORE. */
static enum protocol_verdict ask_datagram(const struct protocol_start *start, uint16_t *ret_number)
{
	const struct protocol_module *no = NULL;
	uint64_t word;

	memcpy(&word, start->client, sizeof(word));
	for (uint64_t left = known.begins_with[start->client[0]]; left; left &= left - 1) {
		const struct begin *begin = &known.begins[__builtin_ctzll(left)];
		const struct protocol_module *module = protocol_modules[begin->module];

		if ((word & begin->mask) != begin->value || module == no)
			continue;
		if (module->probe(start) == PROTOCOL_YES) {
			*ret_number = begin->module;
			return PROTOCOL_YES;
		}
		no = module;
	}
	return PROTOCOL_NO;
}

enum protocol_verdict identify(const struct patterns *patterns, const struct protocol_start *given,
    bool final, uint16_t *ret_number)
{
	struct protocol_start start = *given;
	enum protocol_verdict verdict;
	unsigned pattern;

	if (!known.filled)
		fill_known();
	start.hinted = false;
	if (start.transport == PROTOCOL_UDP && final && start.client_len >= PROTOCOL_BEGIN_LEN
	    && start.server_len == 0 && known.has_begins)
		verdict = ask_datagram(&start, ret_number);
	else
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
