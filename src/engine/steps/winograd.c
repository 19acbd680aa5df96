/* 3x3 convolutions by Winograd's F(4x4, 3x3), and those of three taps over time
 * by F(4, 3): see winograd_body.h. A panel is nr adjacent tiles in a strip of
 * four rows, or in one row; each of the 36 or 6 tile elements has its own
 * product. Where the transformed weights do not fit the caches, or there are
 * few panels, many panels are transformed first and each block of weights is
 * then applied to all; otherwise one panel at a time goes from input to output.
 */
#include "engine/steps/epilogue.h"
#include "engine/steps/product.h"

#include <string.h>

#define LEAST        32        /* channels from which it is faster */
#define MANY_WEIGHTS (2 << 20) /* floats */

typedef struct winograd_step {
    dmx_matrix matrix; /* of each point, one after another */
    int64_t points;    /* 36, or 6 over time alone */
    int64_t height;    /* of a strip: 4 rows, or 1 */
    int64_t blocks;    /* of one point */
    int64_t panels;    /* of a strip */
    int64_t first;     /* panel of this turn, */
    int64_t count;     /* and how many it has */
    int64_t channels;  /* of the input */
    dmx_epilogue epilogue;
} winograd_step;

static const double G[6][3] = {
    {1.0 / 4, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

/* G g, as 6 matrices [6][lines][channels]. */
static void transform_lines(float *out, const float *weight, int64_t lines,
                            int64_t channels)
{
    for (int64_t i = 0; i < lines * channels; i++)
        for (int q = 0; q < 6; q++) {
            double sum = 0.0;
            for (int kt = 0; kt < 3; kt++)
                sum += G[q][kt] * (double)weight[i * 3 + kt];
            out[q * lines * channels + i] = (float)sum;
        }
}

/* G g G', as 36 matrices [36][lines][channels]. */
static void transform_weights(float *out, const float *weight, int64_t lines,
                              int64_t channels)
{
    for (int64_t line = 0; line < lines; line++)
        for (int64_t c = 0; c < channels; c++) {
            double half[6][3] = {{0}};
            for (int i = 0; i < 6; i++)
                for (int kt = 0; kt < 3; kt++)
                    for (int kf = 0; kf < 3; kf++)
                        half[i][kt] +=
                            G[i][kf] *
                            (double)
                                weight[((line * 3 + kf) * channels + c) * 3 +
                                       kt];
            for (int q = 0; q < 36; q++) {
                double sum = 0.0;
                for (int kt = 0; kt < 3; kt++)
                    sum += half[q / 6][kt] * G[q % 6][kt];
                out[(q * lines + line) * channels + c] = (float)sum;
            }
        }
}

/* `count` rows from `row` on of a channel, columns 4 tile - 1 ..., zero
 * outside. */
static void cut_rows(float *rows, int64_t width, const float *x,
                     const dmx_plane *p, int64_t row, int64_t count,
                     int64_t tile)
{
    const int64_t at = 4 * tile - 1;
    const int64_t from = dmx_max(0, -at), to = dmx_min(width, p->cols - at);
    for (int64_t f = row; f < row + count; f++, rows += width) {
        if (f < 0 || f >= p->rows || to <= from) {
            memset(rows, 0, (size_t)width * sizeof *rows);
            continue;
        }
        for (int64_t j = 0; j < from; j++)
            rows[j] = 0.0f;
        memcpy(rows + from, x + f * p->channels * p->stride + at + from,
               (size_t)(to - from) * sizeof *rows);
        memset(rows + to, 0, (size_t)(width - to) * sizeof *rows);
    }
}

static int64_t strips(const winograd_step *w, int64_t rows)
{
    return (rows + w->height - 1) / w->height;
}

/* Columns of a row that winograd_in reads. */
static int64_t row_width(const dmx_kernels *k)
{
    return 4 * k->nr + k->lanes;
}

/* The address of the rows in place, or NULL if some columns or rows are
 * padding. */
static const float *inner_rows(const dmx_kernels *k, const float *x,
                               const dmx_plane *p, int64_t row, int64_t count,
                               int64_t tile)
{
    const int64_t at = 4 * tile - 1;
    if (row < 0 || row + count > p->rows || at < 0 ||
        at + row_width(k) > p->cols)
        return NULL;
    return x + row * p->channels * p->stride + at;
}

/* Floats of a panel with all points, in the layout of the products. */
static int64_t panel_floats(const winograd_step *w, const struct dmx_engine *e)
{
    const int64_t narrow = dmx_matrix_narrow_floats(&w->matrix, e);
    return w->points * (narrow > 0 ? narrow : w->channels * e->kernels->nr);
}

/* Panel `index` as [points][channels][nr] into v. rows: 6 row_width floats. */
static void transform_panel(const dmx_step *step, const dmx_frame *f,
                            int64_t index, float *v, float *rows)
{
    const winograd_step *w = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]);
    const int64_t strip = index / w->panels, size = w->channels * k->nr;
    const int64_t tile = index % w->panels * k->nr, width = row_width(k);
    const int64_t row = w->height == 1 ? strip : 4 * strip - 1;
    const int64_t count = w->height == 1 ? 1 : 6;
    for (int64_t c = 0; c < w->channels; c++, x += p->stride) {
        const float *from = inner_rows(k, x, p, row, count, tile);
        const int64_t stride = from != NULL ? p->channels * p->stride : width;
        if (from == NULL) {
            cut_rows(rows, width, x, p, row, count, tile);
            from = rows;
        }
        if (w->height == 1)
            k->winograd_line_in(from, v + c * k->nr, size);
        else
            k->winograd_in(from, stride, v + c * k->nr, size);
    }
}

