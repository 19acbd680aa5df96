/* One file from one URL: resumed, retried, verified, then renamed. */
#ifndef DMX_HUB_DOWNLOAD_H
#define DMX_HUB_DOWNLOAD_H

#include "hub/transport.h"

typedef struct dmx_download {
    const char *path;   /* where it appears; its folder exists */
    const char *url;    /* http(s) */
    const char *sha256; /* its first 8 to 64 digits */
    uint64_t bytes;     /* 0: not known */
} dmx_download;

/* Downloads into "<path>.part"; "<path>.part.from" beside it records the origin
 * of the bytes. Both survive a failure or a kill, so that the next call resumes
 * where this one stopped; they are removed when the file is complete or has the
 * wrong hash. The caller holds the lock. Fails with NETWORK, HASH (wrong
 * content), LIMIT (too long), IO, CANCELLED or MEMORY. */
DMX_MUST_CHECK dmx_status dmx_download_file(dmx_transport *transport,
                                            const dmx_patience *patience,
                                            const dmx_download *download,
                                            const dmx_hooks *hooks,
                                            dmx_error *err);

#endif
