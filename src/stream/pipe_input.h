/* Reads samples from a file descriptor as they arrive: headerless PCM, or WAV.
 */
#ifndef DMX_STREAM_PIPE_INPUT_H
#define DMX_STREAM_PIPE_INPUT_H

#include "audio/raw.h"

#include <stdbool.h>
#include <stdint.h>

enum { DMX_PIPE_BYTES = 65536 };

typedef struct dmx_pipe_input {
    int fd;
    const dmx_hooks *hooks; /* cancellation while waiting for input */
    dmx_raw_spec spec;
    bool is_wav;
    int64_t left; /* bytes of samples left; INT64_MAX: until the end */
    unsigned char bytes[DMX_PIPE_BYTES];
    size_t used, have; /* bytes [used, have) are buffered */
    bool ended;
} dmx_pipe_input;

/* raw: "s16le,44100,2"; NULL: reads a WAV header (RIFF, RF64, BW64) up to its
 * samples. Fails with ARGUMENT, FORMAT, UNSUPPORTED, IO or CANCELLED. */
DMX_MUST_CHECK dmx_status dmx_pipe_input_open(dmx_pipe_input *out, int fd,
                                              const char *raw,
                                              const dmx_hooks *hooks,
                                              dmx_error *err);

/* Reads available frames, at most `capacity`, and waits for at least one. *got
 * == 0: the end. A partial frame at the end is dropped. */
DMX_MUST_CHECK dmx_status dmx_pipe_input_read(dmx_pipe_input *in,
                                              float *const *planes,
                                              size_t capacity, size_t *got,
                                              dmx_error *err);

#endif
