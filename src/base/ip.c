/* Address text and networks; the contract is in ip.h. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static uint64_t load_be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static char *put_octet(char *out, unsigned n)
{
	if (n >= 100)
		*out++ = (char)('0' + n / 100);
	if (n >= 10)
		*out++ = (char)('0' + n / 10 % 10);
	*out++ = (char)('0' + n % 10);
	return out;
}

/* By hand and not by printf: addresses are written by the million. */
static void format_v4(uint32_t v4, char *out)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		out = put_octet(out, v4 >> shift & 255);
		*out++ = shift ? '.' : '\0';
	}
}

const char *ip_format(struct ip ip, char text[IP_TEXT_MAX])
{
	uint8_t bytes[16];

	if (ip_is_v4(ip)) {
		format_v4(ip_v4(ip), text);
		return text;
	}
	for (int i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(ip.hi >> (56 - 8 * i));
		bytes[8 + i] = (uint8_t)(ip.lo >> (56 - 8 * i));
	}
	if (!inet_ntop(AF_INET6, bytes, text, IP_TEXT_MAX))
		text[0] = '\0';
	return text;
}

int ip_parse(const char *text, size_t len, struct ip *ret_ip)
{
	char copy[IP_TEXT_MAX];
	uint8_t bytes[16];

	/* A NUL would end the text early and hide what follows. */
	if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len))
		return ST_MALFORMED;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, bytes) == 1) {
		*ret_ip = ip_from_v4((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16
		    | (uint32_t)bytes[2] << 8 | bytes[3]);
		return ST_OK;
	}
	if (inet_pton(AF_INET6, copy, bytes) == 1) {
		*ret_ip = (struct ip){.hi = load_be64(bytes), .lo = load_be64(bytes + 8)};
		return ST_OK;
	}
	return ST_MALFORMED;
}

static struct ip mask_of(uint8_t plen)
{
	struct ip m = {0, 0};

	if (plen > 0)
		m.hi = plen >= 64 ? UINT64_MAX : ~(UINT64_MAX >> plen);
	if (plen > 64)
		m.lo = plen >= 128 ? UINT64_MAX : ~(UINT64_MAX >> (plen - 64));
	return m;
}

int ip_net_parse(const char *text, size_t len, struct ip_net *ret_net)
{
	const char *slash = memchr(text, '/', len);
	size_t addr_len = slash ? (size_t)(slash - text) : len;
	struct ip_net net;
	struct ip mask;
	unsigned plen = 0;
	unsigned width;

	if (ip_parse(text, addr_len, &net.base) != ST_OK)
		return ST_MALFORMED;
	width = ip_is_v4(net.base) && memchr(text, '.', addr_len)
	    && !memchr(text, ':', addr_len) ? 32 : 128;
	if (slash) {
		size_t digits = len - addr_len - 1;

		if (digits == 0 || digits > 3)
			return ST_MALFORMED;
		for (size_t i = 0; i < digits; i++) {
			char c = slash[1 + i];

			if (c < '0' || c > '9')
				return ST_MALFORMED;
			plen = plen * 10 + (unsigned)(c - '0');
		}
		if (plen > width)
			return ST_MALFORMED;
	} else {
		plen = width;
	}
	net.plen = (uint8_t)(plen + (128 - width));
	mask = mask_of(net.plen);
	if ((net.base.hi & ~mask.hi) || (net.base.lo & ~mask.lo))
		return ST_MALFORMED;
	*ret_net = net;
	return ST_OK;
}

bool ip_net_contains(struct ip_net net, struct ip ip)
{
	struct ip mask = mask_of(net.plen);

	return (ip.hi & mask.hi) == net.base.hi && (ip.lo & mask.lo) == net.base.lo;
}

uint64_t ip_net_size(struct ip_net net)
{
	unsigned bits = 128u - net.plen;

	return bits >= 64 ? UINT64_MAX : 1ull << bits;
}
