/* Convolutions, transposed convolutions and linear maps: gather a panel of
 * columns from the input, multiply, apply the epilogue. */
#include "engine/steps/epilogue.h"
#include "engine/steps/panel.h"
#include "engine/steps/product.h"

#include <string.h>

#define PANEL_FLOATS   (96 * 1024) /* per group: leaves room in 1 MiB for A */
#define MOST_COLS      384         /* of a task */
#define MOST_PANELS    64
#define MOST_TAPS_ROWS 64
#define FEW_CHANNELS   192 /* columns stay in the first-level cache */

typedef struct gemm_step {
    dmx_matrix matrix[DMX_STEP_OUT]; /* one for each output */
    int outputs;
    int64_t most_rows; /* of a block */
    int64_t most_room; /* to widen a block */
    int64_t narrow;    /* floats of a panel of integers, or 0 */
    dmx_panel_source source;
    int64_t phases[2], start[2];
    int64_t rows, cols; /* positions, of which each makes phases outputs */
    int64_t tiles, group, row_tasks;
    dmx_epilogue epilogue;
    dmx_head_order order[DMX_STEP_OUT]; /* of each output */
    const dmx_heads *heads[DMX_STEP_OUT];
} gemm_step;

/* Where the parts of a thread's scratch memory lie. */
typedef struct gemm_scratch {
    float *room, *c, *wide;
    dmx_panel panel[MOST_PANELS];
    float *narrow; /* panels of integers */
} gemm_scratch;

/* A block of one of the matrices, and the panel that it multiplies. */
typedef struct meeting {
    const dmx_step *step;
    const dmx_frame *frame;
    const dmx_block *block;
    int output;
    int64_t index;
} meeting;

/* How many float32 panels exist at a time: those that are converted to integers
 * share one buffer. */
static int64_t panels_kept(const gemm_step *g)
{
    return g->narrow > 0 ? 1 : g->group;
}

static int64_t scratch_floats(const gemm_step *g, int64_t nr)
{
    return panels_kept(g) * dmx_panel_floats(&g->source, nr) +
           g->group * g->narrow + g->most_rows * nr + g->most_room + 64;
}

static gemm_scratch divide_scratch(const gemm_step *g, int64_t nr, float *s)
{
    gemm_scratch parts = {.room = s};
    parts.narrow = s + panels_kept(g) * dmx_panel_floats(&g->source, nr);
    parts.c = parts.narrow + g->group * g->narrow;
    parts.wide = parts.c + g->most_rows * nr;
    return parts;
}

static dmx_panel cut_panel(const gemm_step *g, const dmx_step *step,
                           const dmx_frame *f, int64_t index, float *room)
{
    const dmx_kernels *k = f->engine->kernels;
    const int64_t t = index % g->tiles * k->nr;
    return dmx_panel_cut(&g->source, k, dmx_read(f, step->in[DMX_SLOT_INPUT]),
                         index / g->tiles, t, dmx_min(k->nr, g->cols - t),
                         room);
}

/* The same as integers, number i of the task. */
static dmx_panel narrow_panel(const gemm_step *g, const dmx_step *step,
                              const dmx_frame *f, int64_t index, int64_t i,
                              const gemm_scratch *s)
{
    float *to = s->narrow + i * g->narrow;
    const dmx_panel wide = cut_panel(g, step, f, index, s->room);
    dmx_matrix_narrow(&g->matrix[0], f->engine, wide.data, to);
    return (dmx_panel){to, wide.width};
}

/* The output row that a block computes at a panel; false when it is cropped. */
static bool row_of(int64_t *row, const gemm_step *g, const meeting *at)
{
    *row = at->index / g->tiles * g->phases[0] + at->block->phase - g->start[0];
    return dmx_epilogue_keeps(&g->epilogue, *row);
}

static dmx_finish finish_at(const gemm_step *g, const meeting *at, int64_t row)
{
    return dmx_epilogue_at(&g->epilogue, at->step, at->frame,
                           &g->matrix[at->output], at->block, at->output, row);
}

