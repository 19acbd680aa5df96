#include "base/memory.h"
#include "reference/reference.h"
#include "separate/runners.h"

#include <stdlib.h>

typedef struct reference_runner {
    dmx_graph *graph;
    double *mix, *stems;
    size_t n_mix, n_stems;
    int threads;
} reference_runner;

static dmx_status run(void *self, float *stems, const float *mix,
                      const dmx_hooks *hooks, dmx_error *err)
{
    reference_runner *r = self;
    for (size_t i = 0; i < r->n_mix; i++)
        r->mix[i] = (double)mix[i];
    const dmx_reference_options options = {.threads = r->threads,
                                           .hooks = hooks};
    DMX_FORWARD(dmx_reference_run(r->stems, r->graph, r->mix, &options, err));
    for (size_t i = 0; i < r->n_stems; i++)
        stems[i] = (float)r->stems[i];
    return DMX_OK;
}

static void close_runner(void *self)
{
    reference_runner *r = self;
    dmx_graph_close(r->graph);
    dmx_aligned_free(r->mix);
    dmx_aligned_free(r->stems);
    free(r);
}

static dmx_status prepare(reference_runner *r, const struct dmx_model *model,
                          int64_t samples, dmx_error *err)
{
    DMX_FORWARD(dmx_model_graph(&r->graph, model, samples, err));
    r->n_mix = (size_t)(model->audio_channels * samples);
    r->n_stems = r->n_mix * model->n_source;
    r->mix = dmx_aligned_alloc(r->n_mix, sizeof *r->mix);
    r->stems = dmx_aligned_alloc(r->n_stems, sizeof *r->stems);
    DMX_RETURN_IF(r->mix == NULL || r->stems == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a segment of %lld samples",
                  (long long)samples);
    return DMX_OK;
}

dmx_status dmx_runner_reference(dmx_runner *out, const struct dmx_model *model,
                                int64_t samples, int threads, dmx_error *err)
{
    *out = (dmx_runner){0};
    if (samples == 0)
        samples = model->training_samples;
    reference_runner *r = calloc(1, sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY, "no memory for a model");
    r->threads = threads;
    const dmx_status status = prepare(r, model, samples, err);
    if (status != DMX_OK) {
        close_runner(r);
        return status;
    }
    *out = (dmx_runner){.self = r,
                        .channels = model->audio_channels,
                        .sources = (int64_t)model->n_source,
                        .samples = samples,
                        .run = run,
                        .close = close_runner};
    return DMX_OK;
}
