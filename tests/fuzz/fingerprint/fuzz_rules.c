/*
 * A rule file written by anybody, then SYNs of several shapes against what it says.
 */
#include "fingerprint/tools.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(struct tools *tools)
{
	static const uint8_t options[40] = {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2};

	for (unsigned i = 0; i < 12; i++) {
		uint8_t bytes[60] = {[12] = (uint8_t)((5 + i % 4) << 4)};
		struct decode_packet p = {
			.flags = DECODE_V4 | DECODE_TRANSPORT | (i & 1 ? DECODE_IP_DF : 0),
			.proto = DECODE_PROTO_TCP,
			.tcp_flags = DECODE_TCP_SYN,
			.window = i & 2 ? 65535 : 1024,
			.ttl = 50,
			.ip_len = 40,
			.sport = (uint16_t)(40000 + i),
			.dport = 23,
			.payload_offset = (uint16_t)(20 + i % 4 * 4),
			.data = bytes,
			.data_len = sizeof(bytes),
		};
		struct tools_evidence evidence = {{0}};
		struct tools_verdict v;
		struct syn syn;
		uint32_t judged;

		memcpy(bytes + 20, options, sizeof(options));
		syn_parse(&p, &syn);
		v = tools_match(tools, &p, &syn, (uint16_t)i);
		if (!v.signature || v.rules >> TOOLS_RULES_MAX)
			abort();
		tools_evidence_add(&evidence, 3, v.rules);
		judged = tools_judge(tools, &evidence, 10);
		if (tools_count(tools) > TOOLS_RULES_MAX || judged >> tools_count(tools))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct tools *tools; /* one for all inputs: making it costs more than the rules */
	char *text = malloc(len + 1);
	struct err err = {0};

	if (!text || (!tools && tools_new(NULL, &tools, NULL)))
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	if (tools_reload(tools, text, &err) == ST_OK) {
		for (unsigned t = 0; t < tools_count(tools); t++)
			if (!tools_name(tools, t)[0])
				abort();
		ask(tools);
	} else if (strncmp(err.text, "line ", 5) != 0) {
		abort();
	}
	free(text);
	return 0;
}
