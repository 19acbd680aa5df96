/* Sample-rate conversion without delay and with an exact length. */
#ifndef DMX_AUDIO_RESAMPLE_H
#define DMX_AUDIO_RESAMPLE_H

#include "base/error.h"

/* Streaming converter (libsoxr, very high quality, linear phase). Output
 * frame k lies at time k / out_rate of the input; equal rates copy bit for
 * bit. */
typedef struct dmx_resampler dmx_resampler;

/* n input frames yield exactly ceil(n * out_rate / in_rate) output frames, so a
 * round trip returns at least n: pass n as the `limit` of the way back. */
int64_t dmx_resampled_length(int64_t frames, int in_rate, int out_rate);

/* limit: the exact number of output frames, zero-padded at the end of the input
 * if necessary; -1: the rule above. */
DMX_MUST_CHECK dmx_status dmx_resampler_open(dmx_resampler **out, int in_rate,
                                             int out_rate, int channels,
                                             int64_t limit, dmx_error *err);
void dmx_resampler_close(dmx_resampler *resampler);

/* Consumes *used frames of in[channels][frames] and produces *made <= capacity
 * frames of out[channels][...]. Call again with the rest of the input while
 * *used < frames. in == NULL with frames == 0 marks the end: call until *made
 * is 0. */
DMX_MUST_CHECK dmx_status dmx_resampler_process(dmx_resampler *resampler,
                                                const float *const *in,
                                                size_t frames, size_t *used,
                                                float *const *out,
                                                size_t capacity, size_t *made,
                                                dmx_error *err);

#endif
