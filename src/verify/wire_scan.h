/* A look at a serialised ONNX model before the protobuf parser sees it. That
 * parser recurses, and allocates many times what it reads for some inputs; a
 * model that would hurt it is refused here, without recursion or allocation.
 * Format: protobuf.dev/programming-guides/encoding and onnx.proto. */
#ifndef DMX_VERIFY_WIRE_SCAN_H
#define DMX_VERIFY_WIRE_SCAN_H

#include "base/error.h"

/* FORMAT: not protobuf; LIMIT: too deep or too many fields; UNSUPPORTED:
 * tensors in other files. */
DMX_MUST_CHECK dmx_status dmx_wire_scan(const void *bytes, size_t size,
                                        dmx_error *err);

#endif
