/* Which arithmetic each class of layers has. */
#ifndef DMX_ENGINE_PRECISION_H
#define DMX_ENGINE_PRECISION_H

#include "base/arithmetic.h"

/* Classes of layers, in which errors are alike. */
typedef enum dmx_layers {
    DMX_LAYERS_FEED,       /* pairs of linear maps: feed-forward blocks */
    DMX_LAYERS_HEADS,      /* linear maps that make queries, keys, values */
    DMX_LAYERS_LINEAR,     /* other linear maps */
    DMX_LAYERS_ATTENTION,  /* its two products */
    DMX_LAYERS_CONV,       /* convolutions */
    DMX_LAYERS_TRANSPOSED, /* transposed convolutions */
    DMX_LAYERS_WINOGRAD,   /* convolutions of three taps by Winograd's method */
    DMX_LAYERS_COUNT
} dmx_layers;

/* All zero: everything in float32. */
typedef struct dmx_precision_plan {
    dmx_number of[DMX_LAYERS_COUNT];
} dmx_precision_plan;

/* What an engine is, for those who ask. */
typedef struct dmx_precision_report {
    int wanted;       /* dmx_engine_precision */
    double promise;   /* dB; 0 of exact */
    double decibels;  /* of the worst source; INFINITY: as exact */
    const char *note; /* or NULL: it is as it was wanted */
} dmx_precision_report;

#endif
