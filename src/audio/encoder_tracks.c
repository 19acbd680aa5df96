/* The tracks of a file: codecs, and the samples sent to them. */
#include "audio/encoder_parts.h"
#include "audio/stem_box.h"

#include <stdlib.h>
#include <string.h>

#define VARIABLE_FRAME 4096 /* for codecs without a frame size of their own */
#define VORBIS_QUALITY 8    /* about 256 kbit/s at 44.1 kHz stereo */

static const struct {
    const char *muxer;
    const char *codec;
    int kbps; /* default for two channels; 0: lossless or by quality */
} formats[] = {
    [DMX_AUDIO_FLAC] = {"flac", "flac", 0},
    [DMX_AUDIO_MP3] = {"mp3", "libmp3lame", 320},
    [DMX_AUDIO_OGG] = {"ogg", "libvorbis", 0},
    [DMX_AUDIO_OPUS] = {"ogg", "libopus", 192},
    [DMX_AUDIO_M4A] = {"ipod", "aac", 256},
    [DMX_AUDIO_STEM_MP4] = {"mp4", "aac", 256},
};

/* ----------------------------------------------------------------- tracks */

static void set_quality(const dmx_encoder *e, AVCodecContext *c,
                        const dmx_audio_writer_options *o)
{
    const int kbps = formats[e->format].kbps;
    if (o->bitrate > 0) {
        c->bit_rate = (int64_t)o->bitrate * 1000;
    } else if (e->format == DMX_AUDIO_OGG) {
        c->flags |= AV_CODEC_FLAG_QSCALE;
        c->global_quality = VORBIS_QUALITY * FF_QP2LAMBDA;
    } else if (e->format == DMX_AUDIO_MP3) {
        c->bit_rate = (int64_t)kbps * 1000;
        c->compression_level = 2; /* LAME's -q 2 */
    } else if (kbps != 0) {
        c->bit_rate = (int64_t)kbps * 500 * e->channels;
    }
}

static enum AVSampleFormat sample_format(const dmx_encoder *e)
{
    switch (e->format) {
    case DMX_AUDIO_FLAC:
        return e->bits == 16 ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_S32;
    case DMX_AUDIO_OPUS:
        return AV_SAMPLE_FMT_FLT;
    default:
        return AV_SAMPLE_FMT_FLTP;
    }
}

