/* Deterministic test signals: only integer arithmetic and the correctly rounded
 * operations of IEEE 754 (+ - * / sqrt) in a fixed order, so that every machine
 * produces the same bits. docs/verification.md describes them. */
#ifndef DMX_BASE_TEST_SIGNAL_H
#define DMX_BASE_TEST_SIGNAL_H

#include "base/error.h"

/* [channels][samples] each. */
void dmx_signal_noise(float *out, int64_t channels, int64_t samples);
void dmx_signal_music(float *out, int64_t channels, int64_t samples);
/* The music with noise 60 dB below full scale. A network that divides a
 * spectrogram by its magnitudes turns the rounding errors of empty bins into
 * arbitrary values, so silence and clean tones cannot test it. */
void dmx_signal_music_over_noise(float *out, int64_t channels, int64_t samples);

#endif
