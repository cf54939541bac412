/*
 * Identification: what is spoken, from the first bytes of both sides.
 *
 * Modules are asked in the order of meson.build; the first that says YES after all before it said
 * NO is it, so that more bytes never change the answer.  Then come the patterns of protocols that
 * have no module.  When nothing proved itself, the modules whose port it is are asked whether the
 * bytes at least do not speak against them.
 */
#pragma once

#include "protocol/protocol.h"

#define IDENTIFY_UNKNOWN UINT16_MAX

struct patterns;

/*
 * MORE: bring more bytes.  YES: *ret_number is set, for identify_name and identify_module.
 * With `final` nothing more will come: what needs more is not it, MORE is not returned.
 * patterns may be NULL.
 */
enum protocol_verdict identify(const struct patterns *patterns, const struct protocol_start *start,
    bool final, uint16_t *ret_number);

/* Name of a number, "" for IDENTIFY_UNKNOWN. */
const char *identify_name(const struct patterns *patterns, uint16_t number);

/* The module of a number, NULL when it is only a pattern's. */
const struct protocol_module *identify_module(uint16_t number);

/* Is this one of the module's default ports? */
bool identify_is_port(const struct protocol_module *module, enum protocol_transport transport,
    uint16_t port);

/* Is it a default port of any module? */
bool identify_knows_port(enum protocol_transport transport, uint16_t port);
