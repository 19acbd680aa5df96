/* Shared inside the module. */
#ifndef WEB_STATE_H
#define WEB_STATE_H

#include "base/error.h"
#include "base/platform.h"
#include "demucs_onnx.h"

/* The error that web_error returns. */
dmx_error *web_last_error(void);

/* Hooks that call the host's warn and progress. */
dmx_hooks web_hooks(void);

/* Spreads what is left of the mix over the stems, planes[stem * channels +
 * channel], in place; only after web_check_exact. */
void web_make_exact(const dmx_separator *separator, const float *const *stems,
                    const float *const *mix, size_t frames);
/* Fails with ARGUMENT unless every source is wanted. */
dmx_status web_check_exact(const dmx_separator *separator, dmx_error *err);

#endif
