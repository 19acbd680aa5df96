/* Bytes that somebody reads for us, where a file need not be in memory as a
 * whole. */
#ifndef DMX_BASE_SOURCE_H
#define DMX_BASE_SOURCE_H

#include "base/error.h"
#include "base/memory.h"

/* A file by its ranges. What is read twice may have changed in between: whoever
 * reads checks anew what it relies on. */
typedef struct dmx_source {
    size_t size;
    /* Copies `size` bytes from `offset` on, which lie in the file; not 0: it
     * failed. Called by one thread at a time. */
    int (*read)(void *user, size_t offset, void *out, size_t size);
    void *user;
} dmx_source;

/* The range must lie in the source. */
DMX_MUST_CHECK dmx_status dmx_source_read(const dmx_source *source,
                                          size_t offset, void *out, size_t size,
                                          dmx_error *err);

/* A file's bytes, all in memory or read when they are looked at. */
typedef struct dmx_image {
    const unsigned char *data; /* all of them, or NULL */
    size_t size;
    const dmx_source *source; /* where data is NULL */
    dmx_arena *arena;         /* keeps what was read of it */
    size_t viewed;            /* so far; no more than about the size */
} dmx_image;

/* The bytes [offset, offset + size), which must lie in the image, for as long
 * as it and its arena live. */
DMX_MUST_CHECK dmx_status dmx_image_view(const unsigned char **out,
                                         dmx_image *image, size_t offset,
                                         size_t size, dmx_error *err);

/* Looks at the bytes of a range in order, some at a time. */
DMX_MUST_CHECK dmx_status dmx_image_each(
    const dmx_image *image, size_t offset, size_t size,
    void (*visit)(void *user, const unsigned char *data, size_t size),
    void *user, dmx_error *err);

#endif
