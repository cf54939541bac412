/*
 * Blobs that visitors left: payload/ab/SHA256.zst, each once, compressed and read-only.  Contract
 * in store.h and payload.h.
 *
 * They are hostile programs: nothing here ever runs, opens for anybody else (mode 0400) or looks
 * into one beyond its checksum.  They lie beside the table's segments (payload/date=…), whose rows
 * say who left them and when.
 */
#include "store/payload.h"

#include "base/civil.h"
#include "base/zone.h"
#include "os/digest.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define FOLDER "payload"
#define PREFIX_DIGITS 2
#define SHA256_DIGITS 64
#define SUFFIX ".zst"
#define NAME_LEN (SHA256_DIGITS + sizeof(SUFFIX) - 1)
#define LEVEL 6
#define PAYLOAD_MODE 0400
#define UNPACK_BLOCK (32u << 10)

static bool is_sha256(const char *text, size_t len)
{
	return len == SHA256_DIGITS && strspn(text, "0123456789abcdef") >= SHA256_DIGITS;
}

static void put_folder(struct buf *b, const struct store *store, const char *sha256)
{
	buf_printf(b, "%s/" FOLDER "/%.*s", store->path, PREFIX_DIGITS, sha256);
}

static void put_path(struct buf *b, const struct store *store, const char *sha256)
{
	put_folder(b, store, sha256);
	buf_printf(b, "/%.*s" SUFFIX, SHA256_DIGITS, sha256);
}

/* The file under a temporary name, durable; then under its own. */
static int write_file(struct store *store, const char *sha256, const void *data, size_t len,
    struct err *err)
{
	char name[STORE_NAME_MAX];
	struct buf path = {0};
	struct buf temp = {0};
	int fd = -1;
	int ret;

	put_folder(&temp, store, sha256);
	ret = os_folder_make(buf_text(&temp), err);
	buf_printf(&temp, "/.tmp-%s", store_unique_name(store, name));
	put_path(&path, store, sha256);
	if (!ret && (temp.failed || path.failed))
		ret = err_set(err, -ENOMEM, "out of memory");
	if (ret)
		goto out;
	fd = open(buf_text(&temp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, PAYLOAD_MODE);
	if (fd < 0)
		ret = -errno;
	else
		ret = os_fd_write(fd, data, len);
	if (!ret && fsync(fd) != 0)
		ret = -errno;
	if (fd >= 0 && close(fd) != 0 && !ret)
		ret = -errno;
	if (!ret && rename(buf_text(&temp), buf_text(&path)) != 0)
		ret = -errno;
	if (ret) {
		ret = err_set(err, ret, "cannot write %s: %s", buf_text(&path), strerror(-ret));
		(void)unlink(buf_text(&temp)); /* else swept at the next opening */
		goto out;
	}
	buf_reset(&path);
	put_folder(&path, store, sha256);
	ret = os_path_sync(buf_text(&path), err);
out:
	buf_fini(&path);
	buf_fini(&temp);
	return ret;
}

int store_payload_put(struct store *store, const char *sha256, const void *data, size_t len,
    struct err *err)
{
	struct buf path = {0};
	uint8_t *packed = NULL;
	struct os_stat stat;
	size_t bound = ZSTD_compressBound(len);
	size_t done;
	int ret;

