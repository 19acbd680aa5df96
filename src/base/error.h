/* Errors inside the library. */
#ifndef DMX_BASE_ERROR_H
#define DMX_BASE_ERROR_H

#include "base/printf.h"
#include "demucs_onnx.h"

/* Every public function that takes a dmx_error begins with this, so that one
 * that was used before does not keep its old message. Within a call the first
 * error wins. */
void dmx_error_clear(dmx_error *err);

/* Fills *err (may be NULL; the first error wins) and returns code. The message
 * becomes one harmless line (dmx_text_printable), whatever is put into it. */
dmx_status dmx_fail(dmx_error *err, dmx_status code, const char *fmt, ...)
    DMX_PRINTF(3, 4);

/* As dmx_fail, with the byte offset in the file where it happened. */
dmx_status dmx_fail_at(dmx_error *err, dmx_status code, int64_t offset,
                       const char *fmt, ...) DMX_PRINTF(4, 5);

/* Puts "prefix: " in front of the message already in *err. */
void dmx_error_prefix(dmx_error *err, const char *fmt, ...) DMX_PRINTF(2, 3);

/* The callbacks that the caller's struct has; NULL are those it does not. */
dmx_hooks dmx_hooks_of(const dmx_hooks *hooks);

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

/* An argument of a public function that must not be NULL. */
#define DMX_NEED(err, argument)                                                \
    DMX_RETURN_IF((argument) == NULL, err, DMX_ERROR_ARGUMENT,                 \
                  "%s: %s is NULL", __func__, #argument)

#define DMX_FORWARD(expr)                                                      \
    do {                                                                       \
        const dmx_status forwarded_ = (expr);                                  \
        if (forwarded_ != DMX_OK)                                              \
            return forwarded_;                                                 \
    } while (0)

#endif
