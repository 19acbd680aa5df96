/* Shared by pushed and whole tracks. */
#ifndef DMX_SEPARATE_SEPARATION_H
#define DMX_SEPARATE_SEPARATION_H

#include "separate/separator.h"

/* No NaN, no infinity. */
bool dmx_planes_finite(const float *const *planes, int64_t channels,
                       size_t frames);

#endif
