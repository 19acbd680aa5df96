/* FLAC, MP3, Vorbis, Opus and AAC through the FFmpeg libraries. */
#ifndef DMX_AUDIO_ENCODER_H
#define DMX_AUDIO_ENCODER_H

#include "audio/sink.h"
#include "audio/writer.h"

typedef struct dmx_encoder dmx_encoder;

/* Writes the container's head. `sink` and the options are copied. */
DMX_MUST_CHECK dmx_status
dmx_encoder_open(dmx_encoder **out, const dmx_sink *sink,
                 const dmx_audio_writer_options *options, dmx_error *err);

/* FLAC takes integers in range of its depth, the others floats. */
DMX_MUST_CHECK dmx_status dmx_encoder_put_int(dmx_encoder *encoder,
                                              const int32_t *const *planes,
                                              size_t frames, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_encoder_put_float(dmx_encoder *encoder,
                                                const float *const *planes,
                                                size_t frames, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_encoder_finish(dmx_encoder *encoder,
                                             dmx_error *err);
void dmx_encoder_close(dmx_encoder *encoder);

#endif
