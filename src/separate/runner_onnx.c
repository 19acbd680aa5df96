#include "separate/runners.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct onnx_runner {
    dmx_session *session;
    int64_t channels, sources, samples;
    dmx_session_batch batch;
    float *filled; /* [most][1 + sources][channels][samples] where the batch is
                      fixed, else NULL */
} onnx_runner;

static size_t mix_size(const onnx_runner *r)
{
    return (size_t)(r->channels * r->samples);
}

static size_t stems_size(const onnx_runner *r)
{
    return mix_size(r) * (size_t)r->sources;
}

static dmx_status run_exactly(const onnx_runner *r, float *stems,
                              const float *mix, int64_t n,
                              const dmx_hooks *hooks, dmx_error *err)
{
    const int64_t dim[] = {n, r->channels, r->samples};
    const dmx_run call = {.input = mix,
                          .dim = dim,
                          .rank = 3,
                          .hooks = hooks,
                          .stage = "separate"};
    return dmx_session_run_first(r->session, &call, stems,
                                 (size_t)n * stems_size(r), err);
}

/* Runs a batch of a fixed size, filled up with silence. */
static dmx_status run_filled(const onnx_runner *r, float *stems,
                             const float *mix, int64_t n,
                             const dmx_hooks *hooks, dmx_error *err)
{
    const size_t used = (size_t)n * mix_size(r);
    const size_t all = (size_t)r->batch.most * mix_size(r);
    float *result = r->filled + all;
    memcpy(r->filled, mix, used * sizeof *mix);
    memset(r->filled + used, 0, (all - used) * sizeof *mix);
    DMX_FORWARD(run_exactly(r, result, r->filled, r->batch.most, hooks, err));
    memcpy(stems, result, (size_t)n * stems_size(r) * sizeof *stems);
    return DMX_OK;
}

static dmx_status run_batch(void *self, float *stems, const float *mix,
                            int64_t n, const dmx_hooks *hooks, dmx_error *err)
{
    const onnx_runner *r = self;
    return r->filled != NULL && n < r->batch.most
               ? run_filled(r, stems, mix, n, hooks, err)
               : run_exactly(r, stems, mix, n, hooks, err);
}

static dmx_status run(void *self, float *stems, const float *mix,
                      const dmx_hooks *hooks, dmx_error *err)
{
    return run_batch(self, stems, mix, 1, hooks, err);
}

static void close_shared(void *self)
{
    onnx_runner *r = self;
    dmx_aligned_free(r->filled);
    free(r);
}

static void close_runner(void *self)
{
    const onnx_runner *r = self;
    dmx_session_close(r->session);
    close_shared(self);
}

/* Any number of threads may run one session; closing the copy does not close
 * it. */
static dmx_status share(void *self, dmx_runner *out, dmx_error *err)
{
    const onnx_runner *r = self;
    DMX_FORWARD(dmx_runner_onnx(out, r->session, r->channels, r->sources,
                                r->samples, r->batch, err));
    out->close = close_shared;
    return DMX_OK;
}

static dmx_status reserve(onnx_runner *r, dmx_error *err)
{
    if (!r->batch.fixed || r->batch.most <= 1)
        return DMX_OK;
    r->filled =
        dmx_aligned_alloc((size_t)r->batch.most * (mix_size(r) + stems_size(r)),
                          sizeof *r->filled);
    DMX_RETURN_IF(r->filled == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %lld segments of %lld samples at once",
                  (long long)r->batch.most, (long long)r->samples);
    return DMX_OK;
}

dmx_status dmx_runner_onnx(dmx_runner *out, dmx_session *session,
                           int64_t channels, int64_t sources, int64_t samples,
                           dmx_session_batch batch, dmx_error *err)
{
    *out = (dmx_runner){0};
    onnx_runner *r = malloc(sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY, "no memory for a model");
    *r = (onnx_runner){session, channels, sources, samples, batch, NULL};
    const dmx_status status = reserve(r, err);
    if (status != DMX_OK) {
        free(r);
        return status;
    }
    *out = (dmx_runner){.self = r,
                        .channels = channels,
                        .sources = sources,
                        .samples = samples,
                        .run = run,
                        .run_batch = run_batch,
                        .batch = batch.most,
                        .close = close_runner,
                        .share = share};
    return DMX_OK;
}

dmx_status dmx_runner_onnx_length(dmx_runner *out, const dmx_runner *runner,
                                  int64_t samples, dmx_error *err)
{
    const onnx_runner *r = runner->self;
    DMX_FORWARD(dmx_runner_onnx(out, r->session, r->channels, r->sources,
                                samples, r->batch, err));
    out->close = close_shared; /* does not close the session */
    return DMX_OK;
}
