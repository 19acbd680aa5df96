#include "base/source.h"

#include <stdlib.h>

#define PIECE ((size_t)1 << 20)
#define SPARE ((size_t)1 << 20) /* of views, beside the size */

dmx_status dmx_source_read(const dmx_source *source, size_t offset, void *out,
                           size_t size, dmx_error *err)
{
    DMX_RETURN_IF(offset > source->size || size > source->size - offset, err,
                  DMX_ERROR_FORMAT, "truncated: %zu bytes, %zu are wanted",
                  source->size, offset);
    DMX_RETURN_IF(size > 0 &&
                      source->read(source->user, offset, out, size) != 0,
                  err, DMX_ERROR_IO, "read failed at byte %zu", offset);
    return DMX_OK;
}

/* The parts that are viewed do not overlap in sound files; in others the same
 * bytes might be read again and again. */
static dmx_status count_view(dmx_image *image, size_t size, dmx_error *err)
{
    DMX_RETURN_IF(image->viewed > image->size + SPARE ||
                      size > image->size + SPARE - image->viewed,
                  err, DMX_ERROR_FORMAT,
                  "its parts overlap; the file is damaged");
    image->viewed += size;
    return DMX_OK;
}

dmx_status dmx_image_view(const unsigned char **out, dmx_image *image,
                          size_t offset, size_t size, dmx_error *err)
{
    *out = image->data;
    if (image->data != NULL) {
        *out += offset;
        return DMX_OK;
    }
    DMX_FORWARD(count_view(image, size, err));
    unsigned char *bytes = dmx_arena_alloc(image->arena, size + 1, 1);
    DMX_RETURN_IF(bytes == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu bytes", size);
    *out = bytes;
    return dmx_source_read(image->source, offset, bytes, size, err);
}

dmx_status dmx_image_each(const dmx_image *image, size_t offset, size_t size,
                          void (*visit)(void *user, const unsigned char *data,
                                        size_t size),
                          void *user, dmx_error *err)
{
    if (image->data != NULL) {
        visit(user, image->data + offset, size);
        return DMX_OK;
    }
    unsigned char *piece = malloc(PIECE);
    DMX_RETURN_IF(piece == NULL, err, DMX_ERROR_MEMORY, "no memory to read by");
    dmx_status status = DMX_OK;
    for (size_t n; size > 0 && status == DMX_OK; offset += n, size -= n) {
        n = size < PIECE ? size : PIECE;
        status = dmx_source_read(image->source, offset, piece, n, err);
        if (status == DMX_OK)
            visit(user, piece, n);
    }
    free(piece);
    return status;
}