/* Finishes one channel of a panel: rows [height][4 nr] of values and, for GLU,
 * gates. */
static void finish_channel(const dmx_step *step, const dmx_frame *f,
                           const dmx_block *b, int64_t c, int64_t index,
                           const float *rows)
{
    const winograd_step *w = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const int64_t t = index % w->panels * 4 * k->nr;
    dmx_block one = *b;
    one.channel += c;
    one.row0 += c;
    one.channels = 1;
    for (int64_t i = 0; i < w->height; i++) {
        const int64_t row = index / w->panels * w->height + i;
        if (row >= out->rows)
            return;
        dmx_finish d =
            dmx_epilogue_at(&w->epilogue, step, f, &w->matrix, &one, 0, row);
        d.gate = 4 * w->height;
        dmx_epilogue_move(&d, t, dmx_min(4 * k->nr, out->cols - t));
        k->finish(&d, rows + i * 4 * k->nr);
    }
}

/* Transforms row r of all points' products to [height][4 nr] outputs. */
static void combine(const winograd_step *w, const dmx_kernels *k,
                    const float *m, int64_t size, float *rows)
{
    if (w->height == 1)
        k->winograd_line_out(m, size, rows);
    else
        k->winograd_out(m, size, rows, 4 * k->nr);
}

/* Multiplies one block of weights by one transformed panel. m: points * rows *
 * nr floats, then 32 nr for the finished rows. */
static void run_block(const dmx_step *step, const dmx_frame *f, int64_t block,
                      int64_t index, const float *v, float *m)
{
    const winograd_step *w = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const dmx_block *b = &w->matrix.block[block];
    const int64_t size = b->rows * k->nr;
    float *rows = m + w->points * size;
    dmx_matrix_multiply_points(&w->matrix, w->points, block, f->engine, v, m);
    for (int64_t c = 0; c < b->channels; c++) {
        combine(w, k, m + c * k->nr, size, rows);
        if (b->gate > 0)
            combine(w, k, m + (b->gate + c) * k->nr, size,
                    rows + 4 * w->height * k->nr);
        finish_channel(step, f, b, c, index, rows);
    }
}

/* Prepares the panel for the products. room: channels * points * nr floats for
 * an integer matrix, and the rows. */
static void make_panel(const dmx_step *step, const dmx_frame *f, int64_t index,
                       float *panel, float *room)
{
    const winograd_step *w = step->parameters;
    const int64_t size = w->points * w->channels * f->engine->kernels->nr;
    if (!dmx_matrix_is_narrow(&w->matrix)) {
        transform_panel(step, f, index, panel, room);
        return;
    }
    transform_panel(step, f, index, room, room + size);
    dmx_matrix_narrow_points(&w->matrix, w->points, f->engine, room, panel);
}

static void run_at_once(const dmx_step *step, const dmx_frame *f, int64_t task,
                        float *scratch)
{
    const winograd_step *w = step->parameters;
    float *m = scratch + panel_floats(w, f->engine);
    make_panel(step, f, task, scratch, m);
    for (int64_t i = 0; i < w->blocks; i++)
        run_block(step, f, i, task, scratch, m);
}

/* Two steps a turn: its panels, then all blocks. */
static void run_transform(const dmx_step *step, const dmx_frame *f,
                          int64_t task, float *scratch)
{
    const winograd_step *w = step->parameters;
    make_panel(step, f, w->first + task,
               dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                   task * panel_floats(w, f->engine),
               scratch);
}

static void run_blocks(const dmx_step *step, const dmx_frame *f, int64_t task,
                       float *scratch)
{
    const winograd_step *w = step->parameters;
    const int64_t block = task / w->count, index = task % w->count;
    const float *v = dmx_read(f, step->in[DMX_SLOT_EXTRA]) +
                     index * panel_floats(w, f->engine);
    run_block(step, f, block, w->first + index, v, scratch);
}

/* ---- planning ----------------------------------------------------------- */

bool dmx_winograd_fits(const struct dmx_engine *e, const dmx_product *p)
{
    const dmx_plane *in = &e->buffer[p->in].plane;
    const dmx_plane *out = &e->buffer[p->out].plane;
    const dmx_window *w = &p->window;
    for (int i = 0; i < 2; i++) {
        const bool one = i == 0 && w->kernel[0] == 1 && w->padding[0] == 0;
        const bool three = w->kernel[i] == 3 && w->padding[i] == 1;
        if ((!one && !three) || w->step[i] != 1 || w->dilation[i] != 1 ||
            p->dense.phases[i] != 1)
            return false;
    }
    return in->rows == out->rows && in->cols == out->cols &&
           in->channels >= LEAST && out->channels >= LEAST &&
           p->offset == NULL && !p->normed && p->gain == DMX_NO_BUFFER &&
           dmx_derives_weights(e);
}

