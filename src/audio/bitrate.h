/* Which bit rates a lossy format has: encoders change others silently. */
#ifndef DMX_AUDIO_BITRATE_H
#define DMX_AUDIO_BITRATE_H

#include "audio/writer.h"

/* ARGUMENT, with the rates there are, for one that the format does not have at
 * this sample rate and number of channels; kbps 0 (the default) always is. */
DMX_MUST_CHECK dmx_status dmx_audio_check_bitrate(dmx_audio_format format,
                                                  int rate, int channels,
                                                  int kbps, dmx_error *err);

#endif
