/* Convolutions, transposed convolutions and linear maps: cut a panel of
 * columns out of the input, multiply, finish. */
#include "engine/steps.h"

#include <string.h>

#define PANEL_FLOATS   (96 * 1024) /* of a group: leave room in 1 MiB for A */
#define MOST_PANELS    8
#define MOST_TAPS_ROWS 64

typedef struct gemm_step {
    dmx_matrix matrix;
    dmx_window window;
    int64_t phases[2], start[2];
    int64_t rows, cols; /* positions, of which each makes phases outputs */
    int64_t tiles, group, row_tasks;
    dmx_taps taps; /* taps > 0: through gemm_taps */
    bool normed;
    double epsilon;
    const float *norm_gain, *norm_offset; /* or NULL: folded */
    dmx_activation activation;
    const float *scale, *offset;
    float add_gain;
} gemm_step;

/* Where the parts of a thread's scratch memory lie. */
typedef struct gemm_scratch {
    float *panel, *c, *weave, *wide;
} gemm_scratch;

static int64_t panel_floats(const gemm_step *g, int64_t nr)
{
    return g->taps.taps > 0 ? g->taps.channels * g->taps.width
                            : g->matrix.k * nr;
}

static int64_t scratch_floats(const gemm_step *g, int64_t nr)
{
    return g->group * panel_floats(g, nr) + g->matrix.most_rows * nr +
           g->phases[1] * nr +
           (g->matrix.half != NULL ? g->matrix.most_rows * g->matrix.k : 0) +
           64;
}

static gemm_scratch divide_scratch(const gemm_step *g, int64_t nr, float *s)
{
    gemm_scratch parts = {.panel = s};
    parts.c = s + g->group * panel_floats(g, nr);
    parts.weave = parts.c + g->matrix.most_rows * nr;
    parts.wide = parts.weave + dmx_round_up(g->phases[1] * nr, 16);
    return parts;
}

static void pack_panel(const gemm_step *g, const dmx_step *step,
                       const dmx_frame *f, int64_t index, float *panel)
{
    const dmx_kernels *k = f->engine->kernels;
    const int64_t row = index / g->tiles, t = index % g->tiles * k->nr;
    const int64_t n = dmx_min(k->nr, g->cols - t);
    dmx_window w = g->window;
    w.x = dmx_at(f, step->in[0]);
    if (g->normed) {
        k->pack_normed(w.x + row * w.channels * w.stride + t, w.channels,
                       w.stride, n, g->epsilon, panel);
        for (int64_t c = 0; g->norm_gain != NULL && c < w.channels; c++)
            k->affine(panel + c * k->nr, panel + c * k->nr, g->norm_gain[c],
                      g->norm_offset[c], k->nr);
    } else if (g->taps.taps > 0)
        k->pack_taps(&w, &g->taps, row, t, n, panel);
    else
        k->pack_window(&w, row, t, n, panel);
}

/* The destination of block b at panel `index`; false when it is cropped. */
static bool aim(dmx_finish *d, const gemm_step *g, const dmx_step *step,
                const dmx_frame *f, const dmx_block *b, int64_t index)
{
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    const int64_t row =
        index / g->tiles * g->phases[0] + b->phase - g->start[0];
    if (row < 0 || row >= out->rows)
        return false;
    const int64_t line = row * out->channels + b->channel;
    *d = (dmx_finish){
        .activation = g->activation,
        .channels = b->channels,
        .gate = b->gate,
        .gate_bias = b->gate,
        .bias = g->matrix.bias + b->row0,
        .out = dmx_at(f, step->out[0]) + line * out->stride,
        .out_stride = out->stride,
        .add_gain = g->add_gain,
        .add_stride = out->stride,
    };
    if (g->scale != NULL)
        d->scale = g->scale + b->channel;
    if (g->offset != NULL)
        d->offset = g->offset + line;
    if (step->in[1] >= 0)
        d->add = dmx_at(f, step->in[1]) + line * out->stride;
    if (step->in[2] >= 0) {
        const float *affine = dmx_at(f, step->in[2]) + row * 2 * g->matrix.rows;
        d->gain = affine + b->row0;
        d->bias = affine + g->matrix.rows + b->row0;
    }
    return true;
}

static void finish_panel(const gemm_step *g, const dmx_step *step,
                         const dmx_frame *f, const dmx_block *b, int64_t index,
                         const gemm_scratch *s)
{
    const dmx_kernels *k = f->engine->kernels;
    const int64_t t = index % g->tiles * k->nr;
    const int64_t n = dmx_min(k->nr, g->cols - t);
    dmx_interleave w = {.phases = g->phases[1], .buffer = s->weave};
    if (!aim(&w.finish, g, step, f, b, index))
        return;
    if (w.phases == 1) {
        w.finish.n = n;
        w.finish.out += t;
        if (w.finish.add != NULL)
            w.finish.add += t;
        k->finish(&w.finish, s->c);
        return;
    }
    const int64_t at = t * w.phases - g->start[1];
    const int64_t cols = dmx_plane_of(f, step->out[0])->cols;
    w.from = dmx_max(0, -at);
    w.to = dmx_min(n * w.phases, cols - at);
    if (w.to <= w.from)
        return;
    w.finish.out += at + w.from;
    if (w.finish.add != NULL)
        w.finish.add += at + w.from;
    k->interleave(&w, s->c);
}

