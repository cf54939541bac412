/*
 * The program that deals packets out to rings; the contract is in fanout.h.
 *
 * Classic BPF only jumps forward and no further than 255 instructions on a condition, so every
 * condition here jumps over one unconditional jump, whose target is a label until the end.  X is
 * where the header begins that is being looked at; a load outside the packet ends the program
 * with 0, the first ring.
 */
#include "capture/fanout.h"

#include <linux/if_packet.h>

#define LABELS_MAX 2048
#define NOWHERE UINT32_MAX

#define ETHERNET_LEN 14
#define ETHERNET_TYPE 12
#define LENGTH_MAX 1535 /* above it is a type */
#define ICMP_QUOTE 8    /* where the quoted datagram begins */
#define IPV4_LEN 20
#define IPV6_LEN 40

/* Scratch memory. */
enum cell {
	CELL_VALUE,
	CELL_START, /* of the IP header */
	CELL_END,   /* of the datagram */
	CELL_AT,    /* of the header behind it */
	CELL_WORD0, /* three more follow */
	CELL_WORD1,
	CELL_WORD2,
};

struct code {
	struct sock_filter *insns;
	unsigned count;
	uint32_t labels[LABELS_MAX]; /* where each one is */
	unsigned label_count;
	bool full;
};

/* Where a packet goes on. */
struct exits {
	unsigned ipv4, ipv6, none;
};

/* Odd numbers without meaning, one for each word of an address. */
static const uint32_t factors[4] = {0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f};

static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	return h ^ h >> 16;
}

static uint32_t word_of(struct ip ip, unsigned i)
{
	uint64_t half = i < 2 ? ip.hi : ip.lo;

	return (uint32_t)(i % 2 ? half : half >> 32);
}

unsigned fanout_ring(struct ip visitor, uint32_t seed, unsigned rings)
{
	uint32_t h = seed;

	for (unsigned i = 0; i < 4; i++)
		h += word_of(visitor, i) * factors[i];
	return rings > 1 ? mix(h) % rings : 0;
}

/* ---- an assembler --------------------------------------------------------------------------- */

static void put(struct code *c, unsigned code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (c->count == FANOUT_INSNS_MAX) {
		c->full = true;
		return;
	}
	c->insns[c->count++] = (struct sock_filter){(uint16_t)code, jt, jf, k};
}

static void op(struct code *c, unsigned code, uint32_t k)
{
	put(c, code, 0, 0, k);
}

static unsigned label(struct code *c)
{
	if (c->label_count == LABELS_MAX) {
		c->full = true;
		return 0;
	}
	c->labels[c->label_count] = NOWHERE;
	return c->label_count++;
}

static void here(struct code *c, unsigned l)
{
	c->labels[l] = c->count;
}

static void go(struct code *c, unsigned l)
{
	op(c, BPF_JMP | BPF_JA, l);
}

/* Goes on here if the condition (BPF_JEQ, BPF_JGE … of A) holds, else there. */
static void need(struct code *c, unsigned condition, uint32_t k, unsigned otherwise)
{
	put(c, BPF_JMP | condition, 1, 0, k);
	go(c, otherwise);
}

static void go_if(struct code *c, unsigned condition, uint32_t k, unsigned there)
{
	put(c, BPF_JMP | condition, 0, 1, k);
	go(c, there);
}

static void load(struct code *c, unsigned size, uint32_t offset)
{
	op(c, BPF_LD | size | BPF_IND, offset);
}

static void keep(struct code *c, enum cell cell)
{
	op(c, BPF_ST, cell);
}

static void fetch(struct code *c, enum cell cell)
{
	op(c, BPF_LD | BPF_MEM, cell);
}

static void fetch_x(struct code *c, enum cell cell)
{
	op(c, BPF_LDX | BPF_MEM, cell);
}

/* X += n; A stays. */
static void skip(struct code *c, uint32_t n)
{
	keep(c, CELL_VALUE);
	op(c, BPF_MISC | BPF_TXA, 0);
	op(c, BPF_ALU | BPF_ADD | BPF_K, n);
	op(c, BPF_MISC | BPF_TAX, 0);
	fetch(c, CELL_VALUE);
}

