#ifndef DMX_ENGINE_WEIGHTS_H
#define DMX_ENGINE_WEIGHTS_H

#include "engine/plan/planner.h"

/* Taps [from, to) of a convolution over rows that read more than padding: with
 * one row, the middle one of three. */
typedef struct dmx_taps_span {
    int64_t from, to;
} dmx_taps_span;

dmx_taps_span dmx_live_taps(const dmx_planner *p, const dmx_unit *u);

/* Weights and bias in the order that products need, with scale and norm; all
 * malloc'd. */
typedef struct dmx_loaded {
    float *weight, *bias;
    float *scale;                 /* after the product, or NULL */
    float *norm_gain, *norm_bias; /* before it, or NULL */
    int64_t out, in, k, taps[2];
    dmx_taps_span span; /* of a convolution */
} dmx_loaded;

/* Loads those of a unit's product. Unload them even after an error. */
DMX_MUST_CHECK dmx_status dmx_load_weights(dmx_loaded *l, const dmx_planner *p,
                                           const dmx_unit *u, dmx_error *err);
void dmx_unload_weights(dmx_loaded *l);

#endif
