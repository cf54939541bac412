/*
 * What a flow talks, from its first bytes: the patterns and ports that Suricata recognises
 * protocols by, so that a rule for a protocol sees the same flows.
 */
#include "detect/engine.h"

#include "base/rd.h"

#include <string.h>
#include <strings.h>

struct pattern {
	enum detect_app app;
	uint8_t side; /* 1 client, 2 server, 3 both */
	bool nocase;
	uint8_t offset;
	uint8_t len;
	const char *bytes;
};

#define TEXT(app, side, text) {app, side, true, 0, sizeof(text) - 1, text}
#define EXACT(app, side, offset, text) {app, side, false, offset, sizeof(text) - 1, text}

static const struct pattern patterns[] = {
	TEXT(APP_HTTP, 2, "HTTP/0.9"), TEXT(APP_HTTP, 2, "HTTP/1.0"), TEXT(APP_HTTP, 2, "HTTP/1.1"),
	EXACT(APP_HTTP2, 1, 0, "PRI * HTTP/2.0\r\n"),
	EXACT(APP_SSH, 3, 0, "SSH-"),
	EXACT(APP_SMB, 3, 4, "\xffSMB"), EXACT(APP_SMB, 3, 4, "\xfeSMB"),
	EXACT(APP_SMTP, 1, 0, "EHLO "), EXACT(APP_SMTP, 1, 0, "HELO "), EXACT(APP_SMTP, 1, 0, "QUIT"),
	TEXT(APP_FTP, 1, "USER "), TEXT(APP_FTP, 1, "PASS "), TEXT(APP_FTP, 1, "PORT "),
	TEXT(APP_FTP, 1, "AUTH SSL"), TEXT(APP_FTP, 1, "FEAT"),
	EXACT(APP_FTP, 2, 0, "220 ("),
	EXACT(APP_IMAP, 1, 0, "1 capability"),
	EXACT(APP_RFB, 3, 0, "RFB "),
	EXACT(APP_DCERPC, 3, 0, "\x05\x00"),
	EXACT(APP_SIP, 1, 0, "INVITE sip:"), EXACT(APP_SIP, 1, 0, "REGISTER sip:"),
	EXACT(APP_SIP, 1, 0, "OPTIONS sip:"), EXACT(APP_SIP, 2, 0, "SIP/2.0 "),
	EXACT(APP_BITTORRENT, 3, 0, "\x13" "BitTorrent protocol"),
};

static const char *const http_methods[] = {
	"GET", "PUT", "POST", "HEAD", "TRACE", "OPTIONS", "CONNECT", "DELETE", "PATCH", "PROPFIND",
	"PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "CHECKOUT", "UNCHECKOUT", "CHECKIN",
	"UPDATE", "LABEL", "REPORT", "MKWORKSPACE", "MKACTIVITY", "MERGE", "INVALID",
	"VERSION-CONTROL", "BASELINE-CONTROL",
};

/* 1 it is, 0 it could still be, -1 it is not. */
static int compare(const uint8_t *data, size_t len, const char *bytes, size_t n, bool nocase)
{
	size_t common = len < n ? len : n;

	if (nocase ? strncasecmp((const char *)data, bytes, common) != 0
	           : memcmp(data, bytes, common) != 0)
		return -1;
	return len >= n ? 1 : 0;
}

static int http_request(const uint8_t *data, size_t len)
{
	int best = -1;

	for (size_t i = 0; i < sizeof(http_methods) / sizeof(http_methods[0]); i++) {
		size_t n = strlen(http_methods[i]);
		int same = compare(data, len, http_methods[i], n, true);

		if (same == 1)
			same = len == n ? 0 : data[n] == ' ' || data[n] == '\t' ? 1 : -1;
		if (same > best)
			best = same;
	}
	return best;
}

/* A record of SSL 3 to TLS 1.3, or a hello of SSL 2. */
static int tls_record(const uint8_t *data, size_t len)
{
	if (data[0] >= 0x14 && data[0] <= 0x17) {
		if (len < 3)
			return 0;
		return data[1] == 3 && data[2] <= 4 ? 1 : -1;
	}
	if (data[0] & 0x80) {
		if (len < 5)
			return 0;
		return data[2] == 1 && ((data[3] == 0 && data[4] == 2) || (data[3] == 3 && data[4] <= 3))
		    ? 1 : -1;
	}
	return -1;
}

