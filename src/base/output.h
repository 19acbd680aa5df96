/* Output files that appear under their final name only when complete. */
#ifndef DMX_BASE_OUTPUT_H
#define DMX_BASE_OUTPUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* A file being written. What exists under its name decides how it is put there:
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

/* What a commit put in place, so that it can be undone. */
typedef struct dmx_output_mark {
    char *path; /* NULL: nothing to undo */
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

/* Undoes a commit: removes its file, if that is still the same one. */
void dmx_output_take_back(dmx_output_mark *mark);
void dmx_output_forget(dmx_output_mark *mark);

/* The path that a file of this name would be written to: `path` with symbolic
 * links in its last component followed, even to a target that does not exist
 * yet; malloc'd. */
DMX_MUST_CHECK dmx_status dmx_output_target(char **target, const char *path,
                                            dmx_error *err);

#endif
