/* Error metrics of a float32 output against a float64 reference. */
#ifndef DMX_VERIFY_METRICS_H
#define DMX_VERIFY_METRICS_H

#include "base/error.h"

/* What every source must keep. */
typedef struct dmx_gate {
    double tolerance; /* largest difference relative to the reference's peak;
                         INFINITY: any */
    double min_snr;   /* smallest signal-to-noise ratio, dB; -INFINITY: any */
} dmx_gate;

/* Compares one source: [channels][samples] each, rows `stride` elements apart
 * in `value`. Fills all numbers of *out; a difference that is not finite
 * counts as infinite. A silent reference is compared as one of peak 1. */
void dmx_compare(dmx_parity *out, const double *reference, const float *value,
                 int64_t channels, int64_t samples, int64_t stride,
                 dmx_gate gate);

#endif