	if (store->mode != STORE_WRITE)
		return err_set(err, ST_USAGE, "the store %s is open for reading", store->path);
	if (!is_sha256(sha256, strlen(sha256)))
		return err_set(err, ST_USAGE, "a payload's SHA-256 has 64 lower-case hex digits");
	put_path(&path, store, sha256);
	ret = path.failed ? err_set(err, -ENOMEM, "out of memory")
	                  : os_path_stat(buf_text(&path), &stat, err);
	if (ret || stat.kind != OS_KIND_NONE)
		goto out;
	packed = malloc(bound);
	if (!packed) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	done = ZSTD_compress(packed, bound, data, len, LEVEL);
	ret = ZSTD_isError(done) ? err_set(err, ST_ENGINE, "zstd: %s", ZSTD_getErrorName(done))
	                         : write_file(store, sha256, packed, done, err);
out:
	free(packed);
	buf_fini(&path);
	return ret;
}

/* ---- going through them --------------------------------------------------------------------- */

typedef int visit_blob(void *arg, const char *path, const char *name);

struct walk {
	struct store *store;
	visit_blob *visit;
	void *arg;
	struct err *err;
	const char *folder; /* of two digits, while in it */
};

static int walk_file(void *ctx, const char *name, enum os_kind kind)
{
	struct walk *walk = ctx;
	struct buf path = {0};
	int ret = ST_OK;

	if (kind == OS_KIND_FOLDER)
		return ST_OK;
	buf_printf(&path, "%s/%s", walk->folder, name);
	if (path.failed)
		ret = err_set(walk->err, -ENOMEM, "out of memory");
	else
		ret = walk->visit(walk->arg, buf_text(&path), name);
	buf_fini(&path);
	return ret;
}

static int walk_folder(void *ctx, const char *name, enum os_kind kind)
{
	struct walk *walk = ctx;
	struct buf path = {0};
	int ret;

	if (kind != OS_KIND_FOLDER || strlen(name) != PREFIX_DIGITS
	    || strspn(name, "0123456789abcdef") != PREFIX_DIGITS)
		return ST_OK; /* date=… are the table's segments */
	buf_printf(&path, "%s/" FOLDER "/%s", walk->store->path, name);
	walk->folder = buf_text(&path);
	ret = path.failed ? err_set(walk->err, -ENOMEM, "out of memory")
	                  : os_folder_list(walk->folder, walk_file, walk, walk->err);
	buf_fini(&path);
	return ret;
}

static int walk_all(struct store *store, visit_blob *visit, void *arg, struct err *err)
{
	struct walk walk = {.store = store, .visit = visit, .arg = arg, .err = err};
	struct buf path = {0};
	struct os_stat stat;
	int ret;

	buf_printf(&path, "%s/" FOLDER, store->path);
	ret = path.failed ? err_set(err, -ENOMEM, "out of memory")
	                  : os_path_stat(buf_text(&path), &stat, err);
	if (!ret && stat.kind == OS_KIND_FOLDER)
		ret = os_folder_list(buf_text(&path), walk_folder, &walk, err);
	buf_fini(&path);
	return ret;
}

static bool is_blob(const char *name)
{
	return strlen(name) == NAME_LEN && is_sha256(name, SHA256_DIGITS)
	    && strcmp(name + SHA256_DIGITS, SUFFIX) == 0;
}

struct strangers {
	void (*found)(void *arg, const char *path);
	void *arg;
};

static int see_stranger(void *arg, const char *path, const char *name)
{
	const struct strangers *strangers = arg;
	const char *folder = path + strlen(path) - strlen(name) - 1 - PREFIX_DIGITS;

	if (!is_blob(name) || memcmp(folder, name, PREFIX_DIGITS) != 0)
		strangers->found(strangers->arg, path);
	return ST_OK;
}

int payload_strangers(struct store *store, void (*found)(void *arg, const char *path), void *arg,
    struct err *err)
{
	struct strangers strangers = {.found = found, .arg = arg};

