/* Weights must be numbers: a training run that diverged leaves NaN behind. */
#ifndef DMX_CHECKPOINT_FINITE_H
#define DMX_CHECKPOINT_FINITE_H

#include "base/tensor.h"

/* The first element, in row-major order, that is no finite float32 (a float64
 * may be finite and still too large): its index and value. False when there
 * is none. Reads contiguous tensors eight bytes at a time, about as fast as
 * memory delivers them. */
bool dmx_tensor_nonfinite(size_t *index, double *value, const dmx_tensor *t);

#endif
