/* Mean and unbiased standard deviation of a track's mono mix, which the
 * original normalises by (demucs.api.Separator.separate_tensor). As there, the
 * mono mix is float32, the mean is rounded to float32, and the deviation is
 * taken around the rounded mean. */
#ifndef DMX_SEPARATE_TRACK_LEVEL_H
#define DMX_SEPARATE_TRACK_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/* Compensated sums (Neumaier), so that neither length nor block size affects
 * the result. Zero-initialise. */
typedef struct dmx_track_level {
    double sum[2], square[2]; /* value, lost low part */
    int64_t frames;
} dmx_track_level;

void dmx_track_level_add(dmx_track_level *level, const float *const *planes,
                         size_t channels, size_t frames);

/* Both are float32 numbers. std is 0 for fewer than two frames. */
void dmx_track_level_get(const dmx_track_level *level, double *mean,
                         double *std);

#endif
