/* The pair of linear maps of steps/feed.c with an eighth less multiplications:
 * pairs of panels of tokens, and one level of Strassen's method in every block
 * product (see strassen_body.h). A few pairs go through both maps at a time, so
 * that weights are read less often. The sums of weights that the method needs
 * are recomputed for each segment, which takes one percent of the time and
 * saves memory. */
#include "engine/steps/epilogue.h"
#include "engine/steps/panel.h"
#include "engine/steps/product.h"

#include <string.h>

#define ROWS        DMX_BLOCK_ROWS
#define STRETCH     256 /* hidden channels from one product to the other */
#define COLS        96  /* of a task */
#define LEAST_COLS  512 /* for which sums of weights pay */
#define LEAST_DEPTH 128
#define PRODUCTS    7

_Static_assert(STRETCH % (2 * ROWS) == 0, "a stretch is whole pairs of blocks");

typedef struct strassen_step {
    dmx_panel_source source;
    dmx_activation activation;
    dmx_epilogue epilogue;
    dmx_matrix first[2]; /* halves of its columns */
    dmx_matrix *second;  /* of each stretch, two halves */
    int64_t depth;       /* half the columns of the first */
    int64_t hidden, out; /* pairs of blocks */
    int64_t cols, tiles;
    int64_t group; /* pairs of panels of a task */
} strassen_step;

/* The weights of a pair of blocks: 11, 12, 21, 22. */
static void quarters(const float *a[4], const dmx_matrix half[2], int64_t pair)
{
    for (int i = 0; i < 4; i++)
        a[i] = dmx_matrix_block(
            &half[i % 2], &half[i % 2].block[2 * pair + i / 2], NULL, NULL);
}

/* Floats of the sums for a pair of blocks; where those of the second matrix
 * begin. */
static int64_t sums_first(const strassen_step *g)
{
    return 4 * ROWS * g->depth;
}

static int64_t sums_second(void)
{
    return 4 * ROWS * STRETCH / 2;
}

static int64_t stretches(const strassen_step *g)
{
    return g->hidden * 2 * ROWS / STRETCH;
}

static void make_sums(const dmx_step *step, const dmx_frame *f, int64_t task,
                      float *scratch)
{
    (void)scratch;
    const strassen_step *g = step->parameters;
    float *out = dmx_write(f, step->out[DMX_SLOT_OUTPUT]);
    const float *a[4];
    if (task < g->hidden) {
        quarters(a, g->first, task);
        f->engine->kernels->strassen_left(out + task * sums_first(g),
                                          ROWS * g->depth, a);
        return;
    }
    task -= g->hidden;
    quarters(a, g->second + task / g->out * 2, task % g->out);
    f->engine->kernels->strassen_left(out + g->hidden * sums_first(g) +
                                          task * sums_second(),
                                      ROWS * STRETCH / 2, a);
}

/* The parts of a thread's scratch, each for all pairs of panels of a task but
 * the last. The panels are not needed once t exists; m and h reuse their
 * memory. */
typedef struct strassen_scratch {
    float *panel;            /* [2][2 depth][nr] */
    float *m, *h;            /* [7][ROWS][nr]; [2][STRETCH][nr] */
    float *t, *ht, *sum, *c; /* [7][depth][nr]; [7][STRETCH/2][nr]; [out][7]
                                [ROWS][nr]; [4][ROWS][nr] */
} strassen_scratch;

static int64_t early_floats(const strassen_step *g, int64_t nr)
{
    return g->group * dmx_max(4 * g->depth, PRODUCTS * ROWS + 2 * STRETCH) * nr;
}

static int64_t scratch_floats(const strassen_step *g, int64_t nr)
{
    return early_floats(g, nr) + 4 * ROWS * nr + 64 +
           g->group * PRODUCTS * (g->depth + STRETCH / 2 + g->out * ROWS) * nr;
}

static strassen_scratch divide_scratch(const strassen_step *g, int64_t nr,
                                       float *s)
{
    const int64_t seven = g->group * PRODUCTS * nr;
    strassen_scratch parts = {.panel = s, .m = s};
    parts.h = s + seven * ROWS;
    parts.t = s + early_floats(g, nr);
    parts.ht = parts.t + seven * g->depth;
    parts.sum = parts.ht + seven * STRETCH / 2;
    parts.c = parts.sum + seven * g->out * ROWS;
    return parts;
}

