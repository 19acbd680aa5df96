/* Group norm, layer norm, statistics of the input and standardizing by them. */
#include "engine/steps/moments.h"
#include "engine/steps/steps.h"

#include <math.h>
#include <string.h>

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

enum { MOMENTS, LIKE }; /* input slots: the moments, and what they are of */

/* Gains and offsets per channel, [row or 1][2][channels]. */
static void run_norm_gains(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    (void)scratch;
    const norm_step *n = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[LIKE]);
    const dmx_moments *part =
        (const dmx_moments *)(const void *)dmx_read(f, step->in[MOMENTS]);
    float *gain =
        dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + task * 2 * p->channels;
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

enum { SIGNAL, GAINS }; /* input slots */

static void run_apply(const dmx_step *step, const dmx_frame *f, int64_t task,
                      float *scratch)
{
    (void)scratch;
    const norm_step *n = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[SIGNAL]);
    const int64_t row = task / p->channels, c = task % p->channels;
    const float *gain = dmx_read(f, step->in[GAINS]);
    gain += n->per_row ? row * 2 * p->channels : 0;
    f->engine->kernels->affine(dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                                   task * p->stride,
                               dmx_read(f, step->in[SIGNAL]) + task * p->stride,
                               gain[c], gain[p->channels + c], p->cols);
}

static dmx_status add_norm_gains(dmx_buf *out, struct dmx_engine *e,
                                 const char *path, norm_step *n, dmx_buf x,
                                 dmx_error *err)
{
    const dmx_plane p = e->buffer[x].plane;
    const int64_t sets = n->per_row ? p.rows : 1;
    dmx_buf part;
    DMX_FORWARD(dmx_step_moments(&part, e, path, x, n->groups, err));
    DMX_FORWARD(dmx_program_buffer(
        out, e, dmx_plane_make(1, 1, sets * 2 * p.channels), err));
    const dmx_step step = {
        .kind = "norm gains",
        .path = path,
        .run = run_norm_gains,
        .parameters = n,
        .in = {[MOMENTS] = part, [LIKE] = x},
        .out = {[DMX_SLOT_OUTPUT] = *out},
        .tasks = sets,
    };
    return dmx_program_add(e, &step, err);
}

dmx_status dmx_step_group_norm(struct dmx_engine *e, const char *path,
                               dmx_buf x, dmx_buf out, const float *weight,
                               const float *bias, int64_t groups, bool per_row,
                               double epsilon, dmx_error *err)
{
    const dmx_plane p = e->buffer[x].plane;
    norm_step *n = dmx_program_parameters(e, sizeof *n, err);
    dmx_buf gains;
    if (n == NULL)
        return DMX_ERROR_MEMORY;
    *n = (norm_step){.groups = groups,
                     .pieces = dmx_pieces(&p),
                     .rows = p.rows,
                     .per_row = per_row,
                     .epsilon = epsilon};
    DMX_FORWARD(dmx_program_copy(&n->weight, e, weight, p.channels, err));
    DMX_FORWARD(dmx_program_copy(&n->bias, e, bias, p.channels, err));
    DMX_FORWARD(add_norm_gains(&gains, e, path, n, x, err));
    const dmx_step step = {
        .kind = "group_norm",
        .path = path,
        .run = run_apply,
        .parameters = n,
        .in = {[SIGNAL] = x, [GAINS] = gains},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = p.rows * p.channels,
    };
    return dmx_program_add(e, &step, err);
}

/* ---- layer norm --------------------------------------------------------- */

static void run_layer_norm(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    const norm_step *n = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const int64_t t = task * k->nr, count = dmx_min(k->nr, p->cols - t);
    float *out = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + t;
    k->pack_normed(dmx_read(f, step->in[DMX_SLOT_INPUT]) + t, p->channels,
                   p->stride, count, n->epsilon, scratch);
    for (int64_t c = 0; c < p->channels; c++) {
        float *row = scratch + c * k->nr;
        k->affine(row, row, n->weight[c], n->bias[c], k->nr);
        memcpy(out + c * p->stride, row, (size_t)count * sizeof *row);
    }
}

