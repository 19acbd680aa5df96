#include "audio/tags.h"
#include "audio/byte_order.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t find(const dmx_audio_tags *tags, const char *key)
{
    size_t i = 0;
    while (i < tags->count && strcasecmp(tags->tag[i].key, key) != 0)
        i++;
    return i;
}

static void remove_at(dmx_audio_tags *tags, size_t i)
{
    free(tags->tag[i].key);
    free(tags->tag[i].value);
    tags->count--;
    memmove(&tags->tag[i], &tags->tag[i + 1],
            (tags->count - i) * sizeof tags->tag[0]);
}

static dmx_status append(dmx_audio_tags *tags, const char *key,
                         const char *value, dmx_error *err)
{
    DMX_RETURN_IF(tags->count >= DMX_AUDIO_MAX_TAGS, err, DMX_ERROR_LIMIT,
                  "more than %d tags", DMX_AUDIO_MAX_TAGS);
    DMX_RETURN_IF(!dmx_grow(&tags->tag, &tags->capacity, tags->count + 1,
                            sizeof tags->tag[0]),
                  err, DMX_ERROR_MEMORY, "no memory for tags");
    dmx_audio_tag tag = {strdup(key), strdup(value)};
    if (tag.key == NULL || tag.value == NULL) {
        free(tag.key);
        free(tag.value);
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for tags");
    }
    for (char *p = tag.key; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    tags->tag[tags->count++] = tag;
    return DMX_OK;
}

dmx_status dmx_audio_tags_set(dmx_audio_tags *tags, const char *key,
                              const char *value, dmx_error *err)
{
    const size_t i = find(tags, key);
    if (i == tags->count)
        return value == NULL ? DMX_OK : append(tags, key, value, err);
    if (value == NULL) {
        remove_at(tags, i);
        return DMX_OK;
    }
    char *copy = strdup(value);
    DMX_RETURN_IF(copy == NULL, err, DMX_ERROR_MEMORY, "no memory for tags");
    free(tags->tag[i].value);
    tags->tag[i].value = copy;
    return DMX_OK;
}

const char *dmx_audio_tags_get(const dmx_audio_tags *tags, const char *key)
{
    const size_t i = find(tags, key);
    return i == tags->count ? NULL : tags->tag[i].value;
}

static int be16(const unsigned char *p)
{
    return (int)dmx_bytes_number(p, 2, true);
}

/* Walks a JPEG's segments to the frame header (ITU-T T.81 B.2.2). */
static void jpeg_size(dmx_audio_tags *tags)
{
    const unsigned char *p = tags->cover;
    size_t at = 2;
    while (at + 9 < tags->cover_size && p[at] == 0xFF) {
        const int marker = p[at + 1];
        const int frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 &&
                          marker != 0xC8 && marker != 0xCC;
        if (frame) {
            tags->cover_height = be16(p + at + 5);
            tags->cover_width = be16(p + at + 7);
            return;
        }
        at += marker == 0xFF ? 1 : 2 + (size_t)be16(p + at + 2);
    }
}

/* Format and size of the picture; false when it is neither JPEG nor PNG. */
static bool identify(dmx_audio_tags *tags)
{
    static const unsigned char png[] = {0x89, 'P',  'N',  'G',
                                        '\r', '\n', 0x1A, '\n'};
    const unsigned char *p = tags->cover;
    tags->cover_width = tags->cover_height = 0;
    if (tags->cover_size >= 24 && memcmp(p, png, sizeof png) == 0) {
        tags->cover_is_png = 1;
        if (be16(p + 16) == 0 && be16(p + 20) == 0) {
            tags->cover_width = be16(p + 18);
            tags->cover_height = be16(p + 22);
        }
        return true;
    }
    tags->cover_is_png = 0;
    if (tags->cover_size < 4 || p[0] != 0xFF || p[1] != 0xD8)
        return false;
    jpeg_size(tags);
    return true;
}

static void drop_cover(dmx_audio_tags *tags)
{
    free(tags->cover);
    tags->cover = NULL;
    tags->cover_size = 0;
    tags->cover_is_png = tags->cover_width = tags->cover_height = 0;
}

dmx_status dmx_audio_tags_set_cover(dmx_audio_tags *tags,
                                    const unsigned char *bytes, size_t size,
                                    dmx_error *err)
{
    drop_cover(tags);
    if (size == 0)
        return DMX_OK;
    DMX_RETURN_IF(size > DMX_AUDIO_MAX_COVER, err, DMX_ERROR_LIMIT,
                  "a cover picture of %zu bytes, more than %u", size,
                  DMX_AUDIO_MAX_COVER);
    tags->cover = malloc(size);
    DMX_RETURN_IF(tags->cover == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for the cover picture");
    memcpy(tags->cover, bytes, size);
    tags->cover_size = size;
    if (!identify(tags)) {
        drop_cover(tags);
        DMX_RETURN_ERROR(err, DMX_ERROR_UNSUPPORTED,
                         "the cover picture is neither JPEG nor PNG");
    }
    return DMX_OK;
}

static dmx_status copy_all(dmx_audio_tags *out, const dmx_audio_tags *from,
                           dmx_error *err)
{
    for (size_t i = 0; i < from->count; i++)
        DMX_FORWARD(
            dmx_audio_tags_set(out, from->tag[i].key, from->tag[i].value, err));
    return dmx_audio_tags_set_cover(out, from->cover, from->cover_size, err);
}

dmx_status dmx_audio_tags_copy(dmx_audio_tags *out, const dmx_audio_tags *from,
                               dmx_error *err)
{
    *out = (dmx_audio_tags){0};
    const dmx_status status = copy_all(out, from, err);
    if (status != DMX_OK)
        dmx_audio_tags_free(out);
    return status;
}

void dmx_audio_tags_free(dmx_audio_tags *tags)
{
    while (tags->count > 0)
        remove_at(tags, tags->count - 1);
    free(tags->tag);
    drop_cover(tags);
    *tags = (dmx_audio_tags){0};
}
