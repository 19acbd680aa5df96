/* Keys and values in the layout of attention: the left sides of its products,
 * block by block, heads one after another.
 *
 * A block is DMX_KEYS tokens. Keys: [block][tokens/mr][width][mr], whole
 * blocks. Values: [block][wide/mr][tokens][mr], with as many tokens as there
 * are; wide is the width of a head rounded up to mr. */
#ifndef DMX_ENGINE_HEADS_H
#define DMX_ENGINE_HEADS_H

#include "engine/kernels/kernels.h"
#include "engine/program.h"

#define DMX_KEYS 96 /* a multiple of every mr and nr */

typedef struct dmx_heads {
    int64_t heads, width, wide;
    int64_t tokens, blocks;
} dmx_heads;

typedef enum dmx_head_order {
    DMX_HEADS_NONE, /* channel by channel */
    DMX_HEADS_KEYS,
    DMX_HEADS_VALUES,
} dmx_head_order;

dmx_heads dmx_heads_make(const dmx_kernels *k, const dmx_plane *p,
                         int64_t heads);

static inline int64_t dmx_head_floats(const dmx_heads *h)
{
    return h->blocks * DMX_KEYS * h->wide;
}

/* Packs one block of one head. x: the head's first channel. */
void dmx_pack_keys(float *out, const dmx_heads *h, const dmx_kernels *k,
                   const float *x, int64_t stride, int64_t block);
void dmx_pack_values(float *out, const dmx_heads *h, const dmx_kernels *k,
                     const float *x, int64_t stride, int64_t block);

/* Whether tiles of a product can be stored in this layout directly. */
bool dmx_heads_fit(const dmx_heads *h, const dmx_kernels *k);

/* Channels [channel, channel + count) of tokens [t, t + n), n <= nr, out of a
 * product's tiles c [count][nr]; channel and t are multiples of mr and nr. */
void dmx_heads_store(float *out, const dmx_heads *h, const dmx_kernels *k,
                     dmx_head_order order, const float *c, int64_t channel,
                     int64_t count, int64_t t, int64_t n);

#endif