dmx_status dmx_step_layer_norm(struct dmx_engine *e, const char *path,
                               dmx_buf x, dmx_buf out, const float *weight,
                               const float *bias, double epsilon,
                               dmx_error *err)
{
    const dmx_plane p = e->buffer[x].plane;
    const int64_t nr = e->kernels->nr;
    norm_step *n = dmx_program_parameters(e, sizeof *n, err);
    if (n == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(dmx_program_copy(&n->weight, e, weight, p.channels, err));
    DMX_FORWARD(dmx_program_copy(&n->bias, e, bias, p.channels, err));
    n->epsilon = epsilon;
    const dmx_step step = {
        .kind = "layer_norm",
        .path = path,
        .run = run_layer_norm,
        .parameters = n,
        .in = {[DMX_SLOT_INPUT] = x},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = (p.cols + nr - 1) / nr,
        .scratch = p.channels * nr,
    };
    return dmx_program_add(e, &step, err);
}

/* ---- statistics --------------------------------------------------------- */

enum { MEAN_OUT, STD_OUT }; /* output slots */

static void run_statistics(const dmx_step *step, const dmx_frame *f,
                           int64_t task, float *scratch)
{
    (void)task;
    (void)scratch;
    const norm_step *n = step->parameters;
    const dmx_moments m = group_moments(
        n, (const dmx_moments *)(const void *)dmx_read(f, step->in[MOMENTS]), 0,
        0);
    *dmx_write(f, step->out[MEAN_OUT]) = (float)m.mean;
    *dmx_write(f, step->out[STD_OUT]) = (float)sqrt(m.m2 / (m.count - 1.0));
}

dmx_status dmx_step_statistics(struct dmx_engine *e, const char *path,
                               dmx_buf x, dmx_buf mean, dmx_buf std,
                               dmx_error *err)
{
    const dmx_plane p = e->buffer[x].plane;
    norm_step *n = dmx_program_parameters(e, sizeof *n, err);
    dmx_buf part;
    if (n == NULL)
        return DMX_ERROR_MEMORY;
    *n = (norm_step){.groups = 1, .pieces = dmx_pieces(&p), .rows = p.rows};
    DMX_FORWARD(dmx_step_moments(&part, e, path, x, 1, err));
    const dmx_step step = {
        .kind = "statistics",
        .path = path,
        .run = run_statistics,
        .parameters = n,
        .in = {[MOMENTS] = part},
        .out = {[MEAN_OUT] = mean, [STD_OUT] = std},
        .tasks = 1,
    };
    return dmx_program_add(e, &step, err);
}

/* ---- standardize -------------------------------------------------------- */

typedef struct standardize_step {
    double epsilon;
    bool inverse;
} standardize_step;

enum { MEAN = SIGNAL + 1, STD }; /* input slots */

static void run_standardize(const dmx_step *step, const dmx_frame *f,
                            int64_t task, float *scratch)
{
    (void)scratch;
    const standardize_step *s = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[SIGNAL]);
    const double mean = (double)*dmx_read(f, step->in[MEAN]);
    const double std = (double)*dmx_read(f, step->in[STD]);
    const double gain = s->inverse ? std : 1.0 / (s->epsilon + std);
    const double offset = s->inverse ? mean : -mean * gain;
    const int64_t at = task * p->channels * p->stride;
    for (int64_t c = 0; c < p->channels; c++)
        f->engine->kernels->affine(
            dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + at + c * p->stride,
            dmx_read(f, step->in[SIGNAL]) + at + c * p->stride, (float)gain,
            (float)offset, p->cols);
}

dmx_status dmx_step_standardize(struct dmx_engine *e, const char *path,
                                dmx_buf x, dmx_buf mean, dmx_buf std,
                                dmx_buf out, double epsilon, bool inverse,
                                dmx_error *err)
{
    standardize_step *s = dmx_program_parameters(e, sizeof *s, err);
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    *s = (standardize_step){epsilon, inverse};
    const dmx_step step = {
        .kind = inverse ? "unstandardize" : "standardize",
        .path = path,
        .run = run_standardize,
        .parameters = s,
        .in = {[SIGNAL] = x, [MEAN] = mean, [STD] = std},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = e->buffer[x].plane.rows,
    };
    return dmx_program_add(e, &step, err);
}