/* The right sides of a pair of panels, from panel `tile` of the input on. */
static void cut_pair(const dmx_step *step, const dmx_frame *f, int64_t tile,
                     float *panels, float *t)
{
    const strassen_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const int64_t size = 2 * g->depth * k->nr, half = size / 2;
    for (int64_t i = 0; i < 2; i++) {
        const int64_t at = (tile + i) * k->nr;
        float *panel = panels + i * size;
        if (at < g->cols)
            dmx_panel_cut(&g->source, k, dmx_read(f, step->in[DMX_SLOT_INPUT]),
                          0, at, dmx_min(k->nr, g->cols - at), panel);
        else
            memset(panel, 0, (size_t)size * sizeof *panel);
    }
    k->strassen_right(t, half,
                      (const float *[4]){panels, panels + size, panels + half,
                                         panels + size + half});
}

/* The seven products of weights a and their sums with the right sides t of
 * `count` pairs, stored to m or added to it. */
static void multiply(const dmx_kernels *k, const float *const a[4],
                     const float *sums, int64_t depth, const float *t,
                     int64_t count, bool onto, float *m)
{
    const int64_t n = ROWS * depth;
    const float *left[PRODUCTS] = {a[0], a[1],     sums + 3 * n, a[3],
                                   sums, sums + n, sums + 2 * n};
    for (int q = 0; q < PRODUCTS; q++)
        for (int64_t i = 0; i < count; i++) {
            const int64_t at = (i * PRODUCTS + q) * k->nr;
            (onto ? k->gemm_add : k->gemm)(ROWS, depth, left[q], t + at * depth,
                                           m + at * ROWS);
        }
}

/* Two blocks of hidden channels of a pair of panels, from its products. */
static void finish_hidden(const strassen_step *g, const dmx_kernels *k,
                          int64_t pair, const float *m, float *h)
{
    const int64_t panel = STRETCH * k->nr, block = ROWS * k->nr;
    float *c[4] = {h, h + panel, h + block, h + panel + block};
    k->strassen_sums(c, block, m);
    for (int i = 0; i < 4; i++) {
        const dmx_block *b = &g->first[0].block[2 * pair + i / 2];
        const dmx_finish d = {.activation = g->activation,
                              .channels = ROWS,
                              .n = k->nr,
                              .bias = g->first[0].bias + b->row0,
                              .out = c[i],
                              .out_stride = k->nr};
        k->finish(&d, c[i]);
    }
}

/* Computes stretch j of the hidden channels of `count` pairs of panels, as
 * right sides of the second product. */
static void compute_hidden(const strassen_step *g, const dmx_kernels *k,
                           int64_t j, int64_t count, const float *sums,
                           const strassen_scratch *s)
{
    const int64_t panel = STRETCH * k->nr, block = ROWS * k->nr;
    const float *a[4];
    for (int64_t u = 0; u < STRETCH / (2 * ROWS); u++) {
        const int64_t pair = j * STRETCH / (2 * ROWS) + u;
        quarters(a, g->first, pair);
        multiply(k, a, sums + pair * sums_first(g), g->depth, s->t, count,
                 false, s->m);
        for (int64_t i = 0; i < count; i++)
            finish_hidden(g, k, pair, s->m + i * PRODUCTS * block,
                          s->h + 2 * (i * panel + u * block));
    }
    for (int64_t i = 0; i < count; i++) {
        const float *h = s->h + 2 * i * panel;
        k->strassen_right(s->ht + i * PRODUCTS * panel / 2, panel / 2,
                          (const float *[4]){h, h + panel, h + panel / 2,
                                             h + panel + panel / 2});
    }
}

/* Stores pair b of the second matrix's blocks, for the panels from `tile` on,
 * to the output. sum: their products; room: [4][ROWS][nr]. */
static void finish_pair(const dmx_step *step, const dmx_frame *f, int64_t b,
                        int64_t tile, const float *sum, float *room)
{
    const strassen_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const int64_t block = ROWS * k->nr;
    float *c[4] = {room, room + block, room + 2 * block, room + 3 * block};
    k->strassen_sums(c, block, sum);
    for (int64_t i = 0; i < 4; i++) {
        const int64_t t = (tile + i % 2) * k->nr;
        if (t >= g->cols)
            continue;
        dmx_finish d =
            dmx_epilogue_at(&g->epilogue, step, f, &g->second[0],
                            &g->second[0].block[2 * b + i / 2], 0, 0);
        dmx_epilogue_move(&d, t, dmx_min(k->nr, g->cols - t));
        k->finish(&d, c[i]);
    }
}

