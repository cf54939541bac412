/* Finding and removing files that are not in the catalogue; the contract is in sweep.h. */
#include "store/sweep.h"

#include "base/civil.h"
#include "store/payload.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DATE_PREFIX "date="
#define SUFFIX ".parquet"

struct sweep {
	struct store *store;
	void (*found)(void *arg, const char *path);
	void *arg;
	struct err *err;
};

static int is_listed(struct sweep *sweep, const char *table, int32_t day, const char *file)
{
	size_t len = strlen(file);
	char name[STORE_NAME_MAX];
	int64_t id;
	int ret;

	if (len < strlen(SUFFIX) || strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0
	    || len - strlen(SUFFIX) >= sizeof(name))
		return 0;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(len - strlen(SUFFIX)), file);
	ret = catalogue_int(&sweep->store->cat, &id, sweep->err,
	    "SELECT id FROM segment WHERE name = ? AND tbl = ? AND day = ?", "ssi", name, table,
	    (int64_t)day);
	return ret == ST_OK ? 1 : ret == ST_NOT_FOUND ? 0 : ret;
}

static int sweep_date(struct sweep *sweep, const char *table, const char *folder, int32_t day)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int listed = 0;

	if (!dir)
		return err_set(sweep->err, -errno, "cannot read %s: %s", folder, strerror(errno));
	while (listed >= 0 && (entry = readdir(dir))) {
		struct buf path = {0};

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		listed = is_listed(sweep, table, day, entry->d_name);
		buf_printf(&path, "%s/%s", folder, entry->d_name);
		if (listed == 0)
			sweep->found(sweep->arg, buf_text(&path));
		buf_fini(&path);
	}
	(void)closedir(dir); /* read only */
	return listed < 0 ? listed : ST_OK;
}

static int sweep_table(struct sweep *sweep, const char *table)
{
	struct buf folder = {0};
	struct dirent *entry;
	int ret = ST_OK;
	DIR *dir;

	buf_printf(&folder, "%s/%s", sweep->store->path, table);
	dir = opendir(buf_text(&folder));
	buf_fini(&folder);
	if (!dir)
		return ST_OK; /* no row of it was ever stored */
	while (!ret && (entry = readdir(dir))) {
		const char *date = entry->d_name + strlen(DATE_PREFIX);
		int32_t day;

		if (strncmp(entry->d_name, DATE_PREFIX, strlen(DATE_PREFIX)) != 0
		    || civil_parse_date(date, strlen(date), &day))
			continue;
		buf_printf(&folder, "%s/%s/%s", sweep->store->path, table, entry->d_name);
		ret = sweep_date(sweep, table, buf_text(&folder), day);
		buf_fini(&folder);
	}
	(void)closedir(dir); /* read only */
	return ret;
}

int sweep_strangers(struct store *store, void (*found)(void *arg, const char *path), void *arg,
    struct err *err)
{
	struct sweep sweep = {.store = store, .found = found, .arg = arg, .err = err};
	int ret = ST_OK;

	for (size_t i = 0; !ret && i < RECORD_TABLE_COUNT; i++)
		ret = sweep_table(&sweep, record_tables[i].name);
	return ret ? ret : payload_strangers(store, found, arg, err);
}

static void remove_file(void *arg, const char *path)
{
	(void)arg;
	(void)unlink(path); /* tried again at the next opening */
}

int sweep_remove(struct store *store, struct err *err)
{
	return sweep_strangers(store, remove_file, NULL, err);
}
