#include "verify/parity.h"
#include "reference/reference.h"
#include "runtime/runtime.h"
#include "verify/bisect.h"
#include "verify/metrics.h"
#include "verify/stage.h"
#include "verify/test_signal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const signal_name[] = {"noise", "music"};
enum { N_SIGNAL = 2 };

/* Everything alive during the comparison. */
typedef struct bench {
    const dmx_parity_job *job;
    int64_t channels, samples;
    size_t count; /* elements of all the model's sources */
    float *mix, *output;
    double *mix64, *reference;
    dmx_sketches sketches; /* of the reference's values, for bisection */
    dmx_runtime *runtime;
    dmx_session *session;
    pthread_t loader; /* makes the session while the reference runs */
    bool loading;
    dmx_status load_status;
    dmx_error load_error;
    double load_seconds;
} bench;

/* ---------------------------------------------------------------- session */

static dmx_session_options session_options(const dmx_verify_options *o)
{
    return (dmx_session_options){.threads = o->threads,
                                 .providers = o->providers};
}

static void load(bench *b)
{
    const dmx_model_file *f = b->job->file;
    const dmx_session_options options = session_options(b->job->options);
    const double start = dmx_seconds();
    b->load_status =
        dmx_session_open(&b->session, b->runtime, f->path, f->bytes.data,
                         f->bytes.size, &options, &b->load_error);
    b->load_seconds = dmx_seconds() - start;
}

static void *load_thread(void *argument)
{
    load(argument);
    return NULL;
}

static dmx_status start_loading(bench *b, dmx_error *err)
{
    DMX_FORWARD(
        dmx_runtime_open(&b->runtime, b->job->options->onnxruntime, err));
    b->loading = pthread_create(&b->loader, NULL, load_thread, b) == 0;
    if (!b->loading)
        load(b);
    return DMX_OK;
}

/* Waits for the session; the first error wins. */
static dmx_status finish_loading(bench *b, dmx_error *err)
{
    if (b->loading)
        pthread_join(b->loader, NULL);
    b->loading = false;
    DMX_RETURN_IF(b->load_status != DMX_OK, err, b->load_status, "%s",
                  b->load_error.message);
    struct dmx_report *r = b->job->report;
    if (r->runtime_version != NULL)
        return DMX_OK;
    r->runtime_version =
        dmx_arena_printf(&r->arena, "%s", dmx_runtime_version(b->runtime));
    r->provider = dmx_session_provider(b->session);
    DMX_RETURN_IF(r->runtime_version == NULL, err, DMX_ERROR_MEMORY,
                  "no memory");
    return dmx_report_add_timing(r, "session", b->load_seconds, err);
}

/* ---------------------------------------------------------------- one run */

static dmx_status timed(const bench *b, const char *what, size_t signal,
                        double start, dmx_error *err)
{
    char stage[64];
    snprintf(stage, sizeof stage, "%s_%s", what, signal_name[signal]);
    return dmx_report_add_timing(b->job->report, stage, dmx_seconds() - start,
                                 err);
}

static double part(size_t signal, double fraction)
{
    return ((double)signal + fraction) / N_SIGNAL;
}

static dmx_status run_reference(bench *b, size_t signal, dmx_error *err)
{
    dmx_stage stage;
    const double start = dmx_seconds();
    dmx_reference_options o = {.threads = b->job->options->threads};
    o.hooks =
        dmx_stage_open(&stage, b->job->hooks, "checking: float64 reference",
                       part(signal, 0), part(signal, 0.85));
    if (b->job->options->bisect) {
        o.observe = dmx_sketches_observe;
        o.user = &b->sketches;
        dmx_sketches_clear(&b->sketches);
    }
    for (int64_t i = 0; i < b->channels * b->samples; i++)
        b->mix64[i] = (double)b->mix[i];
    DMX_FORWARD(
        dmx_reference_run(b->reference, b->job->graph, b->mix64, &o, err));
    return timed(b, "reference", signal, start, err);
}

