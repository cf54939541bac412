/*
 * From inputs to the flat table; the contract is in geo.h, the format in format.h and geo.c.
 *
 * Each input becomes ordered ranges; inputs of one kind are merged, an earlier one winning where
 * both know something; then countries and systems are cut into common ranges, so that one search
 * answers both.  The same inputs give the same file, byte for byte.
 */
#include "geo/format.h"
#include "geo/geo.h"
#include "geo/ranges.h"

#include "base/hash.h"
#include "os/digest.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Both kinds of both families, merged over the inputs. */
struct collection {
	struct geo_ranges v4[2]; /* by enum geo_role */
	struct geo_ranges v6[2];
	struct geo_names names;
	struct buf description;
	struct os_sha256 *inputs;
};

/* Distinct (country, asn) pairs, in order of first use; number 0 is "unknown". */
struct values {
	struct geo_value *items;
	uint32_t count;
	uint32_t cap;
	uint32_t *slots; /* index + 1; 0 = free */
	uint32_t slot_count;
};

struct table {
	struct geo_header header;
	uint32_t *v4_index;
	struct geo_v4_entry *v4;
	struct ip *v6;
	uint32_t *v6_value;
	size_t v4_cap;
	size_t v6_cap;
	struct values values;
	struct geo_name *names;
	struct buf text;
};

/* Hashes, recognises and reads one file into the collection. */
static int read_input(struct collection *all, enum geo_role role, const char *path, struct err *err)
{
	struct geo_input input = {
	    .path = path,
	    .role = role,
	    .names = &all->names,
	    .source = &all->description,
	};
	uint8_t digest[OS_SHA256_LEN];
	uint8_t role_byte = (uint8_t)role;
	struct os_map map;
	int ret = os_map_file(path, &map, err);

	if (ret != ST_OK)
		return ret;
	ret = os_sha256(map.data, map.len, digest);
	if (ret != ST_OK) {
		(void)err_set(err, ret, "%s: SHA-256: %s", path, st_text(ret));
		goto out;
	}
	os_sha256_update(all->inputs, &role_byte, 1);
	os_sha256_update(all->inputs, digest, sizeof(digest));
	if (geo_mmdb_is(map.data, map.len))
		ret = geo_mmdb_read(&input, err);
	else
		ret = geo_csv_read(&input, map.data, map.len, err);
	if (ret == ST_OK)
		ret = geo_ranges_order(&input.v4, path, err);
	if (ret == ST_OK)
		ret = geo_ranges_order(&input.v6, path, err);
	if (ret != ST_OK)
		goto out;
	ret = geo_ranges_fill(&all->v4[role], &input.v4);
	if (ret == ST_OK)
		ret = geo_ranges_fill(&all->v6[role], &input.v6);
	if (ret != ST_OK)
		(void)err_set(err, ret, "%s: %s", path, st_text(ret));
out:
	os_map_close(&map);
	geo_ranges_fini(&input.v4);
	geo_ranges_fini(&input.v6);
	return ret;
}

static int read_inputs(struct collection *all, const struct geo_inputs *inputs, struct err *err)
{
	int ret = ST_OK;

	for (size_t i = 0; ret == ST_OK && i < inputs->country_count; i++) {
		buf_puts(&all->description, i == 0 ? "country: " : ", ");
		ret = read_input(all, GEO_ROLE_COUNTRY, inputs->country[i], err);
	}
	if (inputs->country_count && inputs->asn_count)
		buf_puts(&all->description, "; ");
	for (size_t i = 0; ret == ST_OK && i < inputs->asn_count; i++) {
		buf_puts(&all->description, i == 0 ? "AS: " : ", ");
		ret = read_input(all, GEO_ROLE_ASN, inputs->asn[i], err);
	}
	return ret;
}

static uint32_t *value_slot(struct values *v, const struct geo_value *value)
{
	uint64_t key = (uint64_t)GEO_CC(value->country[0], value->country[1]) << 32 | value->asn;
	uint32_t i = (uint32_t)hash_u64(key) & (v->slot_count - 1);

	while (v->slots[i] != 0 && memcmp(&v->items[v->slots[i] - 1], value, sizeof(*value)) != 0)
		i = (i + 1) & (v->slot_count - 1);
	return &v->slots[i];
}

