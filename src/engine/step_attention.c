/* Multi-head attention without a score matrix: for nr queries in the lanes,
 * blocks of keys pass by, S' = K' Q, P = softmax so far, O += V P. The tile of
 * P is already the packed right side of the second product, and O comes out
 * channel by channel, as the next linear map wants it.
 * Source: Dao et al., "FlashAttention", 2022 (the running softmax). */
#include "engine/steps.h"

#define KEYS 96 /* of a block; a multiple of every mr */

typedef struct attention_step {
    int64_t heads, width; /* width of a head */
    int64_t wide;         /* width rounded up to mr */
    int64_t queries, keys, blocks;
    float scale; /* of a score in base-2 logarithms */
} attention_step;

static int64_t head_floats(const attention_step *a)
{
    return a->blocks * KEYS * a->wide;
}

/* Keys of one head: [keys/mr][width][mr]. */
static void pack_keys(const dmx_step *step, const dmx_frame *f, int64_t task,
                      float *scratch)
{
    (void)scratch;
    const attention_step *a = step->parameters;
    const int64_t mr = f->engine->kernels->mr;
    const int64_t head = task / a->blocks, block = task % a->blocks;
    const dmx_plane *p = dmx_plane_of(f, step->in[0]);
    const float *x = dmx_at(f, step->in[0]) + head * a->width * p->stride;
    float *out = dmx_at(f, step->out[0]) + head * head_floats(a) +
                 block * KEYS * a->width;
    for (int64_t t = block * KEYS; t < (block + 1) * KEYS; t += mr)
        for (int64_t d = 0; d < a->width; d++, out += mr)
            for (int64_t i = 0; i < mr; i++)
                out[i] = t + i < a->keys ? x[d * p->stride + t + i] : 0.0f;
}

/* Values of one block: [width/mr][keys][mr]. */
static void pack_values(const dmx_step *step, const dmx_frame *f, int64_t task,
                        float *scratch)
{
    (void)scratch;
    const attention_step *a = step->parameters;
    const int64_t mr = f->engine->kernels->mr;
    const int64_t head = task / a->blocks, t0 = task % a->blocks * KEYS;
    const int64_t n = dmx_min(KEYS, a->keys - t0);
    const dmx_plane *p = dmx_plane_of(f, step->in[0]);
    const float *x = dmx_at(f, step->in[0]) + head * a->width * p->stride;
    float *out = dmx_at(f, step->out[0]) + head * head_floats(a) + t0 * a->wide;
    for (int64_t d = 0; d < a->wide; d += mr, out += n * mr)
        f->engine->kernels->pack_left(out, x + d * p->stride + t0, p->stride,
                                      dmx_min(mr, a->width - d), n);
}

/* One head's nr queries against all keys. scratch: Q, S, O, product, then m,
 * l and decay. */
static void attend(const dmx_step *step, const dmx_frame *f, int64_t task,
                   float *scratch)
{
    const attention_step *a = step->parameters;
    const dmx_kernels *k = f->engine->kernels;
    const int64_t nr = k->nr, tiles = (a->queries + nr - 1) / nr;
    const int64_t head = task / tiles, t0 = task % tiles * nr;
    const int64_t n = dmx_min(nr, a->queries - t0), size = a->wide * nr;
    const dmx_plane *p = dmx_plane_of(f, step->in[0]);
    const int64_t at = head * a->width * p->stride + t0;
    const float *key = dmx_at(f, step->in[1]) + head * head_floats(a);
    const float *value = dmx_at(f, step->in[2]) + head * head_floats(a);
    float *q = scratch, *o = q + size, *product = o + size;
    float *s = product + size, *m = s + KEYS * nr, *l = m + nr;
    float *decay = l + nr;
    const dmx_window w = {.x = dmx_at(f, step->in[0]) + at,
                          .rows = 1,
                          .channels = a->width,
                          .cols = n,
                          .stride = p->stride,
                          .kernel = {1, 1},
                          .step = {1, 1},
                          .dilation = {1, 1}};
    k->pack_window(&w, 0, 0, n, q);
    k->affine(q, q, a->scale, 0.0f, a->width * nr);
    for (int64_t i = 0; i < size; i++)
        o[i] = 0.0f;
    for (int64_t i = 0; i < nr; i++) {
        m[i] = -1e30f;
        l[i] = 0.0f;
    }
    for (int64_t b = 0; b < a->blocks; b++) {
        const int64_t keys = dmx_min(KEYS, a->keys - b * KEYS);
        k->gemm(dmx_round_up(keys, k->mr), a->width, key + b * KEYS * a->width,
                q, s);
        k->softmax_block(s, keys, m, l, decay);
        k->gemm(a->wide, keys, value + b * KEYS * a->wide, s, product);
        k->accumulate(o, product, decay, a->wide);
    }
    const dmx_plane *out = dmx_plane_of(f, step->out[0]);
    k->divide(dmx_at(f, step->out[0]) + head * a->width * out->stride + t0,
              out->stride, o, l, a->width, n);
}

/* Keys or values of all heads, packed once. */
static dmx_buf add_packing(struct dmx_engine *e, const char *path,
                           const attention_step *a, dmx_buf in,
                           void (*run)(const dmx_step *, const dmx_frame *,
                                       int64_t, float *))
{
    const dmx_buf out =
        dmx_engine_buffer(e, dmx_plane_make(1, a->heads, head_floats(a)));
    dmx_step *step = dmx_engine_step(e, "pack", path);
    if (out < 0 || step == NULL)
        return -1;
    /* heads follow each other without the padding of a plane */
    e->buffer[out].floats = a->heads * head_floats(a);
    step->run = run;
    step->parameters = a;
    step->in[0] = in;
    step->out[0] = out;
    step->tasks = a->heads * a->blocks;
    return out;
}

bool dmx_step_attention(struct dmx_engine *e, const char *path, dmx_buf q,
                        dmx_buf k, dmx_buf v, dmx_buf out, int64_t heads,
                        double scale)
{
    const int64_t nr = e->kernels->nr;
    attention_step *a = dmx_engine_parameters(e, sizeof *a);
    if (a == NULL)
        return false;
    a->heads = heads;
    a->width = e->buffer[q].plane.channels / heads;
    a->wide = dmx_round_up(a->width, e->kernels->mr);
    a->queries = e->buffer[q].plane.cols;
    a->keys = e->buffer[k].plane.cols;
    a->blocks = (a->keys + KEYS - 1) / KEYS;
    a->scale = (float)(scale * 1.44269504088896340736); /* 1 / ln 2 */
    const dmx_buf keys = add_packing(e, path, a, k, pack_keys);
    const dmx_buf values = add_packing(e, path, a, v, pack_values);
    dmx_step *step = dmx_engine_step(e, "attention", path);
    if (keys < 0 || values < 0 || step == NULL)
        return false;
    step->run = attend;
    step->parameters = a;
    step->in[0] = q;
    step->in[1] = keys;
    step->in[2] = values;
    step->out[0] = out;
    step->tasks = heads * ((a->queries + nr - 1) / nr);
    step->scratch = (3 * a->wide + KEYS + 3) * nr + 64;
    step->flops =
        4.0 * (double)a->queries * (double)a->keys * (double)(heads * a->width);
    return true;
}
