/* A queue of the input audio, which waits until its stems are done. */
#ifndef DMX_SEPARATE_SONG_QUEUE_H
#define DMX_SEPARATE_SONG_QUEUE_H

#include "base/error.h"

/* Zero-initialise and set channels. Grows to the most frames queued at one
 * time. */
typedef struct dmx_song_queue {
    size_t channels, capacity, first, count;
    float *memory; /* [channels][capacity] */
} dmx_song_queue;

DMX_MUST_CHECK dmx_status dmx_song_queue_put(dmx_song_queue *queue,
                                             const float *const *planes,
                                             size_t frames, dmx_error *err);
/* Frames that were never put in come out as silence. */
void dmx_song_queue_take(dmx_song_queue *queue, float *const *planes,
                         size_t frames);
void dmx_song_queue_free(dmx_song_queue *queue);

#endif
