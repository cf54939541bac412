/*
 * among(column, list): is the number one of a list that was given beforehand?
 *
 * A list in SQL becomes a join behind the reading of all columns of all rows.  A function of one
 * column is asked while Parquet is read, of a dictionary's values once, and what it refuses is not
 * decoded.  A list is never changed while somebody may ask, so asking needs no lock.
 */
#include "store/among.h"

#include "base/hash.h"
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>

#define SIEVE_BITS (1u << 18)

struct among_list {
	uint64_t *table; /* by hash; 0: free */
	size_t mask;
	bool zero;       /* 0 is one of them */
	uint64_t sieve[SIEVE_BITS / 64]; /* a bit by hash: it tells most numbers apart */
};

static size_t sieve_bit(uint64_t hash)
{
	return hash >> 32 & (SIEVE_BITS - 1);
}

static void list_free(struct among_list *list)
{
	if (list)
		free(list->table);
	free(list);
}

static struct among_list *list_new(const uint64_t *values, size_t count)
{
	struct among_list *list = calloc(1, sizeof(*list));
	size_t size = 16;

	while (size < 2 * count)
		size *= 2;
	if (list)
		list->table = calloc(size, sizeof(*list->table));
	if (!list || !list->table) {
		list_free(list);
		return NULL;
	}
	list->mask = size - 1;
	for (size_t i = 0; i < count; i++) {
		uint64_t hash = hash_u64(values[i]);
		size_t at = hash & list->mask;

		list->sieve[sieve_bit(hash) / 64] |= 1ull << sieve_bit(hash) % 64;
		list->zero |= values[i] == 0;
		while (list->table[at] && list->table[at] != values[i])
			at = (at + 1) & list->mask;
		list->table[at] = values[i];
	}
	return list;
}

static bool list_has(const struct among_list *list, uint64_t value)
{
	uint64_t hash = hash_u64(value);
	size_t bit = sieve_bit(hash);
	size_t at = hash & list->mask;

	if (!(list->sieve[bit / 64] >> bit % 64 & 1))
		return false;
	while (list->table[at] && list->table[at] != value)
		at = (at + 1) & list->mask;
	return value ? list->table[at] == value : list->zero;
}

/* What is NULL is NULL. */
static void pass_nulls(duckdb_vector from, duckdb_vector to, idx_t count)
{
	uint64_t *nulls = duckdb_vector_get_validity(from);
	uint64_t *answers;

	if (!nulls)
		return;
	duckdb_vector_ensure_validity_writable(to);
	answers = duckdb_vector_get_validity(to);
	for (idx_t i = 0; i < count; i++)
		if (!duckdb_validity_row_is_valid(nulls, i))
			duckdb_validity_set_row_invalid(answers, i);
}

static void answer(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	struct among *among = duckdb_scalar_function_get_extra_info(info);
	const uint64_t *values = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
	const int32_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
	bool *has = duckdb_vector_get_data(output);
	idx_t count = duckdb_data_chunk_get_size(input);

	for (idx_t i = 0; i < count; i++) {
		const struct among_list *list = (uint32_t)numbers[i] < AMONG_LISTS_MAX
		    ? atomic_load_explicit(&among->lists[numbers[i]], memory_order_acquire) : NULL;

		has[i] = list && list_has(list, values[i]);
	}
	pass_nulls(duckdb_data_chunk_get_vector(input, 0), output, count);
}

int among_register(struct among *among, struct engine *engine, struct err *err)
{
	const duckdb_type types[] = {DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_BOOLEAN};
	duckdb_scalar_function function = duckdb_create_scalar_function();
	duckdb_state state;

	duckdb_scalar_function_set_name(function, "among");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		duckdb_logical_type type = duckdb_create_logical_type(types[i]);

		if (types[i] == DUCKDB_TYPE_BOOLEAN)
			duckdb_scalar_function_set_return_type(function, type);
		else
			duckdb_scalar_function_add_parameter(function, type);
		duckdb_destroy_logical_type(&type);
	}
	duckdb_scalar_function_set_extra_info(function, among, NULL);
	duckdb_scalar_function_set_function(function, answer);
	state = duckdb_register_scalar_function(engine->con, function);
	duckdb_destroy_scalar_function(&function);
	return state == DuckDBSuccess ? ST_OK : err_set(err, ST_ENGINE, "DuckDB takes no function");
}

void among_fini(struct among *among)
{
	for (size_t i = 0; i < AMONG_LISTS_MAX; i++)
		list_free(atomic_exchange(&among->lists[i], NULL));
}

int store_among_begin(struct store *store, const uint64_t *values, size_t count, int *ret_number,
    struct err *err)
{
	struct among *among = &store_owner(store)->among;
	struct among_list *list = list_new(values, count);

	if (!list)
		return err_set(err, -ENOMEM, "out of memory");
	for (int i = 0; i < AMONG_LISTS_MAX; i++) {
		struct among_list *none = NULL;

		if (!atomic_compare_exchange_strong(&among->lists[i], &none, list))
			continue;
		*ret_number = i;
		return ST_OK;
	}
	list_free(list);
	return err_set(err, ST_LIMIT, "too many lists of numbers at a time");
}

void store_among_end(struct store *store, int number)
{
	if (number >= 0 && number < AMONG_LISTS_MAX)
		list_free(atomic_exchange(&store_owner(store)->among.lists[number], NULL));
}
