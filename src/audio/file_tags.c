#include "audio/file_tags.h"
#include "audio/tag_flood.h"

#include <string.h>

/* Tags about a file's own encoding do not apply to its stems. */
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

/* Takes the first picture; one that can't be used only causes a warning. */
static void add_cover(dmx_audio_tags *tags, const AVFormatContext *format,
                      const dmx_hooks *hooks)
{
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
        dmx_warn(hooks, "%s; it is left out", err.message);
    }
}

static void warn_of_heap(const dmx_hooks *hooks, int64_t bytes)
{
    dmx_warn(hooks,
             "its ID3 tag holds more than any song's (%lld bytes); it is left "
             "out",
             (long long)bytes);
}

dmx_status dmx_file_tags(dmx_audio_tags *tags, const dmx_input *input,
                         const AVStream *stream, const dmx_hooks *hooks,
                         dmx_error *err)
{
    const AVFormatContext *format = input->format;
    if (input->skipped > 0)
        warn_of_heap(hooks, input->skipped);
    DMX_FORWARD(add_tags(tags, format->metadata, err));
    if (stream != NULL)
        DMX_FORWARD(add_tags(tags, stream->metadata, err));
    add_cover(tags, format, hooks);
    return DMX_OK;
}

static dmx_status read_all(dmx_audio_tags *tags, uint64_t *layout,
                           const dmx_input *input, int channels,
                           const dmx_hooks *hooks, dmx_error *err)
{
    const AVFormatContext *format = input->format;
    const AVStream *stream = NULL;
    for (unsigned i = 0; i < format->nb_streams && stream == NULL; i++)
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            stream = format->streams[i];
    if (*layout == 0 && stream != NULL)
        *layout = dmx_av_stream_layout(stream->codecpar, channels);
    return dmx_file_tags(tags, input, stream, hooks, err);
}

/* Is the tag inside of the file one that the libraries must not see? */
static bool has_heap(int fd, int64_t size, int64_t id3, const char *name,
                     const dmx_hooks *hooks)
{
    const dmx_span span = {.fd = fd, .base = id3, .size = size - id3};
    dmx_error ignored = DMX_ERROR_INIT;
    int64_t skip = 0;
    if (id3 <= 0 || id3 >= size ||
        (dmx_tag_flood_check(&skip, &span, name, &ignored) == DMX_OK &&
         skip == 0))
        return false;
    warn_of_heap(hooks, skip);
    return true;
}

dmx_status dmx_file_tags_open(dmx_audio_tags *tags, uint64_t *layout, int fd,
                              int64_t size, int64_t id3, const char *name,
                              int channels, const dmx_hooks *hooks,
                              dmx_error *err)
{
    dmx_input input;
    dmx_error ignored = DMX_ERROR_INIT;
    const dmx_span span = {.fd = fd, .size = size};
    dmx_status status = DMX_ERROR_FORMAT;
    if (!has_heap(fd, size, id3, name, hooks))
        status = dmx_input_open(&input, &span, name, false, &ignored);
    DMX_RETURN_IF(status == DMX_ERROR_MEMORY || status == DMX_ERROR_LIMIT, err,
                  status, "%s", ignored.message);
    if (status == DMX_OK) {
        status = read_all(tags, layout, &input, channels, hooks, err);
        dmx_input_close(&input);
        DMX_FORWARD(status);
    }
    if (*layout == 0)
        *layout = dmx_av_usual_layout(channels);
    return DMX_OK;
}
