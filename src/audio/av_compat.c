#include "audio/av_compat.h"

#include <errno.h>
#include <stdio.h>

#define GUESSED_CHANNELS 8 /* a count alone says nothing beyond this */

#if DMX_AV_CHANNEL_LAYOUT

int dmx_av_frame_channels(const AVFrame *frame)
{
    return frame->ch_layout.nb_channels;
}

uint64_t dmx_av_frame_layout(const AVFrame *frame)
{
    const AVChannelLayout *layout = &frame->ch_layout;
    if (layout->order == AV_CHANNEL_ORDER_NATIVE)
        return layout->u.mask;
    return layout->order == AV_CHANNEL_ORDER_UNSPEC
               ? dmx_av_usual_layout(layout->nb_channels)
               : 0;
}

uint64_t dmx_av_usual_layout(int channels)
{
    AVChannelLayout usual;
    if (channels < 1 || channels > GUESSED_CHANNELS)
        return 0;
    av_channel_layout_default(&usual, channels);
    return usual.order == AV_CHANNEL_ORDER_NATIVE ? usual.u.mask : 0;
}

uint64_t dmx_av_stream_layout(const AVCodecParameters *par, int channels)
{
    const AVChannelLayout *layout = &par->ch_layout;
    return layout->order == AV_CHANNEL_ORDER_NATIVE &&
                   layout->nb_channels == channels
               ? layout->u.mask
               : 0;
}

void dmx_av_layout_name(char *text, size_t size, uint64_t layout, int channels)
{
    AVChannelLayout named;
    if (layout == 0 || av_channel_layout_from_mask(&named, layout) != 0 ||
        av_channel_layout_describe(&named, text, size) < 0)
        snprintf(text, size, "%d channels", channels);
}

void dmx_av_set_channels(AVCodecContext *codec, int channels)
{
    av_channel_layout_default(&codec->ch_layout, channels);
}

int dmx_av_frame_like(AVFrame *frame, const AVCodecContext *codec)
{
    frame->format = codec->sample_fmt;
    frame->sample_rate = codec->sample_rate;
    return av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout);
}

#else

int dmx_av_frame_channels(const AVFrame *frame)
{
    return frame->channels;
}

uint64_t dmx_av_frame_layout(const AVFrame *frame)
{
    return frame->channel_layout != 0 ? frame->channel_layout
                                      : dmx_av_usual_layout(frame->channels);
}

uint64_t dmx_av_usual_layout(int channels)
{
    if (channels < 1 || channels > GUESSED_CHANNELS)
        return 0;
    return (uint64_t)av_get_default_channel_layout(channels);
}

uint64_t dmx_av_stream_layout(const AVCodecParameters *par, int channels)
{
    return par->channels == channels ? par->channel_layout : 0;
}

void dmx_av_layout_name(char *text, size_t size, uint64_t layout, int channels)
{
    if (layout == 0)
        snprintf(text, size, "%d channels", channels);
    else
        av_get_channel_layout_string(text, (int)size, channels, layout);
}

void dmx_av_set_channels(AVCodecContext *codec, int channels)
{
    codec->channels = channels;
    codec->channel_layout = (uint64_t)av_get_default_channel_layout(channels);
}

int dmx_av_frame_like(AVFrame *frame, const AVCodecContext *codec)
{
    frame->format = codec->sample_fmt;
    frame->sample_rate = codec->sample_rate;
    frame->channels = codec->channels;
    frame->channel_layout = codec->channel_layout;
    return 0;
}

#endif

void dmx_av_quiet(void)
{
    if (av_log_get_level() == AV_LOG_INFO)
        av_log_set_level(AV_LOG_QUIET);
}

dmx_status dmx_av_status(int av_error, dmx_status code)
{
    return av_error == AVERROR(ENOMEM) ? DMX_ERROR_MEMORY : code;
}

const char *dmx_av_text(char *text, size_t size, int av_error)
{
    if (av_strerror(av_error, text, size) < 0)
        snprintf(text, size, "error %d", av_error);
    return text;
}
