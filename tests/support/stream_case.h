/* Streams over a song in memory, for the tests of streams. */
#ifndef DMX_TESTS_STREAM_CASE_H
#define DMX_TESTS_STREAM_CASE_H

#include "test_support.h"

enum { STREAM_CHANNELS = 2, STREAM_MOST_ROWS = 16 };

/* Chords and noise bursts; float32 [2][length], malloc'd. */
float *stream_song(int64_t length);

dmx_separator *stream_separator(const char *model,
                                const dmx_separator_options *options);

/* One block of `n` frames from `at` of the song (zeros beyond `length`),
 * waited for; y[rows][capacity] receives it at `at`. */
void stream_block(dmx_stream *s, const float *song, int64_t length, int64_t at,
                  int64_t n, float *y, int64_t rows, int64_t capacity);

/* The whole song and the latency after it, in blocks (0: random ones):
 * y[rows][length], malloc'd, latency taken off. */
float *stream_run(dmx_stream *s, const float *song, int64_t length,
                  int64_t rows, int64_t block);

#endif
