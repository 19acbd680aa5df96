/* The official ONNX checker, in a module loaded on demand. */
#ifndef DMX_VERIFY_CHECKER_H
#define DMX_VERIFY_CHECKER_H

#include "base/error.h"

#include <stdbool.h>

typedef struct dmx_checker dmx_checker;

/* Looks beside the program and this library, in ../lib and ../lib/demucs-onnx,
 * then asks the system's loader. Fails with DMX_ERROR_RUNTIME and a message
 * that says what to install. Close with dmx_checker_close, which accepts NULL.
 */
DMX_MUST_CHECK dmx_status dmx_checker_open(dmx_checker **out, dmx_error *err);
void dmx_checker_close(dmx_checker *checker);

int dmx_checker_newest_opset(const dmx_checker *checker);

/* DMX_ERROR_CHECK with the checker's message when the model violates the
 * specification or strict shape inference fails. trusted: the file was written
 * by this run, so that shape values are inferred too. hooks (may be NULL) are
 * called while the checker works. */
DMX_MUST_CHECK dmx_status dmx_checker_check(const dmx_checker *checker,
                                            const void *model, size_t size,
                                            bool trusted,
                                            const dmx_hooks *hooks,
                                            dmx_error *err);

#endif
