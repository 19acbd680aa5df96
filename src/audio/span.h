/* A part of an open file. */
#ifndef DMX_AUDIO_SPAN_H
#define DMX_AUDIO_SPAN_H

#include <stddef.h>
#include <stdint.h>

typedef struct dmx_span {
    int fd; /* borrowed */
    int64_t base, size;
} dmx_span;

/* Bytes from `at` on, counted from the span's start: how many of the n are
 * there; errno tells of a read that failed. */
size_t dmx_span_read(const dmx_span *span, int64_t at, unsigned char *out,
                     size_t n);

/* Goes through a span byte by byte; zero it and set the span. */
typedef struct dmx_span_reader {
    dmx_span span;
    int64_t at; /* the next byte */
    int64_t block_at;
    size_t block_size;
    unsigned char block[65536];
} dmx_span_reader;

/* The byte at `at`, which moves on; -1 at the end. */
int dmx_span_next(dmx_span_reader *reader);

#endif
