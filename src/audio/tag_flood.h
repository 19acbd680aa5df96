/* Detects files with more tags than any real song before a library reads them:
 * its time grows with the square of their number. */
#ifndef DMX_AUDIO_TAG_FLOOD_H
#define DMX_AUDIO_TAG_FLOOD_H

#include "audio/input.h"

/* *skip: bytes of the ID3v2 tags at the start when they hold more than
 * DMX_INPUT_MAX_TAGS frames, or more than 4 MiB in frames other than pictures;
 * else 0. LIMIT when FLAC's or Ogg's comments are more than those. Takes time
 * linear in the size of the tags. */
DMX_MUST_CHECK dmx_status dmx_tag_flood_check(int64_t *skip,
                                              const dmx_span *span,
                                              const char *name, dmx_error *err);

/* The error for such a file. */
dmx_status dmx_tag_flood(const char *name, dmx_error *err);

#endif
