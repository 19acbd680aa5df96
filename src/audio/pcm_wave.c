/* RIFF, RIFX, RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088), and Sony's W64,
 * which is RIFF with GUIDs, 64-bit sizes and steps of eight bytes. */
#include "audio/pcm_parts.h"

#define TAG_PCM        1
#define TAG_FLOAT      3
#define TAG_ALAW       6
#define TAG_MULAW      7
#define TAG_EXTENSIBLE 0xFFFE
#define FORMAT_SIZE    40 /* of a WAVEFORMATEXTENSIBLE */

typedef struct wave {
    dmx_pcm_header *h;
    bool big_endian, is_w64;
    int64_t data64; /* of a ds64 chunk; -1: none */
} wave;

/* ---------------------------------------------------------------- format */

static uint32_t number(const wave *w, const unsigned char *p, size_t n)
{
    return (uint32_t)dmx_bytes_number(p, n, w->big_endian);
}

/* The tag inside of a sub-format's GUID: KSDATAFORMAT_SUBTYPE's or that of
 * the ambisonic B-format; 0 for others. Big-endian files turn its first three
 * fields or leave them. */
static uint32_t sub_format(const unsigned char guid[16])
{
    static const unsigned char little[] = {0, 0, 0, 0, 0x10, 0};
    static const unsigned char big[] = {0, 0, 0, 0, 0, 0x10};
    static const unsigned char usual[] = {0x80, 0x00, 0x00, 0xAA,
                                          0x00, 0x38, 0x9B, 0x71};
    static const unsigned char ambisonic[] = {0x00, 0x00, 0x21, 0x07, 0xD3,
                                              0x11, 0x86, 0x44, 0xC8, 0xC1,
                                              0xCA, 0x00, 0x00, 0x00};
    if (memcmp(guid + 2, ambisonic, sizeof ambisonic) == 0)
        return guid[0] | (uint32_t)guid[1] << 8;
    if (memcmp(guid + 8, usual, sizeof usual) != 0)
        return 0;
    if (memcmp(guid + 2, little, sizeof little) == 0)
        return guid[0] | (uint32_t)guid[1] << 8;
    if (guid[0] == 0 && guid[1] == 0 && memcmp(guid + 4, big + 2, 4) == 0)
        return (uint32_t)guid[2] << 8 | guid[3];
    return 0;
}

/* Bytes of one sample: what the frame's size says, where that can be. */
static size_t container_width(uint32_t align, uint32_t channels, uint32_t bits)
{
    const size_t least = (bits + 7) / 8;
    if (channels > 0 && align > 0 && align % channels == 0 &&
        align / channels >= least && align / channels <= 8)
        return align / channels;
    return least;
}

static bool set_samples(dmx_raw_spec *raw, uint32_t tag, size_t width,
                        bool big_endian)
{
    switch (tag) {
    case TAG_PCM:
        return dmx_pcm_set_integers(raw, width, big_endian, width > 1);
    case TAG_FLOAT:
        return dmx_pcm_set_floats(raw, width, big_endian);
    case TAG_ALAW:
    case TAG_MULAW:
        raw->encoding = tag == TAG_ALAW ? DMX_RAW_ALAW : DMX_RAW_MULAW;
        return width == 1;
    default:
        return false;
    }
}

static int count_bits(uint32_t x)
{
    int n = 0;
    for (; x != 0; x &= x - 1)
        n++;
    return n;
}

/* The channel mask and the bits that count. */
static uint32_t read_extension(const wave *w, const unsigned char *p,
                               uint32_t *bits)
{
    dmx_pcm_header *h = w->h;
    const uint32_t valid = number(w, p + 18, 2);
    const uint32_t mask = number(w, p + 20, 4);
    if (valid > 0 && valid < *bits)
        *bits = valid;
    if (count_bits(mask) == (int)h->channels)
        h->file.layout = mask;
    return sub_format(p + 24);
}

static void read_format(const wave *w, int64_t at, int64_t size)
{
    dmx_pcm_header *h = w->h;
    unsigned char p[FORMAT_SIZE] = {0};
    const size_t n = size < FORMAT_SIZE ? (size_t)size : FORMAT_SIZE;
    if (h->have_format || n < 16 || !dmx_pcm_bytes_at(&h->in, at, p, n))
        return;
    uint32_t tag = number(w, p, 2);
    uint32_t bits = number(w, p + 14, 2);
    h->channels = number(w, p + 2, 2);
    h->rate = number(w, p + 4, 4);
    const size_t width =
        container_width(number(w, p + 12, 2), h->channels, bits);
    if (tag == TAG_EXTENSIBLE)
        tag = n == FORMAT_SIZE ? read_extension(w, p, &bits) : 0;
    h->have_format = true;
    h->is_plain = set_samples(&h->file.raw, tag, width, w->big_endian);
    h->file.bits = tag == TAG_FLOAT || bits == 0 ? (int)(8 * width) : (int)bits;
}

/* ---------------------------------------------------------------- chunks */

typedef struct chunk {
    char id[4];
    int64_t at, size; /* of its content */
    int64_t next;
    uint32_t size32; /* as RIFF has it */
} chunk;

