/*
 * teiten sensor: what a running sensor does (status, tail), and the firewall rules that lead every
 * port to it (rules).
 */
#include "cmd/command.h"

#include "base/hash.h"
#include "os/file.h"
#include "os/sandbox.h"
#include "protocol/protocol.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "sensor.sock"
#define STATUS_MAX (4u << 20)
#define MARK 1      /* of packets that are led to the sensor */
#define ROUTES 100  /* number of the routing table for them */
#define PERCENT_ALL 100

static const char *const sensor_options[] = {"-s=", "--store=", NULL};

struct sensor_request {
	struct command_common common;
	const char *store;
};

static int run(int argc, char **argv);

const struct command command_sensor = {
    .name = "sensor",
    .summary = "Ask a running sensor, and print its firewall rules",
    .usage =
        "usage: teiten sensor status [-s STORE] [--json]\n"
        "       teiten sensor tail [-s STORE] [--json] [--credentials]\n"
        "       teiten sensor rules [-c FILE]\n"
        "\n"
        "status shows the workers of the running teiten-sensor, what each protocol has heard, and\n"
        "what was lost (with capture.rings by each ring, too).  tail prints sessions, logins,\n"
        "commands and alerts of signatures as they come, until it is interrupted; passwords are\n"
        "masked unless --credentials.  rules prints the nftables set and the routes that\n"
        "respond.any_port needs, for the configuration's addresses and ports; apply them yourself,\n"
        "as root.\n"
        "\n"
        "The sensor is found by the store it writes (-s, else store.path).\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage, 4 no sensor runs there.\n"
        "\n"
        "Examples:\n"
        "  teiten sensor status\n"
        "  teiten sensor tail -s /var/lib/teiten --credentials\n"
        "  teiten sensor rules -c /etc/teiten/teiten.yaml | nft -f -\n",
    .run = run,
};

static int connect_to(const struct sensor_request *r, const char *ask)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *store = r->store ? r->store : command_configuration()->store.path;
	int fd;

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", store, SOCKET_NAME)
	    >= sizeof(address.sun_path)) {
		command_error(&command_sensor, "%s: too long for a socket's name", store);
		return -COMMAND_FAILED;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		bool nobody = errno == ENOENT || errno == ECONNREFUSED;

		command_error(&command_sensor, nobody ? "no sensor runs with the store %s (start it with "
		    "teiten-sensor -c FILE)" : "%s: %s", nobody ? store : address.sun_path,
		    st_text(-errno));
		if (fd >= 0)
			(void)close(fd);
		return nobody ? -COMMAND_NOT_FOUND : -COMMAND_FAILED;
	}
	if (write(fd, ask, strlen(ask)) < 0) {
		command_error(&command_sensor, "%s: %s", address.sun_path, st_text(-errno));
		(void)close(fd);
		return -COMMAND_FAILED;
	}
	return fd;
}

/* ---- status --------------------------------------------------------------------------------- */

struct pair {
	const char *name;
	json_int_t count;
};

static int by_count(const void *va, const void *vb)
{
	const struct pair *a = va;
	const struct pair *b = vb;

	return a->count != b->count ? (a->count > b->count ? -1 : 1) : strcmp(a->name, b->name);
}

/* "  telnet 812, http 40" for an object of counts, the largest first. */
static void print_counts(const char *heading, const json_t *counts)
{
	size_t size = json_object_size(counts);
	struct pair *list = command_need(calloc(size + 1, sizeof(*list)));
	size_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)counts, key, value) {
		list[n].name = key;
		list[n++].count = json_integer_value(value);
	}
	qsort(list, n, sizeof(*list), by_count);
	if (n > 0)
		(void)printf("%s\n", heading);
	for (size_t i = 0; i < n; i++)
		(void)printf("  %-32s %12lld\n", list[i].name, (long long)list[i].count);
	free(list);
}

static long long count_of(const json_t *status, const char *name)
{
	return (long long)json_integer_value(json_object_get(status, name));
}

