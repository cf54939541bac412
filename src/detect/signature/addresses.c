/* Addresses and ports of rule headers; the contract is in addresses.h. */
#include "detect/signature/addresses.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARS_MAX 256
#define NESTING_MAX 16
#define RANGES_MAX 4096
#define CACHE_MAX 4096

struct var {
	const char *name;
	const char *value;
};

struct cached {
	const char *text;
	size_t len;
	const void *set;
};

struct address_book {
	struct arena *arena;
	struct var vars[VARS_MAX];
	size_t var_count;
	struct cached addresses[CACHE_MAX];
	size_t address_count;
	struct cached ports[CACHE_MAX];
	size_t port_count;
	char home[8192];
};

/* What a stock configuration of Suricata defines; later ones refer to earlier ones. */
static const struct var stock_vars[] = {
	{"EXTERNAL_NET", "any"}, {"HTTP_SERVERS", "$HOME_NET"}, {"SMTP_SERVERS", "$HOME_NET"},
	{"SQL_SERVERS", "$HOME_NET"}, {"DNS_SERVERS", "$HOME_NET"}, {"TELNET_SERVERS", "$HOME_NET"},
	{"AIM_SERVERS", "$EXTERNAL_NET"}, {"DC_SERVERS", "$HOME_NET"},
	{"DNP3_SERVER", "$HOME_NET"}, {"DNP3_CLIENT", "$HOME_NET"},
	{"MODBUS_CLIENT", "$HOME_NET"}, {"MODBUS_SERVER", "$HOME_NET"},
	{"ENIP_CLIENT", "$HOME_NET"}, {"ENIP_SERVER", "$HOME_NET"},
	{"HTTP_PORTS", "80"}, {"SHELLCODE_PORTS", "!80"}, {"ORACLE_PORTS", "1521"},
	{"SSH_PORTS", "22"}, {"DNP3_PORTS", "20000"}, {"MODBUS_PORTS", "502"},
	{"FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"}, {"FTP_PORTS", "21"},
	{"GENEVE_PORTS", "6081"}, {"VXLAN_PORTS", "4789"}, {"TEREDO_PORTS", "3544"},
};

static const char *find_var(const struct address_book *book, const char *name, size_t len)
{
	for (size_t i = 0; i < book->var_count; i++)
		if (strlen(book->vars[i].name) == len && memcmp(book->vars[i].name, name, len) == 0)
			return book->vars[i].value;
	return NULL;
}

static int make_home(struct address_book *book, const struct signatures_options *options)
{
	size_t at = 0;

	if (options->home_count == 0) {
		(void)snprintf(book->home, sizeof(book->home), "any");
		return ST_OK;
	}
	for (size_t i = 0; i < options->home_count; i++) {
		char ip[IP_TEXT_MAX];
		struct ip_net net = options->home[i];
		int n = snprintf(book->home + at, sizeof(book->home) - at, "%c%s/%d",
		    i ? ',' : '[', ip_format(net.base, ip),
		    ip_is_v4(net.base) && net.plen >= 96 ? net.plen - 96 : net.plen);

		if (n < 0 || (size_t)n + 2 >= sizeof(book->home) - at)
			return ST_LIMIT;
		at += (size_t)n;
	}
	book->home[at++] = ']';
	book->home[at] = '\0';
	return ST_OK;
}

int address_book_new(struct arena *arena, const struct signatures_options *options,
    struct address_book **ret_book, struct err *err)
{
	struct address_book *book = calloc(1, sizeof(*book));
	size_t stock = sizeof(stock_vars) / sizeof(stock_vars[0]);

	if (!book)
		return err_set(err, -ENOMEM, "out of memory");
	book->arena = arena;
	if (make_home(book, options) || options->var_count + stock + 1 > VARS_MAX) {
		free(book);
		return err_set(err, ST_LIMIT, "too many networks or variables for rules");
	}
	for (size_t i = 0; i < options->var_count; i++) {
		if (!options->vars[i].name[0] || !options->vars[i].value[0]) {
			free(book);
			return err_set(err, ST_USAGE, "a rule variable is NAME=VALUE");
		}
		book->vars[book->var_count++] =
		    (struct var){options->vars[i].name, options->vars[i].value};
	}
	/* The first of a name is found, so the caller's win. */
	book->vars[book->var_count++] = (struct var){"HOME_NET", book->home};
	for (size_t i = 0; i < stock; i++)
		book->vars[book->var_count++] = stock_vars[i];
	*ret_book = book;
	return ST_OK;
}

