/* An AVFormatContext that can read one open file and nothing else. */
#ifndef DMX_AUDIO_INPUT_H
#define DMX_AUDIO_INPUT_H

#include "audio/av_compat.h"
#include "audio/matroska_tags.h"
#include "audio/span.h"

#include <stdbool.h>

typedef struct dmx_input {
    AVFormatContext *format;
    AVIOContext *io;
    dmx_span span;
    int64_t position; /* from the span's start */
    int failure;      /* errno of a failed read, 0 */
    int64_t skipped;  /* bytes of tags that are too many */
    bool flooded;     /* more tags than any song has, elsewhere */
    dmx_matroska_tags matroska;
} dmx_input;

#define DMX_INPUT_MAX_TAGS 4096

/* Probes and opens the file and, with `decode`, looks into its streams. The
 * struct must stay where it is until dmx_input_close. LIMIT for a file with
 * more than DMX_INPUT_MAX_TAGS tags (the libraries' time grows with the square
 * of their number), except that ID3v2 tags before the sound are skipped. */
DMX_MUST_CHECK dmx_status dmx_input_open(dmx_input *input, const dmx_span *span,
                                         const char *name, bool decode,
                                         dmx_error *err);
void dmx_input_close(dmx_input *input);

#endif
