/*
 * The probes as fixed bytes with the few places that vary filled in from the key.
 *
 * DNS: RFC 1035 and 6891; NTP: RFC 5905 (mode 3) and ntpd's private mode 7 (monlist); SSDP: UPnP
 * 1.1; SNMP: RFC 1157; CLDAP: RFC 1798; CoAP: RFC 7252; SIP: RFC 3261; IKE: RFC 7296; ICMP quotes:
 * RFC 792; MQTT: OASIS MQTT 3.1.1; HTTP: RFC 9110 and 7617.
 */
#include "simulate/payload.h"

#include "base/wr.h"
#include "simulate/rng.h"

#include <stdbool.h>
#include <string.h>

#define RANDOM_LENGTH_MAX 1200
#define QUOTED_TTL 240

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct payload_text {
	uint16_t len;
	const char *data;
};
#define TEXT(literal) {sizeof(literal) - 1, literal}

/* Payloads that do not vary. */
static const struct payload_text fixed[PAYLOAD_COUNT] = {
    [PAYLOAD_NTP_MONLIST] = TEXT("\x17\x00\x03\x2a\x00\x00\x00\x00"),
    [PAYLOAD_SSDP] = TEXT("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
                          "MAN: \"ssdp:discover\"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n"),
    [PAYLOAD_SNMP_GET] = TEXT("\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\x00"
                              "\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00"
                              "\x05\x00"),
    [PAYLOAD_CLDAP] = TEXT("\x30\x25\x02\x01\x01\x63\x20\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01"
                           "\x00\x02\x01\x00\x01\x01\x00\x87\x0bobjectclass\x30\x00"),
    [PAYLOAD_MEMCACHED] = TEXT("\x00\x01\x00\x00\x00\x01\x00\x00stats\r\n"),
    [PAYLOAD_COAP] = TEXT("\x40\x01\x7d\x70\xbb.well-known\x04" "core"),
    [PAYLOAD_NETIS] = TEXT("AAAAAAAAnetcore\0"),
    [PAYLOAD_HTTP_401] = TEXT("HTTP/1.1 401 Unauthorized\r\nServer: httpd\r\n"
                              "WWW-Authenticate: Basic realm=\"router\"\r\n"
                              "Content-Length: 0\r\nConnection: close\r\n\r\n"),
};

static const struct payload_login logins[] = {
    {"admin", "admin"}, {"root", "root"}, {"admin", "password"}, {"admin", "1234"},
    {"user", "user"}, {"admin", "12345"}, {"guest", "guest"}, {"support", "support"},
    {"root", "vizxv"}, {"admin", ""}, {"mqtt", "mqtt"}, {"test", "test"},
};

static const char *const http_paths[] = {
    "/", "/.env", "/cgi-bin/luci/", "/.git/config", "/boaform/admin/formLogin", "/favicon.ico",
    "/robots.txt", "/actuator/health", "/login.cgi", "/HNAP1",
};

const struct payload_login *payload_login(enum payload_kind kind, uint64_t key)
{
	(void)kind;
	return &logins[key % COUNT_OF(logins)];
}

static void write_text(struct wr *w, const char *text)
{
	wr_bytes(w, text, strlen(text));
}

static void write_dns_head(struct wr *w, uint16_t id, uint16_t additional)
{
	wr_u16be(w, id);
	wr_u16be(w, 0x0100);
	wr_u16be(w, 1);
	wr_u16be(w, 0);
	wr_u16be(w, 0);
	wr_u16be(w, additional);
}

static void write_dns(struct wr *w, enum payload_kind kind, uint64_t key)
{
	static const char any[] = "\x07" "example\x03" "com\x00\x00\xff\x00\x01"
	    "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00";
	static const char version[] = "\x07" "version\x04" "bind\x00\x00\x10\x00\x03";

	write_dns_head(w, (uint16_t)key, kind == PAYLOAD_DNS_ANY);
	if (kind == PAYLOAD_DNS_ANY) {
		wr_bytes(w, any, sizeof any - 1);
	} else if (kind == PAYLOAD_DNS_VERSION) {
		wr_bytes(w, version, sizeof version - 1);
	} else {
		wr_u8(w, 8);
		for (int i = 0; i < 8; i++)
			wr_u8(w, (uint8_t)('a' + (key >> (8 * i) & 0xff) % 26));
		write_text(w, "\x07" "example\x03" "net");
		wr_u8(w, 0);
		wr_u32be(w, 0x00010001);
	}
}

