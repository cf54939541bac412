/*
 * What the series of rises are made from, read once for all periods; the contract is in
 * rises_parts.h.
 *
 * Ports are many (all of TCP where somebody sweeps), so their rows are scanned and put where they
 * belong here instead of being grouped and ordered by the engine.
 */
#include "report/rises_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_FIRST 4096
#define TARGET_SQL "(proto * 65536 + port)"

_Static_assert(RISE_DAYS_MAX < UINT16_MAX, "a cell's day must fit");

struct rises_data *rises_data_new(struct store *store, int32_t first, int32_t to)
{
	struct rises_data *data = gather_alloc(1, sizeof(*data));

	data->store = store;
	data->first = first;
	data->days = to > first ? (size_t)(to - first) : 0;
	return data;
}

void rises_data_free(struct rises_data *data)
{
	if (!data)
		return;
	for (size_t i = 0; i < RISES_KIND_COUNT; i++) {
		store_result_free(data->answers[i].packets);
		store_result_free(data->answers[i].sources);
		store_result_free(data->answers[i].all);
		store_result_free(data->answers[i].victims);
	}
	port_index_fini(&data->index);
	free(data->keys);
	free(data->counts);
	free(data->order);
	free(data->cells);
	free(data->cells_from);
	free(data);
}

/* ---- ports ----------------------------------------------------------------------------------- */

/* Makes room for the ports that the index numbers. */
static int grow(struct rises_data *data)
{
	size_t cap = data->ports_cap ? 2 * data->ports_cap : PORTS_FIRST;
	uint32_t *keys = realloc(data->keys, cap * sizeof(*keys));
	struct rises_count *counts = keys
	    ? realloc(data->counts, cap * data->days * sizeof(*counts)) : NULL;

	if (keys)
		data->keys = keys;
	if (!counts)
		return -ENOMEM;
	memset(&counts[data->ports_cap * data->days], 0,
	    (cap - data->ports_cap) * data->days * sizeof(*counts));
	data->counts = counts;
	data->ports_cap = cap;
	return ST_OK;
}

static int take_ports(void *arg, const struct store_result *block, struct err *err)
{
	struct rises_data *data = arg;
	const int64_t *protos = store_result_ints(block, 0);
	const int64_t *ports = store_result_ints(block, 1);
	const int64_t *days = store_result_ints(block, 2);
	const int64_t *packets = store_result_ints(block, 3);
	const int64_t *sources = store_result_ints(block, 4);
	size_t rows = protos && ports && days && packets && sources ? store_result_rows(block) : 0;

	for (size_t row = 0; row < rows; row++) {
		uint32_t key = GATHER_KEY(protos[row] & 0xff, ports[row] & 0xffff);
		size_t port = port_index_get(&data->index, key);
		int64_t day = days[row] - data->first;
		struct rises_count *count;

		if (port == SIZE_MAX || (port >= data->ports_cap && grow(data)))
			return err_set(err, ST_LIMIT, "out of memory");
		data->keys[port] = key;
		if (day < 0 || day >= (int64_t)data->days)
			continue;
		count = &data->counts[port * data->days + (size_t)day];
		count->packets += (float)packets[row];
		count->sources += (float)sources[row];
	}
	return ST_OK;
}

static int put_order(void *arg, uint32_t key, size_t port)
{
	uint32_t **next = arg;

	(void)key;
	*(*next)++ = (uint32_t)port;
	return ST_OK;
}

static void put_days(const struct rises_data *data, struct store_param params[2])
{
	params[0] = (struct store_param){.name = "from_day", .kind = STORE_PARAM_DATE,
	    .int_value = data->first};
	params[1] = (struct store_param){.name = "to_day", .kind = STORE_PARAM_DATE,
	    .int_value = data->first + (int64_t)data->days};
}

static int scan(struct rises_data *data, const char *question, store_scan_each *each, void *arg,
    struct err *err)
{
	struct store_param params[2];

	put_days(data, params);
	return store_scan(data->store, question, params, 2, data->first,
	    data->first + (int32_t)data->days, each, arg, err);
}

int rises_data_ports(struct rises_data *data, struct err *err)
{
	uint32_t *next;
	int rc;

	if (data->order)
		return ST_OK;
	rc = scan(data, "rises_ports", take_ports, data, err);
	if (rc)
		return rc;
	data->ports = data->index.count;
	data->order = calloc(data->ports + 1, sizeof(*data->order));
	if (!data->order)
		return err_set(err, ST_LIMIT, "out of memory");
	next = data->order;
	return port_index_each(&data->index, put_order, &next);
}

