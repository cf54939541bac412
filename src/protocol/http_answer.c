/*
 * What HTTP requests are answered with.
 *
 * One table of services by port and path (TR-064, HNAP, UPnP, Docker, Hadoop, …), whose texts are
 * the persona's; everything else is the persona's product: a file that says its server name, its
 * face (`basic` asks for a password everywhere, `form` has a login page, `plain` has none), the one
 * login it accepts, its error page and its first page.  So a login is refused unless it is that
 * one, and what looks like an exploit finds a device that says 200.
 */
#include "base/civil.h"
#include "base/wr.h"
#include "protocol/accept.h"
#include "protocol/encoding.h"
#include "protocol/headers.h"
#include "protocol/http_state.h"
#include "protocol/line.h"
#include "protocol/ntlm.h"
#include "protocol/persona.h"

#include <stdarg.h>
#include <stdio.h>

#define ROW_NONE UINT8_MAX
#define PRODUCT "http.product"
#define DATE_MAX 40
#define FIELDS_MAX 512
#define NONCE_MAX 33
#define ANY NULL
#define JSON "application/json"
#define XML "text/xml; charset=\"utf-8\""
#define HTML "text/html"

/* A service that is not the persona's product: the first row that fits answers. */
static const struct row {
	const char *method;
	uint16_t port;      /* 0: any */
	bool exact;         /* the whole path, else its beginning */
	const char *path;
	const char *tail;   /* the path's end, or NULL */
	uint16_t status;
	const char *type;
	const char *fields; /* further header lines */
	const char *key;    /* the persona's text of the body, NULL: none */
	const char *server; /* the persona's text of the Server line, NULL: none */
} rows[] = {
	/* home routers */
	{"POST", 0, false, "/UD/act", NULL, 200, XML, "", "http.tr064-set",
		"http.server-rompager"},
	{ANY, 7547, false, "/", NULL, 404, HTML, "", "http.rompager-404", "http.server-rompager"},
	{"POST", 0, false, "/ctrlt/", NULL, 200, XML, "", "http.hg532-upgrade", NULL},
	{ANY, 0, false, "/HNAP1", NULL, 200, XML, "", "http.hnap-settings", "http.server-hnap"},
	{"POST", 0, false, "/picsdesc.xml", NULL, 200, XML, "", "http.upnp-mapped",
		"http.server-upnp"},
	{"POST", 0, false, "/picdesc.xml", NULL, 200, XML, "", "http.upnp-mapped",
		"http.server-upnp"},
	{"POST", 0, false, "/wanipcn.xml", NULL, 200, XML, "", "http.upnp-mapped",
		"http.server-upnp"},
	{"GET", 0, false, "/pic", "desc.xml", 200, XML, "", "http.upnp-device",
		"http.server-upnp"},
	{"GET", 0, true, "/rootDesc.xml", NULL, 200, XML, "", "http.upnp-device",
		"http.server-upnp"},
	{"GET", 52869, false, "/", NULL, 404, HTML, "", "http.rompager-404",
		"http.server-rompager"},
	{ANY, 0, false, "/GponForm/", NULL, 200, HTML, "", "http.gpon", "http.server-boa"},
	{ANY, 0, false, "/boaform/", NULL, 200, HTML, "", "http.boaform", "http.server-boa"},
	/* Docker */
	{ANY, 0, true, "/_ping", NULL, 200, "text/plain; charset=utf-8",
		"Api-Version: 1.41\r\nDocker-Experimental: false\r\nOstype: linux\r\n",
		"http.docker-ping", "http.server-docker"},
	{"GET", 2375, true, "/version", NULL, 200, JSON, "Api-Version: 1.41\r\n",
		"http.docker-version", "http.server-docker"},
	{"GET", 0, true, "/info", NULL, 200, JSON, "Api-Version: 1.41\r\n", "http.docker-info",
		"http.server-docker"},
	{"GET", 0, true, "/containers/json", NULL, 200, JSON, "Api-Version: 1.41\r\n",
		"http.docker-empty", "http.server-docker"},
	{"GET", 0, true, "/images/json", NULL, 200, JSON, "Api-Version: 1.41\r\n",
		"http.docker-empty", "http.server-docker"},
	{"POST", 0, false, "/images/create", NULL, 200, JSON, "Api-Version: 1.41\r\n",
		"http.docker-pulled", "http.server-docker"},
	{"POST", 0, false, "/containers/create", NULL, 201, JSON, "Api-Version: 1.41\r\n",
		"http.docker-created", "http.server-docker"},
	{"POST", 0, false, "/containers/", "/start", 204, NULL, "Api-Version: 1.41\r\n", NULL,
		"http.server-docker"},
	{"POST", 0, false, "/containers/", "/wait", 200, JSON, "Api-Version: 1.41\r\n",
		"http.docker-waited", "http.server-docker"},
	{"POST", 0, false, "/containers/", "/exec", 201, JSON, "Api-Version: 1.41\r\n",
		"http.docker-exec", "http.server-docker"},
	{"POST", 0, false, "/exec/", "/start", 200, "application/vnd.docker.raw-stream",
		"Api-Version: 1.41\r\n", NULL, "http.server-docker"},
	{ANY, 2375, false, "/", NULL, 404, JSON, "Api-Version: 1.41\r\n", "http.docker-404",
		"http.server-docker"},
	/* Hadoop YARN */
	{"POST", 0, true, "/ws/v1/cluster/apps/new-application", NULL, 200, JSON,
		"X-Frame-Options: SAMEORIGIN\r\n", "http.yarn-new", "http.server-yarn"},
	{"POST", 0, true, "/ws/v1/cluster/apps", NULL, 202, JSON,
		"X-Frame-Options: SAMEORIGIN\r\n", NULL, "http.server-yarn"},
	{"GET", 0, false, "/ws/v1/cluster", NULL, 200, JSON, "X-Frame-Options: SAMEORIGIN\r\n",
		"http.yarn-info", "http.server-yarn"},
	{"GET", 8088, false, "/cluster", NULL, 200, HTML, "X-Frame-Options: SAMEORIGIN\r\n",
		"http.yarn-page", "http.server-yarn"},
	{"GET", 8088, true, "/", NULL, 302, HTML, "Location: /cluster\r\n", NULL,
		"http.server-yarn"},
	/* Elasticsearch */
	{ANY, 9200, true, "/", NULL, 200, "application/json; charset=UTF-8", "",
		"http.elastic-root", NULL},
	{ANY, 9200, false, "/_cat/", NULL, 200, "text/plain; charset=UTF-8", "",
		"http.elastic-cat", NULL},
	{ANY, 9200, false, "/", "_search", 200, "application/json; charset=UTF-8", "",
		"http.elastic-hits", NULL},
	{ANY, 9200, false, "/", NULL, 404, "application/json; charset=UTF-8", "",
		"http.elastic-404", NULL},
	/* Ethereum's JSON-RPC: the body's key follows from the method asked for */
	{"POST", 8545, false, "/", NULL, 200, JSON, "Vary: Origin\r\n", "http.rpc", NULL},
	{ANY, 8545, false, "/", NULL, 200, "text/plain", "Vary: Origin\r\n", NULL, NULL},
	/* Kubernetes' API and kubelet without authentication */
	{"GET", 0, true, "/api/v1/pods", NULL, 200, JSON, "", "http.kubernetes-pods", NULL},
	{"GET", 0, true, "/pods", NULL, 200, JSON, "", "http.kubernetes-pods", NULL},
	{"GET", 0, true, "/runningpods/", NULL, 200, JSON, "", "http.kubernetes-pods", NULL},
	{"GET", 0, true, "/version", NULL, 200, JSON, "", "http.kubernetes-version", NULL},
	/* application servers */
	{"POST", 0, false, "/wls-wsat/", NULL, 500, XML, "", "http.weblogic-fault", NULL},
	{"POST", 0, false, "/_async/", NULL, 202, NULL, "", NULL, NULL},
	{"GET", 0, false, "/wls-wsat/", NULL, 200, HTML, "", "http.weblogic-wsat", NULL},
	{"GET", 0, false, "/console/", NULL, 200, HTML, "", "http.weblogic-console", NULL},
	{ANY, 0, false, "/jenkins", NULL, 403, HTML, "X-Jenkins: 2.319.1\r\n", "http.jenkins-403",
		"http.server-jenkins"},
	{"POST", 0, false, "/xmlrpc.php", NULL, 200, XML, "", "http.wordpress-fault",
		"http.server-wordpress"},
	{ANY, 0, false, "/wp-login.php", NULL, 200, HTML, "", "http.wordpress-login",
		"http.server-wordpress"},
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) < ROW_NONE, "a row's number fits a byte");