static void write_ntp_client(struct wr *w)
{
	wr_u8(w, 0xe3);
	wr_u8(w, 0);
	wr_u8(w, 4);
	wr_u8(w, 0xfa);
	for (int i = 0; i < 44; i++)
		wr_u8(w, 0);
}

static void write_sip(struct wr *w, uint64_t key)
{
	char branch[17];

	for (int i = 0; i < 16; i++)
		branch[i] = "0123456789abcdef"[key >> (4 * i) & 15];
	branch[16] = 0;
	write_text(w, "OPTIONS sip:100@example.com SIP/2.0\r\n"
	              "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-");
	write_text(w, branch);
	write_text(w, "\r\nMax-Forwards: 70\r\nFrom: \"sipvicious\"<sip:100@example.com>;tag=");
	write_text(w, branch);
	write_text(w, "\r\nTo: \"sipvicious\"<sip:100@example.com>\r\nCall-ID: ");
	write_text(w, branch);
	write_text(w, "\r\nCSeq: 1 OPTIONS\r\nContact: <sip:100@192.0.2.1:5060>\r\n"
	              "User-Agent: friendly-scanner\r\nAccept: application/sdp\r\n"
	              "Content-Length: 0\r\n\r\n");
}

static void write_ike(struct wr *w, uint64_t key)
{
	/* One proposal: AES-CBC-128, HMAC-SHA2-256 twice, Diffie-Hellman group 14. */
	static const char association[] =
	    "\x00\x00\x00\x30\x00\x00\x00\x2c\x01\x01\x00\x04"
	    "\x03\x00\x00\x0c\x01\x00\x00\x0c\x80\x0e\x00\x80\x03\x00\x00\x08\x02\x00\x00\x05"
	    "\x03\x00\x00\x08\x03\x00\x00\x0c\x00\x00\x00\x08\x04\x00\x00\x0e";

	wr_u64be(w, key | 1);
	wr_u64be(w, 0);
	wr_u8(w, 33);   /* next payload: security association */
	wr_u8(w, 0x20); /* version 2.0 */
	wr_u8(w, 34);   /* IKE_SA_INIT */
	wr_u8(w, 0x08);
	wr_u32be(w, 0);
	wr_u32be(w, 28 + sizeof association - 1);
	wr_bytes(w, association, sizeof association - 1);
}

static void write_random(struct wr *w, uint64_t key)
{
	size_t len = (size_t)(key & 0xffff);
	uint64_t word = key;

	if (len > RANDOM_LENGTH_MAX)
		len = RANDOM_LENGTH_MAX;
	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			word = rng_mix(word);
		wr_u8(w, (uint8_t)(word >> (i % 8 * 8)));
	}
}

static void write_ping(struct wr *w)
{
	wr_u64be(w, 0);
	wr_u64be(w, 0);
	for (int i = 0; i < 40; i++)
		wr_u8(w, (uint8_t)(16 + i));
}

/* The datagram that the attacker sent with our address as source, as it reached the victim. */
static void write_quote(struct wr *w, enum payload_kind kind, uint64_t key, uint32_t observed)
{
	struct wr header;
	uint8_t ip[20];
	uint64_t sum = 0;
	bool tcp = kind == PAYLOAD_QUOTE_TCP;

	for (int pass = 0; pass < 2; pass++) {
		header = wr_init(ip, sizeof ip);
		wr_u16be(&header, 0x4500);
		wr_u16be(&header, tcp ? 40 : 28 + 32);
		wr_u16be(&header, (uint16_t)rng_mix(key));
		wr_u16be(&header, 0);
		wr_u8(&header, (uint8_t)(QUOTED_TTL - rng_mix(key) % 12));
		wr_u8(&header, tcp ? 6 : 17);
		wr_u16be(&header, pass ? (uint16_t)~sum : 0);
		wr_u32be(&header, observed);
		wr_u32be(&header, (uint32_t)(key >> 32));
		for (size_t i = 0; !pass && i < sizeof ip; i += 2)
			sum += (uint64_t)ip[i] << 8 | ip[i + 1];
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
	}
	wr_bytes(w, ip, sizeof ip);
	wr_u16be(w, (uint16_t)(key >> 16));
	wr_u16be(w, (uint16_t)key);
	if (tcp) {
		wr_u32be(w, (uint32_t)rng_mix(key + 1));
	} else {
		wr_u16be(w, 8 + 32);
		wr_u16be(w, 0);
	}
}