void address_book_free(struct address_book *book)
{
	free(book);
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* Collects the elements of a list, nested lists and variables resolved. */
struct collect {
	struct address_book *book;
	bool ports;
	bool any;      /* "any" was one of them */
	bool excluded; /* something was taken out */
	struct address_range *ranges;
	size_t count;
	struct address_range *without;
	size_t without_count;
	uint64_t *bits; /* ports */
	uint64_t *without_bits;
	char *reason;
	size_t reason_size;
};

static int fail(struct collect *c, const char *what, const char *text, size_t len)
{
	(void)snprintf(c->reason, c->reason_size, "%s: %.*s", what, (int)(len > 80 ? 80 : len), text);
	return ST_MALFORMED;
}

static void trim(const char **text, size_t *len)
{
	while (*len && isspace((unsigned char)**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len && isspace((unsigned char)(*text)[*len - 1]))
		(*len)--;
}

static int parse_port(const char *text, size_t len, unsigned *ret_port)
{
	unsigned n = 0;

	trim(&text, &len);
	if (len == 0 || len > 5)
		return ST_MALFORMED;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return ST_MALFORMED;
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	if (n > 65535)
		return ST_MALFORMED;
	*ret_port = n;
	return ST_OK;
}

static int add_ports(struct collect *c, const char *text, size_t len, bool negated)
{
	const char *colon = memchr(text, ':', len);
	unsigned first = 0;
	unsigned last = 65535;
	uint64_t *bits = negated ? c->without_bits : c->bits;

	if (!colon) {
		if (parse_port(text, len, &first))
			return fail(c, "not a port", text, len);
		last = first;
	} else {
		size_t left = (size_t)(colon - text);

		if ((left && parse_port(text, left, &first))
		    || (left + 1 < len && parse_port(colon + 1, len - left - 1, &last))
		    || first > last)
			return fail(c, "not a range of ports", text, len);
	}
	for (unsigned p = first; p <= last; p++)
		bits[p >> 6] |= 1ull << (p & 63);
	return ST_OK;
}

static struct ip net_last(struct ip_net net)
{
	struct ip ip = net.base;

	if (net.plen < 64) {
		ip.hi |= net.plen ? UINT64_MAX >> net.plen : UINT64_MAX;
		ip.lo = UINT64_MAX;
	} else if (net.plen < 128) {
		ip.lo |= net.plen == 64 ? UINT64_MAX : UINT64_MAX >> (net.plen - 64);
	}
	return ip;
}

/* A network whose host bits need not be zero, as rules are written. */
static int parse_net(const char *text, size_t len, struct ip_net *ret_net)
{
	const char *slash = memchr(text, '/', len);
	size_t left = slash ? (size_t)(slash - text) : len;
	unsigned bits;
	struct ip ip;

	if (ip_parse(text, left, &ip))
		return ST_MALFORMED;
	*ret_net = (struct ip_net){ip, 128};
	if (!slash)
		return ST_OK;
	if (memchr(slash + 1, '.', len - left - 1)) { /* a netmask */
		struct ip mask;

		if (ip_parse(slash + 1, len - left - 1, &mask) || !ip_is_v4(mask))
			return ST_MALFORMED;
		bits = (unsigned)__builtin_popcount(ip_v4(mask));
	} else if (parse_port(slash + 1, len - left - 1, &bits)) {
		return ST_MALFORMED;
	}
	if (ip_is_v4(ip))
		bits += 96;
	if (bits > 128)
		return ST_MALFORMED;
	ret_net->plen = (uint8_t)bits;
	if (bits < 64) {
		ip.hi &= bits ? ~(UINT64_MAX >> bits) : 0;
		ip.lo = 0;
	} else if (bits < 128) {
		ip.lo &= bits == 64 ? 0 : ~(UINT64_MAX >> (bits - 64));
	}
	ret_net->base = ip;
	return ST_OK;
}

static int add_addresses(struct collect *c, const char *text, size_t len, bool negated)
{
	const char *dash = memchr(text, '-', len);
	struct address_range range;
	struct ip_net net;

	if (dash) {
		const char *left = text;
		const char *right = dash + 1;
		size_t left_len = (size_t)(dash - text);
		size_t right_len = len - left_len - 1;

		trim(&left, &left_len);
		trim(&right, &right_len);
		if (ip_parse(left, left_len, &range.first) || ip_parse(right, right_len, &range.last)
		    || ip_is_v4(range.first) != ip_is_v4(range.last)
		    || ip_compare(range.first, range.last) > 0)
			return fail(c, "not a range of addresses", text, len);
	} else {
		if (parse_net(text, len, &net))
			return fail(c, "not an address", text, len);
		range.first = net.base;
		range.last = net_last(net);
	}
	if (c->count + c->without_count >= RANGES_MAX)
		return fail(c, "too many addresses", text, len);
	if (negated)
		c->without[c->without_count++] = range;
	else
		c->ranges[c->count++] = range;
	return ST_OK;
}

static int collect(struct collect *c, const char *text, size_t len, bool negated, int depth);

static int collect_list(struct collect *c, const char *text, size_t len, bool negated, int depth)
{
	size_t start = 0;
	int level = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] == '[')
			level++;
		else if (i < len && text[i] == ']')
			level--;
		if (i == len || (text[i] == ',' && level == 0)) {
			int rc = collect(c, text + start, i - start, negated, depth + 1);

			if (rc)
				return rc;
			start = i + 1;
		}
	}
	return level == 0 ? ST_OK : fail(c, "brackets do not match", text, len);
}

