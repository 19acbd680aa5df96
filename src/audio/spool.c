#include "audio/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536

static dmx_status open_temporary(int *fd, const char *folder, dmx_error *err)
{
    if (folder == NULL)
        folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    char path[4096];
    const int n = snprintf(path, sizeof path, "%s/demucs-onnx-XXXXXX", folder);
    DMX_RETURN_IF(n < 0 || (size_t)n >= sizeof path, err, DMX_ERROR_ARGUMENT,
                  "%s: the folder's name is too long", folder);
    *fd = mkostemp(path, O_CLOEXEC);
    DMX_RETURN_IF(*fd < 0, err, DMX_ERROR_IO,
                  "%s: can't create a temporary file: %s", folder,
                  strerror(errno));
    unlink(path);
    return DMX_OK;
}

static dmx_status write_all(int fd, const char *bytes, size_t size,
                            const char *name, dmx_error *err)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        DMX_RETURN_IF(n <= 0, err, DMX_ERROR_IO,
                      "%s: can't store it in a temporary file: %s (point "
                      "TMPDIR to a folder with more space)",
                      name, strerror(errno));
        bytes += n;
        size -= (size_t)n;
    }
    return DMX_OK;
}

/* Waits until the pipe has data, calling the hooks five times a second for
 * cancellation. */
static dmx_status wait_for_bytes(int fd, const char *name,
                                 const dmx_hooks *hooks, dmx_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        DMX_FORWARD(dmx_progress(hooks, "measure", 0.0, err));
        const int n = poll(&p, 1, 200);
        if (n > 0)
            return DMX_OK;
        DMX_RETURN_IF(n < 0 && errno != EINTR, err, DMX_ERROR_IO,
                      "%s: read failed: %s", name, strerror(errno));
    }
}

static dmx_status copy(int to, int from, const char *name, uint64_t limit,
                       const dmx_hooks *hooks, dmx_error *err)
{
    char bytes[BLOCK];
    uint64_t total = 0;
    for (;;) {
        DMX_FORWARD(wait_for_bytes(from, name, hooks, err));
        const ssize_t n = read(from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        DMX_RETURN_IF(n < 0, err, DMX_ERROR_IO, "%s: read failed: %s", name,
                      strerror(errno));
        if (n == 0)
            return DMX_OK;
        total += (uint64_t)n;
        DMX_RETURN_IF(total > limit, err, DMX_ERROR_LIMIT,
                      "%s: more than the limit of %llu bytes came through the "
                      "pipe",
                      name, (unsigned long long)limit);
        DMX_FORWARD(write_all(to, bytes, (size_t)n, name, err));
    }
}

/* Replaces *fd, a pipe, by a file with what came through it. */
static dmx_status spool(int *fd, const char *name, const char *folder,
                        uint64_t limit, const dmx_hooks *hooks, dmx_error *err)
{
    int file;
    DMX_FORWARD(open_temporary(&file, folder, err));
    const dmx_status status = copy(file, *fd, name, limit, hooks, err);
    close(*fd);
    *fd = file;
    return status;
}

static dmx_status make_regular(int *fd, int64_t *size, const char *name,
                               const char *folder, uint64_t limit,
                               const dmx_hooks *hooks, dmx_error *err)
{
    struct stat st;
    DMX_RETURN_IF(fstat(*fd, &st) != 0, err, DMX_ERROR_IO, "%s: %s", name,
                  strerror(errno));
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) {
        DMX_FORWARD(spool(fd, name, folder, limit, hooks, err));
        DMX_RETURN_IF(fstat(*fd, &st) != 0, err, DMX_ERROR_IO, "%s: %s", name,
                      strerror(errno));
    }
    DMX_RETURN_IF(S_ISDIR(st.st_mode), err, DMX_ERROR_IO,
                  "%s: is a directory, not a sound file", name);
    DMX_RETURN_IF(isatty(*fd), err, DMX_ERROR_IO,
                  "%s: is a terminal; pipe or redirect sound to it", name);
    DMX_RETURN_IF(!S_ISREG(st.st_mode), err, DMX_ERROR_IO,
                  "%s: neither a file nor a pipe", name);
    DMX_RETURN_IF(st.st_size == 0, err, DMX_ERROR_FORMAT, "%s: is empty", name);
    *size = st.st_size;
    return DMX_OK;
}

dmx_status dmx_spool_open(int *fd, int64_t *size, const char *path,
                          const char *folder, uint64_t limit,
                          const dmx_hooks *hooks, dmx_error *err)
{
    const int is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    *fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                   : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    DMX_RETURN_IF(*fd < 0, err, DMX_ERROR_IO, "%s: %s", name, strerror(errno));
    const dmx_status status =
        make_regular(fd, size, name, folder, limit, hooks, err);
    if (status != DMX_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}