/* Bias, and then the order of heads. */
static void store_heads(const gemm_step *g, const meeting *m, dmx_finish d,
                        int64_t t, int64_t n, const gemm_scratch *s)
{
    const dmx_kernels *k = m->frame->engine->kernels;
    d.out = s->c;
    d.out_stride = d.n = k->nr;
    k->finish(&d, s->c);
    dmx_heads_store(dmx_write(m->frame, m->step->out[m->output]),
                    g->heads[m->output], k, g->order[m->output], s->c,
                    m->block->channel, m->block->channels, t, n);
}

static void finish_panel(const gemm_step *g, const meeting *m, dmx_finish d,
                         const gemm_scratch *s)
{
    const dmx_kernels *k = m->frame->engine->kernels;
    const int64_t t = m->index % g->tiles * k->nr;
    const int64_t n = dmx_min(k->nr, g->cols - t);
    if (g->order[m->output] != DMX_HEADS_NONE) {
        store_heads(g, m, d, t, n, s);
        return;
    }
    if (g->phases[1] == 1) {
        dmx_epilogue_move(&d, t, n);
        k->finish(&d, s->c);
        return;
    }
    dmx_interleave w = {d, g->phases[1], 0, 0};
    const int64_t at = t * w.phases - g->start[1];
    const int64_t cols =
        dmx_plane_of(m->frame, m->step->out[DMX_SLOT_OUTPUT])->cols;
    w.from = dmx_max(0, -at);
    w.to = dmx_min(n * w.phases, cols - at);
    if (w.to <= w.from)
        return;
    dmx_epilogue_move(&w.finish, at + w.from, n);
    k->interleave(&w, s->c);
}

static void prefetch_columns(const gemm_step *g, const dmx_step *step,
                             const dmx_frame *f, int64_t index)
{
    const dmx_kernels *k = f->engine->kernels;
    dmx_panel_prefetch(&g->source, k, dmx_read(f, step->in[DMX_SLOT_INPUT]),
                       index / g->tiles, index % g->tiles * k->nr);
}

/* One matrix with `count` panels from `first` on. */
static void multiply(const gemm_step *g, const meeting *first, int64_t count,
                     const gemm_scratch *s)
{
    const dmx_kernels *k = first->frame->engine->kernels;
    const dmx_matrix *m = &g->matrix[first->output];
    dmx_taps taps = g->source.taps;
    for (int64_t j = 0; j < m->n_block; j++) {
        meeting at = *first;
        at.block = &m->block[j];
        int64_t row;
        if (!row_of(&row, g, &at)) /* the same for all panels of a task */
            continue;
        const dmx_finish d = finish_at(g, &at, row);
        const float *a = dmx_matrix_block(m, at.block, k, s->wide);
        for (int64_t i = 0; i < count; i++, at.index++) {
            const dmx_panel *panel = &s->panel[i];
            taps.width = panel->width;
            if (g->phases[1] == 1 && g->order[at.output] == DMX_HEADS_NONE)
                dmx_epilogue_prefetch(&d, at.index % g->tiles * k->nr, k->nr);
            if (taps.taps > 0 && j == 0 && i + 1 < count)
                prefetch_columns(g, first->step, first->frame, at.index + 1);
            if (taps.taps > 0)
                k->gemm_taps(&taps, m->tile, at.block->rows, a, panel->data,
                             s->c);
            else
                dmx_matrix_multiply(m, at.block, first->frame->engine, a,
                                    panel->data, s->c, false);
            finish_panel(g, &at, d, s);
        }
    }
}

static void run_gemm(const dmx_step *step, const dmx_frame *f, int64_t task,
                     float *scratch)
{
    const gemm_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    gemm_scratch s = divide_scratch(g, k->nr, scratch);
    const int64_t row = task / g->row_tasks;
    const int64_t tile = task % g->row_tasks * g->group;
    const int64_t first = row * g->tiles + tile;
    const int64_t count = dmx_min(g->group, g->tiles - tile);
    const int64_t size = dmx_panel_floats(&g->source, k->nr);
    for (int64_t i = 0; i < count; i++)
        if (g->narrow > 0)
            s.panel[i] = narrow_panel(g, step, f, first + i, i, &s);
        else
            s.panel[i] = cut_panel(g, step, f, first + i, s.room + i * size);
    for (int p = 0; p < g->outputs; p++)
        multiply(g, &(meeting){step, f, NULL, p, first}, count, &s);
}

