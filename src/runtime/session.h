/* The internals of a session, shared by the files that create and run it. */
#ifndef DMX_RUNTIME_SESSION_H
#define DMX_RUNTIME_SESSION_H

#include "runtime/ort_api.h"
#include "runtime/runtime.h"

struct dmx_session {
    struct dmx_runtime *runtime;
    char *name; /* for messages */
    ort_session *session;
    const char *provider;
    dmx_port *input, *output;
    size_t n_input, n_output;
};

#endif
