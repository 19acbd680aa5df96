#include "base/output.h"

#include "base/folder.h"
#include "base/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40, COPY_BLOCK = 65536 };

/* ----------------------------------------------------------------- target */

/* The path that a link in the folder of `from` points to; malloc'd. */
static char *beside(const char *from, const char *link)
{
    const char *slash = strrchr(from, '/');
    if (link[0] == '/' || slash == NULL)
        return strdup(link);
    const size_t lead = (size_t)(slash + 1 - from);
    char *path = malloc(lead + strlen(link) + 1);
    if (path != NULL) {
        memcpy(path, from, lead);
        strcpy(path + lead, link);
    }
    return path;
}

/* Follows one symbolic link: 1; 0 when *at is no link or does not exist; -1
 * with errno. */
static int follow(char **at)
{
    char link[PATH_MAX];
    const ssize_t n = readlink(*at, link, sizeof link - 1);
    if (n < 0)
        return errno == EINVAL || errno == ENOENT ? 0 : -1;
    link[n] = '\0';
    char *next = beside(*at, link);
    free(*at);
    *at = next;
    if (next == NULL)
        errno = ENOMEM;
    return next != NULL ? 1 : -1;
}

dmx_status dmx_output_target(char **target, const char *path, dmx_error *err)
{
    *target = strdup(path);
    int more = 1;
    errno = ENOMEM;
    for (int i = 0; *target != NULL && more > 0 && i < MOST_LINKS; i++)
        more = follow(target);
    if (more > 0 && *target != NULL)
        errno = ELOOP;
    if (more == 0)
        return DMX_OK;
    const int code = errno;
    free(*target);
    *target = NULL;
    DMX_RETURN_ERROR(err, code == ENOMEM ? DMX_ERROR_MEMORY : DMX_ERROR_IO,
                     "%s: can't create: %s", path, strerror(code));
}

/* ------------------------------------------------------------------- open */

static dmx_status no_memory(const char *path, dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory", path);
}

/* A name in the folder for temporary files, made by mkostemp. */
static int create_elsewhere(char **path)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    const size_t size = strlen(folder) + sizeof "/demucs-onnx-XXXXXX";
    *path = malloc(size);
    errno = ENOMEM;
    if (*path == NULL)
        return -1;
    snprintf(*path, size, "%s/demucs-onnx-XXXXXX", folder);
    const int fd = mkostemp(*path, O_CLOEXEC);
    if (fd < 0) {
        free(*path);
        *path = NULL;
    }
    return fd;
}

static dmx_status open_stream(dmx_output *out, int fd, dmx_error *err)
{
    DMX_RETURN_IF(fd < 0, err,
                  errno == ENOMEM ? DMX_ERROR_MEMORY : DMX_ERROR_IO,
                  "%s: can't create: %s", out->name, strerror(errno));
    out->lock = fd;
    out->listed = dmx_part_list_add(out->temporary_path);
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    out->stream = copy >= 0 ? fdopen(copy, "w+b") : NULL;
    const int code = errno;
    if (out->stream == NULL && copy >= 0)
        close(copy);
    DMX_RETURN_IF(out->stream == NULL, err, DMX_ERROR_IO,
                  "%s: can't create: %s", out->name, strerror(code));
    return DMX_OK;
}

/* A pipe without a reader must not block us; this detects it before the work
 * starts. */
static dmx_status open_device(dmx_output *out, mode_t mode, dmx_error *err)
{
    DMX_RETURN_IF(!S_ISFIFO(mode) && !S_ISCHR(mode), err, DMX_ERROR_IO,
                  "%s: neither a file, a pipe nor a character device; it is "
                  "left as it is",
                  out->name);
    out->device = open(out->name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    DMX_RETURN_IF(out->device < 0 && errno == ENXIO && S_ISFIFO(mode), err,
                  DMX_ERROR_IO, "%s: no program reads from this pipe",
                  out->name);
    DMX_RETURN_IF(out->device < 0, err, DMX_ERROR_IO, "%s: can't write: %s",
                  out->name, strerror(errno));
    const int flags = fcntl(out->device, F_GETFL);
    DMX_RETURN_IF(
        flags < 0 || fcntl(out->device, F_SETFL, flags & ~O_NONBLOCK) < 0, err,
        DMX_ERROR_IO, "%s: can't write: %s", out->name, strerror(errno));
    const int fd = create_elsewhere(&out->temporary_path);
    return open_stream(out, fd, err);
}

static dmx_status open_beside(dmx_output *out, const struct stat *old,
                              dmx_error *err)
{
    struct stat st;
    DMX_FORWARD(dmx_output_target(&out->final_path, out->name, err));
    const bool there = lstat(out->final_path, &st) == 0;
    /* for example /dev/stdout when it is a deleted file */
    DMX_RETURN_IF(old != NULL && (!there || st.st_dev != old->st_dev ||
                                  st.st_ino != old->st_ino),
                  err, DMX_ERROR_IO,
                  "%s: leads to a file without a name of its own; give its "
                  "name",
                  out->name);
    DMX_RETURN_IF(!there && errno != ENOENT, err, DMX_ERROR_IO,
                  "%s: can't create: %s", out->name, strerror(errno));
    dmx_part_files_remove_dead(out->final_path);
    const int fd = dmx_part_file_create(&out->temporary_path, out->final_path);
    DMX_FORWARD(open_stream(out, fd, err));
    if (old != NULL) /* keep its permissions; best effort */
        (void)!fchmod(fd, old->st_mode & 0777);
    return DMX_OK;
}

static dmx_status open_any(dmx_output *out, const char *path, dmx_error *err)
{
    struct stat st;
    out->name = strdup(path);
    if (out->name == NULL)
        return no_memory(path, err);
    DMX_RETURN_IF(path[0] == '\0', err, DMX_ERROR_ARGUMENT,
                  "the name of the file to write is empty");
    if (stat(path, &st) != 0)
        return open_beside(out, NULL, err);
    DMX_RETURN_IF(S_ISDIR(st.st_mode), err, DMX_ERROR_IO,
                  "%s: is a directory; give a file name", path);
    return S_ISREG(st.st_mode) ? open_beside(out, &st, err)
                               : open_device(out, st.st_mode, err);
}

dmx_status dmx_output_open(dmx_output *out, const char *path, dmx_error *err)
{
    *out = (dmx_output){.lock = -1, .device = -1};
    const dmx_status status = open_any(out, path, err);
    if (status != DMX_OK)
        dmx_output_abandon(out);
    return status;
}

/* ------------------------------------------------------------------ write */

static dmx_status write_failed(const dmx_output *out, dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_IO, "%s: write failed: %s", out->name,
                    strerror(errno));
}

