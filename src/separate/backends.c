#include "separate/backends.h"

#include <string.h>

static dmx_status open_native(dmx_runner *out, const dmx_backend_job *job,
                              dmx_error *err)
{
    return dmx_runner_native(out, job->model, job->samples,
                             &(dmx_native_options){job->threads, job->precision,
                                                   job->choices, job->hooks,
                                                   job->like},
                             err);
}

static dmx_status open_reference(dmx_runner *out, const dmx_backend_job *job,
                                 dmx_error *err)
{
    return dmx_runner_reference(out, job->model, job->samples, job->threads,
                                err);
}

static dmx_status open_exported(dmx_runner *out, const dmx_backend_job *job,
                                dmx_error *err)
{
    const dmx_session_options options = {.threads = job->threads,
                                         .providers = job->providers,
                                         .hooks = job->hooks};
    DMX_FORWARD(dmx_backend_runtime(job->runtime, job->onnxruntime, err));
    return dmx_runner_exported(out, job->model, job->samples, job->batch,
                               *job->runtime, job->name, &options, err);
}

static const dmx_backend_entry backends[] = {
    [DMX_BACKEND_AUTO] = {.name = "auto"},
    [DMX_BACKEND_ONNXRUNTIME] = {.name = "onnxruntime",
                                 .onnx = true,
                                 .batches = true,
                                 .open = open_exported},
    [DMX_BACKEND_NATIVE] = {.name = "native",
                            .checkpoints = true,
                            .open = open_native},
    [DMX_BACKEND_REFERENCE] = {.name = "reference",
                               .keeps_model = true,
                               .open = open_reference},
};
#define N_BACKEND (sizeof backends / sizeof backends[0])

const dmx_backend_entry *dmx_backend_entry_of(dmx_backend backend)
{
    return (size_t)backend < N_BACKEND ? &backends[backend] : NULL;
}

/* Every backend runs checkpoints; an .onnx file needs one that can read it. */
dmx_status dmx_backend_choose(dmx_backend *out, dmx_backend wanted, bool onnx,
                              const char *path, dmx_error *err)
{
    *out = wanted;
    for (size_t i = 0; wanted == DMX_BACKEND_AUTO && i < N_BACKEND; i++)
        if (onnx ? backends[i].onnx : backends[i].checkpoints)
            *out = (dmx_backend)i;
    DMX_RETURN_IF(onnx && !backends[*out].onnx, err, DMX_ERROR_ARGUMENT,
                  "%s: an ONNX file runs with ONNX Runtime only; give the "
                  "checkpoint for another engine",
                  path);
    return DMX_OK;
}

dmx_status dmx_backend_runtime(dmx_runtime **runtime, const char *onnxruntime,
                               dmx_error *err)
{
    return *runtime != NULL ? DMX_OK
                            : dmx_runtime_open(runtime, onnxruntime, err);
}

const char *dmx_backend_name(dmx_backend backend)
{
    const dmx_backend_entry *entry = dmx_backend_entry_of(backend);
    return entry != NULL ? entry->name : NULL;
}

int dmx_backend_find(dmx_backend *out, const char *name)
{
    for (size_t i = 0; out != NULL && name != NULL && i < N_BACKEND; i++)
        if (strcmp(name, backends[i].name) == 0) {
            *out = (dmx_backend)i;
            return 1;
        }
    return 0;
}
