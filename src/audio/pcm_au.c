/* Sun's and NeXT's AU, in both orders of bytes, and Apple's CAF. */
#include "audio/pcm_parts.h"

#include <math.h>

/* -------------------------------------------------------------------- AU */

static bool set_au_samples(dmx_pcm_file *f, uint32_t encoding, bool big_endian)
{
    switch (encoding) {
    case 2: /* signed integers of 8, 16, 24 and 32 bits */
    case 3:
    case 4:
    case 5:
        f->bits = 8 * ((int)encoding - 1);
        return dmx_pcm_set_integers(&f->raw, encoding - 1, big_endian, true);
    case 6:
    case 7:
        f->bits = encoding == 6 ? 32 : 64;
        return dmx_pcm_set_floats(&f->raw, encoding == 6 ? 4 : 8, big_endian);
    case 1:
    case 27:
        f->bits = 8;
        f->raw.encoding = encoding == 1 ? DMX_RAW_MULAW : DMX_RAW_ALAW;
        return true;
    default:
        return false;
    }
}

bool dmx_pcm_au(dmx_pcm_header *h)
{
    unsigned char p[24];
    if (!dmx_pcm_bytes_at(&h->in, 0, p, sizeof p))
        return false;
    const bool big_endian = memcmp(p, ".snd", 4) == 0;
    if (!big_endian && memcmp(p, "dns.", 4) != 0)
        return false;
    uint32_t field[6];
    for (size_t i = 1; i < 6; i++)
        field[i] = (uint32_t)dmx_bytes_number(p + 4 * i, 4, big_endian);
    h->file.container = "au";
    h->file.offset = field[1];
    h->data = field[2] == 0 || field[2] == UINT32_MAX ? -1 : (int64_t)field[2];
    h->rate = field[4];
    h->channels = field[5];
    if (dmx_pcm_placeholder(field[2]) &&
        h->in.size - h->file.offset < (int64_t)field[2])
        h->data = -1;
    h->have_format = h->have_data = true;
    h->is_plain = set_au_samples(&h->file, field[3], big_endian);
    h->only_ours = !big_endian;
    return true;
}

/* ------------------------------------------------------------------- CAF */

#define CAF_FLOAT         1u /* of a description's flags */
#define CAF_LITTLE_ENDIAN 2u

static bool set_caf_samples(dmx_pcm_file *f, const unsigned char *p)
{
    const uint32_t flags = (uint32_t)dmx_bytes_number(p + 12, 4, true);
    const uint32_t packet = (uint32_t)dmx_bytes_number(p + 16, 4, true);
    const uint32_t channels = (uint32_t)dmx_bytes_number(p + 24, 4, true);
    const uint32_t bits = (uint32_t)dmx_bytes_number(p + 28, 4, true);
    const bool big_endian = (flags & CAF_LITTLE_ENDIAN) == 0;
    const size_t width =
        channels > 0 && packet % channels == 0 ? packet / channels : 0;
    f->bits = bits <= 64 ? (int)bits : 0;
    f->raw.encoding =
        memcmp(p + 8, "alaw", 4) == 0 ? DMX_RAW_ALAW : DMX_RAW_MULAW;
    if (memcmp(p + 8, "alaw", 4) == 0 || memcmp(p + 8, "ulaw", 4) == 0)
        return true;
    if (memcmp(p + 8, "lpcm", 4) != 0 || bits == 0 || bits > 8 * width)
        return false;
    return flags & CAF_FLOAT
               ? bits == 8 * width &&
                     dmx_pcm_set_floats(&f->raw, width, big_endian)
               : dmx_pcm_set_integers(&f->raw, width, big_endian, true);
}

/* The description's content is always 32 bytes. */
static void read_description(dmx_pcm_header *h, int64_t at)
{
    unsigned char p[32];
    if (h->have_format || !dmx_pcm_bytes_at(&h->in, at, p, sizeof p))
        return;
    double rate;
    const uint64_t bits = dmx_bytes_number(p, 8, true);
    memcpy(&rate, &bits, sizeof rate);
    h->rate = rate >= 1 && rate < 1e9 ? (uint32_t)rint(rate) : 0;
    h->channels = (uint32_t)dmx_bytes_number(p + 24, 4, true);
    h->have_format = true;
    h->is_plain = set_caf_samples(&h->file, p);
}

bool dmx_pcm_caf(dmx_pcm_header *h)
{
    unsigned char p[12];
    if (!dmx_pcm_bytes_at(&h->in, 0, p, 8) || memcmp(p, "caff", 4) != 0)
        return false;
    h->file.container = "caf";
    int64_t at = 8;
    for (int i = 0; i < DMX_PCM_MAX_CHUNKS && !h->have_data; i++) {
        if (!dmx_pcm_bytes_at(&h->in, at, p, sizeof p))
            break;
        const uint64_t size = dmx_bytes_number(p + 4, 8, true);
        if (memcmp(p, "desc", 4) == 0)
            read_description(h, at + 12);
        if (memcmp(p, "data", 4) == 0) {
            h->file.offset = at + 16; /* after the number of edits */
            h->data = size == UINT64_MAX                     ? -1
                      : size > 4 && size < (uint64_t)1 << 62 ? (int64_t)size - 4
                                                             : 0;
            h->have_data = true;
        }
        if (size >= (uint64_t)h->in.size)
            break;
        at += 12 + (int64_t)size;
    }
    return true;
}
