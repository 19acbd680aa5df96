/* One output file of a song: clipping, spooling until its peak is known,
 * writing. */
#ifndef DMX_SEPARATE_SONG_SINK_H
#define DMX_SEPARATE_SONG_SINK_H

#include "audio/writer.h"

#include <stdbool.h>

typedef struct dmx_song_sink {
    dmx_audio_writer *writer; /* opened at the start, so that a file that can't
                                 be written fails early */
    const char *path;         /* borrowed */
    dmx_clip clip;
    int channels;
    FILE *spool;     /* RESCALE: interleaved float32, unlinked */
    float *block;    /* [channels][DMX_SINK_BLOCK], interleaved or planar */
    int64_t spooled; /* frames */
    double peak, scale;
    bool committed;
} dmx_song_sink;

enum { DMX_SINK_BLOCK = 4096 };

DMX_MUST_CHECK dmx_status dmx_song_sink_open(
    dmx_song_sink *out, const char *path,
    const dmx_audio_writer_options *options, dmx_clip clip, dmx_error *err);

/* May change the planes. */
DMX_MUST_CHECK dmx_status dmx_song_sink_put(dmx_song_sink *sink,
                                            float *const *planes, size_t frames,
                                            dmx_error *err);
/* Writes the integers as they are; the float planes are for measuring the peak.
 */
DMX_MUST_CHECK dmx_status dmx_song_sink_put_int(dmx_song_sink *sink,
                                                const int32_t *const *integers,
                                                const float *const *planes,
                                                size_t frames, dmx_error *err);

/* Writes the spooled audio, now that the peak is known. */
DMX_MUST_CHECK dmx_status dmx_song_sink_finish(dmx_song_sink *sink,
                                               const dmx_hooks *hooks,
                                               dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_song_sink_commit(dmx_song_sink *sink,
                                               dmx_error *err);
/* keep false: removes a file that is already committed, unless it replaced an
 * older one. */
void dmx_song_sink_close(dmx_song_sink *sink, bool keep);

#endif
