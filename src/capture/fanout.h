/*
 * Which of several rings a packet goes to: by its visitor, so that one process sees all of
 * one.
 *
 * The visitor is the address that is not observed: the source of what comes to an observed address,
 * the destination of what one sends, and, of an ICMP error, whom the quoted datagram was sent to
 * (who reports it may be any router; what was sent is known where the conversation is).  Between
 * others it is the source.  Fragments go by their source alone.  What is no IP is the first ring's.
 *
 * Two forms of the same: a function of addresses, and a classic BPF program that the kernel runs on
 * every packet (PACKET_FANOUT_CBPF; Documentation/networking/filter.rst).  It looks behind tags,
 * labels and extension headers up to the numbers below; behind more of them a packet counts as what
 * is no IP, or (extension headers) as no ICMP error.
 */
#pragma once

#include "base/ip.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FANOUT_RINGS_MAX 8
#define FANOUT_INSNS_MAX 4096 /* BPF_MAXINSNS */
#define FANOUT_VLANS_MAX 4
#define FANOUT_LABELS_MAX 8
#define FANOUT_EXTENSIONS_MAX 8

enum fanout_frames {
	FANOUT_ETHERNET, /* as the kernel shows them: inbound ones behind their Ethernet header */
	FANOUT_RAW,      /* IP at once */
	FANOUT_WHOLE,    /* from the Ethernet header on, whichever way they go */
};

struct fanout_options {
	enum fanout_frames frames;
	const struct ip_net *nets; /* observed */
	size_t net_count;
	const struct ip_net *excluded;
	size_t excluded_count;
	uint32_t seed; /* so that nobody can choose addresses that meet in one ring */
	unsigned rings;
};

/* The ring of a visitor. */
unsigned fanout_ring(struct ip visitor, uint32_t seed, unsigned rings);

/* Writes the program to insns[FANOUT_INSNS_MAX].  ST_LIMIT: more networks than fit in one. */
ST_MUST_CHECK int fanout_program(const struct fanout_options *options, struct sock_filter *insns,
    size_t *ret_count, struct err *err);
