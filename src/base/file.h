/* Reading whole files safely and writing them atomically. */
#ifndef DMX_BASE_FILE_H
#define DMX_BASE_FILE_H

#include "base/error.h"
#include <stdio.h>

/* A file's bytes in private, 64-byte aligned memory: nobody else can change
 * or shrink them afterwards, as they could a mapped file. */
typedef struct dmx_blob {
    unsigned char *data;
    size_t size;
} dmx_blob;

/* Reads at most `limit` bytes; a larger file is DMX_ERROR_LIMIT, anything but
 * a regular file DMX_ERROR_IO. Close with dmx_blob_free. */
DMX_MUST_CHECK dmx_status dmx_file_read(dmx_blob *out, const char *path,
                                        size_t limit, dmx_error *err);
void dmx_blob_free(dmx_blob *blob);

/* A file that appears under its final name only when it is complete: written
 * to "<path>.<pid>-<n>.dmx-part" in the same folder, fsync'ed and renamed by
 * commit, removed by abandon. Open removes such files that dead processes
 * left behind for the same path. */
typedef struct dmx_output {
    FILE *stream;
    char *final_path;
    char *temporary_path;
} dmx_output;

DMX_MUST_CHECK dmx_status dmx_output_open(dmx_output *out, const char *path,
                                          dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_output_write(dmx_output *out, const void *data,
                                           size_t size, dmx_error *err);
/* fflush + fsync, without the rename: the temporary file is complete. */
DMX_MUST_CHECK dmx_status dmx_output_flush(dmx_output *out, dmx_error *err);
/* Flush, rename, sync the folder. On failure the file is abandoned. */
DMX_MUST_CHECK dmx_status dmx_output_commit(dmx_output *out, dmx_error *err);
/* Closes and removes the temporary file; harmless after commit. */
void dmx_output_abandon(dmx_output *out);

#endif
