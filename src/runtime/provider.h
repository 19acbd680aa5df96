/* Execution providers: where ONNX Runtime computes. */
#ifndef DMX_RUNTIME_PROVIDER_H
#define DMX_RUNTIME_PROVIDER_H

#include "runtime/ort_api.h"
#include "runtime/runtime.h"

/* Adds the requested providers ("auto", or names separated by commas) to
 * session options, with the settings that Demucs networks need. *chosen: the
 * name of the first provider accepted, or "cpu". An unavailable provider is
 * skipped with a warning; an unknown name is DMX_ERROR_ARGUMENT. */
DMX_MUST_CHECK dmx_status
dmx_providers_append(const char **chosen, const struct dmx_runtime *runtime,
                     ort_session_options *options, const char *wished,
                     const dmx_hooks *hooks, dmx_error *err);

#endif
