/* Opens the stream and its decoder, and determines the length. */
#include "audio/decoder_parts.h"
#include "audio/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE_PAGE_SECONDS 60

/* Short Ogg Vorbis files consist of one page, which FFmpeg's demuxer trims too
 * much or too little (it counts the first packet, which decodes to nothing):
 * for them the length follows from the last page's position. */
static bool trims_by_itself(const dmx_decoder *d)
{
    const AVStream *st = d->stream;
    return st->codecpar->codec_id == AV_CODEC_ID_VORBIS &&
           strcmp(d->input.format->iformat->name, "ogg") == 0 &&
           st->duration != AV_NOPTS_VALUE && st->duration > 0 &&
           av_rescale_q(st->duration, st->time_base, (AVRational){1, 1}) <
               ONE_PAGE_SECONDS;
}

/* iTunes states the exact length: "0 delay padding length ..." in hex. Tools
 * that cut or re-encode copy the tag, so it is used only if it agrees with the
 * number of samples in the packets. */
static int64_t itunes_length(const dmx_decoder *d)
{
    const AVDictionaryEntry *e =
        av_dict_get(d->input.format->metadata, "iTunSMPB", NULL, 0);
    unsigned long long delay, padding, length;
    const int64_t packets = d->stream->nb_frames;
    const int size = d->stream->codecpar->frame_size;
    if (e == NULL || packets <= 0 || size <= 0 ||
        sscanf(e->value, " %*8x %8llx %8llx %16llx", &delay, &padding,
               &length) != 3)
        return -1;
    const bool possible = length > 0 && length < 1ull << 47;
    return possible && (int64_t)(delay + padding + length) == packets * size
               ? (int64_t)length
               : -1;
}

static bool is_mov(const dmx_decoder *d)
{
    return strncmp(d->input.format->iformat->name, "mov", 3) == 0;
}

/* The libraries trim the delay that such a tag states, true or not, unless
 * there is an edit list (then packets start before time 0). */
static bool cuts_by_false_tag(const dmx_decoder *d)
{
    const AVIndexEntry *first = avformat_index_get_entry(d->stream, 0);
    return is_mov(d) &&
           av_dict_get(d->input.format->metadata, "iTunSMPB", NULL, 0) !=
               NULL &&
           itunes_length(d) < 0 && (first == NULL || first->timestamp >= 0);
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
    d->codec->thread_count = 1; /* threading is up to the host */
    if (par->codec_id == AV_CODEC_ID_FLAC)
        d->codec->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
    if (trims_by_itself(d) || cuts_by_false_tag(d))
        d->codec->flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL;
    const int code = avcodec_open2(d->codec, codec, NULL);
    char text[128];
    DMX_RETURN_IF(code < 0, err, dmx_av_status(code, DMX_ERROR_UNSUPPORTED),
                  "%s: can't decode its audio (%s): %s", d->name, codec->name,
                  dmx_av_text(text, sizeof text, code));
    return DMX_OK;
}

static bool is_sound(const AVStream *st)
{
    return st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

/* The requested audio stream, counted from 1; 0: the first that can be decoded,
 * else the first. *count: the number of audio streams. */
static AVStream *choose(const AVFormatContext *format, int wanted, int *count)
{
    AVStream *chosen = NULL;
    bool usable = false;
    *count = 0;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        AVStream *st = format->streams[i];
        if (!is_sound(st))
            continue;
        const bool can = avcodec_find_decoder(st->codecpar->codec_id) != NULL;
        ++*count;
        if (wanted > 0 ? *count == wanted
                       : chosen == NULL || (can && !usable)) {
            chosen = st;
            usable = can;
        }
    }
    return chosen;
}

static dmx_status find_stream(dmx_decoder *d, int wanted,
                              const dmx_hooks *hooks, dmx_error *err)
{
    const AVFormatContext *format = d->input.format;
    int count;
    d->stream = choose(format, wanted, &count);
    DMX_RETURN_IF(count == 0, err, DMX_ERROR_UNSUPPORTED,
                  "%s: has no audio in it (container %s)", d->name,
                  format->iformat->name);
    DMX_RETURN_IF(d->stream == NULL, err, DMX_ERROR_ARGUMENT,
                  count == 1 ? "%s: there is no audio stream %d; it has one"
                             : "%s: there is no audio stream %d; it has %d",
                  d->name, wanted, count);
    if (wanted == 0 && count > 1)
        dmx_warn(hooks,
                 "it has %d audio streams; the first is taken "
                 "(options.stream takes another)",
                 count);
    for (unsigned k = 0; k < format->nb_streams; k++)
        if (format->streams[k] != d->stream)
            format->streams[k]->discard = AVDISCARD_ALL;
    return DMX_OK;
}

/* The number of frames up to the end stated by the container, if that is more
 * precise than whole packets: MP4's edit list or media length. */
static int64_t container_length(const dmx_decoder *d)
{
    const AVFormatContext *format = d->input.format;
    if (trims_by_itself(d))
        return dmx_decoder_frames(d, d->stream->duration);
    if (!is_mov(d) ||
        format->duration_estimation_method != AVFMT_DURATION_FROM_STREAM)
        return -1;
    const int64_t itunes = itunes_length(d);
    if (itunes >= 0)
        return itunes;
    if (d->stream->duration == AV_NOPTS_VALUE || d->stream->duration <= 0)
        return -1;
    return dmx_decoder_frames(d, d->stream->duration);
}

static dmx_status start(dmx_decoder *d, const dmx_span *span, int stream,
                        const dmx_hooks *hooks, dmx_error *err)
{
    DMX_FORWARD(dmx_input_open(&d->input, span, d->name, true, err));
    DMX_FORWARD(find_stream(d, stream, hooks, err));
    DMX_FORWARD(open_codec(d, err));
    DMX_FORWARD(dmx_decoder_next(d, err));
    const bool has_some = d->damaged > 0 || d->stream->duration > 0;
    DMX_RETURN_IF(d->ended && d->rate == 0, err, DMX_ERROR_FORMAT,
                  has_some ? "%s: none of its audio (%s) can be decoded; it "
                             "is damaged, or of a kind that the FFmpeg "
                             "libraries here don't know"
                           : "%s: holds no audio samples",
                  d->name, avcodec_get_name(d->codec->codec_id));
    d->left = container_length(d);
    dmx_audio_info info;
    dmx_decoder_info(d, &info);
    d->announced = info.frames;
    return DMX_OK;
}

dmx_status dmx_decoder_open(dmx_decoder **out, const dmx_span *span,
                            const char *name, int stream,
                            const dmx_hooks *hooks, dmx_error *err)
{
    *out = NULL;
    dmx_decoder *d = calloc(1, sizeof *d);
    DMX_RETURN_IF(d == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", name);
    d->left = d->announced = -1;
    d->name = strdup(name);
    const dmx_status status =
        d->name == NULL ? dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory", name)
                        : start(d, span, stream, hooks, err);
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
