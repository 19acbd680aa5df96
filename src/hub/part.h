/* The part of a file that has arrived, and the validator that goes with it. */
#ifndef DMX_HUB_PART_H
#define DMX_HUB_PART_H

#include "hub/transport.h"

typedef struct dmx_part {
    int fd;
    uint64_t have;                      /* bytes in the file */
    char *final;                        /* the path, links followed */
    char *path;                         /* "<final>.part" */
    char *from;                         /* "<final>.part.from" */
    char validator[DMX_VALIDATOR_SIZE]; /* for If-Range, or "" */
} dmx_part;

/* Opens or creates the part; the validator is kept only when it came from the
 * same URL. Close with dmx_part_close. */
DMX_MUST_CHECK dmx_status dmx_part_open(dmx_part *part, const char *path,
                                        const char *url, dmx_error *err);
void dmx_part_close(dmx_part *part);

/* Forgets all bytes. */
DMX_MUST_CHECK dmx_status dmx_part_restart(dmx_part *part, dmx_error *err);
/* Remembers the validator of an answer from `url`: a strong ETag, else
 * Last-Modified. */
DMX_MUST_CHECK dmx_status dmx_part_remember(dmx_part *part, const char *url,
                                            const dmx_http_head *head,
                                            dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_part_append(dmx_part *part, const void *bytes,
                                          size_t size, dmx_error *err);
/* Fails when the disk has no room for `bytes` more. */
DMX_MUST_CHECK dmx_status dmx_part_room(const dmx_part *part, uint64_t bytes,
                                        dmx_error *err);
/* Sync, rename to the final path, forget the validator. A symbolic link stays
 * one; what is no regular file is left as it is. */
DMX_MUST_CHECK dmx_status dmx_part_finish(dmx_part *part, dmx_error *err);
/* Removes both files. */
void dmx_part_remove(dmx_part *part);

#endif
