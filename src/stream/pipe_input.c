#include "stream/pipe_input.h"
#include "audio/pcm_parts.h"
#include "audio/reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define MOST_HEADER                                                            \
    ((int64_t)16 << 20) /* bytes before the samples of a WAV                   \
                         */
#define LOOK_MS 100     /* between checks for cancellation */

/* ------------------------------------------------------------------ bytes */

/* Reads what is available, at least one byte unless the input ends. */
static dmx_status more(dmx_pipe_input *in, dmx_error *err)
{
    memmove(in->bytes, in->bytes + in->used, in->have - in->used);
    in->have -= in->used;
    in->used = 0;
    for (;;) {
        struct pollfd p = {.fd = in->fd, .events = POLLIN};
        DMX_FORWARD(dmx_progress(in->hooks, "stream", 0, err));
        if (poll(&p, 1, LOOK_MS) == 0)
            continue;
        const ssize_t n =
            read(in->fd, in->bytes + in->have, sizeof in->bytes - in->have);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        DMX_RETURN_IF(n < 0, err, DMX_ERROR_IO, "can't read the input: %s",
                      strerror(errno));
        in->ended = n == 0;
        in->have += (size_t)n;
        return DMX_OK;
    }
}

/* The next n bytes, n at most half the buffer. */
static dmx_status take(dmx_pipe_input *in, unsigned char *out, size_t n,
                       dmx_error *err)
{
    while (in->have - in->used < n && !in->ended)
        DMX_FORWARD(more(in, err));
    DMX_RETURN_IF(in->have - in->used < n, err, DMX_ERROR_FORMAT,
                  "the input ends within the header of a WAV file");
    memcpy(out, in->bytes + in->used, n);
    in->used += n;
    return DMX_OK;
}

static dmx_status skip(dmx_pipe_input *in, int64_t n, dmx_error *err)
{
    unsigned char gone[4096];
    while (n > 0) {
        const size_t part = n < (int64_t)sizeof gone ? (size_t)n : sizeof gone;
        DMX_FORWARD(take(in, gone, part, err));
        n -= (int64_t)part;
    }
    return DMX_OK;
}

/* -------------------------------------------------------------------- WAV */

static uint32_t number(const unsigned char *p, size_t n)
{
    return (uint32_t)dmx_bytes_number(p, n, false);
}

/* Handles the tag of a WAVEFORMATEX, or the one in the GUID of an extensible
 * format. */
static bool set_encoding(dmx_raw_spec *spec, uint32_t tag, size_t width)
{
    if (tag == 1)
        return dmx_pcm_set_integers(spec, width, false, width > 1);
    if (tag == 3)
        return dmx_pcm_set_floats(spec, width, false);
    spec->encoding = tag == 6 ? DMX_RAW_ALAW : DMX_RAW_MULAW;
    return (tag == 6 || tag == 7) && width == 1;
}

static dmx_status read_format(dmx_pipe_input *in, uint32_t size, dmx_error *err)
{
    unsigned char p[40] = {0};
    const uint32_t n = size < sizeof p ? size : (uint32_t)sizeof p;
    DMX_RETURN_IF(n < 16, err, DMX_ERROR_FORMAT,
                  "the input is a WAV file with a damaged header");
    DMX_FORWARD(take(in, p, n, err));
    DMX_FORWARD(skip(in, (int64_t)(size - n) + (size & 1), err));
    uint32_t tag = number(p, 2);
    if (tag == 0xFFFE && n == sizeof p)
        tag = number(p + 24, 2);
    const uint32_t channels = number(p + 2, 2), rate = number(p + 4, 4);
    const uint32_t frame = number(p + 12, 2);
    DMX_RETURN_IF(channels < 1 || channels > DMX_AUDIO_MAX_CHANNELS ||
                      rate < 1 || rate > 1536000 || frame % channels != 0,
                  err, DMX_ERROR_UNSUPPORTED,
                  "the input is a WAV file of %u channels at %u Hz", channels,
                  rate);
    in->spec = (dmx_raw_spec){.rate = (int)rate, .channels = (int)channels};
    DMX_RETURN_IF(!set_encoding(&in->spec, tag, frame / channels), err,
                  DMX_ERROR_UNSUPPORTED,
                  "the input is a WAV file of compressed samples (format %u)",
                  tag);
    return DMX_OK;
}

/* Programs that write to pipes can't know the size, and indicate that in
 * several ways. */
static int64_t samples_size(uint32_t size)
{
    return size == 0 || dmx_pcm_placeholder(size) ? INT64_MAX : (int64_t)size;
}

static dmx_status read_header(dmx_pipe_input *in, dmx_error *err)
{
    unsigned char p[12];
    bool known = false;
    DMX_FORWARD(take(in, p, 12, err));
    DMX_RETURN_IF((memcmp(p, "RIFF", 4) != 0 && memcmp(p, "RF64", 4) != 0 &&
                   memcmp(p, "BW64", 4) != 0) ||
                      memcmp(p + 8, "WAVE", 4) != 0,
                  err, DMX_ERROR_FORMAT,
                  "the input is no WAV file: say what raw samples come "
                  "(s16le,44100,2), or send WAV");
    for (int64_t seen = 12; seen < MOST_HEADER;) {
        DMX_FORWARD(take(in, p, 8, err));
        const uint32_t size = number(p + 4, 4);
        seen += 8 + (int64_t)size;
        if (memcmp(p, "data", 4) == 0) {
            in->left = samples_size(size);
            DMX_RETURN_IF(!known, err, DMX_ERROR_FORMAT,
                          "the input is a WAV file without a format");
            return DMX_OK;
        }
        if (memcmp(p, "fmt ", 4) == 0 && !known) {
            DMX_FORWARD(read_format(in, size, err));
            known = true;
        } else if (seen < MOST_HEADER) {
            DMX_FORWARD(skip(in, (int64_t)size + (size & 1), err));
        }
    }
    return dmx_fail(err, DMX_ERROR_LIMIT,
                    "the input is a WAV file whose samples begin beyond "
                    "16 MiB");
}

/* ----------------------------------------------------------------- public */

dmx_status dmx_pipe_input_open(dmx_pipe_input *out, int fd, const char *raw,
                               const dmx_hooks *hooks, dmx_error *err)
{
    *out = (dmx_pipe_input){.fd = fd, .hooks = hooks, .left = INT64_MAX};
    if (raw != NULL)
        return dmx_raw_parse(&out->spec, raw, err);
    out->is_wav = true;
    return read_header(out, err);
}

static size_t whole_frames(const dmx_pipe_input *in, size_t size)
{
    const int64_t waiting = (int64_t)(in->have - in->used);
    return (size_t)(waiting < in->left ? waiting : in->left) / size;
}

dmx_status dmx_pipe_input_read(dmx_pipe_input *in, float *const *planes,
                               size_t capacity, size_t *got, dmx_error *err)
{
    const size_t size = dmx_raw_frame_size(&in->spec);
    while (whole_frames(in, size) == 0 && !in->ended &&
           in->left >= (int64_t)size)
        DMX_FORWARD(more(in, err));
    const size_t whole = whole_frames(in, size);
    *got = whole < capacity ? whole : capacity;
    dmx_raw_decode(planes, 0, in->bytes + in->used, *got, &in->spec);
    in->used += *got * size;
    if (in->left != INT64_MAX)
        in->left -= (int64_t)(*got * size);
    return DMX_OK;
}
