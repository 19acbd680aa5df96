/* Errors inside the library: three macros, one function. */
#ifndef DMX_BASE_ERROR_H
#define DMX_BASE_ERROR_H

#include "demucs_onnx.h"

#if defined(__GNUC__)
#define DMX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define DMX_PRINTF(fmt, args)
#endif

/* Fills *err (may be NULL; the first error wins) and returns code. */
dmx_status dmx_fail(dmx_error *err, dmx_status code, const char *fmt, ...)
    DMX_PRINTF(3, 4);

/* As dmx_fail, with the byte offset in the file where it happened. */
dmx_status dmx_fail_at(dmx_error *err, dmx_status code, int64_t offset,
                       const char *fmt, ...) DMX_PRINTF(4, 5);

/* Puts "prefix: " in front of the message already in *err. */
void dmx_error_prefix(dmx_error *err, const char *fmt, ...) DMX_PRINTF(2, 3);

/* Sends one warning line to the caller's hooks, when there are any. */
void dmx_warn(const dmx_hooks *hooks, const char *fmt, ...) DMX_PRINTF(2, 3);

/* Reports progress (0..1 of a named stage); DMX_ERROR_CANCELLED when the
 * caller wants to stop. */
dmx_status dmx_progress(const dmx_hooks *hooks, const char *stage,
                        double fraction, dmx_error *err);

#define DMX_RETURN_ERROR(err, code, ...)                                       \
    return dmx_fail((err), (code), __VA_ARGS__)

#define DMX_RETURN_IF(cond, err, code, ...)                                    \
    do {                                                                       \
        if (cond)                                                              \
            return dmx_fail((err), (code), __VA_ARGS__);                       \
    } while (0)

#define DMX_FORWARD(expr)                                                      \
    do {                                                                       \
        const dmx_status forwarded_ = (expr);                                  \
        if (forwarded_ != DMX_OK)                                              \
            return forwarded_;                                                 \
    } while (0)

#endif
