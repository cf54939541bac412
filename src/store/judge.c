/*
 * Judging a date; the contract is in judge.h.
 *
 * Attacks first, because a victim's role follows from them: the candidates' rows go through the
 * detector in order of time.  Then all rows, of a part of the sources at a time where there are
 * many, so that memory does not depend on how many there are.
 */
#include "store/judge.h"

#include "store/chunks.h"
#include "store/judge_source.h"
#include "store/views.h"

#include "base/civil.h"
#include "detect/reflection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a part: sources, and rows, which are as many ports of sources at most. */
#define PART_SOURCES (2u << 20)
#define PART_ROWS (16u << 20)

struct judge {
	struct store *store;
	struct engine *to;
	struct engine from; /* a connection that queries are read from while rows go to `to` */
	struct chunks_taker *taker; /* borrowed; NULL: rows are read as they come */
	struct detect_settings settings;
	const struct research *research;
	struct judge_signatures signatures;
	bool all_roles;
	/* Of the date at hand: */
	int32_t day;
	uint64_t addresses;
	uint64_t sources; /* about so many */
	uint16_t sensor;  /* when rollups are counted */
	bool counts_sources; /* source_day */
	bool counts_ports;   /* port_day */
	bool counts_origins; /* origin_day */
	struct attacks *attacks;
	struct carpets *carpets;
	struct role_victims victims;
};

const char *judge_table(enum record_table_id id)
{
	switch ((int)id) {
	case RECORD_TABLE_role:
		return "judged_role";
	case RECORD_TABLE_role_day:
		return "judged_role_day";
	case RECORD_TABLE_attack:
		return "judged_attack";
	default:
		return NULL;
	}
}

/* Tables of what is counted beside. */
static const char *counted_table(enum record_table_id id)
{
	switch ((int)id) {
	case RECORD_TABLE_source_day:
		return "counted_source_day";
	case RECORD_TABLE_port_day:
		return "counted_port_day";
	case RECORD_TABLE_origin_day:
		return "counted_origin_day";
	default:
		return NULL;
	}
}

const char *judge_counted(const struct judge *j, enum record_table_id id)
{
	bool counted = (id == RECORD_TABLE_source_day && j->counts_sources)
	    || (id == RECORD_TABLE_port_day && j->counts_ports)
	    || (id == RECORD_TABLE_origin_day && j->counts_origins);

	return counted ? counted_table(id) : NULL;
}

/* ---- asking --------------------------------------------------------------------------------- */

static int make_sql(const char *question, const struct store_param *params, size_t count,
    struct buf *sql, struct err *err)
{
	struct buf name = {0};
	int ret;

	buf_printf(&name, "%s.sql", question);
	ret = query_fill(question, embed_find(store_sql_files, buf_text(&name))->data, params, count,
	    sql, err);
	if (!ret && (sql->failed || name.failed))
		ret = err_set(err, -ENOMEM, "out of memory");
	buf_fini(&name);
	return ret;
}

static int read_rows(struct judge *j, const char *question, const struct store_param *params,
    size_t count, int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err), void *arg,
    struct err *err)
{
	struct buf sql = {0};
	int ret = make_sql(question, params, count, &sql, err);

	if (!ret)
		ret = chunks_read(j->from.con, buf_text(&sql), each, arg, err);
	buf_fini(&sql);
	return ret;
}

/* Where rows may come in any order. */
static int take_rows(struct judge *j, const char *question, const struct store_param *params,
    size_t count, int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err), void *arg,
    struct err *err)
{
	struct buf sql = {0};
	int ret;

	if (!j->taker)
		return read_rows(j, question, params, count, each, arg, err);
	ret = make_sql(question, params, count, &sql, err);
	if (!ret)
		ret = chunks_take(j->taker, j->from.con, buf_text(&sql), each, arg, err);
	buf_fini(&sql);
	return ret;
}

static int out_of_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* ---- attacks -------------------------------------------------------------------------------- */

