/* Group norm, layer norm, statistics of the input and standardizing by them. */
#include "engine/steps/moments.h"
#include "engine/steps/steps.h"

#include <math.h>
#include <string.h>

static float *copy_floats(struct dmx_engine *e, const float *from, int64_t n)
{
    float *p = dmx_engine_floats(e, n);
    if (p != NULL)
        memcpy(p, from, (size_t)n * sizeof *p);
    return p;
}

/* ---- group norm --------------------------------------------------------- */

typedef struct norm_step {
    const float *weight, *bias;
    int64_t groups, pieces, rows;
    bool per_row;
    double epsilon;
} norm_step;

/* The moments of a group: of one row, or of all rows. */
static dmx_moments group_moments(const norm_step *n, const dmx_moments *part,
                                 int64_t row, int64_t group)
{
    if (n->per_row)
        return dmx_merge_moments(part + (row * n->groups + group) * n->pieces,
                                 n->pieces);
    dmx_moments all = {0.0, 0.0, 0.0};
    for (int64_t r = 0; r < n->rows; r++) {
        const dmx_moments pair[2] = {
            all, dmx_merge_moments(part + (r * n->groups + group) * n->pieces,
                                   n->pieces)};
        all = r == 0 ? pair[1] : dmx_merge_moments(pair, 2);
    }
    return all;
}

/* Gains and offsets per channel, [row or 1][2][channels]. */
static void run_norm_gains(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    (void)scratch;
    const norm_step *n = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[1]);
    const dmx_moments *part =
        (const dmx_moments *)(const void *)dmx_at(f, step->in[0]);
    float *gain = dmx_at(f, step->out[0]) + task * 2 * p->channels;
    float *offset = gain + p->channels;
    const int64_t channels = p->channels / n->groups;
    for (int64_t g = 0; g < n->groups; g++) {
        const dmx_moments m = group_moments(n, part, task, g);
        const double r = 1.0 / sqrt(m.m2 / m.count + n->epsilon);
        for (int64_t c = g * channels; c < (g + 1) * channels; c++) {
            const double a = (double)n->weight[c] * r;
            gain[c] = (float)a;
            offset[c] = (float)((double)n->bias[c] - m.mean * a);
        }
    }
}

static void run_apply(const dmx_step *step, const dmx_frame *f, int64_t task,
                      float *scratch)
{
    (void)scratch;
    const norm_step *n = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[0]);
    const int64_t row = task / p->channels, c = task % p->channels;
    const float *gain = dmx_at(f, step->in[1]);
    gain += n->per_row ? row * 2 * p->channels : 0;
    f->engine->kernels->affine(dmx_at(f, step->out[0]) + task * p->stride,
                               dmx_at(f, step->in[0]) + task * p->stride,
                               gain[c], gain[p->channels + c], p->cols);
}

bool dmx_step_group_norm(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf out, const float *weight, const float *bias,
                         int64_t groups, bool per_row, double epsilon)
{
    const dmx_plane p = e->buffer[x].plane;
    norm_step *n = dmx_engine_parameters(e, sizeof *n);
    const dmx_buf part = dmx_step_moments(e, path, x, groups);
    const int64_t sets = per_row ? p.rows : 1;
    const dmx_buf gains =
        dmx_engine_buffer(e, dmx_plane_make(1, 1, sets * 2 * p.channels));
    if (n == NULL || part < 0 || gains < 0)
        return false;
    *n = (norm_step){copy_floats(e, weight, p.channels),
                     copy_floats(e, bias, p.channels),
                     groups,
                     dmx_pieces(&p),
                     p.rows,
                     per_row,
                     epsilon};
    dmx_step *merge = dmx_engine_step(e, "norm gains", path);
    if (merge == NULL || n->weight == NULL || n->bias == NULL)
        return false;
    merge->run = run_norm_gains;
    merge->parameters = n;
    merge->in[0] = part;
    merge->in[1] = x;
    merge->out[0] = gains;
    merge->tasks = sets;
    dmx_step *apply = dmx_engine_step(e, "group_norm", path);
    if (apply == NULL)
        return false;
    apply->run = run_apply;
    apply->parameters = n;
    apply->in[0] = x;
    apply->in[1] = gains;
    apply->out[0] = out;
    apply->tasks = p.rows * p.channels;
    return true;
}

/* ---- layer norm --------------------------------------------------------- */

