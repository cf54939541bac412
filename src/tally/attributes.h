/*
 * What a session told of itself (software, server name, fingerprints …) as one bag of bytes:
 * attribute, length in 16 bits, text.  Nothing beyond a bound is kept.
 */
#pragma once

#include "protocol/protocol.h"
#include "tally/bag.h"

/* The text of an attribute, valid until the bag changes; empty when it was not told. */
struct protocol_text attributes_find(const struct bag *attributes, enum protocol_attribute wanted);

/* The first request names a session; of everything else the last word counts.  Cuts long texts. */
void attributes_keep(struct room_pool *pool, struct bag *attributes,
    enum protocol_attribute attribute, struct protocol_text text);
