#include "separate/runners.h"
#include "base/platform.h"

#include <stdlib.h>

typedef struct native_runner {
    dmx_engine *engine;
    bool shared;             /* the engine is another runner's */
    dmx_engine_state *state; /* NULL: given up until the next run */
    dmx_monitor *lock;       /* of state */
} native_runner;

static dmx_status run_locked(native_runner *r, float *stems, const float *mix,
                             const dmx_hooks *hooks, dmx_error *err)
{
    if (r->state == NULL)
        DMX_FORWARD(dmx_engine_state_open(&r->state, r->engine, err));
    return dmx_engine_run(r->state, stems, mix, hooks, err);
}

static dmx_status run(void *self, float *stems, const float *mix,
                      const dmx_hooks *hooks, dmx_error *err)
{
    native_runner *r = self;
    dmx_monitor_lock(r->lock);
    const dmx_status status = run_locked(r, stems, mix, hooks, err);
    dmx_monitor_unlock(r->lock);
    return status;
}

/* Unless it runs just now. */
void dmx_runner_give_up(const dmx_runner *runner)
{
    native_runner *r = runner->self;
    if (runner->run != run || !dmx_monitor_try_lock(r->lock))
        return;
    dmx_engine_state_close(r->state);
    r->state = NULL;
    dmx_monitor_unlock(r->lock);
}

static void close_runner(void *self)
{
    native_runner *r = self;
    dmx_engine_state_close(r->state);
    if (!r->shared)
        dmx_engine_close(r->engine);
    dmx_monitor_close(r->lock);
    free(r);
}

static native_runner *new_runner(dmx_error *err)
{
    native_runner *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->lock = dmx_monitor_open();
    if (r != NULL && r->lock != NULL)
        return r;
    free(r);
    (void)dmx_fail(err, DMX_ERROR_MEMORY, "no memory for a model");
    return NULL;
}

static dmx_status share(void *self, dmx_runner *out, dmx_error *err);

/* With the state that it needs to run; frees r on failure. */
static dmx_status finish(dmx_runner *out, native_runner *r, dmx_error *err)
{
    const dmx_status status = dmx_engine_state_open(&r->state, r->engine, err);
    if (status != DMX_OK) {
        close_runner(r);
        return status;
    }
    const int64_t channels = dmx_engine_inputs(r->engine);
    *out = (dmx_runner){.self = r,
                        .channels = channels,
                        .sources = dmx_engine_outputs(r->engine) / channels,
                        .samples = dmx_engine_samples(r->engine),
                        .run = run,
                        .close = close_runner,
                        .share = share};
    return DMX_OK;
}

/* A state of its own on the engine of the first. */
static dmx_status share(void *self, dmx_runner *out, dmx_error *err)
{
    const native_runner *first = self;
    native_runner *r = new_runner(err);
    if (r == NULL)
        return DMX_ERROR_MEMORY;
    r->engine = first->engine;
    r->shared = true;
    return finish(out, r, err);
}

const dmx_engine *dmx_runner_engine(const dmx_runner *runner)
{
    const native_runner *r = runner->self;
    return runner->run == run ? r->engine : NULL;
}

dmx_status dmx_runner_native(dmx_runner *out, const struct dmx_model *model,
                             int64_t samples, const dmx_native_options *given,
                             dmx_error *err)
{
    native_runner *first = given->like != NULL ? given->like->self : NULL;
    *out = (dmx_runner){0};
    native_runner *r = new_runner(err);
    if (r == NULL)
        return DMX_ERROR_MEMORY;
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    options.threads = given->threads;
    options.hooks = given->hooks;
    options.precision = given->precision;
    options.choices = given->choices;
    if (first != NULL) {
        options.like = first->engine;
        dmx_runner_give_up(given->like);
    }
    const dmx_status status =
        dmx_engine_open(&r->engine, model, samples, &options, err);
    if (status != DMX_OK) {
        close_runner(r);
        return status;
    }
    return finish(out, r, err);
}
