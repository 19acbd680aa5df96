/* Headerless PCM, as it comes through pipes. */
#ifndef DMX_AUDIO_RAW_H
#define DMX_AUDIO_RAW_H

#include "base/error.h"

#define DMX_AUDIO_MAX_CHANNELS 64
/* Sample rates that are read and written, in Hz. */
#define DMX_AUDIO_MIN_RATE 1000
#define DMX_AUDIO_MAX_RATE 1536000

typedef enum dmx_raw_encoding {
    DMX_RAW_U8,
    DMX_RAW_S8,
    DMX_RAW_S16,
    DMX_RAW_S24, /* three bytes, packed */
    DMX_RAW_S32,
    DMX_RAW_S64,
    DMX_RAW_F32,
    DMX_RAW_F64,
    DMX_RAW_ALAW, /* ITU-T G.711 */
    DMX_RAW_MULAW,
} dmx_raw_encoding;

typedef struct dmx_raw_spec {
    dmx_raw_encoding encoding;
    int big_endian;
    int rate;     /* Hz */
    int channels; /* interleaved */
} dmx_raw_spec;

/* Parses "f32le,44100,2": encoding (u8, s16le, s24be, f32le, alaw ...), rate
 * in Hz, channels. ARGUMENT, with the accepted form, for anything else. */
DMX_MUST_CHECK dmx_status dmx_raw_parse(dmx_raw_spec *out, const char *text,
                                        dmx_error *err);

/* "pcm_s24le", as the FFmpeg libraries say; text[16]. */
void dmx_raw_name(char text[16], const dmx_raw_spec *spec);

/* Bits of a sample; 0 where they are not linear (A-law, mu-law). */
int dmx_raw_bits(const dmx_raw_spec *spec);

/* Bytes of one frame. */
size_t dmx_raw_frame_size(const dmx_raw_spec *spec);

/* Interleaved bytes to planes at frame `at`: integers by 1 / 2^(bits-1),
 * exact but for 32 and 64 bits and float64, which round to nearest even. */
void dmx_raw_decode(float *const *planes, size_t at, const unsigned char *bytes,
                    size_t frames, const dmx_raw_spec *spec);

#endif
