/* One policy for the structs that callers fill: each starts with its size
 * according to the caller's header. A caller built against an older header
 * passes a shorter struct, one built against a newer header a longer one. The
 * fields known to both sides are used, and the rest take their defaults. */
#ifndef DMX_BASE_OPTIONS_H
#define DMX_BASE_OPTIONS_H

#include "base/error.h"

/* Copies the caller's struct over the defaults in *out, which is `size` bytes
 * long; `given` may be NULL. Fails with ARGUMENT when its size field is not
 * set; `type` names the struct in that message. */
DMX_MUST_CHECK dmx_status dmx_options_take(void *out, size_t size,
                                           const void *given, const char *type,
                                           dmx_error *err);

#define DMX_OPTIONS_TAKE(out, given, type, err)                                \
    dmx_options_take((out), sizeof(type), (given), #type, (err))

/* ARGUMENT unless least <= value <= most; NaN is not. */
DMX_MUST_CHECK dmx_status dmx_check_range(const char *name, double value,
                                          double least, double most,
                                          dmx_error *err);

/* The reverse: copies a report into the caller's struct, up to that struct's
 * size; `given` (with its size set) may be NULL. */
void dmx_report_give(void *given, const void *report, size_t size);

#endif