enum rpc {
	RPC_OTHER,
	RPC_ACCOUNTS,
	RPC_VERSION,
	RPC_NUMBER,
};

/* ---- choosing ------------------------------------------------------------------------------- */

static bool ends_with(struct protocol_text text, const char *tail)
{
	const size_t len = strlen(tail);

	return text.len >= len && memcmp(text.data + text.len - len, tail, len) == 0;
}

/* Docker's clients put the API version in front: /v1.41/info. */
static struct protocol_text without_version(struct protocol_text path)
{
	size_t at = 3;

	if (!line_begins(path, "/v1."))
		return path;
	while (at < path.len && path.data[at] != '/')
		at++;
	return (struct protocol_text){path.data + at, path.len - at};
}

void http_answer_choose(struct protocol_io *io, struct protocol_text path)
{
	struct http_state *state = io->state;
	const struct protocol_text method = {state->method, strlen(state->method)};
	const char *query = path.len ? memchr(path.data, '?', path.len) : NULL;

	state->answer = ROW_NONE;
	if (!io->answering)
		return;
	if (query)
		path.len = (size_t)(query - path.data);
	path = without_version(path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if ((row->method && !line_is(method, row->method))
		    || (row->port && row->port != io->port))
			continue;
		if (!line_begins(path, row->path) || (row->exact && path.len != strlen(row->path)))
			continue;
		if (row->tail && !ends_with(path, row->tail))
			continue;
		state->answer = (uint8_t)i;
		return;
	}
}

