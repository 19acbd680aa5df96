/* One policy for the structs that callers fill: each starts with its size, as
 * the caller's header has it. A caller built against an older header passes a
 * shorter struct, one built against a newer header a longer one; both get what
 * they know of, and defaults for the rest. */
#ifndef DMX_BASE_OPTIONS_H
#define DMX_BASE_OPTIONS_H

#include "base/error.h"

/* Copies what the caller's struct has over the defaults in *out, which is
 * `size` bytes long; `given` may be NULL. Fails with ARGUMENT when its size is
 * not set: `type` is its name. */
DMX_MUST_CHECK dmx_status dmx_options_take(void *out, size_t size,
                                           const void *given, const char *type,
                                           dmx_error *err);

#define DMX_OPTIONS_TAKE(out, given, type, err)                                \
    dmx_options_take((out), sizeof(type), (given), #type, (err))

/* ARGUMENT unless least <= value <= most; NaN is not. */
DMX_MUST_CHECK dmx_status dmx_check_range(const char *name, double value,
                                          double least, double most,
                                          dmx_error *err);

/* The other way: copies a report into the caller's struct, as far as that
 * reaches; `given` (its size set) may be NULL. */
void dmx_report_give(void *given, const void *report, size_t size);

#endif
