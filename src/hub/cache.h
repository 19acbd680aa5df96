/* The cache folder, and locks that let one process at a time write a file. */
#ifndef DMX_HUB_CACHE_H
#define DMX_HUB_CACHE_H

#include "base/error.h"

/* The cache folder, malloc'd: `option`, $DEMUCS_ONNX_CACHE,
 * $XDG_CACHE_HOME/demucs-onnx or ~/.cache/demucs-onnx. Not created. *out is
 * NULL when none of these is known and the user has no home. */
DMX_MUST_CHECK dmx_status dmx_cache_folder(char **out, const char *option,
                                           dmx_error *err);

/* PyTorch's download folder, malloc'd: $TORCH_HOME/hub/checkpoints, or below
 * $XDG_CACHE_HOME/torch or ~/.cache/torch. *out is NULL without a home. */
DMX_MUST_CHECK dmx_status dmx_torch_folder(char **out, dmx_error *err);

/* Creates a folder and its parents. */
DMX_MUST_CHECK dmx_status dmx_make_folders(const char *path, dmx_error *err);

/* An exclusive lock on a file beside the one to be created. The system releases
 * it when the process ends. */
typedef struct dmx_lock {
    int fd; /* -1: not held */
    char *path;
} dmx_lock;

/* Waits for the lock on "<path>.lock"; progress is reported (and the wait
 * cancelled) through hooks. */
DMX_MUST_CHECK dmx_status dmx_lock_take(dmx_lock *lock, const char *path,
                                        const dmx_hooks *hooks, dmx_error *err);
/* Also removes the lock file. Harmless when not held. */
void dmx_lock_release(dmx_lock *lock);

/* Sleeps, reporting `stage` every tenth of a second, so that it can be
 * cancelled. */
DMX_MUST_CHECK dmx_status dmx_wait(double seconds, const dmx_hooks *hooks,
                                   const char *stage, double fraction,
                                   dmx_error *err);

#endif
