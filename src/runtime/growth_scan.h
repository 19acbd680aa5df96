/* Bounds what a small model can make a runtime compute before it ever runs.
 * ONNX Runtime and libonnx evaluate everything that depends on no input while
 * loading: thirty nodes that each concatenate their input with itself yield a
 * gigabyte. */
#ifndef DMX_RUNTIME_GROWTH_SCAN_H
#define DMX_RUNTIME_GROWTH_SCAN_H

#include "base/error.h"

/* Follows constants and shapes through a model that dmx_wire_scan has passed,
 * in time and memory linear in its size (except for sorting the names). Fails
 * with LIMIT when values grow beyond any use, FORMAT when nodes are not in
 * order, which would prevent the analysis, MEMORY or CANCELLED. A model that
 * passes may still be expensive in other ways; runtime/watch.h handles those.
 */
DMX_MUST_CHECK dmx_status dmx_growth_scan(const void *bytes, size_t size,
                                          const dmx_hooks *hooks,
                                          dmx_error *err);

#endif