static void write_mqtt_string(struct wr *w, const char *text)
{
	wr_u16be(w, (uint16_t)strlen(text));
	write_text(w, text);
}

static void write_mqtt(struct wr *w, enum payload_kind kind, uint64_t key)
{
	static const char client[] = "mqtt-explorer";
	const struct payload_login *login = payload_login(kind, key);
	bool anonymous = kind == PAYLOAD_MQTT_ANONYMOUS;
	size_t len = 10 + 2 + sizeof client - 1;

	if (!anonymous)
		len += 4 + strlen(login->user) + strlen(login->password);
	wr_u8(w, 0x10);
	wr_u8(w, (uint8_t)len);
	write_mqtt_string(w, "MQTT");
	wr_u8(w, 4);
	wr_u8(w, anonymous ? 0x02 : 0xc2);
	wr_u16be(w, 60);
	write_mqtt_string(w, client);
	if (!anonymous) {
		write_mqtt_string(w, login->user);
		write_mqtt_string(w, login->password);
	}
}

static void write_base64(struct wr *w, const uint8_t *data, size_t len)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)data[i] << 16;

		v |= i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0;
		v |= i + 2 < len ? data[i + 2] : 0;
		wr_u8(w, (uint8_t)digits[v >> 18]);
		wr_u8(w, (uint8_t)digits[v >> 12 & 63]);
		wr_u8(w, (uint8_t)(i + 1 < len ? digits[v >> 6 & 63] : '='));
		wr_u8(w, (uint8_t)(i + 2 < len ? digits[v & 63] : '='));
	}
}

static void write_http(struct wr *w, enum payload_kind kind, uint64_t key)
{
	uint8_t plain[64];
	struct wr p = wr_init(plain, sizeof plain);
	const struct payload_login *login = payload_login(kind, key);
	bool basic = kind == PAYLOAD_HTTP_BASIC;

	write_text(w, "GET ");
	write_text(w, basic ? "/" : http_paths[key % COUNT_OF(http_paths)]);
	write_text(w, " HTTP/1.1\r\nHost: device.example\r\n");
	if (basic) {
		write_text(&p, login->user);
		wr_u8(&p, ':');
		write_text(&p, login->password);
		write_text(w, "Authorization: Basic ");
		write_base64(w, plain, wr_len(&p));
		write_text(w, "\r\n");
	}
	write_text(w, "User-Agent: Mozilla/5.0 zgrab/0.x\r\nAccept: */*\r\n\r\n");
}

size_t payload_write(enum payload_kind kind, uint64_t key, uint32_t observed, uint8_t *out,
    size_t cap)
{
	struct wr w = wr_init(out, cap);

	switch (kind) {
	case PAYLOAD_DNS_ANY:
	case PAYLOAD_DNS_A:
	case PAYLOAD_DNS_VERSION:
		write_dns(&w, kind, key);
		break;
	case PAYLOAD_NTP_CLIENT:
		write_ntp_client(&w);
		break;
	case PAYLOAD_SIP_OPTIONS:
		write_sip(&w, key);
		break;
	case PAYLOAD_IKE:
		write_ike(&w, key);
		break;
	case PAYLOAD_RANDOM:
		write_random(&w, key);
		break;
	case PAYLOAD_PING:
		write_ping(&w);
		break;
	case PAYLOAD_QUOTE_TCP:
	case PAYLOAD_QUOTE_UDP:
		write_quote(&w, kind, key, observed);
		break;
	case PAYLOAD_MQTT_LOGIN:
	case PAYLOAD_MQTT_ANONYMOUS:
		write_mqtt(&w, kind, key);
		break;
	case PAYLOAD_HTTP_BASIC:
	case PAYLOAD_HTTP_GET:
		write_http(&w, kind, key);
		break;
	case PAYLOAD_CONNACK:
		wr_u32be(&w, 0x20020000u | (uint32_t)(key & 0xff));
		break;
	case PAYLOAD_NTP_MONLIST:
	case PAYLOAD_SSDP:
	case PAYLOAD_SNMP_GET:
	case PAYLOAD_CLDAP:
	case PAYLOAD_MEMCACHED:
	case PAYLOAD_COAP:
	case PAYLOAD_NETIS:
	case PAYLOAD_HTTP_401:
		wr_bytes(&w, fixed[kind].data, fixed[kind].len);
		break;
	case PAYLOAD_NONE:
	case PAYLOAD_COUNT:
		break;
	}
	return wr_len(&w);
}