static void print_worker(const char *name, const json_t *worker, bool ja)
{
	long long pid = count_of(worker, "pid");

	if (!json_is_true(json_object_get(worker, "wanted")))
		(void)printf("  %-9s %s\n", name, ja ? "使用しない" : "not used");
	else if (pid > 0)
		(void)printf(ja ? "  %-9s 動作中 (pid %lld、再起動 %lld 回)\n"
		                : "  %-9s running (pid %lld, restarts %lld)\n",
		    name, pid, count_of(worker, "restarts"));
	else
		(void)printf(ja ? "  %-9s 停止中 (再起動 %lld 回)\n" : "  %-9s down (restarts %lld)\n", name,
		    count_of(worker, "restarts"));
}

/* Those who hear strangers have the same rules and share the work. */
static void print_signatures(const json_t *workers, bool ja)
{
	long long rules = 0, alerts = 0, left_out = 0, unseen = 0;
	const char *key;
	json_t *worker;

	json_object_foreach((json_t *)(uintptr_t)workers, key, worker) {
		const json_t *status = json_object_get(worker, "status");
		long long own = count_of(status, "rules");

		rules = own > rules ? own : rules;
		alerts += count_of(status, "alerts");
		left_out += count_of(status, "alerts_left_out");
		unseen += count_of(status, "uninspected");
	}
	if (rules == 0)
		return;
	(void)printf(ja ? "シグネチャ: ルール %lld 件、アラート %lld 件 (保存しなかったもの %lld、検査できなかった"
	                  "セッション %lld)\n"
	                : "signatures: %lld rules, %lld alerts (%lld not kept, %lld sessions not inspected "
	                  "whole)\n",
	    rules, alerts, left_out, unseen);
}

/* One capture is "capture", several rings' are "capture-1" and so on: all together, then each. */
static void print_captures(const json_t *workers, bool ja)
{
	static const char prefix[] = "capture";
	long long received = 0, lost = 0, counted = 0, access = 0;
	unsigned captures = 0;
	const char *key;
	json_t *worker;

	json_object_foreach((json_t *)(uintptr_t)workers, key, worker) {
		const json_t *status = json_object_get(worker, "status");

		if (strncmp(key, prefix, sizeof(prefix) - 1) != 0 || !json_is_object(status))
			continue;
		captures++;
		received += count_of(status, "received");
		lost += count_of(status, "kernel_drops");
		counted += count_of(status, "counted");
		access += count_of(status, "access");
	}
	if (captures > 0)
		(void)printf(ja ? "捕捉: 受信 %lld、取りこぼし %lld、計数 %lld、うちアクセス %lld\n"
		                : "capture: %lld received, %lld lost by the kernel, %lld counted, %lld of them "
		                  "access\n", received, lost, counted, access);
	json_object_foreach((json_t *)(uintptr_t)workers, key, worker) {
		const json_t *status = json_object_get(worker, "status");

		if (captures > 1 && strncmp(key, prefix, sizeof(prefix) - 1) == 0)
			(void)printf(ja ? "  リング %s: 受信 %lld、取りこぼし %lld\n"
			                : "  ring %s: %lld received, %lld lost by the kernel\n",
			    key + sizeof(prefix), count_of(status, "received"),
			    count_of(status, "kernel_drops"));
	}
}

/* Datagrams at ports without a socket of their own, and what became of their answers. */
static void print_courier(const json_t *c, bool ja)
{
	long long lost = count_of(c, "kernel_drops") + count_of(c, "responder_behind");
	long long refused = count_of(c, "token_unknown") + count_of(c, "token_used")
	    + count_of(c, "token_late") + count_of(c, "wrong_length") + count_of(c, "nonsense");

	(void)printf(ja ? "任意ポートの UDP: 受信 %lld、取りこぼし %lld、返信 %lld (送信できなかったもの %lld、"
	                  "規則に反し破棄したもの %lld)\n"
	                : "UDP at any port: %lld received, %lld lost, %lld answered (%lld could not be sent, "
	                  "%lld refused)\n",
	    count_of(c, "datagrams"), lost, count_of(c, "sent"), count_of(c, "not_sent"), refused);
}

