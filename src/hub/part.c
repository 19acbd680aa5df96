#include "hub/part.h"

#include "base/folder.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FROM_MAGIC "demucs-onnx part 1"
#define FROM_LIMIT 1024

static char *with_suffix(const char *path, const char *suffix)
{
    const size_t size = strlen(path) + strlen(suffix) + 1;
    char *text = malloc(size);
    if (text != NULL)
        snprintf(text, size, "%s%s", path, suffix);
    return text;
}

/* The first line of the file beside the part: the URL's hash, since a URL may
 * contain a password. */
static dmx_status from_head(char text[160], const char *url, dmx_error *err)
{
    char hex[DMX_SHA256_HEX];
    DMX_FORWARD(dmx_sha256_hex(hex, url, strlen(url), err));
    snprintf(text, 160, FROM_MAGIC "\n%s\n", hex);
    return DMX_OK;
}

/* If the file is missing, not ours, or for another URL, there is no validator:
 * the download is resumed without one, and the hash decides. */
static dmx_status read_validator(dmx_part *part, const char *url,
                                 dmx_error *err)
{
    char head[160];
    DMX_FORWARD(from_head(head, url, err));
    dmx_blob blob;
    if (dmx_file_read(&blob, part->from, FROM_LIMIT, NULL) != DMX_OK)
        return DMX_OK;
    const size_t lead = strlen(head);
    const char *text = (const char *)blob.data;
    if (blob.size > lead && memcmp(text, head, lead) == 0) {
        const size_t length = strcspn(text + lead, "\n");
        if (length < DMX_VALIDATOR_SIZE && text[lead + length] == '\n')
            snprintf(part->validator, sizeof part->validator, "%.*s",
                     (int)length, text + lead);
    }
    dmx_blob_free(&blob);
    return DMX_OK;
}

static dmx_status open_part(dmx_part *part, const char *url, dmx_error *err)
{
    struct stat st;
    part->fd =
        open(part->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
             0666);
    DMX_RETURN_IF(part->fd < 0, err, DMX_ERROR_IO, "%s: can't create: %s",
                  part->path, strerror(errno));
    DMX_RETURN_IF(fstat(part->fd, &st) != 0 || !S_ISREG(st.st_mode), err,
                  DMX_ERROR_IO, "%s: not a regular file", part->path);
    part->have = (uint64_t)st.st_size;
    DMX_RETURN_IF(lseek(part->fd, 0, SEEK_END) < 0, err, DMX_ERROR_IO, "%s: %s",
                  part->path, strerror(errno));
    return part->have > 0 ? read_validator(part, url, err) : DMX_OK;
}

dmx_status dmx_part_open(dmx_part *part, const char *path, const char *url,
                         dmx_error *err)
{
    *part = (dmx_part){.fd = -1};
    DMX_FORWARD(dmx_output_target(&part->final, path, err));
    part->path = with_suffix(part->final, ".part");
    part->from = with_suffix(part->final, ".part.from");
    const dmx_status status =
        part->path != NULL && part->from != NULL
            ? open_part(part, url, err)
            : dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory", path);
    if (status != DMX_OK)
        dmx_part_close(part);
    return status;
}

void dmx_part_close(dmx_part *part)
{
    if (part->fd >= 0)
        close(part->fd);
    free(part->final);
    free(part->path);
    free(part->from);
    *part = (dmx_part){.fd = -1};
}

dmx_status dmx_part_restart(dmx_part *part, dmx_error *err)
{
    part->validator[0] = '\0';
    unlink(part->from);
    DMX_RETURN_IF(ftruncate(part->fd, 0) != 0 ||
                      lseek(part->fd, 0, SEEK_SET) != 0,
                  err, DMX_ERROR_IO, "%s: %s", part->path, strerror(errno));
    part->have = 0;
    return DMX_OK;
}

/* Not synced: after a crash, the hash of the whole file decides anyway. */
static dmx_status write_from(const dmx_part *part, const char *text,
                             dmx_error *err)
{
    const int fd =
        open(part->from,
             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
             0666);
    DMX_RETURN_IF(fd < 0, err, DMX_ERROR_IO, "%s: can't create: %s", part->from,
                  strerror(errno));
    const size_t size = strlen(text);
    const bool written = write(fd, text, size) == (ssize_t)size;
    const int code = errno;
    close(fd);
    DMX_RETURN_IF(!written, err, DMX_ERROR_IO, "%s: write failed: %s",
                  part->from, strerror(code));
    return DMX_OK;
}

dmx_status dmx_part_remember(dmx_part *part, const char *url,
                             const dmx_http_head *head, dmx_error *err)
{
    /* RFC 9110, 13.1.5: a weak ETag can't be used for ranges. */
    const char *strong = head->etag[0] == '"' ? head->etag : "";
    const char *validator = strong[0] != '\0' ? strong : head->last_modified;
    if (strcmp(validator, part->validator) == 0)
        return DMX_OK;
    snprintf(part->validator, sizeof part->validator, "%s", validator);
    char lead[160], text[160 + DMX_VALIDATOR_SIZE];
    DMX_FORWARD(from_head(lead, url, err));
    snprintf(text, sizeof text, "%s%s\n", lead, validator);
    return write_from(part, text, err);
}

dmx_status dmx_part_append(dmx_part *part, const void *bytes, size_t size,
                           dmx_error *err)
{
    const char *from = bytes;
    while (size > 0) {
        const ssize_t n = write(part->fd, from, size);
        if (n < 0 && errno == EINTR)
            continue;
        DMX_RETURN_IF(n <= 0, err, DMX_ERROR_IO,
                      "%s: write failed: %s; what has arrived is kept, run "
                      "the command again to go on",
                      part->path, n < 0 ? strerror(errno) : "no room");
        from += n;
        size -= (size_t)n;
        part->have += (uint64_t)n;
    }
    return DMX_OK;
}

dmx_status dmx_part_room(const dmx_part *part, uint64_t bytes, dmx_error *err)
{
    struct statvfs fs;
    if (fstatvfs(part->fd, &fs) != 0 || fs.f_frsize == 0)
        return DMX_OK; /* the write itself will report the error */
    const uint64_t blocks = bytes / fs.f_frsize;
    DMX_RETURN_IF(
        blocks >= fs.f_bavail, err, DMX_ERROR_IO,
        "%s: %.1f MB more are needed, but the disk has only %.1f MB "
        "free; make room or choose another cache with options.cache_dir",
        part->path, (double)bytes / 1e6,
        (double)fs.f_bavail * (double)fs.f_frsize / 1e6);
    return DMX_OK;
}

dmx_status dmx_part_finish(dmx_part *part, dmx_error *err)
{
    struct stat st;
    const char *path = part->final;
    DMX_RETURN_IF(lstat(path, &st) == 0 && !S_ISREG(st.st_mode), err,
                  DMX_ERROR_IO, "%s: no regular file; it is left as it is",
                  path);
    DMX_RETURN_IF(fsync(part->fd) != 0, err, DMX_ERROR_IO,
                  "%s: write failed: %s", part->path, strerror(errno));
    DMX_RETURN_IF(rename(part->path, path) != 0, err, DMX_ERROR_IO,
                  "%s: can't rename into place: %s", path, strerror(errno));
    dmx_sync_folder(path);
    unlink(part->from);
    return DMX_OK;
}

void dmx_part_remove(dmx_part *part)
{
    unlink(part->path);
    unlink(part->from);
}
