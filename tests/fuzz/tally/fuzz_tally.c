/*
 * A few packets through decoder, classes, rows and summary: whatever they are, the rows hold every
 * counted packet once and each read packet has one fate.
 *
 * The input: one byte of options, then packets of four bytes (link type, length, seconds, flags of
 * the time) and their bytes.
 */
#include "base/civil.h"
#include "base/rd.h"
#include "tally/summary.h"
#include "tally/tally.h"

#include <stdlib.h>
#include <string.h>

#define PACKETS_MAX 64

struct sums {
	struct summary *summary;
	uint64_t packets;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int take(void *arg, const struct tally_rows *rows)
{
	struct sums *sums = arg;

	for (uint32_t i = 0; i < rows->count; i++) {
		struct record_flow flow;

		tally_row_flow(rows, i, &flow);
		if (flow.packets == 0 || flow.first_second > flow.last_second || flow.last_second > 59
		    || flow.dsts == 0 || flow.dsts > flow.packets
		    || flow.class >= RECORD_CLASS_COUNT || flow.time % CIVIL_US_PER_MINUTE)
			abort();
		if (flow.class != RECORD_CLASS_BACKSCATTER && (flow.victim_hi || flow.victim_lo))
			abort();
		sums->packets += flow.packets;
	}
	return summary_add(sums->summary, rows);
}

/* Reads packets; time_flags chooses the year, so that minutes come out of order and far apart. */
static size_t read_packets(struct rd *r, struct capture_packet *packets)
{
	size_t n = 0;

	while (n < PACKETS_MAX && rd_left(r) >= 4) {
		struct capture_packet *p = &packets[n];
		uint8_t linktype = rd_u8(r);
		size_t packet_len = rd_u8(r);
		uint8_t second = rd_u8(r);
		uint8_t far = rd_u8(r);

		if (packet_len > rd_left(r))
			packet_len = rd_left(r);
		*p = (struct capture_packet){
			.len = (uint32_t)packet_len,
			.wire_len = (uint32_t)packet_len,
			.linktype = linktype,
			.time_us = (int64_t)second * 7 * CIVIL_US_PER_SECOND
			    + (far & 0x80 ? -1 : 1) * (int64_t)(far & 3) * 86400000000ll * 900,
		};
		p->data = rd_take(r, packet_len);
		n++;
	}
	return n;
}

static void check(const struct tally_counters *c, const struct sums *sums)
{
	uint64_t dropped = 0;
	uint64_t classes = 0;

	for (unsigned i = 0; i < DECODE_DROP_COUNT; i++)
		dropped += c->dropped[i];
	for (unsigned i = 0; i < RECORD_CLASS_COUNT; i++)
		classes += c->classes[i];
	if (c->read != c->counted + dropped || c->counted != sums->packets || c->counted != classes
	    || c->counted != c->ip4 + c->ip6
	    || c->counted != c->tcp + c->udp + c->icmp + c->icmpv6 + c->other_transport)
		abort();
}

static void check_summary(const struct tally_counters *c, struct summary *summary)
{
	struct summary_country *countries = NULL;
	struct summary_port *ports = NULL;
	struct summary_tool *tools = NULL;
	uint64_t by_port = 0;
	uint64_t by_country = 0;
	size_t count;

	summary_close(summary);
	if (summary_finish(summary) || summary_ports(summary, &ports, &count))
		abort();
	for (size_t i = 0; i < count; i++)
		by_port += ports[i].packets;
	if (summary_countries(summary, &countries, &count))
		abort();
	for (size_t i = 0; i < count; i++)
		by_country += countries[i].packets;
	if (summary_tools(summary, &tools, &count))
		abort();
	if (by_port != c->classes[RECORD_CLASS_REQUEST] || by_country != by_port)
		abort();
	free(ports);
	free(countries);
	free(tools);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct ip_net net = {{0, IP_V4_PREFIX | 0xc0000200u}, 120};
	static const struct ip_net out = {{0, IP_V4_PREFIX | 0xc0000201u}, 128};
	static struct tools *tools;
	struct capture_packet views[PACKETS_MAX];
	struct decode_packet packets[PACKETS_MAX];
	struct rd r = rd_init(data, len);
	uint8_t how = rd_u8(&r);
	struct sums sums = {0};
	struct tally *tally = NULL;
	struct tally_options options = {.nets = &net, .net_count = how & 1, .excluded = &out,
		.excluded_count = how >> 1 & 1, .sink = take, .sink_arg = &sums};
	size_t step = how & 4 ? 1 : PACKETS_MAX;
	size_t count;

	if (!tools && tools_new(NULL, &tools, NULL))
		abort();
	options.tools = tools;
	if (summary_new(&(struct summary_options){.tools = tools}, &sums.summary) || tally_new(&options, &tally, NULL))
		abort();
	count = read_packets(&r, views);
	memset(packets, 0xa5, sizeof(packets));
	decode_batch(views, count, packets);
	for (size_t at = 0; at < count; at += step)
		if (tally_add(tally, packets + at, count - at < step ? count - at : step))
			abort();
	if (tally_flush(tally))
		abort();
	check(tally_counters(tally), &sums);
	check_summary(tally_counters(tally), sums.summary);
	tally_free(tally);
	summary_free(sums.summary);
	return 0;
}
