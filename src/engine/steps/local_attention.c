/* Attention over time with a distance penalty, each row independently; the
 * formula is in graph/rules_time.c. As in attention.c, without a score matrix:
 * nr queries in the lanes, one block of keys after another.
 *
 * The distance penalty is part of the product. With a block's keys at t in
 * [start, last], the penalty of a query at s after them is a (s - t) = a (s -
 * last) + a (last - t), and before them a (start - s) + a (t - start): sums
 * without cancellation. So a key has three more elements, t - start, t - last
 * and 1. Only the block that contains the queries themselves is computed
 * element by element; it comes first, since it sets the scale of the sums. */
#include "engine/steps/heads.h"
#include "engine/steps/steps.h"

#include <math.h>

#define LOG2_E  1.44269504088896340736 /* 1 / ln 2 */
#define OF_SELF (-100.0f * (float)LOG2_E)

enum { FROM_START, FROM_LAST, ONE, EXTRA }; /* elements of a key */

typedef struct local_step {
    dmx_heads heads;   /* of all rows, one after another */
    int64_t decays;    /* channels of a head's decay */
    int64_t per_head;  /* floats of its packed keys */
    int64_t tiles;     /* of nr queries */
    float scale;       /* of a score in base-2 logarithms */
    const float *gain; /* [decays][nr]: the weight of a decay's sigmoid */
} local_step;

enum { QUERIES, KEYS, VALUES, DECAYS }; /* input slots */

/* ---- keys and values ------------------------------------------------------
 */

static int64_t key_width(const local_step *a)
{
    return a->heads.width + EXTRA;
}

/* A tile of mr keys from t on: [width + EXTRA][mr]. */
static void pack_key_tile(float *out, const local_step *a, int64_t mr,
                          const float *x, int64_t stride, int64_t t)
{
    const int64_t start = t / DMX_KEYS * DMX_KEYS;
    const int64_t last = dmx_min(start + DMX_KEYS, a->heads.tokens) - 1;
    for (int64_t d = 0; d < a->heads.width; d++, out += mr)
        for (int64_t i = 0; i < mr; i++)
            out[i] = t + i <= last ? x[d * stride + t + i] : 0.0f;
    for (int64_t i = 0; i < mr; i++) {
        out[FROM_START * mr + i] = (float)(t + i - start);
        out[FROM_LAST * mr + i] = (float)(t + i - last);
        out[ONE * mr + i] = 1.0f;
    }
}

static void run_pack_keys(const dmx_step *step, const dmx_frame *f,
                          int64_t task, float *scratch)
{
    (void)scratch;
    const local_step *a = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const int64_t head = task / a->heads.blocks, mr = f->engine->kernels->mr;
    const int64_t t0 = task % a->heads.blocks * DMX_KEYS;
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]) +
                     head * a->heads.width * p->stride;
    float *out = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) + head * a->per_head +
                 t0 * key_width(a);
    for (int64_t t = t0; t < t0 + DMX_KEYS; t += mr, out += mr * key_width(a))
        pack_key_tile(out, a, mr, x, p->stride, t);
}

static void run_pack_values(const dmx_step *step, const dmx_frame *f,
                            int64_t task, float *scratch)
{
    (void)scratch;
    const local_step *a = step->parameters;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const int64_t head = task / a->heads.blocks;
    dmx_pack_values(dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                        head * dmx_head_floats(&a->heads),
                    &a->heads, f->engine->kernels,
                    dmx_read(f, step->in[DMX_SLOT_INPUT]) +
                        head * a->heads.width * p->stride,
                    p->stride, task % a->heads.blocks);
}

/* ---- queries --------------------------------------------------------------
 */

/* The state of a tile of nr queries of a head. q: [width + EXTRA][nr]; slope:
 * the penalty per step of distance; o, m, l: see attention.c. */
typedef struct tile {
    const local_step *a;
    const dmx_kernels *k;
    int64_t t, n; /* its queries: [t, t + n) */
    float *q, *slope, *o, *m, *l;
    float *s, *product, *decay; /* for one block */
} tile;

static int64_t tile_floats(const local_step *a, int64_t nr)
{
    const int64_t rows =
        key_width(a) + 2 * a->heads.wide + DMX_KEYS + 4 /* slope m l decay */;
    return rows * nr + 64;
}

