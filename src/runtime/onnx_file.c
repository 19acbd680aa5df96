#include "runtime/onnx_file.h"
#include "runtime/growth_scan.h"
#include "runtime/wire_scan.h"

#include <stdbool.h>
#include <string.h>

#define MAX_MODEL_BYTES ((size_t)1 << 31) /* protobuf's own limit */

/* ---------------------------------------------------------- what is this? */

static const struct {
    const char *start;
    size_t size;
    const char *words;
} strangers[] = {
#define START(text) text, sizeof(text) - 1
    {START("version https://git-lfs"),
     "a Git LFS pointer, not the model; run git lfs pull"},
    {START("<"), "a web page, not a model; download the file itself"},
    {START("\xef\xbb\xbf<"),
     "a web page, not a model; download the file itself"},
    {START("\x1f\x8b"), "compressed with gzip: gunzip it first"},
    {START("\xfd"
           "7zXZ"),
     "compressed with xz: unxz it first"},
    {START("BZh"), "compressed with bzip2: bunzip2 it first"},
    {START("\x28\xb5\x2f\xfd"), "compressed with zstd: unzstd it first"},
    {START("7z\xbc\xaf\x27\x1c"), "a 7z archive: unpack it first"},
    {START("Rar!\x1a\x07"), "a rar archive: unpack it first"},
    {START("\x89HDF\r\n"), "an HDF5 file, not an ONNX model"},
    {START("\x93NUMPY"), "a NumPy array, not an ONNX model"},
    {START("RIFF"), "a sound file, not an ONNX model"},
    {START("fLaC"), "a sound file, not an ONNX model"},
    {START("ID3"), "a sound file, not an ONNX model"},
    {START("OggS"), "a sound file, not an ONNX model"},
    {START("{"), "JSON, not an ONNX model"},
    {START("\x80\x02"), "a pickle, not an ONNX model: name it .th"},
#undef START
};

static bool starts_with(const dmx_blob *b, const char *text, size_t size)
{
    return b->size >= size && memcmp(b->data, text, size) == 0;
}

/* A zip file is a checkpoint of torch.save, or around what is meant. Its first
 * entry tells: a local file header with the name at byte 30. */
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

/* Says what people really have when it is no model. */
static dmx_status check_kind(const dmx_blob *b, dmx_error *err)
{
    DMX_RETURN_IF(b->size == 0, err, DMX_ERROR_FORMAT, "the file is empty");
    if (b->size >= 30 && starts_with(b, "PK\003\004", 4))
        return refuse_zip(b, err);
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
        DMX_RETURN_IF(starts_with(b, strangers[i].start, strangers[i].size),
                      err, DMX_ERROR_FORMAT, "%s", strangers[i].words);
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
