/* Writing and reading journals; format and contract are in journal.h. */
#include "store/journal.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT 1
#define FRAME_HEAD 8        /* length and checksum */
#define FRAME_MAX (1u << 20) /* payload */
#define FRAME_FULL (64u << 10) /* a frame is closed when it has so many bytes */

static const char magic[8] = {'T', 'E', 'I', 'T', 'E', 'N', 'J', '\n'};

struct journal {
	int fd;
	uint64_t offset;
	bool unsynced;
	uint8_t frame[FRAME_HEAD + FRAME_MAX];
};

static uint32_t table_key(const struct record_table *table)
{
	return hash_fnv32(table->name, strlen(table->name));
}

static int write_all(struct journal *journal, const uint8_t *data, size_t len, struct err *err)
{
	while (len) {
		ssize_t done = write(journal->fd, data, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_set(err, -errno, "cannot write the journal: %s",
			    strerror(errno));
		data += done;
		len -= (size_t)done;
		journal->offset += (uint64_t)done;
		__atomic_store_n(&journal->unsynced, true, __ATOMIC_RELEASE);
	}
	return ST_OK;
}

int journal_create(const char *path, struct journal **ret_journal, struct err *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	struct wr w;
	int ret;

	if (!journal)
		return err_set(err, -ENOMEM, "out of memory");
	journal->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (journal->fd < 0) {
		ret = err_set(err, -errno, "cannot make %s: %s", path, strerror(errno));
		free(journal);
		return ret;
	}
	w = wr_init(journal->frame, JOURNAL_HEADER_SIZE);
	wr_bytes(&w, magic, sizeof(magic));
	wr_u32le(&w, FORMAT);
	wr_u32le(&w, RECORD_SCHEMA_VERSION);
	ret = write_all(journal, journal->frame, wr_len(&w), err);
	if (!ret)
		ret = journal_sync(journal, err);
	if (ret) {
		journal_close(journal);
		return ret;
	}
	*ret_journal = journal;
	return ST_OK;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	(void)close(journal->fd); /* what had to be durable was synced */
	free(journal);
}

/* Fills a frame with as many of the rows as it takes, at least one; returns how many, 0 when the
 * first is too long. */
static size_t fill_frame(struct journal *journal, const struct record_table *table,
    const uint8_t *rows, size_t count, size_t *ret_len)
{
	struct wr w = wr_init(journal->frame + FRAME_HEAD, FRAME_MAX);
	struct wr head = wr_init(journal->frame, FRAME_HEAD);
	size_t done = 0;

	wr_u32le(&w, table_key(table));
	while (done < count && wr_len(&w) < FRAME_FULL) {
		const uint8_t *row = rows + done * table->size;

		if (record_encoded_max(table, row) > FRAME_MAX - wr_len(&w))
			break;
		record_encode(table, row, &w);
		done++;
	}
	wr_u32le(&head, (uint32_t)wr_len(&w));
	wr_u32le(&head, hash_crc32c(0, w.start, wr_len(&w)));
	*ret_len = FRAME_HEAD + wr_len(&w);
	return w.bad ? 0 : done;
}

int journal_append(struct journal *journal, const struct record_table *table, const void *rows,
    size_t count, struct err *err)
{
	const uint8_t *at = rows;

	while (count) {
		size_t len = 0;
		size_t done = fill_frame(journal, table, at, count, &len);
		int ret;

		if (done == 0)
			return err_set(err, ST_LIMIT, "a row of %s is longer than %u bytes",
			    table->name, FRAME_MAX);
		ret = write_all(journal, journal->frame, len, err);
		if (ret)
			return ret;
		at += done * table->size;
		count -= done;
	}
	return ST_OK;
}

int journal_sync(struct journal *journal, struct err *err)
{
	if (!__atomic_exchange_n(&journal->unsynced, false, __ATOMIC_ACQ_REL))
		return ST_OK;
	if (fdatasync(journal->fd) != 0)
		return err_set(err, -errno, "cannot sync the journal: %s", strerror(errno));
	return ST_OK;
}

uint64_t journal_offset(const struct journal *journal)
{
	return journal->offset;
}

static const struct record_table *table_of(uint32_t key)
{
	for (size_t i = 0; i < RECORD_TABLE_COUNT; i++)
		if (table_key(&record_tables[i]) == key)
			return &record_tables[i];
	return NULL;
}

/* Hands out the rows of one payload; ST_MALFORMED when they do not fill it exactly. */
static int read_rows(struct rd *payload, unsigned version,
    int (*row)(void *arg, enum record_table_id table, const void *row), void *arg)
{
	const struct record_table *table = table_of(rd_u32le(payload));
	union {
#define TABLE(name, doc) struct record_##name name;
#define FIELD(table, name, type, since, privacy, doc)
#define END(name)
#include "record/fields.def"
#undef TABLE
#undef FIELD
#undef END
	} any;

	if (!table)
		return ST_MALFORMED;
	while (rd_left(payload)) {
		int ret = record_decode(table, version, payload, &any);

		if (ret)
			return ST_MALFORMED;
		ret = row(arg, (enum record_table_id)(table - record_tables), &any);
		if (ret)
			return ret;
	}
	return ST_OK;
}

int journal_read(const uint8_t *data, size_t len, uint64_t from,
    int (*row)(void *arg, enum record_table_id table, const void *row), void *arg,
    uint64_t *ret_end)
{
	struct rd r = rd_init(data, len);
	const uint8_t *head = rd_take(&r, sizeof(magic));
	uint32_t format = rd_u32le(&r);
	uint32_t version = rd_u32le(&r);
	uint64_t end = from;

	if (r.bad || memcmp(head, magic, sizeof(magic)) != 0)
		return ST_MALFORMED;
	if (format > FORMAT || version > RECORD_SCHEMA_VERSION)
		return ST_UNSUPPORTED;
	/* Schema 0 has no columns: its rows take no bytes and would never end. */
	if (version == 0)
		return ST_MALFORMED;
	if (from < JOURNAL_HEADER_SIZE || from > len) {
		*ret_end = from < JOURNAL_HEADER_SIZE ? JOURNAL_HEADER_SIZE : len;
		return from < JOURNAL_HEADER_SIZE ? ST_MALFORMED : ST_OK;
	}
	r = rd_init(data + from, len - (size_t)from);
	for (;;) {
		uint32_t size = rd_u32le(&r);
		uint32_t crc = rd_u32le(&r);
		struct rd payload = rd_sub(&r, size);
		int ret;

		if (r.bad || size < sizeof(uint32_t) || size > FRAME_MAX
		    || hash_crc32c(0, payload.pos, size) != crc)
			break;
		ret = read_rows(&payload, version, row, arg);
		if (ret == ST_MALFORMED)
			break;
		if (ret)
			return ret;
		end = (uint64_t)(r.pos - data);
	}
	*ret_end = end;
	return ST_OK;
}
