/*
 * LDAP's search requests as a line of text, for LDAP and CLDAP.  RFC 4511 4.5.1, RFC 4515.
 */
#pragma once

#include "base/rd.h"
#include "protocol/protocol.h"

enum {
	LDAP_BIND = 0x60,
	LDAP_BIND_RESPONSE = 0x61,
	LDAP_UNBIND = 0x42,
	LDAP_SEARCH = 0x63,
	LDAP_SEARCH_DONE = 0x65,
	LDAP_EXTENDED = 0x77,
	LDAP_EXTENDED_RESPONSE = 0x78,
};

/* The value of an LDAPMessage (0x30): its id, and the operation's tag and value.  false: not one. */
bool ldap_message(struct rd message, uint32_t *ret_id, uint8_t *ret_tag, struct rd *ret_operation);

/* Tells `search BASE SCOPE FILTER ATTRIBUTES` as a command; false when the request is malformed. */
bool ldap_search_tell(struct protocol_io *io, struct rd operation);

/* LDAPResult: the message that ends an operation, without texts.  Returns its length. */
size_t ldap_result(uint8_t out[32], uint32_t id, uint8_t tag, uint8_t code);