static bool dns_header(const uint8_t *p, size_t len, enum flow_side side)
{
	uint16_t flags;

	if (len < 12)
		return false;
	flags = rd_at_u16be(p + 2);
	if (((flags >> 15) != 0) != (side == SIDE_SERVER))
		return false;
	if ((flags >> 11 & 15) > 6)
		return false;
	return rd_at_u16be(p + 4) <= 255 && (rd_at_u16be(p + 4) > 0 || side == SIDE_SERVER);
}

static enum detect_app by_port(enum flow_side side, const uint8_t *data, size_t len, uint16_t port)
{
	switch (port) {
	case 53:
		if (len >= 14 && rd_at_u16be(data) >= 12 && dns_header(data + 2, len - 2, side))
			return APP_DNS;
		break;
	case 1883:
		if (len >= 2 && side == SIDE_CLIENT && data[0] == 0x10)
			return APP_MQTT;
		break;
	case 25:
	case 465:
	case 587:
		if (side == SIDE_SERVER && len >= 4 && memcmp(data, "220", 3) == 0)
			return APP_SMTP;
		break;
	case 3389:
		if (len >= 4 && data[0] == 3 && data[1] == 0 && len >= 6 && (data[5] == 0xe0 || data[5] == 0xd0))
			return APP_RDP;
		break;
	case 502:
		if (len >= 8 && data[2] == 0 && data[3] == 0)
			return APP_MODBUS;
		break;
	case 5432:
		if (side == SIDE_CLIENT && len >= 8 && data[0] == 0 && data[1] == 0)
			return APP_PGSQL;
		break;
	case 23:
		if (len >= 2 && data[0] == 0xff)
			return APP_TELNET;
		break;
	default:
		break;
	}
	return APP_UNKNOWN;
}

enum detect_app app_find_stream(enum flow_side side, const uint8_t *data, size_t len,
    uint16_t server_port)
{
	uint8_t mask = side == SIDE_CLIENT ? 1 : 2;
	enum detect_app app;
	int best = -1;
	int same;

	if (len == 0)
		return APP_UNKNOWN;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		const struct pattern *p = &patterns[i];

		if (!(p->side & mask))
			continue;
		if (len <= p->offset)
			same = 0;
		else
			same = compare(data + p->offset, len - p->offset, p->bytes, p->len, p->nocase);
		if (same == 1)
			return p->app;
		best = same > best ? same : best;
	}
	same = side == SIDE_CLIENT ? http_request(data, len) : -1;
	if (same == 1)
		return APP_HTTP;
	best = same > best ? same : best;
	same = tls_record(data, len);
	if (same == 1)
		return APP_TLS;
	best = same > best ? same : best;
	app = by_port(side, data, len, server_port);
	if (app != APP_UNKNOWN)
		return app;
	return best == 0 || len < 4 ? APP_UNKNOWN : APP_FAILED;
}

/* A long header (RFC 9000, 17.2) of a version that is in use. */
static bool is_quic(const uint8_t *p, size_t len)
{
	uint32_t version;

	if (len < 32 || (p[0] & 0xc0) != 0xc0)
		return false;
	version = rd_at_u32be(p + 1);
	return version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000
	    || (version >> 24 == 'Q' && (version >> 16 & 0xff) == '0');
}

enum detect_app app_find_datagram(enum flow_side side, const uint8_t *data, size_t len,
    uint16_t client_port, uint16_t server_port)
{
	if (server_port == 53 || client_port == 53) {
		bool answer = len > 2 && data[2] & 0x80;

		return dns_header(data, len, answer ? SIDE_SERVER : SIDE_CLIENT) ? APP_DNS : APP_UNKNOWN;
	}
	if ((server_port == 161 || server_port == 162) && len > 6 && data[0] == 0x30)
		return APP_SNMP;
	if (server_port == 123 && len >= 48 && ((data[0] >> 3 & 7) == 3 || (data[0] >> 3 & 7) == 4))
		return APP_NTP;
	if (server_port == 69 && len >= 4 && data[0] == 0 && data[1] >= 1 && data[1] <= 5)
		return APP_TFTP;
	if ((server_port == 67 || server_port == 68) && len >= 240)
		return APP_DHCP;
	if (server_port == 500 && len >= 28)
		return APP_IKE;
	if ((server_port == 443 || server_port == 80) && is_quic(data, len))
		return APP_QUIC;
	if (side == SIDE_CLIENT && len > 8
	    && (memcmp(data, "INVITE s", 8) == 0 || memcmp(data, "REGISTER", 8) == 0
	        || memcmp(data, "OPTIONS s", 9) == 0 || memcmp(data, "SIP/2.0 ", 8) == 0))
		return APP_SIP;
	return APP_UNKNOWN;
}
