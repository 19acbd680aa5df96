#include "audio/encoder.h"
#include "audio/samples.h"

#include <errno.h>
#include <libavutil/base64.h>
#include <stdlib.h>
#include <string.h>

#define IO_BUFFER      65536
#define VARIABLE_FRAME 4096 /* for codecs without a frame size of their own */
#define OGG_COVER_MAX  (1u << 20)
#define VORBIS_QUALITY 8 /* about 256 kbit/s at 44.1 kHz stereo */
#define PICTURE_FRONT  3 /* cover (front), FLAC and ID3v2 */

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
};

struct dmx_encoder {
    dmx_sink sink;
    dmx_audio_format format;
    int channels, bits;
    int io_error; /* errno of the first failed write, 0 */
    AVIOContext *io;
    AVFormatContext *muxer;
    AVCodecContext *codec;
    AVStream *stream;
    AVStream *cover; /* NULL: none */
    AVPacket *packet;
    AVFrame *frame;
    int room;         /* samples that a full frame holds */
    int fill;         /* samples in `frame` */
    int64_t position; /* samples given to the codec */
    int64_t packets;  /* that came out of it */
};

static int write_bytes(void *opaque, dmx_av_bytes *data, int size)
{
    dmx_encoder *e = opaque;
    if (e->io_error == 0 &&
        fwrite(data, 1, (size_t)size, e->sink.stream) != (size_t)size)
        e->io_error = errno != 0 ? errno : EIO;
    return e->io_error != 0 ? AVERROR(e->io_error) : size;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    dmx_encoder *e = opaque;
    if (whence & AVSEEK_SIZE)
        return AVERROR(ENOSYS);
    if (fseeko(e->sink.stream, offset, whence & ~AVSEEK_FORCE) != 0) {
        if (e->io_error == 0)
            e->io_error = errno;
        return AVERROR(errno);
    }
    return ftello(e->sink.stream);
}

/* The system's reason when there is one, FFmpeg's otherwise. */
static dmx_status failure(const dmx_encoder *e, const char *doing, int code,
                          dmx_error *err)
{
    char text[128];
    if (e->io_error != 0)
        return dmx_sink_failure(&e->sink, e->io_error, err);
    return dmx_fail(err, dmx_av_status(code, DMX_ERROR_ARGUMENT),
                    "%s: %s failed: %s", e->sink.name, doing,
                    dmx_av_text(text, sizeof text, code));
}

static dmx_status no_memory(const dmx_encoder *e, dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory to encode it",
                    e->sink.name);
}

static dmx_status open_muxer(dmx_encoder *e, dmx_error *err)
{
    const char *muxer = formats[e->format].muxer;
    DMX_RETURN_IF(
        av_guess_format(muxer, NULL, NULL) == NULL, err, DMX_ERROR_UNSUPPORTED,
        "%s: these FFmpeg libraries can't write %s files", e->sink.name, muxer);
    if (avformat_alloc_output_context2(&e->muxer, NULL, muxer, NULL) < 0)
        return no_memory(e, err);
    uint8_t *buffer = av_malloc(IO_BUFFER);
    if (buffer == NULL)
        return no_memory(e, err);
    e->io = avio_alloc_context(buffer, IO_BUFFER, 1, e, NULL, write_bytes,
                               e->sink.seekable ? seek_bytes : NULL);
    if (e->io == NULL) {
        av_free(buffer);
        return no_memory(e, err);
    }
    e->io->seekable = e->sink.seekable ? AVIO_SEEKABLE_NORMAL : 0;
    e->muxer->pb = e->io;
    /* No version, time or random serial in the file: the same sound and
     * options give the same bytes. */
    e->muxer->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    return DMX_OK;
}

