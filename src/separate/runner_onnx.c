#include "separate/runners.h"

#include <stdlib.h>

typedef struct onnx_runner {
    dmx_session *session;
    int64_t dim[3];
    size_t n_stems;
} onnx_runner;

static dmx_status run(void *self, float *stems, const float *mix,
                      const dmx_hooks *hooks, dmx_error *err)
{
    const onnx_runner *r = self;
    const dmx_run call = {.input = mix,
                          .dim = r->dim,
                          .rank = 3,
                          .hooks = hooks,
                          .stage = "separate"};
    return dmx_session_run_first(r->session, &call, stems, r->n_stems, err);
}

static void close_runner(void *self)
{
    onnx_runner *r = self;
    dmx_session_close(r->session);
    free(r);
}

/* Any number of threads may run a session; closing the copy leaves it. */
static dmx_status share(void *self, dmx_runner *out, dmx_error *err)
{
    const onnx_runner *r = self;
    const int64_t channels = r->dim[1], samples = r->dim[2];
    const int64_t sources = (int64_t)r->n_stems / channels / samples;
    DMX_FORWARD(
        dmx_runner_onnx(out, r->session, channels, sources, samples, err));
    out->close = free;
    return DMX_OK;
}

dmx_status dmx_runner_onnx(dmx_runner *out, dmx_session *session,
                           int64_t channels, int64_t sources, int64_t samples,
                           dmx_error *err)
{
    *out = (dmx_runner){0};
    onnx_runner *r = malloc(sizeof *r);
    DMX_RETURN_IF(r == NULL, err, DMX_ERROR_MEMORY, "no memory for a model");
    *r = (onnx_runner){session,
                       {1, channels, samples},
                       (size_t)(sources * channels * samples)};
    *out = (dmx_runner){.self = r,
                        .channels = channels,
                        .sources = sources,
                        .samples = samples,
                        .run = run,
                        .close = close_runner,
                        .share = share};
    return DMX_OK;
}

dmx_status dmx_runner_onnx_length(dmx_runner *out, const dmx_runner *runner,
                                  int64_t samples, dmx_error *err)
{
    const onnx_runner *r = runner->self;
    DMX_FORWARD(dmx_runner_onnx(out, r->session, runner->channels,
                                runner->sources, samples, err));
    out->close = free; /* the session stays */
    return DMX_OK;
}
