/* The tags of Matroska and WebM, weighed while a library reads them. */
#ifndef DMX_AUDIO_MATROSKA_TAGS_H
#define DMX_AUDIO_MATROSKA_TAGS_H

#include "audio/span.h"

#include <stdbool.h>
#include <stddef.h>

#define DMX_MATROSKA_MAX_TAGS 16 /* Tags elements in a file */

typedef struct dmx_matroska_tags {
    int64_t at[DMX_MATROSKA_MAX_TAGS]; /* of those seen */
    size_t count;
    uint64_t texts, cost;
} dmx_matroska_tags;

/* Looks for Tags elements that begin in the n bytes at `at`, which are on their
 * way to the library, wherever they may be hidden. True when all tags together
 * would take it seconds: for each Tag it sorts everything anew. Takes time
 * linear in n and in the size of the tags. */
bool dmx_matroska_flood(dmx_matroska_tags *tags, const dmx_span *span,
                        const unsigned char *bytes, int64_t at, size_t n);

#endif
