/*
 * A result as columns of 64-bit cells; text in one heap.  Contract in store.h and result.h.
 *
 * Sums are 128-bit integers in DuckDB: they become INT, or UINT when one does not fit, or REAL
 * when it fits neither.
 */
#include "store/result.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX (64u << 20) /* a result beyond that is a mistake */

/* Eight bytes each: store_result_ints gives the numbers out as an array. */
union cell {
	int64_t i;
	uint64_t u;
	double r;
	size_t text; /* offset in the heap */
};

_Static_assert(sizeof(union cell) == sizeof(int64_t), "an array of numbers");

struct column {
	char *name;
	enum store_type type;
	union cell *cells;
	bool *nulls;
};

struct store_result {
	size_t rows;
	size_t cap;
	size_t column_count;
	struct column *columns;
	struct buf heap; /* NUL-terminated texts */
};

bool result_takes(duckdb_type type)
{
	switch ((int)type) {
	case DUCKDB_TYPE_BOOLEAN:
	case DUCKDB_TYPE_TINYINT:
	case DUCKDB_TYPE_SMALLINT:
	case DUCKDB_TYPE_INTEGER:
	case DUCKDB_TYPE_BIGINT:
	case DUCKDB_TYPE_UTINYINT:
	case DUCKDB_TYPE_USMALLINT:
	case DUCKDB_TYPE_UINTEGER:
	case DUCKDB_TYPE_UBIGINT:
	case DUCKDB_TYPE_HUGEINT:
	case DUCKDB_TYPE_FLOAT:
	case DUCKDB_TYPE_DOUBLE:
	case DUCKDB_TYPE_TIMESTAMP:
	case DUCKDB_TYPE_DATE:
	case DUCKDB_TYPE_VARCHAR:
		return true;
	default:
		return false;
	}
}

static enum store_type type_of(duckdb_type type)
{
	switch ((int)type) {
	case DUCKDB_TYPE_UBIGINT:
		return STORE_TYPE_UINT;
	case DUCKDB_TYPE_FLOAT:
	case DUCKDB_TYPE_DOUBLE:
		return STORE_TYPE_REAL;
	case DUCKDB_TYPE_TIMESTAMP:
		return STORE_TYPE_TIME;
	case DUCKDB_TYPE_DATE:
		return STORE_TYPE_DATE;
	case DUCKDB_TYPE_VARCHAR:
		return STORE_TYPE_TEXT;
	default:
		return STORE_TYPE_INT;
	}
}

static double huge_real(duckdb_hugeint h)
{
	return (double)h.upper * 18446744073709551616.0 + (double)h.lower;
}

/* Turns the cells so far from one kind of number into a wider one. */
static void widen(struct column *column, size_t rows, enum store_type type)
{
	for (size_t i = 0; type == STORE_TYPE_REAL && i < rows; i++)
		column->cells[i].r = column->type == STORE_TYPE_UINT
		    ? (double)column->cells[i].u : (double)column->cells[i].i;
	column->type = type;
}

static void put_huge(struct column *column, size_t row, duckdb_hugeint h)
{
	bool fits_int = (h.upper == 0 && h.lower <= INT64_MAX)
	    || (h.upper == -1 && h.lower > INT64_MAX);

	/* A column with a number below zero and one above INT64_MAX becomes real. */
	if (column->type == STORE_TYPE_INT && !fits_int) {
		bool negative = h.upper != 0;

		for (size_t i = 0; !negative && i < row; i++)
			negative = column->cells[i].i < 0;
		widen(column, row, negative ? STORE_TYPE_REAL : STORE_TYPE_UINT);
	} else if (column->type == STORE_TYPE_UINT && h.upper != 0) {
		widen(column, row, STORE_TYPE_REAL);
	}
	if (column->type == STORE_TYPE_REAL)
		column->cells[row].r = huge_real(h);
	else
		column->cells[row].u = h.lower;
}

static void put_text(struct store_result *result, struct column *column, size_t row,
    duckdb_string_t *text)
{
	column->cells[row].text = result->heap.len;
	buf_append(&result->heap, duckdb_string_t_data(text), duckdb_string_t_length(*text));
	buf_putc(&result->heap, '\0');
}

