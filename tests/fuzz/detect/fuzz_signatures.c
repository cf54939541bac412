/*
 * Sessions and datagrams against a few rules of every kind: whatever is said, no more is raised
 * than matched, and memory goes back.
 *
 * The input: records of a flags byte (1 to the client, 2 datagram, 4 raw IP packet, 8 FIN, 16 a
 * gap), a length byte and so many bytes.
 */
#include "detect/signatures.h"

#include "base/rd.h"

#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 200
#define PACKET_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char rules[] =
    "alert http any any -> any any (http.uri; content:\"a\"; http.header; content:\"b\"; sid:1;)\n"
    "alert http any any -> any any (file_data; content:\"a\"; sid:2;)\n"
    "alert http any any -> any any (http.host; dotprefix; content:\".e\"; pcre:\"/e.*$/R\"; sid:3;)\n"
    "alert http any any -> any any (http.header_names; content:\"|0d 0a|\"; http.start; content:\"x\"; sid:4;)\n"
    "alert http any any -> any any (http.request_body; base64_decode; base64_data; content:\"a\"; sid:5;)\n"
    "alert tls any any -> any any (tls.sni; content:\"a\"; sid:6;)\n"
    "alert tls any any -> any any (tls.cert_subject; content:\"CN\"; tls.certs; content:\"|30|\"; sid:7;)\n"
    "alert tls any any -> any any (ja3.hash; content:\"a\"; ja4.hash; content:\"t\"; sid:8;)\n"
    "alert ssh any any -> any any (ssh.software; content:\"o\"; sid:9;)\n"
    "alert ssh any any -> any any (ssh.hassh; content:\"a\"; sid:10;)\n"
    "alert dns any any -> any any (dns.query; content:\"a\"; sid:11;)\n"
    "alert mqtt any any -> any any (mqtt.connect.clientid; content:\"a\"; sid:12;)\n"
    "alert tcp any any -> any any (content:\"a\"; byte_extract:1,0,n,relative; isdataat:n,relative; sid:13;)\n"
    "alert tcp any any -> any any (byte_jump:2,1,relative,little; content:\"z\"; within:9; sid:14;)\n"
    "alert ip any any -> any any (content:\"|00|\"; threshold:type limit,track by_src,count 2,seconds 9; sid:15;)\n"
    "alert snmp any any -> any any (snmp.community; content:\"p\"; sid:17;)\n"
    "alert http2 any any -> any any (http.uri; content:\"a\"; http.header; content:\"b\"; sid:19;)\n"
    "alert http any any -> any any (file.name; content:\"a\"; filesize:>3; sid:20;)\n"
    "alert sip any any -> any any (sip.uri; content:\"s\"; sid:18;)\n"
    "alert pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; sid:16;)\n";

static void take(void *arg, const struct signatures_alert *alert)
{
	uint64_t *count = arg;

	if (alert->sid == 0 || alert->sid > 20)
		abort();
	*count += !alert->suppressed;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

struct talk {
	struct signatures *s;
	uint32_t seq[2];
	uint16_t port;
	int64_t time_us;
};

static void send_raw(struct talk *t, const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct decode_packet p = {.data = exact, .data_len = (uint32_t)len, .time_us = t->time_us += 1000};

	if (!exact)
		abort();
	if (len)
		memcpy(exact, bytes, len);
	signatures_add(t->s, &p, 1);
	free(exact);
}

static void send(struct talk *t, unsigned side, bool udp, uint8_t flags, const uint8_t *bytes,
    size_t len)
{
	uint8_t p[PACKET_MAX] = {0x45};
	size_t header = udp ? 8 : 20;

	put16(p + 2, (unsigned)(20 + header + len));
	p[8] = 64;
	p[9] = udp ? 17 : 6;
	put32(p + 12, side ? 0xc0000201 : 0xc6336401);
	put32(p + 16, side ? 0xc6336401 : 0xc0000201);
	put16(p + 20, side ? t->port : 40000);
	put16(p + 22, side ? 40000 : t->port);
	if (udp) {
		put16(p + 24, (unsigned)(8 + len));
	} else {
		put32(p + 24, t->seq[side]);
		put32(p + 28, t->seq[!side]);
		p[32] = 0x50;
		p[33] = flags;
		t->seq[side] += (uint32_t)len + ((flags & 3) != 0);
	}
	if (len)
		memcpy(p + 20 + header, bytes, len);
	send_raw(t, p, 20 + header + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct signatures *engine;
	static uint64_t raised;
	struct signatures_text text = {"fuzz", rules, sizeof(rules) - 1};
	struct signatures_options options = {.texts = &text, .text_count = 1, .flows_max = 64,
		.memory_max = 1 << 20, .alert = take, .arg = &raised};
	struct rd r = rd_init(data, len);
	struct talk t = {.seq = {7, 9}, .time_us = 1};
	struct err err = {0};

	if (!engine && signatures_new(&options, &engine, &err))
		abort();
	t.s = engine;
	switch (rd_u8(&r) % 6) {
	case 0:
		t.port = 80;
		break;
	case 1:
		t.port = 53;
		break;
	case 2:
		t.port = 1883;
		break;
	case 3:
		t.port = 161;
		break;
	case 4:
		t.port = 5060;
		break;
	default:
		t.port = 443;
		break;
	}
	send(&t, 0, false, 0x02, NULL, 0);
	send(&t, 1, false, 0x12, NULL, 0);
	send(&t, 0, false, 0x10, NULL, 0);
	for (int i = 0; i < RECORDS_MAX && rd_left(&r) >= 2; i++) {
		uint8_t flags = rd_u8(&r);
		size_t n = rd_u8(&r);
		const uint8_t *p;

		n = n < rd_left(&r) ? n : rd_left(&r);
		p = rd_take(&r, n);
		if (flags & 4) {
			send_raw(&t, p, n);
			continue;
		}
		if (flags & 16)
			t.seq[flags & 1] += 3;
		send(&t, flags & 1, flags & 2, flags & 8 ? 0x11 : 0x18, p, n);
	}
	signatures_flush(engine);
	if (signatures_counters(engine)->alerts != raised
	    || signatures_counters(engine)->matches < raised)
		abort();
	return 0;
}
