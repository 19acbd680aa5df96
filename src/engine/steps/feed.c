/* Two linear maps, one after the other, as in the feed-forward block of a
 * transformer. A few panels of tokens go through both: a block of hidden
 * channels is computed, activated and consumed before the next one, so that it
 * stays in the second-level cache, already in the layout that the second
 * product needs. The sums are the same, in the same order, as those of two
 * separate products. */
#include "engine/steps/epilogue.h"
#include "engine/steps/panel.h"
#include "engine/steps/product.h"

/* Blocks of the first matrix in a stretch; columns of a task; floats of the
 * columns and sums of a task: all of it, and the weights of a stretch, share a
 * cache of 1 MiB. */
#define STRETCH        2
#define STRETCH_NARROW 4  /* for products of integers, half the size */
#define MOST_COLS      96 /* of a task */
#define MOST_FLOATS    (128 * 1024)

typedef struct feed_step {
    dmx_panel_source source;
    dmx_activation activation;
    int64_t stretch; /* blocks of the first matrix */
    dmx_matrix first;
    dmx_matrix *second;        /* of each stretch */
    int64_t stretches, hidden; /* hidden: most channels of a stretch */
    int64_t sums;              /* rows of the second matrices */
    int64_t most_rows, most_wide;
    int64_t narrow, narrow_hidden; /* floats of panels of integers, or 0 */
    int64_t cols, tiles, group;
    dmx_epilogue epilogue;
} feed_step;

typedef struct feed_scratch {
    float *panel, *hidden, *sum, *c, *wide;
    float *narrow, *narrow_hidden;
} feed_scratch;

static int64_t hidden_floats(const feed_step *g, int64_t nr)
{
    return g->hidden * nr;
}

static int64_t scratch_floats(const feed_step *g, int64_t nr)
{
    return g->group * (dmx_panel_floats(&g->source, nr) + hidden_floats(g, nr) +
                       g->sums * nr + g->narrow + g->narrow_hidden) +
           g->most_rows * nr + g->most_wide + 64;
}

static feed_scratch divide_scratch(const feed_step *g, int64_t nr, float *s)
{
    feed_scratch parts = {.panel = s};
    parts.hidden = s + g->group * dmx_panel_floats(&g->source, nr);
    parts.sum = parts.hidden + g->group * hidden_floats(g, nr);
    parts.narrow = parts.sum + g->group * g->sums * nr;
    parts.narrow_hidden = parts.narrow + g->group * g->narrow;
    parts.c = parts.narrow_hidden + g->group * g->narrow_hidden;
    parts.wide = parts.c + g->most_rows * nr;
    return parts;
}

/* Multiplies all panels by block b of the first matrix, whose stretch of hidden
 * channels starts at channel `start`. */
static void compute_hidden(const feed_step *g, const struct dmx_engine *e,
                           const dmx_block *b, int64_t start, int64_t count,
                           const feed_scratch *s)
{
    const dmx_kernels *k = e->kernels;
    const bool narrow = g->narrow > 0;
    const float *panel = narrow ? s->narrow : s->panel;
    const int64_t size =
        narrow ? g->narrow : dmx_panel_floats(&g->source, k->nr);
    const float *a = dmx_matrix_block(&g->first, b, k, s->wide);
    for (int64_t i = 0; i < count; i++) {
        const dmx_finish d = {
            .activation = g->activation,
            .channels = b->channels,
            .n = k->nr,
            .bias = g->first.bias + b->row0,
            .out = s->hidden + i * hidden_floats(g, k->nr) +
                   (b->channel - start) * k->nr,
            .out_stride = k->nr,
        };
        dmx_matrix_multiply(&g->first, b, e, a, panel + i * size, s->c, false);
        k->finish(&d, s->c);
    }
}

static void add_stretch(const feed_step *g, const struct dmx_engine *e,
                        int64_t stretch, int64_t count, const feed_scratch *s)
{
    const dmx_kernels *k = e->kernels;
    const dmx_matrix *m = &g->second[stretch];
    const bool narrow = dmx_matrix_is_narrow(m);
    const float *panel = narrow ? s->narrow_hidden : s->hidden;
    const int64_t size = narrow ? g->narrow_hidden : hidden_floats(g, k->nr);
    for (int64_t i = 0; i < count; i++)
        dmx_matrix_narrow(m, e, s->hidden + i * hidden_floats(g, k->nr),
                          s->narrow_hidden + i * size);
    for (int64_t j = 0; j < m->n_block; j++) {
        const dmx_block *b = &m->block[j];
        const float *a = dmx_matrix_block(m, b, k, s->wide);
        for (int64_t i = 0; i < count; i++)
            dmx_matrix_multiply(m, b, e, a, panel + i * size,
                                s->sum + (i * g->sums + b->row0) * k->nr,
                                stretch > 0);
    }
}

