#include "audio/decoder.h"
#include "audio/input.h"
#include "audio/samples.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_RATE         1000
#define MAX_RATE         1536000
#define MAX_RETRIES      1000 /* of a demuxer that asks to try again */
#define ONE_PAGE_SECONDS 60
#define MAX_GAP_SECONDS  10 /* silence that one damaged packet can become */

struct dmx_decoder {
    dmx_input input;
    AVStream *stream; /* owned by the input */
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    char *name;
    size_t used;     /* frames of `frame` that were handed out */
    int64_t silence; /* frames to hand out for damaged packets */
    int64_t left;    /* frames until the container's end; -1: no such */
    int64_t damaged;
    int rate, channels;
    bool draining, ended;
};

static int64_t to_frames(const dmx_decoder *d, int64_t duration, int rate)
{
    return av_rescale_q(duration, d->stream->time_base, (AVRational){1, rate});
}

/* Short Ogg Vorbis files consist of one page, of which FFmpeg's demuxer cuts
 * too much or too little (it counts the first packet, which decodes to
 * nothing): there the length by the last page's position is used instead. */
static bool trims_by_itself(const dmx_decoder *d)
{
    const AVStream *st = d->stream;
    return st->codecpar->codec_id == AV_CODEC_ID_VORBIS &&
           strcmp(d->input.format->iformat->name, "ogg") == 0 &&
           st->duration != AV_NOPTS_VALUE && st->duration > 0 &&
           av_rescale_q(st->duration, st->time_base, (AVRational){1, 1}) <
               ONE_PAGE_SECONDS;
}

static dmx_status open_codec(dmx_decoder *d, dmx_error *err)
{
    const AVCodecParameters *par = d->stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    DMX_RETURN_IF(codec == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "%s: no decoder for its audio (%s)", d->name,
                  avcodec_get_name(par->codec_id));
    d->codec = avcodec_alloc_context3(codec);
    d->packet = av_packet_alloc();
    d->frame = av_frame_alloc();
    DMX_RETURN_IF(d->codec == NULL || d->packet == NULL || d->frame == NULL ||
                      avcodec_parameters_to_context(d->codec, par) < 0,
                  err, DMX_ERROR_MEMORY, "%s: no memory to decode it", d->name);
    d->codec->pkt_timebase = d->stream->time_base;
    d->codec->thread_count = 1; /* the host decides about threads */
    if (par->codec_id == AV_CODEC_ID_FLAC)
        d->codec->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
    if (trims_by_itself(d))
        d->codec->flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL;
    const int code = avcodec_open2(d->codec, codec, NULL);
    char text[128];
    DMX_RETURN_IF(code < 0, err, dmx_av_status(code, DMX_ERROR_UNSUPPORTED),
                  "%s: can't decode its audio (%s): %s", d->name, codec->name,
                  dmx_av_text(text, sizeof text, code));
    return DMX_OK;
}

static dmx_status find_stream(dmx_decoder *d, dmx_error *err)
{
    const int i = av_find_best_stream(d->input.format, AVMEDIA_TYPE_AUDIO, -1,
                                      -1, NULL, 0);
    DMX_RETURN_IF(i < 0, err, DMX_ERROR_UNSUPPORTED,
                  "%s: has no audio in it (container %s)", d->name,
                  d->input.format->iformat->name);
    d->stream = d->input.format->streams[i];
    for (unsigned k = 0; k < d->input.format->nb_streams; k++)
        if ((int)k != i)
            d->input.format->streams[k]->discard = AVDISCARD_ALL;
    return DMX_OK;
}

/* A packet was lost: keep the time by as much silence. */
static void note_damage(dmx_decoder *d, int64_t duration)
{
    d->damaged++;
    if (d->rate == 0)
        return; /* nothing decoded yet: the sound starts with its first frame */
    int64_t gap =
        duration > 0 ? to_frames(d, duration, d->rate) : d->codec->frame_size;
    if (gap > (int64_t)MAX_GAP_SECONDS * d->rate)
        gap = (int64_t)MAX_GAP_SECONDS * d->rate;
    d->silence += gap > 0 ? gap : 0;
}