static int grow_values(struct values *v)
{
	uint32_t cap = v->cap ? v->cap * 2 : 4096;
	struct geo_value *items;
	uint32_t *slots;

	if (cap > GEO_COUNT_MAX)
		return ST_LIMIT;
	slots = calloc((size_t)cap * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	items = realloc(v->items, cap * sizeof(*items));
	if (!items) {
		free(slots);
		return -ENOMEM;
	}
	free(v->slots);
	v->items = items;
	v->cap = cap;
	v->slots = slots;
	v->slot_count = cap * 2;
	for (uint32_t i = 0; i < v->count; i++) {
		struct geo_value value = items[i];

		*value_slot(v, &value) = i + 1;
	}
	return ST_OK;
}

/* The number of the pair; countries as GEO_CC or 0. */
static int find_value(struct values *v, uint32_t country, uint32_t asn, uint32_t *ret_index)
{
	struct geo_value value = {.country = {'Z', 'Z'}, .asn = asn};
	uint32_t *slot;

	if (country) {
		value.country[0] = (char)(country >> 8);
		value.country[1] = (char)country;
	}
	if (v->count == v->cap) {
		int ret = grow_values(v);

		if (ret != ST_OK)
			return ret;
	}
	slot = value_slot(v, &value);
	if (*slot == 0) {
		v->items[v->count++] = value;
		*slot = v->count;
	}
	*ret_index = *slot - 1;
	return ST_OK;
}

static int add_v4(struct table *t, struct ip first, uint32_t value)
{
	struct geo_v4_entry entry = {.first = ip_v4(first), .value = value};
	uint32_t count = t->header.v4_count;

	if (count > 0 && t->v4[count - 1].value == value)
		return ST_OK;
	if (count == t->v4_cap) {
		size_t cap = t->v4_cap ? t->v4_cap * 2 : 4096;
		struct geo_v4_entry *grown;

		if (cap > GEO_COUNT_MAX)
			return ST_LIMIT;
		grown = realloc(t->v4, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->v4 = grown;
		t->v4_cap = cap;
	}
	t->v4[t->header.v4_count++] = entry;
	return ST_OK;
}

static int add_v6(struct table *t, struct ip first, uint32_t value)
{
	uint32_t count = t->header.v6_count;

	if (count > 0 && t->v6_value[count - 1] == value)
		return ST_OK;
	if (count == t->v6_cap) {
		size_t cap = t->v6_cap ? t->v6_cap * 2 : 4096;
		uint32_t *values;
		struct ip *grown;

		if (cap > GEO_COUNT_MAX)
			return ST_LIMIT;
		grown = realloc(t->v6, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->v6 = grown;
		values = realloc(t->v6_value, cap * sizeof(*values));
		if (!values)
			return -ENOMEM;
		t->v6_value = values;
		t->v6_cap = cap;
	}
	t->v6[count] = first;
	t->v6_value[count] = value;
	t->header.v6_count++;
	return ST_OK;
}

/* What a list says at `at`, moving its cursor; lowers *end to where that changes. */
static uint32_t value_at(
    const struct geo_ranges *list, size_t *cursor, struct ip at, struct ip *end)
{
	const struct geo_range *r;
	struct ip until;

	while (*cursor < list->count && ip_compare(list->items[*cursor].last, at) < 0)
		(*cursor)++;
	if (*cursor == list->count)
		return 0;
	r = &list->items[*cursor];
	if (ip_compare(at, r->first) < 0) {
		until = geo_ip_previous(r->first);
		if (ip_compare(until, *end) < 0)
			*end = until;
		return 0;
	}
	if (ip_compare(r->last, *end) < 0)
		*end = r->last;
	return r->value;
}

/* Cuts the two lists of a family into common ranges that cover it from first to last. */
static int cut_family(struct table *t, const struct geo_ranges lists[2], struct ip first,
    struct ip last, int (*add)(struct table *, struct ip, uint32_t))
{
	size_t country_at = 0;
	size_t asn_at = 0;
	struct ip at = first;
	struct ip end;

	do {
		uint32_t country;
		uint32_t asn;
		uint32_t value;
		int ret;

		end = last;
		country = value_at(&lists[GEO_ROLE_COUNTRY], &country_at, at, &end);
		asn = value_at(&lists[GEO_ROLE_ASN], &asn_at, at, &end);
		ret = find_value(&t->values, country, asn, &value);
		if (ret == ST_OK)
			ret = add(t, at, value);
		if (ret != ST_OK)
			return ret;
		at = geo_ip_next(end);
	} while (!ip_equal(end, last));
	return ST_OK;
}

/* v4_index[h] is the first entry that begins at h.0 (16 bits) or later. */
static int index_v4(struct table *t)
{
	uint32_t at = 0;

	t->v4_index = malloc((GEO_INDEX_COUNT + 1u) * sizeof(*t->v4_index));
	if (!t->v4_index)
		return -ENOMEM;
	for (uint32_t high = 0; high < GEO_INDEX_COUNT; high++) {
		while (at < t->header.v4_count && t->v4[at].first >> 16 < high)
			at++;
		t->v4_index[high] = at;
	}
	t->v4_index[GEO_INDEX_COUNT] = 0; /* fills up to a multiple of eight bytes */
	return ST_OK;
}

static int compare_names(const void *a, const void *b)
{
	const struct geo_name *x = a;
	const struct geo_name *y = b;

	return (x->asn > y->asn) - (x->asn < y->asn);
}

/* The text section: the description first, then the names. */
static int take_texts(struct table *t, struct collection *all)
{
	uint32_t base;
	uint32_t used = 0;

	buf_append(&t->text, buf_text(&all->description), all->description.len + 1);
	base = (uint32_t)t->text.len;
	if (all->names.text.len)
		buf_append(&t->text, all->names.text.data, all->names.text.len);
	t->names = malloc((all->names.count + 1) * sizeof(*t->names));
	if (t->text.failed || all->description.failed || !t->names)
		return -ENOMEM;
	if (t->text.len > UINT32_MAX)
		return ST_LIMIT;
	for (size_t i = 0; i < all->names.cap; i++) {
		const struct geo_name_slot *slot = &all->names.slots[i];

		if (slot->asn)
			t->names[used++] = (struct geo_name){slot->asn, base + slot->offset};
	}
	qsort(t->names, used, sizeof(*t->names), compare_names);
	t->header.name_count = used;
	t->header.text_len = (uint32_t)t->text.len;
	return ST_OK;
}

static int build(struct table *t, struct collection *all)
{
	const struct ip v6_last = {UINT64_MAX, UINT64_MAX};
	uint32_t unknown;
	int ret;

	ret = find_value(&t->values, 0, 0, &unknown); /* so that unknown is number 0 */
	if (ret == ST_OK)
		ret = cut_family(t, all->v4, ip_from_v4(0), ip_from_v4(UINT32_MAX), add_v4);
	if (ret == ST_OK)
		ret = cut_family(t, all->v6, (struct ip){0, 0}, v6_last, add_v6);
	if (ret == ST_OK)
		ret = index_v4(t);
	if (ret == ST_OK)
		ret = take_texts(t, all);
	if (ret == ST_OK)
		ret = os_sha256_finish(all->inputs, t->header.inputs_hash);
	memcpy(t->header.magic, GEO_MAGIC, GEO_MAGIC_LEN);
	t->header.version = GEO_VERSION;
	t->header.byte_order = GEO_BYTE_ORDER;
	t->header.value_count = t->values.count;
	t->header.file_len = geo_layout_of(&t->header).end;
	return ret;
}

static int write_table(const struct table *t, const char *output, struct err *err)
{
	const struct geo_header *h = &t->header;
	struct os_replace *replace;
	int ret = os_replace_begin(output, &replace, err);

	if (ret != ST_OK)
		return ret;
	os_replace_write(replace, h, sizeof(*h));
	os_replace_write(replace, t->v4_index, (GEO_INDEX_COUNT + 1u) * sizeof(*t->v4_index));
	os_replace_write(replace, t->v4, h->v4_count * sizeof(*t->v4));
	os_replace_write(replace, t->v6, h->v6_count * sizeof(*t->v6));
	os_replace_write(replace, t->values.items, h->value_count * sizeof(*t->values.items));
	os_replace_write(replace, t->names, h->name_count * sizeof(*t->names));
	os_replace_write(replace, t->v6_value, h->v6_count * sizeof(*t->v6_value));
	os_replace_write(replace, t->text.data, h->text_len);
	return os_replace_commit(replace, err);
}

int geo_compile(const struct geo_inputs *inputs, const char *output, struct err *err)
{
	struct collection all = {0};
	struct table table = {0};
	int ret;

	if (inputs->country_count + inputs->asn_count == 0)
		return err_set(err, ST_USAGE, "no country and no AS file to compile");
	ret = os_sha256_new(&all.inputs);
	if (ret != ST_OK)
		return err_set(err, ret, "SHA-256: %s", st_text(ret));
	ret = read_inputs(&all, inputs, err);
	if (ret != ST_OK)
		goto out;
	ret = build(&table, &all);
	if (ret != ST_OK) {
		(void)err_set(err, ret, "%s: cannot be built: %s", output, st_text(ret));
		goto out;
	}
	ret = write_table(&table, output, err);
out:
	for (int role = 0; role < 2; role++) {
		geo_ranges_fini(&all.v4[role]);
		geo_ranges_fini(&all.v6[role]);
	}
	geo_names_fini(&all.names);
	buf_fini(&all.description);
	os_sha256_free(all.inputs);
	free(table.v4_index);
	free(table.v4);
	free(table.v6);
	free(table.v6_value);
	free(table.values.items);
	free(table.values.slots);
	free(table.names);
	buf_fini(&table.text);
	return ret;
}
