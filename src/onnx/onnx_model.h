/* The bytes of an emitted graph. */
#ifndef DMX_ONNX_ONNX_MODEL_H
#define DMX_ONNX_ONNX_MODEL_H

#include "onnx/metadata.h"

/* The newest opset whose rules the emitter knows. */
#define DMX_ONNX_NEWEST_OPSET 23

/* Wraps what was emitted in a ModelProto and serialises it, to `out` or, when
 * that is NULL, into `blob`. */
DMX_MUST_CHECK dmx_status dmx_onnx_serialise(dmx_output *out, dmx_blob *blob,
                                             dmx_emitter *e,
                                             const dmx_metadata *metadata,
                                             dmx_error *err);

#endif
