/* The destination of an encoder's bytes. */
#ifndef DMX_AUDIO_SINK_H
#define DMX_AUDIO_SINK_H

#include "base/error.h"
#include <stdbool.h>
#include <stdio.h>

typedef struct dmx_sink {
    FILE *stream;     /* borrowed */
    const char *name; /* for messages; borrowed */
    bool seekable;
} dmx_sink;

/* IO, with the system's reason ("No space left on device"). */
DMX_MUST_CHECK dmx_status dmx_sink_write(const dmx_sink *sink, const void *data,
                                         size_t size, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_sink_failure(const dmx_sink *sink, int error,
                                           dmx_error *err);

#endif
