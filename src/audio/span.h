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
 * there. */
size_t dmx_span_read(const dmx_span *span, int64_t at, unsigned char *out,
                     size_t n);

#endif
