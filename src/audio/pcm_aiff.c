/* AIFF and AIFF-C (Apple, 1989 and 1991), the formats that hold plain
 * samples. */
#include "audio/pcm_parts.h"

#include <math.h>

#define PIPE_SIZE   0x7F000000 /* sox's and others' unknown size */
#define COMMON_SIZE 22         /* with AIFF-C's type of compression */

static uint32_t big_endian(const unsigned char *p, size_t n)
{
    return (uint32_t)dmx_bytes_number(p, n, true);
}

/* A rate in Hz from an 80-bit IEEE number; 0 if it is not plausible. */
static uint32_t extended(const unsigned char *p)
{
    const int exponent = (int)big_endian(p, 2) - 16383;
    const double mantissa = (double)dmx_bytes_number(p + 2, 8, true);
    if (exponent < 0 || exponent > 30)
        return 0;
    return (uint32_t)rint(ldexp(mantissa, exponent - 63));
}

static const struct {
    char type[5];
    char kind; /* integer, little-endian integer, unsigned, float, law */
    unsigned char width; /* 0: by the number of bits */
} types[] = {
    {"NONE", 'i', 0}, {"twos", 'i', 0}, {"sowt", 'l', 0}, {"raw ", 'u', 0},
    {"in16", 'i', 2}, {"in24", 'i', 3}, {"in32", 'i', 4}, {"42ni", 'l', 3},
    {"23ni", 'l', 4}, {"42n1", 'l', 3}, {"23n1", 'l', 4}, {"fl32", 'f', 4},
    {"FL32", 'f', 4}, {"fl64", 'f', 8}, {"FL64", 'f', 8}, {"alaw", 'a', 1},
    {"ALAW", 'a', 1}, {"ulaw", 'm', 1}, {"ULAW", 'm', 1},
};

static bool set_samples(dmx_pcm_file *f, const char *type, int bits)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (memcmp(types[i].type, type, 4) != 0)
            continue;
        const size_t width =
            types[i].width != 0 ? types[i].width : ((size_t)bits + 7) / 8;
        const char kind = types[i].kind;
        const bool by_number = types[i].width == 0;
        f->bits = by_number ? bits : (int)(8 * width);
        if (kind == 'f')
            return dmx_pcm_set_floats(&f->raw, width, true);
        if (kind == 'i' || kind == 'l')
            return dmx_pcm_set_integers(&f->raw, width, kind == 'i', true);
        if (kind == 'u')
            return dmx_pcm_set_integers(&f->raw, width, true, false);
        f->raw.encoding = kind == 'a' ? DMX_RAW_ALAW : DMX_RAW_MULAW;
        return true;
    }
    return false;
}

static void read_common(dmx_pcm_header *h, int64_t at, int64_t size,
                        bool compressed)
{
    unsigned char p[COMMON_SIZE] = "..................NONE";
    const size_t n = compressed ? COMMON_SIZE : COMMON_SIZE - 4;
    if (h->have_format || size < (int64_t)n ||
        !dmx_pcm_bytes_at(&h->in, at, p, n))
        return;
    h->channels = big_endian(p, 2);
    h->file.announced = big_endian(p + 2, 4);
    h->rate = extended(p + 8);
    h->have_format = true;
    h->is_plain =
        set_samples(&h->file, (const char *)p + 18, (int)big_endian(p + 6, 2));
}

static void read_sound(dmx_pcm_header *h, int64_t at, int64_t size)
{
    unsigned char p[8];
    if (h->have_data || !dmx_pcm_bytes_at(&h->in, at, p, sizeof p))
        return;
    const int64_t skip = 8 + (int64_t)big_endian(p, 4);
    h->file.offset = at + skip;
    h->piped = size >= PIPE_SIZE && size > h->in.size - at;
    h->data = size > skip && !h->piped ? size - skip : -1;
    h->have_data = true;
}

bool dmx_pcm_aiff(dmx_pcm_header *h)
{
    unsigned char p[12];
    if (!dmx_pcm_bytes_at(&h->in, 0, p, sizeof p) ||
        memcmp(p, "FORM", 4) != 0 ||
        (memcmp(p + 8, "AIFF", 4) != 0 && memcmp(p + 8, "AIFC", 4) != 0))
        return false;
    const bool compressed = p[11] == 'C';
    int64_t at = 12;
    h->file.container = "aiff";
    for (int i = 0; i < DMX_PCM_MAX_CHUNKS; i++) {
        if (!dmx_pcm_bytes_at(&h->in, at, p, 8))
            break;
        const int64_t size = big_endian(p + 4, 4);
        if (memcmp(p, "COMM", 4) == 0)
            read_common(h, at + 8, size, compressed);
        else if (memcmp(p, "SSND", 4) == 0)
            read_sound(h, at + 8, size);
        else if (memcmp(p, "ID3 ", 4) == 0)
            h->file.id3 = h->in.base + at + 8;
        at += 8 + size + (size & 1);
    }
    if (h->file.announced == 0 || h->piped)
        h->file.announced = -1; /* written to a pipe: not known yet */
    return true;
}