void http_answer_member(struct protocol_io *io, struct protocol_text key,
    struct protocol_text value)
{
	struct http_state *state = io->state;

	if (line_is(key, "method")) {
		state->rpc = line_is(value, "eth_accounts") ? RPC_ACCOUNTS
		             : line_is(value, "web3_clientVersion") ? RPC_VERSION
		             : line_is(value, "eth_blockNumber") || line_is(value, "eth_gasPrice")
		                     || line_is(value, "eth_getBalance") ? RPC_NUMBER : RPC_OTHER;
	} else if (line_is(key, "id") && value.len < HTTP_RPC_ID) {
		/* Only digits are sent back. */
		for (size_t i = 0; i < value.len; i++)
			if (value.data[i] < '0' || value.data[i] > '9')
				return;
		memcpy(state->rpc_id, value.data, value.len);
		state->rpc_id[value.len] = '\0';
	}
}

/* ---- the product ---------------------------------------------------------------------------- */

/* "name: value" of the product's file, before its empty line; empty when it has none. */
static struct protocol_text product(const struct protocol_io *io, const char *name)
{
	const char *text = protocol_persona(io, PRODUCT);

	while (*text && *text != '\n') {
		const size_t len = strcspn(text, "\n");
		struct protocol_text key;
		struct protocol_text value;

		if (headers_field((struct protocol_text){text, len}, &key, &value)
		    && line_is(key, name))
			return value;
		text += len + (text[len] == '\n');
	}
	return PROTOCOL_LITERAL("");
}

/* What follows the empty line of the product's file. */
static struct protocol_text product_page(const struct protocol_io *io)
{
	const char *text = protocol_persona(io, PRODUCT);
	const char *page = strstr(text, "\n\n");

	page = page ? page + 2 : "";
	return (struct protocol_text){page, strlen(page)};
}

bool http_answer_accepts(const struct protocol_io *io, unsigned try, struct protocol_text user,
    struct protocol_text password)
{
	const struct protocol_text login = product(io, "accept");

	if (accept_login(io, "http.accept", try, user, password))
		return true;
	return login.len > 0 && user.len + 1 + password.len == login.len
	    && login.data[user.len] == ':' && memcmp(login.data, user.data, user.len) == 0
	    && memcmp(login.data + user.len + 1, password.data, password.len) == 0;
}

