/* The FFmpeg side of the reader: one pass over one file. */
#ifndef DMX_AUDIO_DECODER_H
#define DMX_AUDIO_DECODER_H

#include "audio/av_compat.h"
#include "audio/reader.h"

typedef struct dmx_decoder dmx_decoder;

/* Opens the file behind `fd` (read by position, never closed) and decodes up
 * to the first frame. `name` is for messages and for what its ending says
 * about the format. */
DMX_MUST_CHECK dmx_status dmx_decoder_open(dmx_decoder **out, int fd,
                                           int64_t size, const char *name,
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
