#include "separate/song_queue.h"
#include "base/memory.h"

#include <string.h>

/* Moves the frames from `first` to the start and makes room for `need`. */
static dmx_status make_room(dmx_song_queue *q, size_t need, dmx_error *err)
{
    size_t capacity = q->capacity > 0 ? q->capacity : 65536;
    while (capacity < need)
        capacity *= 2;
    float *memory = dmx_aligned_alloc(capacity * q->channels, sizeof *memory);
    DMX_RETURN_IF(memory == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu frames", capacity);
    for (size_t c = 0; c < q->channels && q->count > 0; c++)
        memcpy(memory + c * capacity, q->memory + c * q->capacity + q->first,
               q->count * sizeof *memory);
    dmx_aligned_free(q->memory);
    q->memory = memory;
    q->capacity = capacity;
    q->first = 0;
    return DMX_OK;
}

dmx_status dmx_song_queue_put(dmx_song_queue *q, const float *const *planes,
                              size_t frames, dmx_error *err)
{
    if (q->first + q->count + frames > q->capacity)
        DMX_FORWARD(make_room(q, q->count + frames, err));
    for (size_t c = 0; c < q->channels; c++)
        memcpy(q->memory + c * q->capacity + q->first + q->count, planes[c],
               frames * sizeof(float));
    q->count += frames;
    return DMX_OK;
}

void dmx_song_queue_take(dmx_song_queue *q, float *const *planes, size_t frames)
{
    const size_t n = frames < q->count ? frames : q->count;
    for (size_t c = 0; c < q->channels; c++) {
        if (n > 0)
            memcpy(planes[c], q->memory + c * q->capacity + q->first,
                   n * sizeof(float));
        memset(planes[c] + n, 0, (frames - n) * sizeof(float));
    }
    q->first += n;
    q->count -= n;
}

void dmx_song_queue_free(dmx_song_queue *q)
{
    dmx_aligned_free(q->memory);
    *q = (dmx_song_queue){0};
}