static void put_cell(struct store_result *result, struct column *column, size_t row,
    duckdb_type type, void *data, size_t i)
{
	union cell *cell = &column->cells[row];

	switch ((int)type) {
	case DUCKDB_TYPE_BOOLEAN:
	case DUCKDB_TYPE_UTINYINT:
		cell->i = ((uint8_t *)data)[i];
		break;
	case DUCKDB_TYPE_TINYINT:
		cell->i = ((int8_t *)data)[i]; /* NOLINT: a number */
		break;
	case DUCKDB_TYPE_SMALLINT:
		cell->i = ((int16_t *)data)[i];
		break;
	case DUCKDB_TYPE_USMALLINT:
		cell->i = ((uint16_t *)data)[i];
		break;
	case DUCKDB_TYPE_INTEGER:
	case DUCKDB_TYPE_DATE:
		cell->i = ((int32_t *)data)[i];
		break;
	case DUCKDB_TYPE_UINTEGER:
		cell->i = ((uint32_t *)data)[i];
		break;
	case DUCKDB_TYPE_BIGINT:
	case DUCKDB_TYPE_UBIGINT:
	case DUCKDB_TYPE_TIMESTAMP:
		cell->i = ((int64_t *)data)[i];
		break;
	case DUCKDB_TYPE_FLOAT:
		cell->r = (double)((float *)data)[i];
		break;
	case DUCKDB_TYPE_DOUBLE:
		cell->r = ((double *)data)[i];
		break;
	case DUCKDB_TYPE_HUGEINT:
		put_huge(column, row, ((duckdb_hugeint *)data)[i]);
		break;
	case DUCKDB_TYPE_VARCHAR:
		put_text(result, column, row, &((duckdb_string_t *)data)[i]);
		break;
	default:
		cell->i = 0;
		break;
	}
}

static bool reserve(struct store_result *result, size_t rows)
{
	size_t cap = result->cap ? result->cap : 64;

	if (rows <= result->cap)
		return true;
	while (cap < rows)
		cap *= 2;
	for (size_t c = 0; c < result->column_count; c++) {
		struct column *column = &result->columns[c];
		union cell *cells = realloc(column->cells, cap * sizeof(*cells));
		bool *nulls;

		if (!cells)
			return false;
		column->cells = cells;
		nulls = realloc(column->nulls, cap * sizeof(*nulls));
		if (!nulls)
			return false;
		column->nulls = nulls;
	}
	result->cap = cap;
	return true;
}

/* Whole columns of the usual widths, without a look at the type for each cell. */
#define READ_AS(T) \
	do { \
		const T *values = data; \
		for (size_t i = 0; i < count; i++) \
			cells[i].i = values[i]; \
	} while (0)

static bool read_plain(union cell *cells, duckdb_type type, const void *data, size_t count)
{
	switch ((int)type) {
	case DUCKDB_TYPE_UTINYINT:
		READ_AS(uint8_t);
		return true;
	case DUCKDB_TYPE_USMALLINT:
		READ_AS(uint16_t);
		return true;
	case DUCKDB_TYPE_INTEGER:
	case DUCKDB_TYPE_DATE:
		READ_AS(int32_t);
		return true;
	case DUCKDB_TYPE_UINTEGER:
		READ_AS(uint32_t);
		return true;
	case DUCKDB_TYPE_BIGINT:
	case DUCKDB_TYPE_UBIGINT:
	case DUCKDB_TYPE_TIMESTAMP:
		READ_AS(int64_t);
		return true;
	default:
		return false;
	}
}

static void read_column(struct store_result *result, size_t index, duckdb_type type,
    duckdb_vector vector, size_t count)
{
	struct column *column = &result->columns[index];
	uint64_t *validity = duckdb_vector_get_validity(vector);
	void *data = duckdb_vector_get_data(vector);

	if (!validity && read_plain(column->cells + result->rows, type, data, count)) {
		memset(column->nulls + result->rows, 0, count * sizeof(*column->nulls));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		size_t row = result->rows + i;

		column->cells[row].u = 0;
		column->nulls[row] = validity && !duckdb_validity_row_is_valid(validity, i);
		if (!column->nulls[row])
			put_cell(result, column, row, type, data, i);
	}
}

static int read_chunk(struct store_result *result, duckdb_result *from, duckdb_data_chunk chunk,
    struct err *err)
{
	size_t count = duckdb_data_chunk_get_size(chunk);

	if (result->rows + count > ROWS_MAX)
		return err_set(err, ST_LIMIT, "the result has more than %u rows", ROWS_MAX);
	if (!reserve(result, result->rows + count))
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t c = 0; c < result->column_count; c++)
		read_column(result, c, duckdb_column_type(from, c),
		    duckdb_data_chunk_get_vector(chunk, c), count);
	result->rows += count;
	return result->heap.failed ? err_set(err, -ENOMEM, "out of memory") : ST_OK;
}

static struct store_result *result_new(duckdb_result *from, const char *const *names)
{
	struct store_result *result = calloc(1, sizeof(*result));

	if (!result)
		return NULL;
	result->column_count = duckdb_column_count(from);
	result->columns = calloc(result->column_count ? result->column_count : 1,
	    sizeof(*result->columns));
	if (!result->columns) {
		free(result);
		return NULL;
	}
	for (size_t c = 0; c < result->column_count; c++) {
		const char *name = names ? names[c] : duckdb_column_name(from, c);

		result->columns[c].type = type_of(duckdb_column_type(from, c));
		result->columns[c].name = strdup(name ? name : "");
	}
	return result;
}

