/*
 * Ranges from a MaxMind DB (https://maxmind.github.io/MaxMind-DB/, version 2.0) by libmaxminddb.
 *
 * The whole search tree is walked once with an explicit stack.  An IPv6 tree keeps IPv4 below
 * ::/96 and often points there again from ::ffff:0:0/96, 2002::/16 and 2001::/32; those aliases
 * are recognised by their node and not followed.  A file in which other nodes are shared could
 * stand for 2^128 paths, so the number of visits is bounded by the number of nodes.
 *
 * The file is hostile: no offset reaches the library's decoder unchecked.
 */
#include "geo/ranges.h"

#include "base/civil.h"
#include "base/hash.h"

#include <errno.h>
#include <maxminddb.h>
#include <stdlib.h>
#include <string.h>

#define MARKER         \
	"\xab\xcd\xef" \
	"MaxMind.com"
#define MARKER_LEN 14
#define MARKER_WITHIN (128u * 1024)

/* Zero bytes between the search tree and the data. */
#define SEPARATOR_LEN 16

/* Seconds since 1970; civil.h writes dates before it. */
#define YEAR_10000 253402300800ull

#define DEPTH_MAX 128
#define VISITS_PER_NODE 4
#define V4_DEPTH 96

typedef unsigned __int128 bits;

/* A record that is still to be looked at. */
struct step {
	uint8_t type; /* MMDB_RECORD_TYPE_… */
	unsigned depth;
	uint64_t node;
	MMDB_entry_s entry;
	bits prefix; /* left-aligned in 128 bits; IPv4 trees: in the upper 32 */
};

/* The value of a data record, remembered by its offset: a few hundred countries serve a million
 * networks. */
struct memo {
	uint32_t *offsets; /* offset + 1; 0 = free */
	uint32_t *values;
	size_t count;
	size_t cap;
};

struct walk {
	struct geo_input *input;
	MMDB_s *mmdb;
	struct memo memo;
	uint32_t v4_node; /* where ::/96 begins, 0 = not a node of its own */
	bool v6_tree;
	struct err *err;
};

bool geo_mmdb_is(const uint8_t *data, size_t len)
{
	size_t within = len < MARKER_WITHIN ? len : MARKER_WITHIN;

	return memmem(data + len - within, within, MARKER, MARKER_LEN) != NULL;
}

static int malformed(struct walk *w, const char *what)
{
	return err_set(w->err, ST_MALFORMED, "%s: damaged MaxMind DB: %s", w->input->path, what);
}

/* Looks a path up in a record.  1 = there, 0 = not there, ST_MALFORMED. */
static int get(
    struct walk *w, MMDB_entry_s *entry, const char *const *path, MMDB_entry_data_s *ret_data)
{
	int status = MMDB_aget_value(entry, ret_data, path);

	if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
	    status == MMDB_INVALID_LOOKUP_PATH_ERROR)
		return 0;
	if (status != MMDB_SUCCESS)
		return malformed(w, MMDB_strerror(status));
	return ret_data->has_data ? 1 : 0;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static int country_of(struct walk *w, MMDB_entry_s *entry, uint32_t *ret_value)
{
	static const char *const paths[][3] = {
	    {"country", "iso_code", NULL},
	    {"country_code", NULL, NULL},
	    {"country", NULL, NULL},
	    {"registered_country", "iso_code", NULL},
	};

	*ret_value = 0;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		MMDB_entry_data_s data;
		int there = get(w, entry, paths[i], &data);

		if (there < 0)
			return there;
		if (there == 0 || data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size != 2 ||
		    !is_upper(data.utf8_string[0]) || !is_upper(data.utf8_string[1]))
			continue;
		*ret_value = GEO_CC(data.utf8_string[0], data.utf8_string[1]);
		if (*ret_value == GEO_CC('Z', 'Z'))
			*ret_value = 0;
		return ST_OK;
	}
	return ST_OK;
}

