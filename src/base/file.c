#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
