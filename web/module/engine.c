/* Between the separator and the engine (ld's --wrap): memory never shrinks
 * here, so a run's memory is taken when the first run needs it, in the place of
 * what was needed to pack the weights. */
#include "engine.h"

#include "arch/arch.h"
#include "base/error.h"
#include "checkpoint/checkpoint.h"

#include <stdlib.h>

static int low_memory;

void web_set_low_memory(int on)
{
    low_memory = on;
}

/* Stands in for the engine state that the separator holds. */
typedef struct late_state {
    const dmx_engine *engine;
    dmx_engine_state *state; /* NULL before the first run */
} late_state;

dmx_status __real_dmx_engine_open(dmx_engine **, const dmx_model *, int64_t,
                                  const dmx_engine_options *, dmx_error *);
dmx_status __real_dmx_engine_state_open(dmx_engine_state **, const dmx_engine *,
                                        dmx_error *);
void __real_dmx_engine_state_close(dmx_engine_state *);
dmx_status __real_dmx_engine_run(dmx_engine_state *, float *, const float *,
                                 const dmx_hooks *, dmx_error *);

dmx_status __wrap_dmx_engine_open(dmx_engine **out, const dmx_model *model,
                                  int64_t samples,
                                  const dmx_engine_options *given,
                                  dmx_error *err);
dmx_status __wrap_dmx_engine_state_open(late_state **out,
                                        const dmx_engine *engine,
                                        dmx_error *err);
void __wrap_dmx_engine_state_close(late_state *late);
dmx_status __wrap_dmx_engine_run(late_state *late, float *stems,
                                 const float *mix, const dmx_hooks *hooks,
                                 dmx_error *err);

/* An estimate: weights as float32, plus Winograd's transforms of some of them;
 * or as float16. An engine that shares another's weights has few of its own. */
static size_t likely_bytes(const dmx_model *model,
                           const dmx_engine_options *options)
{
    const struct dmx_checkpoint *c = model->weights;
    size_t count = 0;
    for (size_t i = 0; options->like == NULL && i < c->n_tensor; i++)
        count += dmx_tensor_count(&c->tensor[i]);
    return options->low_memory != 0 ? count / 20 * 44 : count / 20 * 112;
}

dmx_status __wrap_dmx_engine_open(dmx_engine **out, const dmx_model *model,
                                  int64_t samples,
                                  const dmx_engine_options *given,
                                  dmx_error *err)
{
    dmx_engine_options options = *given;
    options.low_memory = low_memory;
    web_expect_pages(likely_bytes(model, &options));
    return __real_dmx_engine_open(out, model, samples, &options, err);
}

dmx_status __wrap_dmx_engine_state_open(late_state **out,
                                        const dmx_engine *engine,
                                        dmx_error *err)
{
    *out = calloc(1, sizeof **out);
    DMX_RETURN_IF(*out == NULL, err, DMX_ERROR_MEMORY, "no memory for a run");
    (*out)->engine = engine;
    return DMX_OK;
}

void __wrap_dmx_engine_state_close(late_state *late)
{
    if (late == NULL)
        return;
    __real_dmx_engine_state_close(late->state);
    free(late);
}

dmx_status __wrap_dmx_engine_run(late_state *late, float *stems,
                                 const float *mix, const dmx_hooks *hooks,
                                 dmx_error *err)
{
    if (late->state == NULL)
        DMX_FORWARD(
            __real_dmx_engine_state_open(&late->state, late->engine, err));
    return __real_dmx_engine_run(late->state, stems, mix, hooks, err);
}
