/* Reading whole files safely. */
#ifndef DMX_BASE_FILE_H
#define DMX_BASE_FILE_H

#include "base/error.h"

/* A file's bytes in private, 64-byte aligned memory: unlike a mapped file,
 * nothing outside the process can change or truncate them. */
typedef struct dmx_blob {
    unsigned char *data;
    size_t size;
} dmx_blob;

/* Reads at most `limit` bytes; a larger file is DMX_ERROR_LIMIT, anything but
 * a regular file DMX_ERROR_IO. Close with dmx_blob_free. */
DMX_MUST_CHECK dmx_status dmx_file_read(dmx_blob *out, const char *path,
                                        size_t limit, dmx_error *err);
void dmx_blob_free(dmx_blob *blob);

/* Holds a regular file open, to be read again whatever becomes of its name; -1
 * when it can't be opened. */
int dmx_file_hold(const char *path);
/* Its first `size` bytes; `path` is for messages. */
DMX_MUST_CHECK dmx_status dmx_file_read_held(unsigned char *out, size_t size,
                                             int descriptor, const char *path,
                                             dmx_error *err);
void dmx_file_let_go(int descriptor); /* -1 is fine */

#endif