static void set_quality(dmx_encoder *e, const dmx_audio_writer_options *o)
{
    AVCodecContext *c = e->codec;
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
        c->bit_rate = (int64_t)kbps * 500 * o->channels;
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

static dmx_status open_codec(dmx_encoder *e, const dmx_audio_writer_options *o,
                             dmx_error *err)
{
    const char *name = formats[e->format].codec;
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    DMX_RETURN_IF(codec == NULL, err, DMX_ERROR_UNSUPPORTED,
                  "%s: these FFmpeg libraries were built without the %s "
                  "encoder",
                  e->sink.name, name);
    e->codec = avcodec_alloc_context3(codec);
    if (e->codec == NULL)
        return no_memory(e, err);
    AVCodecContext *c = e->codec;
    c->sample_fmt = sample_format(e);
    c->sample_rate = o->rate;
    c->time_base = (AVRational){1, o->rate};
    c->thread_count = 1;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (e->format == DMX_AUDIO_FLAC)
        c->bits_per_raw_sample = e->bits;
    if (e->muxer->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    dmx_av_set_channels(c, o->channels);
    set_quality(e, o);
    const int code = avcodec_open2(c, codec, NULL);
    char text[128];
    DMX_RETURN_IF(code < 0, err, dmx_av_status(code, DMX_ERROR_ARGUMENT),
                  "%s: %s can't encode %d Hz, %d channels, %d kbit/s: %s",
                  e->sink.name, name, o->rate, o->channels, o->bitrate,
                  dmx_av_text(text, sizeof text, code));
    return DMX_OK;
}

static dmx_status add_stream(dmx_encoder *e, dmx_error *err)
{
    e->stream = avformat_new_stream(e->muxer, NULL);
    if (e->stream == NULL ||
        avcodec_parameters_from_context(e->stream->codecpar, e->codec) < 0)
        return no_memory(e, err);
    e->stream->time_base = e->codec->time_base;
    return DMX_OK;
}

static void put_be32(unsigned char **p, size_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *(*p)++ = (unsigned char)(value >> shift);
}

/* Vorbis comments hold a cover as a FLAC picture block in base64. */
static dmx_status
add_comment_picture(dmx_encoder *e, const dmx_audio_tags *tags, dmx_error *err)
{
    const char *mime = tags->cover_is_png ? "image/png" : "image/jpeg";
    const size_t size = 32 + strlen(mime) + tags->cover_size;
    unsigned char *block = malloc(size);
    char *text = malloc(AV_BASE64_SIZE(size));
    dmx_status status = DMX_OK;
    if (block != NULL && text != NULL) {
        unsigned char *p = block;
        put_be32(&p, PICTURE_FRONT);
        put_be32(&p, strlen(mime));
        memcpy(p, mime, strlen(mime));
        p += strlen(mime);
        put_be32(&p, 0); /* no description */
        put_be32(&p, (size_t)tags->cover_width);
        put_be32(&p, (size_t)tags->cover_height);
        put_be32(&p, 24); /* bits of a pixel */
        put_be32(&p, 0);  /* no palette */
        put_be32(&p, tags->cover_size);
        memcpy(p, tags->cover, tags->cover_size);
        av_base64_encode(text, (int)AV_BASE64_SIZE(size), block, (int)size);
    }
    if (block == NULL || text == NULL ||
        av_dict_set(&e->muxer->metadata, "METADATA_BLOCK_PICTURE", text, 0) < 0)
        status = no_memory(e, err);
    free(block);
    free(text);
    return status;
}

/* The other containers take it as a stream of one picture. */
static dmx_status add_picture_stream(dmx_encoder *e, const dmx_audio_tags *tags,
                                     dmx_error *err)
{
    e->cover = avformat_new_stream(e->muxer, NULL);
    if (e->cover == NULL)
        return no_memory(e, err);
    AVCodecParameters *par = e->cover->codecpar;
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = tags->cover_is_png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG;
    par->width = tags->cover_width > 0 ? tags->cover_width : 1;
    par->height = tags->cover_height > 0 ? tags->cover_height : 1;
    e->cover->disposition = AV_DISPOSITION_ATTACHED_PIC;
    e->cover->time_base = (AVRational){1, 90000};
    if (av_dict_set(&e->cover->metadata, "comment", "Cover (front)", 0) < 0)
        return no_memory(e, err);
    return DMX_OK;
}

static dmx_status add_tags(dmx_encoder *e, const dmx_audio_writer_options *o,
                           dmx_error *err)
{
    const dmx_audio_tags *tags = o->tags;
    if (tags == NULL)
        return DMX_OK;
    for (size_t i = 0; i < tags->count; i++)
        if (av_dict_set(&e->muxer->metadata, tags->tag[i].key,
                        tags->tag[i].value, 0) < 0)
            return no_memory(e, err);
    if (tags->cover_size == 0)
        return DMX_OK;
    const bool ogg = e->format == DMX_AUDIO_OGG || e->format == DMX_AUDIO_OPUS;
    if (ogg && tags->cover_size > OGG_COVER_MAX) {
        dmx_warn(o->hooks,
                 "%s: the cover picture is too large for Ogg; it is "
                 "left out",
                 e->sink.name);
        return DMX_OK;
    }
    return ogg ? add_comment_picture(e, tags, err)
               : add_picture_stream(e, tags, err);
}

static dmx_status put_cover(dmx_encoder *e, const dmx_audio_tags *tags,
                            dmx_error *err)
{
    if (e->cover == NULL)
        return DMX_OK;
    int code = av_new_packet(e->packet, (int)tags->cover_size);
    if (code < 0)
        return no_memory(e, err);
    memcpy(e->packet->data, tags->cover, tags->cover_size);
    e->packet->stream_index = e->cover->index;
    e->packet->pts = e->packet->dts = 0;
    e->packet->flags |= AV_PKT_FLAG_KEY;
    code = av_interleaved_write_frame(e->muxer, e->packet);
    return code < 0 ? failure(e, "storing the cover", code, err) : DMX_OK;
}

static dmx_status write_head(dmx_encoder *e, const dmx_audio_writer_options *o,
                             dmx_error *err)
{
    AVDictionary *options = NULL;
    int failed = av_dict_set(&options, "id3v2_version", "3", 0) < 0;
    /* MP4 edit lists count in this unit: make it exact. */
    failed |= av_dict_set_int(&options, "movie_timescale", o->rate, 0) < 0;
    const int code =
        failed ? AVERROR(ENOMEM) : avformat_write_header(e->muxer, &options);
    av_dict_free(&options);
    if (code < 0)
        return failure(e, "writing the header", code, err);
    return o->tags != NULL ? put_cover(e, o->tags, err) : DMX_OK;
}

static dmx_status new_frame(dmx_encoder *e, dmx_error *err)
{
    e->room = e->codec->frame_size > 0 ? e->codec->frame_size : VARIABLE_FRAME;
    e->packet = av_packet_alloc();
    e->frame = av_frame_alloc();
    if (e->packet == NULL || e->frame == NULL)
        return no_memory(e, err);
    e->frame->nb_samples = e->room;
    if (dmx_av_frame_like(e->frame, e->codec) < 0 ||
        av_frame_get_buffer(e->frame, 0) < 0)
        return no_memory(e, err);
    return DMX_OK;
}

static dmx_status start(dmx_encoder *e, const dmx_audio_writer_options *o,
                        dmx_error *err)
{
    dmx_av_quiet();
    DMX_FORWARD(open_muxer(e, err));
    DMX_FORWARD(open_codec(e, o, err));
    DMX_FORWARD(add_stream(e, err));
    DMX_FORWARD(add_tags(e, o, err));
    DMX_FORWARD(new_frame(e, err));
    return write_head(e, o, err);
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
    e->channels = o->channels;
    e->bits = o->sample == DMX_AUDIO_S16 ? 16 : 24;
    const dmx_status status = start(e, o, err);
    if (status != DMX_OK) {
        dmx_encoder_close(e);
        return status;
    }
    *out = e;
    return DMX_OK;
}

/* FFmpeg's MP3 muxer takes the padding for LAME's tag from the last packet
 * alone, though LAME may add more than one; tell it the sum of them. */
static dmx_status set_padding(dmx_encoder *e, dmx_error *err)
{
    e->packets++;
    const int64_t padding = e->packets * e->codec->frame_size -
                            e->codec->initial_padding - e->position;
    if (e->format != DMX_AUDIO_MP3 || padding <= 0)
        return DMX_OK;
    uint8_t *side =
        av_packet_new_side_data(e->packet, AV_PKT_DATA_SKIP_SAMPLES, 10);
    if (side == NULL)
        return no_memory(e, err);
    memset(side, 0, 10);
    for (int i = 0; i < 4; i++)
        side[4 + i] = (uint8_t)(padding >> 8 * i);
    return DMX_OK;
}

/* Takes the packets that are ready to the file. */
static dmx_status write_packets(dmx_encoder *e, dmx_error *err)
{
    for (;;) {
        int code = avcodec_receive_packet(e->codec, e->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            return DMX_OK;
        if (code < 0)
            return failure(e, "encoding", code, err);
        DMX_FORWARD(set_padding(e, err));
        e->packet->stream_index = e->stream->index;
        av_packet_rescale_ts(e->packet, e->codec->time_base,
                             e->stream->time_base);
        code = av_interleaved_write_frame(e->muxer, e->packet);
        if (code < 0 || e->io_error != 0)
            return failure(e, "writing", code, err);
    }
}

/* Encodes the samples in the frame. */
static dmx_status send_frame(dmx_encoder *e, dmx_error *err)
{
    e->frame->nb_samples = e->fill;
    e->frame->pts = e->position;
    e->position += e->fill;
    e->fill = 0;
    const int code = avcodec_send_frame(e->codec, e->frame);
    if (code < 0)
        return failure(e, "encoding", code, err);
    return write_packets(e, err);
}

/* Makes room in the frame; returns how many samples of `left` it takes. */
static dmx_status make_room(dmx_encoder *e, size_t left, size_t *take,
                            dmx_error *err)
{
    if (e->fill == e->room)
        DMX_FORWARD(send_frame(e, err));
    if (e->fill == 0) {
        /* The encoder may still hold the old buffer. */
        e->frame->nb_samples = e->room;
        if (av_frame_make_writable(e->frame) < 0)
            return no_memory(e, err);
    }
    const size_t room = (size_t)(e->room - e->fill);
    *take = left < room ? left : room;
    return DMX_OK;
}

dmx_status dmx_encoder_put_int(dmx_encoder *e, const int32_t *const *planes,
                               size_t frames, dmx_error *err)
{
    size_t take = 0;
    for (size_t done = 0; done < frames; done += take) {
        DMX_FORWARD(make_room(e, frames - done, &take, err));
        for (int c = 0; c < e->channels; c++)
            dmx_samples_put_int(e->frame, c, (size_t)e->fill, planes[c] + done,
                                take, e->bits);
        e->fill += (int)take;
    }
    return DMX_OK;
}

dmx_status dmx_encoder_put_float(dmx_encoder *e, const float *const *planes,
                                 size_t frames, dmx_error *err)
{
    size_t take = 0;
    for (size_t done = 0; done < frames; done += take) {
        DMX_FORWARD(make_room(e, frames - done, &take, err));
        for (int c = 0; c < e->channels; c++)
            dmx_samples_put_float(e->frame, c, (size_t)e->fill,
                                  planes[c] + done, take);
        e->fill += (int)take;
    }
    return DMX_OK;
}

dmx_status dmx_encoder_finish(dmx_encoder *e, dmx_error *err)
{
    if (e->fill > 0)
        DMX_FORWARD(send_frame(e, err));
    int code = avcodec_send_frame(e->codec, NULL);
    if (code < 0 && code != AVERROR_EOF)
        return failure(e, "encoding", code, err);
    DMX_FORWARD(write_packets(e, err));
    code = av_write_trailer(e->muxer);
    avio_flush(e->io);
    if (code < 0 || e->io_error != 0)
        return failure(e, "completing the file", code, err);
    return DMX_OK;
}

void dmx_encoder_close(dmx_encoder *e)
{
    if (e == NULL)
        return;
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
    avcodec_free_context(&e->codec);
    avformat_free_context(e->muxer);
    if (e->io != NULL)
        av_freep(&e->io->buffer);
    avio_context_free(&e->io);
    free(e);
}
