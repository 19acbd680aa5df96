/* Sound from a path, standard input or a pipe, as one seekable file. */
#ifndef DMX_AUDIO_SPOOL_H
#define DMX_AUDIO_SPOOL_H

#include "base/error.h"

/* Opens `path` ("-": standard input) for reading as a regular file. A pipe is
 * first copied to an unlinked temporary file in `folder` (NULL: $TMPDIR or
 * /tmp), at most `limit` bytes (beyond: LIMIT). *fd is closed by the caller;
 * read it by position only (pread), its offset may be shared. */
DMX_MUST_CHECK dmx_status dmx_spool_open(int *fd, int64_t *size,
                                         const char *path, const char *folder,
                                         uint64_t limit, const dmx_hooks *hooks,
                                         dmx_error *err);

#endif