static void choose_group(gemm_step *g, int64_t nr, int64_t threads)
{
    const int64_t size =
        g->narrow > 0 ? g->narrow : dmx_panel_floats(&g->source, nr);
    const int64_t most = dmx_min(dmx_panels_of(MOST_COLS, nr), MOST_PANELS);
    g->group = dmx_panel_group(g->rows, g->tiles,
                               dmx_min(PANEL_FLOATS / size, most), threads);
    g->row_tasks = (g->tiles + g->group - 1) / g->group;
}

/* A convolution over time with few outputs, or of few channels: packing every
 * tap would cost more than reading the signal in place, unless a panel is less
 * than a cache line, which other panels would read again. */
static void choose_taps(gemm_step *g, const dmx_kernels *k)
{
    const dmx_window *w = &g->source.window;
    const bool small = w->channels <= FEW_CHANNELS && 2 * k->nr > DMX_LINE;
    if ((g->matrix[0].rows > MOST_TAPS_ROWS && !small) || w->kernel[0] != 1 ||
        w->step[0] != 1 || w->step[1] != 1 || w->padding[0] != 0 ||
        g->source.normed || g->outputs > 1 || g->narrow > 0)
        return;
    const int64_t reach = (w->kernel[1] - 1) * w->dilation[1];
    if (reach > 4 * k->nr)
        return;
    g->source.taps = (dmx_taps){w->channels, w->kernel[1], w->dilation[1],
                                dmx_round_up(k->nr + reach, 16)};
}

/* The number of positions along an axis that yield all wanted outputs. */
static int64_t positions(int64_t outputs, int64_t phases, int64_t start)
{
    return (start + outputs + phases - 1) / phases;
}

dmx_status dmx_product_source(dmx_panel_source *s, struct dmx_engine *e,
                              const dmx_product *p, dmx_error *err)
{
    const dmx_plane *in = &e->buffer[p->in].plane;
    *s = (dmx_panel_source){
        .window = p->window, .normed = p->normed, .epsilon = p->epsilon};
    s->window.rows = in->rows;
    s->window.channels = in->channels;
    s->window.cols = in->cols;
    s->window.stride = in->stride;
    DMX_FORWARD(
        dmx_program_copy(&s->norm_gain, e, p->norm_gain, in->channels, err));
    return dmx_program_copy(&s->norm_offset, e, p->norm_offset, in->channels,
                            err);
}

static dmx_status pack_matrices(gemm_step *g, struct dmx_engine *e,
                                const dmx_product *p, dmx_error *err)
{
    g->outputs = 1 + p->n_sibling;
    if (p->matrix != NULL)
        g->matrix[0] = *p->matrix;
    else
        DMX_FORWARD(dmx_matrix_pack(&g->matrix[0], e, &p->dense, err));
    for (int i = 0; i < p->n_sibling; i++)
        DMX_FORWARD(
            dmx_matrix_pack(&g->matrix[1 + i], e, &p->sibling[i].dense, err));
    for (int i = 0; i < g->outputs; i++) {
        g->most_rows = dmx_max(g->most_rows, g->matrix[i].most_rows);
        g->most_room = dmx_max(g->most_room, dmx_matrix_room(&g->matrix[i]));
    }
    g->narrow = dmx_matrix_narrow_floats(&g->matrix[0], e);
    return DMX_OK;
}

