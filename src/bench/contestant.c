#include "bench/contestant.h"

#include "onnx/onnx_export.h"

#include <stdio.h>
#include <string.h>

static dmx_status open_native(dmx_contestant *c, const char *isa,
                              const struct dmx_model *model,
                              const dmx_bench_options *o, dmx_error *err)
{
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    options.threads = o->threads;
    options.isa = isa;
    options.low_memory = o->low_memory;
    DMX_FORWARD(dmx_engine_open(&c->engine, model, o->samples, &options, err));
    return dmx_engine_state_open(&c->state, c->engine, err);
}

static struct {
    const char *name;
    const struct dmx_recipe_table *recipes;
} offered;

void dmx_contestant_offer(const char *name,
                          const struct dmx_recipe_table *recipes)
{
    offered.name = name;
    offered.recipes = recipes;
}

static dmx_status open_runtime(dmx_contestant *c,
                               const struct dmx_recipe_table *recipes,
                               const struct dmx_model *model,
                               const dmx_bench_options *o,
                               dmx_runtime **runtime, dmx_error *err)
{
    const dmx_identity who = dmx_model_identity(model);
    dmx_graph *graph;
    dmx_blob blob = {0};
    dmx_onnx_options options = {.recipes = recipes, .threads = o->threads};
    if (*runtime == NULL)
        DMX_FORWARD(dmx_runtime_open(runtime, o->onnxruntime, err));
    DMX_FORWARD(dmx_model_graph(&graph, model, o->samples, err));
    dmx_status status = dmx_onnx_pack(&blob, graph, &who, &options, err);
    dmx_graph_close(graph);
    if (status == DMX_OK)
        status = dmx_session_open(
            &c->session, *runtime, c->name, blob.data, blob.size,
            &(dmx_session_options){.threads = o->threads}, err);
    dmx_blob_free(&blob);
    return status;
}

dmx_status dmx_contestant_open(dmx_contestant *c, const char *name,
                               const struct dmx_model *model,
                               const dmx_bench_options *o,
                               dmx_runtime **runtime, dmx_error *err)
{
    snprintf(c->name, sizeof c->name, "%s", name);
    c->channels = model->audio_channels;
    c->samples = o->samples > 0 ? o->samples : model->training_samples;
    c->outputs = (int64_t)model->n_source * model->audio_channels;
    if (strcmp(name, "native") == 0)
        return open_native(c, NULL, model, o, err);
    if (strncmp(name, "native:", 7) == 0)
        return open_native(c, name + 7, model, o, err);
    if (strcmp(name, "onnxruntime") == 0)
        return open_runtime(c, NULL, model, o, runtime, err);
    const bool more = offered.name != NULL;
    if (more && strcmp(name, offered.name) == 0)
        return open_runtime(c, offered.recipes, model, o, runtime, err);
    DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT,
                     "unknown contestant \"%s\"; there are native, "
                     "native:ISA, onnxruntime%s%s",
                     name, more ? " and " : "", more ? offered.name : "");
}

void dmx_contestant_close(dmx_contestant *c)
{
    dmx_engine_state_close(c->state);
    dmx_engine_close(c->engine);
    dmx_session_close(c->session);
}

dmx_status dmx_contestant_run(dmx_contestant *c, float *stems, const float *mix,
                              const dmx_hooks *hooks, dmx_error *err)
{
    if (c->engine != NULL)
        return dmx_engine_run(c->state, stems, mix, hooks, err);
    const int64_t dim[] = {1, c->channels, c->samples};
    const dmx_run run = {.input = mix,
                         .dim = dim,
                         .rank = 3,
                         .hooks = hooks,
                         .stage = "separate"};
    return dmx_session_run_first(c->session, &run, stems,
                                 (size_t)(c->outputs * c->samples), err);
}