static tile divide(float *room, const local_step *a, const dmx_kernels *k,
                   int64_t t)
{
    const int64_t nr = k->nr;
    tile c = {.a = a, .k = k, .t = t, .n = dmx_min(nr, a->heads.tokens - t)};
    c.q = room;
    c.slope = c.q + key_width(a) * nr;
    c.o = c.slope + nr;
    c.product = c.o + a->heads.wide * nr;
    c.s = c.product + a->heads.wide * nr;
    c.m = c.s + DMX_KEYS * nr;
    c.l = c.m + nr;
    c.decay = c.l + nr;
    return c;
}

static void load_queries(const tile *c, const float *x, int64_t stride)
{
    const dmx_kernels *k = c->k;
    const dmx_window w = {.x = x + c->t,
                          .rows = 1,
                          .channels = c->a->heads.width,
                          .cols = c->n,
                          .stride = stride,
                          .kernel = {1, 1},
                          .step = {1, 1},
                          .dilation = {1, 1}};
    k->pack_window(&w, 0, 0, c->n, c->q);
    k->affine(c->q, c->q, c->a->scale, 0.0f, c->a->heads.width * k->nr);
}

/* slope = sum of gains times sigmoids of the decays */
static void load_slopes(const tile *c, const float *decay, int64_t stride)
{
    const int64_t nr = c->k->nr;
    for (int64_t i = 0; i < nr; i++)
        c->slope[i] = 0.0f;
    for (int64_t i = 0; i < c->a->decays; i++) {
        c->k->glu(c->decay, c->a->gain + i * nr, decay + i * stride + c->t,
                  c->n);
        for (int64_t j = 0; j < c->n; j++)
            c->slope[j] += c->decay[j];
    }
}

static void clear_sums(const tile *c)
{
    for (int64_t i = 0; i < c->a->heads.wide * c->k->nr; i++)
        c->o[i] = 0.0f;
    for (int64_t i = 0; i < c->k->nr; i++) {
        c->m[i] = -1e30f;
        c->l[i] = 0.0f;
    }
}

/* ---- blocks of keys -------------------------------------------------------
 */

/* Sets the extra elements of the queries for a block before or after them;
 * zeros for their own block. */
static void place_block(const tile *c, int64_t start, int64_t last)
{
    const int64_t nr = c->k->nr;
    float *extra = c->q + c->a->heads.width * nr;
    for (int64_t i = 0; i < nr; i++) {
        const int64_t s = c->t + i;
        const float a = c->slope[i];
        const bool before = last < c->t, behind = start >= c->t + c->n;
        extra[FROM_START * nr + i] = behind ? -a : 0.0f;
        extra[FROM_LAST * nr + i] = before ? a : 0.0f;
        extra[ONE * nr + i] = before   ? -a * (float)(s - last)
                              : behind ? -a * (float)(start - s)
                                       : 0.0f;
    }
}

/* Scores of the block that contains the queries. */
static void place_own(const tile *c, int64_t start, int64_t keys)
{
    const int64_t nr = c->k->nr;
    for (int64_t j = 0; j < keys; j++)
        for (int64_t i = 0; i < nr; i++) {
            const int64_t away = start + j - c->t - i;
            float *s = &c->s[j * nr + i];
            *s = away == 0
                     ? OF_SELF
                     : *s - (float)(away < 0 ? -away : away) * c->slope[i];
        }
}

static void visit_block(const tile *c, int64_t block, const float *key,
                        const float *value)
{
    const dmx_heads *h = &c->a->heads;
    const dmx_kernels *k = c->k;
    const int64_t start = block * DMX_KEYS, width = key_width(c->a);
    const int64_t keys = dmx_min(DMX_KEYS, h->tokens - start);
    const bool own = c->t / DMX_KEYS == block;
    key += start * width;
    value += start * h->wide;
    place_block(c, start, start + keys - 1);
    if (!own && k->softmax_weights(keys, width, key, c->q, c->m, c->l, c->s)) {
        k->gemm_add(h->wide, keys, value, c->s, c->o);
        return;
    }
    k->gemm(dmx_round_up(keys, k->mr), width, key, c->q, c->s);
    if (own)
        place_own(c, start, keys);
    k->softmax_block(c->s, keys, c->m, c->l, c->decay);
    k->gemm(h->wide, keys, value, c->s, c->product);
    k->accumulate(c->o, c->product, c->decay, h->wide);
}

