/* The arithmetic of each class of layers. */
#ifndef DMX_ENGINE_PRECISION_H
#define DMX_ENGINE_PRECISION_H

#include "base/arithmetic.h"

#include <stdint.h>

/* Classes of layers with similar rounding errors. */
typedef enum dmx_layers {
    DMX_LAYERS_FEED,       /* pairs of linear maps: feed-forward blocks */
    DMX_LAYERS_HEADS,      /* linear maps to queries, keys and values */
    DMX_LAYERS_LINEAR,     /* other linear maps */
    DMX_LAYERS_ATTENTION,  /* its two products */
    DMX_LAYERS_CONV,       /* convolutions */
    DMX_LAYERS_TRANSPOSED, /* transposed convolutions */
    DMX_LAYERS_WINOGRAD,   /* convolutions of three taps by Winograd's method */
    DMX_LAYERS_COUNT
} dmx_layers;

/* All zeros: everything in float32. */
typedef struct dmx_precision_plan {
    dmx_number of[DMX_LAYERS_COUNT];
} dmx_precision_plan;

/* A description of an engine's precision. */
typedef struct dmx_precision_report {
    int wanted;       /* dmx_engine_precision */
    double promise;   /* dB; 0 of exact */
    double decibels;  /* of the worst source; INFINITY: exact */
    int64_t samples;  /* of the signals of the proof; 0: there is none */
    const char *note; /* or NULL: the precision is as requested */
} dmx_precision_report;

#endif
