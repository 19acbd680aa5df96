/* Where the links of a chained Ogg file end (RFC 3533). */
#ifndef DMX_AUDIO_OGG_LINKS_H
#define DMX_AUDIO_OGG_LINKS_H

#include "base/error.h"

#include <stdint.h>

/* *end: where the link that starts at `start` ends: at a page that begins a
 * stream after pages that don't, or at `size`, the file's end. A file that is
 * not Ogg is one link. Takes time linear in the link's length; IO. */
DMX_MUST_CHECK dmx_status dmx_ogg_link_end(int64_t *end, int fd, int64_t start,
                                           int64_t size, const char *name,
                                           dmx_error *err);

#endif
