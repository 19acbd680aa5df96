#include "runtime/onnx_file.h"
#include "base/file_kind.h"
#include "runtime/growth_scan.h"
#include "runtime/wire_scan.h"

#include <stdbool.h>
#include <string.h>

#define MAX_MODEL_BYTES ((size_t)1 << 31) /* protobuf's own limit */

/* ---------------------------------------------------------- what is this? */

/* A zip file is a torch.save checkpoint, or an archive that contains the
 * intended file. Its first entry tells which: a local file header with the name
 * at byte 30. */
static dmx_status refuse_zip(const dmx_blob *b, dmx_error *err)
{
    static const char pickle[] = "/data.pkl";
    char name[128];
    size_t n =
        b->size < 30 ? 0 : (size_t)b->data[26] | (size_t)b->data[27] << 8;
    if (n > b->size - 30 || n >= sizeof name)
        n = 0;
    memcpy(name, b->data + 30, n);
    name[n] = '\0';
    DMX_RETURN_IF(n >= sizeof pickle &&
                      strcmp(name + n - (sizeof pickle - 1), pickle) == 0,
                  err, DMX_ERROR_FORMAT,
                  "a PyTorch checkpoint, not an ONNX model: name it .th");
    DMX_RETURN_ERROR(err, DMX_ERROR_FORMAT, "a zip around %s: unzip it first",
                     n > 0 ? name : "other files");
}

/* Names the kind of file when it is not a model. */
static dmx_status check_kind(const dmx_blob *b, dmx_error *err)
{
    DMX_RETURN_IF(b->size == 0, err, DMX_ERROR_FORMAT, "the file is empty");
    if (b->size >= 30 && memcmp(b->data, "PK\003\004", 4) == 0)
        return refuse_zip(b, err);
    const char *kind = dmx_file_kind(b->data, b->size);
    DMX_RETURN_IF(kind != NULL, err, DMX_ERROR_FORMAT,
                  "not an ONNX model but %s", kind);
    return DMX_OK;
}

dmx_status dmx_onnx_file_read(dmx_blob *out, const char *path, const char *name,
                              const dmx_hooks *hooks, dmx_error *err)
{
    DMX_FORWARD(dmx_file_read(out, path, MAX_MODEL_BYTES, err));
    dmx_status status = check_kind(out, err);
    if (status == DMX_OK)
        status = dmx_wire_scan(out->data, out->size, hooks, err);
    if (status == DMX_OK)
        status = dmx_growth_scan(out->data, out->size, hooks, err);
    if (status == DMX_OK)
        return DMX_OK;
    dmx_blob_free(out);
    if (status != DMX_ERROR_CANCELLED)
        dmx_error_prefix(err, "%s", name);
    return status;
}
