/* Multi-head attention without a score matrix: for nr queries in the lanes, one
 * block of keys after another: S' = K' Q, P = running softmax, O += V P. The
 * tile of P is already the packed right side of the second product, and O comes
 * out channel by channel, as the next linear map needs it. Source: Dao et al.,
 * "FlashAttention", 2022 (the running softmax). */
#include "engine/kernels/narrow.h"
#include "engine/steps/heads.h"
#include "engine/steps/panel.h"
#include "engine/steps/product.h"
#include "engine/steps/steps.h"

#define MOST_COLS  96 /* queries that share a block of keys */
#define MOST_TILES 24
#define LOG2_E     1.44269504088896340736 /* 1 / ln 2 */

typedef struct attention_step {
    dmx_heads heads; /* of keys and values */
    int64_t queries;
    int64_t tiles, group, groups; /* of nr queries; tiles of a task */
    float scale;                  /* of a score in base-2 logarithms */
    /* Integers: how scores and values are divided into chunks, and their
     * blocks' sizes in 32-bit words. */
    dmx_cut scores, values;
    int64_t key_places, value_places;
} attention_step;

enum { QUERIES, KEYS, VALUES }; /* input slots */

static const char pack_keys_kind[] = "pack keys";

/* Keys or values of one head and block. */
static void pack(const dmx_step *step, const dmx_frame *f, int64_t task,
                 void (*pack_block)(float *, const dmx_heads *,
                                    const dmx_kernels *, const float *, int64_t,
                                    int64_t))
{
    const attention_step *a = step->parameters;
    const int64_t head = task / a->heads.blocks;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    pack_block(dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
                   head * dmx_head_floats(&a->heads),
               &a->heads, f->engine->kernels,
               dmx_read(f, step->in[DMX_SLOT_INPUT]) +
                   head * a->heads.width * p->stride,
               p->stride, task % a->heads.blocks);
}

static void pack_keys(const dmx_step *step, const dmx_frame *f, int64_t task,
                      float *scratch)
{
    (void)scratch;
    pack(step, f, task, dmx_pack_keys);
}

static void pack_values(const dmx_step *step, const dmx_frame *f, int64_t task,
                        float *scratch)
{
    (void)scratch;
    pack(step, f, task, dmx_pack_values);
}

/* The state of a tile of nr queries: scaled Q, O, running maximum m and sum l.
 */
typedef struct tile {
    float *q, *o, *m, *l;
    int64_t t, n; /* its queries: [t, t + n) */
} tile;

/* Shared by the tiles of a thread: scores or softmax weights, and for the
 * rescaling path a product and the decay of earlier sums. */
typedef struct workspace {
    float *s, *product, *decay;
} workspace;

static int64_t tile_floats(const attention_step *a, int64_t nr)
{
    return 2 * (a->heads.wide + 1) * nr;
}

static void start_tile(tile *c, const attention_step *a, const dmx_kernels *k,
                       const dmx_plane *p, const float *queries, float *room)
{
    const int64_t size = a->heads.wide * k->nr;
    const dmx_window w = {.x = queries + c->t,
                          .rows = 1,
                          .channels = a->heads.width,
                          .cols = c->n,
                          .stride = p->stride,
                          .kernel = {1, 1},
                          .step = {1, 1},
                          .dilation = {1, 1}};
    c->q = room;
    c->o = c->q + size;
    c->m = c->o + size;
    c->l = c->m + k->nr;
    k->pack_window(&w, 0, 0, c->n, c->q);
    k->affine(c->q, c->q, a->scale, 0.0f, a->heads.width * k->nr);
    for (int64_t i = 0; i < size; i++)
        c->o[i] = 0.0f;
    for (int64_t i = 0; i < k->nr; i++) {
        c->m[i] = -1e30f;
        c->l[i] = 0.0f;
    }
}

/* One block of keys and values. The maxima of earlier blocks suffice for most
 * later ones: any m yields the same quotient O / l, as long as the exponentials
 * stay in range. The sums show when a block needs the rescaling path; the first
 * block always takes it. */