/* Stores the sums of panel i of the task, columns [t, t + n), to the output. */
static void finish_sums(const dmx_step *step, const dmx_frame *f, int64_t i,
                        int64_t t, const feed_scratch *s)
{
    const feed_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_matrix *m = &g->second[0];
    for (int64_t j = 0; j < m->n_block; j++) {
        const dmx_block *b = &m->block[j];
        dmx_finish d = dmx_epilogue_at(&g->epilogue, step, f, m, b, 0, 0);
        dmx_epilogue_move(&d, t, dmx_min(k->nr, g->cols - t));
        k->finish(&d, s->sum + (i * g->sums + b->row0) * k->nr);
    }
}

static void run_feed(const dmx_step *step, const dmx_frame *f, int64_t task,
                     float *scratch)
{
    const feed_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const feed_scratch s = divide_scratch(g, k->nr, scratch);
    const int64_t tile = task * g->group;
    const int64_t count = dmx_min(g->group, g->tiles - tile);
    for (int64_t i = 0; i < count; i++) {
        const int64_t t = (tile + i) * k->nr;
        float *panel = s.panel + i * dmx_panel_floats(&g->source, k->nr);
        dmx_panel_cut(&g->source, k, dmx_read(f, step->in[DMX_SLOT_INPUT]), 0,
                      t, dmx_min(k->nr, g->cols - t), panel);
        dmx_matrix_narrow(&g->first, f->engine, panel,
                          s.narrow + i * g->narrow);
    }
    for (int64_t j = 0; j < g->stretches; j++) {
        const int64_t start = g->first.block[j * g->stretch].channel;
        const int64_t end = dmx_min((j + 1) * g->stretch, g->first.n_block);
        for (int64_t b = j * g->stretch; b < end; b++)
            compute_hidden(g, f->engine, &g->first.block[b], start, count, &s);
        add_stretch(g, f->engine, j, count, &s);
    }
    for (int64_t i = 0; i < count; i++)
        finish_sums(step, f, i, (tile + i) * k->nr, &s);
}

/* ---- planning ----------------------------------------------------------- */

/* The second matrix, cut into the stretches of the first. */
static dmx_status pack_second(feed_step *g, struct dmx_engine *e,
                              const dmx_product *p, dmx_error *err)
{
    const dmx_matrix *a = &g->first;
    g->stretch = dmx_matrix_is_narrow(a) ? STRETCH_NARROW : STRETCH;
    g->stretches = (a->n_block + g->stretch - 1) / g->stretch;
    g->second = dmx_program_parameters(
        e, (size_t)g->stretches * sizeof *g->second, err);
    if (g->second == NULL)
        return DMX_ERROR_MEMORY;
    for (int64_t j = 0; j < g->stretches; j++) {
        const int64_t start = a->block[j * g->stretch].channel;
        const int64_t next = (j + 1) * g->stretch;
        const int64_t end =
            next < a->n_block ? a->block[next].channel : p->dense.k;
        dmx_matrix *m = &g->second[j];
        DMX_FORWARD(
            dmx_matrix_pack_columns(m, e, &p->dense, start, end - start, err));
        g->hidden = dmx_max(g->hidden, m->k);
        g->sums = m->rows;
        g->most_wide = dmx_max(g->most_wide, dmx_matrix_room(m));
        g->narrow_hidden =
            dmx_max(g->narrow_hidden, dmx_matrix_narrow_floats(m, e));
    }
    return DMX_OK;
}

static dmx_status fill_feed(feed_step *g, struct dmx_engine *e,
                            const dmx_product *first, const dmx_product *second,
                            dmx_error *err)
{
    const int64_t nr = e->kernels->nr;
    g->activation = first->activation;
    DMX_FORWARD(dmx_product_source(&g->source, e, first, err));
    DMX_FORWARD(dmx_matrix_pack(&g->first, e, &first->dense, err));
    DMX_FORWARD(pack_second(g, e, second, err));
    DMX_FORWARD(dmx_epilogue_fill(&g->epilogue, e, second, err));
    g->narrow = dmx_matrix_narrow_floats(&g->first, e);
    g->most_rows = g->first.most_rows;
    g->most_wide = dmx_max(g->most_wide, dmx_matrix_room(&g->first));
    g->cols = e->buffer[second->out].plane.cols;
    g->tiles = (g->cols + nr - 1) / nr;
    const int64_t size = dmx_panel_floats(&g->source, nr) + g->sums * nr;
    g->group = dmx_panel_group(
        1, g->tiles, dmx_min(MOST_FLOATS / size, dmx_panels_of(MOST_COLS, nr)),
        e->threads);
    return DMX_OK;
}

dmx_status dmx_step_feed(struct dmx_engine *e, const dmx_product *first,
                         const dmx_product *second, dmx_error *err)
{
    feed_step *g = dmx_program_parameters(e, sizeof *g, err);
    if (g == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(fill_feed(g, e, first, second, err));
    const dmx_step step = {
        .kind = "linear pair",
        .path = first->path,
        .run = run_feed,
        .parameters = g,
        .in = {[DMX_SLOT_INPUT] = first->in, [DMX_SLOT_ADDED] = second->add},
        .out = {[DMX_SLOT_OUTPUT] = second->out},
        .tasks = (g->tiles + g->group - 1) / g->group,
        .scratch = scratch_floats(g, e->kernels->nr),
        .flops = first->flops + second->flops,
    };
    return dmx_program_add(e, &step, err);
}
