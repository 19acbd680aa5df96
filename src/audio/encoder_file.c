/* The file around the sound: bytes, container, tags, cover. */
#include "audio/byte_order.h"
#include "audio/encoder_parts.h"

#include <errno.h>
#include <libavutil/base64.h>
#include <stdlib.h>
#include <string.h>

#define IO_BUFFER     65536
#define OGG_COVER_MAX (1u << 20)
#define PICTURE_FRONT 3 /* cover (front), FLAC and ID3v2 */

/* ----------------------------------------------------------------- bytes */

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

dmx_status dmx_encoder_failure(const dmx_encoder *e, const char *doing,
                               int code, dmx_error *err)
{
    char text[128];
    if (e->io_error != 0)
        return dmx_sink_failure(&e->sink, e->io_error, err);
    return dmx_fail(err, dmx_av_status(code, DMX_ERROR_ARGUMENT),
                    "%s: %s failed: %s", e->sink.name, doing,
                    dmx_av_text(text, sizeof text, code));
}

dmx_status dmx_encoder_no_memory(const dmx_encoder *e, dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_MEMORY, "%s: no memory to encode it",
                    e->sink.name);
}

dmx_status dmx_encoder_open_file(dmx_encoder *e, const char *muxer,
                                 dmx_error *err)
{
    DMX_RETURN_IF(
        av_guess_format(muxer, NULL, NULL) == NULL, err, DMX_ERROR_UNSUPPORTED,
        "%s: these FFmpeg libraries can't write %s files", e->sink.name, muxer);
    if (avformat_alloc_output_context2(&e->muxer, NULL, muxer, NULL) < 0)
        return dmx_encoder_no_memory(e, err);
    uint8_t *buffer = av_malloc(IO_BUFFER);
    if (buffer == NULL)
        return dmx_encoder_no_memory(e, err);
    e->io = avio_alloc_context(buffer, IO_BUFFER, 1, e, NULL, write_bytes,
                               e->sink.seekable ? seek_bytes : NULL);
    if (e->io == NULL) {
        av_free(buffer);
        return dmx_encoder_no_memory(e, err);
    }
    e->io->seekable = e->sink.seekable ? AVIO_SEEKABLE_NORMAL : 0;
    e->muxer->pb = e->io;
    /* No version, time or random serial in the file: the same sound and
     * options give the same bytes. */
    e->muxer->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    return DMX_OK;
}

/* ------------------------------------------------------------------ tags */

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
        p = dmx_bytes_put_be32(p, PICTURE_FRONT);
        p = dmx_bytes_put_be32(p, strlen(mime));
        memcpy(p, mime, strlen(mime));
        p += strlen(mime);
        p = dmx_bytes_put_be32(p, 0); /* no description */
        p = dmx_bytes_put_be32(p, (size_t)tags->cover_width);
        p = dmx_bytes_put_be32(p, (size_t)tags->cover_height);
        p = dmx_bytes_put_be32(p, 24); /* bits of a pixel */
        p = dmx_bytes_put_be32(p, 0);  /* no palette */
        p = dmx_bytes_put_be32(p, tags->cover_size);
        memcpy(p, tags->cover, tags->cover_size);
        av_base64_encode(text, (int)AV_BASE64_SIZE(size), block, (int)size);
    }
    if (block == NULL || text == NULL ||
        av_dict_set(&e->muxer->metadata, "METADATA_BLOCK_PICTURE", text, 0) < 0)
        status = dmx_encoder_no_memory(e, err);
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
        return dmx_encoder_no_memory(e, err);
    AVCodecParameters *par = e->cover->codecpar;
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = tags->cover_is_png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG;
    par->width = tags->cover_width > 0 ? tags->cover_width : 1;
    par->height = tags->cover_height > 0 ? tags->cover_height : 1;
    e->cover->disposition = AV_DISPOSITION_ATTACHED_PIC;
    e->cover->time_base = (AVRational){1, 90000};
    if (av_dict_set(&e->cover->metadata, "comment", "Cover (front)", 0) < 0)
        return dmx_encoder_no_memory(e, err);
    return DMX_OK;
}

dmx_status dmx_encoder_add_tags(dmx_encoder *e,
                                const dmx_audio_writer_options *o,
                                dmx_error *err)
{
    const dmx_audio_tags *tags = o->tags;
    if (tags == NULL)
        return DMX_OK;
    for (size_t i = 0; i < tags->count; i++)
        if (av_dict_set(&e->muxer->metadata, tags->tag[i].key,
                        tags->tag[i].value, 0) < 0)
            return dmx_encoder_no_memory(e, err);
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
        return dmx_encoder_no_memory(e, err);
    memcpy(e->packet->data, tags->cover, tags->cover_size);
    e->packet->stream_index = e->cover->index;
    e->packet->pts = e->packet->dts = 0;
    e->packet->flags |= AV_PKT_FLAG_KEY;
    code = av_interleaved_write_frame(e->muxer, e->packet);
    return code < 0 ? dmx_encoder_failure(e, "storing the cover", code, err)
                    : DMX_OK;
}

dmx_status dmx_encoder_write_head(dmx_encoder *e,
                                  const dmx_audio_writer_options *o,
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
        return dmx_encoder_failure(e, "writing the header", code, err);
    return o->tags != NULL ? put_cover(e, o->tags, err) : DMX_OK;
}
