#include "engine/steps/moments.h"

typedef struct moments_step {
    int64_t groups, pieces;
} moments_step;

static void run_moments(const dmx_step *step, const dmx_frame *f, int64_t task,
                        float *scratch)
{
    (void)scratch;
    const moments_step *m = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[0]);
    const int64_t at = task % m->pieces * DMX_PIECE;
    const int64_t line = task / m->pieces; /* row * groups + group */
    const int64_t channels = p->channels / m->groups;
    const float *x = dmx_at(f, step->in[0]) + line * channels * p->stride + at;
    dmx_moments *out = (dmx_moments *)(void *)dmx_at(f, step->out[0]);
    out[task] = f->engine->kernels->moments(x, channels, p->stride,
                                            dmx_min(DMX_PIECE, p->cols - at));
}

dmx_buf dmx_engine_doubles(struct dmx_engine *e, int64_t n)
{
    return dmx_engine_buffer(e, dmx_plane_make(1, 1, 2 * n));
}

dmx_buf dmx_step_moments(struct dmx_engine *e, const char *path, dmx_buf x,
                         int64_t groups)
{
    const dmx_plane p = e->buffer[x].plane;
    const int64_t count = p.rows * groups * dmx_pieces(&p);
    moments_step *m = dmx_engine_parameters(e, sizeof *m);
    const dmx_buf out = dmx_engine_doubles(e, 3 * count);
    dmx_step *step = dmx_engine_step(e, "moments", path);
    if (m == NULL || out < 0 || step == NULL)
        return -1;
    *m = (moments_step){groups, dmx_pieces(&p)};
    step->run = run_moments;
    step->parameters = m;
    step->in[0] = x;
    step->out[0] = out;
    step->tasks = count;
    step->row_tasks = count / p.rows;
    step->local = 1;
    return out;
}

dmx_moments dmx_merge_moments(const dmx_moments *part, int64_t n)
{
    dmx_moments all = part[0];
    for (int64_t i = 1; i < n; i++) {
        const double count = all.count + part[i].count;
        const double d = part[i].mean - all.mean;
        all.mean += d * part[i].count / count;
        all.m2 += part[i].m2 + d * d * all.count * part[i].count / count;
        all.count = count;
    }
    return all;
}
