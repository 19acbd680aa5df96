#include "runner.h"

#include "separate/runners.h"

#include <stdlib.h>

static int low_memory;

void web_set_low_memory(int on)
{
    low_memory = on;
}

/* The state is opened by the first run: memory never shrinks here, so the
 * file's place is used again for it. */
typedef struct native_runner {
    dmx_engine *engine;
    dmx_engine_state *state;
} native_runner;

static dmx_status run(void *self, float *stems, const float *mix,
                      const dmx_hooks *hooks, dmx_error *err)
{
    native_runner *r = self;
    if (r->state == NULL)
        DMX_FORWARD(dmx_engine_state_open(&r->state, r->engine, err));
    return dmx_engine_run(r->state, stems, mix, hooks, err);
}

static void close_runner(void *self)
{
    native_runner *r = self;
    dmx_engine_state_close(r->state);
    dmx_engine_close(r->engine);
    free(r);
}

dmx_status dmx_runner_native(dmx_runner *out, const struct dmx_model *model,
                             int64_t samples, int threads,
                             const dmx_hooks *hooks, dmx_error *err)
{
    *out = (dmx_runner){0};
    native_runner *r = calloc(1, sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY, "no memory for a model");
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    options.threads = threads;
    options.low_memory = low_memory;
    options.hooks = hooks;
    const dmx_status status =
        dmx_engine_open(&r->engine, model, samples, &options, err);
    if (status != DMX_OK) {
        close_runner(r);
        return status;
    }
    *out = (dmx_runner){.self = r,
                        .channels = dmx_engine_inputs(r->engine),
                        .sources = dmx_engine_outputs(r->engine) /
                                   dmx_engine_inputs(r->engine),
                        .samples = dmx_engine_samples(r->engine),
                        .run = run,
                        .close = close_runner};
    return DMX_OK;
}
