/* Convolutions over frequency rows whose kernel is twice their stride, which
 * are filters of two taps: rows for a transposed convolution, groups of `step`
 * rows for a strided one. Three outputs share four products (F(3, 2), see
 * two_tap_body.h). */
#include "engine/steps/epilogue.h"
#include "engine/steps/product.h"

#define LEAST_CHANNELS 32 /* from here on it is faster */
#define LEAST_ROWS     6
#define LEAST_TASKS    16 /* for each thread */
#define POINTS         4
#define OUTPUTS        3

typedef struct two_tap_step {
    dmx_epilogue epilogue;
    dmx_matrix matrix;     /* of each point, one after another */
    int64_t blocks;        /* of one point */
    int64_t step, padding; /* rows of a group, and before the first one */
    int64_t phases, start; /* output rows per position; dropped ones */
    int64_t tiles, parts;  /* panels of a unit; tasks of a panel */
} two_tap_step;

/* Group `index` of rows: its row r, or zeros. */
static dmx_lines line_of(const two_tap_step *g, const dmx_step *step,
                         const dmx_frame *f, int64_t index, int64_t r,
                         int64_t t, const float *zeros)
{
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const int64_t row = index * g->step - g->padding + r;
    if (row < 0 || row >= in->rows)
        return (dmx_lines){zeros, 0};
    return (dmx_lines){dmx_read(f, step->in[DMX_SLOT_INPUT]) +
                           row * in->channels * in->stride + t,
                       in->stride};
}

/* The panel at column t as [POINTS][step * channels][nr] into v; zeros: nr. */
static void transform_panel(const two_tap_step *g, const dmx_step *step,
                            const dmx_frame *f, int64_t unit, int64_t t,
                            float *v, float *zeros)
{
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *in = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    for (int64_t j = 0; j < k->nr; j++)
        zeros[j] = 0.0f;
    for (int64_t r = 0; r < g->step; r++) {
        dmx_lines row[POINTS];
        for (int i = 0; i < POINTS; i++)
            row[i] = line_of(g, step, f, unit * OUTPUTS + i, r, t, zeros);
        k->two_tap_in(row, in->channels, dmx_min(k->nr, in->cols - t),
                      v + r * in->channels * k->nr, g->matrix.k * k->nr);
    }
}

static void run_two_tap(const dmx_step *step, const dmx_frame *f, int64_t task,
                        float *scratch)
{
    const two_tap_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t part = task % g->parts, panel = task / g->parts;
    const int64_t unit = panel / g->tiles, t = panel % g->tiles * k->nr;
    const int64_t narrow = dmx_matrix_narrow_floats(&g->matrix, f->engine);
    float *v = scratch, *m = v + POINTS * g->matrix.k * k->nr;
    transform_panel(g, step, f, unit, t, v, m);
    if (narrow > 0) {
        dmx_matrix_narrow_points(&g->matrix, POINTS, f->engine, v, m);
        v = m;
        m += POINTS * narrow;
    }
    for (int64_t j = g->blocks * part / g->parts;
         j < g->blocks * (part + 1) / g->parts; j++) {
        const dmx_block *b = &g->matrix.block[j];
        dmx_finish d[OUTPUTS] = {{0}};
        for (int i = 0; i < OUTPUTS; i++) {
            const int64_t row =
                (unit * OUTPUTS + i) * g->phases + b->phase - g->start;
            if (!dmx_epilogue_keeps(&g->epilogue, row))
                continue;
            d[i] =
                dmx_epilogue_at(&g->epilogue, step, f, &g->matrix, b, 0, row);
            dmx_epilogue_prefetch(&d[i], t, k->nr);
        }
        dmx_matrix_multiply_points(&g->matrix, POINTS, j, f->engine, v, m);
        k->two_tap_out(m, b->rows * k->nr);
        for (int i = 0; i < OUTPUTS; i++) {
            if (d[i].out == NULL)
                continue;
            dmx_epilogue_move(&d[i], t, dmx_min(k->nr, out->cols - t));
            k->finish(&d[i], m + i * b->rows * k->nr);
        }
    }
}

/* ---- planning ----------------------------------------------------------- */

bool dmx_two_tap_fits(const struct dmx_engine *e, const dmx_product *p)
{
    const dmx_plane *in = &e->buffer[p->in].plane;
    const dmx_plane *out = &e->buffer[p->out].plane;
    const dmx_window *w = &p->window;
    return w->kernel[0] == 2 * w->step[0] && w->dilation[0] == 1 &&
           w->kernel[1] == 1 && w->step[1] == 1 && w->padding[1] == 0 &&
           p->dense.phases[1] == 1 && p->start[1] == 0 &&
           in->cols == out->cols && dmx_product_rows(e, p) >= LEAST_ROWS &&
           in->channels >= LEAST_CHANNELS && !p->normed &&
           p->gain == DMX_NO_BUFFER && p->n_sibling == 0 && p->matrix == NULL &&
           dmx_derives_weights(e);
}

/* [POINTS][lines][k] out of [lines][2 k], whose first half is the first tap. */
static void transform_weights(float *out, const float *w, int64_t lines,
                              int64_t k)
{
    for (int64_t i = 0; i < lines; i++, out += k, w += 2 * k)
        for (int64_t c = 0; c < k; c++) {
            const double g0 = (double)w[c], g1 = (double)w[k + c];
            const double u[POINTS] = {g0, (g0 + g1) / 2, (g0 - g1) / 2, g1};
            for (int q = 0; q < POINTS; q++)
                out[q * lines * k + c] = (float)u[q];
        }
}

dmx_status dmx_step_two_tap(struct dmx_engine *e, const dmx_product *p,
                            dmx_error *err)
{
    const dmx_plane out = e->buffer[p->out].plane;
    const int64_t nr = e->kernels->nr;
    two_tap_step *g = dmx_program_parameters(e, sizeof *g, err);
    if (g == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(dmx_matrix_pack_points(&g->matrix, e, &p->dense, POINTS,
                                       p->dense.k / 2, transform_weights, err));
    DMX_FORWARD(dmx_epilogue_fill(&g->epilogue, e, p, err));
    g->blocks = g->matrix.n_block / POINTS;
    g->step = p->window.step[0];
    g->padding = p->window.padding[0];
    g->phases = p->dense.phases[0];
    g->start = p->start[0];
    g->tiles = (out.cols + nr - 1) / nr;
    const int64_t unit = OUTPUTS * g->phases;
    const int64_t panels =
        (g->start + g->epilogue.rows + unit - 1) / unit * g->tiles;
    g->parts =
        dmx_min(g->blocks, (LEAST_TASKS * e->threads + panels - 1) / panels);
    dmx_step step = {
        .kind = "two taps",
        .path = p->path,
        .run = run_two_tap,
        .parameters = g,
        .in = {[DMX_SLOT_INPUT] = p->in, [DMX_SLOT_ADDED] = p->add},
        .out = {[DMX_SLOT_OUTPUT] = p->out},
        .tasks = panels * g->parts,
        .scratch = POINTS * ((g->matrix.k + g->matrix.most_rows) * nr +
                             dmx_matrix_narrow_floats(&g->matrix, e)) +
                   64,
        .flops = p->flops,
    };
    dmx_epilogue_outputs(&step, &g->epilogue);
    return dmx_program_add(e, &step, err);
}
