#include "stream/pipe_sink.h"
#include "audio/quantise.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 100
#define AT_ONCE 4096 /* bytes that a ready pipe accepts at once: PIPE_BUF */

dmx_raw_encoding dmx_pipe_encoding(const dmx_raw_spec *like)
{
    switch (like->encoding) {
    case DMX_RAW_S24:
    case DMX_RAW_S32:
    case DMX_RAW_F32:
        return like->encoding;
    case DMX_RAW_S64:
        return DMX_RAW_S32;
    case DMX_RAW_F64:
        return DMX_RAW_F32;
    default:
        return DMX_RAW_S16;
    }
}

static dmx_status write_failed(const dmx_pipe_sink *o, dmx_error *err)
{
    const char *why = strerror(errno);
    DMX_RETURN_IF(o->fd == STDOUT_FILENO, err, DMX_ERROR_IO,
                  "can't write to standard output: %s", why);
    return dmx_fail(err, DMX_ERROR_IO, "can't write to file descriptor %d: %s",
                    o->fd, why);
}

static dmx_status write_all(const dmx_pipe_sink *o, size_t size,
                            const dmx_hooks *hooks, dmx_error *err)
{
    for (size_t at = 0; at < size;) {
        struct pollfd p = {.fd = o->fd, .events = POLLOUT};
        DMX_FORWARD(dmx_progress(hooks, "stream", 0, err));
        if (poll(&p, 1, LOOK_MS) == 0)
            continue;
        const size_t left = size - at;
        const ssize_t n =
            write(o->fd, o->bytes + at, left < AT_ONCE ? left : AT_ONCE);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return write_failed(o, err);
        at += (size_t)n;
    }
    return DMX_OK;
}

/* ----------------------------------------------------------------- header */

static unsigned char *put(unsigned char *p, uint32_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *p++ = (unsigned char)(value >> 8 * i);
    return p;
}

static unsigned char *put_text(unsigned char *p, const char *text)
{
    memcpy(p, text, 4);
    return p + 4;
}

/* Sizes are all ones, meaning until the end, as other programs write to pipes.
 */
static size_t make_header(const dmx_pipe_sink *o)
{
    const uint32_t frame = (uint32_t)dmx_raw_frame_size(&o->spec);
    const uint32_t rate = (uint32_t)o->spec.rate;
    unsigned char *p = put_text(o->bytes, "RIFF");
    p = put_text(put(p, UINT32_MAX, 4), "WAVE");
    p = put(put_text(p, "fmt "), 16, 4);
    p = put(p, o->spec.encoding == DMX_RAW_F32 ? 3 : 1, 2);
    p = put(p, (uint32_t)o->spec.channels, 2);
    p = put(put(p, rate, 4), rate * frame, 4);
    p = put(put(p, frame, 2), (uint32_t)dmx_raw_bits(&o->spec), 2);
    p = put(put_text(p, "data"), UINT32_MAX, 4);
    return (size_t)(p - o->bytes);
}

dmx_status dmx_pipe_sink_open(dmx_pipe_sink *out, int fd,
                              const dmx_raw_spec *spec, bool wav,
                              dmx_error *err)
{
    *out = (dmx_pipe_sink){.fd = fd, .spec = *spec};
    out->spec.big_endian = 0;
    const size_t size = DMX_PIPE_FRAMES * dmx_raw_frame_size(&out->spec);
    out->bytes = malloc(size);
    out->integers = malloc(DMX_PIPE_FRAMES * sizeof *out->integers);
    DMX_RETURN_IF(out->bytes == NULL || out->integers == NULL, err,
                  DMX_ERROR_MEMORY, "no memory for the output");
    return wav ? write_all(out, make_header(out), NULL, err) : DMX_OK;
}

void dmx_pipe_sink_close(dmx_pipe_sink *o)
{
    free(o->bytes);
    free(o->integers);
    *o = (dmx_pipe_sink){0};
}

/* ---------------------------------------------------------------- samples */

/* Writes one channel of every frame. s32 has 24 significant bits, as float32
 * does. */
static void encode(dmx_pipe_sink *o, int channel, const float *in,
                   size_t frames)
{
    const int bits = dmx_raw_bits(&o->spec);
    const size_t width = (size_t)bits / 8;
    const size_t stride = dmx_raw_frame_size(&o->spec);
    unsigned char *p = o->bytes + (size_t)channel * width;
    if (o->spec.encoding != DMX_RAW_F32)
        o->clipped +=
            dmx_quantise(o->integers, in, frames, bits < 24 ? bits : 24, NULL);
    for (size_t i = 0; i < frames; i++, p += stride) {
        uint32_t value;
        if (o->spec.encoding == DMX_RAW_F32)
            memcpy(&value, &in[i], sizeof value);
        else
            value = (uint32_t)o->integers[i] << (bits > 24 ? bits - 24 : 0);
        (void)put(p, value, width);
    }
}

dmx_status dmx_pipe_sink_write(dmx_pipe_sink *o, const float *const *planes,
                               size_t frames, const dmx_hooks *hooks,
                               dmx_error *err)
{
    for (int c = 0; c < o->spec.channels; c++)
        encode(o, c, planes[c], frames);
    return write_all(o, frames * dmx_raw_frame_size(&o->spec), hooks, err);
}