static void run_gemm(const dmx_step *step, const dmx_frame *f, int64_t task,
                     float *scratch)
{
    const gemm_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_matrix *m = &g->matrix;
    const gemm_scratch s = divide_scratch(g, k->nr, scratch);
    const int64_t row = task / g->row_tasks;
    const int64_t tile = task % g->row_tasks * g->group;
    const int64_t first = row * g->tiles + tile;
    const int64_t count = dmx_min(g->group, g->tiles - tile);
    const int64_t size = panel_floats(g, k->nr);
    for (int64_t i = 0; i < count; i++)
        pack_panel(g, step, f, first + i, s.panel + i * size);
    for (int64_t j = 0; j < m->n_block; j++) {
        const dmx_block *b = &m->block[j];
        const float *a = dmx_matrix_block(m, b, k, s.wide);
        for (int64_t i = 0; i < count; i++) {
            const float *panel = s.panel + i * size;
            if (g->taps.taps > 0)
                k->gemm_taps(&g->taps, m->tile, b->rows, a, panel, s.c);
            else
                k->gemm(b->rows, m->k, a, panel, s.c);
            finish_panel(g, step, f, b, first + i, &s);
        }
    }
}

/* Panels of one task, all of one row: no more than the cache holds, so that
 * the thread with most to do has least; many rather than few, so that weights
 * are read less often. */
static void choose_group(gemm_step *g, int64_t nr, int64_t threads)
{
    int64_t most = dmx_min(PANEL_FLOATS / panel_floats(g, nr), MOST_PANELS);
    int64_t least_work = INT64_MAX;
    most = dmx_max(dmx_min(most, g->tiles), 1);
    for (int64_t group = 1; group <= most; group++) {
        const int64_t row_tasks = (g->tiles + group - 1) / group;
        const int64_t tasks = g->rows * row_tasks;
        const int64_t work = (tasks + threads - 1) / threads * group;
        if (work > least_work)
            continue;
        least_work = work;
        g->group = group;
        g->row_tasks = row_tasks;
    }
}

/* A convolution over time with few outputs: packing every tap would cost as
 * much as the product. */
static void choose_taps(gemm_step *g, const dmx_kernels *k)
{
    const dmx_window *w = &g->window;
    if (g->matrix.rows > MOST_TAPS_ROWS || w->kernel[0] != 1 ||
        w->step[0] != 1 || w->step[1] != 1 || w->padding[0] != 0 || g->normed)
        return;
    const int64_t reach = (w->kernel[1] - 1) * w->dilation[1];
    if (reach > 4 * k->nr)
        return;
    g->taps = (dmx_taps){w->channels, w->kernel[1], w->dilation[1],
                         dmx_round_up(k->nr + reach, 16)};
}

/* Positions along an axis that make all wanted outputs. */
static int64_t positions(int64_t outputs, int64_t phases, int64_t start)
{
    return (start + outputs + phases - 1) / phases;
}

static bool fill_gemm(gemm_step *g, struct dmx_engine *e, const dmx_product *p)
{
    const dmx_plane *in = &e->buffer[p->in].plane;
    const dmx_plane *out = &e->buffer[p->out].plane;
    g->window = p->window;
    g->window.rows = in->rows;
    g->window.channels = in->channels;
    g->window.cols = in->cols;
    g->window.stride = in->stride;
    for (int i = 0; i < 2; i++) {
        g->phases[i] = p->dense.phases[i];
        g->start[i] = p->start[i];
    }
    g->rows = positions(out->rows, g->phases[0], g->start[0]);
    g->cols = positions(out->cols, g->phases[1], g->start[1]);
    g->normed = p->normed;
    g->epsilon = p->epsilon;
    g->activation = p->activation;
    g->add_gain = p->add_gain;
    g->offset = p->offset;
    if (!dmx_engine_keep(e, &g->scale, p->scale, out->channels) ||
        !dmx_engine_keep(e, &g->norm_gain, p->norm_gain, in->channels) ||
        !dmx_engine_keep(e, &g->norm_offset, p->norm_offset, in->channels))
        return false;
    if (p->matrix != NULL)
        g->matrix = *p->matrix;
    else if (!dmx_matrix_pack(&g->matrix, e, &p->dense))
        return false;
    g->tiles = (g->cols + e->kernels->nr - 1) / e->kernels->nr;
    choose_taps(g, e->kernels);
    if (g->taps.taps == 0 && g->matrix.tile != e->kernels->mr)
        return false; /* the caller chose a narrow tile without need */
    choose_group(g, e->kernels->nr, e->threads);
    return true;
}

bool dmx_step_product(struct dmx_engine *e, const dmx_product *p)
{
    gemm_step *g = dmx_engine_parameters(e, sizeof *g);
    dmx_step *step = dmx_engine_step(e, p->kind, p->path);
    if (g == NULL || step == NULL || !fill_gemm(g, e, p))
        return false;
    step->run = run_gemm;
    step->parameters = g;
    step->in[0] = p->in;
    step->in[1] = p->add;
    step->in[2] = p->gain;
    step->out[0] = p->out;
    step->tasks = g->rows * g->row_tasks;
    if (g->phases[0] == 1 && g->start[0] == 0) {
        step->row_tasks = g->row_tasks;
        step->local = 6; /* add and gain */
        if (g->window.kernel[0] == 1 && g->window.step[0] == 1 &&
            g->window.padding[0] == 0)
            step->local |= 1;
    }
    step->scratch = scratch_floats(g, e->kernels->nr);
    step->flops = p->flops;
    return true;
}
