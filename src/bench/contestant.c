#include "bench/contestant.h"

#include "onnx/onnx_export.h"
#include "separate/backends.h"

#include <stdio.h>
#include <string.h>

/* Parses "", "int16", "avx2" or "avx2:int16" after "native:". isa: room for a
 * name; *out is NULL for the best one. */
static dmx_engine_precision parse_native(const char **out, char isa[64],
                                         const char *text)
{
    dmx_engine_precision precision = DMX_ENGINE_EXACT;
    const char *colon = strrchr(text, ':');
    const char *last = colon != NULL ? colon + 1 : text;
    size_t length = strlen(text);
    if (dmx_engine_precision_find(&precision, last))
        length = colon != NULL ? (size_t)(colon - text) : 0;
    snprintf(isa, 64, "%.*s", (int)length, text);
    *out = length > 0 ? isa : NULL;
    return precision;
}

static dmx_status open_native(dmx_contestant *c, const char *text,
                              const struct dmx_model *model,
                              const dmx_bench_options *o, dmx_error *err)
{
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    options.threads = o->threads;
    char isa[64];
    options.precision = parse_native(&options.isa, isa, text);
    options.choices = o->choices;
    options.hooks = o->hooks;
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

static dmx_status open_session(dmx_contestant *c,
                               const dmx_onnx_options *options,
                               const struct dmx_model *model,
                               const dmx_backend_job *job, dmx_error *err)
{
    const dmx_identity who = dmx_model_identity(model);
    const dmx_session_options run = {.threads = job->threads};
    dmx_graph *graph;
    dmx_blob blob = {0};
    DMX_FORWARD(dmx_model_graph(&graph, model, job->samples, err));
    dmx_status status = dmx_onnx_pack(&blob, graph, &who, options, err);
    dmx_graph_close(graph);
    if (status == DMX_OK)
        status = dmx_session_open(&c->session, *job->runtime, c->name,
                                  blob.data, blob.size, &run, err);
    dmx_blob_free(&blob);
    return status;
}

/* ONNX Runtime on another export of the model. */
static dmx_status open_export(dmx_contestant *c,
                              const dmx_onnx_options *options,
                              const struct dmx_model *model,
                              const dmx_backend_job *job, dmx_error *err)
{
    DMX_FORWARD(dmx_backend_runtime(job->runtime, job->onnxruntime, err));
    DMX_FORWARD(open_session(c, options, model, job, err));
    DMX_FORWARD(dmx_runner_onnx(&c->runner, c->session, c->channels,
                                (int64_t)model->n_source, c->samples,
                                (dmx_session_batch){.most = 1}, err));
    c->session = NULL; /* now owned by the runner */
    return DMX_OK;
}

/* "onnxruntime:int8": everything in 8 bits that can be, nothing checked. */
static bool names_precision(dmx_precision *out, const char *name)
{
    const char *backend = dmx_backend_name(DMX_BACKEND_ONNXRUNTIME);
    const size_t n = strlen(backend);
    return strncmp(name, backend, n) == 0 && name[n] == ':' &&
           dmx_precision_find(out, name + n + 1);
}

/* Any of the table of backends. */
static dmx_status open_backend(dmx_contestant *c, const char *name,
                               const dmx_backend_job *job, dmx_error *err)
{
    dmx_backend backend;
    char names[192] = "native:ISA, native:int16, native:int8, "
                      "onnxruntime:fp16weights, onnxruntime:int8";
    for (int i = 0; dmx_backend_name((dmx_backend)i) != NULL; i++)
        if (dmx_backend_entry_of((dmx_backend)i)->open != NULL) {
            const size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, ", %s",
                     dmx_backend_name((dmx_backend)i));
        }
    DMX_RETURN_IF(!dmx_backend_find(&backend, name) ||
                      dmx_backend_entry_of(backend)->open == NULL,
                  err, DMX_ERROR_ARGUMENT,
                  "unknown contestant \"%s\"; there are %s%s%s", name, names,
                  offered.name != NULL ? " and " : "",
                  offered.name != NULL ? offered.name : "");
    return dmx_backend_entry_of(backend)->open(&c->runner, job, err);
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
        return open_native(c, "", model, o, err);
    if (strncmp(name, "native:", 7) == 0)
        return open_native(c, name + 7, model, o, err);
    const dmx_backend_job job = {.model = model,
                                 .name = c->name,
                                 .samples = c->samples,
                                 .threads = o->threads,
                                 .onnxruntime = o->onnxruntime,
                                 .runtime = runtime};
    dmx_onnx_options export = {.threads = o->threads};
    if (offered.name != NULL && strcmp(name, offered.name) == 0) {
        export.recipes = offered.recipes;
        return open_export(c, &export, model, &job, err);
    }
    if (names_precision(&export.precision, name))
        return open_export(c, &export, model, &job, err);
    return open_backend(c, name, &job, err);
}

void dmx_contestant_close(dmx_contestant *c)
{
    dmx_engine_state_close(c->state);
    dmx_engine_close(c->engine);
    dmx_runner_close(&c->runner);
    dmx_session_close(c->session);
}

dmx_status dmx_contestant_run(dmx_contestant *c, float *stems, const float *mix,
                              const dmx_hooks *hooks, dmx_error *err)
{
    if (c->engine != NULL)
        return dmx_engine_run(c->state, stems, mix, hooks, err);
    return c->runner.run(c->runner.self, stems, mix, hooks, err);
}
