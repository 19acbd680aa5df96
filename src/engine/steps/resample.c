/* Resampling by a ratio of integers with given filters, one for each of `up`
 * phases of the output; the signal is extended by repeating its end samples. */
#include "engine/steps/steps.h"

#define MOST_POSITIONS 1024 /* of a task: each yields `up` outputs */
#define MOST_SAMPLES   (64 * 1024)

typedef struct resample_step {
    const float *weight; /* [up][taps] */
    int64_t up, down, taps, before;
    int64_t block, blocks; /* positions of a task, tasks of a channel */
    int64_t width;         /* of a phase of the input */
} resample_step;

/* Gathers the samples for the positions from `first` on, by phase: row p has
 * x[i] for i = p - before modulo down. */
static void cut(float *rows, const resample_step *s, const float *x,
                int64_t cols, int64_t first)
{
    for (int64_t p = 0; p < s->down; p++)
        for (int64_t j = 0; j < s->width; j++) {
            const int64_t at = (first + j) * s->down + p - s->before;
            rows[p * s->width + j] = x[dmx_max(0, dmx_min(at, cols - 1))];
        }
}

static void run_resample(const dmx_step *step, const dmx_frame *f, int64_t task,
                         float *scratch)
{
    const resample_step *s = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t channel = task / s->blocks;
    const int64_t first = task % s->blocks * s->block;
    const float *x =
        dmx_read(f, step->in[DMX_SLOT_INPUT]) + channel * in->stride;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
               channel * out->stride + first * s->up;
    float *rows = scratch + s->block;
    const int64_t wanted = dmx_min(s->block * s->up, out->cols - first * s->up);
    cut(rows, s, x, in->cols, first);
    for (int64_t i = 0; i < s->up; i++) {
        k->filter(scratch, rows, s->width, s->down, s->weight + i * s->taps,
                  s->taps, s->block);
        for (int64_t j = 0, at = i; at < wanted; j++, at += s->up)
            y[at] = scratch[j];
    }
}

dmx_status dmx_step_resample(struct dmx_engine *e, const char *path, dmx_buf x,
                             dmx_buf out, const float *weight, int64_t up,
                             int64_t down, int64_t taps, dmx_error *err)
{
    const dmx_plane *p = &e->buffer[out].plane;
    const int64_t positions = (p->cols + up - 1) / up;
    resample_step *s = dmx_program_parameters(e, sizeof *s, err);
    if (s == NULL)
        return DMX_ERROR_MEMORY;
    s->up = up;
    s->down = down;
    s->taps = taps;
    s->before = (taps - down) / 2;
    s->block = dmx_min(MOST_POSITIONS,
                       dmx_round_up(dmx_max(MOST_SAMPLES / down, 1), DMX_LINE));
    s->blocks = (positions + s->block - 1) / s->block;
    s->width = dmx_round_up(s->block + taps / down + 1, DMX_LINE);
    DMX_FORWARD(dmx_program_copy(&s->weight, e, weight, up * taps, err));
    const dmx_step step = {
        .kind = "resample",
        .path = path,
        .run = run_resample,
        .parameters = s,
        .in = {[DMX_SLOT_INPUT] = x},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = p->channels * s->blocks,
        .scratch = s->block + down * s->width,
        .flops = 2.0 * (double)taps * (double)(p->channels * p->cols),
    };
    return dmx_program_add(e, &step, err);
}
