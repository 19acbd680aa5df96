/* The bit rates that a lossy format supports: encoders silently change others.
 */
#ifndef DMX_AUDIO_BITRATE_H
#define DMX_AUDIO_BITRATE_H

#include "audio/writer.h"

/* Fails with ARGUMENT, listing the valid rates, for a rate that the format does
 * not support at this sample rate and channel count; kbps 0 (the default) is
 * always valid. */
DMX_MUST_CHECK dmx_status dmx_audio_check_bitrate(dmx_audio_format format,
                                                  int rate, int channels,
                                                  int kbps, dmx_error *err);

#endif
