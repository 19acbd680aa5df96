/* Files that appear under their name only when they are complete. */
#ifndef DMX_BASE_OUTPUT_H
#define DMX_BASE_OUTPUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* A file on its way. What stands at the name decides how it gets there:
 *  - nothing, or a regular file: the bytes go to a part file in the same
 *    folder (base/part_file.h), which is renamed over it;
 *  - a symbolic link: the same for what it leads to; the link stays;
 *  - a pipe or a character device: the bytes wait in a temporary file and are
 *    copied into it when they are complete. Nothing is renamed;
 *  - anything else is refused. */
typedef struct dmx_output {
    FILE *stream;         /* readable and seekable */
    char *name;           /* as the caller gave it, for messages */
    char *final_path;     /* links followed */
    char *temporary_path; /* the file behind `stream` */
    int lock;             /* descriptor that keeps the part file's lock */
    bool listed;          /* in the list of base/part_file.h */
    int device;           /* where the bytes are copied to, or -1 */
} dmx_output;

/* What a commit put there, for taking it back. */
typedef struct dmx_output_mark {
    char *path; /* NULL: nothing to take back */
    dev_t volume;
    ino_t file;
} dmx_output_mark;

DMX_MUST_CHECK dmx_status dmx_output_open(dmx_output *out, const char *path,
                                          dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_output_write(dmx_output *out, const void *data,
                                           size_t size, dmx_error *err);
/* fflush + fsync, without the rename: the temporary file is complete. */
DMX_MUST_CHECK dmx_status dmx_output_flush(dmx_output *out, dmx_error *err);
/* Flush, rename (or copy), sync the folder. On failure the file is abandoned.
 * mark (may be NULL) is filled when the name was free before; free it with
 * dmx_output_forget. */
DMX_MUST_CHECK dmx_status dmx_output_commit(dmx_output *out,
                                            dmx_output_mark *mark,
                                            dmx_error *err);
/* Closes and removes the temporary file; harmless after commit, and for a
 * zeroed struct. */
void dmx_output_abandon(dmx_output *out);

/* Removes the file of a commit, when it is still the same one. */
void dmx_output_take_back(dmx_output_mark *mark);
void dmx_output_forget(dmx_output_mark *mark);

/* Where a file of this name would be written: `path` with symbolic links of
 * its last component followed, also to what does not exist yet; malloc'd. */
DMX_MUST_CHECK dmx_status dmx_output_target(char **target, const char *path,
                                            dmx_error *err);

#endif