static bool read_chunk32(const wave *w, int64_t at, chunk *out)
{
    unsigned char p[8];
    if (!dmx_pcm_bytes_at(&w->h->in, at, p, sizeof p))
        return false;
    memcpy(out->id, p, 4);
    out->size32 = number(w, p + 4, 4);
    out->at = at + 8;
    out->size = out->size32;
    out->next = out->at + out->size + (out->size & 1);
    return true;
}

/* W64: the first four bytes of a GUID are RIFF's id; sizes count the head. */
static bool read_chunk64(const wave *w, int64_t at, chunk *out)
{
    unsigned char p[24];
    if (!dmx_pcm_bytes_at(&w->h->in, at, p, sizeof p))
        return false;
    memcpy(out->id, p, 4);
    const uint64_t size = dmx_bytes_number(p + 16, 8, false);
    const bool whole = size >= 24 && size < (uint64_t)1 << 62;
    out->size32 = whole ? 1 : 0;
    out->at = at + 24;
    out->size = whole ? (int64_t)size - 24 : 0;
    out->next = out->at + ((out->size + 7) & ~(int64_t)7);
    return true;
}

static bool read_chunk(const wave *w, int64_t at, chunk *out)
{
    return w->is_w64 ? read_chunk64(w, at, out) : read_chunk32(w, at, out);
}

static bool is(const chunk *c, const char *id)
{
    return memcmp(c->id, id, 4) == 0;
}

/* Do chunks follow each other from here to the very end of the file? */
static bool chunks_to_the_end(const wave *w, int64_t at)
{
    chunk c;
    const int64_t end = w->h->in.size;
    for (int i = 0; i < DMX_PCM_MAX_CHUNKS && at < end; i++) {
        if (!read_chunk(w, at, &c))
            return false;
        at = c.next;
    }
    return at == end || at == end + 1;
}

/* The samples: of the first such chunk that has any; later ones are only
 * counted. */
static void read_data(const wave *w, chunk *c)
{
    dmx_pcm_header *h = w->h;
    const int64_t there = h->in.size - c->at;
    bool open_end;
    if (w->data64 >= 0 && c->size32 == UINT32_MAX) {
        open_end = w->data64 == 0;
        c->size = w->data64;
        c->next = c->at + c->size + (c->size & 1);
    } else if (c->size32 == 0) {
        open_end = there > 0 && !chunks_to_the_end(w, c->at);
    } else {
        open_end = dmx_pcm_placeholder(c->size32) && c->size > there;
    }
    if (open_end)
        c->next = h->in.size;
    if (!h->have_data || h->data == 0) {
        h->file.offset = c->at;
        h->data = open_end ? -1 : c->size;
        h->have_data = true;
    } else if (c->size <= there) {
        h->extra += c->size;
    }
}

static void read_sizes64(wave *w, const chunk *c)
{
    unsigned char p[16];
    if (c->size < 16 || !dmx_pcm_bytes_at(&w->h->in, c->at, p, sizeof p))
        return;
    const uint64_t data = dmx_bytes_number(p + 8, 8, w->big_endian);
    w->data64 = data < (uint64_t)1 << 62 ? (int64_t)data : 0;
}

static void read_chunks(wave *w, int64_t at)
{
    chunk c;
    for (int i = 0; i < DMX_PCM_MAX_CHUNKS && read_chunk(w, at, &c); i++) {
        if (is(&c, "ds64") && !w->is_w64)
            read_sizes64(w, &c);
        else if (is(&c, "fmt "))
            read_format(w, c.at, c.size);
        else if (is(&c, "data"))
            read_data(w, &c);
        else if (is(&c, "id3 ") || is(&c, "ID3 "))
            w->h->file.id3 = w->h->in.base + c.at;
        at = c.next;
    }
}

bool dmx_pcm_wave(dmx_pcm_header *h)
{
    static const unsigned char riff64[] = {'r',  'i',  'f',  'f',  0x2E, 0x91,
                                           0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB,
                                           0x04, 0xC1, 0x00, 0x00};
    unsigned char p[40];
    wave w = {.h = h, .data64 = -1};
    if (!dmx_pcm_bytes_at(&h->in, 0, p, 12))
        return false;
    w.is_w64 = memcmp(p, riff64, 12) == 0 &&
               dmx_pcm_bytes_at(&h->in, 0, p, sizeof p) &&
               memcmp(p, riff64, sizeof riff64) == 0 &&
               memcmp(p + 24, "wave", 4) == 0;
    w.big_endian = memcmp(p, "RIFX", 4) == 0;
    const bool riff = w.big_endian || memcmp(p, "RIFF", 4) == 0 ||
                      memcmp(p, "RF64", 4) == 0 || memcmp(p, "BW64", 4) == 0;
    if (!w.is_w64 && !(riff && memcmp(p + 8, "WAVE", 4) == 0))
        return false;
    h->file.container = w.is_w64 ? "w64" : "wav";
    h->only_ours = w.big_endian;
    read_chunks(&w, w.is_w64 ? 40 : 12);
    return true;
}
