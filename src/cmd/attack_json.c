/* Attacks for programs; the contract is in attack_json.h. */
#include "cmd/attack_json.h"

#include "base/civil.h"

#include <stdio.h>

const char *attack_transport(const struct attack *attack, char text[8])
{
	switch (attack->proto) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 58:
		return "icmpv6";
	default:
		(void)snprintf(text, 8, "ip%u", attack->proto);
		return text;
	}
}

json_t *attack_json(const struct attack *a, uint64_t addresses)
{
	double rate = attack_rate(a, addresses);
	json_t *o = json_object();
	json_t *ports = json_array();
	char start[CIVIL_TIME_TEXT_MAX];
	char end[CIVIL_TIME_TEXT_MAX];
	char victim[IP_TEXT_MAX];
	char transport[8];

	json_object_set_new(o, "victim", json_string(ip_format(a->victim, victim)));
	json_object_set_new(o, "kind", json_string(attack_kind_name(a->kind)));
	json_object_set_new(o, "transport", json_string(attack_transport(a, transport)));
	json_object_set_new(o, "port", json_integer(a->port));
	json_object_set_new(o, "start", json_string(civil_format_time(a->start_us, start)));
	json_object_set_new(o, "end", json_string(civil_format_time(a->end_us, end)));
	json_object_set_new(o, "packets", json_integer((json_int_t)a->packets));
	json_object_set_new(o, "max_ppm", json_integer((json_int_t)a->max_ppm));
	json_object_set_new(o, "destinations", json_integer(a->destinations));
	for (size_t i = 0; i < ATTACK_PORTS && a->ports[i].packets; i++)
		json_array_append_new(ports, json_pack("{s:i,s:I}", "port", a->ports[i].port,
		    "packets", (json_int_t)a->ports[i].packets));
	json_object_set_new(o, "ports", ports);
	json_object_set_new(o, "many_ports", json_boolean(a->many_ports));
	json_object_set_new(o, "confidence", a->kind == ATTACK_BACKSCATTER
	    ? json_string(attack_confidence_name(attack_confidence(addresses))) : json_null());
	json_object_set_new(o, "replies_per_second", rate > 0 ? json_real(rate) : json_null());
	return o;
}
