/* Filters for twice and half the sample rate, [phases][taps]: weights of the
 * graph's RESAMPLE. */
#ifndef DMX_ARCH_RESAMPLE_TAPS_H
#define DMX_ARCH_RESAMPLE_TAPS_H

#include "base/tensor.h"

extern const dmx_tensor dmx_resample_up, dmx_resample_down;

#endif