static void attend_block(const tile *c, const attention_step *a,
                         const dmx_kernels *k, const workspace *w,
                         int64_t block, const float *key, const float *value)
{
    const int64_t keys = dmx_min(DMX_KEYS, a->heads.tokens - block * DMX_KEYS);
    key += block * DMX_KEYS * a->heads.width;
    value += block * DMX_KEYS * a->heads.wide;
    if (block > 0 &&
        k->softmax_weights(keys, a->heads.width, key, c->q, c->m, c->l, w->s)) {
        k->gemm_add(a->heads.wide, keys, value, w->s, c->o);
        return;
    }
    k->gemm(dmx_round_up(keys, k->mr), a->heads.width, key, c->q, w->s);
    k->softmax_block(w->s, keys, c->m, c->l, w->decay);
    k->gemm(a->heads.wide, keys, value, w->s, w->product);
    k->accumulate(c->o, w->product, w->decay, a->heads.wide);
}

/* `group` tiles of one head's queries against all its keys: a block of keys and
 * values is used for all of them while it is in the cache. */
static void attend(const dmx_step *step, const dmx_frame *f, int64_t task,
                   float *scratch)
{
    const attention_step *a = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const int64_t head = task / a->groups;
    const int64_t first = task % a->groups * a->group;
    const int64_t count = dmx_min(a->group, a->tiles - first);
    const dmx_plane *p = dmx_plane_of(f, step->in[QUERIES]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const float *queries =
        dmx_read(f, step->in[QUERIES]) + head * a->heads.width * p->stride;
    const float *key =
        dmx_read(f, step->in[KEYS]) + head * dmx_head_floats(&a->heads);
    const float *value =
        dmx_read(f, step->in[VALUES]) + head * dmx_head_floats(&a->heads);
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
               head * a->heads.width * out->stride;
    workspace w = {.s = scratch};
    w.product = w.s + DMX_KEYS * k->nr;
    w.decay = w.product + a->heads.wide * k->nr;
    scratch = w.decay + k->nr;
    tile c[MOST_TILES];
    for (int64_t i = 0; i < count; i++, scratch += tile_floats(a, k->nr)) {
        c[i].t = (first + i) * k->nr;
        c[i].n = dmx_min(k->nr, a->queries - c[i].t);
        start_tile(&c[i], a, k, p, queries, scratch);
    }
    for (int64_t b = 0; b < a->heads.blocks; b++)
        for (int64_t i = 0; i < count; i++)
            attend_block(&c[i], a, k, &w, b, key, value);
    for (int64_t i = 0; i < count; i++)
        k->divide_by_sums(y + c[i].t, out->stride, c[i].o, c[i].l,
                          a->heads.width, c[i].n);
}

/* ---- of integers -------------------------------------------------------- */

static void pack_integers(const dmx_step *step, const dmx_frame *f,
                          int64_t task, float *scratch)
{
    (void)scratch;
    const attention_step *a = step->parameters;
    const dmx_heads *h = &a->heads;
    const dmx_narrow_kernels *n = f->engine->narrow;
    const int64_t head = task / h->blocks, block = task % h->blocks;
    const dmx_plane *p = dmx_plane_of(f, step->in[DMX_SLOT_INPUT]);
    const float *x = dmx_read(f, step->in[DMX_SLOT_INPUT]) +
                     head * h->width * p->stride + block * DMX_KEYS;
    const int64_t count = dmx_min(DMX_KEYS, h->tokens - block * DMX_KEYS);
    float *out = dmx_write(f, step->out[DMX_SLOT_OUTPUT]);
    if (step->kind == pack_keys_kind)
        n->keys(a->scores.kind, h->width, DMX_KEYS, count, x, p->stride,
                (int32_t *)(void *)(out + task * a->key_places));
    else
        n->values(a->values.kind, h->width, h->wide, DMX_KEYS, count, x,
                  p->stride, (int32_t *)(void *)(out + task * a->value_places));
}

/* Scratch memory of attend_integers: scores, softmax weights, queries in
 * float32. */
static int64_t integer_floats(const attention_step *a, int64_t nr)
{
    return 2 * DMX_KEYS * nr +
           a->group * (dmx_narrow_places(&a->scores, nr) + tile_floats(a, nr)) +
           64;
}

static void attend_integers(const dmx_step *step, const dmx_frame *f,
                            int64_t task, float *scratch)
{
    const attention_step *a = step->parameters;
    const dmx_heads *h = &a->heads;
    const dmx_kernels *k = f->engine->kernels;
    const int64_t head = task / a->groups;
    const int64_t first = task % a->groups * a->group;
    const int64_t count = dmx_min(a->group, a->tiles - first);
    const int64_t size = dmx_narrow_places(&a->scores, k->nr);
    const dmx_plane *p = dmx_plane_of(f, step->in[QUERIES]);
    const dmx_plane *out = dmx_plane_of(f, step->out[DMX_SLOT_OUTPUT]);
    const float *queries =
        dmx_read(f, step->in[QUERIES]) + head * h->width * p->stride;
    const float *keys =
        dmx_read(f, step->in[KEYS]) + head * h->blocks * a->key_places;
    const float *values =
        dmx_read(f, step->in[VALUES]) + head * h->blocks * a->value_places;
    float *y = dmx_write(f, step->out[DMX_SLOT_OUTPUT]) +
               head * h->width * out->stride;
    dmx_narrow_attention n = {
        .kind = a->scores.kind,
        .width = h->width,
        .wide = h->wide,
        .room = DMX_KEYS,
        .score = scratch,
        .softmax = (int32_t *)(void *)(scratch + DMX_KEYS * k->nr),
    };
    float *room = scratch + 2 * DMX_KEYS * k->nr;
    int32_t *query = (int32_t *)(void *)room;
    tile c[MOST_TILES];
    room += a->group * size;
    for (int64_t i = 0; i < count; i++, room += tile_floats(a, k->nr)) {
        c[i].t = (first + i) * k->nr;
        c[i].n = dmx_min(k->nr, a->queries - c[i].t);
        start_tile(&c[i], a, k, p, queries, room);
        f->engine->narrow->panel(&a->scores, c[i].q, query + i * size);
    }
    for (int64_t b = 0; b < h->blocks; b++)
        for (int64_t i = 0; i < count; i++) {
            n.keys = dmx_min(DMX_KEYS, h->tokens - b * DMX_KEYS);
            n.key = (const int32_t *)(const void *)(keys + b * a->key_places);
            n.value =
                (const int32_t *)(const void *)(values + b * a->value_places);
            n.query = query + i * size;
            n.o = c[i].o;
            n.m = c[i].m;
            n.l = c[i].l;
            f->engine->narrow->attend(&n);
        }
    for (int64_t i = 0; i < count; i++)
        k->divide_by_sums(y + c[i].t, out->stride, c[i].o, c[i].l, h->width,
                          c[i].n);
}

/* Wide heads stay float32: a sum of int8 has room for DMX_CHUNK products. */
static void choose_integers(attention_step *a, const struct dmx_engine *e)
{
    const dmx_number kind = e->precision.of[DMX_LAYERS_ATTENTION];
    const dmx_heads *h = &a->heads;
    const int64_t mr = e->kernels->mr;
    if (e->narrow == NULL || kind == DMX_FLOAT32 || h->width > DMX_CHUNK)
        return;
    a->scores = (dmx_cut){kind, h->width, dmx_round_up(h->width, 4)};
    a->values = (dmx_cut){kind, DMX_KEYS, DMX_KEYS};
    a->key_places = DMX_KEYS / mr * dmx_narrow_places(&a->scores, mr);
    a->value_places = h->wide / mr * dmx_narrow_places(&a->values, mr);
}

static dmx_status add_integers(dmx_buf *out, struct dmx_engine *e,
                               const char *path, attention_step *a, dmx_buf in,
                               const char *kind, int64_t places, dmx_error *err)
{
    const int64_t tasks = a->heads.heads * a->heads.blocks;
    DMX_FORWARD(
        dmx_program_buffer(out, e, dmx_plane_make(1, 1, tasks * places), err));
    const dmx_step step = {
        .kind = kind,
        .path = path,
        .run = pack_integers,
        .parameters = a,
        .in = {[DMX_SLOT_INPUT] = in},
        .out = {[DMX_SLOT_OUTPUT] = *out},
        .tasks = tasks,
    };
    return dmx_program_add(e, &step, err);
}

/* ---- planning ----------------------------------------------------------- */

/* Keys or values of all heads, packed once: by the product that computes them,
 * or else by a separate step. */
static dmx_status add_packing(dmx_buf *out, struct dmx_engine *e,
                              const char *path, attention_step *a,
                              dmx_head_input in, dmx_head_order order,
                              dmx_error *err)
{
    *out = in.buf;
    if (in.only_here && dmx_product_pack(e, in.buf, &a->heads, order))
        return DMX_OK;
    const int64_t floats = dmx_head_floats(&a->heads);
    DMX_FORWARD(dmx_program_buffer(
        out, e, dmx_plane_make(1, a->heads.heads, floats), err));
    /* heads follow each other without the padding of a plane */
    e->buffer[*out].floats = a->heads.heads * floats;
    const dmx_step step = {
        .kind = "pack",
        .path = path,
        .run = order == DMX_HEADS_KEYS ? pack_keys : pack_values,
        .parameters = a,
        .in = {[DMX_SLOT_INPUT] = in.buf},
        .out = {[DMX_SLOT_OUTPUT] = *out},
        .tasks = a->heads.heads * a->heads.blocks,
    };
    return dmx_program_add(e, &step, err);
}

dmx_status dmx_step_attention(struct dmx_engine *e, const char *path, dmx_buf q,
                              dmx_head_input k, dmx_head_input v, dmx_buf out,
                              int64_t heads, double scale, dmx_error *err)
{
    const int64_t nr = e->kernels->nr;
    attention_step *a = dmx_program_parameters(e, sizeof *a, err);
    dmx_buf keys, values;
    if (a == NULL)
        return DMX_ERROR_MEMORY;
    a->heads = dmx_heads_make(e->kernels, &e->buffer[k.buf].plane, heads);
    a->queries = e->buffer[q].plane.cols;
    a->scale = (float)(scale * LOG2_E);
    a->tiles = (a->queries + nr - 1) / nr;
    const int64_t most = dmx_min(dmx_panels_of(MOST_COLS, nr), MOST_TILES);
    a->group = dmx_max(dmx_min(most, heads * a->tiles / (8 * e->threads)), 1);
    a->groups = (a->tiles + a->group - 1) / a->group;
    choose_integers(a, e);
    const bool integers = a->scores.kind != DMX_FLOAT32;
    if (integers) {
        DMX_FORWARD(add_integers(&keys, e, path, a, k.buf, pack_keys_kind,
                                 a->key_places, err));
        DMX_FORWARD(add_integers(&values, e, path, a, v.buf, "pack values",
                                 a->value_places, err));
    } else {
        DMX_FORWARD(add_packing(&keys, e, path, a, k, DMX_HEADS_KEYS, err));
        DMX_FORWARD(add_packing(&values, e, path, a, v, DMX_HEADS_VALUES, err));
    }
    const dmx_step step = {
        .kind = "attention",
        .path = path,
        .run = integers ? attend_integers : attend,
        .parameters = a,
        .in = {[QUERIES] = q, [KEYS] = keys, [VALUES] = values},
        .out = {[DMX_SLOT_OUTPUT] = out},
        .tasks = heads * a->groups,
        .scratch = integers ? integer_floats(a, nr)
                            : (DMX_KEYS + a->heads.wide + 1) * nr +
                                  a->group * tile_floats(a, nr) + 64,
        .flops = 4.0 * (double)a->queries * (double)a->heads.tokens *
                 (double)(heads * a->heads.width),
    };
    return dmx_program_add(e, &step, err);
}
