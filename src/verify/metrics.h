/* Error metrics of a float32 output against a float64 reference. */
#ifndef DMX_VERIFY_METRICS_H
#define DMX_VERIFY_METRICS_H

#include "base/error.h"

/* Compares one source: [channels][samples] each, rows `stride` elements apart
 * in `value`. Fills all numbers of *out; a difference that is not finite
 * counts as infinite. A silent reference is compared with an absolute
 * tolerance of `tolerance`. */
void dmx_compare(dmx_parity *out, const double *reference, const float *value,
                 int64_t channels, int64_t samples, int64_t stride,
                 double tolerance);

#endif
