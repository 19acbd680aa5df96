#include "audio/pcm_parts.h"
#include "audio/reader.h"

#include <errno.h>

#define MAX_ID3_TAGS 16

bool dmx_pcm_bytes_at(dmx_pcm_bytes *in, int64_t at, unsigned char *out,
                      size_t n)
{
    if (at < 0 || at > in->size || (uint64_t)(in->size - at) < n)
        return false;
    const dmx_span span = {in->fd, in->base, in->size};
    errno = 0;
    if (dmx_span_read(&span, at, out, n) < n) {
        in->failure = errno != 0 ? errno : EIO;
        return false;
    }
    return true;
}

bool dmx_pcm_set_integers(dmx_raw_spec *raw, size_t width, bool big_endian,
                          bool is_signed)
{
    static const struct {
        size_t width;
        dmx_raw_encoding encoding;
    } known[] = {{1, DMX_RAW_S8},
                 {2, DMX_RAW_S16},
                 {3, DMX_RAW_S24},
                 {4, DMX_RAW_S32},
                 {8, DMX_RAW_S64}};
    raw->big_endian = big_endian;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].width == width && (is_signed || width == 1)) {
            raw->encoding = is_signed ? known[i].encoding : DMX_RAW_U8;
            return true;
        }
    return false;
}

bool dmx_pcm_set_floats(dmx_raw_spec *raw, size_t width, bool big_endian)
{
    raw->big_endian = big_endian;
    raw->encoding = width == 4 ? DMX_RAW_F32 : DMX_RAW_F64;
    return width == 4 || width == 8;
}

bool dmx_pcm_placeholder(uint32_t size)
{
    return size >= 0xFFFFFF00u ||
           (size >= 0x7FFFF000u - 256 && size <= 0x80000000u);
}

/* Bytes of the ID3v2 tags that some programs put before a file. */
static int64_t leading_tags(dmx_pcm_bytes *in)
{
    int64_t at = 0;
    unsigned char p[10];
    for (int i = 0; i < MAX_ID3_TAGS; i++) {
        if (!dmx_pcm_bytes_at(in, at, p, sizeof p) || memcmp(p, "ID3", 3) != 0)
            break;
        at += 10 + ((int64_t)(p[6] & 127) << 21 | (p[7] & 127) << 14 |
                    (p[8] & 127) << 7 | (p[9] & 127));
        at += p[5] & 0x10 ? 10 : 0; /* its footer */
    }
    return at <= in->size ? at : 0;
}

static dmx_status check(const dmx_pcm_header *h, const char *name,
                        dmx_error *err)
{
    DMX_RETURN_IF(
        h->rate < DMX_AUDIO_MIN_RATE || h->rate > DMX_AUDIO_MAX_RATE, err,
        DMX_ERROR_UNSUPPORTED, "%s: a sample rate of %lu Hz is outside %d..%d",
        name, (unsigned long)h->rate, DMX_AUDIO_MIN_RATE, DMX_AUDIO_MAX_RATE);
    DMX_RETURN_IF(h->channels < 1 || h->channels > DMX_AUDIO_MAX_CHANNELS, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: %lu channels; 1 to %d can be read", name,
                  (unsigned long)h->channels, DMX_AUDIO_MAX_CHANNELS);
    return DMX_OK;
}

/* Determines how much is announced, and how much of that is present. */
static dmx_status measure(dmx_pcm_header *h, const char *name, dmx_error *err)
{
    dmx_pcm_file *f = &h->file;
    f->raw.rate = (int)h->rate;
    f->raw.channels = (int)h->channels;
    const int64_t frame = (int64_t)dmx_raw_frame_size(&f->raw);
    int64_t there = h->in.size - f->offset;
    if (there < 0)
        there = 0;
    if (h->data >= 0 && f->announced < 0)
        f->announced = h->data / frame;
    if (h->data >= 0 && h->data < there)
        there = h->data;
    f->frames = there / frame;
    if (f->announced >= 0 && f->frames > f->announced)
        f->frames = f->announced;
    f->more = h->extra / frame;
    f->offset += h->in.base;
    DMX_RETURN_IF(f->frames == 0, err, DMX_ERROR_FORMAT,
                  "%s: holds no audio samples", name);
    return DMX_OK;
}

dmx_status dmx_pcm_find(dmx_pcm_file *out, bool *found, int fd, int64_t size,
                        const char *name, dmx_error *err)
{
    dmx_pcm_header h = {
        .in = {.fd = fd, .size = size}, .file = {.announced = -1}, .data = -1};
    h.in.base = leading_tags(&h.in);
    h.in.size -= h.in.base;
    *found = (dmx_pcm_wave(&h) || dmx_pcm_aiff(&h) || dmx_pcm_au(&h) ||
              dmx_pcm_caf(&h)) &&
             h.have_format;
    DMX_RETURN_IF(h.in.failure != 0, err, DMX_ERROR_IO, "%s: read failed: %s",
                  name, strerror(h.in.failure));
    if (!*found)
        return DMX_OK;
    DMX_RETURN_IF(!h.is_plain && h.only_ours, err, DMX_ERROR_UNSUPPORTED,
                  "%s: a %s file of samples that can't be read; convert it to "
                  "an ordinary WAV file first",
                  name, h.file.container);
    *found = h.is_plain;
    if (!*found)
        return DMX_OK;
    DMX_FORWARD(check(&h, name, err));
    DMX_RETURN_IF(!h.have_data, err, DMX_ERROR_FORMAT,
                  "%s: holds no audio samples", name);
    DMX_FORWARD(measure(&h, name, err));
    *out = h.file;
    return DMX_OK;
}
