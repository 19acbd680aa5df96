/* Errors inside the library. */
#ifndef DMX_BASE_ERROR_H
#define DMX_BASE_ERROR_H

#include "base/printf.h"
#include "demucs_onnx.h"

/* Every public function that takes a dmx_error calls this first, so that a
 * struct used before does not keep its old message. Within a call the first
 * error wins. */
void dmx_error_clear(dmx_error *err);

/* Fills *err (may be NULL; the first error wins) and returns code. The message
 * becomes one printable line (dmx_text_printable), whatever the arguments
 * contain. */
dmx_status dmx_fail(dmx_error *err, dmx_status code, const char *fmt, ...)
    DMX_PRINTF(3, 4);

/* As dmx_fail, with the byte offset in the file where it happened. */
dmx_status dmx_fail_at(dmx_error *err, dmx_status code, int64_t offset,
                       const char *fmt, ...) DMX_PRINTF(4, 5);

/* Puts "prefix: " in front of the message already in *err. */
void dmx_error_prefix(dmx_error *err, const char *fmt, ...) DMX_PRINTF(2, 3);

/* The callbacks in the caller's struct; those that it is too short to hold are
 * NULL. */
dmx_hooks dmx_hooks_of(const dmx_hooks *hooks);

/* Sends one warning line to the caller's hooks, if there are any. */
void dmx_warn(const dmx_hooks *hooks, const char *fmt, ...) DMX_PRINTF(2, 3);

/* The same of a line that only matters to whoever asks for details. */
void dmx_detail(const dmx_hooks *hooks, const char *fmt, ...) DMX_PRINTF(2, 3);

/* Reports progress (0..1 of a named stage); DMX_ERROR_CANCELLED when the caller
 * asks to stop. */
dmx_status dmx_progress(const dmx_hooks *hooks, const char *stage,
                        double fraction, dmx_error *err);

#define DMX_RETURN_ERROR(err, code, ...)                                       \
    return dmx_fail((err), (code), __VA_ARGS__)

#define DMX_RETURN_IF(cond, err, code, ...)                                    \
    do {                                                                       \
        if (cond)                                                              \
            return dmx_fail((err), (code), __VA_ARGS__);                       \
    } while (0)

/* Checks that an argument of a public function is not NULL. */
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