/* The depth of rules' own nesting bounds this recursion. */
static int collect(struct collect *c, const char *text, size_t len, bool negated, int depth)
{
	trim(&text, &len);
	while (len && *text == '!') {
		negated = !negated;
		text++;
		len--;
		trim(&text, &len);
	}
	if (depth > NESTING_MAX)
		return fail(c, "nested too deeply", text, len);
	if (len == 0)
		return fail(c, "an element is empty", text, len);
	if (*text == '[') {
		if (text[len - 1] != ']')
			return fail(c, "brackets do not match", text, len);
		return collect_list(c, text + 1, len - 2, negated, depth);
	}
	if (depth == 0 && memchr(text, ',', len) && !negated) /* brackets left out */
		return collect_list(c, text, len, false, depth);
	if (*text == '$') {
		const char *value = find_var(c->book, text + 1, len - 1);

		if (!value)
			return fail(c, "variable is not defined", text, len);
		return collect(c, value, strlen(value), negated, depth + 1);
	}
	if (len == 3 && strncasecmp(text, "any", 3) == 0) {
		if (negated)
			return fail(c, "nothing is left of", "!any", 4);
		c->any = true;
		return ST_OK;
	}
	if (negated)
		c->excluded = true;
	if (c->ports)
		return add_ports(c, text, len, negated);
	return add_addresses(c, text, len, negated);
}

static const void *cached(const struct cached *cache, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (cache[i].len == len && memcmp(cache[i].text, text, len) == 0)
			return cache[i].set;
	return NULL;
}

static void remember(struct address_book *book, struct cached *cache, size_t *count,
    const char *text, size_t len, const void *set)
{
	char *copy = *count < CACHE_MAX ? arena_copy(book->arena, text, len) : NULL;

	if (copy)
		cache[(*count)++] = (struct cached){copy, len, set};
}

static int compare_ranges(const void *va, const void *vb)
{
	const struct address_range *a = va;
	const struct address_range *b = vb;

	return ip_compare(a->first, b->first);
}

/* Sorts and joins what overlaps, so that a search needs one look. */
static size_t join(struct address_range *ranges, size_t count)
{
	size_t n = 0;

	if (count == 0)
		return 0;
	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < count; i++) {
		if (ip_compare(ranges[i].first, ranges[n].last) <= 0) {
			if (ip_compare(ranges[i].last, ranges[n].last) > 0)
				ranges[n].last = ranges[i].last;
		} else {
			ranges[++n] = ranges[i];
		}
	}
	return n + 1;
}

const struct address_set *address_book_addresses(struct address_book *book, const char *text,
    size_t len, char *reason, size_t size)
{
	struct collect c = {.book = book, .reason = reason, .reason_size = size};
	const struct address_set *known = cached(book->addresses, book->address_count, text, len);
	struct address_set *set = NULL;

	if (known)
		return known;
	c.ranges = calloc(RANGES_MAX, sizeof(*c.ranges));
	c.without = calloc(RANGES_MAX, sizeof(*c.without));
	if (!c.ranges || !c.without || collect(&c, text, len, false, 0))
		goto out;
	set = arena_alloc(book->arena, sizeof(*set));
	if (!set)
		goto out;
	set->any = c.any || c.count == 0;
	set->count = join(c.ranges, c.count);
	set->without_count = join(c.without, c.without_count);
	set->ranges = arena_copy(book->arena, c.ranges, set->count * sizeof(*c.ranges));
	set->without = arena_copy(book->arena, c.without, set->without_count * sizeof(*c.without));
	if (!set->ranges || !set->without)
		set = NULL;
	else
		remember(book, book->addresses, &book->address_count, text, len, set);
out:
	free(c.ranges);
	free(c.without);
	return set;
}

const struct port_set *address_book_ports(struct address_book *book, const char *text, size_t len,
    char *reason, size_t size)
{
	uint64_t without[1024] = {0};
	struct collect c = {.book = book, .ports = true, .reason = reason, .reason_size = size,
		.without_bits = without};
	const struct port_set *known = cached(book->ports, book->port_count, text, len);
	struct port_set *set;
	bool some = false;

	if (known)
		return known;
	set = arena_alloc(book->arena, sizeof(*set));
	if (!set)
		return NULL;
	c.bits = set->bits;
	if (collect(&c, text, len, false, 0))
		return NULL;
	for (size_t i = 0; i < 1024; i++)
		some = some || set->bits[i];
	if (c.any || !some)
		memset(set->bits, 0xff, sizeof(set->bits));
	set->any = (c.any || !some) && !c.excluded;
	for (size_t i = 0; i < 1024; i++) {
		set->bits[i] &= ~without[i];
		set->count += (uint32_t)__builtin_popcountll(set->bits[i]);
	}
	remember(book, book->ports, &book->port_count, text, len, set);
	return set;
}

static bool in_ranges(const struct address_range *ranges, size_t count, struct ip ip)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (ip_compare(ip, ranges[mid].first) < 0)
			high = mid;
		else if (ip_compare(ip, ranges[mid].last) > 0)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

bool address_set_has(const struct address_set *set, struct ip ip)
{
	if (set->without_count && in_ranges(set->without, set->without_count, ip))
		return false;
	return set->any || in_ranges(set->ranges, set->count, ip);
}
