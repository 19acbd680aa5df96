/* Title, artist, cover: the metadata copied from a song to its stems. */
#ifndef DMX_AUDIO_TAGS_H
#define DMX_AUDIO_TAGS_H

#include "base/error.h"

typedef struct dmx_audio_tag {
    char *key;   /* lower case: "title", "artist", "album", "date", "track" */
    char *value; /* UTF-8 */
} dmx_audio_tag;

/* Zero-initialise to start, release with dmx_audio_tags_free. */
typedef struct dmx_audio_tags {
    dmx_audio_tag *tag;
    size_t count;
    size_t capacity;
    unsigned char *cover; /* a JPEG or PNG picture, as it is in the file */
    size_t cover_size;    /* 0: none */
    int cover_is_png;
    int cover_width, cover_height; /* 0: not known */
} dmx_audio_tags;

#define DMX_AUDIO_MAX_TAGS  256
#define DMX_AUDIO_MAX_COVER (16u << 20) /* larger covers are left out */

/* Adds or replaces a tag (value NULL removes it); both strings are copied.
 * LIMIT beyond DMX_AUDIO_MAX_TAGS, MEMORY. */
DMX_MUST_CHECK dmx_status dmx_audio_tags_set(dmx_audio_tags *tags,
                                             const char *key, const char *value,
                                             dmx_error *err);
/* NULL when there is none; keys compare without case. */
const char *dmx_audio_tags_get(const dmx_audio_tags *tags, const char *key);

DMX_MUST_CHECK dmx_status dmx_audio_tags_copy(dmx_audio_tags *out,
                                              const dmx_audio_tags *from,
                                              dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_audio_tags_set_cover(dmx_audio_tags *tags,
                                                   const unsigned char *bytes,
                                                   size_t size, dmx_error *err);
void dmx_audio_tags_free(dmx_audio_tags *tags);

#endif
