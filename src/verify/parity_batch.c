#include "verify/parity_batch.h"
#include "reference/reference.h"
#include "verify/metrics.h"
#include "base/test_signal.h"

#include <math.h>
#include <stdio.h>

enum { ITEMS = 2 };

typedef struct pair {
    const dmx_parity_job *job;
    dmx_session *session;
    int64_t channels, samples;
    size_t in, out; /* numbers of one item */
    float *mix;     /* [items][in] */
    float *alone;   /* [items][out] */
    float *both;    /* the same, of one run */
    double *row;    /* one source of an item alone */
    double *truth;  /* memory for what the reference gives, or NULL */
} pair;

/* Activations in 8 bits have one scale for all items, so that an item in a
 * batch is not quite what it is alone: both may be as far from the reference as
 * the gate says, in opposite directions. Then the reference is the judge. */
static bool needs_truth(const pair *p)
{
    return isfinite(p->job->report->gate.min_snr);
}

static int64_t shortest(const dmx_parity_job *job)
{
    int64_t least = job->length[0];
    for (size_t i = 1; i < job->n_length; i++)
        least = job->length[i] < least ? job->length[i] : least;
    return least;
}

static dmx_status allocate(pair *p, dmx_error *err)
{
    p->mix = dmx_aligned_alloc(ITEMS * p->in, sizeof *p->mix);
    p->alone = dmx_aligned_alloc(ITEMS * p->out, sizeof *p->alone);
    p->both = dmx_aligned_alloc(ITEMS * p->out, sizeof *p->both);
    p->row = dmx_aligned_alloc(p->in, sizeof *p->row);
    if (needs_truth(p))
        p->truth = dmx_aligned_alloc(p->job->model->n_source * p->in,
                                     sizeof *p->truth);
    DMX_RETURN_IF(p->mix == NULL || p->alone == NULL || p->both == NULL ||
                      p->row == NULL || (needs_truth(p) && p->truth == NULL),
                  err, DMX_ERROR_MEMORY, "no memory for the check");
    return DMX_OK;
}

static void release(pair *p)
{
    dmx_aligned_free(p->mix);
    dmx_aligned_free(p->alone);
    dmx_aligned_free(p->both);
    dmx_aligned_free(p->row);
    dmx_aligned_free(p->truth);
}

static dmx_status run(const pair *p, float *out, const float *mix,
                      int64_t items, dmx_error *err)
{
    const int64_t dim[3] = {items, p->channels, p->samples};
    const dmx_run call = {.input = mix,
                          .dim = dim,
                          .rank = 3,
                          .hooks = p->job->hooks,
                          .stage = "checking: a batch",
                          .fraction = 1};
    return dmx_session_run_first(p->session, &call, out, (size_t)items * p->out,
                                 err);
}

static dmx_status run_reference(const pair *p, size_t item, dmx_error *err)
{
    dmx_graph *graph;
    const dmx_reference_options o = {.threads = p->job->options->threads,
                                     .hooks = p->job->hooks};
    DMX_FORWARD(dmx_model_graph(&graph, p->job->model, p->samples, err));
    for (size_t i = 0; i < p->in; i++)
        p->row[i] = (double)p->mix[item * p->in + i];
    const dmx_status status =
        dmx_reference_run(p->truth, graph, p->row, &o, err);
    dmx_graph_close(graph);
    return status;
}

/* *truth: all sources of an item by the reference; NULL: an item alone is what
 * counts. */
static dmx_status find_truth(const double **truth, const pair *p, size_t item,
                             dmx_error *err)
{
    const dmx_expected *kept = p->job->expected;
    *truth = NULL;
    if (!needs_truth(p))
        return DMX_OK;
    if (kept != NULL)
        *truth = dmx_expected_find(kept, dmx_parity_signal(p->job, item),
                                   p->samples);
    if (*truth != NULL)
        return DMX_OK;
    *truth = p->truth;
    return run_reference(p, item, err);
}

static dmx_status compare(const pair *p, size_t item, dmx_error *err)
{
    char name[64];
    const double *truth;
    DMX_FORWARD(find_truth(&truth, p, item, err));
    snprintf(name, sizeof name, "%s in a batch",
             dmx_parity_signal(p->job, item));
    for (size_t s = 0; s < p->job->n_row; s++) {
        const size_t at = item * p->out + s * p->in;
        const size_t source = p->job->row[s];
        dmx_parity c = {.signal = name,
                        .source = p->job->model->source[source]};
        for (size_t i = 0; i < p->in; i++)
            p->row[i] = truth != NULL ? truth[source * p->in + i]
                                      : (double)p->alone[at + i];
        dmx_compare(&c, p->row, p->both + at, p->channels, p->samples,
                    p->samples, p->job->report->gate);
        DMX_FORWARD(dmx_report_add_parity(p->job->report, &c, err));
    }
    return DMX_OK;
}

static dmx_status run_all(pair *p, dmx_error *err)
{
    DMX_FORWARD(allocate(p, err));
    for (size_t k = 0; k < ITEMS; k++) {
        float *mix = p->mix + k * p->in;
        DMX_FORWARD(dmx_test_signal(mix, dmx_parity_signal(p->job, k),
                                    p->channels, p->samples, err));
        DMX_FORWARD(run(p, p->alone + k * p->out, mix, 1, err));
    }
    DMX_FORWARD(run(p, p->both, p->mix, ITEMS, err));
    for (size_t k = 0; k < ITEMS; k++)
        DMX_FORWARD(compare(p, k, err));
    return DMX_OK;
}

dmx_status dmx_parity_batch(const dmx_parity_job *job, dmx_session *session,
                            dmx_error *err)
{
    pair p = {.job = job, .session = session, .samples = shortest(job)};
    p.channels = job->model->audio_channels;
    p.in = (size_t)(p.channels * p.samples);
    p.out = job->n_row * p.in;
    const dmx_status status = run_all(&p, err);
    release(&p);
    return status;
}