static void print_status(const json_t *doc, bool ja)
{
	const json_t *workers = json_object_get(doc, "workers");
	const json_t *respond = json_object_get(json_object_get(workers, "respond"), "status");
	const json_t *ssh = json_object_get(json_object_get(workers, "ssh"), "status");
	const json_t *courier = json_object_get(json_object_get(workers, "courier"), "status");
	const json_t *store = json_object_get(json_object_get(workers, "store"), "status");
	const char *key;
	json_t *worker;

	(void)printf("%s: %s\n", json_string_value(json_object_get(doc, "sensor")),
	    json_is_true(json_object_get(doc, "ready")) ? (ja ? "稼働中" : "ready")
	                                                : (ja ? "準備中" : "not ready"));
	json_object_foreach((json_t *)(uintptr_t)workers, key, worker)
		print_worker(key, worker, ja);
	(void)printf(ja ? "待ち受け: %lld ソケット (開けなかったもの %lld)\n"
	                : "listening: %lld sockets (%lld could not be opened)\n",
	    count_of(doc, "sockets"), count_of(doc, "sockets_failed"));
	if (json_is_object(respond))
		(void)printf(ja
		    ? "応答: 接続 %lld、データグラム %lld (返信 %lld、抑止 %lld)、進行中 %lld (最大 %lld)\n"
		      "      上限による拒否 %lld、未識別 %lld、失われた記録 %lld\n"
		    : "answering: %lld connections, %lld datagrams (%lld answered, %lld withheld), %lld open now "
		      "(%lld at most)\n           %lld over the limit, %lld unknown, %lld records lost\n",
		    count_of(respond, "accepted"), count_of(respond, "datagrams"),
		    count_of(respond, "replies"), count_of(respond, "replies_withheld"),
		    count_of(respond, "open"), count_of(respond, "open_max"),
		    count_of(respond, "over_limit"), count_of(respond, "unknown"),
		    count_of(respond, "lost_rows"));
	if (json_is_object(ssh))
		(void)printf(ja ? "SSH: 接続 %lld (現在 %lld、最大 %lld)、ログイン試行 %lld、上限による拒否 %lld、"
		                  "失われた記録 %lld\n"
		                : "SSH: %lld connections (%lld now, %lld at most), %lld logins, %lld over the "
		                  "limit, %lld records lost\n",
		    count_of(ssh, "accepted"), count_of(ssh, "open"), count_of(ssh, "open_max"),
		    count_of(ssh, "logins"), count_of(ssh, "over_limit"), count_of(ssh, "lost_rows"));
	if (json_is_object(courier))
		print_courier(courier, ja);
	print_captures(workers, ja);
	print_signatures(json_object_get(doc, "workers"), ja);
	if (count_of(store, "left_out") > 0)
		(void)printf(ja ? "ディスク不足のため保存しなかった記録: %lld 行\n"
		                : "not kept because the disk is full: %lld records\n",
		    count_of(store, "left_out"));
	print_counts(ja ? "プロトコル (セッション数)" : "protocols (sessions)",
	    json_object_get(respond, "protocols"));
	print_counts(ja ? "記録 (行数)" : "records (rows)", json_object_get(store, "rows"));
}

static int status(const struct sensor_request *r)
{
	int fd = connect_to(r, "status\n");
	struct buf text = {0};
	char part[4096];
	json_t *doc;
	ssize_t n;

	if (fd < 0)
		return -fd;
	while ((n = read(fd, part, sizeof(part))) > 0 && text.len < STATUS_MAX)
		buf_append(&text, part, (size_t)n);
	(void)close(fd);
	doc = json_loadb(buf_text(&text), text.len, 0, NULL);
	if (!doc) {
		command_error(&command_sensor, "the sensor's answer is not JSON");
		buf_fini(&text);
		return COMMAND_FAILED;
	}
	if (r->common.format == COMMAND_JSON)
		(void)json_dumpf(doc, stdout, JSON_INDENT(1));
	else
		print_status(doc, command_language(&r->common) == PUBLISH_JA);
	if (r->common.format == COMMAND_JSON)
		(void)putchar('\n');
	json_decref(doc);
	buf_fini(&text);
	return COMMAND_OK;
}

/* ---- tail ----------------------------------------------------------------------------------- */

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

