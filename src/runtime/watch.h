/* Runs a long call that can't be interrupted from inside on a separate thread
 * while the calling thread calls the caller's hooks. */
#ifndef DMX_RUNTIME_WATCH_H
#define DMX_RUNTIME_WATCH_H

#include "base/error.h"

typedef struct dmx_watch {
    const dmx_hooks *hooks;
    const char *stage;
    double fraction;
    void (*work)(void *context); /* on the separate thread */
    void (*cancel)(
        void *context); /* on the calling thread, once; NULL: not possible */
    void *context;
} dmx_watch;

/* Returns when work has returned, with DMX_ERROR_CANCELLED if the hooks asked
 * to stop. Without hooks, or if no thread can be started, work runs on the
 * calling thread. */
dmx_status dmx_watch_run(const dmx_watch *watch, dmx_error *err);

#endif
