/*
 * Reflection (amplification) attacks: requests to services that answer with more than they are
 * asked, whose source is forged.  The source is the victim, never the attacker.
 *
 * After AmpPot (Krämer et al., RAID 2015): at least 100 packets from one source to one port
 * without long silence (there an hour; 15 minutes as in Hopscotch, because a busy scanner is heard
 * every hour), and at least five in a minute.  A scanner asks many addresses a few times each, an attacker uses
 * the same reflectors again and again: the packets must also be at least five per observed address
 * that got any, or five in one minute to the same address.  Where a request was heard that reflectors
 * answer at length, 20 packets are enough.  The numbers are settings (settings.h).
 */
#pragma once

#include "detect/attack.h"

/* Is it a service that is abused for amplification? */
bool reflection_is_port(uint16_t udp_port);

struct attack_rule reflection_rule(const struct detect_settings *settings);

/*
 * What a session's first request (columns protocol and request) asks for, when it is what
 * reflectors answer at length: "dns.any", "ntp.monlist" …; NULL when it is not.  Static.
 */
const char *reflection_vector(const char *protocol, size_t protocol_len, const char *request,
    size_t request_len);