static void resolve(struct code *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->insns[i].code == (BPF_JMP | BPF_JA))
			c->insns[i].k = c->labels[c->insns[i].k] - i - 1;
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* The network's bits among the i-th 32 of an address. */
static uint32_t mask_of(struct ip_net net, unsigned i)
{
	unsigned from = 32 * i;

	return net.plen <= from ? 0 : net.plen >= from + 32 ? UINT32_MAX
	    : UINT32_MAX << (from + 32 - net.plen);
}

/* There if the address at X + offset is in the network. */
static void go_if_in(struct code *c, bool v6, uint32_t offset, struct ip_net net, unsigned there)
{
	unsigned miss;

	/* The first 96 bits of an IPv4 address are known. */
	for (unsigned i = 0; !v6 && i < 3; i++)
		if ((word_of(ip_from_v4(0), i) ^ word_of(net.base, i)) & mask_of(net, i))
			return;
	miss = label(c);
	for (unsigned i = v6 ? 0 : 3; i < 4; i++) {
		uint32_t mask = mask_of(net, i);
		uint32_t base = word_of(net.base, i) & mask;

		if (mask == 0)
			break;
		load(c, BPF_W, v6 ? offset + 4 * i : offset);
		if (mask != UINT32_MAX)
			op(c, BPF_ALU | BPF_AND | BPF_K, mask);
		need(c, BPF_JEQ, base, miss);
	}
	go(c, there);
	here(c, miss);
}

/* Goes on here if the address at X + offset is observed. */
static void need_observed(struct code *c, const struct fanout_options *o, bool v6, uint32_t offset,
    unsigned otherwise)
{
	unsigned observed = label(c);

	for (size_t i = 0; i < o->excluded_count && !c->full; i++)
		go_if_in(c, v6, offset, o->excluded[i], otherwise);
	for (size_t i = 0; i < o->net_count && !c->full; i++)
		go_if_in(c, v6, offset, o->nets[i], observed);
	if (o->net_count > 0)
		go(c, otherwise);
	here(c, observed);
}

/* fanout_ring() of the address at X + offset. */
static void put_ring(struct code *c, const struct fanout_options *o, bool v6, uint32_t offset)
{
	static const unsigned shifts[2] = {16, 13};
	static const uint32_t products[2] = {0x85ebca6b, 0xc2b2ae35};
	uint32_t start = o->seed;

	for (unsigned i = 0; v6 && i < 3; i++) {
		load(c, BPF_W, offset + 4 * i);
		op(c, BPF_ALU | BPF_MUL | BPF_K, factors[i]);
		keep(c, (enum cell)(CELL_WORD0 + i));
	}
	for (unsigned i = 0; !v6 && i < 3; i++)
		start += word_of(ip_from_v4(0), i) * factors[i];
	load(c, BPF_W, v6 ? offset + 12 : offset);
	op(c, BPF_ALU | BPF_MUL | BPF_K, factors[3]);
	for (unsigned i = 0; v6 && i < 3; i++) {
		fetch_x(c, (enum cell)(CELL_WORD0 + i));
		op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	}
	op(c, BPF_ALU | BPF_ADD | BPF_K, start);
	for (unsigned i = 0; i < 2; i++) {
		op(c, BPF_MISC | BPF_TAX, 0);
		op(c, BPF_ALU | BPF_RSH | BPF_K, shifts[i]);
		op(c, BPF_ALU | BPF_XOR | BPF_X, 0);
		op(c, BPF_ALU | BPF_MUL | BPF_K, products[i]);
	}
	op(c, BPF_MISC | BPF_TAX, 0);
	op(c, BPF_ALU | BPF_RSH | BPF_K, 16);
	op(c, BPF_ALU | BPF_XOR | BPF_X, 0);
	op(c, BPF_ALU | BPF_MOD | BPF_K, o->rings);
	op(c, BPF_RET | BPF_A, 0);
}

/* ---- link layer ----------------------------------------------------------------------------- */