/* ---- replies -------------------------------------------------------------------------------- */

static const char *reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {
	    {200, "OK"},
	    {201, "Created"},
	    {202, "Accepted"},
	    {204, "No Content"},
	    {302, "Found"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {500, "Internal Server Error"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "OK";
}

/* RFC 9110 5.6.7. */
static void http_date(int64_t now_us, char out[DATE_MAX])
{
	static const char days[] = "MonTueWedThuFriSatSun";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const int32_t day = civil_days_of_time(now_us);
	const struct civil date = civil_from_days(day);
	const int seconds = (int)((now_us - day * CIVIL_US_PER_DAY) / CIVIL_US_PER_SECOND);

	(void)snprintf(out, DATE_MAX, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
	    days + 3 * (ptrdiff_t)civil_weekday(day), date.day,
	    months + 3 * (ptrdiff_t)(date.month - 1), date.year, seconds / 3600, seconds / 60 % 60,
	    seconds % 60);
}

static void put_hex(struct protocol_io *io, struct wr *w, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 8) {
		char hex[17];

		(void)snprintf(
		    hex, sizeof(hex), "%016llx", (unsigned long long)protocol_random(io));
		wr_bytes(w, hex, 16);
	}
}

/* %x a new id of 64 digits, %n milliseconds, %i JSON-RPC's id, %s the status. */
static void fill(struct protocol_io *io, struct wr *w, struct protocol_text text, unsigned status)
{
	const struct http_state *state = io->state;
	char number[32];

	for (size_t i = 0; i < text.len; i++) {
		const char next = text.data[i] == '%' && i + 1 < text.len ? text.data[i + 1] : '\0';

		number[0] = '\0';
		switch (next) {
		case 'x':
			put_hex(io, w, 32);
			break;
		case 'n':
			(void)snprintf(
			    number, sizeof(number), "%lld", (long long)(io->now_us / 1000));
			break;
		case 'i':
			(void)snprintf(number, sizeof(number), "%s",
			    state->rpc_id[0] ? state->rpc_id : "null");
			break;
		case 's':
			(void)snprintf(number, sizeof(number), "%u %s", status, reason(status));
			break;
		default:
			wr_u8(w, (uint8_t)text.data[i]);
			continue;
		}
		wr_bytes(w, number, strlen(number));
		i++;
	}
}

struct response {
	struct protocol_text server; /* empty: no Server line */
	unsigned status;
	const char *type;   /* NULL: no body */
	const char *fields; /* whole header lines, may be empty */
	struct protocol_text body;
};

/* Products differ in the order of their fields, by which scanners know them: a letter each. */
#define HEAD_USUAL "SDFTLC"

static void write_line(struct wr *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void write_line(struct wr *w, const char *format, ...)
{
	char line[FIELDS_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n > 0)
		wr_bytes(w, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void put_field(const struct protocol_io *io, struct wr *w, const struct response *response,
    char which)
{
	const struct http_state *state = io->state;
	char date[DATE_MAX];

	switch (which) {
	case 'S':
		if (response->server.len == 0)
			break;
		/* fall through */
	case 's': /* also when it is empty */
	case 'n': /* without a blank */
		write_line(w, "Server:%s%.*s\r\n", which == 'n' ? "" : " ",
		    (int)response->server.len, response->server.data);
		break;
	case 'D':
		http_date(io->now_us, date);
		write_line(w, "Date: %s\r\n", date);
		break;
	case 'F':
		wr_bytes(w, response->fields, strlen(response->fields));
		break;
	case 'T':
		if (response->type)
			write_line(w, "Content-Type: %s\r\n", response->type);
		break;
	case 'L':
		if (response->status != 204)
			write_line(w, "Content-Length: %zu\r\n", response->body.len);
		break;
	case 'C':
		write_line(w, "Connection: %s\r\n", state->close ? "close" : "keep-alive");
		break;
	default:
		break;
	}
}

static void send(struct protocol_io *io, const struct response *response)
{
	const struct http_state *state = io->state;
	uint8_t buffer[HTTP_REPLY_MAX];
	struct wr w = wr_init(buffer, sizeof(buffer));
	struct protocol_text head = product(io, "head");

	/* Other servers than the product have no layout of their own. */
	if (head.len == 0 || response->server.data != product(io, "server").data)
		head = PROTOCOL_LITERAL(HEAD_USUAL);
	if (!state->simple) {
		write_line(&w, "HTTP/1.%d %u %s\r\n", line_begins(head, "1") || !state->old,
		    response->status, reason(response->status));
		for (size_t i = 0; i < head.len; i++)
			put_field(io, &w, response, head.data[i]);
		wr_bytes(&w, "\r\n", 2);
	}
	if (strcmp(state->method, "HEAD") != 0)
		wr_bytes(&w, response->body.data, response->body.len);
	if (!w.bad)
		protocol_reply(io, buffer, wr_len(&w));
}

/* A persona's text as the body. */
static void send_filled(struct protocol_io *io, struct response response)
{
	char body[HTTP_REPLY_MAX / 2];
	struct wr w = wr_init(body, sizeof(body));

	fill(io, &w, response.body, response.status);
	response.body = (struct protocol_text){body, w.bad ? 0 : wr_len(&w)};
	send(io, &response);
}

/* The product's error page: in its text | is a line end. */
static void send_error(struct protocol_io *io, unsigned status, const char *fields)
{
	const struct protocol_text error = product(io, "error");
	char text[FIELDS_MAX];
	struct wr w = wr_init(text, sizeof(text));

	for (size_t i = 0; i < error.len; i++) {
		if (error.data[i] == '|')
			wr_bytes(&w, "\r\n", 2);
		else
			wr_u8(&w, (uint8_t)error.data[i]);
	}
	send_filled(io, (struct response){product(io, "server"), status, HTML, fields,
		{text, wr_len(&w)}});
}

void http_answer_malformed(struct protocol_io *io)
{
	struct http_state *state = io->state;

	state->close = true;
	state->old = false;
	state->simple = false;
	state->method[0] = '\0';
	send_error(io, 400, "");
}

static void settle(struct protocol_io *io, bool accepted)
{
	http_login_settle(io, accepted ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
}

/* 401 with the product's realm, or NTLM's challenge when the client has begun that. */
static void ask_password(struct protocol_io *io)
{
	struct http_state *state = io->state;
	const struct protocol_text realm = product(io, "realm");
	char fields[FIELDS_MAX + NTLM_CHALLENGE_MESSAGE_MAX];

	if (state->ntlm_begun) {
		const struct ntlm_server names = ntlm_server_persona(io, "smb");
		uint8_t message[NTLM_CHALLENGE_MESSAGE_MAX];
		struct wr w = wr_init(message, sizeof(message));
		const uint64_t challenge = protocol_random(io);
		char text[NTLM_CHALLENGE_MESSAGE_MAX * 2];

		memcpy(state->challenge, &challenge, sizeof(state->challenge));
		state->has_challenge = true;
		ntlm_write_challenge(&w, &names, state->challenge, io->now_us);
		(void)encoding_base64_write(message, wr_len(&w), text, sizeof(text));
		(void)snprintf(fields, sizeof(fields), "WWW-Authenticate: NTLM %s\r\n", text);
	} else {
		(void)snprintf(fields, sizeof(fields), "WWW-Authenticate: Basic realm=\"%.*s\"\r\n",
		    (int)realm.len, realm.data);
	}
	send_error(io, 401, fields);
}

/* Huawei's upgrade service asks for Digest and takes every response: the exploit has a fixed one.
 */
static bool asks_digest(struct protocol_io *io, const struct row *row)
{
	const struct http_state *state = io->state;
	char fields[FIELDS_MAX];
	char nonce[NONCE_MAX];

	if (!row->key || strcmp(row->key, "http.hg532-upgrade") != 0 || state->was_login)
		return false;
	/* One after the other: the order of arguments is the compiler's choice. */
	for (size_t i = 0; i < 2; i++)
		(void)snprintf(nonce + 16 * i, sizeof(nonce) - 16 * i, "%016llx",
		    (unsigned long long)protocol_random(io));
	(void)snprintf(fields, sizeof(fields),
	    "WWW-Authenticate: Digest realm=\"HuaweiHomeGateway\","
	    "nonce=\"%s\",qop=\"auth\",algorithm=\"MD5\"\r\n",
	    nonce);
	send(io, &(struct response){PROTOCOL_LITERAL(""), 401, HTML, fields, PROTOCOL_LITERAL("")});
	return true;
}

static void answer_row(struct protocol_io *io, const struct row *row)
{
	const struct http_state *state = io->state;
	static const char *const rpc_keys[] = {
		[RPC_OTHER] = "http.rpc-other",
		[RPC_ACCOUNTS] = "http.rpc-accounts",
		[RPC_VERSION] = "http.rpc-version",
		[RPC_NUMBER] = "http.rpc-number",
	};
	const char *key = row->key && strcmp(row->key, "http.rpc") == 0 ? rpc_keys[state->rpc]
	                                                                : row->key;
	const char *text = key ? protocol_persona(io, key) : "";
	const char *server = row->server ? protocol_persona(io, row->server) : "";

	if (asks_digest(io, row))
		return;
	settle(io, state->login_method == HTTP_LOGIN_DIGEST);
	send_filled(io, (struct response){{server, strlen(server)}, row->status, row->type,
	                    row->fields, {text, strlen(text)}});
}

/* "/", an index or a login page: what a product shows its face at. */
static bool is_front(const struct http_state *state)
{
	static const char *const fronts[] = {"/", "/index", "/login", "/home", "/main", "/admin",
		"/cgi-bin/login", "/doc/page/login"};
	const struct protocol_text name = {state->name, strlen(state->name)};

	if (name.len == 1 || name.data[0] != '/')
		return true;
	for (size_t i = 1; i < sizeof(fronts) / sizeof(fronts[0]); i++)
		if (line_begins(name, fronts[i]))
			return true;
	return false;
}

/* What a form leads to when its login is right. */
static void send_welcome(struct protocol_io *io)
{
	char fields[FIELDS_MAX];

	(void)snprintf(fields, sizeof(fields), "Set-Cookie: session=%016llx; path=/\r\n"
	    "Location: /index.html\r\n", (unsigned long long)protocol_random(io));
	send(
	    io, &(struct response){product(io, "server"), 302, HTML, fields, PROTOCOL_LITERAL("")});
}

static void answer_product(struct protocol_io *io, bool is_exploit)
{
	const struct http_state *state = io->state;
	const struct protocol_text face = product(io, "face");
	const struct protocol_text server = product(io, "server");
	const struct response page = {server, 200, HTML, "", product_page(io)};

	if (state->has_login && state->login_known) {
		settle(io, true);
		if (state->login_method > HTTP_LOGIN_DIGEST)
			send_welcome(io);
		else
			send(io, &page);
	} else if (is_exploit) {
		settle(io, false);
		send(io, &(struct response){server, 200, HTML, "", PROTOCOL_LITERAL("")});
	} else if (state->ntlm_begun || line_is(face, "basic")
	           || (state->was_login && state->has_login)) {
		settle(io, false);
		ask_password(io);
	} else if (is_front(state) || state->has_login || state->is_proxy) {
		settle(io, false);
		send(io, &page);
	} else {
		send_error(io, 404, "");
	}
}

void http_answer(struct protocol_io *io, bool is_exploit)
{
	const struct http_state *state = io->state;
	const struct protocol_text method = {state->method, strlen(state->method)};

	if (!io->answering)
		return;
	if (line_is(method, "CONNECT")) {
		settle(io, true);
		protocol_reply_text(io, "HTTP/1.1 200 Connection established\r\n\r\n");
	} else if (state->answer != ROW_NONE) {
		answer_row(io, &rows[state->answer]);
	} else if (line_is(method, "OPTIONS")) {
		settle(io, false);
		send(io, &(struct response){product(io, "server"), 200, HTML,
		             "Allow: GET, HEAD, POST, OPTIONS\r\n", PROTOCOL_LITERAL("")});
	} else if (line_is(method, "TRACE") || line_is(method, "PROPFIND")) {
		settle(io, false);
		send_error(io, 405, "Allow: GET, HEAD, POST, OPTIONS\r\n");
	} else {
		answer_product(io, is_exploit);
	}
}
