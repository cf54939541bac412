/*
 * A pattern file written by anybody up to the first NUL, then a payload against it and against the
 * compiled-in list: a verdict never changes with more bytes.  The payload also goes through the
 * template and, as an NTLM message, through the parser.
 */
#include "protocol/ntlm.h"
#include "protocol/patterns.h"
#include "protocol/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(const struct patterns *patterns, enum protocol_transport transport,
    const uint8_t *data, size_t len)
{
	struct protocol_start start = {.transport = transport, .port = 502, .client = data};
	enum protocol_verdict before = PROTOCOL_MORE;
	unsigned before_number = 0;

	for (size_t n = transport == PROTOCOL_UDP ? len : 0; n <= len; n++) {
		unsigned number = 0;
		enum protocol_verdict verdict;

		start.client_len = n;
		verdict = patterns_match(patterns, &start, false, &number);
		if (verdict == PROTOCOL_YES && number >= patterns_count(patterns))
			abort();
		if (before != PROTOCOL_MORE && (verdict != before || number != before_number))
			abort();
		before = verdict;
		before_number = number;
	}
}

static void ntlm(const uint8_t *data, size_t len)
{
	struct ntlm_message message;
	char hash[NTLM_HASH_MAX];
	char text[NTLM_NAME_MAX];

	if (ntlm_parse(data, len, &message) != ST_OK)
		return;
	if (ntlm_hash(&message, data, hash) != 0 && ntlm_hash(&message, NULL, hash) == 0)
		abort();
	(void)ntlm_text(&message, message.user, text);
	(void)ntlm_text(&message, message.domain, text);
	(void)ntlm_text(&message, message.target, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct patterns *builtin; /* one for all inputs: parsing it costs more than asking */
	const uint8_t *nul = len ? memchr(data, 0, len) : NULL;
	struct patterns *patterns = NULL;
	struct err err = {0};

	if (!builtin && patterns_new(&builtin) != ST_OK)
		abort();
	if (nul) {
		if (patterns_parse((const char *)data, &patterns, &err) != ST_OK
		    && strncmp(err.text, "line ", 5) != 0)
			abort();
		len -= (size_t)(nul + 1 - data);
		data = nul + 1;
	}
	if (template_hash(data, len, ip_from_v4(0xc0000201))
	    != template_hash(data, len, ip_from_v4(0xc0000201)))
		abort();
	ntlm(data, len);
	if (len > PROTOCOL_PREFIX_MAX)
		len = PROTOCOL_PREFIX_MAX;
	ask(builtin, PROTOCOL_TCP, data, len);
	ask(builtin, PROTOCOL_UDP, data, len);
	if (patterns) {
		ask(patterns, PROTOCOL_TCP, data, len);
		ask(patterns, PROTOCOL_UDP, data, len);
	}
	patterns_free(patterns);
	return 0;
}
