/* Rankings; the contract is in rank.h. */
#include "cmd/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t rank_code_key(const char *code)
{
	return (uint64_t)(unsigned char)code[0] << 8 | (code[0] ? (unsigned char)code[1] : 0u);
}

static uint64_t row_key(const struct store_result *result, size_t row, enum rank_key kind)
{
	return kind == RANK_KEY_CODE ? rank_code_key(store_result_text(result, row, 1))
	                             : store_result_uint(result, row, 1);
}

struct row {
	uint64_t key;
	size_t index;
};

static int compare_rows(const void *pa, const void *pb)
{
	const struct row *a = pa;
	const struct row *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Port number before protocol, so that 53/TCP and 53/UDP come before 80/TCP. */
static int compare_keys(uint64_t a, uint64_t b)
{
	if ((a & 0xffff) != (b & 0xffff))
		return (a & 0xffff) < (b & 0xffff) ? -1 : 1;
	return (a > b) - (a < b);
}

static int compare_before(const void *pa, const void *pb)
{
	const struct rank_item *a = pa;
	const struct rank_item *b = pb;

	if (a->rate.before != b->rate.before)
		return a->rate.before > b->rate.before ? -1 : 1;
	return compare_keys(a->key, b->key);
}

static int compare_now(const void *pa, const void *pb)
{
	const struct rank_item *a = pa;
	const struct rank_item *b = pb;

	if (a->rate.now != b->rate.now)
		return a->rate.now > b->rate.now ? -1 : 1;
	return compare_keys(a->key, b->key);
}

static void add_row(
    const struct window *w, const struct store_result *result, size_t row, struct rank_item *item)
{
	size_t at = window_sensor_find(w, (uint16_t)store_result_int(result, row, 0));
	double now = store_result_real(result, row, 2);
	double before = store_result_real(result, row, 3);
	const struct window_sensor *s;

	if (at == SIZE_MAX)
		return;
	s = &w->sensors[at];
	report_measure_add(&item->rate, &w->weights[at], now, before);
	item->packets += now;
	if (store_result_columns(result) > 4)
		item->extra += store_result_real(result, row, 4) * w->weights[at].now;
	if (now > 0 && s->now.address_days > 0) {
		double own = now / s->now.address_days;

		item->sensors++;
		item->rate_sum += own;
		item->rate_squares += own * own;
		if (own > item->top_rate)
			item->top_rate = own;
	}
}

void rank_load(const struct window *w, const struct store_result *result, enum rank_key kind,
    struct rank_list *ret_list)
{
	size_t count = store_result_rows(result);
	struct row *rows = command_need(calloc(count + 1, sizeof(*rows)));
	struct rank_list list = {.items = command_need(calloc(count + 1, sizeof(*list.items)))};

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct row){row_key(result, i, kind), i};
	qsort(rows, count, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || rows[i].key != rows[i - 1].key)
			list.items[list.count++].key = rows[i].key;
		add_row(w, result, rows[i].index, &list.items[list.count - 1]);
	}
	free(rows);
	qsort(list.items, list.count, sizeof(*list.items), compare_before);
	for (size_t i = 0; i < list.count; i++)
		list.items[i].rank_before = list.items[i].rate.before > 0 ? (unsigned)i + 1 : 0;
	qsort(list.items, list.count, sizeof(*list.items), compare_now);
	for (size_t i = 0; i < list.count; i++)
		list.items[i].rank = list.items[i].rate.now > 0 ? (unsigned)i + 1 : 0;
	*ret_list = list;
}

void rank_fini(struct rank_list *list)
{
	free(list->items);
	memset(list, 0, sizeof(*list));
}

const struct rank_item *rank_find(const struct rank_list *list, uint64_t key)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].key == key)
			return &list->items[i];
	return NULL;
}

/* ---- locality ------------------------------------------------------------------------------- */

double rank_top_share(const struct rank_item *item)
{
	return item->rate_sum > 0 ? item->top_rate / item->rate_sum : 0;
}

enum rank_locality rank_locality(const struct window *w, const struct rank_item *item)
{
	double all = (double)w->sensors_now;
	double effective;
	double least = fmax(fmin(2, 0.75 * all), 0.1 * all);

	if (w->sensors_now < 2 || item->rate_squares <= 0)
		return RANK_LOCALITY_UNKNOWN;
	effective = item->rate_sum * item->rate_sum / item->rate_squares;
	if (rank_top_share(item) > fmax(0.5, 1.5 / all) || effective < least)
		return RANK_LOCALITY_SINGLE;
	if (effective >= 0.3 * all && 2 * item->sensors >= w->sensors_now)
		return RANK_LOCALITY_GLOBAL;
	return RANK_LOCALITY_PARTIAL;
}

const char *rank_locality_name(enum rank_locality locality)
{
	switch (locality) {
	case RANK_LOCALITY_GLOBAL:
		return "global";
	case RANK_LOCALITY_PARTIAL:
		return "partial";
	case RANK_LOCALITY_SINGLE:
		return "single-sensor";
	case RANK_LOCALITY_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *rank_locality_text(enum rank_locality locality, enum publish_language language)
{
	if (language != PUBLISH_JA)
		return locality == RANK_LOCALITY_UNKNOWN ? "unknown (1 sensor)"
		                                         : rank_locality_name(locality);
	switch (locality) {
	case RANK_LOCALITY_GLOBAL:
		return "広域";
	case RANK_LOCALITY_PARTIAL:
		return "一部のセンサー";
	case RANK_LOCALITY_SINGLE:
		return "特定のセンサー";
	case RANK_LOCALITY_UNKNOWN:
		break;
	}
	return "判定不可(センサー1台)";
}

/* ---- change --------------------------------------------------------------------------------- */

struct report_change rank_change(const struct window *w, const struct report_measure *rate)
{
	return report_change_of(rate, w->panel_count > 0);
}

static void put_signed(struct buf *b, double value, int decimals)
{
	/* The sign is of the printed number: -0.001 is +0.00 nowhere. */
	double unit = pow(10, -decimals);

	if (fabs(value) < unit / 2) {
		buf_puts(b, "±");
		value = 0;
	} else if (value > 0) {
		buf_putc(b, '+');
	}
	publish_number(b, value, decimals);
}

void rank_change_text(const struct window *w, const struct report_measure *rate,
    enum publish_language language, struct buf *b)
{
	struct report_change change = rank_change(w, rate);
	bool ja = language == PUBLISH_JA;

	switch (change.state) {
	case REPORT_CHANGE_NO_DATA:
		buf_puts(b, ja ? "前期は観測データなし" : "not observed before");
		return;
	case REPORT_CHANGE_NEW:
		buf_puts(b, ja ? "前期は検知なし" : "none before");
		return;
	case REPORT_CHANGE_NONE:
	case REPORT_CHANGE_COUNT:
		buf_putc(b, '-');
		return;
	case REPORT_CHANGE_UP:
	case REPORT_CHANGE_DOWN:
	case REPORT_CHANGE_SAME:
		break;
	}
	put_signed(b, change.percent, 1);
	buf_puts(b, "% (");
	put_signed(b, change.difference, 2);
	buf_putc(b, ')');
}
