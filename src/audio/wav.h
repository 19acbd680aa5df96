/* RIFF/WAVE, and RF64 (EBU Tech 3306) for files above 4 GiB. */
#ifndef DMX_AUDIO_WAV_H
#define DMX_AUDIO_WAV_H

#include "audio/sink.h"
#include "audio/writer.h"

#define DMX_WAV_HEADER_MAX 128
#define DMX_WAV_UNKNOWN    UINT64_MAX

typedef struct dmx_wav_spec {
    dmx_audio_sample sample;
    int rate, channels;
    bool reserve; /* room for RF64's sizes, as a JUNK chunk until needed */
} dmx_wav_spec;

/* The bytes up to the first sample, for `data` bytes of samples followed by
 * `trailer` bytes of further chunks (padding included). data ==
 * DMX_WAV_UNKNOWN: sizes of all ones, as streams have. Returns the length,
 * which does not depend on the sizes. `reserve` is needed for RF64. */
size_t dmx_wav_header(unsigned char out[DMX_WAV_HEADER_MAX],
                      const dmx_wav_spec *spec, uint64_t data,
                      uint64_t trailer);

/* Whether these sizes of samples and trailer fit without RF64. */
bool dmx_wav_fits(const dmx_wav_spec *spec, uint64_t data, uint64_t trailer);

typedef struct dmx_wav dmx_wav;

/* frames: the length if known, else -1. */
DMX_MUST_CHECK dmx_status dmx_wav_open(dmx_wav **out, const dmx_sink *sink,
                                       const dmx_wav_spec *spec, int64_t frames,
                                       const dmx_audio_tags *tags,
                                       dmx_error *err);
/* Planes of integers (already in range) or of floats, as the spec says. */
DMX_MUST_CHECK dmx_status dmx_wav_put_int(dmx_wav *wav,
                                          const int32_t *const *planes,
                                          size_t frames, dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_wav_put_float(dmx_wav *wav,
                                            const float *const *planes,
                                            size_t frames, dmx_error *err);
/* Writes the tags and the final sizes. */
DMX_MUST_CHECK dmx_status dmx_wav_finish(dmx_wav *wav, dmx_error *err);
void dmx_wav_close(dmx_wav *wav);

#endif