	return walk_all(store, see_stranger, &strangers, err);
}

/* ---- verification --------------------------------------------------------------------------- */

struct check {
	void (*wrong)(void *arg, const char *path, const char *what);
	void *arg;
	struct os_sha256 *sha;
	ZSTD_DCtx *zstd;
};

/* Unpacks a file into the digest; what is wrong with it, or NULL. */
static const char *digest_file(struct check *check, const char *path)
{
	uint8_t in[UNPACK_BLOCK];
	uint8_t out[UNPACK_BLOCK];
	const char *wrong = NULL;
	size_t rest = 1; /* 0 at the end of the frame */
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return "it cannot be read";
	(void)ZSTD_DCtx_reset(check->zstd, ZSTD_reset_session_only); /* never fails */
	while (!wrong && (got = read(fd, in, sizeof(in))) > 0) {
		ZSTD_inBuffer from = {.src = in, .size = (size_t)got};

		while (!wrong && from.pos < from.size) {
			ZSTD_outBuffer to = {.dst = out, .size = sizeof(out)};

			rest = ZSTD_decompressStream(check->zstd, &to, &from);
			if (ZSTD_isError(rest))
				wrong = "it is damaged";
			else
				os_sha256_update(check->sha, out, to.pos);
		}
	}
	(void)close(fd); /* read only */
	if (!wrong && got < 0)
		wrong = "it cannot be read";
	return wrong ? wrong : rest != 0 ? "it is cut short" : NULL;
}

static int check_blob(void *arg, const char *path, const char *name)
{
	struct check *check = arg;
	uint8_t digest[OS_SHA256_LEN];
	char text[OS_SHA256_TEXT_MAX];
	const char *wrong;
	int ret;

	if (!is_blob(name))
		return ST_OK; /* a stranger: somebody else says so */
	wrong = digest_file(check, path);
	ret = os_sha256_finish(check->sha, digest);
	if (ret)
		return ret;
	if (!wrong && memcmp(os_sha256_format(digest, text), name, SHA256_DIGITS) != 0)
		wrong = "its content has another SHA-256";
	if (wrong)
		check->wrong(check->arg, path, wrong);
	return ST_OK;
}

int payload_verify(struct store *store,
    void (*wrong)(void *arg, const char *path, const char *what), void *arg, struct err *err)
{
	struct check check = {.wrong = wrong, .arg = arg, .zstd = ZSTD_createDCtx()};
	int ret = check.zstd ? os_sha256_new(&check.sha) : -ENOMEM;

	if (ret)
		ret = err_set(err, ret, "out of memory");
	else
		ret = walk_all(store, check_blob, &check, err);
	os_sha256_free(check.sha);
	(void)ZSTD_freeDCtx(check.zstd); /* never fails */
	return ret;
}

/* ---- retention ------------------------------------------------------------------------------ */

struct keep {
	struct store *store;
	const struct store_result *mentioned; /* sorted */
	int64_t before_us;
	bool dry_run;
	void (*gone)(void *arg, const char *path, uint64_t bytes);
	void *arg;
	struct err *err;
};

static bool is_mentioned(const struct store_result *result, const char *name)
{
	size_t low = 0;
	size_t high = store_result_rows(result);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strncmp(store_result_text(result, middle, 0), name, SHA256_DIGITS);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int drop_blob(void *arg, const char *path, const char *name)
{
	struct keep *keep = arg;
	struct os_stat stat;
	int ret = os_path_stat(path, &stat, keep->err);

	if (ret || stat.kind != OS_KIND_FILE || !is_blob(name)
	    || stat.modified_us >= keep->before_us || is_mentioned(keep->mentioned, name))
		return ret;
	if (!keep->dry_run)
		(void)unlink(path); /* the next time, then */
	keep->gone(keep->arg, path, stat.size);
	return ST_OK;
}

int payload_prune(struct store *store, int32_t before, bool dry_run,
    void (*gone)(void *arg, const char *path, uint64_t bytes), void *arg, struct err *err)
{
	struct keep keep = {.store = store, .dry_run = dry_run, .gone = gone, .arg = arg,
	    .err = err, .before_us = zone_day_start(store->zone, before)};
	const struct store_param param = {.name = "from_day", .kind = STORE_PARAM_DATE,
	    .int_value = before};
	struct store_result *result = NULL;
	int ret = store_ask(store, "payload_mentioned", &param, 1, before, INT32_MAX, &result, err);

	keep.mentioned = result;
	if (!ret)
		ret = walk_all(store, drop_blob, &keep, err);
	store_result_free(result);
	return ret;
}