/* "AS13335" or "13335" in a string. */
static uint32_t asn_of_text(const char *text, uint32_t len)
{
	uint64_t v = 0;

	if (len > 2 && text[0] == 'A' && text[1] == 'S') {
		text += 2;
		len -= 2;
	}
	if (len == 0 || len > 10)
		return 0;
	for (uint32_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	return v <= UINT32_MAX ? (uint32_t)v : 0;
}

static uint32_t asn_of_data(const MMDB_entry_data_s *data)
{
	if (data->type == MMDB_DATA_TYPE_UINT32)
		return data->uint32;
	if (data->type == MMDB_DATA_TYPE_UINT16)
		return data->uint16;
	if (data->type == MMDB_DATA_TYPE_UINT64 && data->uint64 <= UINT32_MAX)
		return (uint32_t)data->uint64;
	if (data->type == MMDB_DATA_TYPE_UTF8_STRING)
		return asn_of_text(data->utf8_string, data->data_size);
	return 0;
}

static int asn_of(struct walk *w, MMDB_entry_s *entry, uint32_t *ret_value)
{
	static const char *const numbers[][3] = {
	    {"autonomous_system_number", NULL, NULL},
	    {"asn", NULL, NULL},
	    {"traits", "autonomous_system_number", NULL},
	};
	static const char *const names[][3] = {
	    {"autonomous_system_organization", NULL, NULL},
	    {"as_name", NULL, NULL},
	    {"traits", "autonomous_system_organization", NULL},
	};
	MMDB_entry_data_s data;
	uint32_t value = 0;
	int there = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && value == 0; i++) {
		there = get(w, entry, numbers[i], &data);
		if (there < 0)
			return there;
		if (there > 0)
			value = asn_of_data(&data);
	}
	*ret_value = value;
	for (size_t i = 0; value && i < sizeof(names) / sizeof(*names); i++) {
		there = get(w, entry, names[i], &data);
		if (there < 0)
			return there;
		if (there > 0 && data.type == MMDB_DATA_TYPE_UTF8_STRING)
			return geo_names_add(
			    w->input->names, value, data.utf8_string, data.data_size);
	}
	return ST_OK;
}

