/* Weights for small graphs that are made in a test. */
#ifndef DMX_TESTS_RANDOM_TENSOR_H
#define DMX_TESTS_RANDOM_TENSOR_H

#include "base/memory.h"
#include "base/tensor.h"

/* A tensor of N(centre, spread) in the arena; seed is advanced. */
const dmx_tensor *random_tensor(dmx_arena *arena, uint64_t *seed,
                                const char *name, double centre, double spread,
                                int rank, const int64_t *dim);

/* Of the caller's numbers: [a][b], or [a] where the rank is 1. */
dmx_tensor float_tensor(const char *name, const float *data, int rank,
                        int64_t a, int64_t b);

#endif
