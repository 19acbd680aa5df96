/* base/file.h on top of the host's files. Checkpoints are read by ranges (ld's
 * --wrap), so that a file and its packed weights are never in memory at the
 * same time. */
#include "module.h"

#include "base/file.h"
#include "base/memory.h"
#include "checkpoint/checkpoint.h"

static dmx_status find(size_t *size, const char *path, size_t limit,
                       dmx_error *err)
{
    const double bytes = host_file_size(path);
    DMX_RETURN_IF(!(bytes >= 0), err, DMX_ERROR_IO, "%s: no such file", path);
    DMX_RETURN_IF(bytes > (double)limit || bytes >= (double)(SIZE_MAX / 2), err,
                  DMX_ERROR_LIMIT, "%s: %.0f bytes, more than the limit", path,
                  bytes);
    *size = (size_t)bytes;
    return DMX_OK;
}

static dmx_status read_all(dmx_blob *out, const char *path, dmx_error *err)
{
    DMX_RETURN_IF(host_file_read(path, 0, out->data, out->size) != 0, err,
                  DMX_ERROR_IO, "%s: read failed", path);
    return DMX_OK;
}

dmx_status dmx_file_read(dmx_blob *out, const char *path, size_t limit,
                         dmx_error *err)
{
    *out = (dmx_blob){0};
    DMX_FORWARD(find(&out->size, path, limit, err));
    /* A terminating zero, as dmx_file_read promises. */
    out->data = dmx_aligned_alloc(out->size + 1, 1);
    DMX_RETURN_IF(out->data == NULL, err, DMX_ERROR_MEMORY,
                  "%s: no memory for %zu bytes", path, out->size);
    out->data[out->size] = 0;
    const dmx_status status = read_all(out, path, err);
    if (status != DMX_OK)
        dmx_blob_free(out);
    return status;
}

void dmx_blob_free(dmx_blob *blob)
{
    dmx_aligned_free(blob->data);
    *blob = (dmx_blob){0};
}

/* Nothing is held: a file that was read as a whole stays in memory. */
int dmx_file_hold(const char *path)
{
    (void)path;
    return -1;
}

dmx_status dmx_file_read_held(unsigned char *out, size_t size, int descriptor,
                              const char *path, dmx_error *err)
{
    (void)out, (void)size, (void)descriptor;
    DMX_RETURN_ERROR(err, DMX_ERROR_IO, "%s: the file is not held", path);
}

void dmx_file_let_go(int descriptor)
{
    (void)descriptor;
}

/* Of the checkpoint that is being opened: what describes the weights is read,
 * then everything once for its checksums. Without one, size is 0. */
static struct {
    double size, read;
} opening;

static int read_range(void *path, size_t offset, void *out, size_t size)
{
    if (host_file_read(path, (double)offset, out, size) != 0)
        return 1;
    opening.read += (double)size;
    return opening.size > 0 && opening.read <= opening.size &&
           host_progress("check", opening.read / opening.size) != 0;
}

dmx_status __wrap_dmx_checkpoint_open(dmx_checkpoint **out, const char *path,
                                      const dmx_checkpoint_options *options,
                                      dmx_error *err);

/* The path is the separator's, which outlives its checkpoints. */
dmx_status __wrap_dmx_checkpoint_open(dmx_checkpoint **out, const char *path,
                                      const dmx_checkpoint_options *options,
                                      dmx_error *err)
{
    dmx_source source = {.read = read_range, .user = (void *)(uintptr_t)path};
    *out = NULL;
    DMX_FORWARD(find(&source.size, path, SIZE_MAX, err));
    opening.size = (double)source.size;
    opening.read = 0;
    const dmx_status status =
        dmx_checkpoint_open_source(out, &source, path, options, err);
    if (status == DMX_OK)
        host_progress("check", 1);
    opening.size = 0;
    return status;
}
