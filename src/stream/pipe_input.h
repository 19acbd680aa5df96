/* Samples from a file descriptor as they come: headerless PCM, or WAV. */
#ifndef DMX_STREAM_PIPE_INPUT_H
#define DMX_STREAM_PIPE_INPUT_H

#include "audio/raw.h"

#include <stdbool.h>
#include <stdint.h>

enum { DMX_PIPE_BYTES = 65536 };

typedef struct dmx_pipe_input {
    int fd;
    const dmx_hooks *hooks; /* cancellation while nothing comes */
    dmx_raw_spec spec;
    bool is_wav;
    int64_t left; /* bytes of samples still to come; INT64_MAX: to the end */
    unsigned char bytes[DMX_PIPE_BYTES];
    size_t used, have; /* bytes [used, have) wait */
    bool ended;
} dmx_pipe_input;

/* raw: "s16le,44100,2"; NULL: reads a WAV header (RIFF, RF64, BW64) up to its
 * samples. Fails with ARGUMENT, FORMAT, UNSUPPORTED, IO or CANCELLED. */
DMX_MUST_CHECK dmx_status dmx_pipe_input_open(dmx_pipe_input *out, int fd,
                                              const char *raw,
                                              const dmx_hooks *hooks,
                                              dmx_error *err);

/* What has come, at most `capacity` frames; waits for one at least. *got == 0:
 * the end. A part of a frame at the end is left out. */
DMX_MUST_CHECK dmx_status dmx_pipe_input_read(dmx_pipe_input *in,
                                              float *const *planes,
                                              size_t capacity, size_t *got,
                                              dmx_error *err);

#endif
