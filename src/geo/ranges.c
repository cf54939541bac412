/* Lists of ranges and names; the contract is in ranges.h. */
#include "geo/ranges.h"

#include "base/hash.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>

/* Real lists have a handful of overlaps in half a million ranges; with more than one in this many
 * it is another kind of list (networks within networks), which would be read wrongly. */
#define OVERLAPS_ONE_IN 100

int geo_ranges_add(struct geo_ranges *list, struct geo_range range)
{
	struct geo_range *last = list->count ? &list->items[list->count - 1] : NULL;

	if (last && last->value == range.value && ip_compare(last->last, range.first) < 0 &&
	    ip_equal(geo_ip_next(last->last), range.first)) {
		last->last = range.last;
		return ST_OK;
	}
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 1024;
		struct geo_range *items;

		if (list->count >= GEO_RANGES_MAX)
			return ST_LIMIT;
		items = realloc(list->items, cap * sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
		list->cap = cap;
	}
	list->items[list->count++] = range;
	return ST_OK;
}

static int compare_first(const void *a, const void *b)
{
	const struct geo_range *x = a;
	const struct geo_range *y = b;
	int order = ip_compare(x->first, y->first);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int overlap_error(
    const struct geo_range *a, const struct geo_range *b, const char *path, struct err *err)
{
	char text[IP_TEXT_MAX];

	(void)ip_format(b->first, text);
	if (b->line == 0)
		return err_set(err, ST_MALFORMED, "%s: two ranges hold %s", path, text);
	return err_set(err, ST_MALFORMED,
	    "%s:%u: %s is also in the range of line %u; a list of "
	    "ranges must not overlap",
	    path, b->line > a->line ? b->line : a->line, text,
	    b->line > a->line ? a->line : b->line);
}

/* In order: what a range shares with one before it is taken from it. */
static int cut_overlaps(struct geo_ranges *list, const char *path, struct err *err)
{
	struct geo_range blamed[2] = {0};
	size_t overlaps = 0;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct geo_range r = list->items[i];
		const struct geo_range *before = kept ? &list->items[kept - 1] : NULL;

		if (before && ip_compare(before->last, r.first) >= 0) {
			if (overlaps++ == 0) {
				blamed[0] = *before;
				blamed[1] = r;
			}
			if (ip_compare(before->last, r.last) >= 0)
				continue;
			r.first = geo_ip_next(before->last);
		}
		list->items[kept++] = r;
	}
	if (overlaps > list->count / OVERLAPS_ONE_IN)
		return overlap_error(&blamed[0], &blamed[1], path, err);
	list->count = kept;
	return ST_OK;
}

int geo_ranges_order(struct geo_ranges *list, const char *path, struct err *err)
{
	bool sorted = true;

	for (size_t i = 1; i < list->count && sorted; i++)
		sorted = compare_first(&list->items[i - 1], &list->items[i]) <= 0;
	if (!sorted)
		qsort(list->items, list->count, sizeof(*list->items), compare_first);
	return cut_overlaps(list, path, err);
}

int geo_ranges_fill(struct geo_ranges *into, const struct geo_ranges *more)
{
	struct geo_ranges merged = {0};
	size_t i = 0;
	int ret = ST_OK;

	for (size_t k = 0; ret == ST_OK && k < more->count; k++) {
		struct geo_range left = more->items[k];
		bool some = true;

		/* What lies before this range goes over as it is. */
		while (ret == ST_OK && i < into->count &&
		       ip_compare(into->items[i].last, left.first) < 0)
			ret = geo_ranges_add(&merged, into->items[i++]);
		while (ret == ST_OK && some && i < into->count &&
		       ip_compare(into->items[i].first, left.last) <= 0) {
			const struct geo_range *mine = &into->items[i];

			if (ip_compare(left.first, mine->first) < 0) {
				struct geo_range part = left;

				part.last = geo_ip_previous(mine->first);
				ret = geo_ranges_add(&merged, part);
			}
			if (ip_compare(mine->last, left.last) >= 0) {
				some = false; /* mine may reach into the next range too */
			} else {
				left.first = geo_ip_next(mine->last);
				if (ret == ST_OK)
					ret = geo_ranges_add(&merged, *mine);
				i++;
			}
		}
		if (ret == ST_OK && some)
			ret = geo_ranges_add(&merged, left);
	}
	while (ret == ST_OK && i < into->count)
		ret = geo_ranges_add(&merged, into->items[i++]);
	if (ret != ST_OK) {
		geo_ranges_fini(&merged);
		return ret;
	}
	geo_ranges_fini(into);
	*into = merged;
	return ST_OK;
}

void geo_ranges_fini(struct geo_ranges *list)
{
	free(list->items);
	*list = (struct geo_ranges){0};
}

void geo_append_line_text(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = utf8_decode(text + i, len - i, &cp);

		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029)
			buf_putc(b, ' ');
		else
			utf8_append_valid(b, text + i, n);
		i += n;
	}
}

static struct geo_name_slot *find_slot(struct geo_name_slot *slots, size_t cap, uint32_t asn)
{
	size_t i = (size_t)hash_u64(asn) & (cap - 1);

	while (slots[i].asn != 0 && slots[i].asn != asn)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static int grow_names(struct geo_names *names)
{
	size_t cap = names->cap ? names->cap * 2 : 1024;
	struct geo_name_slot *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < names->cap; i++)
		if (names->slots[i].asn)
			*find_slot(slots, cap, names->slots[i].asn) = names->slots[i];
	free(names->slots);
	names->slots = slots;
	names->cap = cap;
	return ST_OK;
}

int geo_names_add(struct geo_names *names, uint32_t asn, const char *name, size_t len)
{
	struct geo_name_slot *slot;

	if (asn == 0 || len == 0)
		return ST_OK;
	if (names->count * 2 >= names->cap) {
		int ret = grow_names(names);

		if (ret != ST_OK)
			return ret;
	}
	slot = find_slot(names->slots, names->cap, asn);
	if (slot->asn)
		return ST_OK;
	if (names->text.len > UINT32_MAX / 2)
		return ST_LIMIT;
	/* A name that is cut never ends inside a character. */
	if (len > GEO_NAME_MAX) {
		len = GEO_NAME_MAX;
		while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
			len--;
	}
	slot->asn = asn;
	slot->offset = (uint32_t)names->text.len;
	names->count++;
	geo_append_line_text(&names->text, name, len);
	buf_putc(&names->text, '\0');
	return names->text.failed ? -ENOMEM : ST_OK;
}

void geo_names_fini(struct geo_names *names)
{
	free(names->slots);
	buf_fini(&names->text);
	*names = (struct geo_names){0};
}