static dmx_status run_model(bench *b, size_t signal, dmx_error *err)
{
    const int64_t dim[3] = {1, b->channels, b->samples};
    const double start = dmx_seconds();
    const dmx_run run = {.input = b->mix,
                         .dim = dim,
                         .rank = 3,
                         .hooks = b->job->hooks,
                         .stage = "checking: ONNX Runtime",
                         .fraction = part(signal, 0.85)};
    DMX_FORWARD(dmx_session_run_first(
        b->session, &run, b->output,
        b->job->n_row * (size_t)(b->channels * b->samples), err));
    return timed(b, "onnxruntime", signal, start, err);
}

static dmx_status compare(const bench *b, size_t signal, bool *passed,
                          dmx_error *err)
{
    const size_t row = (size_t)(b->channels * b->samples);
    *passed = true;
    for (size_t s = 0; s < b->job->n_row; s++) {
        const size_t source = b->job->row[s];
        dmx_parity p = {.signal = signal_name[signal],
                        .source = b->job->model->source[source]};
        dmx_compare(&p, b->reference + source * row, b->output + s * row,
                    b->channels, b->samples, b->samples,
                    b->job->report->tolerance);
        *passed = *passed && p.passed;
        DMX_FORWARD(dmx_report_add_parity(b->job->report, &p, err));
    }
    return DMX_OK;
}

static dmx_status run_signal(bench *b, size_t signal, bool *passed,
                             dmx_error *err)
{
    DMX_FORWARD(dmx_test_signal(b->mix, signal_name[signal], b->channels,
                                b->samples, err));
    DMX_FORWARD(run_reference(b, signal, err));
    DMX_FORWARD(finish_loading(b, err));
    DMX_FORWARD(run_model(b, signal, err));
    return compare(b, signal, passed, err);
}

/* -------------------------------------------------------------------- all */

static dmx_status allocate(bench *b, dmx_error *err)
{
    const size_t row = (size_t)(b->channels * b->samples);
    b->count = b->job->model->n_source * row;
    b->mix = dmx_aligned_alloc(row, sizeof *b->mix);
    b->mix64 = dmx_aligned_alloc(row, sizeof *b->mix64);
    b->output = dmx_aligned_alloc(b->job->n_row * row, sizeof *b->output);
    b->reference = dmx_aligned_alloc(b->count, sizeof *b->reference);
    DMX_RETURN_IF(b->mix == NULL || b->mix64 == NULL || b->output == NULL ||
                      b->reference == NULL,
                  err, DMX_ERROR_MEMORY, "no memory for the check");
    return DMX_OK;
}

static void release(bench *b)
{
    if (b->loading)
        pthread_join(b->loader, NULL);
    dmx_session_close(b->session);
    dmx_runtime_close(b->runtime);
    dmx_sketches_free(&b->sketches);
    dmx_aligned_free(b->mix);
    dmx_aligned_free(b->mix64);
    dmx_aligned_free(b->output);
    dmx_aligned_free(b->reference);
}

static dmx_status run_all(bench *b, dmx_error *err)
{
    DMX_FORWARD(allocate(b, err));
    DMX_FORWARD(start_loading(b, err));
    for (size_t signal = 0; signal < N_SIGNAL; signal++) {
        bool passed;
        DMX_FORWARD(run_signal(b, signal, &passed, err));
        if (!passed && b->job->options->bisect)
            return dmx_bisect(b->job, b->runtime, b->mix, &b->sketches, err);
    }
    return DMX_OK;
}

dmx_status dmx_parity_run(const dmx_parity_job *job, dmx_error *err)
{
    bench b = {.job = job, .load_error = DMX_ERROR_INIT};
    const dmx_shape in = dmx_graph_shape(job->graph, job->graph->input);
    b.channels = in.dim[0];
    b.samples = in.dim[2];
    const dmx_status status = run_all(&b, err);
    release(&b);
    return status;
}
