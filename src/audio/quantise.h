/* float32 -> integers of 16 or 24 bits. */
#ifndef DMX_AUDIO_QUANTISE_H
#define DMX_AUDIO_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

/* Dither noise of one channel; the same seed yields the same noise, however the
 * sound is divided into blocks. */
typedef struct dmx_dither {
    uint64_t state;
} dmx_dither;

/* out[i] = clamp(round_half_even(in[i] * 2^(bits-1) + noise)), noise of
 * triangular distribution within +-1 when dither is given (NULL: 0). NaN
 * becomes 0. Returns how many samples were clamped. */
int64_t dmx_quantise(int32_t *out, const float *in, size_t count, int bits,
                     dmx_dither *dither);

/* Clamps integers to the range of `bits`; returns how many were outside. */
int64_t dmx_clamp_integers(int32_t *out, const int32_t *in, size_t count,
                           int bits);

#endif