static void put_type_exits(struct code *c, const struct exits *to)
{
	go_if(c, BPF_JEQ, 0x0800, to->ipv4);
	go_if(c, BPF_JEQ, 0x86dd, to->ipv6);
}

/* A is the type, X behind it; tags one after the other. */
static void put_types(struct code *c, const struct exits *to, unsigned llc, unsigned pppoe,
    unsigned mpls)
{
	static const uint32_t tags[] = {0x8100, 0x88a8, 0x9100, 0x9200};

	for (unsigned n = 0; n <= FANOUT_VLANS_MAX; n++) {
		unsigned tag = label(c);

		put_type_exits(c, to);
		go_if(c, BPF_JEQ, 0x8847, mpls);
		go_if(c, BPF_JEQ, 0x8848, mpls);
		go_if(c, BPF_JEQ, 0x8864, pppoe);
		need(c, BPF_JGT, LENGTH_MAX, llc);
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
			go_if(c, BPF_JEQ, tags[i], tag);
		go(c, to->none);
		here(c, tag);
		load(c, BPF_H, 2);
		skip(c, 4);
	}
	go(c, to->none);
}

/* RFC 1042, and IP's own service access point. */
static void put_llc(struct code *c, const struct exits *to)
{
	unsigned snap = label(c);

	load(c, BPF_H, 0);
	go_if(c, BPF_JEQ, 0xaaaa, snap);
	need(c, BPF_JEQ, 0x0606, to->none);
	skip(c, 3);
	go(c, to->ipv4);
	here(c, snap);
	load(c, BPF_B, 2);
	need(c, BPF_JEQ, 3, to->none);
	load(c, BPF_H, 6);
	skip(c, 8);
	put_type_exits(c, to);
	go(c, to->none);
}

/* RFC 2516; an odd first byte is the whole protocol (RFC 1661 6.5). */
static void put_pppoe(struct code *c, const struct exits *to, unsigned mpls)
{
	unsigned is_short = label(c);
	unsigned known = label(c);

	skip(c, 6);
	load(c, BPF_B, 0);
	go_if(c, BPF_JSET, 1, is_short);
	load(c, BPF_H, 0);
	skip(c, 2);
	go(c, known);
	here(c, is_short);
	skip(c, 1);
	here(c, known);
	go_if(c, BPF_JEQ, 0x0021, to->ipv4);
	go_if(c, BPF_JEQ, 0x0057, to->ipv6);
	go_if(c, BPF_JEQ, 0x0281, mpls);
	go(c, to->none);
}

static void put_version(struct code *c, const struct exits *to)
{
	load(c, BPF_B, 0);
	op(c, BPF_ALU | BPF_RSH | BPF_K, 4);
	go_if(c, BPF_JEQ, 4, to->ipv4);
	go_if(c, BPF_JEQ, 6, to->ipv6);
	go(c, to->none);
}

static void put_mpls(struct code *c, const struct exits *to)
{
	unsigned bottom = label(c);

	for (unsigned n = 0; n < FANOUT_LABELS_MAX; n++) {
		load(c, BPF_B, 2);
		skip(c, 4);
		go_if(c, BPF_JSET, 1, bottom);
	}
	go(c, to->none);
	here(c, bottom);
	put_version(c, to);
}

/* Inbound packets are shown from behind their Ethernet header, with its type beside them; the tag
 * in front has been taken off. */
