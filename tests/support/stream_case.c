#include "stream_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

float *stream_song(int64_t length)
{
    float *song = malloc((size_t)(STREAM_CHANNELS * length) * sizeof *song);
    assert_non_null(song);
    uint64_t random = 3;
    for (int64_t i = 0; i < length; i++) {
        const double t = (double)i / 44100;
        const double beat = fmod(t, 0.25);
        const double note = 110 * pow(2, floor(fmod(4 * t, 7)) / 12);
        for (int c = 0; c < STREAM_CHANNELS; c++)
            song[c * length + i] =
                (float)(0.2 * sin(6.283185307179586 * note * t + c) +
                        0.1 * sin(6.283185307179586 * 3 * note * t) +
                        0.3 * exp(-40 * beat) * test_normal(&random) * 0.5);
    }
    return song;
}

dmx_separator *stream_separator(const char *model,
                                const dmx_separator_options *options)
{
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separator_open_file(&s, test_data(model), options, &err),
              &err);
    return s;
}

void stream_block(dmx_stream *s, const float *song, int64_t length, int64_t at,
                  int64_t n, float *y, int64_t rows, int64_t capacity)
{
    float *in = calloc((size_t)(STREAM_CHANNELS * n), sizeof *in);
    float *plane[STREAM_MOST_ROWS];
    const float *mix[STREAM_CHANNELS];
    dmx_error err = DMX_ERROR_INIT;
    assert_non_null(in);
    for (int64_t c = 0; c < STREAM_CHANNELS; c++) {
        for (int64_t i = 0; i < n && at + i < length; i++)
            in[c * n + i] = song[c * length + at + i];
        mix[c] = in + c * n;
    }
    assert_true(at + n <= capacity);
    for (int64_t r = 0; r < rows; r++)
        plane[r] = y + r * capacity + at;
    assert_ok(dmx_stream_wait(s, (size_t)n, NULL, &err), &err);
    dmx_stream_process(s, plane, mix, (size_t)n);
    free(in);
}

float *stream_run(dmx_stream *s, const float *song, int64_t length,
                  int64_t rows, int64_t block)
{
    const int64_t all = length + dmx_stream_latency(s);
    float *y = calloc((size_t)(rows * all), sizeof *y);
    assert_non_null(y);
    uint64_t random = 1;
    for (int64_t at = 0; at < all;) {
        int64_t n =
            block > 0 ? block : 1 + (int64_t)(test_random(&random) % 3000);
        n = n < all - at ? n : all - at;
        stream_block(s, song, length, at, n, y, rows, all);
        at += n;
    }
    for (int64_t r = 0; r < rows; r++)
        memmove(y + r * length, y + r * all + all - length,
                (size_t)length * sizeof *y);
    return y;
}
