#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first `size` bytes. */
static dmx_status read_all(unsigned char *out, size_t size, int fd,
                           const char *path, dmx_error *err)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t n = pread(fd, out + done, size - done, (off_t)done);
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
    return read_all(out->data, out->size, fd, path, err);
}

/* O_NONBLOCK: a FIFO must not hang us before fstat refuses it. */
static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

dmx_status dmx_file_read(dmx_blob *out, const char *path, size_t limit,
                         dmx_error *err)
{
    *out = (dmx_blob){0};
    const int fd = open_file(path);
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

int dmx_file_hold(const char *path)
{
    struct stat st;
    const int fd = open_file(path);
    if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
        return fd;
    close(fd);
    return -1;
}

dmx_status dmx_file_read_held(unsigned char *out, size_t size, int descriptor,
                              const char *path, dmx_error *err)
{
    return read_all(out, size, descriptor, path, err);
}

void dmx_file_let_go(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}
