#include "engine/engine.h"

#include "base/options.h"

#include "base/parallel.h"
#include "base/platform.h"
#include "engine/kernels/fourier.h"
#include "engine/kernels/narrow.h"
#include "engine/plan/planner.h"

void dmx_engine_close(dmx_engine *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->n_fourier; i++)
        dmx_fourier_close(e->fourier[i]);
    dmx_program_close(e);
}

static dmx_status choose_isa(dmx_engine *e, const char *isa, dmx_error *err)
{
    e->kernels = dmx_kernels_find(isa);
    DMX_RETURN_IF(e->kernels == NULL, err, DMX_ERROR_ARGUMENT,
                  "this processor or build has no instruction set \"%s\"; "
                  "leave it out for the best one",
                  isa);
    e->narrow = dmx_narrow_find(e->kernels->name);
    return DMX_OK;
}

const char *dmx_engine_integers(bool pays[DMX_NUMBERS], const char *isa)
{
    const dmx_kernels *k = dmx_kernels_find(isa);
    const dmx_narrow_kernels *n = k != NULL ? dmx_narrow_find(k->name) : NULL;
    for (int i = 0; i < DMX_NUMBERS; i++)
        pays[i] = n != NULL && n->pays[i];
    return n != NULL ? n->name : NULL;
}

static dmx_weight_format format_of(const dmx_engine_options *o)
{
    return o->low_memory != 0 ? DMX_WEIGHTS_FLOAT16 : DMX_WEIGHTS_FLOAT32;
}

bool dmx_engine_computes_alike(const dmx_engine *e, const dmx_engine_options *o)
{
    return e->kernels == dmx_kernels_find(o->isa) &&
           e->weights == format_of(o) && e->fused == (o->unfused == 0);
}

void dmx_engine_set_report(dmx_engine *e, const dmx_precision_report *report)
{
    e->report = *report;
}

const dmx_precision_report *dmx_engine_report(const dmx_engine *e)
{
    return &e->report;
}

const dmx_precision_plan *dmx_engine_plan(const dmx_engine *e)
{
    return &e->precision;
}

dmx_status dmx_engine_open_graph(dmx_engine **out, const dmx_graph *graph,
                                 const dmx_engine_options *options,
                                 dmx_error *err)
{
    const dmx_precision_plan exact = {{DMX_FLOAT32}};
    return dmx_engine_open_planned(out, graph, options, &exact, err);
}

dmx_status dmx_engine_open_planned(dmx_engine **out, const dmx_graph *graph,
                                   const dmx_engine_options *options,
                                   const dmx_precision_plan *plan,
                                   dmx_error *err)
{
    const dmx_engine_limits usual = DMX_ENGINE_LIMITS;
    return dmx_engine_open_limited(out, graph, options, plan, &usual, err);
}

dmx_status dmx_engine_open_limited(dmx_engine **out, const dmx_graph *graph,
                                   const dmx_engine_options *options,
                                   const dmx_precision_plan *plan,
                                   const dmx_engine_limits *limits,
                                   dmx_error *err)
{
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    *out = NULL;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_engine_options, err));
    DMX_FORWARD(dmx_graph_status(graph, err));
    dmx_engine *e;
    DMX_FORWARD(dmx_program_open(&e, err));
    e->like = o.like;
    e->threads = o.threads > 0 ? o.threads : dmx_cpu_count();
    e->weights = format_of(&o);
    e->fused = o.unfused == 0;
    e->precision = *plan;
    e->limits = *limits;
    dmx_status status = choose_isa(e, o.isa, err);
    if (status == DMX_OK)
        status = dmx_plan_graph(e, graph, e->fused, o.hooks, err);
    if (status == DMX_OK)
        *out = e;
    else
        dmx_engine_close(e);
    dmx_return_freed(); /* weights that were read and packed */
    return status;
}

int64_t dmx_engine_samples(const dmx_engine *e)
{
    return e != NULL ? e->buffer[e->input].plane.cols : 0;
}

int64_t dmx_engine_inputs(const dmx_engine *e)
{
    return e != NULL ? e->buffer[e->input].plane.channels : 0;
}

int64_t dmx_engine_outputs(const dmx_engine *e)
{
    return e != NULL ? e->buffer[e->output].plane.channels : 0;
}

const char *dmx_engine_isa(const dmx_engine *e)
{
    return e != NULL ? e->kernels->name : NULL;
}

size_t dmx_engine_weight_bytes(const dmx_engine *e)
{
    return e != NULL ? e->weight_bytes : 0;
}

size_t dmx_engine_state_bytes(const dmx_engine *e)
{
    return e != NULL ? ((size_t)e->arena_floats +
                        (size_t)e->threads * (size_t)e->scratch_floats) *
                           sizeof(float)
                     : 0;
}