static dmx_status fill_gemm(gemm_step *g, struct dmx_engine *e,
                            const dmx_product *p, dmx_error *err)
{
    const dmx_plane *out = &e->buffer[p->out].plane;
    for (int i = 0; i < 2; i++) {
        g->phases[i] = p->dense.phases[i];
        g->start[i] = p->start[i];
    }
    g->rows = positions(dmx_product_rows(e, p), g->phases[0], g->start[0]);
    g->cols = positions(out->cols, g->phases[1], g->start[1]);
    DMX_FORWARD(dmx_epilogue_fill(&g->epilogue, e, p, err));
    DMX_FORWARD(dmx_product_source(&g->source, e, p, err));
    DMX_FORWARD(pack_matrices(g, e, p, err));
    g->tiles = (g->cols + e->kernels->nr - 1) / e->kernels->nr;
    choose_taps(g, e->kernels);
    DMX_RETURN_IF(g->source.taps.taps == 0 &&
                      g->matrix[0].tile != e->kernels->mr,
                  err, DMX_ERROR_UNSUPPORTED,
                  "a narrow tile for a convolution that is not over time");
    choose_group(g, e->kernels->nr, e->threads);
    return DMX_OK;
}

/* Inputs of which a task reads only its own row. */
static unsigned local_slots(const gemm_step *g)
{
    const dmx_window *w = &g->source.window;
    const unsigned after =
        DMX_SLOT_BIT(DMX_SLOT_ADDED) | DMX_SLOT_BIT(DMX_SLOT_GAINS);
    if (w->kernel[0] != 1 || w->step[0] != 1 || w->padding[0] != 0)
        return after;
    return after | DMX_SLOT_BIT(DMX_SLOT_INPUT);
}

dmx_status dmx_step_product(struct dmx_engine *e, const dmx_product *p,
                            dmx_error *err)
{
    gemm_step *g = dmx_program_parameters(e, sizeof *g, err);
    if (g == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(fill_gemm(g, e, p, err));
    dmx_step step = {
        .kind = p->kind,
        .path = p->path,
        .run = run_gemm,
        .parameters = g,
        .in = {[DMX_SLOT_INPUT] = p->in,
               [DMX_SLOT_ADDED] = p->add,
               [DMX_SLOT_GAINS] = p->gain},
        .out = {[DMX_SLOT_OUTPUT] = p->out},
        .tasks = g->rows * g->row_tasks,
        .scratch = scratch_floats(g, e->kernels->nr),
        .flops = p->flops,
    };
    for (int i = 0; i < p->n_sibling; i++)
        step.out[DMX_SLOT_OUTPUT + 1 + i] = p->sibling[i].out;
    dmx_epilogue_outputs(&step, &g->epilogue);
    if (g->phases[0] == 1 && g->start[0] == 0 && p->n_band == 0) {
        step.row_tasks = g->row_tasks;
        step.local = local_slots(g);
    }
    return dmx_program_add(e, &step, err);
}

static bool plain(const gemm_step *g, const dmx_step *step, int output,
                  int64_t mr)
{
    const dmx_epilogue *p = &g->epilogue;
    return g->matrix[output].tile == mr && g->rows == 1 && g->phases[0] == 1 &&
           g->phases[1] == 1 && g->start[0] == 0 && g->start[1] == 0 &&
           p->activation == DMX_ACT_NONE && p->scale == NULL &&
           p->offset == NULL && step->in[DMX_SLOT_ADDED] == DMX_NO_BUFFER &&
           step->in[DMX_SLOT_GAINS] == DMX_NO_BUFFER;
}

bool dmx_product_pack(struct dmx_engine *e, dmx_buf buf, const dmx_heads *h,
                      dmx_head_order order)
{
    for (size_t i = e->n_step; i-- > 0;)
        for (int p = 0; p < DMX_STEP_OUT; p++) {
            const dmx_step *step = &e->step[i];
            if (step->out[p] != buf)
                continue;
            gemm_step *g = step->parameters;
            if (step->run != run_gemm || !plain(g, step, p, e->kernels->mr) ||
                !dmx_heads_fit(h, e->kernels))
                return false;
            g->order[p] = order;
            g->heads[p] = h;
            e->buffer[buf].floats = h->heads * dmx_head_floats(h);
            return true;
        }
    return false;
}