static int take_samples(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge *j = arg;
	const int64_t *seconds = CHUNKS_COLUMN(chunk, 0, int64_t);
	const uint16_t *sensor = CHUNKS_COLUMN(chunk, 1, uint16_t);
	const uint8_t *class = CHUNKS_COLUMN(chunk, 2, uint8_t);
	const uint64_t *hi = CHUNKS_COLUMN(chunk, 3, uint64_t);
	const uint64_t *lo = CHUNKS_COLUMN(chunk, 4, uint64_t);
	const uint8_t *transport = CHUNKS_COLUMN(chunk, 5, uint8_t);
	const uint8_t *proto = CHUNKS_COLUMN(chunk, 6, uint8_t);
	const uint16_t *port = CHUNKS_COLUMN(chunk, 7, uint16_t);
	const uint64_t *packets = CHUNKS_COLUMN(chunk, 8, uint64_t);
	const uint8_t *first = CHUNKS_COLUMN(chunk, 9, uint8_t);
	const uint8_t *last = CHUNKS_COLUMN(chunk, 10, uint8_t);
	const uint64_t *bits = CHUNKS_COLUMN(chunk, 11, uint64_t);
	const uint64_t *dsts = CHUNKS_COLUMN(chunk, 12, uint64_t);

	for (size_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
		bool backscatter = class[i] == RECORD_CLASS_BACKSCATTER;
		struct record_flow flow = {
			.time = seconds[i] * CIVIL_US_PER_SECOND,
			.sensor = sensor[i],
			.class = class[i],
			.proto = proto[i],
			.port = port[i],
			.first_second = first[i],
			.last_second = last[i],
			.dst_bits = bits[i],
			.dsts = (uint32_t)dsts[i],
			.src_hi = hi[i],
			.src_lo = lo[i],
			.victim_hi = backscatter ? hi[i] : 0,
			.victim_lo = backscatter ? lo[i] : 0,
			.victim_proto = backscatter ? transport[i] : 0,
		};
		struct attack_sample sample;

		if (!attack_sample_of(&flow, &sample))
			continue;
		sample.packets = packets[i]; /* sums may be larger than a row */
		if (attacks_add(j->attacks, &sample))
			return out_of_memory(err);
	}
	return ST_OK;
}

static int take_heard(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge *j = arg;
	const uint64_t *hi = CHUNKS_COLUMN(chunk, 0, uint64_t);
	const uint64_t *lo = CHUNKS_COLUMN(chunk, 1, uint64_t);
	const uint16_t *port = CHUNKS_COLUMN(chunk, 2, uint16_t);
	duckdb_string_t *protocol =
	    duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 3));
	duckdb_string_t *asked = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 4));

	for (size_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
		const char *vector = reflection_vector(duckdb_string_t_data(&protocol[i]),
		    duckdb_string_t_length(protocol[i]), duckdb_string_t_data(&asked[i]),
		    duckdb_string_t_length(asked[i]));

		if (vector
		    && attacks_heard(j->attacks, (struct ip){hi[i], lo[i]}, port[i], vector))
			return out_of_memory(err);
	}
	return ST_OK;
}

static int take_carpets(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge *j = arg;
	const uint64_t *hi = CHUNKS_COLUMN(chunk, 0, uint64_t);
	const uint64_t *lo = CHUNKS_COLUMN(chunk, 1, uint64_t);
	const uint64_t *first = CHUNKS_COLUMN(chunk, 2, uint64_t);
	const uint64_t *replies = CHUNKS_COLUMN(chunk, 3, uint64_t);

	for (size_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++)
		if (carpets_add(j->carpets, (struct ip){hi[i], lo[i]}, first[i], replies[i]))
			return out_of_memory(err);
	return ST_OK;
}

/* By the attack's own numbers; its victim's rows say the same unless it was attacked twice. */
static bool in_carpet(void *arg, const struct attack *attack)
{
	const struct judge *j = arg;

	return attack->kind == ATTACK_BACKSCATTER && attack->proto == 6
	    && carpets_networks(j->carpets, carpet_key_at(attack->start_us, attack->port),
	        attack->packets) > 0;
}

static int take_addresses(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge *j = arg;
	int64_t addresses = CHUNKS_COLUMN(chunk, 0, int64_t)[0];

	(void)err;
	j->addresses = addresses > 1 ? (uint64_t)addresses : 1;
	return ST_OK;
}

static int take_sources(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge *j = arg;

	(void)err;
	j->sources = (uint64_t)CHUNKS_COLUMN(chunk, 0, int64_t)[0];
	return ST_OK;
}

