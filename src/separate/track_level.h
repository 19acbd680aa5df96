/* Mean and unbiased standard deviation of a track's mono mix, which the
 * original normalises by (demucs.api.Separator.separate_tensor). */
#ifndef DMX_SEPARATE_TRACK_LEVEL_H
#define DMX_SEPARATE_TRACK_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/* Compensated sums (Neumaier): neither length nor the size of the blocks
 * matters. Zero-initialise. */
typedef struct dmx_track_level {
    double sum[2], square[2]; /* value, lost low part */
    int64_t frames;
} dmx_track_level;

void dmx_track_level_add(dmx_track_level *level, const float *const *planes,
                         size_t channels, size_t frames);

/* std is 0 for fewer than two frames. */
void dmx_track_level_get(const dmx_track_level *level, double *mean,
                         double *std);

#endif
