/* What makes an MP4 file a DJ stem file: the box `moov/udta/stem`, JSON that
 * names and colours the stems. Source: Native Instruments' Stem file format,
 * version 1, as Traktor and Mixxx read it. */
#ifndef DMX_AUDIO_STEM_BOX_H
#define DMX_AUDIO_STEM_BOX_H

#include "audio/sink.h"

#define DMX_STEM_COUNT 4 /* the mix is not one */

/* Adds the box to a complete MP4 file whose last box is `moov`, as the FFmpeg
 * libraries write it. The sink is readable and seekable. */
DMX_MUST_CHECK dmx_status
dmx_stem_box_add(const dmx_sink *sink, const char *const name[DMX_STEM_COUNT],
                 dmx_error *err);

#endif
