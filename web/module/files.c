/* base/file.h on the host's files. */
#include "module.h"

#include "base/file.h"
#include "base/memory.h"

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
    const double size = host_file_size(path);
    DMX_RETURN_IF(!(size >= 0), err, DMX_ERROR_IO, "%s: no such file", path);
    DMX_RETURN_IF(size > (double)limit || size >= (double)(SIZE_MAX / 2), err,
                  DMX_ERROR_LIMIT, "%s: %.0f bytes, more than the limit", path,
                  size);
    out->size = (size_t)size;
    /* One spare zero byte, as elsewhere. */
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