/* Control characters would act on the terminal. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		(void)putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '.' : *text);
}

static void print_row(const struct sensor_request *r, const char *line)
{
	json_t *row = json_loads(line, 0, NULL);
	const char *kind = text_of(row, "kind");
	const char *time = text_of(row, "time");

	if (!row)
		return;
	(void)printf("%.19s  %-8s %-10s %-15s :%-5lld ", time, kind, text_of(row, "protocol"),
	    text_of(row, "source"), (long long)json_integer_value(json_object_get(row, "port")));
	if (strcmp(kind, "login") == 0) {
		print_plain(text_of(row, "user"));
		(void)fputs(" / ", stdout);
		print_plain(r->common.credentials ? text_of(row, "password") : "********");
		(void)printf(" (%s)", text_of(row, "outcome"));
	} else if (strcmp(kind, "command") == 0) {
		print_plain(text_of(row, "text"));
	} else if (strcmp(kind, "alert") == 0) {
		(void)printf("%lld ", (long long)json_integer_value(json_object_get(row, "sid")));
		print_plain(text_of(row, "msg"));
		if (json_is_true(json_object_get(row, "suppressed")))
			(void)printf(" (held back)");
	} else {
		print_plain(text_of(row, "request"));
		if (*text_of(row, "software"))
			(void)printf("  [");
		print_plain(text_of(row, "software"));
		if (*text_of(row, "software"))
			(void)printf("]");
	}
	(void)putchar('\n');
	(void)fflush(stdout);
	json_decref(row);
}

static int tail(const struct sensor_request *r)
{
	int fd = connect_to(r, "tail\n");
	FILE *lines = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t cap = 0;

	if (!lines)
		return fd < 0 ? -fd : COMMAND_FAILED;
	while (getline(&line, &cap, lines) > 0) {
		if (r->common.format == COMMAND_JSON) {
			(void)fputs(line, stdout);
			(void)fflush(stdout);
		} else {
			print_row(r, line);
		}
	}
	free(line);
	(void)fclose(lines);
	command_error(&command_sensor, "the sensor has ended");
	return COMMAND_OK;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void print_nets(const struct config_nets *nets, bool v6)
{
	bool first = true;

	for (size_t i = 0; i < nets->count; i++) {
		char text[IP_TEXT_MAX];
		bool is_v4 = ip_is_v4(nets->items[i].base);

		if (is_v4 == v6)
			continue;
		(void)printf("%s%s/%u", first ? "" : ", ", ip_format(nets->items[i].base, text),
		    is_v4 ? nets->items[i].plen - 96u : nets->items[i].plen);
		first = false;
	}
}

static bool has(const struct config_nets *nets, bool v6)
{
	for (size_t i = 0; i < nets->count; i++)
		if (ip_is_v4(nets->items[i].base) != v6)
			return true;
	return false;
}

/* Ports that have a socket of their own (daemon/sockets.c opens them by the same rules). */
static void mark_ports(const struct config *c, unsigned transport, uint8_t *ret_ports)
{
	const struct config_ports *own = &c->respond.protocols;

	for (unsigned i = 0; i < protocol_module_count; i++) {
		const struct protocol_module *m = protocol_modules[i];
		const uint16_t *ports = transport == PROTOCOL_TCP ? m->tcp_ports : m->udp_ports;

		if (m->identify_only || !(m->transports & transport))
			continue;
		for (size_t j = 0; j < own->count; j++)
			for (size_t k = 0; strcmp(own->items[j].protocol, m->name) == 0
			    && k < own->items[j].count; k++)
				ret_ports[(own->items[j].ports[k] + c->respond.port_offset) & 0xffff] = 1;
		for (size_t j = 0; own->count == 0 && j < PROTOCOL_PORTS_MAX && ports[j]; j++)
			ret_ports[(ports[j] + c->respond.port_offset) & 0xffff] = 1;
	}
}

/* Those are not led away: SSH has a program of its own, and a datagram's way through the courier is
 * the longer one. */
