/* Sample formats of the FFmpeg libraries <-> float32 planes. */
#ifndef DMX_AUDIO_SAMPLES_H
#define DMX_AUDIO_SAMPLES_H

#include "audio/av_compat.h"
#include <stdbool.h>

/* True for the formats that dmx_samples_decode reads: all of FFmpeg's. */
bool dmx_samples_known(int format);

/* planes[c][at .. at + count) from the frame's samples [from, from + count).
 * Integers by 2^-(bits-1): exact up to 24 bits, else to nearest even. */
void dmx_samples_decode(float *const *planes, size_t at, const AVFrame *frame,
                        size_t from, size_t count);

/* One channel of float samples into frame samples [at, at + count) of a FLT
 * or FLTP frame, and of integers (already of the stream's `bits`, stored in
 * the upper ones) into S16, S16P, S32 or S32P. */
void dmx_samples_put_float(AVFrame *frame, int channel, size_t at,
                           const float *in, size_t count);
void dmx_samples_put_int(AVFrame *frame, int channel, size_t at,
                         const int32_t *in, size_t count, int bits);

#endif
