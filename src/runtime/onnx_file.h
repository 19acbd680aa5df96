/* Reads an untrusted .onnx file for any parser: ours, libonnx's or ONNX
 * Runtime's. */
#ifndef DMX_RUNTIME_ONNX_FILE_H
#define DMX_RUNTIME_ONNX_FILE_H

#include "base/file.h"

/* Reads all of the file and scans it (runtime/wire_scan.h, growth_scan.h), so
 * that parsing the bytes takes little memory and opens no other file. Messages
 * call the file `name`. hooks may be NULL. Close with dmx_blob_free. Fails with
 * IO, FORMAT (other files that people mistake for models are named), LIMIT,
 * UNSUPPORTED (external data), MEMORY or CANCELLED. */
DMX_MUST_CHECK dmx_status dmx_onnx_file_read(dmx_blob *out, const char *path,
                                             const char *name,
                                             const dmx_hooks *hooks,
                                             dmx_error *err);

#endif
