#include "verify/npy.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES  ((size_t)4 << 30)
#define MAX_HEADER ((size_t)65536)

/* Skips "key': " and blanks after it; NULL when the key is missing. */
static const char *after_key(const char *header, const char *key)
{
    const char *p = strstr(header, key);
    if (p == NULL)
        return NULL;
    p += strlen(key);
    return p + strspn(p, " ");
}

static dmx_status parse_shape(dmx_npy *out, const char *header, size_t room,
                              const char *path, dmx_error *err)
{
    const char *p = after_key(header, "'shape':");
    DMX_RETURN_IF(p == NULL || *p++ != '(', err, DMX_ERROR_FORMAT,
                  "%s: a .npy file without a shape", path);
    size_t bytes = sizeof(float);
    for (p += strspn(p, " "); *p != ')'; p += strspn(p, ", ")) {
        char *end;
        DMX_RETURN_IF(out->rank == DMX_NPY_RANK || *p < '0' || *p > '9', err,
                      DMX_ERROR_FORMAT, "%s: a .npy file with a bad shape",
                      path);
        const long long n = strtoll(p, &end, 10);
        out->dim[out->rank++] = n;
        DMX_RETURN_IF(dmx_mul_overflow(&bytes, bytes, (size_t)n), err,
                      DMX_ERROR_FORMAT, "%s: a .npy file of absurd shape",
                      path);
        p = end;
    }
    DMX_RETURN_IF(bytes != room, err, DMX_ERROR_FORMAT,
                  "%s: %zu bytes of data where the shape needs %zu", path, room,
                  bytes);
    return DMX_OK;
}

static dmx_status parse_header(dmx_npy *out, const char *header, size_t room,
                               const char *path, dmx_error *err)
{
    const char *type = after_key(header, "'descr':");
    const char *order = after_key(header, "'fortran_order':");
    DMX_RETURN_IF(type == NULL || order == NULL, err, DMX_ERROR_FORMAT,
                  "%s: a .npy file with a bad header", path);
    DMX_RETURN_IF(strncmp(type, "'<f4'", 5) != 0 ||
                      strncmp(order, "False", 5) != 0,
                  err, DMX_ERROR_UNSUPPORTED,
                  "%s: only little-endian float32 in C order is read; save it "
                  "with numpy.ascontiguousarray(x, 'float32')",
                  path);
    return parse_shape(out, header, room, path, err);
}

static dmx_status parse(dmx_npy *out, const char *path, dmx_error *err)
{
    const unsigned char *b = out->file.data;
    const size_t size = out->file.size;
    DMX_RETURN_IF(size < 12 || memcmp(b, "\x93NUMPY", 6) != 0 || b[6] < 1 ||
                      b[6] > 3,
                  err, DMX_ERROR_FORMAT, "%s: not a .npy file", path);
    const size_t start = b[6] == 1 ? 10 : 12;
    size_t length = (size_t)b[8] | (size_t)b[9] << 8;
    if (start == 12)
        length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    DMX_RETURN_IF(length > MAX_HEADER || length > size - start, err,
                  DMX_ERROR_FORMAT, "%s: a truncated .npy file", path);
    char *header = malloc(length + 1);
    DMX_RETURN_IF(header == NULL, err, DMX_ERROR_MEMORY, "no memory");
    memcpy(header, b + start, length);
    header[length] = '\0';
    const dmx_status status =
        parse_header(out, header, size - start - length, path, err);
    free(header);
    DMX_FORWARD(status);
    DMX_RETURN_IF((start + length) % sizeof(float) != 0, err,
                  DMX_ERROR_UNSUPPORTED, "%s: a .npy file with unaligned data",
                  path);
    out->data = (const float *)(const void *)(b + start + length);
    return DMX_OK;
}

dmx_status dmx_npy_open(dmx_npy *out, const char *path, dmx_error *err)
{
    *out = (dmx_npy){0};
    DMX_FORWARD(dmx_file_read(&out->file, path, MAX_BYTES, err));
    const dmx_status status = parse(out, path, err);
    if (status != DMX_OK)
        dmx_npy_close(out);
    return status;
}

void dmx_npy_close(dmx_npy *npy)
{
    dmx_blob_free(&npy->file);
    *npy = (dmx_npy){0};
}
