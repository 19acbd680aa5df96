#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_SUFFIX ".dmx-part"

static dmx_status read_all(dmx_blob *out, int fd, const char *path,
                           dmx_error *err)
{
    size_t done = 0;
    while (done < out->size) {
        const ssize_t n = read(fd, out->data + done, out->size - done);
        if (n < 0 && errno == EINTR)
            continue;
        DMX_RETURN_IF(n < 0, err, DMX_ERROR_IO, "%s: read failed: %s", path,
                      strerror(errno));
        DMX_RETURN_IF(n == 0, err, DMX_ERROR_IO,
                      "%s: the file shrank while it was read", path);
        done += (size_t)n;
    }
    return DMX_OK;
}

static dmx_status read_descriptor(dmx_blob *out, int fd, const char *path,
                                  size_t limit, dmx_error *err)
{
    struct stat st;
    DMX_RETURN_IF(fstat(fd, &st) != 0, err, DMX_ERROR_IO, "%s: %s", path,
                  strerror(errno));
    DMX_RETURN_IF(S_ISDIR(st.st_mode), err, DMX_ERROR_IO,
                  "%s: is a directory, not a file", path);
    DMX_RETURN_IF(!S_ISREG(st.st_mode), err, DMX_ERROR_IO,
                  "%s: not a regular file", path);
    DMX_RETURN_IF((uintmax_t)st.st_size > limit, err, DMX_ERROR_LIMIT,
                  "%s: %jd bytes, more than the limit of %zu", path,
                  (intmax_t)st.st_size, limit);
    out->size = (size_t)st.st_size;
    /* One spare zero byte: text can be used as a C string. */
    out->data = dmx_aligned_alloc(out->size + 1, 1);
    DMX_RETURN_IF(out->data == NULL, err, DMX_ERROR_MEMORY,
                  "%s: no memory for %zu bytes", path, out->size);
    out->data[out->size] = 0;
    return read_all(out, fd, path, err);
}

dmx_status dmx_file_read(dmx_blob *out, const char *path, size_t limit,
                         dmx_error *err)
{
    *out = (dmx_blob){0};
    /* O_NONBLOCK: a FIFO must not hang us before fstat refuses it. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    DMX_RETURN_IF(fd < 0, err, DMX_ERROR_IO, "%s: %s", path, strerror(errno));
    const dmx_status status = read_descriptor(out, fd, path, limit, err);
    close(fd);
    if (status != DMX_OK)
        dmx_blob_free(out);
    return status;
}

void dmx_blob_free(dmx_blob *blob)
{
    dmx_aligned_free(blob->data);
    *blob = (dmx_blob){0};
}

/* The folder of a path, "." when it has none; malloc'd. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Is `name` "<base>.<pid>-<n>.dmx-part" of a process that is gone? */
static bool is_stale(const char *name, const char *base)
{
    const size_t length = strlen(base);
    if (strncmp(name, base, length) != 0 || name[length] != '.')
        return false;
    char *end;
    const long pid = strtol(name + length + 1, &end, 10);
    if (pid <= 0 || *end != '-')
        return false;
    strtol(end + 1, &end, 10);
    return strcmp(end, PART_SUFFIX) == 0 && kill((pid_t)pid, 0) != 0 &&
           errno == ESRCH;
}

static void remove_stale(const char *path)
{
    char *folder = folder_of(path);
    DIR *dir = folder != NULL ? opendir(folder) : NULL;
    if (dir != NULL) {
        const struct dirent *entry;
        while ((entry = readdir(dir)) != NULL)
            if (is_stale(entry->d_name, base_of(path)))
                unlinkat(dirfd(dir), entry->d_name, 0);
        closedir(dir);
    }
    free(folder);
}

static dmx_status open_temporary(dmx_output *out, const char *path,
                                 dmx_error *err)
{
    static atomic_uint serial;
    const size_t size = strlen(path) + 64;
    out->final_path = strdup(path);
    out->temporary_path = malloc(size);
    DMX_RETURN_IF(out->final_path == NULL || out->temporary_path == NULL, err,
                  DMX_ERROR_MEMORY, "%s: no memory", path);
    snprintf(out->temporary_path, size, "%s.%ld-%u" PART_SUFFIX, path,
             (long)getpid(), atomic_fetch_add(&serial, 1));
    const int fd =
        open(out->temporary_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0)
        out->stream = fdopen(fd, "w+b");
    DMX_RETURN_IF(out->stream == NULL, err, DMX_ERROR_IO,
                  "%s: can't create: %s", path, strerror(errno));
    return DMX_OK;
}

dmx_status dmx_output_open(dmx_output *out, const char *path, dmx_error *err)
{
    *out = (dmx_output){0};
    struct stat st;
    DMX_RETURN_IF(stat(path, &st) == 0 && S_ISDIR(st.st_mode), err,
                  DMX_ERROR_IO, "%s: is a directory; give a file name", path);
    remove_stale(path);
    const dmx_status status = open_temporary(out, path, err);
    if (status != DMX_OK)
        dmx_output_abandon(out);
    return status;
}

dmx_status dmx_output_write(dmx_output *out, const void *data, size_t size,
                            dmx_error *err)
{
    DMX_RETURN_IF(size != 0 && fwrite(data, 1, size, out->stream) != size, err,
                  DMX_ERROR_IO, "%s: write failed: %s", out->final_path,
                  strerror(errno));
    return DMX_OK;
}

dmx_status dmx_output_flush(dmx_output *out, dmx_error *err)
{
    DMX_RETURN_IF(fflush(out->stream) != 0 || fsync(fileno(out->stream)) != 0,
                  err, DMX_ERROR_IO, "%s: write failed: %s", out->final_path,
                  strerror(errno));
    return DMX_OK;
}

static void sync_folder(const char *path)
{
    char *folder = folder_of(path);
    const int fd =
        folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd); /* best effort: some file systems refuse it */
        close(fd);
    }
    free(folder);
}

static dmx_status close_and_rename(dmx_output *out, dmx_error *err)
{
    DMX_FORWARD(dmx_output_flush(out, err));
    FILE *stream = out->stream;
    out->stream = NULL;
    DMX_RETURN_IF(fclose(stream) != 0, err, DMX_ERROR_IO,
                  "%s: close failed: %s", out->final_path, strerror(errno));
    DMX_RETURN_IF(rename(out->temporary_path, out->final_path) != 0, err,
                  DMX_ERROR_IO, "%s: can't rename into place: %s",
                  out->final_path, strerror(errno));
    sync_folder(out->final_path);
    free(out->temporary_path);
    out->temporary_path = NULL;
    return DMX_OK;
}

dmx_status dmx_output_commit(dmx_output *out, dmx_error *err)
{
    const dmx_status status = close_and_rename(out, err);
    dmx_output_abandon(out);
    return status;
}

void dmx_output_abandon(dmx_output *out)
{
    if (out->stream != NULL)
        fclose(out->stream);
    if (out->temporary_path != NULL)
        unlink(out->temporary_path);
    free(out->temporary_path);
    free(out->final_path);
    *out = (dmx_output){0};
}
