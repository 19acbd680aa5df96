#include "memory_track.h"

#include <string.h>

static dmx_status read_mix(void *user, float *const *planes, size_t capacity,
                           size_t *got, dmx_error *err)
{
    (void)err;
    memory_track *t = user;
    size_t n = t->block < capacity ? t->block : capacity;
    if ((int64_t)n > t->length - t->in)
        n = (size_t)(t->length - t->in);
    for (int64_t c = 0; c < t->channels; c++)
        memcpy(planes[c], t->mix + c * t->row + t->in, n * sizeof(float));
    t->in += (int64_t)n;
    *got = n;
    return DMX_OK;
}

static dmx_status rewind_mix(void *user, dmx_error *err)
{
    (void)err;
    ((memory_track *)user)->in = 0;
    return DMX_OK;
}

static dmx_status write_stems(void *user, const float *const *stems,
                              const float *const *mix, size_t frames,
                              dmx_error *err)
{
    (void)err;
    memory_track *t = user;
    assert_true(t->out + (int64_t)frames <= t->length);
    for (int64_t r = 0; r < t->rows; r++)
        memcpy(t->stems + r * t->length + t->out, stems[r],
               frames * sizeof(float));
    for (int64_t c = 0; c < t->channels; c++)
        assert_memory_equal(t->mix + c * t->row + t->out, mix[c],
                            frames * sizeof(float));
    t->out += (int64_t)frames;
    return DMX_OK;
}

dmx_separator_io memory_track_io(memory_track *t, int64_t channels,
                                 int64_t rows, dmx_normalization normalize)
{
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    t->channels = channels;
    t->rows = rows;
    t->row = t->row > 0 ? t->row : t->length;
    t->block = t->block > 0 ? t->block : 4999;
    t->in = t->out = 0;
    io.user = t;
    io.read = read_mix;
    io.rewind = rewind_mix;
    io.write = write_stems;
    io.normalize = normalize;
    return io;
}
