#include "audio/wav.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES  65536
#define TAG_MAX      4096
#define FORMAT_PCM   1
#define FORMAT_FLOAT 3
#define EXTENSIBLE   0xFFFE

/* A little-endian writer over a fixed buffer. */
typedef struct bytes {
    unsigned char *p;
    size_t n;
} bytes;

static void put(bytes *b, uint64_t value, int size)
{
    for (int i = 0; i < size; i++, value >>= 8)
        b->p[b->n++] = (unsigned char)value;
}

static void put_id(bytes *b, const char *id)
{
    memcpy(b->p + b->n, id, 4);
    b->n += 4;
}

static int sample_bytes(dmx_audio_sample sample)
{
    return sample == DMX_AUDIO_S16 ? 2 : sample == DMX_AUDIO_S24 ? 3 : 4;
}

static size_t frame_bytes(const dmx_wav_spec *spec)
{
    return (size_t)(sample_bytes(spec->sample) * spec->channels);
}

static uint64_t padded(uint64_t size)
{
    return size + (size & 1);
}

/* The conventional speaker mask for a number of channels; 0: unspecified. */
static unsigned speaker_mask(int channels)
{
    static const unsigned mask[] = {0,    0x4,  0x3,   0x7,  0x33,
                                    0x37, 0x3F, 0x70F, 0x63F};
    return channels < (int)(sizeof mask / sizeof mask[0]) ? mask[channels] : 0;
}

static void put_format(bytes *b, const dmx_wav_spec *spec)
{
    const int size = sample_bytes(spec->sample);
    const int tag = spec->sample == DMX_AUDIO_F32 ? FORMAT_FLOAT : FORMAT_PCM;
    const bool extensible = spec->channels > 2;
    put_id(b, "fmt ");
    put(b, extensible ? 40 : tag == FORMAT_FLOAT ? 18 : 16, 4);
    put(b, (uint64_t)(extensible ? EXTENSIBLE : tag), 2);
    put(b, (uint64_t)spec->channels, 2);
    put(b, (uint64_t)spec->rate, 4);
    put(b, (uint64_t)spec->rate * frame_bytes(spec), 4);
    put(b, frame_bytes(spec), 2);
    put(b, (uint64_t)(8 * size), 2);
    if (extensible) {
        put(b, 22, 2);
        put(b, (uint64_t)(8 * size), 2);
        put(b, speaker_mask(spec->channels), 4);
        put(b, (uint64_t)tag, 2);
        /* The rest of the GUID {0000xxxx-0000-0010-8000-00AA00389B71}. */
        put(b, 0x001000000000u, 6);
        put(b, 0x719B3800AA000080u, 8);
    } else if (tag == FORMAT_FLOAT) {
        put(b, 0, 2);
    }
}

/* Everything after the RIFF id and size, up to the samples. */
static size_t head_size(const dmx_wav_spec *spec)
{
    const bool extensible = spec->channels > 2;
    const bool floating = spec->sample == DMX_AUDIO_F32;
    return 4 + (spec->reserve ? 36u : 0u) + 8 +
           (extensible ? 40u
            : floating ? 18u
                       : 16u) +
           (floating ? 12u : 0u) + 8;
}

bool dmx_wav_fits(const dmx_wav_spec *spec, uint64_t data, uint64_t trailer)
{
    return data < UINT32_MAX && trailer < UINT32_MAX &&
           head_size(spec) + padded(data) + trailer < UINT32_MAX;
}

size_t dmx_wav_header(unsigned char out[DMX_WAV_HEADER_MAX],
                      const dmx_wav_spec *spec, uint64_t data, uint64_t trailer)
{
    bytes b = {out, 0};
    const bool unknown = data == DMX_WAV_UNKNOWN;
    const bool big = unknown || !dmx_wav_fits(spec, data, trailer);
    const bool rf64 = big && !unknown && spec->reserve;
    const uint64_t riff = head_size(spec) + padded(data) + trailer;
    const uint64_t frames = data / frame_bytes(spec);
    put_id(&b, rf64 ? "RF64" : "RIFF");
    put(&b, big ? UINT32_MAX : riff, 4);
    put_id(&b, "WAVE");
    if (spec->reserve) {
        put_id(&b, rf64 ? "ds64" : "JUNK");
        put(&b, 28, 4);
        put(&b, rf64 ? riff : 0, 8);
        put(&b, rf64 ? data : 0, 8);
        put(&b, rf64 ? frames : 0, 8);
        put(&b, 0, 4);
    }
    put_format(&b, spec);
    if (spec->sample == DMX_AUDIO_F32) {
        put_id(&b, "fact");
        put(&b, 4, 4);
        put(&b, big ? UINT32_MAX : frames, 4);
    }
    put_id(&b, "data");
    put(&b, big ? UINT32_MAX : data, 4);
    return b.n;
}

struct dmx_wav {
    dmx_sink sink;
    dmx_wav_spec spec;
    uint64_t data;          /* bytes of samples so far */
    uint64_t announced;     /* as the first header said */
    unsigned char *trailer; /* the LIST chunk of tags, NULL: none */
    size_t trailer_size;
    unsigned char block[BLOCK_BYTES];
};

static const struct {
    const char *key;
    const char *id;
} info_ids[] = {
    {"title", "INAM"}, {"artist", "IART"},    {"album", "IPRD"},
    {"date", "ICRD"},  {"genre", "IGNR"},     {"comment", "ICMT"},
    {"track", "IPRT"}, {"copyright", "ICOP"},
};

#define INFO_IDS (sizeof info_ids / sizeof info_ids[0])

