/* A file's tags and cover, through the FFmpeg side. */
#ifndef DMX_AUDIO_FILE_TAGS_H
#define DMX_AUDIO_FILE_TAGS_H

#include "audio/input.h"
#include "audio/tags.h"

/* The tags of an open container; stream may be NULL. A cover that can't be used
 * causes a warning. */
DMX_MUST_CHECK dmx_status dmx_file_tags(dmx_audio_tags *tags,
                                        const dmx_input *input,
                                        const AVStream *stream,
                                        const dmx_hooks *hooks, dmx_error *err);

/* Of a file whose samples are read by ourselves; none when the libraries
 * don't know it. *layout: theirs, or the usual one for so many channels, where
 * it is 0. id3: where an ID3v2 tag is inside of the file; 0: no such. Fails
 * with MEMORY or LIMIT only. */
DMX_MUST_CHECK dmx_status dmx_file_tags_open(
    dmx_audio_tags *tags, uint64_t *layout, int fd, int64_t size, int64_t id3,
    const char *name, int channels, const dmx_hooks *hooks, dmx_error *err);

#endif