static dmx_status open_codec(dmx_encoder *e, dmx_encoder_track *t,
                             const dmx_audio_writer_options *o, dmx_error *err)
{
    const char *name = formats[e->format].codec;
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    DMX_RETURN_IF(codec == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "%s: these FFmpeg libraries were built without the %s "
                  "encoder",
                  e->sink.name, name);
    AVCodecContext *c = t->codec = avcodec_alloc_context3(codec);
    if (c == NULL)
        return dmx_encoder_no_memory(e, err);
    c->sample_fmt = sample_format(e);
    c->sample_rate = o->rate;
    c->time_base = (AVRational){1, o->rate};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (e->format == DMX_AUDIO_FLAC)
        c->bits_per_raw_sample = e->bits;
    if (e->muxer->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    dmx_av_set_channels(c, e->channels);
    set_quality(e, c, o);
    const int code = avcodec_open2(c, codec, NULL);
    char text[128];
    DMX_RETURN_IF(code < 0, err, dmx_av_status(code, DMX_ERROR_ARGUMENT),
                  "%s: %s can't encode %d Hz, %d channels, %d kbit/s: %s",
                  e->sink.name, name, o->rate, e->channels, o->bitrate,
                  dmx_av_text(text, sizeof text, code));
    return DMX_OK;
}

static dmx_status add_stream(dmx_encoder *e, dmx_encoder_track *t,
                             dmx_error *err)
{
    t->stream = avformat_new_stream(e->muxer, NULL);
    if (t->stream == NULL ||
        avcodec_parameters_from_context(t->stream->codecpar, t->codec) < 0)
        return dmx_encoder_no_memory(e, err);
    t->stream->time_base = t->codec->time_base;
    return DMX_OK;
}

/* Players without stem support play the first track, the mix; the others are
 * disabled. */
static dmx_status name_stem(dmx_encoder *e, int index, dmx_error *err)
{
    AVStream *stream = e->track[index].stream;
    const char *name = index > 0 ? e->stem[index - 1] : "mix";
    if (index == 0)
        stream->disposition = AV_DISPOSITION_DEFAULT;
    return av_dict_set(&stream->metadata, "handler_name", name, 0) < 0
               ? dmx_encoder_no_memory(e, err)
               : DMX_OK;
}

static dmx_status new_frame(dmx_encoder *e, dmx_encoder_track *t,
                            dmx_error *err)
{
    t->room = t->codec->frame_size > 0 ? t->codec->frame_size : VARIABLE_FRAME;
    t->frame = av_frame_alloc();
    if (t->frame == NULL)
        return dmx_encoder_no_memory(e, err);
    t->frame->nb_samples = t->room;
    if (dmx_av_frame_like(t->frame, t->codec) < 0 ||
        av_frame_get_buffer(t->frame, 0) < 0)
        return dmx_encoder_no_memory(e, err);
    return DMX_OK;
}

static dmx_status open_track(dmx_encoder *e, int index,
                             const dmx_audio_writer_options *o, dmx_error *err)
{
    dmx_encoder_track *t = &e->track[index];
    DMX_FORWARD(open_codec(e, t, o, err));
    DMX_FORWARD(add_stream(e, t, err));
    if (e->stem != NULL)
        DMX_FORWARD(name_stem(e, index, err));
    return new_frame(e, t, err);
}

static dmx_status start(dmx_encoder *e, const dmx_audio_writer_options *o,
                        dmx_error *err)
{
    dmx_av_quiet();
    DMX_FORWARD(dmx_encoder_open_file(e, formats[e->format].muxer, err));
    e->packet = av_packet_alloc();
    if (e->packet == NULL)
        return dmx_encoder_no_memory(e, err);
    for (int i = 0; i < e->tracks; i++)
        DMX_FORWARD(open_track(e, i, o, err));
    DMX_FORWARD(dmx_encoder_add_tags(e, o, err));
    return dmx_encoder_write_head(e, o, err);
}

/* A stem file has five stereo tracks, whatever the stems have. */
static void set_layout(dmx_encoder *e, const dmx_audio_writer_options *o)
{
    const bool stems = o->format == DMX_AUDIO_STEM_MP4;
    e->tracks = stems ? DMX_AUDIO_STEM_TRACKS : 1;
    e->inputs = o->channels / e->tracks;
    e->channels = stems ? 2 : o->channels;
    e->stem = stems ? o->stem : NULL;
}

dmx_status dmx_encoder_open(dmx_encoder **out, const dmx_sink *sink,
                            const dmx_audio_writer_options *o, dmx_error *err)
{
    *out = NULL;
    dmx_encoder *e = calloc(1, sizeof *e);
    DMX_RETURN_IF(e == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  sink->name);
    e->sink = *sink;
    e->format = o->format;
    e->bits = o->sample == DMX_AUDIO_S16 ? 16 : 24;
    set_layout(e, o);
    const dmx_status status = start(e, o, err);
    if (status != DMX_OK) {
        dmx_encoder_close(e);
        return status;
    }
    *out = e;
    return DMX_OK;
}

/* ---------------------------------------------------------------- samples */

/* FFmpeg's MP3 muxer takes the padding for LAME's tag from the last packet
 * alone, though LAME may add more than one; tell it the sum of them. */
static dmx_status set_padding(dmx_encoder *e, dmx_encoder_track *t,
                              dmx_error *err)
{
    t->packets++;
    const int64_t padding = t->packets * t->codec->frame_size -
                            t->codec->initial_padding - t->position;
    if (e->format != DMX_AUDIO_MP3 || padding <= 0)
        return DMX_OK;
    uint8_t *side =
        av_packet_new_side_data(e->packet, AV_PKT_DATA_SKIP_SAMPLES, 10);
    if (side == NULL)
        return dmx_encoder_no_memory(e, err);
    memset(side, 0, 10);
    for (int i = 0; i < 4; i++)
        side[4 + i] = (uint8_t)(padding >> 8 * i);
    return DMX_OK;
}

/* Writes the packets that are ready to the file. */
static dmx_status write_packets(dmx_encoder *e, dmx_encoder_track *t,
                                dmx_error *err)
{
    for (;;) {
        int code = avcodec_receive_packet(t->codec, e->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            return DMX_OK;
        if (code < 0)
            return dmx_encoder_failure(e, "encoding", code, err);
        DMX_FORWARD(set_padding(e, t, err));
        e->packet->stream_index = t->stream->index;
        av_packet_rescale_ts(e->packet, t->codec->time_base,
                             t->stream->time_base);
        code = av_interleaved_write_frame(e->muxer, e->packet);
        if (code < 0 || e->io_error != 0)
            return dmx_encoder_failure(e, "writing", code, err);
    }
}

/* Encodes the samples in the frame. */
static dmx_status send_frame(dmx_encoder *e, dmx_encoder_track *t,
                             dmx_error *err)
{
    t->frame->nb_samples = t->fill;
    t->frame->pts = t->position;
    t->position += t->fill;
    t->fill = 0;
    const int code = avcodec_send_frame(t->codec, t->frame);
    if (code < 0)
        return dmx_encoder_failure(e, "encoding", code, err);
    return write_packets(e, t, err);
}

/* Makes room in the frame; returns how many of `left` samples fit. */
static dmx_status make_room(dmx_encoder *e, dmx_encoder_track *t, size_t left,
                            size_t *take, dmx_error *err)
{
    if (t->fill == t->room)
        DMX_FORWARD(send_frame(e, t, err));
    if (t->fill == 0) {
        /* The encoder may still hold the old buffer. */
        t->frame->nb_samples = t->room;
        if (av_frame_make_writable(t->frame) < 0)
            return dmx_encoder_no_memory(e, err);
    }
    const size_t room = (size_t)(t->room - t->fill);
    *take = left < room ? left : room;
    return DMX_OK;
}

static dmx_status put_int(dmx_encoder *e, dmx_encoder_track *t,
                          const int32_t *const *planes, size_t frames,
                          dmx_error *err)
{
    size_t take = 0;
    for (size_t done = 0; done < frames; done += take) {
        DMX_FORWARD(make_room(e, t, frames - done, &take, err));
        for (int c = 0; c < e->channels; c++)
            dmx_samples_put_int(t->frame, c, (size_t)t->fill, planes[c] + done,
                                take, e->bits);
        t->fill += (int)take;
    }
    return DMX_OK;
}

dmx_status dmx_encoder_put_int(dmx_encoder *e, const int32_t *const *planes,
                               size_t frames, dmx_error *err)
{
    return put_int(e, &e->track[0], planes, frames, err);
}

static dmx_status put_float(dmx_encoder *e, dmx_encoder_track *t,
                            const float *const *planes, size_t frames,
                            dmx_error *err)
{
    const int last = e->inputs - 1;
    size_t take = 0;
    for (size_t done = 0; done < frames; done += take) {
        DMX_FORWARD(make_room(e, t, frames - done, &take, err));
        for (int c = 0; c < e->channels; c++)
            dmx_samples_put_float(t->frame, c, (size_t)t->fill,
                                  planes[c < last ? c : last] + done, take);
        t->fill += (int)take;
    }
    return DMX_OK;
}

dmx_status dmx_encoder_put_float(dmx_encoder *e, const float *const *planes,
                                 size_t frames, dmx_error *err)
{
    for (int i = 0; i < e->tracks; i++)
        DMX_FORWARD(
            put_float(e, &e->track[i], planes + i * e->inputs, frames, err));
    return DMX_OK;
}

/* ----------------------------------------------------------------- finish */

static dmx_status finish_track(dmx_encoder *e, dmx_encoder_track *t,
                               dmx_error *err)
{
    if (t->fill > 0)
        DMX_FORWARD(send_frame(e, t, err));
    const int code = avcodec_send_frame(t->codec, NULL);
    if (code < 0 && code != AVERROR_EOF)
        return dmx_encoder_failure(e, "encoding", code, err);
    return write_packets(e, t, err);
}

dmx_status dmx_encoder_finish(dmx_encoder *e, dmx_error *err)
{
    for (int i = 0; i < e->tracks; i++)
        DMX_FORWARD(finish_track(e, &e->track[i], err));
    const int code = av_write_trailer(e->muxer);
    avio_flush(e->io);
    if (code < 0 || e->io_error != 0)
        return dmx_encoder_failure(e, "completing the file", code, err);
    return e->stem != NULL ? dmx_stem_box_add(&e->sink, e->stem, err) : DMX_OK;
}

void dmx_encoder_close(dmx_encoder *e)
{
    if (e == NULL)
        return;
    for (int i = 0; i < e->tracks; i++) {
        av_frame_free(&e->track[i].frame);
        avcodec_free_context(&e->track[i].codec);
    }
    av_packet_free(&e->packet);
    avformat_free_context(e->muxer);
    if (e->io != NULL)
        av_freep(&e->io->buffer);
    avio_context_free(&e->io);
    free(e);
}