/* LIST/INFO of the tags that RIFF knows; a zero ends each text. */
static dmx_status make_trailer(dmx_wav *w, const dmx_audio_tags *tags,
                               dmx_error *err)
{
    if (tags == NULL)
        return DMX_OK;
    unsigned char *p = malloc(12 + INFO_IDS * (8 + TAG_MAX + 2));
    DMX_RETURN_IF(p == NULL, err, DMX_ERROR_MEMORY, "%s: no memory for tags",
                  w->sink.name);
    bytes b = {p, 12};
    for (size_t i = 0; i < INFO_IDS; i++) {
        const char *value = dmx_audio_tags_get(tags, info_ids[i].key);
        const size_t length = value != NULL ? strnlen(value, TAG_MAX) : 0;
        if (length == 0)
            continue;
        put_id(&b, info_ids[i].id);
        put(&b, length + 1, 4);
        memcpy(p + b.n, value, length);
        b.n += length;
        put(&b, 0, length % 2 == 0 ? 2 : 1);
    }
    if (b.n == 12) {
        free(p);
        return DMX_OK;
    }
    w->trailer = p;
    w->trailer_size = b.n;
    b.n = 0;
    put_id(&b, "LIST");
    put(&b, w->trailer_size - 8, 4);
    put_id(&b, "INFO");
    return DMX_OK;
}

static uint64_t announced_bytes(const dmx_wav *w, int64_t frames)
{
    uint64_t data;
    if (frames < 0 ||
        dmx_mul_overflow(&data, (uint64_t)frames, frame_bytes(&w->spec)))
        return DMX_WAV_UNKNOWN;
    return data;
}

static dmx_status start(dmx_wav *w, int64_t frames, const dmx_audio_tags *tags,
                        dmx_error *err)
{
    DMX_FORWARD(make_trailer(w, tags, err));
    w->announced = announced_bytes(w, frames);
    const bool known = w->announced != DMX_WAV_UNKNOWN;
    w->spec.reserve =
        known ? !dmx_wav_fits(&w->spec, w->announced, w->trailer_size)
              : w->sink.seekable;
    unsigned char header[DMX_WAV_HEADER_MAX];
    const size_t n =
        dmx_wav_header(header, &w->spec, w->announced, w->trailer_size);
    return dmx_sink_write(&w->sink, header, n, err);
}

dmx_status dmx_wav_open(dmx_wav **out, const dmx_sink *sink,
                        const dmx_wav_spec *spec, int64_t frames,
                        const dmx_audio_tags *tags, dmx_error *err)
{
    *out = NULL;
    dmx_wav *w = calloc(1, sizeof *w);
    DMX_RETURN_IF(w == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  sink->name);
    w->sink = *sink;
    w->spec = *spec;
    const dmx_status status = start(w, frames, tags, err);
    if (status != DMX_OK) {
        dmx_wav_close(w);
        return status;
    }
    *out = w;
    return DMX_OK;
}

static dmx_status flush_block(dmx_wav *w, const bytes *b, dmx_error *err)
{
    w->data += b->n;
    return dmx_sink_write(&w->sink, w->block, b->n, err);
}

dmx_status dmx_wav_put_int(dmx_wav *w, const int32_t *const *planes,
                           size_t frames, dmx_error *err)
{
    const int size = sample_bytes(w->spec.sample);
    const size_t frame = frame_bytes(&w->spec);
    bytes b = {w->block, 0};
    for (size_t i = 0; i < frames; i++) {
        for (int c = 0; c < w->spec.channels; c++)
            put(&b, (uint64_t)(int64_t)planes[c][i], size);
        if (b.n + frame > BLOCK_BYTES) {
            DMX_FORWARD(flush_block(w, &b, err));
            b.n = 0;
        }
    }
    return flush_block(w, &b, err);
}

dmx_status dmx_wav_put_float(dmx_wav *w, const float *const *planes,
                             size_t frames, dmx_error *err)
{
    const size_t frame = frame_bytes(&w->spec);
    bytes b = {w->block, 0};
    for (size_t i = 0; i < frames; i++) {
        for (int c = 0; c < w->spec.channels; c++) {
            uint32_t bits;
            memcpy(&bits, &planes[c][i], sizeof bits);
            put(&b, bits, 4);
        }
        if (b.n + frame > BLOCK_BYTES) {
            DMX_FORWARD(flush_block(w, &b, err));
            b.n = 0;
        }
    }
    return flush_block(w, &b, err);
}

/* Rewrites the header with the final sizes. */
static dmx_status patch(dmx_wav *w, dmx_error *err)
{
    if (w->data == w->announced || !w->sink.seekable)
        return DMX_OK;
    DMX_RETURN_IF(!w->spec.reserve &&
                      !dmx_wav_fits(&w->spec, w->data, w->trailer_size),
                  err, DMX_ERROR_ARGUMENT,
                  "%s: grew beyond 4 GiB though fewer frames were announced",
                  w->sink.name);
    unsigned char header[DMX_WAV_HEADER_MAX];
    const size_t n = dmx_wav_header(header, &w->spec, w->data, w->trailer_size);
    if (fseeko(w->sink.stream, 0, SEEK_SET) != 0)
        return dmx_sink_failure(&w->sink, errno, err);
    return dmx_sink_write(&w->sink, header, n, err);
}

dmx_status dmx_wav_finish(dmx_wav *w, dmx_error *err)
{
    DMX_FORWARD(dmx_sink_write(&w->sink, "", w->data & 1, err));
    /* After a header without sizes, a reader takes all bytes as samples. */
    if (w->sink.seekable || w->data == w->announced)
        DMX_FORWARD(dmx_sink_write(&w->sink, w->trailer, w->trailer_size, err));
    return patch(w, err);
}

void dmx_wav_close(dmx_wav *w)
{
    if (w == NULL)
        return;
    free(w->trailer);
    free(w);
}