static int find_attacks(struct judge *j, struct err *err)
{
	int64_t least;
	int64_t asked = (int64_t)reflection_rule(&j->settings).packets_asked;
	int ret = read_rows(j, "judge_addresses", NULL, 0, take_addresses, j, err);

	if (ret)
		return ret;
	least = (int64_t)attack_rule_backscatter(&j->settings, j->addresses).packets;
	const struct store_param params[] = {
		{.name = "least", .int_value = least},
		{.name = "least_reflection", .int_value = asked},
	};
	const struct store_param heard[] = {{.name = "least_reflection", .int_value = asked}};
	const struct store_param most[] = {
		{.name = "most", .int_value = (int64_t)j->settings.carpet_packets}};

	if (attacks_new(&j->settings, j->addresses, &j->attacks)
	    || carpets_new(&j->settings, &j->carpets))
		return out_of_memory(err);
	ret = read_rows(j, "judge_attacks", params, 2, take_samples, j, err);
	if (!ret)
		ret = read_rows(j, "judge_heard", heard, 1, take_heard, j, err);
	if (!ret)
		ret = read_rows(j, "judge_carpets", most, 1, take_carpets, j, err);
	if (ret)
		return ret;
	carpets_finish(j->carpets, j->addresses);
	if (attacks_finish(j->attacks))
		return out_of_memory(err);
	attacks_drop(j->attacks, in_carpet, j);
	return role_victims_init(&j->victims, j->attacks) ? out_of_memory(err) : ST_OK;
}

static struct record_text text_of(const char *text)
{
	return (struct record_text){text ? text : "", text ? (uint32_t)strlen(text) : 0};
}

static int write_attacks(struct judge *j, struct err *err)
{
	size_t count;
	const struct attack *list = attacks_list(j->attacks, &count);
	struct chunks_writer writer;
	int ret = chunks_writer_open(&writer, j->to->con, &record_tables[RECORD_TABLE_attack],
	    "judged_found", err);

	for (size_t i = 0; !ret && i < count; i++) {
		const struct record_attack row = {
			.date = j->day,
			.kind = text_of(attack_kind_name(list[i].kind)),
			.victim_hi = list[i].victim.hi,
			.victim_lo = list[i].victim.lo,
			.proto = list[i].proto,
			.port = list[i].port,
			.start = list[i].start_us,
			.end = list[i].end_us,
			.packets = list[i].packets,
			.max_ppm = list[i].max_ppm,
			.destinations = list[i].destinations,
			.vector = text_of(list[i].vector),
			.country = {'Z', 'Z'},
			.detector = ROLE_DETECTOR,
		};

		ret = chunks_writer_add(&writer, &row, 1, err);
	}
	if (chunks_writer_close(&writer, ret ? NULL : err) && !ret)
		ret = ST_ENGINE;
	return ret;
}

/* ---- roles ---------------------------------------------------------------------------------- */

static int write_roles(struct judge *j, uint64_t rows, struct err *err)
{
	uint64_t parts;
	bool moved = false;
	struct judge_sources *sources = NULL;
	const struct judge_sources_options options = {
		.day = j->day,
		.addresses = j->addresses,
		.all_roles = j->all_roles,
		.settings = &j->settings,
		.research = j->research,
		.tools = j->store->tools,
		.signatures = &j->signatures,
		.victims = &j->victims,
		.carpets = j->carpets,
		.source_day = judge_counted(j, RECORD_TABLE_source_day),
		.port_day = judge_counted(j, RECORD_TABLE_port_day),
		.origin_day = judge_counted(j, RECORD_TABLE_origin_day),
		.sensor = j->sensor,
	};
	int ret = read_rows(j, "judge_sources", NULL, 0, take_sources, j, err);

	if (!ret)
		ret = judge_sources_new(&options, j->to->con, judge_table(RECORD_TABLE_role),
		    &sources, err);
	parts = 1 + (j->sources / PART_SOURCES > rows / PART_ROWS ? j->sources / PART_SOURCES
	                                                        : rows / PART_ROWS);
	for (uint64_t part = 0; !ret && part < parts; part++) {
		char of_part[64] = "1 = 1";
		const struct store_param params[] = {
			{.name = "of_part", .kind = STORE_PARAM_SQL, .text = of_part},
		};

		if (parts > 1)
			(void)snprintf(of_part, sizeof(of_part), "src_lo %% %llu = %llu",
			    (unsigned long long)parts, (unsigned long long)part);
		ret = take_rows(j, "judge_roles", params, 1, judge_sources_take, sources, err);
		if (!ret)
			ret = judge_sources_end_part(sources, err);
	}
	if (!ret)
		ret = judge_sources_finish(sources, &moved, err);
	if (moved)
		j->counts_origins = false;
	judge_sources_free(sources);
	return ret;
}