/* The next packet of our stream; at the end of the file *end. */
static dmx_status read_packet(dmx_decoder *d, bool *end, dmx_error *err)
{
    int retries = 0;
    for (;;) {
        const int code = av_read_frame(d->input.format, d->packet);
        if (code >= 0 && d->packet->stream_index == d->stream->index)
            return DMX_OK;
        av_packet_unref(d->packet);
        if (code >= 0)
            continue;
        if (code == AVERROR(EAGAIN) && ++retries < MAX_RETRIES)
            continue;
        DMX_RETURN_IF(code == AVERROR(ENOMEM), err, DMX_ERROR_MEMORY,
                      "%s: no memory to read it", d->name);
        DMX_RETURN_IF(d->input.failure != 0, err, DMX_ERROR_IO,
                      "%s: read failed: %s", d->name,
                      strerror(d->input.failure));
        /* A malformed rest ends the sound as the file's end does. */
        if (code != AVERROR_EOF)
            d->damaged++;
        *end = true;
        return DMX_OK;
    }
}

/* Gives the decoder one more packet, or tells it that there is none. */
static dmx_status feed(dmx_decoder *d, dmx_error *err)
{
    bool end = false;
    DMX_FORWARD(read_packet(d, &end, err));
    if (end) {
        d->draining = true;
        avcodec_send_packet(d->codec, NULL);
        return DMX_OK;
    }
    const int64_t duration = d->packet->duration;
    const int code = avcodec_send_packet(d->codec, d->packet);
    av_packet_unref(d->packet);
    DMX_RETURN_IF(code == AVERROR(ENOMEM), err, DMX_ERROR_MEMORY,
                  "%s: no memory to decode it", d->name);
    if (code < 0)
        note_damage(d, duration);
    return DMX_OK;
}

static dmx_status check_frame(dmx_decoder *d, dmx_error *err)
{
    const int channels = dmx_av_frame_channels(d->frame);
    const int rate = d->frame->sample_rate;
    DMX_RETURN_IF(rate < MIN_RATE || rate > MAX_RATE, err,
                  DMX_ERROR_UNSUPPORTED,
                  "%s: a sample rate of %d Hz is outside %d..%d", d->name, rate,
                  MIN_RATE, MAX_RATE);
    DMX_RETURN_IF(channels < 1 || channels > DMX_AUDIO_MAX_CHANNELS, err,
                  DMX_ERROR_UNSUPPORTED, "%s: %d channels; 1 to %d can be read",
                  d->name, channels, DMX_AUDIO_MAX_CHANNELS);
    DMX_RETURN_IF(!dmx_samples_known(d->frame->format), err,
                  DMX_ERROR_UNSUPPORTED, "%s: unknown sample format", d->name);
    DMX_RETURN_IF(
        d->rate != 0 && (rate != d->rate || channels != d->channels), err,
        DMX_ERROR_UNSUPPORTED,
        "%s: changes from %d Hz, %d channels to %d Hz, %d channels on "
        "the way; convert it to one format first",
        d->name, d->rate, d->channels, rate, channels);
    d->rate = rate;
    d->channels = channels;
    return DMX_OK;
}

/* Decodes until d->frame holds new samples, silence is due, or the end. */
static dmx_status next_frame(dmx_decoder *d, dmx_error *err)
{
    while (!d->ended && d->silence == 0) {
        const int code = avcodec_receive_frame(d->codec, d->frame);
        if (code >= 0) {
            d->used = 0;
            if (d->frame->nb_samples > 0)
                return check_frame(d, err);
        } else if (code == AVERROR_EOF) {
            d->ended = true;
        } else if (code == AVERROR(ENOMEM)) {
            DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY,
                             "%s: no memory to decode it", d->name);
        } else if (code != AVERROR(EAGAIN) || d->draining) {
            d->ended = d->draining;
            note_damage(d, 0);
        } else {
            DMX_FORWARD(feed(d, err));
        }
    }
    return DMX_OK;
}

