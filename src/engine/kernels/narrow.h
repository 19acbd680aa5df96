/* Products of narrow integers: a table per instruction set that accompanies one
 * of kernels.h with the same lanes and tiles, from one body (narrow_*_body.h).
 *
 * Numbers. k is cut into chunks of DMX_CHUNK elements or fewer; a chunk of a
 * row of A (weights) and one of a column of B (data) have a scale each:
 *   int16: w = scale * q, x = scale * q
 *   int8:  w = scale * q, x = scale * (q - zero), 0 <= q <= 255 (127 in relaxed
 *   WebAssembly)
 * The products within a chunk are summed exactly, in int32, and the chunks'
 * sums in float32.
 *
 * No sum can overflow, whatever the data:
 *   int16: the Euclidean norm of a chunk is at most DMX_CHUNK_NORM in q before
 *     rounding, so at most 46000 + sqrt(512) / 2 < 46012 after it on either
 *     side, and by Cauchy and Schwarz a sum is below 46012^2 < 2^31;
 *   int8: |sum| <= 512 * 127 * 255 < 2^25, and the zero term adds at most as
 *     much.
 * A chunk that contains NaN or infinity has the scale NaN, so that every result
 * it contributes to is NaN; a chunk of zeros yields exact zeros.
 *
 * Layout. 32-bit words of 2 (int16) or 4 (int8) neighbouring elements of k, the
 * first in the lowest bits:
 *   A: tiles of mr rows: [words][mr], then for each chunk [mr] scales and [mr]
 *      sums of q (int32), tile after tile;
 *   B: [words][nr], then for each chunk [nr] scales and [nr] zeros (int32). */
#ifndef DMX_ENGINE_NARROW_H
#define DMX_ENGINE_NARROW_H

#include "base/arithmetic.h"

#include <stdbool.h>
#include <stdint.h>

#define DMX_CHUNK      512 /* elements at most; a multiple of 4 */
#define DMX_CHUNK_NORM 46000.0f

/* The smallest scale: smaller numbers are rounded to multiples of it. */
#define DMX_LEAST_SCALE 1e-30f

/* How a product is divided into chunks. */
typedef struct dmx_cut {
    dmx_number kind;
    int64_t k, chunk;
} dmx_cut;

static inline int64_t dmx_narrow_words(const dmx_cut *c)
{
    return c->kind == DMX_INT8 ? (c->k + 3) / 4 : (c->k + 1) / 2;
}

static inline int64_t dmx_narrow_chunks(const dmx_cut *c)
{
    return (c->k + c->chunk - 1) / c->chunk;
}

/* The size in 32-bit words of a tile or panel of `width` rows or columns. */
static inline int64_t dmx_narrow_places(const dmx_cut *c, int64_t width)
{
    return (dmx_narrow_words(c) + 2 * dmx_narrow_chunks(c)) * width;
}

/* A block of attention: keys [tiles of mr keys], values [tiles of mr channels
 * of k = DMX_KEYS tokens], and the state of nr queries. */
typedef struct dmx_narrow_attention {
    dmx_number kind;
    int64_t width, wide; /* of a head; rounded up to mr */
    int64_t keys, room;  /* of this block; of every block */
    const int32_t *key, *value;
    const int32_t *query; /* a panel of k = width, one chunk */
    float *o, *m, *l;     /* [wide][nr], [nr], [nr] */
    float *score;         /* room for [room][nr] */
    int32_t *softmax;     /* and for [room / 2][nr] */
} dmx_narrow_attention;

typedef struct dmx_narrow_kernels {
    const char *name; /* of the instructions: "avx512vnni" */
    const char *base; /* of the table of kernels.h that it accompanies */
    int64_t mr, nr;
    bool pays[DMX_NUMBERS]; /* faster than float32 */
    int most_weight;        /* largest |q| of int8 in A */

    /* Converts a panel x [k][nr] of float32, 64-byte aligned, to B. */
    void (*panel)(const dmx_cut *cut, const float *x, int32_t *panel);
    /* Converts mr rows of k floats, `stride` apart, to one tile of A; rows from
     * `rows` on are zero. */
    void (*tile)(const dmx_cut *cut, int64_t rows, const float *w,
                 int64_t stride, int32_t *tile);
    /* c [rows][nr] = a b, or c += a b; rows: a multiple of mr. */
    void (*multiply)(const dmx_cut *cut, int64_t rows, const int32_t *a,
                     const int32_t *panel, float *c, bool add);

    /* Attention: pack a block of n keys x [width][stride] as tiles of A (`room`
     * rows), and of values [wide][room], whose sums of |q| are at most 65400,
     * so that with softmax weights up to 32767 no sum overflows. */
    void (*keys)(dmx_number kind, int64_t width, int64_t room, int64_t n,
                 const float *x, int64_t stride, int32_t *block);
    void (*values)(dmx_number kind, int64_t width, int64_t wide, int64_t room,
                   int64_t n, const float *x, int64_t stride, int32_t *block);
    /* One block: scores in base-2 logarithms, running softmax, o = o * decay +
     * values * softmax weights. */
    void (*attend)(const dmx_narrow_attention *a);
} dmx_narrow_kernels;

/* The best table for this processor that accompanies the float32 table of this
 * name; NULL when there is none. */
const dmx_narrow_kernels *dmx_narrow_find(const char *base);
/* All tables that the processor supports, best first; NULL past the end. */
const dmx_narrow_kernels *dmx_narrow_table(int index);

#endif