static void print_own_ports(const struct config *c, unsigned transport)
{
	uint8_t *ports = command_need(calloc(1u << 16, 1));
	bool first = true;

	mark_ports(c, transport, ports);
	for (unsigned i = 1; i < 1u << 16; i++) {
		unsigned from = i;

		if (!ports[i])
			continue;
		while (i + 1 < 1u << 16 && ports[i + 1])
			i++;
		if (first)
			(void)printf("\t\t%s dport { ", transport == PROTOCOL_TCP ? "tcp" : "udp");
		(void)printf("%s%u", first ? "" : ", ", from);
		if (i > from)
			(void)printf("-%u", i);
		first = false;
	}
	if (!first)
		(void)printf(" } accept\n");
	free(ports);
}

/* Which ports are open at an address follows from both and from the sensor's name, so that it stays
 * what it is, and no two addresses or sensors look alike. */
static void print_family(const struct config *c, const struct config_nets *nets, bool v6)
{
	const char *family = v6 ? "ip6" : "ip";
	int share = (int)c->respond.any_port_share;

	if (!has(nets, v6))
		return;
	(void)printf("\t\t%s daddr { ", family);
	print_nets(nets, v6);
	(void)printf(" } meta l4proto { tcp, udp } ");
	if (share < PERCENT_ALL)
		(void)printf("jhash %s daddr . th dport mod %d seed 0x%x < %d ", family, PERCENT_ALL,
		    hash_fnv32(c->sensor.name, strlen(c->sensor.name)) | 1, share);
	(void)printf("tproxy %s to :%d meta mark set %d accept\n", family,
	    (int)c->respond.any_port_listen, MARK);
}

static int rules(void)
{
	const struct config *c = command_configuration();
	const struct config_nets *nets = c->respond.addresses.count > 0 ? &c->respond.addresses
	                                                                : &c->sensor.addresses;

	if (nets->count == 0) {
		command_error(&command_sensor, "the configuration has no sensor.addresses");
		return COMMAND_USAGE;
	}
	(void)printf("# Leads TCP and UDP ports of the answering addresses to teiten-sensor\n"
	    "# (respond.any_port).  Of those without a socket of their own, %d %% are open at each\n"
	    "# address (respond.any_port_share), not the same ones everywhere.  These routes are needed:\n"
	    "#   ip rule add fwmark %d lookup %d\n"
	    "#   ip route add local default dev lo table %d\n"
	    "#   ip -6 rule add fwmark %d lookup %d\n"
	    "#   ip -6 route add local default dev lo table %d\n"
	    "# The addresses are this machine's.  A whole network becomes so by (not one with its\n"
	    "# gateway in it):\n"
	    "#   ip route add local 192.0.2.8/29 dev lo\n"
	    "#   ip -6 route add local 2001:db8:8::/64 dev lo\n",
	    (int)c->respond.any_port_share, MARK, ROUTES, ROUTES, MARK, ROUTES, ROUTES);
	(void)printf("table inet teiten\ndelete table inet teiten\n"
	    "table inet teiten {\n\tchain prerouting {\n"
	    "\t\ttype filter hook prerouting priority mangle; policy accept;\n"
	    "\t\tmeta l4proto { tcp, udp } socket transparent 1 meta mark set %d accept\n", MARK);
	print_own_ports(c, PROTOCOL_TCP);
	print_own_ports(c, PROTOCOL_UDP);
	print_family(c, nets, false);
	print_family(c, nets, true);
	(void)printf("\t}\n}\n");
	return COMMAND_OK;
}

static int run(int argc, char **argv)
{
	struct sensor_request r = {0};
	const char *value;
	int index = 0;
	int option;

	while ((option = command_option(&command_sensor, &r.common, argc, argv, &index, sensor_options,
	    &value)) >= 0)
		r.store = value;
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (index + 1 != argc) {
		command_error(&command_sensor, "say one of status, tail or rules (--help explains them)");
		return COMMAND_USAGE;
	}
	if (strcmp(argv[index], "status") == 0)
		return status(&r);
	if (strcmp(argv[index], "tail") == 0)
		return tail(&r);
	if (strcmp(argv[index], "rules") == 0)
		return rules();
	command_error(&command_sensor, "%s: not one of status, tail, rules", argv[index]);
	return COMMAND_USAGE;
}
