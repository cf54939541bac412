/*
 * Which rules of tools.rules a stored row matches: what is left of a SYN there is its signature's
 * text, its marks and a TTL.
 *
 * Ports of the source, lengths and type of service are not kept, so a rule is taken to match when
 * all its other conditions hold; relations between packets are not kept at all, so their rules
 * never match.  The judgement is tools_judge's, over the same evidence.
 */
#pragma once

#include "fingerprint/tools.h"

/* The rules whose conditions on a signature hold; marks and TTL remain to be seen. */
uint32_t stored_rules_of(const struct tools *tools, const char *signature);

/* Of those, the rules that a row matches: its marks, and TTLs between the two. */
uint32_t stored_rules_match(const struct tools *tools, uint32_t possible, uint16_t marks,
    uint8_t ttl_low, uint8_t ttl_high);

/* Reads a signature's text back; false when it is none.  Windows, options and the quirk df only:
 * other quirks, and option kinds that no rule names, are as in the text or lost. */
bool stored_signature_read(const char *text, struct syn *ret_syn);