int result_read(duckdb_result *from, const char *const *names, struct store_result **ret_result,
    struct err *err)
{
	struct store_result *result = result_new(from, names);
	duckdb_data_chunk chunk;
	int ret = ST_OK;

	if (!result)
		return err_set(err, -ENOMEM, "out of memory");
	while (!ret && (chunk = duckdb_fetch_chunk(*from))) {
		ret = read_chunk(result, from, chunk, err);
		duckdb_destroy_data_chunk(&chunk);
	}
	if (ret) {
		store_result_free(result);
		return ret;
	}
	*ret_result = result;
	return ST_OK;
}

int result_scan(duckdb_result *from, const char *const *names, store_scan_each *each, void *arg,
    struct err *err)
{
	struct store_result *block = result_new(from, names);
	duckdb_data_chunk chunk;
	int ret = ST_OK;

	if (!block)
		return err_set(err, -ENOMEM, "out of memory");
	while (!ret && (chunk = duckdb_fetch_chunk(*from))) {
		block->rows = 0;
		block->heap.len = 0;
		ret = read_chunk(block, from, chunk, err);
		duckdb_destroy_data_chunk(&chunk);
		if (!ret)
			ret = each(arg, block, err);
	}
	store_result_free(block);
	return ret;
}

size_t store_result_rows(const struct store_result *result)
{
	return result ? result->rows : 0;
}

size_t store_result_columns(const struct store_result *result)
{
	return result ? result->column_count : 0;
}

const char *store_result_name(const struct store_result *result, size_t column)
{
	if (column >= store_result_columns(result) || !result->columns[column].name)
		return "";
	return result->columns[column].name;
}

enum store_type store_result_type(const struct store_result *result, size_t column)
{
	return column < store_result_columns(result) ? result->columns[column].type
	                                             : STORE_TYPE_INT;
}

bool store_result_null(const struct store_result *result, size_t row, size_t column)
{
	return column >= store_result_columns(result) || row >= result->rows
	    || result->columns[column].nulls[row];
}

int64_t store_result_int(const struct store_result *result, size_t row, size_t column)
{
	const union cell *cell;

	if (store_result_null(result, row, column))
		return 0;
	cell = &result->columns[column].cells[row];
	switch (result->columns[column].type) {
	case STORE_TYPE_REAL:
		return cell->r >= 9.2e18 ? INT64_MAX
		    : cell->r <= -9.2e18 ? INT64_MIN
		    : cell->r != cell->r ? 0 : (int64_t)cell->r;
	case STORE_TYPE_UINT:
		return cell->u > INT64_MAX ? INT64_MAX : cell->i;
	case STORE_TYPE_TEXT:
		return 0;
	case STORE_TYPE_INT:
	case STORE_TYPE_DATE:
	case STORE_TYPE_TIME:
		break;
	}
	return cell->i;
}

uint64_t store_result_uint(const struct store_result *result, size_t row, size_t column)
{
	int64_t value;

	if (!store_result_null(result, row, column)
	    && result->columns[column].type == STORE_TYPE_UINT)
		return result->columns[column].cells[row].u;
	value = store_result_int(result, row, column);
	return value < 0 ? 0 : (uint64_t)value;
}

double store_result_real(const struct store_result *result, size_t row, size_t column)
{
	if (store_result_null(result, row, column))
		return 0;
	if (result->columns[column].type == STORE_TYPE_REAL)
		return result->columns[column].cells[row].r;
	if (result->columns[column].type == STORE_TYPE_UINT)
		return (double)result->columns[column].cells[row].u;
	return (double)store_result_int(result, row, column);
}

const char *store_result_text(const struct store_result *result, size_t row, size_t column)
{
	if (store_result_null(result, row, column)
	    || result->columns[column].type != STORE_TYPE_TEXT)
		return "";
	return result->heap.data + result->columns[column].cells[row].text;
}

const int64_t *store_result_ints(const struct store_result *result, size_t column)
{
	enum store_type type = store_result_type(result, column);

	if (column >= store_result_columns(result) || result->rows == 0
	    || type == STORE_TYPE_REAL || type == STORE_TYPE_TEXT)
		return NULL;
	return &result->columns[column].cells->i;
}

bool store_result_all_ints(const struct store_result *result, size_t count,
    const int64_t *ret_columns[])
{
	for (size_t c = 0; c < count; c++) {
		ret_columns[c] = store_result_ints(result, c);
		if (!ret_columns[c])
			return false;
	}
	return true;
}

void store_result_free(struct store_result *result)
{
	if (!result)
		return;
	for (size_t c = 0; c < result->column_count; c++) {
		free(result->columns[c].name);
		free(result->columns[c].cells);
		free(result->columns[c].nulls);
	}
	free(result->columns);
	buf_fini(&result->heap);
	free(result);
}