/* iTunes states the exact length: "0 delay padding length ..." in hex. */
static int64_t itunes_length(const dmx_decoder *d)
{
    const AVDictionaryEntry *e =
        av_dict_get(d->input.format->metadata, "iTunSMPB", NULL, 0);
    unsigned long long delay, padding, length;
    if (e == NULL ||
        sscanf(e->value, " %*x %llx %llx %llx", &delay, &padding, &length) != 3)
        return -1;
    return length > 0 && length < (1ull << 47) ? (int64_t)length : -1;
}

/* Frames up to the container's own end, where that is more precise than the
 * codec's whole packets: MP4's edit list or media length. */
static int64_t container_length(const dmx_decoder *d)
{
    const AVFormatContext *format = d->input.format;
    if (trims_by_itself(d))
        return to_frames(d, d->stream->duration, d->rate);
    if (strncmp(format->iformat->name, "mov", 3) != 0 ||
        format->duration_estimation_method != AVFMT_DURATION_FROM_STREAM)
        return -1;
    const int64_t itunes = itunes_length(d);
    if (itunes >= 0)
        return itunes;
    if (d->stream->duration == AV_NOPTS_VALUE || d->stream->duration <= 0)
        return -1;
    return to_frames(d, d->stream->duration, d->rate);
}

static dmx_status start(dmx_decoder *d, dmx_error *err)
{
    DMX_FORWARD(
        dmx_input_open(&d->input, d->input.fd, d->input.size, d->name, err));
    DMX_FORWARD(find_stream(d, err));
    DMX_FORWARD(open_codec(d, err));
    DMX_FORWARD(next_frame(d, err));
    DMX_RETURN_IF(d->ended, err, DMX_ERROR_FORMAT,
                  d->damaged > 0 ? "%s: none of its audio can be decoded; the "
                                   "file is damaged"
                                 : "%s: holds no audio samples",
                  d->name);
    d->left = container_length(d);
    return DMX_OK;
}

