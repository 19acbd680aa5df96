/* Filters for resampling to twice and half the rate, [phases][taps]: the
 * weights of RESAMPLE nodes. */
#ifndef DMX_ARCH_RESAMPLE_TAPS_H
#define DMX_ARCH_RESAMPLE_TAPS_H

#include "base/tensor.h"

extern const dmx_tensor dmx_resample_up, dmx_resample_down;

#endif
