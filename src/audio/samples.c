#include "audio/samples.h"

/* One channel's samples: the address of the first, and their stride. */
typedef struct view {
    uint8_t *data;
    size_t stride; /* in samples */
} view;

static view channel_view(const AVFrame *frame, int channel, size_t from)
{
    const enum AVSampleFormat format = (enum AVSampleFormat)frame->format;
    const size_t size = (size_t)av_get_bytes_per_sample(format);
    const size_t c = (size_t)channel;
    if (av_sample_fmt_is_planar(format))
        return (view){frame->extended_data[c] + from * size, 1};
    const size_t channels = (size_t)dmx_av_frame_channels(frame);
    return (view){frame->data[0] + (from * channels + c) * size, channels};
}

bool dmx_samples_known(int format)
{
    switch (av_get_packed_sample_fmt((enum AVSampleFormat)format)) {
    case AV_SAMPLE_FMT_U8:
    case AV_SAMPLE_FMT_S16:
    case AV_SAMPLE_FMT_S32:
    case AV_SAMPLE_FMT_S64:
    case AV_SAMPLE_FMT_FLT:
    case AV_SAMPLE_FMT_DBL:
        return true;
    default:
        return false;
    }
}

#define DECODE(type, expression)                                               \
    do {                                                                       \
        const type *in = (const type *)(const void *)v.data;                   \
        for (size_t i = 0; i < count; i++) {                                   \
            const type x = in[i * v.stride];                                   \
            out[i] = (float)(expression);                                      \
        }                                                                      \
    } while (0)

static void decode_channel(float *out, view v, int format, size_t count)
{
    switch (av_get_packed_sample_fmt((enum AVSampleFormat)format)) {
    case AV_SAMPLE_FMT_U8:
        DECODE(uint8_t, (x - 128) * 0x1p-7);
        break;
    case AV_SAMPLE_FMT_S16:
        DECODE(int16_t, x * 0x1p-15);
        break;
    case AV_SAMPLE_FMT_S32:
        DECODE(int32_t, x * 0x1p-31);
        break;
    case AV_SAMPLE_FMT_S64:
        DECODE(int64_t, (double)x * 0x1p-63);
        break;
    case AV_SAMPLE_FMT_FLT:
        DECODE(float, x);
        break;
    case AV_SAMPLE_FMT_DBL:
        DECODE(double, x);
        break;
    default:
        break;
    }
}

void dmx_samples_decode(float *const *planes, size_t at, const AVFrame *frame,
                        size_t from, size_t count)
{
    const int channels = dmx_av_frame_channels(frame);
    for (int c = 0; c < channels; c++)
        decode_channel(planes[c] + at, channel_view(frame, c, from),
                       frame->format, count);
}

void dmx_samples_put_float(AVFrame *frame, int channel, size_t at,
                           const float *in, size_t count)
{
    const view v = channel_view(frame, channel, at);
    float *out = (float *)(void *)v.data;
    for (size_t i = 0; i < count; i++)
        out[i * v.stride] = in[i];
}

void dmx_samples_put_int(AVFrame *frame, int channel, size_t at,
                         const int32_t *in, size_t count, int bits)
{
    const view v = channel_view(frame, channel, at);
    const int width =
        8 * av_get_bytes_per_sample((enum AVSampleFormat)frame->format);
    if (width == 16) {
        int16_t *out = (int16_t *)(void *)v.data;
        for (size_t i = 0; i < count; i++)
            out[i * v.stride] = (int16_t)in[i];
        return;
    }
    int32_t *out = (int32_t *)(void *)v.data;
    const int32_t scale = (int32_t)1 << (32 - bits);
    for (size_t i = 0; i < count; i++)
        out[i * v.stride] = in[i] * scale;
}