static void put_link(struct code *c, const struct fanout_options *o, const struct exits *to)
{
	unsigned outbound = label(c);
	unsigned typed = label(c);
	unsigned llc = label(c);
	unsigned pppoe = label(c);
	unsigned mpls = label(c);

	op(c, BPF_LDX | BPF_IMM, 0);
	if (o->frames == FANOUT_RAW) {
		put_version(c, to);
		return;
	}
	if (o->frames == FANOUT_ETHERNET) {
		op(c, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
		go_if(c, BPF_JEQ, PACKET_OUTGOING, outbound);
		op(c, BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
		go(c, typed);
	}
	here(c, outbound);
	op(c, BPF_LDX | BPF_IMM, ETHERNET_LEN);
	op(c, BPF_LD | BPF_H | BPF_ABS, ETHERNET_TYPE);
	here(c, typed);
	put_types(c, to, llc, pppoe, mpls);
	here(c, llc);
	put_llc(c, to);
	here(c, pppoe);
	put_pppoe(c, to, mpls);
	here(c, mpls);
	put_mpls(c, to);
}

/* ---- network layer -------------------------------------------------------------------------- */

/* A is the datagram's end as its header has it; keeps that, or the end of what is there. */
static void keep_end(struct code *c)
{
	unsigned known = label(c);

	op(c, BPF_LDX | BPF_W | BPF_LEN, 0);
	put(c, BPF_JMP | BPF_JGT | BPF_X, 1, 0, 0);
	go(c, known);
	op(c, BPF_MISC | BPF_TXA, 0);
	here(c, known);
	keep(c, CELL_END);
}

static void keep_whole(struct code *c)
{
	op(c, BPF_LD | BPF_W | BPF_LEN, 0);
	keep(c, CELL_END);
}

/* Goes on here, with X at the ICMP header, if there is as much of it. */
static void need_quote(struct code *c, uint32_t len, unsigned otherwise)
{
	fetch(c, CELL_AT);
	op(c, BPF_ALU | BPF_ADD | BPF_K, ICMP_QUOTE + len);
	op(c, BPF_MISC | BPF_TAX, 0);
	fetch(c, CELL_END);
	put(c, BPF_JMP | BPF_JGE | BPF_X, 1, 0, 0);
	go(c, otherwise);
	fetch_x(c, CELL_AT);
}

/* The end of an IPv4 datagram and the beginning of what is behind its header; X changes. */
static void measure_ipv4(struct code *c, unsigned source)
{
	unsigned measured = label(c);
	unsigned whole = label(c);

	op(c, BPF_STX, CELL_START);
	load(c, BPF_B, 0);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0x0f);
	op(c, BPF_ALU | BPF_LSH | BPF_K, 2);
	need(c, BPF_JGE, IPV4_LEN, source);
	keep(c, CELL_VALUE); /* the header's length */
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	keep(c, CELL_AT);
	load(c, BPF_H, 2);
	fetch_x(c, CELL_VALUE);
	put(c, BPF_JMP | BPF_JGE | BPF_X, 1, 0, 0);
	go(c, whole);
	fetch_x(c, CELL_START);
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	keep_end(c);
	go(c, measured);
	here(c, whole);
	keep_whole(c);
	here(c, measured);
}

/* To an observed address: whom does an ICMP error quote, else the source. */
static void put_inbound_ipv4(struct code *c, const struct fanout_options *o)
{
	static const uint32_t errors[] = {3, 4, 5, 11, 12};
	unsigned source = label(c);
	unsigned is_error = label(c);

	op(c, BPF_STX, CELL_START);
	load(c, BPF_B, 9);
	need(c, BPF_JEQ, 1, source);
	load(c, BPF_H, 6);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0x3fff);
	need(c, BPF_JEQ, 0, source);
	measure_ipv4(c, source);
	need_quote(c, IPV4_LEN, source);
	load(c, BPF_B, 0);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		go_if(c, BPF_JEQ, errors[i], is_error);
	go(c, source);
	here(c, is_error);
	load(c, BPF_B, ICMP_QUOTE);
	need(c, BPF_JGE, 0x45, source); /* version 4, 20 bytes at least */
	go_if(c, BPF_JGT, 0x4f, source);
	put_ring(c, o, false, ICMP_QUOTE + 16);
	here(c, source);
	fetch_x(c, CELL_START);
	put_ring(c, o, false, 12);
}