static void run_strassen(const dmx_step *step, const dmx_frame *f, int64_t task,
                         float *scratch)
{
    const strassen_step *g = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const strassen_scratch s = divide_scratch(g, k->nr, scratch);
    const int64_t first = task * g->group, sum = PRODUCTS * ROWS * k->nr;
    const int64_t count = dmx_min(g->group, (g->tiles + 1) / 2 - first);
    const float *sums = dmx_read(f, step->in[DMX_SLOT_EXTRA]);
    const float *later = sums + g->hidden * sums_first(g);
    const float *a[4];
    for (int64_t i = 0; i < count; i++)
        cut_pair(step, f, 2 * (first + i), s.panel + i * 4 * g->depth * k->nr,
                 s.t + i * PRODUCTS * g->depth * k->nr);
    for (int64_t j = 0; j < stretches(g); j++) {
        compute_hidden(g, k, j, count, sums, &s);
        for (int64_t b = 0; b < g->out; b++, later += sums_second()) {
            quarters(a, g->second + 2 * j, b);
            multiply(k, a, later, STRETCH / 2, s.ht, count, j > 0,
                     s.sum + b * g->group * sum);
        }
    }
    for (int64_t b = 0; b < g->out; b++)
        for (int64_t i = 0; i < count; i++)
            finish_pair(step, f, b, 2 * (first + i),
                        s.sum + (b * g->group + i) * sum, s.c);
}

/* ---- planning ----------------------------------------------------------- */

bool dmx_strassen_fits(const struct dmx_engine *e, const dmx_product *first,
                       const dmx_product *second)
{
    return dmx_derives_weights(e) && first->dense.number == DMX_FLOAT32 &&
           second->dense.number == DMX_FLOAT32 && ROWS % e->kernels->mr == 0 &&
           first->dense.channels % STRETCH == 0 &&
           second->dense.channels % (2 * ROWS) == 0 &&
           first->dense.k % 2 == 0 && first->dense.k >= LEAST_DEPTH &&
           e->buffer[second->out].plane.cols >= LEAST_COLS;
}

static dmx_status fill(strassen_step *g, struct dmx_engine *e,
                       const dmx_product *first, const dmx_product *second,
                       dmx_error *err)
{
    g->activation = first->activation;
    g->depth = first->dense.k / 2;
    g->hidden = first->dense.channels / (2 * ROWS);
    g->out = second->dense.channels / (2 * ROWS);
    g->cols = e->buffer[second->out].plane.cols;
    g->tiles = (g->cols + e->kernels->nr - 1) / e->kernels->nr;
    g->group = dmx_panels_of(COLS, 2 * e->kernels->nr);
    const int64_t halves = 2 * stretches(g);
    g->second =
        dmx_program_parameters(e, (size_t)halves * sizeof *g->second, err);
    if (g->second == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(dmx_product_source(&g->source, e, first, err));
    DMX_FORWARD(dmx_epilogue_fill(&g->epilogue, e, second, err));
    for (int64_t i = 0; i < 2; i++)
        DMX_FORWARD(dmx_matrix_pack_columns(&g->first[i], e, &first->dense,
                                            i * g->depth, g->depth, err));
    for (int64_t i = 0; i < halves; i++)
        DMX_FORWARD(dmx_matrix_pack_columns(&g->second[i], e, &second->dense,
                                            i * STRETCH / 2, STRETCH / 2, err));
    return DMX_OK;
}

static dmx_status add_sums(dmx_buf *out, struct dmx_engine *e, strassen_step *g,
                           const char *path, dmx_error *err)
{
    const int64_t tasks = stretches(g) * g->out;
    const int64_t floats = g->hidden * sums_first(g) + tasks * sums_second();
    DMX_FORWARD(dmx_program_buffer(out, e, dmx_plane_make(1, 1, floats), err));
    const dmx_step step = {
        .kind = "linear sums",
        .path = path,
        .run = make_sums,
        .parameters = g,
        .out = {[DMX_SLOT_OUTPUT] = *out},
        .tasks = g->hidden + tasks,
    };
    return dmx_program_add(e, &step, err);
}

dmx_status dmx_step_strassen(struct dmx_engine *e, const dmx_product *first,
                             const dmx_product *second, dmx_error *err)
{
    strassen_step *g = dmx_program_parameters(e, sizeof *g, err);
    dmx_buf sums;
    if (g == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(fill(g, e, first, second, err));
    DMX_FORWARD(add_sums(&sums, e, g, first->path, err));
    const dmx_step step = {
        .kind = "linear pair",
        .path = first->path,
        .run = run_strassen,
        .parameters = g,
        .in = {[DMX_SLOT_INPUT] = first->in,
               [DMX_SLOT_ADDED] = second->add,
               [DMX_SLOT_EXTRA] = sums},
        .out = {[DMX_SLOT_OUTPUT] = second->out},
        .tasks = ((g->tiles + 1) / 2 + g->group - 1) / g->group,
        .scratch = scratch_floats(g, e->kernels->nr),
        .flops = first->flops + second->flops,
    };
    return dmx_program_add(e, &step, err);
}
