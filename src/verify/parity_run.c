#include "verify/parity.h"
#include "reference/reference.h"
#include "runtime/runtime.h"
#include "verify/bisect.h"
#include "verify/metrics.h"
#include "verify/parity_batch.h"
#include "verify/stage.h"
#include "base/clock.h"
#include "base/platform.h"
#include "base/test_signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const signal_name[] = {"noise", "music"};

const char *dmx_parity_signal(const dmx_parity_job *job, size_t k)
{
    return k == 1 && job->floor ? "music over noise" : signal_name[k];
}

enum { N_SIGNAL = 2 };

/* Everything alive during the comparison. */
typedef struct bench {
    const dmx_parity_job *job;
    const dmx_graph *graph; /* of the length at hand */
    int64_t channels, samples;
    int64_t batch;      /* inputs of a run: all but one are silent */
    size_t length;      /* index into job->length */
    float *mix, *input; /* one of them, and all */
    float *output;
    double *mix64, *reference;
    dmx_sketches sketches; /* of the reference's values, for bisection */
    dmx_runtime *runtime;
    dmx_session *session;
    dmx_thread *loader; /* makes the session while the reference runs */
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

static void load(void *argument)
{
    bench *b = argument;
    const dmx_model_file *f = b->job->file;
    const dmx_session_options options = session_options(b->job->options);
    const double start = dmx_seconds();
    b->load_status =
        dmx_session_open(&b->session, b->runtime, f->path, f->bytes.data,
                         f->bytes.size, &options, &b->load_error);
    b->load_seconds = dmx_seconds() - start;
}

static dmx_status start_loading(bench *b, dmx_error *err)
{
    DMX_FORWARD(
        dmx_runtime_open(&b->runtime, b->job->options->onnxruntime, err));
    b->loader = dmx_thread_start(load, b);
    if (b->loader == NULL)
        load(b);
    return DMX_OK;
}

/* Waits for the session; the first error wins. */
static dmx_status finish_loading(bench *b, dmx_error *err)
{
    if (b->loader != NULL)
        dmx_thread_join(b->loader);
    b->loader = NULL;
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
    char stage[96];
    if (b->length == 0)
        snprintf(stage, sizeof stage, "%s_%s", what, signal_name[signal]);
    else
        snprintf(stage, sizeof stage, "%s_%s_%lld", what, signal_name[signal],
                 (long long)b->samples);
    return dmx_report_add_timing(b->job->report, stage, dmx_seconds() - start,
                                 err);
}

static double part(const bench *b, size_t signal, double fraction)
{
    const double done = ((double)signal + fraction) / N_SIGNAL;
    return ((double)b->length + done) / (double)b->job->n_length;
}

static dmx_status run_reference(bench *b, size_t signal, dmx_error *err)
{
    dmx_stage stage;
    dmx_reference_options o = {.threads = b->job->options->threads};
    o.hooks =
        dmx_stage_open(&stage, b->job->hooks, "checking: float64 reference",
                       part(b, signal, 0), part(b, signal, 0.85));
    if (b->job->options->bisect) {
        o.observe = dmx_sketches_observe;
        o.user = &b->sketches;
        dmx_sketches_clear(&b->sketches);
    }
    for (int64_t i = 0; i < b->channels * b->samples; i++)
        b->mix64[i] = (double)b->mix[i];
    return dmx_reference_run(b->reference, b->graph, b->mix64, &o, err);
}

/* reference = the stems that the file should give. A search for the module that
 * differs needs what the reference computes on the way, not just the result. */
static dmx_status load_reference(bench *b, size_t signal, dmx_error *err)
{
    dmx_expected *kept = b->job->options->bisect ? NULL : b->job->expected;
    const char *name = dmx_parity_signal(b->job, signal);
    const size_t n =
        b->job->model->n_source * (size_t)(b->channels * b->samples);
    const double start = dmx_seconds();
    const double *known =
        kept != NULL ? dmx_expected_find(kept, name, b->samples) : NULL;
    if (known != NULL) {
        memcpy(b->reference, known, n * sizeof *known);
        return DMX_OK;
    }
    DMX_FORWARD(run_reference(b, signal, err));
    if (kept != NULL)
        DMX_FORWARD(
            dmx_expected_keep(kept, name, b->samples, b->reference, n, err));
    return timed(b, "reference", signal, start, err);
}

/* The item of a batch that is not silent: the first and the last in turn. */
static size_t item(const bench *b, size_t signal)
{
    return signal == 0 ? 0 : (size_t)b->batch - 1;
}

static dmx_status run_model(bench *b, size_t signal, dmx_error *err)
{
    const int64_t dim[3] = {b->batch, b->channels, b->samples};
    const size_t row = (size_t)(b->channels * b->samples);
    const size_t all = (size_t)b->batch * row;
    const double start = dmx_seconds();
    const dmx_run run = {.input = b->input,
                         .dim = dim,
                         .rank = 3,
                         .hooks = b->job->hooks,
                         .stage = "checking: ONNX Runtime",
                         .fraction = part(b, signal, 0.85)};
    memset(b->input, 0, all * sizeof *b->input);
    memcpy(b->input + item(b, signal) * row, b->mix, row * sizeof *b->mix);
    DMX_FORWARD(dmx_session_run_first(b->session, &run, b->output,
                                      b->job->n_row * all, err));
    return timed(b, "onnxruntime", signal, start, err);
}

static dmx_status compare(const bench *b, size_t signal, bool *passed,
                          dmx_error *err)
{
    const size_t row = (size_t)(b->channels * b->samples);
    const float *output = b->output + item(b, signal) * b->job->n_row * row;
    char name[64];
    const char *of = dmx_parity_signal(b->job, signal);
    snprintf(name, sizeof name, "%s", of);
    if (b->length > 0)
        snprintf(name, sizeof name, "%s at %lld", of, (long long)b->samples);
    *passed = true;
    for (size_t s = 0; s < b->job->n_row; s++) {
        const size_t source = b->job->row[s];
        dmx_parity p = {.signal = name,
                        .source = b->job->model->source[source]};
        dmx_compare(&p, b->reference + source * row, output + s * row,
                    b->channels, b->samples, b->samples, b->job->report->gate);
        *passed = *passed && p.passed;
        DMX_FORWARD(dmx_report_add_parity(b->job->report, &p, err));
    }
    return DMX_OK;
}

static dmx_status run_signal(bench *b, size_t signal, bool *passed,
                             dmx_error *err)
{
    DMX_FORWARD(dmx_test_signal(b->mix, dmx_parity_signal(b->job, signal),
                                b->channels, b->samples, err));
    DMX_FORWARD(load_reference(b, signal, err));
    DMX_FORWARD(finish_loading(b, err));
    DMX_FORWARD(run_model(b, signal, err));
    return compare(b, signal, passed, err);
}

/* -------------------------------------------------------------- one length */

static dmx_status allocate(bench *b, dmx_error *err)
{
    const size_t row = (size_t)(b->channels * b->samples);
    const size_t all = (size_t)b->batch * row;
    b->mix = dmx_aligned_alloc(row, sizeof *b->mix);
    b->mix64 = dmx_aligned_alloc(row, sizeof *b->mix64);
    b->input = dmx_aligned_alloc(all, sizeof *b->input);
    b->output = dmx_aligned_alloc(b->job->n_row * all, sizeof *b->output);
    b->reference =
        dmx_aligned_alloc(b->job->model->n_source * row, sizeof *b->reference);
    DMX_RETURN_IF(b->mix == NULL || b->mix64 == NULL || b->input == NULL ||
                      b->output == NULL || b->reference == NULL,
                  err, DMX_ERROR_MEMORY, "no memory for the check");
    return DMX_OK;
}

static void release(bench *b)
{
    dmx_aligned_free(b->mix);
    dmx_aligned_free(b->mix64);
    dmx_aligned_free(b->input);
    dmx_aligned_free(b->output);
    dmx_aligned_free(b->reference);
    b->mix = b->input = b->output = NULL;
    b->mix64 = b->reference = NULL;
}

static dmx_status bisect(bench *b, dmx_error *err)
{
    return b->batch > 1
               ? dmx_report_note(b->job->report, err,
                                 "of a file with a fixed batch the module "
                                 "where numbers part is not looked for")
               : dmx_bisect(b->job, b->graph, b->runtime, b->mix, &b->sketches,
                            err);
}

static dmx_status run_signals(bench *b, bool *passed, dmx_error *err)
{
    DMX_FORWARD(allocate(b, err));
    for (size_t signal = 0; signal < N_SIGNAL; signal++) {
        DMX_FORWARD(run_signal(b, signal, passed, err));
        if (!*passed && b->job->options->bisect)
            return bisect(b, err);
    }
    return DMX_OK;
}

static dmx_status run_length(bench *b, bool *passed, dmx_error *err)
{
    dmx_graph *graph;
    b->samples = b->job->length[b->length];
    DMX_FORWARD(dmx_model_graph(&graph, b->job->model, b->samples, err));
    b->graph = graph;
    const dmx_status status = run_signals(b, passed, err);
    release(b);
    dmx_sketches_clear(&b->sketches);
    dmx_graph_close(graph);
    return status;
}

/* -------------------------------------------------------------------- all */

static dmx_status run_all(bench *b, dmx_error *err)
{
    bool passed = true;
    DMX_FORWARD(start_loading(b, err));
    for (; b->length < b->job->n_length; b->length++) {
        DMX_FORWARD(run_length(b, &passed, err));
        if (!passed && b->job->options->bisect)
            return DMX_OK;
    }
    return b->job->batch < 0 ? dmx_parity_batch(b->job, b->session, err)
                             : DMX_OK;
}

dmx_status dmx_parity_run(const dmx_parity_job *job, dmx_error *err)
{
    bench b = {.job = job, .load_error = DMX_ERROR_INIT};
    b.channels = job->model->audio_channels;
    b.batch = job->batch > 0 ? job->batch : 1;
    const dmx_status status = run_all(&b, err);
    if (b.loader != NULL)
        dmx_thread_join(b.loader);
    dmx_session_close(b.session);
    dmx_runtime_close(b.runtime);
    dmx_sketches_free(&b.sketches);
    return status;
}
