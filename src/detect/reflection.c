/* Amplification services and their rule; the contract is in reflection.h. */
#include "detect/reflection.h"

#include "base/civil.h"

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

struct attack_rule reflection_rule(void)
{
	return (struct attack_rule){
		.packets = 100,
		.destinations = 1,
		.ppm = 5,
		.gap_us = 15 * CIVIL_US_PER_MINUTE,
	};
}
