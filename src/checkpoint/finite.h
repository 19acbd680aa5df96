/* Weights must be finite: a training run that diverged leaves NaN behind. */
#ifndef DMX_CHECKPOINT_FINITE_H
#define DMX_CHECKPOINT_FINITE_H

#include "base/tensor.h"

/* Finds the first element, in row-major order, that is not a finite float32 (a
 * float64 may be finite and still too large): its index and value. False when
 * there is none. Reads contiguous tensors eight bytes at a time, close to
 * memory bandwidth. */
bool dmx_tensor_nonfinite(size_t *index, double *value, const dmx_tensor *t);

#endif
