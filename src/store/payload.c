/*
 * Blobs that visitors left: payload/ab/SHA256.zst, each once, compressed and read-only.  Contract
 * in store.h and payload.h.
 *
 * They are hostile programs: nothing here ever runs, opens for anybody else (mode 0400) or looks
 * into one beyond its checksum.  They lie beside the table's segments (payload/date=…), whose rows
 * say who left them and when.
 */
#include "store/payload.h"

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

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t done = write(fd, data, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		data += done;
		len -= (size_t)done;
	}
	return ST_OK;
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
		ret = write_all(fd, data, len);
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
