/*
 * IP addresses and networks as two host-order words, IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2).
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_TEXT_MAX 46
#define IP_V4_PREFIX 0xffff00000000ull

struct ip {
	uint64_t hi;
	uint64_t lo;
};

/* plen counts in the 128-bit form: an IPv4 /24 has 120. */
struct ip_net {
	struct ip base;
	uint8_t plen;
};

static inline struct ip ip_from_v4(uint32_t v4)
{
	struct ip ip = {.hi = 0, .lo = IP_V4_PREFIX | v4};
	return ip;
}

static inline bool ip_is_v4(struct ip ip)
{
	return ip.hi == 0 && (ip.lo >> 32) == 0xffff;
}

static inline uint32_t ip_v4(struct ip ip)
{
	return (uint32_t)ip.lo;
}

static inline bool ip_equal(struct ip a, struct ip b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static inline int ip_compare(struct ip a, struct ip b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

/* Writes dotted or RFC 5952 text, NUL-terminated; returns text. */
const char *ip_format(struct ip ip, char text[IP_TEXT_MAX]);

/* Parses len characters of dotted or RFC 4291 text.  ST_MALFORMED. */
ST_MUST_CHECK int ip_parse(const char *text, size_t len, struct ip *ret_ip);

/* Parses "ADDRESS" or "ADDRESS/PLEN"; host bits must be zero.  ST_MALFORMED. */
ST_MUST_CHECK int ip_net_parse(const char *text, size_t len, struct ip_net *ret_net);

bool ip_net_contains(struct ip_net net, struct ip ip);

/* Number of addresses; saturates at UINT64_MAX. */
uint64_t ip_net_size(struct ip_net net);
