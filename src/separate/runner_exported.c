#include "separate/runners.h"
dmx_status dmx_runner_exported(dmx_runner *out, const struct dmx_model *model,
                               int64_t samples, dmx_runtime *runtime,
                               const char *name,
                               const dmx_session_options *options,
                               dmx_error *err)
{
    (void)model;
    (void)samples;
    (void)runtime;
    (void)options;
    *out = (dmx_runner){0};
    return dmx_fail(err, DMX_ERROR_UNSUPPORTED,
                    "%s: export it first to run it with ONNX Runtime", name);
}
