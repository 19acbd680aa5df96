/* The bytes of an emitted graph. */
#ifndef DMX_ONNX_ONNX_MODEL_H
#define DMX_ONNX_ONNX_MODEL_H

#include "onnx/metadata.h"

/* The newest opset that the emitter supports. */
#define DMX_ONNX_NEWEST_OPSET 23

/* Wraps the emitted graph in a ModelProto and serialises it, to `out` or, if
 * that is NULL, into `blob`. */
DMX_MUST_CHECK dmx_status dmx_onnx_serialise(dmx_output *out, dmx_blob *blob,
                                             dmx_emitter *e,
                                             const dmx_metadata *metadata,
                                             dmx_error *err);

#endif
