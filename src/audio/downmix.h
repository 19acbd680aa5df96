/* Any speaker layout -> mono or stereo (ITU-R BS.775, docs/audio.md). */
#ifndef DMX_AUDIO_DOWNMIX_H
#define DMX_AUDIO_DOWNMIX_H

#include "audio/reader.h"

/* gain[out][in]; equal channel counts give the identity, bit for bit. */
typedef struct dmx_downmix {
    int in, out;
    float gain[2][DMX_AUDIO_MAX_CHANNELS];
} dmx_downmix;

/* From `in` channels with the given layout (0: unknown, then even channels are
 * left and odd ones right) to `out`, 1 or 2. ARGUMENT for anything else. The
 * gains of an output channel never sum to more than 1, so that nothing can
 * clip. */
DMX_MUST_CHECK dmx_status dmx_downmix_init(dmx_downmix *mix, int in,
                                           uint64_t layout, int out,
                                           dmx_error *err);

/* out[mix->out][frames] from in[mix->in][frames]. The planes may not
 * overlap, except that out[c] may be in[c] when in == out. */
void dmx_downmix_apply(const dmx_downmix *mix, float *const *out,
                       const float *const *in, size_t frames);

#endif
