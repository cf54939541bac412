/* Clusters of a run; the contract is in clustering.h. */
#include "cmd/clustering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct member {
	struct ip src;
	struct clustering_row row; /* sources: 1 */
};

struct clustering {
	struct clusters *clusters;
	struct zone *zone;
	const struct geo *geo;
	uint16_t sensor;
	int64_t day_start_us; /* of the day that is open */
	int64_t day_end_us;
	struct store_ingest *ingest; /* of the call, as is the next */
	struct err *err;
	struct member *members;
	size_t count;
	size_t cap;
	struct clustering_row *rows;
};

int clustering_new(uint16_t sensor, struct zone *zone, const struct geo *geo,
    struct clustering **ret_clustering, struct err *err)
{
	struct clustering *c = calloc(1, sizeof(*c));

	if (!c || clusters_new(&c->clusters)) {
		clustering_free(c);
		return err_set(err, -ENOMEM, "out of memory");
	}
	c->sensor = sensor;
	c->zone = zone;
	c->geo = geo;
	*ret_clustering = c;
	return ST_OK;
}

void clustering_free(struct clustering *c)
{
	if (!c)
		return;
	clusters_free(c->clusters);
	free(c->members);
	free(c->rows);
	free(c);
}

static int store_member(struct clustering *c, const struct clusters_member *m)
{
	char options[CLUSTERS_OPTIONS_MAX];
	struct record_cluster_day row = clusters_row(m, c->sensor, c->geo, options);

	return store_ingest_rows(c->ingest, RECORD_TABLE_cluster_day, &row, 1, c->err);
}

static int take_member(void *arg, const struct clusters_member *m)
{
	struct clustering *c = arg;

	if (c->count == c->cap && c->count < CLUSTERING_MEMBERS_MAX) {
		size_t cap = c->cap ? 2 * c->cap : 256;
		struct member *more = realloc(c->members, cap * sizeof(*more));

		if (!more)
			return err_set(c->err, -ENOMEM, "out of memory");
		c->members = more;
		c->cap = cap;
	}
	if (c->count < c->cap)
		c->members[c->count++] = (struct member){m->src, {.id = m->id, .fields = m->fields,
		    .sources = 1, .syns = m->syns, .options = m->options, .window = m->window,
		    .initial_ttl = m->initial_ttl}};
	return c->ingest ? store_member(c, m) : ST_OK;
}

int clustering_flush(struct clustering *c, struct store_ingest *ingest, struct err *err)
{
	int rc;

	c->ingest = ingest;
	c->err = err;
	rc = clusters_members(c->clusters, take_member, c);
	clusters_begin(c->clusters, 0);
	c->day_start_us = 0;
	c->day_end_us = 0;
	c->ingest = NULL;
	c->err = NULL;
	return rc;
}

int clustering_add(struct clustering *c, const struct decode_packet *packets, size_t count,
    struct store_ingest *ingest, struct err *err)
{
	int64_t time_us = packets[0].time_us;

	if (time_us < c->day_start_us || time_us >= c->day_end_us) {
		int32_t day = zone_day(c->zone, time_us);
		int rc = clustering_flush(c, ingest, err);

		if (rc)
			return rc;
		c->day_start_us = zone_day_start(c->zone, day);
		c->day_end_us = zone_day_start(c->zone, day + 1);
		clusters_begin(c->clusters, c->day_start_us);
	}
	clusters_add(c->clusters, packets, count);
	return ST_OK;
}

/* ---- the list -------------------------------------------------------------------------------- */

static int compare_members(const void *va, const void *vb)
{
	const struct member *a = va;
	const struct member *b = vb;

	if (a->row.id != b->row.id)
		return a->row.id < b->row.id ? -1 : 1;
	return memcmp(&a->src, &b->src, sizeof(a->src));
}

static int compare_rows(const void *va, const void *vb)
{
	const struct clustering_row *a = va;
	const struct clustering_row *b = vb;

	if (a->sources != b->sources)
		return a->sources > b->sources ? -1 : 1;
	if (a->syns != b->syns)
		return a->syns > b->syns ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

const struct clustering_row *clustering_rows(struct clustering *c, size_t *ret_count)
{
	size_t count = 0;

	*ret_count = 0;
	free(c->rows);
	c->rows = calloc(c->count ? c->count : 1, sizeof(*c->rows));
	if (!c->rows || c->count == 0)
		return c->rows;
	qsort(c->members, c->count, sizeof(*c->members), compare_members);
	for (size_t i = 0; i < c->count; i++) {
		const struct member *m = &c->members[i];

		if (i == 0 || m[-1].row.id != m->row.id) {
			c->rows[count++] = m->row;
			continue;
		}
		c->rows[count - 1].syns += m->row.syns;
		c->rows[count - 1].sources += !ip_equal(m[-1].src, m->src);
	}
	qsort(c->rows, count, sizeof(*c->rows), compare_rows);
	*ret_count = count;
	return c->rows;
}

/* ---- words ----------------------------------------------------------------------------------- */

void clustering_put_fields(uint32_t fields, bool ja, struct buf *b)
{
	static const struct {
		const char *ja;
		const char *en;
	} words[CLUSTERS_FIELD_COUNT] = {
		[CLUSTERS_SEQ] = {"固定シーケンス番号", "constant sequence number"},
		[CLUSTERS_SEQ_HIGH] = {"シーケンス番号の上位16ビットが固定",
		    "constant upper half of the sequence number"},
		[CLUSTERS_SEQ_LOW] = {"シーケンス番号の下位16ビットが固定",
		    "constant lower half of the sequence number"},
		[CLUSTERS_ACK] = {"固定確認応答番号", "constant acknowledgment number"},
		[CLUSTERS_SPORT] = {"固定送信元ポート", "constant source port"},
		[CLUSTERS_IP_ID] = {"固定IP ID", "constant IP ID"},
		[CLUSTERS_TIME] = {"タイムスタンプが現在時刻", "time stamp is the time of day"},
		[CLUSTERS_SEQ_MINUS_DST] = {"シーケンス番号と宛先アドレスの差が固定",
		    "constant difference of sequence number and destination"},
		[CLUSTERS_SEQ_XOR_DST] = {"シーケンス番号と宛先アドレスの排他的論理和が固定",
		    "constant XOR of sequence number and destination"},
		[CLUSTERS_ID_XOR] = {
		    "IP IDと宛先アドレス、宛先ポート、シーケンス番号の排他的論理和が固定",
		    "constant XOR of IP ID, destination, port and sequence number"},
		[CLUSTERS_SEQ_SPORT] = {"シーケンス番号と送信元ポートの差が固定",
		    "constant difference of sequence number and source port"},
	};
	bool any = false;

	for (unsigned i = 0; i < CLUSTERS_FIELD_COUNT; i++) {
		if (!(fields & CLUSTERS_TELLING & 1u << i))
			continue;
		buf_puts(b, any ? (ja ? "、" : ", ") : "");
		buf_puts(b, ja ? words[i].ja : words[i].en);
		any = true;
	}
}

void clustering_put_shape(uint8_t initial_ttl, unsigned window, const char *options, bool ja,
    struct buf *b)
{
	buf_printf(b, ja ? "初期TTL %u" : "initial TTL %u", initial_ttl);
	if (window)
		buf_printf(b, ja ? "、ウィンドウ %u" : ", window %u", window);
	else
		buf_puts(b, ja ? "、ウィンドウ不定" : ", window varies");
	if (options[0])
		buf_printf(b, ja ? "、オプション %s" : ", options %s", options);
	else
		buf_puts(b, ja ? "、オプションなし" : ", no options");
}
