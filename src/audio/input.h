/* An AVFormatContext that can read one open file and nothing else. */
#ifndef DMX_AUDIO_INPUT_H
#define DMX_AUDIO_INPUT_H

#include "audio/av_compat.h"

typedef struct dmx_input {
    AVFormatContext *format;
    AVIOContext *io;
    int fd; /* borrowed */
    int64_t size;
    int64_t position;
    int failure; /* errno of a failed read, 0 */
} dmx_input;

/* Probes and opens the file and finds its streams. The struct must stay where
 * it is until dmx_input_close. */
DMX_MUST_CHECK dmx_status dmx_input_open(dmx_input *input, int fd, int64_t size,
                                         const char *name, dmx_error *err);
void dmx_input_close(dmx_input *input);

#endif