/* A tile of a head's queries. */
static void run_attend(const dmx_step *step, const dmx_frame *f, int64_t task,
                       float *scratch)
{
    const local_step *a = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const int64_t head = task / a->tiles, t = task % a->tiles * k->nr;
    const dmx_plane *in = dmx_plane_of(f, step->in[QUERIES]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const dmx_plane *decays = dmx_plane_of(f, step->in[DECAYS]);
    const float *key = dmx_read(f, step->in[KEYS]) + head * a->per_head;
    const float *value =
        dmx_read(f, step->in[VALUES]) + head * dmx_head_floats(&a->heads);
    const tile c = divide(scratch, a, k, t);
    load_queries(
        &c, dmx_read(f, step->in[QUERIES]) + head * a->heads.width * in->stride,
        in->stride);
    load_slopes(
        &c, dmx_read(f, step->in[DECAYS]) + head * a->decays * decays->stride,
        decays->stride);
    clear_sums(&c);
    const int64_t own = t / DMX_KEYS;
    visit_block(&c, own, key, value);
    for (int64_t b = 0; b < a->heads.blocks; b++)
        if (b != own)
            visit_block(&c, b, key, value);
    k->divide_by_sums(dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                          head * a->heads.width * out->stride + t,
                      out->stride, c.o, c.l, a->heads.width, c.n);
}

/* ---- steps ----------------------------------------------------------------
 */

static dmx_status add_packing(dmx_buf *out, struct dmx_engine *e,
                              const char *path, local_step *a, dmx_buf in,
                              bool keys, dmx_error *err)
{
    const int64_t floats = keys ? a->per_head : dmx_head_floats(&a->heads);
    DMX_FORWARD(dmx_program_buffer(
        out, e, dmx_plane_make(1, a->heads.heads, floats), err));
    /* heads follow each other without the padding of a plane */
    e->buffer[*out].floats = a->heads.heads * floats;
    const dmx_step step = {
        .kind = "pack",
        .path = path,
        .run = keys ? run_pack_keys : run_pack_values,
        .parameters = a,
        .in = {[DMX_SLOT_INPUT] = in},
        .out = {[DMX_SLOT_OUTPUT] = *out},
        .tasks = a->heads.heads * a->heads.blocks,
    };
    return dmx_program_add(e, &step, err);
}

static dmx_status fill(local_step *a, struct dmx_engine *e, const dmx_buf in[4],
                       int64_t heads, double scale, dmx_error *err)
{
    const dmx_plane *k = &e->buffer[in[1]].plane;
    const int64_t nr = e->kernels->nr;
    float *gain;
    a->heads = dmx_heads_make(e->kernels, k, heads);
    a->heads.heads *= k->rows;
    a->decays = e->buffer[in[3]].plane.channels / heads;
    a->per_head = a->heads.blocks * DMX_KEYS * key_width(a);
    a->tiles = (a->heads.tokens + nr - 1) / nr;
    a->scale = (float)(scale * LOG2_E);
    DMX_FORWARD(dmx_program_floats(&gain, e, a->decays * nr, err));
    for (int64_t i = 0; i < a->decays * nr; i++)
        gain[i] = (float)((double)(i / nr + 1) / 2.0 / sqrt((double)a->decays) *
                          LOG2_E);
    a->gain = gain;
    return DMX_OK;
}

dmx_status dmx_step_local_attention(struct dmx_engine *e, const char *path,
                                    const dmx_buf in[4], dmx_buf out,
                                    int64_t heads, double scale, dmx_error *err)
{
    local_step *a = dmx_program_parameters(e, sizeof *a, err);
    dmx_buf keys, values;
    if (a == NULL)
        return DMX_ERROR_MEMORY;
    DMX_FORWARD(fill(a, e, in, heads, scale, err));
    DMX_FORWARD(add_packing(&keys, e, path, a, in[1], true, err));
    DMX_FORWARD(add_packing(&values, e, path, a, in[2], false, err));
    const double tokens = (double)a->heads.tokens;
    const dmx_step step = {
        .kind = "local attention",
        .path = path,
        .run = run_attend,
        .parameters = a,
        .in = {[QUERIES] = in[0],
               [KEYS] = keys,
               [VALUES] = values,
               [DECAYS] = in[3]},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = a->heads.heads * a->tiles,
        .scratch = tile_floats(a, e->kernels->nr),
        .flops =
            4.0 * tokens * tokens * (double)(a->heads.heads * a->heads.width),
    };
    return dmx_program_add(e, &step, err);
}
