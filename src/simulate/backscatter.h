/*
 * What a victim of a flood with randomly spoofed sources sends to addresses that never spoke to it.
 */
#pragma once

#include "simulate/packet.h"
#include "simulate/rng.h"

#define BACKSCATTER_STREAM 0xbacc0000ull /* keys of victims: rng_mix2(seed, this + rank) */

/*
 * Fills everything but p->time_us and p->dst: SYN-ACK, RST, RST-ACK, ICMP errors that quote the
 * attack, echo replies.  `victim` is noise that stays with the victim: address, service, distance.
 */
void backscatter_packet(uint64_t victim, struct rng *rng, struct packet *p);

/* The same for one kind: an answer of `address`:`port`. */
void backscatter_syn_ack(uint32_t address, uint16_t port, uint64_t noise, struct packet *p);
void backscatter_unreachable(uint32_t address, uint16_t port, bool udp, uint64_t noise,
    struct packet *p);