/* ---- ports by sensor ------------------------------------------------------------------------- */

struct found_cell {
	uint32_t port;
	struct rises_cell cell;
};

struct finder {
	struct rises_data *data;
	const bool *wanted;
	struct found_cell *found;
	size_t count;
	size_t cap;
};

static int found_add(struct finder *f, const struct found_cell *cell)
{
	if (f->count == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : PORTS_FIRST;
		struct found_cell *found = realloc(f->found, cap * sizeof(*found));

		if (!found)
			return -ENOMEM;
		f->found = found;
		f->cap = cap;
	}
	f->found[f->count++] = *cell;
	return ST_OK;
}

static int take_cells(void *arg, const struct store_result *block, struct err *err)
{
	struct finder *f = arg;
	struct rises_data *data = f->data;
	const int64_t *columns[6];
	size_t rows = store_result_rows(block);

	if (!store_result_all_ints(block, 6, columns))
		return ST_OK;
	for (size_t row = 0; row < rows; row++) {
		uint32_t key = GATHER_KEY(columns[0][row] & 0xff, columns[1][row] & 0xffff);
		size_t port = port_index_find(&data->index, key);
		int64_t day = columns[2][row] - data->first;
		struct found_cell cell;

		if (port == SIZE_MAX || !f->wanted[port] || day < 0 || day >= (int64_t)data->days)
			continue;
		cell = (struct found_cell){.port = (uint32_t)port, .cell = {
			.sensor = (uint16_t)columns[3][row],
			.day = (uint16_t)day,
			.count = {(float)columns[4][row], (float)columns[5][row]},
		}};
		if (found_add(f, &cell))
			return err_set(err, ST_LIMIT, "out of memory");
	}
	return ST_OK;
}

/* Puts the cells of each port together. */
static int sort_cells(struct rises_data *data, const struct finder *f, struct err *err)
{
	data->cells = calloc(f->count + 1, sizeof(*data->cells));
	data->cells_from = calloc(data->ports + 2, sizeof(*data->cells_from));
	if (!data->cells || !data->cells_from)
		return err_set(err, ST_LIMIT, "out of memory");
	for (size_t i = 0; i < f->count; i++)
		data->cells_from[f->found[i].port + 2]++;
	for (size_t i = 0; i < data->ports; i++)
		data->cells_from[i + 2] += data->cells_from[i + 1];
	/* [port + 1] is where the port's next cell goes, and its end when all are there. */
	for (size_t i = 0; i < f->count; i++)
		data->cells[data->cells_from[f->found[i].port + 1]++] = f->found[i].cell;
	return ST_OK;
}

int rises_data_cells(struct rises_data *data, const bool *wanted, struct err *err)
{
	struct finder f = {.data = data, .wanted = wanted};
	int rc = scan(data, "rises_port_sensors", take_cells, &f, err);

	if (!rc)
		rc = sort_cells(data, &f, err);
	free(f.found);
	return rc;
}

/* ---- other kinds ----------------------------------------------------------------------------- */

static int ask(struct rises_data *data, const char *kind, const char *what,
    const struct store_param *more, size_t more_count, struct store_result **ret_result,
    struct err *err)
{
	struct store_param params[4];
	char question[64];

	put_days(data, params);
	for (size_t i = 0; i < more_count; i++)
		params[2 + i] = more[i];
	(void)snprintf(question, sizeof(question), "rises_%s_%s", kind, what);
	return store_ask(data->store, question, params, 2 + more_count, data->first,
	    data->first + (int32_t)data->days, ret_result, err);
}

int rises_data_answers(struct rises_data *data, enum rises_kind kind,
    const struct rises_answers **ret_answers, struct err *err)
{
	static const struct store_param victims[] = {
	    {.name = "target", .kind = STORE_PARAM_SQL, .text = TARGET_SQL},
	    {.name = "few", .int_value = RISES_FEW_VICTIMS}};
	struct rises_answers *answers = &data->answers[kind];
	const char *name = rises_kind_name(kind);
	int rc = ST_OK;

	*ret_answers = answers;
	if (answers->asked)
		return ST_OK;
	answers->asked = true;
	if (kind == RISES_PORT || kind == RISES_COUNTRY)
		rc = ask(data, name, "victims", victims, 2, &answers->victims, err);
	if (kind == RISES_PORT)
		return rc;
	if (!rc)
		rc = ask(data, name, "packets", NULL, 0, &answers->packets, err);
	if (!rc)
		rc = ask(data, name, "sources", NULL, 0, &answers->sources, err);
	if (!rc)
		rc = ask(data, name, "union", NULL, 0, &answers->all, err);
	return rc;
}
