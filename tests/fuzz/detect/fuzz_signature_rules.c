/*
 * A text of rules, whatever it is: it loads or says why not, and what loaded can be matched.
 */
#include "detect/signatures.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_LEN_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void take_problem(void *arg, const struct signatures_problem *problem)
{
	unsigned *count = arg;

	if (!problem->reason[0] || problem->line == 0)
		abort();
	(*count)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t packet[] = {0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1,
		192, 0, 2, 2, 0, 53, 0, 80, 0, 16, 0, 0, 'a', 'b', 'c', 'd', 0, 1, 2, 3};
	unsigned problems = 0;
	struct signatures_text text = {"fuzz", (const char *)data, len < TEXT_LEN_MAX ? len : TEXT_LEN_MAX};
	struct signatures_options options = {.texts = &text, .text_count = 1, .flows_max = 16,
		.problem = take_problem, .arg = &problems};
	struct decode_packet p = {.data = packet, .data_len = sizeof(packet), .time_us = 1};
	struct signatures *s;
	struct err err = {0};

	if (signatures_new(&options, &s, &err))
		return 0;
	if (signatures_stats(s)->unsupported + signatures_stats(s)->malformed != problems)
		abort();
	for (size_t i = 0; i < signatures_rule_count(s); i++)
		if (!signatures_rule_at(s, i).text[0])
			abort();
	signatures_add(s, &p, 1);
	signatures_flush(s);
	signatures_free(s);
	return 0;
}
