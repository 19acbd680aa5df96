#include "audio/input.h"
#include "audio/tag_flood.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IO_BUFFER   65536
#define PROBE_BYTES "5000000"
#define MAX_STREAMS "256"

/* Containers that hold sound and refer to no other file: playlists, pictures,
 * scripts, devices and subtitles are not in it. */
static const char demuxers[] =
    "wav,w64,aiff,caf,au,voc,avr,sox,iff,ircam,nistsphere,pvf,sds,svx,"
    "flac,mp3,ogg,mov,matroska,webm,asf,avi,flv,mpeg,mpegts,mpegvideo,nut,rm,"
    "mxf,gxf,dv,wtv,dsf,aac,latm,loas,ac3,eac3,dts,dtshd,truehd,mlp,"
    "ape,wv,tta,tak,mpc,mpc8,shn,oma,aea,aptx,aptx_hd,amr,amrnb,amrwb,gsm,"
    "xwma,act,qcp,vqf,ast,bfstm,brstm,hca,xvag,vag,spdif,dss,dcstr,ea,epaf,"
    "paf,mmf,rso,siff,sln,smk,tiertexseq,swf,nuv,ivf,wsd,iamf,osq,laf,"
    "codec2,sbc";

/* Have more tags come together than any song has? */
static bool has_flood(const dmx_input *input)
{
    const AVFormatContext *format = input->format;
    if (format == NULL)
        return false;
    int count = av_dict_count(format->metadata);
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (count <= DMX_INPUT_MAX_TAGS)
            count += av_dict_count(format->streams[i]->metadata);
    return count > DMX_INPUT_MAX_TAGS;
}

static int read_bytes(void *opaque, uint8_t *buffer, int size)
{
    dmx_input *input = opaque;
    const int64_t left = input->span.size - input->position;
    input->flooded = input->flooded || has_flood(input);
    if (input->flooded)
        return AVERROR(E2BIG);
    if (left <= 0)
        return AVERROR_EOF;
    if (size > left)
        size = (int)left;
    for (;;) {
        const ssize_t n = pread(input->span.fd, buffer, (size_t)size,
                                input->span.base + input->position);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            input->failure = errno;
            return AVERROR(errno);
        }
        if (dmx_matroska_flood(&input->matroska, &input->span, buffer,
                               input->position, (size_t)n)) {
            input->flooded = true;
            return AVERROR(E2BIG);
        }
        input->position += n;
        return n == 0 ? AVERROR_EOF : (int)n;
    }
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    dmx_input *input = opaque;
    int64_t base = 0;
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return input->span.size;
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = input->position;
        break;
    case SEEK_END:
        base = input->span.size;
        break;
    default:
        return AVERROR(EINVAL);
    }
    int64_t target;
    if (dmx_add_overflow(&target, base, offset) || target < 0)
        return AVERROR(EINVAL);
    input->position = target;
    return target;
}

/* Whatever a file refers to stays closed. */
static int refuse_open(AVFormatContext *format, AVIOContext **io,
                       const char *url, int flags, AVDictionary **options)
{
    (void)format;
    (void)url;
    (void)flags;
    (void)options;
    *io = NULL;
    return AVERROR(EPERM);
}

/* Names of all audio decoders: probing must not run any other. malloc'd. */
static char *audio_decoders(void)
{
    char *list = NULL;
    size_t used = 0, capacity = 0;
    void *state = NULL;
    const AVCodec *codec;
    while ((codec = av_codec_iterate(&state)) != NULL) {
        if (codec->type != AVMEDIA_TYPE_AUDIO || !av_codec_is_decoder(codec))
            continue;
        const size_t length = strlen(codec->name);
        if (!dmx_grow(&list, &capacity, used + length + 2, 1)) {
            free(list);
            return NULL;
        }
        memcpy(list + used, codec->name, length);
        used += length;
        list[used++] = ',';
        list[used] = '\0';
    }
    return list;
}

static int set_options(AVDictionary **options)
{
    char *decoders = audio_decoders();
    if (decoders == NULL)
        return AVERROR(ENOMEM);
    int failed = av_dict_set(options, "codec_whitelist", decoders, 0) < 0;
    free(decoders);
    failed |= av_dict_set(options, "format_whitelist", demuxers, 0) < 0;
    failed |= av_dict_set(options, "protocol_whitelist", "none", 0) < 0;
    failed |= av_dict_set(options, "probesize", PROBE_BYTES, 0) < 0;
    failed |= av_dict_set(options, "max_streams", MAX_STREAMS, 0) < 0;
    return failed ? AVERROR(ENOMEM) : 0;
}

static int prepare(dmx_input *input)
{
    uint8_t *buffer = av_malloc(IO_BUFFER);
    if (buffer == NULL)
        return AVERROR(ENOMEM);
    input->io = avio_alloc_context(buffer, IO_BUFFER, 0, input, read_bytes,
                                   NULL, seek_bytes);
    if (input->io == NULL) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    input->format = avformat_alloc_context();
    if (input->format == NULL)
        return AVERROR(ENOMEM);
    input->format->pb = input->io;
    input->format->io_open = refuse_open;
    input->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    return 0;
}

/* Streams that are not sound are dropped by the demuxer itself. */
static void discard_others(AVFormatContext *format)
{
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i]->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            format->streams[i]->discard = AVDISCARD_ALL;
}

static int probe(dmx_input *input, const char *name, bool decode)
{
    AVDictionary *options = NULL;
    int code = prepare(input);
    if (code == 0)
        code = set_options(&options);
    if (code == 0)
        code = avformat_open_input(&input->format, name, NULL, &options);
    av_dict_free(&options);
    if (code < 0)
        return code;
    discard_others(input->format);
    if (decode)
        code = avformat_find_stream_info(input->format, NULL);
    discard_others(input->format);
    return code;
}

dmx_status dmx_input_open(dmx_input *input, const dmx_span *span,
                          const char *name, bool decode, dmx_error *err)
{
    *input = (dmx_input){.span = *span};
    dmx_av_quiet();
    DMX_FORWARD(dmx_tag_flood_check(&input->skipped, span, name, err));
    input->span.base += input->skipped;
    input->span.size -= input->skipped;
    const int code = probe(input, name, decode);
    if (code >= 0 && !input->flooded)
        return DMX_OK;
    const int failure = input->failure;
    const bool flooded = input->flooded;
    dmx_input_close(input);
    if (flooded)
        return dmx_tag_flood(name, err);
    DMX_RETURN_IF(failure != 0, err, DMX_ERROR_IO, "%s: read failed: %s", name,
                  strerror(failure));
    DMX_RETURN_IF(code == AVERROR(ENOMEM), err, DMX_ERROR_MEMORY,
                  "%s: no memory to open it", name);
    DMX_RETURN_ERROR(err, DMX_ERROR_FORMAT,
                     "%s: not a sound file, or damaged at its start "
                     "(playlists, pictures and text are not read)",
                     name);
}

void dmx_input_close(dmx_input *input)
{
    avformat_close_input(&input->format);
    if (input->io != NULL)
        av_freep(&input->io->buffer);
    avio_context_free(&input->io);
}
