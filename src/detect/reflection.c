/* Amplification services and their rule; the contract is in reflection.h. */
#include "detect/reflection.h"

#include <string.h>

/*
 * Rossow, "Amplification Hell" (NDSS 2014), and what reports name since: QOTD, chargen, DNS, TFTP,
 * portmap, NTP, NetBIOS, SNMP, CLDAP, SLP, RIP, IPMI, MSSQL browser, OpenVPN, SSDP, ARD, STUN, WSD,
 * SIP, mDNS, LLMNR, CoAP, BitTorrent, memcached, Steam and Quake, Plex, Jenkins, DVR discovery.
 */
static const uint16_t ports[] = {
	17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 623, 1194, 1434, 1900, 3283, 3478, 3702,
	5060, 5093, 5353, 5355, 5683, 6881, 10001, 10074, 11211, 27015, 27960, 32414, 33848, 37810,
};

bool reflection_is_port(uint16_t udp_port)
{
	size_t low = 0;
	size_t high = sizeof(ports) / sizeof(ports[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ports[middle] == udp_port)
			return true;
		if (ports[middle] < udp_port)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

struct attack_rule reflection_rule(const struct detect_settings *settings)
{
	return (struct attack_rule){
		.packets = settings->reflection_packets,
		.packets_asked = settings->reflection_packets_asked < settings->reflection_packets
		    ? settings->reflection_packets_asked : settings->reflection_packets,
		.destinations = 1,
		.ppm = settings->reflection_ppm,
		.repeats = settings->reflection_repeats,
		.gap_us = settings->reflection_gap_us,
	};
}

/* As the protocol modules write requests; one that says nothing begins with "". */
static const struct vector {
	const char *name;
	const char *protocol;
	const char *begins;
	const char *contains;
} vectors[] = {
	{"dns.any", "dns", "ANY ", ""},
	{"dns.txt", "dns", "TXT ", ""},
	{"dns.dnskey", "dns", "DNSKEY ", ""},
	{"dns.rrsig", "dns", "RRSIG ", ""},
	{"ntp.monlist", "ntp", "mode 7", "monlist"},
	{"ntp.private", "ntp", "mode 7", ""},
	{"ntp.readvar", "ntp", "mode 6", "readvar"},
	{"ssdp.msearch", "ssdp", "M-SEARCH", ""},
	{"cldap.search", "cldap", "", ""},
	{"memcached", "memcached", "", ""},
	{"snmp.getbulk", "snmp", "", "getbulk"},
	{"coap.discovery", "coap", "", ".well-known/core"},
};

const char *reflection_vector(const char *protocol, size_t protocol_len, const char *request,
    size_t request_len)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		size_t begins = strlen(v->begins);

		if (protocol_len == strlen(v->protocol)
		    && memcmp(protocol, v->protocol, protocol_len) == 0 && request_len >= begins
		    && memcmp(request, v->begins, begins) == 0
		    && memmem(request, request_len, v->contains, strlen(v->contains)))
			return v->name;
	}
	return NULL;
}
