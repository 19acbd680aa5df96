/* Dimensions of ONNX values, which may be known only when the model runs.
 *
 * A dimension is a number, or a rule that depends on the input's shape: a
 * length (graph/length.h) of its samples, its batch, or a product of the two.
 * Recipes use extents without distinguishing the two. */
#ifndef DMX_ONNX_EXTENT_H
#define DMX_ONNX_EXTENT_H

#include "onnx/emitter.h"

/* A number, or, below -1, one of the emitter's rules; equal rules have equal
 * extents. -1 is a dimension without a rule, which has no name. */
#define DMX_UNNAMED ((dmx_extent)-1)

static inline bool dmx_extent_is_free(dmx_extent x)
{
    return x < DMX_UNNAMED;
}

/* A length in samples, times the batch if `batch` is set. */
dmx_extent dmx_extent_of(dmx_emitter *e, dmx_length length, bool batch);
/* The rule of a dimension; a number has one, too. */
dmx_free_extent dmx_extent_rule(const dmx_emitter *e, dmx_extent x);

/* Arithmetic; a result without a rule is an error. n >= 1, except for plus. */
dmx_extent dmx_extent_times(dmx_emitter *e, dmx_extent x, int64_t n);
/* One of a and b is a number, or the batch times one. */
dmx_extent dmx_extent_product(dmx_emitter *e, dmx_extent a, dmx_extent b);
dmx_extent dmx_extent_plus(dmx_emitter *e, dmx_extent x, int64_t n);
dmx_extent dmx_extent_ceil(dmx_emitter *e, dmx_extent x, int64_t n);
/* x / n, which must be an integer. */
dmx_extent dmx_extent_divide(dmx_emitter *e, dmx_extent x, int64_t n);
/* DMX_UNNAMED, without an error, where there is no rule. */
dmx_extent dmx_extent_floor(dmx_emitter *e, dmx_extent x, int64_t n);
dmx_extent dmx_extent_sum(dmx_emitter *e, dmx_extent a, dmx_extent b);
dmx_extent dmx_extent_difference(dmx_emitter *e, dmx_extent a, dmx_extent b);

/* The same dimension by a name that no other has, "samples+0*7" for tag 7:
 * runtimes keep memory that they planned for a shape from its first use to its
 * last, so what is large should be one shape for a short time only. x itself
 * where it is a number. tag >= 1. */
dmx_extent dmx_extent_apart(dmx_emitter *e, dmx_extent x, int64_t tag);

/* The value of x at the typical length and batch 1. Recipes use it to choose
 * between forms that are all correct for every length. */
int64_t dmx_extent_typical(const dmx_emitter *e, dmx_extent x);

/* "batch*4*ceil(samples/1024)", in the emitter's memory. */
const char *dmx_extent_name(dmx_emitter *e, dmx_extent x);

#endif