dmx_status dmx_output_write(dmx_output *out, const void *data, size_t size,
                            dmx_error *err)
{
    if (size != 0 && fwrite(data, 1, size, out->stream) != size)
        return write_failed(out, err);
    return DMX_OK;
}

dmx_status dmx_output_flush(dmx_output *out, dmx_error *err)
{
    if (fflush(out->stream) != 0 || fsync(fileno(out->stream)) != 0)
        return write_failed(out, err);
    return DMX_OK;
}

/* ----------------------------------------------------------------- commit */

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

static dmx_status copy_to_device(dmx_output *out, dmx_error *err)
{
    char block[COPY_BLOCK];
    off_t at = 0;
    ssize_t n;
    while ((n = pread(out->lock, block, sizeof block, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || !write_all(out->device, block, (size_t)n))
            return write_failed(out, err);
        at += n;
    }
    return DMX_OK;
}

static void fill_mark(dmx_output_mark *mark, const dmx_output *out)
{
    struct stat st;
    if (mark != NULL && fstat(out->lock, &st) == 0)
        *mark =
            (dmx_output_mark){strdup(out->final_path), st.st_dev, st.st_ino};
}

static dmx_status rename_part(dmx_output *out, dmx_output_mark *mark,
                              dmx_error *err)
{
    struct stat old;
    const bool there = lstat(out->final_path, &old) == 0;
    DMX_RETURN_IF(there && !S_ISREG(old.st_mode), err, DMX_ERROR_IO,
                  "%s: is no regular file any more; it is left as it is",
                  out->name);
    DMX_RETURN_IF(!dmx_is_file_of_name(out->lock, out->temporary_path), err,
                  DMX_ERROR_IO, "%s: its part file was removed or replaced",
                  out->name);
    DMX_RETURN_IF(rename(out->temporary_path, out->final_path) != 0, err,
                  DMX_ERROR_IO, "%s: can't rename into place: %s", out->name,
                  strerror(errno));
    dmx_sync_folder(out->final_path);
    if (!there)
        fill_mark(mark, out);
    return DMX_OK;
}

static dmx_status finish(dmx_output *out, dmx_output_mark *mark, dmx_error *err)
{
    DMX_FORWARD(dmx_output_flush(out, err));
    FILE *stream = out->stream;
    out->stream = NULL;
    DMX_RETURN_IF(fclose(stream) != 0, err, DMX_ERROR_IO,
                  "%s: close failed: %s", out->name, strerror(errno));
    return out->device >= 0 ? copy_to_device(out, err)
                            : rename_part(out, mark, err);
}

dmx_status dmx_output_commit(dmx_output *out, dmx_output_mark *mark,
                             dmx_error *err)
{
    if (mark != NULL)
        *mark = (dmx_output_mark){0};
    const dmx_status status = finish(out, mark, err);
    dmx_output_abandon(out);
    return status;
}

dmx_status dmx_write_file(const char *path, const void *data, size_t size,
                          dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, path);
    DMX_RETURN_IF(data == NULL && size > 0, err, DMX_ERROR_ARGUMENT,
                  "%s: data is NULL", __func__);
    dmx_output out;
    DMX_FORWARD(dmx_output_open(&out, path, err));
    const dmx_status status = dmx_output_write(&out, data, size, err);
    if (status == DMX_OK)
        return dmx_output_commit(&out, NULL, err);
    dmx_output_abandon(&out);
    return status;
}

/* ---------------------------------------------------------------- abandon */

/* Removes only the file that we created, never another one of that name. */
static void remove_temporary(dmx_output *out)
{
    if (out->temporary_path == NULL)
        return;
    if (out->lock >= 0 && dmx_is_file_of_name(out->lock, out->temporary_path))
        unlink(out->temporary_path);
    if (!out->listed || dmx_part_list_drop(out->temporary_path))
        free(out->temporary_path);
}

void dmx_output_abandon(dmx_output *out)
{
    if (out->name == NULL)
        return;
    if (out->stream != NULL)
        fclose(out->stream);
    remove_temporary(out);
    if (out->lock >= 0)
        close(out->lock);
    if (out->device >= 0)
        close(out->device);
    free(out->final_path);
    free(out->name);
    *out = (dmx_output){0};
}

void dmx_output_take_back(dmx_output_mark *mark)
{
    struct stat st;
    if (mark->path != NULL && lstat(mark->path, &st) == 0 &&
        st.st_dev == mark->volume && st.st_ino == mark->file)
        unlink(mark->path);
    dmx_output_forget(mark);
}

void dmx_output_forget(dmx_output_mark *mark)
{
    free(mark->path);
    *mark = (dmx_output_mark){0};
}
