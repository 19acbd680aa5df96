/* Scans a serialised ONNX model before any protobuf parser sees it. Those
 * parsers recurse, allocate many times what they read for some inputs, and
 * disagree on forms that no writer produces; a model that would harm them, or
 * be read differently by them, is refused here, without recursion or
 * allocation. Format: protobuf.dev/programming-guides/encoding and onnx.proto.
 */
#ifndef DMX_RUNTIME_WIRE_SCAN_H
#define DMX_RUNTIME_WIRE_SCAN_H

#include "base/error.h"

/* hooks (may be NULL): progress of the stage "reading", cancellation. Fails
 * with FORMAT (not protobuf, or not in its canonical form), LIMIT (too deep,
 * or too much memory for its size), UNSUPPORTED (tensors in other files) or
 * CANCELLED. */
DMX_MUST_CHECK dmx_status dmx_wire_scan(const void *bytes, size_t size,
                                        const dmx_hooks *hooks, dmx_error *err);

#endif