/* X and CELL_VALUE (the next header) over one extension header; to `done` when there is none. */
static void put_extension(struct code *c, unsigned done, unsigned source)
{
	static const uint32_t plain[] = {0, 43, 60, 135, 139, 140};
	unsigned eights = label(c);
	unsigned fours = label(c);
	unsigned fragment = label(c);
	unsigned next = label(c);

	fetch(c, CELL_VALUE);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		go_if(c, BPF_JEQ, plain[i], eights);
	go_if(c, BPF_JEQ, 44, fragment);
	go_if(c, BPF_JEQ, 51, fours);
	go(c, done);
	here(c, fragment);
	load(c, BPF_H, 2);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0xfff9);
	need(c, BPF_JEQ, 0, source);
	op(c, BPF_LD | BPF_IMM, 8);
	go(c, next);
	here(c, fours); /* RFC 4302: four bytes at a time, less two */
	load(c, BPF_B, 1);
	op(c, BPF_ALU | BPF_ADD | BPF_K, 2);
	op(c, BPF_ALU | BPF_LSH | BPF_K, 2);
	go(c, next);
	here(c, eights);
	load(c, BPF_B, 1);
	op(c, BPF_ALU | BPF_ADD | BPF_K, 1);
	op(c, BPF_ALU | BPF_LSH | BPF_K, 3);
	here(c, next);
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	keep(c, CELL_AT);
	load(c, BPF_B, 0);
	keep(c, CELL_VALUE);
	fetch_x(c, CELL_AT);
}

static void measure_ipv6(struct code *c)
{
	unsigned measured = label(c);
	unsigned whole = label(c);

	load(c, BPF_B, 6);
	keep(c, CELL_VALUE);
	op(c, BPF_MISC | BPF_TXA, 0);
	op(c, BPF_ALU | BPF_ADD | BPF_K, IPV6_LEN);
	keep(c, CELL_AT);
	load(c, BPF_H, 4);
	go_if(c, BPF_JEQ, 0, whole);
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(c, BPF_ALU | BPF_ADD | BPF_K, IPV6_LEN);
	keep_end(c);
	go(c, measured);
	here(c, whole);
	keep_whole(c);
	here(c, measured);
}

static void put_inbound_ipv6(struct code *c, const struct fanout_options *o)
{
	unsigned source = label(c);
	unsigned done = label(c);

	op(c, BPF_STX, CELL_START);
	measure_ipv6(c);
	fetch_x(c, CELL_AT);
	for (unsigned n = 0; n < FANOUT_EXTENSIONS_MAX; n++)
		put_extension(c, done, source);
	here(c, done);
	fetch(c, CELL_VALUE);
	need(c, BPF_JEQ, 58, source);
	need_quote(c, IPV6_LEN, source);
	load(c, BPF_B, 0);
	go_if(c, BPF_JSET, 0x80, source);
	load(c, BPF_B, ICMP_QUOTE);
	op(c, BPF_ALU | BPF_RSH | BPF_K, 4);
	need(c, BPF_JEQ, 6, source);
	put_ring(c, o, true, ICMP_QUOTE + 24);
	here(c, source);
	fetch_x(c, CELL_START);
	put_ring(c, o, true, 8);
}

/* X is at the IP header; what is no address of ours goes by its source. */
static void put_ip(struct code *c, const struct fanout_options *o, bool v6)
{
	uint32_t src = v6 ? 8 : 12;
	uint32_t dst = v6 ? 24 : 16;
	unsigned other = label(c);
	unsigned neither = label(c);

	need_observed(c, o, v6, dst, other);
	if (v6)
		put_inbound_ipv6(c, o);
	else
		put_inbound_ipv4(c, o);
	here(c, other);
	need_observed(c, o, v6, src, neither);
	put_ring(c, o, v6, dst);
	here(c, neither);
	put_ring(c, o, v6, src);
}

int fanout_program(const struct fanout_options *o, struct sock_filter *insns, size_t *ret_count,
    struct err *err)
{
	struct code c = {.insns = insns};
	struct exits to;

	to.ipv4 = label(&c);
	to.ipv6 = label(&c);
	to.none = label(&c);
	put_link(&c, o, &to);
	here(&c, to.ipv4);
	put_ip(&c, o, false);
	here(&c, to.ipv6);
	put_ip(&c, o, true);
	here(&c, to.none);
	op(&c, BPF_RET | BPF_K, 0);
	if (c.full)
		return err_set(err, ST_LIMIT, "sensor.addresses and sensor.exclude: too many networks for "
		    "capture.rings: sum them up, or use one ring");
	resolve(&c);
	*ret_count = c.count;
	return ST_OK;
}
