/* Writes interleaved PCM to a file descriptor. */
#ifndef DMX_STREAM_PIPE_SINK_H
#define DMX_STREAM_PIPE_SINK_H

#include "audio/raw.h"

#include <stdbool.h>
#include <stdint.h>

enum { DMX_PIPE_FRAMES = 1024 }; /* at a time, at most */

typedef struct dmx_pipe_sink {
    int fd;
    dmx_raw_spec spec; /* s16, s24, s32 or f32, little-endian */
    unsigned char *bytes;
    int32_t *integers; /* [DMX_PIPE_FRAMES] */
    int64_t clipped;   /* samples */
} dmx_pipe_sink;

/* spec: an encoding from dmx_pipe_encoding. wav: starts with a header of
 * unknown length. Fails with MEMORY or IO. */
DMX_MUST_CHECK dmx_status dmx_pipe_sink_open(dmx_pipe_sink *out, int fd,
                                             const dmx_raw_spec *spec, bool wav,
                                             dmx_error *err);
void dmx_pipe_sink_close(dmx_pipe_sink *out);

/* planes[spec.channels][frames]. */
DMX_MUST_CHECK dmx_status dmx_pipe_sink_write(dmx_pipe_sink *out,
                                              const float *const *planes,
                                              size_t frames,
                                              const dmx_hooks *hooks,
                                              dmx_error *err);

/* The encoding in which samples of this kind are written. */
dmx_raw_encoding dmx_pipe_encoding(const dmx_raw_spec *like);

#endif
