/* The part of a file received so far, and its validator. */
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

/* Opens or creates the part; keeps the validator only if it came from the same
 * URL. Close with dmx_part_close. */
DMX_MUST_CHECK dmx_status dmx_part_open(dmx_part *part, const char *path,
                                        const char *url, dmx_error *err);
void dmx_part_close(dmx_part *part);

/* Discards all bytes. */
DMX_MUST_CHECK dmx_status dmx_part_restart(dmx_part *part, dmx_error *err);
/* Stores the validator of a response from `url`: a strong ETag, else
 * Last-Modified. */
DMX_MUST_CHECK dmx_status dmx_part_remember(dmx_part *part, const char *url,
                                            const dmx_http_head *head,
                                            dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_part_append(dmx_part *part, const void *bytes,
                                          size_t size, dmx_error *err);
/* Fails when the disk has no space for `bytes` more. */
DMX_MUST_CHECK dmx_status dmx_part_room(const dmx_part *part, uint64_t bytes,
                                        dmx_error *err);
/* Syncs the part, renames it to the final path and removes the validator. A
 * symbolic link remains one; anything but a regular file is left unchanged. */
DMX_MUST_CHECK dmx_status dmx_part_finish(dmx_part *part, dmx_error *err);
/* Removes both files. */
void dmx_part_remove(dmx_part *part);

#endif