dmx_status dmx_decoder_open(dmx_decoder **out, int fd, int64_t size,
                            const char *name, dmx_error *err)
{
    *out = NULL;
    dmx_decoder *d = calloc(1, sizeof *d);
    DMX_RETURN_IF(d == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", name);
    d->input.fd = fd;
    d->input.size = size;
    d->left = -1;
    d->name = strdup(name);
    const dmx_status status =
        d->name == NULL ? dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory", name)
                        : start(d, err);
    if (status != DMX_OK) {
        dmx_decoder_close(d);
        return status;
    }
    *out = d;
    return DMX_OK;
}

void dmx_decoder_close(dmx_decoder *d)
{
    if (d == NULL)
        return;
    av_frame_free(&d->frame);
    av_packet_free(&d->packet);
    avcodec_free_context(&d->codec);
    dmx_input_close(&d->input);
    free(d->name);
    free(d);
}

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

static void find_length(const dmx_decoder *d, dmx_audio_info *info)
{
    const AVFormatContext *format = d->input.format;
    info->frames = -1;
    info->exact = 0;
    if (d->left >= 0) {
        info->frames = d->left;
    } else if (d->stream->duration != AV_NOPTS_VALUE) {
        info->frames = to_frames(d, d->stream->duration, d->rate);
        if (d->codec->codec_id == AV_CODEC_ID_OPUS)
            info->frames -= d->stream->codecpar->initial_padding;
        info->exact = info->bits != 0 && d->stream->time_base.num == 1 &&
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

/* What a file says about its own making is not true of a stem. */
static bool is_technical(const char *key)
{
    static const char *const technical[] = {
        "encoder",
        "encoded_by",
        "major_brand",
        "minor_version",
        "creation_time",
        "compatible_brands",
        "language",
        "handler_name",
        "vendor_id",
        "duration",
        "itunsmpb",
        "itunnorm",
        "tlen",
        "tsse",
        "encoder_options",
        "metadata_block_picture",
        "waveformatextensible_channel_mask",
    };
    for (size_t i = 0; i < sizeof technical / sizeof technical[0]; i++)
        if (av_strcasecmp(key, technical[i]) == 0)
            return true;
    return av_strncasecmp(key, "replaygain_", 11) == 0 ||
           av_strncasecmp(key, "r128_", 5) == 0;
}

#define MAX_TAG_BYTES 65536

static dmx_status add_tags(dmx_audio_tags *tags, const AVDictionary *from,
                           dmx_error *err)
{
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(from, "", e, AV_DICT_IGNORE_SUFFIX)) != NULL) {
        if (is_technical(e->key) || strlen(e->value) > MAX_TAG_BYTES ||
            strlen(e->key) > 255 || tags->count >= DMX_AUDIO_MAX_TAGS)
            continue;
        DMX_FORWARD(dmx_audio_tags_set(tags, e->key, e->value, err));
    }
    return DMX_OK;
}

/* The first picture; one that can't be used costs a warning only. */
static void add_cover(const dmx_decoder *d, dmx_audio_tags *tags,
                      const dmx_hooks *hooks)
{
    const AVFormatContext *format = d->input.format;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *st = format->streams[i];
        if (!(st->disposition & AV_DISPOSITION_ATTACHED_PIC) ||
            st->attached_pic.size <= 0)
            continue;
        dmx_error err = DMX_ERROR_INIT;
        if (dmx_audio_tags_set_cover(tags, st->attached_pic.data,
                                     (size_t)st->attached_pic.size,
                                     &err) == DMX_OK)
            return;
        dmx_warn(hooks, "%s: %s; it is left out", d->name, err.message);
    }
}

dmx_status dmx_decoder_tags(const dmx_decoder *d, dmx_audio_tags *tags,
                            const dmx_hooks *hooks, dmx_error *err)
{
    DMX_FORWARD(add_tags(tags, d->input.format->metadata, err));
    DMX_FORWARD(add_tags(tags, d->stream->metadata, err));
    add_cover(d, tags, hooks);
    return DMX_OK;
}

static size_t min_size(size_t a, int64_t b)
{
    return b < 0 || (uint64_t)b > a ? a : (size_t)b;
}

static size_t take_silence(dmx_decoder *d, float *const *planes, size_t at,
                           size_t capacity)
{
    const size_t n = min_size(capacity, d->silence);
    for (int c = 0; c < d->channels; c++)
        memset(planes[c] + at, 0, n * sizeof planes[c][0]);
    d->silence -= (int64_t)n;
    return n;
}

static size_t take_frame(dmx_decoder *d, float *const *planes, size_t at,
                         size_t capacity)
{
    const size_t n =
        min_size(capacity, (int64_t)((size_t)d->frame->nb_samples - d->used));
    dmx_samples_decode(planes, at, d->frame, d->used, n);
    d->used += n;
    return n;
}

dmx_status dmx_decoder_read(dmx_decoder *d, float *const *planes, size_t at,
                            size_t capacity, size_t *got, dmx_error *err)
{
    *got = 0;
    capacity = min_size(capacity, d->left);
    if (capacity == 0)
        return DMX_OK;
    if (d->used >= (size_t)d->frame->nb_samples)
        DMX_FORWARD(next_frame(d, err));
    if (d->used < (size_t)d->frame->nb_samples)
        *got = take_frame(d, planes, at, capacity);
    else if (d->silence > 0)
        *got = take_silence(d, planes, at, capacity);
    if (d->left >= 0)
        d->left -= (int64_t)*got;
    return DMX_OK;
}

int64_t dmx_decoder_damaged(const dmx_decoder *d)
{
    return d->damaged;
}
