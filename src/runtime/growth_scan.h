/* What a small model can make others compute before it ever runs. ONNX Runtime
 * and libonnx evaluate what depends on no input while they load: thirty nodes
 * that each join their own input to itself are a gigabyte. */
#ifndef DMX_RUNTIME_GROWTH_SCAN_H
#define DMX_RUNTIME_GROWTH_SCAN_H

#include "base/error.h"

/* Follows constants and shapes through a model that dmx_wire_scan has passed,
 * in time and memory linear in its size (but for a sort of the names). Fails
 * with LIMIT when values grow beyond any use, FORMAT when nodes are not in
 * order, so that nothing can be said, MEMORY or CANCELLED. What it passes may
 * still be expensive by other means; see runtime/watch.h for those. */
DMX_MUST_CHECK dmx_status dmx_growth_scan(const void *bytes, size_t size,
                                          const dmx_hooks *hooks,
                                          dmx_error *err);

#endif
