#include "audio/raw.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    dmx_raw_encoding encoding;
    int big_endian;
} encodings[] = {
    {"u8", DMX_RAW_U8, 0},     {"s8", DMX_RAW_S8, 0},
    {"s16le", DMX_RAW_S16, 0}, {"s16be", DMX_RAW_S16, 1},
    {"s24le", DMX_RAW_S24, 0}, {"s24be", DMX_RAW_S24, 1},
    {"s32le", DMX_RAW_S32, 0}, {"s32be", DMX_RAW_S32, 1},
    {"s64le", DMX_RAW_S64, 0}, {"s64be", DMX_RAW_S64, 1},
    {"f32le", DMX_RAW_F32, 0}, {"f32be", DMX_RAW_F32, 1},
    {"f64le", DMX_RAW_F64, 0}, {"f64be", DMX_RAW_F64, 1},
    {"alaw", DMX_RAW_ALAW, 0}, {"mulaw", DMX_RAW_MULAW, 0},
};

#define ENCODINGS (sizeof encodings / sizeof encodings[0])

static size_t find_encoding(const char *text, size_t length)
{
    size_t i = 0;
    while (i < ENCODINGS && (strlen(encodings[i].name) != length ||
                             memcmp(encodings[i].name, text, length) != 0))
        i++;
    return i;
}

/* A decimal number in [1, limit] that ends at `stop`; 0 for anything else. */
static int parse_number(const char **text, char stop, long limit)
{
    const char *p = *text;
    long value = 0;
    while (*p >= '0' && *p <= '9' && value <= limit)
        value = 10 * value + (*p++ - '0');
    if (p == *text || *p != stop || value > limit)
        return 0;
    *text = p + 1;
    return (int)value;
}

dmx_status dmx_raw_parse(dmx_raw_spec *out, const char *text, dmx_error *err)
{
    const size_t i = find_encoding(text, strcspn(text, ","));
    const char *rest = strchr(text, ',');
    if (i < ENCODINGS && rest != NULL) {
        rest++;
        out->encoding = encodings[i].encoding;
        out->big_endian = encodings[i].big_endian;
        out->rate = parse_number(&rest, ',', DMX_AUDIO_MAX_RATE);
        out->channels = out->rate == 0
                            ? 0
                            : parse_number(&rest, '\0', DMX_AUDIO_MAX_CHANNELS);
        if (out->channels != 0)
            return DMX_OK;
    }
    DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT,
                     "raw format '%s': expected ENCODING,RATE,CHANNELS such as "
                     "f32le,44100,2 (u8, s8, alaw, mulaw; s16, s24, s32, "
                     "s64, f32, f64 with le or be; at most %d Hz and %d "
                     "channels)",
                     text, DMX_AUDIO_MAX_RATE, DMX_AUDIO_MAX_CHANNELS);
}

static size_t sample_size(dmx_raw_encoding encoding)
{
    static const unsigned char size[] = {1, 1, 2, 3, 4, 8, 4, 8, 1, 1};
    return size[encoding];
}

void dmx_raw_name(char text[16], const dmx_raw_spec *spec)
{
    size_t i = 0;
    while (i + 1 < ENCODINGS && (encodings[i].encoding != spec->encoding ||
                                 (encodings[i].big_endian != spec->big_endian &&
                                  sample_size(spec->encoding) > 1)))
        i++;
    snprintf(text, 16, "pcm_%s", encodings[i].name);
}

int dmx_raw_bits(const dmx_raw_spec *spec)
{
    return spec->encoding >= DMX_RAW_ALAW
               ? 0
               : (int)(8 * sample_size(spec->encoding));
}

size_t dmx_raw_frame_size(const dmx_raw_spec *spec)
{
    return sample_size(spec->encoding) * (size_t)spec->channels;
}

/* The sample's bytes as one number, whatever their order. */
static uint64_t load(const unsigned char *p, size_t size, int big_endian)
{
    uint64_t bits = 0;
    for (size_t k = 0; k < size; k++)
        bits = bits << 8 | p[big_endian ? k : size - 1 - k];
    return bits;
}

/* G.711, 3.1: a sign, a segment of 3 bits, 4 bits within it; 16 bits wide. */
static int from_alaw(unsigned code)
{
    code ^= 0x55;
    const unsigned segment = code >> 4 & 7, step = code & 15;
    const int size = segment == 0 ? (int)(step << 4) + 8
                                  : (int)((step << 4) + 0x108) << (segment - 1);
    return code & 0x80 ? size : -size;
}

/* G.711, 3.2: the same with all bits inverted and a bias of 132. */
static int from_mulaw(unsigned code)
{
    code = ~code;
    const int size = (int)(((code & 15) << 3) + 132) << (code >> 4 & 7);
    return code & 0x80 ? 132 - size : size - 132;
}

static float to_float(uint64_t bits, dmx_raw_encoding encoding)
{
    double wide;
    float narrow;
    const uint32_t low = (uint32_t)bits;
    switch (encoding) {
    case DMX_RAW_U8:
        return (float)(((int)bits - 128) * 0x1p-7);
    case DMX_RAW_S8:
        return (float)((int8_t)bits * 0x1p-7);
    case DMX_RAW_S16:
        return (float)((int16_t)bits * 0x1p-15);
    case DMX_RAW_S24:
        return (float)((int32_t)(low << 8) * 0x1p-31);
    case DMX_RAW_S32:
        return (float)((int32_t)low * 0x1p-31);
    case DMX_RAW_S64:
        return (float)((double)(int64_t)bits * 0x1p-63);
    case DMX_RAW_ALAW:
        return (float)(from_alaw(low & 255) * 0x1p-15);
    case DMX_RAW_MULAW:
        return (float)(from_mulaw(low & 255) * 0x1p-15);
    case DMX_RAW_F32:
        memcpy(&narrow, &low, sizeof narrow);
        return narrow;
    default:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    }
}

void dmx_raw_decode(float *const *planes, size_t at, const unsigned char *bytes,
                    size_t frames, const dmx_raw_spec *spec)
{
    const size_t size = sample_size(spec->encoding);
    for (size_t i = 0; i < frames; i++)
        for (int c = 0; c < spec->channels; c++, bytes += size)
            planes[c][at + i] =
                to_float(load(bytes, size, spec->big_endian), spec->encoding);
}