/* The number of panels of the transformed input. */
static int64_t all_panels(const winograd_step *w, const dmx_plane *in)
{
    return strips(w, in->rows) * w->panels;
}

static int64_t block_scratch(const winograd_step *w, const dmx_kernels *k)
{
    const int64_t product = (w->points * w->matrix.most_rows + 32) * k->nr;
    const int64_t transform =
        dmx_matrix_is_narrow(&w->matrix) ? w->points * w->channels * k->nr : 0;
    return dmx_max(product, transform) + 6 * row_width(k);
}

static dmx_status add_at_once(struct dmx_engine *e, const dmx_product *p,
                              winograd_step *w, dmx_error *err)
{
    const dmx_step step = {
        .kind = "winograd",
        .path = p->path,
        .run = run_at_once,
        .parameters = w,
        .in = {[DMX_SLOT_INPUT] = p->in, [DMX_SLOT_ADDED] = p->add},
        .out = {[DMX_SLOT_OUTPUT] = p->out},
        .tasks = all_panels(w, &e->buffer[p->in].plane),
        .scratch = block_scratch(w, e->kernels) + panel_floats(w, e),
        .flops = p->flops,
    };
    return dmx_program_add(e, &step, err);
}

/* Panels [first, first + count) through the buffer `waiting`. */
static dmx_status add_turn(struct dmx_engine *e, const dmx_product *p,
                           winograd_step *w, dmx_buf waiting, double flops,
                           dmx_error *err)
{
    const dmx_step first = {
        .kind = "winograd in",
        .path = p->path,
        .run = run_transform,
        .parameters = w,
        .in = {[DMX_SLOT_INPUT] = p->in},
        .out = {[DMX_SLOT_OUTPUT] = waiting},
        .tasks = w->count,
        .scratch = block_scratch(w, e->kernels),
    };
    DMX_FORWARD(dmx_program_add(e, &first, err));
    const dmx_step second = {
        .kind = "winograd",
        .path = p->path,
        .run = run_blocks,
        .parameters = w,
        .in = {[DMX_SLOT_ADDED] = p->add, [DMX_SLOT_EXTRA] = waiting},
        .out = {[DMX_SLOT_OUTPUT] = p->out},
        .tasks = w->blocks * w->count,
        .scratch = block_scratch(w, e->kernels),
        .flops = flops,
    };
    return dmx_program_add(e, &second, err);
}

static dmx_status add_in_turn(struct dmx_engine *e, const dmx_product *p,
                              winograd_step *w, dmx_error *err)
{
    const int64_t panels = all_panels(w, &e->buffer[p->in].plane);
    const int64_t floats = panel_floats(w, e), all = panels * floats;
    const int64_t turns =
        dmx_min((all + e->limits.waiting - 1) / e->limits.waiting, panels);
    const int64_t most = (panels + turns - 1) / turns;
    dmx_buf waiting;
    DMX_FORWARD(dmx_program_buffer(&waiting, e,
                                   dmx_plane_make(1, 1, most * floats), err));
    for (int64_t i = 0; i < panels; i += most) {
        winograd_step *turn = dmx_program_parameters(e, sizeof *turn, err);
        if (turn == NULL)
            return DMX_ERROR_MEMORY;
        *turn = *w;
        turn->first = i;
        turn->count = dmx_min(most, panels - i);
        DMX_FORWARD(add_turn(e, p, turn, waiting,
                             p->flops * (double)turn->count / (double)panels,
                             err));
    }
    return DMX_OK;
}

dmx_status dmx_step_winograd(struct dmx_engine *e, const dmx_product *p,
                             dmx_error *err)
{
    const dmx_plane in = e->buffer[p->in].plane;
    const int64_t nr = e->kernels->nr;
    winograd_step *w = dmx_program_parameters(e, sizeof *w, err);
    if (w == NULL)
        return DMX_ERROR_MEMORY;
    w->channels = in.channels;
    w->height = p->window.kernel[0] == 1 ? 1 : 4;
    w->points = w->height == 1 ? 6 : 36;
    w->panels = ((in.cols + 3) / 4 + nr - 1) / nr;
    DMX_FORWARD(dmx_matrix_pack_points(
        &w->matrix, e, &p->dense, w->points, w->channels,
        w->height == 1 ? transform_lines : transform_weights, err));
    DMX_FORWARD(dmx_epilogue_fill(&w->epilogue, e, p, err));
    w->blocks = w->matrix.n_block / w->points;
    const bool few = w->matrix.rows * w->matrix.k < MANY_WEIGHTS &&
                     all_panels(w, &in) >= 8 * e->threads;
    return (few ? add_at_once : add_in_turn)(e, p, w, err);
}