static int run_question(struct judge *j, const char *question, const struct store_param *params,
    size_t count, struct err *err)
{
	struct buf sql = {0};
	int ret = make_sql(question, params, count, &sql, err);

	if (!ret)
		ret = engine_run(j->to, buf_text(&sql), err);
	buf_fini(&sql);
	return ret;
}

static int write_role_day(struct judge *j, struct err *err)
{
	struct buf apart = {0};
	int ret;

	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (role_is_apart((enum role)role))
			buf_printf(&apart, "%s'%s'", apart.len ? ", " : "", role_name((enum role)role));
	const struct store_param params[] = {
		{.name = "day", .kind = STORE_PARAM_DATE, .int_value = j->day},
		{.name = "apart", .kind = STORE_PARAM_SQL, .text = buf_text(&apart)},
	};
	ret = run_question(j, "judge_role_day", params, 2, err);
	buf_fini(&apart);
	return ret;
}

static int take_extent(void *arg, duckdb_data_chunk chunk, struct err *err)
{
	struct judge *j = arg;
	int64_t least = CHUNKS_COLUMN(chunk, 0, int64_t)[0];
	int64_t largest = CHUNKS_COLUMN(chunk, 1, int64_t)[0];

	(void)err;
	j->counts_sources = least == largest;
	j->counts_ports = j->counts_sources && CHUNKS_COLUMN(chunk, 2, int64_t)[0] == 0;
	j->counts_origins = j->counts_ports;
	j->sensor = (uint16_t)least;
	return ST_OK;
}

/* Settles which rollups can be counted beside, and makes their tables. */
static int prepare_counts(struct judge *j, struct err *err)
{
	struct buf sql = {0};
	int ret = read_rows(j, "judge_extent", NULL, 0, take_extent, j, err);

	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++) {
		const char *name = judge_counted(j, (enum record_table_id)id);

		if (!name)
			continue;
		buf_printf(&sql, "CREATE OR REPLACE TABLE %s (", name);
		record_ddl_columns(&record_tables[id], RECORD_DUCKDB, &sql);
		buf_puts(&sql, ");\n");
	}
	if (!ret && sql.failed)
		ret = out_of_memory(err);
	if (!ret && sql.len)
		ret = engine_run(j->to, buf_text(&sql), err);
	buf_fini(&sql);
	return ret;
}

/* ---- dates ---------------------------------------------------------------------------------- */

/* Both connections see the date's rows under the names that the questions use. */
static int make_views(struct judge *j, const struct judge_date *date, struct err *err)
{
	struct buf sql = {0};
	int ret = ST_OK;

	buf_printf(&sql, "CREATE OR REPLACE TEMP VIEW judge_flow AS %s;\n"
	    "CREATE OR REPLACE TEMP VIEW judge_session AS %s;\n"
	    "CREATE OR REPLACE TEMP VIEW judge_coverage AS %s", date->flow, date->session,
	    date->coverage);
	if (sql.failed)
		ret = out_of_memory(err);
	if (!ret)
		ret = engine_run(&j->from, buf_text(&sql), err);
	if (!ret)
		ret = engine_run(j->to, buf_text(&sql), err);
	buf_fini(&sql);
	return ret;
}

int judge_add(struct judge *j, const struct judge_date *date, struct err *err)
{
	int ret = make_views(j, date, err);

	j->day = date->day;
	j->counts_sources = false;
	j->counts_ports = false;
	j->counts_origins = false;
	if (!ret)
		ret = find_attacks(j, err);
	if (!ret)
		ret = write_attacks(j, err);
	if (!ret)
		ret = run_question(j, "judge_attack_places", NULL, 0, err);
	if (!ret)
		ret = engine_run(j->to, "DELETE FROM judged_found", err);
	if (!ret && date->count)
		ret = prepare_counts(j, err);
	if (!ret)
		ret = write_roles(j, date->flow_rows, err);
	if (!ret)
		ret = write_role_day(j, err);
	role_victims_fini(&j->victims);
	carpets_free(j->carpets);
	attacks_free(j->attacks);
	j->carpets = NULL;
	j->attacks = NULL;
	return ret;
}

