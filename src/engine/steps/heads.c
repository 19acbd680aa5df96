#include "engine/steps/heads.h"

dmx_heads dmx_heads_make(const dmx_kernels *k, const dmx_plane *p,
                         int64_t heads)
{
    const int64_t width = p->channels / heads;
    return (dmx_heads){.heads = heads,
                       .width = width,
                       .wide = dmx_round_up(width, k->mr),
                       .tokens = p->cols,
                       .blocks = (p->cols + DMX_KEYS - 1) / DMX_KEYS};
}

static int64_t tokens_of(const dmx_heads *h, int64_t block)
{
    return dmx_min(DMX_KEYS, h->tokens - block * DMX_KEYS);
}

void dmx_pack_keys(float *out, const dmx_heads *h, const dmx_kernels *k,
                   const float *x, int64_t stride, int64_t block)
{
    const int64_t mr = k->mr, end = (block + 1) * DMX_KEYS;
    out += block * DMX_KEYS * h->width;
    for (int64_t t = block * DMX_KEYS; t < end; t += mr)
        for (int64_t d = 0; d < h->width; d++, out += mr)
            for (int64_t i = 0; i < mr; i++)
                out[i] = t + i < h->tokens ? x[d * stride + t + i] : 0.0f;
}

void dmx_pack_values(float *out, const dmx_heads *h, const dmx_kernels *k,
                     const float *x, int64_t stride, int64_t block)
{
    const int64_t t0 = block * DMX_KEYS, n = tokens_of(h, block);
    out += t0 * h->wide;
    for (int64_t d = 0; d < h->wide; d += k->mr, out += n * k->mr)
        k->pack_left(out, x + d * stride + t0, stride,
                     dmx_min(k->mr, h->width - d), n);
}

bool dmx_heads_fit(const dmx_heads *h, const dmx_kernels *k)
{
    return h->width % k->mr == 0 && k->nr % k->mr == 0;
}

void dmx_heads_store(float *out, const dmx_heads *h, const dmx_kernels *k,
                     dmx_head_order order, const float *c, int64_t channel,
                     int64_t count, int64_t t, int64_t n)
{
    const int64_t block = t / DMX_KEYS, t0 = block * DMX_KEYS;
    for (int64_t r = 0; r < count; r += k->mr, c += k->mr * k->nr) {
        const int64_t head = (channel + r) / h->width;
        const int64_t d = (channel + r) % h->width;
        float *to = out + head * dmx_head_floats(h);
        if (order == DMX_HEADS_KEYS)
            k->split_tile(to + t * h->width + d * k->mr, h->width * k->mr, c);
        else
            k->pack_left(to + t0 * h->wide + d * tokens_of(h, block) +
                             (t - t0) * k->mr,
                         c, k->nr, k->mr, n);
    }
}
