/* An ONNX model file, read, hashed and parsed. */
#ifndef DMX_VERIFY_MODEL_FILE_H
#define DMX_VERIFY_MODEL_FILE_H

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

#include <onnx.pb-c.h>
#include <stdbool.h>

typedef struct dmx_model_file {
    char *path; /* for messages */
    dmx_blob bytes;
    char sha256[DMX_SHA256_HEX];
    Onnx__ModelProto *proto;
} dmx_model_file;

/* Reads `path`, an untrusted file; messages call it `name`. hooks may be NULL.
 * Fails with IO, FORMAT, LIMIT, UNSUPPORTED (external data), CANCELLED or
 * MEMORY. */
DMX_MUST_CHECK dmx_status dmx_model_file_open(dmx_model_file *out,
                                              const char *path,
                                              const char *name,
                                              const dmx_hooks *hooks,
                                              dmx_error *err);
void dmx_model_file_close(dmx_model_file *file);

/* The value of a metadata_props key, or NULL. */
const char *dmx_model_file_metadata(const dmx_model_file *file,
                                    const char *key);

/* The parsed value; NULL when it is missing, is not JSON, or is longer than any
 * of ours. Free with dmx_json_free. */
dmx_json *dmx_model_file_json(const dmx_model_file *file, const char *key);

/* Version of the default operator set; 0 when none is imported. */
int64_t dmx_model_file_opset(const dmx_model_file *file);

/* Was it written by this program? */
bool dmx_model_file_is_ours(const dmx_model_file *file);

/* Dimensions of a float32 tensor port; -1 where free. False when it is
 * something else, or has another rank. */
bool dmx_model_file_shape(const Onnx__ValueInfoProto *port, size_t rank,
                          int64_t *dim);

#endif
