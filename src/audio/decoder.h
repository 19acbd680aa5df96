/* The FFmpeg side of the reader: one pass over one file. */
#ifndef DMX_AUDIO_DECODER_H
#define DMX_AUDIO_DECODER_H

#include "audio/input.h"
#include "audio/reader.h"

typedef struct dmx_decoder dmx_decoder;

/* Opens the file, or the part of it, and decodes up to the first frame. `name`
 * is for messages and for what its ending says about the format; stream: which
 * audio stream, from 1, or 0: the first, with a warning if there are more. */
DMX_MUST_CHECK dmx_status dmx_decoder_open(dmx_decoder **out,
                                           const dmx_span *span,
                                           const char *name, int stream,
                                           const dmx_hooks *hooks,
                                           dmx_error *err);
void dmx_decoder_close(dmx_decoder *decoder);

void dmx_decoder_info(const dmx_decoder *decoder, dmx_audio_info *info);
DMX_MUST_CHECK dmx_status dmx_decoder_tags(const dmx_decoder *decoder,
                                           dmx_audio_tags *tags,
                                           const dmx_hooks *hooks,
                                           dmx_error *err);

/* Copies at most `capacity` frames; *got == 0 is the end. */
DMX_MUST_CHECK dmx_status dmx_decoder_read(dmx_decoder *decoder,
                                           float *const *planes, size_t at,
                                           size_t capacity, size_t *got,
                                           dmx_error *err);

/* Packets that could not be decoded so far. */
int64_t dmx_decoder_damaged(const dmx_decoder *decoder);

#endif
