/*
 * What the packets of simulated visitors carry: the well-known probes of scanners, a few logins,
 * and the quotes inside ICMP errors.  Every payload is a fixed text or a function of a key.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum payload_kind {
	PAYLOAD_NONE,
	PAYLOAD_DNS_ANY,       /* ANY query with EDNS 4096; key = transaction id */
	PAYLOAD_DNS_A,         /* A query of a random label; key = noise */
	PAYLOAD_DNS_VERSION,   /* version.bind TXT CHAOS; key = transaction id */
	PAYLOAD_NTP_MONLIST,
	PAYLOAD_NTP_CLIENT,
	PAYLOAD_SSDP,
	PAYLOAD_SNMP_GET,
	PAYLOAD_CLDAP,
	PAYLOAD_MEMCACHED,
	PAYLOAD_COAP,
	PAYLOAD_SIP_OPTIONS,   /* key = noise for its branch */
	PAYLOAD_NETIS,
	PAYLOAD_IKE,           /* key = initiator cookie */
	PAYLOAD_RANDOM,        /* key: lower 16 bits = length, the rest noise */
	PAYLOAD_PING,          /* 56 bytes as ping(8) sends them */
	PAYLOAD_QUOTE_TCP,     /* ICMP error: key = victim << 32 | spoofed port << 16 | its port */
	PAYLOAD_QUOTE_UDP,
	PAYLOAD_MQTT_LOGIN,    /* CONNECT with user and password; key = index */
	PAYLOAD_MQTT_ANONYMOUS,
	PAYLOAD_HTTP_BASIC,    /* GET with Authorization: Basic; key = index */
	PAYLOAD_HTTP_GET,      /* key = index of a path */
	PAYLOAD_CONNACK,       /* server: MQTT CONNACK; key = return code */
	PAYLOAD_HTTP_401,
	PAYLOAD_COUNT,
};

/* Writes at most cap bytes; `observed` is our address, which ICMP errors quote as source. */
size_t payload_write(enum payload_kind kind, uint64_t key, uint32_t observed, uint8_t *out,
    size_t cap);

/* Logins that PAYLOAD_MQTT_LOGIN and PAYLOAD_HTTP_BASIC carry, by key modulo their count. */
struct payload_login {
	const char *user;
	const char *password;
};
const struct payload_login *payload_login(enum payload_kind kind, uint64_t key);
