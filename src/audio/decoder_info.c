/* A decoder's description of its file. */
#include "audio/decoder_parts.h"
#include "audio/file_tags.h"

#include <stdio.h>
#include <string.h>

static bool is_lossless(const dmx_decoder *d)
{
    const AVCodecDescriptor *codec = avcodec_descriptor_get(d->codec->codec_id);
    return codec != NULL && (codec->props & AV_CODEC_PROP_LOSSLESS) != 0 &&
           (codec->props & AV_CODEC_PROP_LOSSY) == 0;
}

static bool is_floating(enum AVSampleFormat format)
{
    const enum AVSampleFormat packed = av_get_packed_sample_fmt(format);
    return packed == AV_SAMPLE_FMT_FLT || packed == AV_SAMPLE_FMT_DBL;
}

static int source_bits(const dmx_decoder *d)
{
    if (d->codec->bits_per_raw_sample > 0)
        return d->codec->bits_per_raw_sample;
    const int bits = av_get_bits_per_sample(d->codec->codec_id);
    if (bits > 0)
        return bits;
    return 8 * av_get_bytes_per_sample((enum AVSampleFormat)d->frame->format);
}

/* Whether the container's header states the number of samples. */
static bool counts_samples(const dmx_decoder *d)
{
    static const char *const known[] = {"wav", "w64", "aiff", "flac", "tta",
                                        "wv",  "ape", "tak",  "ogg"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(d->input.format->iformat->name, known[i]) == 0)
            return true;
    return false;
}

static void find_length(const dmx_decoder *d, dmx_audio_info *info)
{
    const AVFormatContext *format = d->input.format;
    info->frames = -1;
    info->exact = 0;
    if (d->left >= 0) {
        info->frames = d->left;
    } else if (d->stream->duration != AV_NOPTS_VALUE) {
        info->frames = dmx_decoder_frames(d, d->stream->duration);
        if (d->codec->codec_id == AV_CODEC_ID_OPUS)
            info->frames -= d->stream->codecpar->initial_padding;
        info->exact = info->bits != 0 && counts_samples(d) &&
                      d->stream->time_base.num == 1 &&
                      d->stream->time_base.den == d->rate;
    } else if (format->duration != AV_NOPTS_VALUE) {
        info->frames = av_rescale(format->duration, d->rate, AV_TIME_BASE);
    }
    if (info->frames <= 0) {
        info->frames = -1;
        info->exact = 0;
    }
}

void dmx_decoder_info(const dmx_decoder *d, dmx_audio_info *info)
{
    *info = (dmx_audio_info){.rate = d->rate, .channels = d->channels};
    info->layout = dmx_av_frame_layout(d->frame);
    if (is_lossless(d)) {
        info->bits = source_bits(d);
        info->is_float =
            is_floating((enum AVSampleFormat)d->frame->format) ? 1 : 0;
    }
    find_length(d, info);
    snprintf(info->codec, sizeof info->codec, "%s",
             avcodec_get_name(d->codec->codec_id));
    snprintf(info->container, sizeof info->container, "%s",
             d->input.format->iformat->name);
    dmx_av_layout_name(info->layout_name, sizeof info->layout_name,
                       info->layout, d->channels);
}

dmx_status dmx_decoder_tags(const dmx_decoder *d, dmx_audio_tags *tags,
                            const dmx_hooks *hooks, dmx_error *err)
{
    return dmx_file_tags(tags, &d->input, d->stream, hooks, err);
}