static void run_layer_norm(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    const norm_step *n = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *p = dmx_plane_of(f, step->in[0]);
    const int64_t t = task * k->nr, count = dmx_min(k->nr, p->cols - t);
    float *out = dmx_at(f, step->out[0]) + t;
    k->pack_normed(dmx_at(f, step->in[0]) + t, p->channels, p->stride, count,
                   n->epsilon, scratch);
    for (int64_t c = 0; c < p->channels; c++) {
        float *row = scratch + c * k->nr;
        k->affine(row, row, n->weight[c], n->bias[c], k->nr);
        memcpy(out + c * p->stride, row, (size_t)count * sizeof *row);
    }
}

bool dmx_step_layer_norm(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf out, const float *weight, const float *bias,
                         double epsilon)
{
    const dmx_plane p = e->buffer[x].plane;
    const int64_t nr = e->kernels->nr;
    norm_step *n = dmx_engine_parameters(e, sizeof *n);
    dmx_step *step = dmx_engine_step(e, "layer_norm", path);
    if (n == NULL || step == NULL)
        return false;
    n->weight = copy_floats(e, weight, p.channels);
    n->bias = copy_floats(e, bias, p.channels);
    n->epsilon = epsilon;
    step->run = run_layer_norm;
    step->parameters = n;
    step->in[0] = x;
    step->out[0] = out;
    step->tasks = (p.cols + nr - 1) / nr;
    step->scratch = p.channels * nr;
    return n->weight != NULL && n->bias != NULL;
}

/* ---- statistics --------------------------------------------------------- */

static void run_statistics(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    (void)task;
    (void)scratch;
    const norm_step *n = step->parameters;
    const dmx_moments m = group_moments(
        n, (const dmx_moments *)(const void *)dmx_at(f, step->in[0]), 0, 0);
    *dmx_at(f, step->out[0]) = (float)m.mean;
    *dmx_at(f, step->out[1]) = (float)sqrt(m.m2 / (m.count - 1.0));
}

bool dmx_step_statistics(struct dmx_engine *e, const char *path, dmx_buf x,
                         dmx_buf mean, dmx_buf std)
{
    const dmx_plane p = e->buffer[x].plane;
    norm_step *n = dmx_engine_parameters(e, sizeof *n);
    const dmx_buf part = dmx_step_moments(e, path, x, 1);
    dmx_step *step = dmx_engine_step(e, "statistics", path);
    if (n == NULL || part < 0 || step == NULL)
        return false;
    *n = (norm_step){.groups = 1, .pieces = dmx_pieces(&p), .rows = p.rows};
    step->run = run_statistics;
    step->parameters = n;
    step->in[0] = part;
    step->out[0] = mean;
    step->out[1] = std;
    return true;
}

/* ---- standardize -------------------------------------------------------- */

typedef struct standardize_step {
    double epsilon;
    bool inverse;
} standardize_step;

static void run_standardize(const dmx_step *step, const dmx_frame *f,
                            int64_t task, float *scratch)
{
    (void)scratch;
    const standardize_step *s = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[0]);
    const double mean = (double)*dmx_at(f, step->in[1]);
    const double std = (double)*dmx_at(f, step->in[2]);
    const double gain = s->inverse ? std : 1.0 / (s->epsilon + std);
    const double offset = s->inverse ? mean : -mean * gain;
    const int64_t at = task * p->channels * p->stride;
    for (int64_t c = 0; c < p->channels; c++)
        f->engine->kernels->affine(dmx_at(f, step->out[0]) + at + c * p->stride,
                                   dmx_at(f, step->in[0]) + at + c * p->stride,
                                   (float)gain, (float)offset, p->cols);
}

bool dmx_step_standardize(struct dmx_engine *e, const char *path, dmx_buf x,
                          dmx_buf mean, dmx_buf std, dmx_buf out,
                          double epsilon, bool inverse)
{
    standardize_step *s = dmx_engine_parameters(e, sizeof *s);
    dmx_step *step =
        dmx_engine_step(e, inverse ? "unstandardize" : "standardize", path);
    if (s == NULL || step == NULL)
        return false;
    *s = (standardize_step){epsilon, inverse};
    step->run = run_standardize;
    step->parameters = s;
    step->in[0] = x;
    step->in[1] = mean;
    step->in[2] = std;
    step->out[0] = out;
    step->tasks = e->buffer[x].plane.rows;
    return true;
}
