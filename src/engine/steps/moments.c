#include "engine/steps/moments.h"

typedef struct moments_step {
    int64_t groups, pieces;
} moments_step;

static void run_moments(const dmx_step *step, const dmx_frame *f, int64_t task,
                        float *scratch)
{
    (void)scratch;
    const moments_step *m = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const int64_t at = task % m->pieces * DMX_PIECE;
    const int64_t line = task / m->pieces; /* row * groups + group */
    const int64_t channels = p->channels / m->groups;
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]) +
                     line * channels * p->stride + at;
    dmx_moments *out =
        (dmx_moments *)(void *)dmx_write(f, step->out[DMX_SLOT_OUTPUT]);
    out[task] = f->engine->kernels->moments(x, channels, p->stride,
                                            dmx_min(DMX_PIECE, p->cols - at));
}

dmx_status dmx_step_moments(dmx_buf *out, struct dmx_engine *e,
                            const char *path, dmx_buf x, int64_t groups,
                            dmx_error *err)
{
    const dmx_plane p = e->buffer[x].plane;
    const int64_t count = p.rows * groups * dmx_pieces(&p);
    moments_step *m = dmx_program_parameters(e, sizeof *m, err);
    if (m == NULL)
        return DMX_ERROR_MEMORY;
    *m = (moments_step){groups, dmx_pieces(&p)};
    DMX_FORWARD(dmx_program_doubles(out, e, 3 * count, err));
    const dmx_step step = {
        .kind = "moments",
        .path = path,
        .run = run_moments,
        .parameters = m,
        .in = {[DMX_SLOT_INPUT] = x},
        .out = {[DMX_SLOT_OUTPUT] = *out},
        .tasks = count,
        .row_tasks = count / p.rows,
        .local = DMX_SLOT_BIT(DMX_SLOT_INPUT),
    };
    return dmx_program_add(e, &step, err);
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