int judge_day(struct store *store, struct judge *judge, int32_t day, struct err *err)
{
	struct views_range range = {day, day + 1, -1};
	struct buf flow = {0};
	struct buf session = {0};
	struct buf coverage = {0};
	struct judge_date date = {.day = day};
	int64_t rows = 0;
	int ret = catalogue_int(&store->cat, &rows, err,
	    "SELECT coalesce(sum(rows), 0) FROM segment WHERE superseded = 0 AND day = ? "
	    "AND tbl = 'flow'", "i", (int64_t)day);

	if (!ret)
		ret = views_append_files(store, RECORD_TABLE_flow, range, &flow, err);
	if (!ret)
		ret = views_append_files(store, RECORD_TABLE_session, range, &session, err);
	if (!ret)
		ret = views_append_files(store, RECORD_TABLE_coverage, range, &coverage, err);
	date.flow = buf_text(&flow);
	date.session = buf_text(&session);
	date.coverage = buf_text(&coverage);
	date.flow_rows = (uint64_t)rows;
	if (!ret)
		ret = judge_add(judge, &date, err);
	buf_fini(&flow);
	buf_fini(&session);
	buf_fini(&coverage);
	return ret;
}

static int make_tables(struct judge *j, struct err *err)
{
	struct buf sql = {0};
	int ret = ST_OK;

	for (int id = 0; id < RECORD_TABLE_COUNT; id++) {
		const char *name = judge_table((enum record_table_id)id);

		if (!name)
			continue;
		buf_printf(&sql, "CREATE TABLE %s (", name);
		record_ddl_columns(&record_tables[id], RECORD_DUCKDB, &sql);
		buf_puts(&sql, ");\n");
	}
	buf_puts(&sql, "CREATE TABLE judged_found AS SELECT * FROM judged_attack");
	if (sql.failed)
		ret = out_of_memory(err);
	if (!ret)
		ret = engine_run(j->to, buf_text(&sql), err);
	buf_fini(&sql);
	return ret;
}

int judge_drop(struct engine *to, struct err *err)
{
	return engine_run(to, "DROP TABLE IF EXISTS judged_role; DROP TABLE IF EXISTS judged_role_day; "
	    "DROP TABLE IF EXISTS judged_attack; DROP TABLE IF EXISTS judged_found; "
	    "DROP TABLE IF EXISTS counted_source_day; DROP TABLE IF EXISTS counted_port_day; "
	    "DROP TABLE IF EXISTS counted_origin_day; "
	    "DROP VIEW IF EXISTS judge_flow; DROP VIEW IF EXISTS judge_session; "
	    "DROP VIEW IF EXISTS judge_coverage", err);
}

/* What is judged by: the caller's, or what is built in. */
static int settle_knowledge(struct judge *j, struct err *err)
{
	struct store *store = j->store;
	int ret = ST_OK;

	j->settings = store->judging.given ? store->judging.settings : detect_settings_default;
	j->research = store->judging.research;
	if (!j->research && !store->research)
		ret = research_new(NULL, &store->research, err);
	if (!j->research)
		j->research = store->research;
	if (!ret && !store->tools)
		ret = tools_new(NULL, &store->tools, err);
	if (!ret)
		ret = judge_signatures_load(&j->signatures, &store->cat, store->tools, err);
	return ret;
}

void judge_all_roles(struct judge *j, bool all_roles)
{
	j->all_roles = all_roles;
}

int judge_new(struct store *store, duckdb_database db, struct engine *to,
    struct judge **ret_judge, struct err *err)
{
	struct judge *j = calloc(1, sizeof(*j));
	int ret;

	if (!j)
		return out_of_memory(err);
	j->store = store;
	j->to = to;
	j->all_roles = true;
	ret = settle_knowledge(j, err);
	if (!ret && duckdb_connect(db, &j->from.con) != DuckDBSuccess)
		ret = err_set(err, ST_ENGINE, "DuckDB gives no connection");
	if (!ret)
		ret = make_tables(j, err);
	if (!ret && to == &store->merger && !store->taker)
		ret = chunks_taker_new(to->con, &store->taker, err);
	j->taker = to == &store->merger ? store->taker : NULL;
	if (ret) {
		judge_free(j);
		return ret;
	}
	*ret_judge = j;
	return ST_OK;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	if (j->from.con)
		duckdb_disconnect(&j->from.con);
	judge_signatures_fini(&j->signatures);
	role_victims_fini(&j->victims);
	carpets_free(j->carpets);
	attacks_free(j->attacks);
	free(j);
}