static size_t memo_slot(const struct memo *m, uint32_t offset)
{
	size_t i = (size_t)hash_u64(offset) & (m->cap - 1);

	while (m->offsets[i] != 0 && m->offsets[i] != offset + 1)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static int memo_grow(struct memo *m)
{
	struct memo grown = {.cap = m->cap ? m->cap * 2 : 1024, .count = m->count};

	grown.offsets = calloc(grown.cap, sizeof(*grown.offsets));
	grown.values = calloc(grown.cap, sizeof(*grown.values));
	if (!grown.offsets || !grown.values) {
		free(grown.offsets);
		free(grown.values);
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->cap; i++) {
		if (m->offsets[i]) {
			size_t k = memo_slot(&grown, m->offsets[i] - 1);

			grown.offsets[k] = m->offsets[i];
			grown.values[k] = m->values[i];
		}
	}
	free(m->offsets);
	free(m->values);
	*m = grown;
	return ST_OK;
}

static int value_of(struct walk *w, MMDB_entry_s *entry, uint32_t *ret_value)
{
	struct memo *m = &w->memo;
	size_t slot;
	int ret;

	/* A record that points into the separator behind the tree underflows to a huge offset. */
	if (entry->offset >= w->mmdb->data_section_size)
		return malformed(w, "a network points outside the data");
	if (m->count * 2 >= m->cap) {
		ret = memo_grow(m);
		if (ret != ST_OK)
			return err_set(w->err, ret, "%s: out of memory", w->input->path);
	}
	slot = memo_slot(m, entry->offset);
	if (m->offsets[slot] == 0) {
		ret = w->input->role == GEO_ROLE_COUNTRY ? country_of(w, entry, ret_value)
		                                         : asn_of(w, entry, ret_value);
		if (ret != ST_OK)
			return ret;
		m->offsets[slot] = entry->offset + 1;
		m->values[slot] = *ret_value;
		m->count++;
	}
	*ret_value = m->values[slot];
	return ST_OK;
}

static struct ip ip_of_bits(bits v)
{
	struct ip ip = {.hi = (uint64_t)(v >> 64), .lo = (uint64_t)v};

	return ip;
}

static int add_v4(struct walk *w, uint32_t first, unsigned plen, uint32_t value)
{
	uint32_t host = plen >= 32 ? 0 : UINT32_MAX >> plen;
	struct geo_range range = {
	    .first = ip_from_v4(first),
	    .last = ip_from_v4(first | host),
	    .value = value,
	};

	return geo_ranges_add(&w->input->v4, range);
}

static int add_network(struct walk *w, bits prefix, unsigned depth, uint32_t value)
{
	bits host = depth >= 128 ? 0 : ~(bits)0 >> depth;
	struct geo_range range = {
	    .first = ip_of_bits(prefix),
	    .last = ip_of_bits(prefix | host),
	    .value = value,
	};
	int ret = ST_OK;

	if (!w->v6_tree)
		return add_v4(w, (uint32_t)(prefix >> 96), depth, value);
	if (depth >= V4_DEPTH && prefix >> 32 == 0)
		return add_v4(w, (uint32_t)prefix, depth - V4_DEPTH, value);
	if (ip_is_v4(range.first) && depth >= V4_DEPTH)
		return ST_OK; /* ::ffff:0:0/96: an IPv4 address is looked up below ::/96 */
	if (prefix == 0)
		ret = add_v4(w, 0, 0, value);
	return ret == ST_OK ? geo_ranges_add(&w->input->v6, range) : ret;
}

/* A network: what its record says goes into the list. */
static int take_data(struct walk *w, struct step *at)
{
	uint32_t value = 0;
	int ret = value_of(w, &at->entry, &value);

	if (ret != ST_OK || value == 0)
		return ret;
	ret = add_network(w, at->prefix, at->depth, value);
	if (ret != ST_OK)
		return err_set(w->err, ret, "%s: %s", w->input->path, st_text(ret));
	return ST_OK;
}

/* A node: its two records are looked at next, the left one first, so that networks come in order.
 */
static int take_node(struct walk *w, const struct step *at, struct step *stack, unsigned *used)
{
	struct step left = {.depth = at->depth + 1, .prefix = at->prefix};
	struct step right = left;
	MMDB_search_node_s node;
	int status;

	if (w->v4_node && at->node == w->v4_node && at->prefix != 0)
		return ST_OK; /* an alias of ::/96 */
	if (at->depth >= (w->v6_tree ? 128u : 32u))
		return malformed(w, "the search tree is deeper than an address");
	status = MMDB_read_node(w->mmdb, (uint32_t)at->node, &node);
	if (status != MMDB_SUCCESS)
		return malformed(w, MMDB_strerror(status));
	left.type = node.left_record_type;
	left.node = node.left_record;
	left.entry = node.left_record_entry;
	right.type = node.right_record_type;
	right.node = node.right_record;
	right.entry = node.right_record_entry;
	right.prefix |= (bits)1 << (127 - at->depth);
	if (right.type != MMDB_RECORD_TYPE_EMPTY)
		stack[(*used)++] = right;
	if (left.type != MMDB_RECORD_TYPE_EMPTY)
		stack[(*used)++] = left;
	return ST_OK;
}

static int walk_tree(struct walk *w)
{
	/* Each level leaves at most its right side behind. */
	struct step stack[DEPTH_MAX + 2];
	uint64_t visits_left = (uint64_t)w->mmdb->metadata.node_count * VISITS_PER_NODE;
	unsigned used = 0;

	stack[used++] = (struct step){.type = MMDB_RECORD_TYPE_SEARCH_NODE};
	while (used > 0) {
		struct step at = stack[--used];
		int ret;

		if (at.type == MMDB_RECORD_TYPE_SEARCH_NODE) {
			if (visits_left-- == 0)
				return malformed(w, "its search tree is not a tree");
			ret = take_node(w, &at, stack, &used);
		} else if (at.type == MMDB_RECORD_TYPE_DATA) {
			ret = take_data(w, &at);
		} else {
			ret = malformed(w, "a node of the search tree points outside the file");
		}
		if (ret != ST_OK)
			return ret;
	}
	return ST_OK;
}

/* Follows 96 zero bits.  Stays 0 when ::/96 is not a node of its own. */
static int find_v4_node(struct walk *w)
{
	uint64_t node = 0;

	for (unsigned depth = 0; depth < V4_DEPTH; depth++) {
		MMDB_search_node_s read;

		if (MMDB_read_node(w->mmdb, (uint32_t)node, &read) != MMDB_SUCCESS)
			return malformed(w, "the search tree cannot be read");
		if (read.left_record_type != MMDB_RECORD_TYPE_SEARCH_NODE)
			return ST_OK;
		node = read.left_record;
	}
	w->v4_node = (uint32_t)node;
	return ST_OK;
}

static int check_metadata(struct walk *w)
{
	const MMDB_metadata_s *m = &w->mmdb->metadata;
	uint64_t tree;

	if (m->binary_format_major_version != 2)
		return err_set(w->err, ST_UNSUPPORTED, "%s: MaxMind DB version %u is not known",
		    w->input->path, m->binary_format_major_version);
	if (m->record_size != 24 && m->record_size != 28 && m->record_size != 32)
		return malformed(w, "records are not of 24, 28 or 32 bits");
	if (m->ip_version != 4 && m->ip_version != 6)
		return malformed(w, "its addresses are neither IPv4 nor IPv6");
	if (m->node_count == 0)
		return malformed(w, "it has no node");
	/* libmaxminddb 1.7 computes this in 32 bits and reads past the file (found by fuzzing). */
	tree = (uint64_t)m->node_count * m->record_size / 4;
	if (w->mmdb->file_size < 0 || tree + SEPARATOR_LEN > (uint64_t)w->mmdb->file_size ||
	    w->mmdb->data_section_size > (uint64_t)w->mmdb->file_size - tree - SEPARATOR_LEN)
		return malformed(w, "its search tree is larger than the file");
	w->v6_tree = m->ip_version == 6;
	return ST_OK;
}

/* "GeoLite2-Country.mmdb 2026-10-01": the type inside the file seldom says whose it is. */
static void describe(struct walk *w)
{
	uint64_t built = w->mmdb->metadata.build_epoch;
	const char *slash = strrchr(w->input->path, '/');
	const char *name = slash ? slash + 1 : w->input->path;
	char date[CIVIL_DATE_TEXT_MAX];

	geo_append_line_text(w->input->source, name, strlen(name));
	if (built > 0 && built < YEAR_10000)
		buf_printf(
		    w->input->source, " %s", civil_format_date((int32_t)(built / 86400), date));
}

int geo_mmdb_read(struct geo_input *input, struct err *err)
{
	MMDB_s mmdb;
	struct walk w = {.input = input, .mmdb = &mmdb, .err = err};
	int status = MMDB_open(input->path, MMDB_MODE_MMAP, &mmdb);
	int ret;

	if (status != MMDB_SUCCESS)
		return err_set(err, ST_MALFORMED, "%s: not a usable MaxMind DB: %s", input->path,
		    MMDB_strerror(status));
	ret = check_metadata(&w);
	if (ret == ST_OK && w.v6_tree)
		ret = find_v4_node(&w);
	if (ret == ST_OK)
		ret = walk_tree(&w);
	if (ret == ST_OK && input->v4.count + input->v6.count == 0)
		ret = err_set(err, ST_UNSUPPORTED, "%s: no network in it has %s", input->path,
		    input->role == GEO_ROLE_COUNTRY ? "a country" : "an AS number");
	if (ret == ST_OK)
		describe(&w);
	free(w.memo.offsets);
	free(w.memo.values);
	MMDB_close(&mmdb);
	return ret;
}
