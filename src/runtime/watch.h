/* A long call that can't be interrupted from inside, run on a thread of its
 * own while the calling thread listens to the caller's hooks. */
#ifndef DMX_RUNTIME_WATCH_H
#define DMX_RUNTIME_WATCH_H

#include "base/error.h"

typedef struct dmx_watch {
    const dmx_hooks *hooks;
    const char *stage;
    double fraction;
    void (*work)(void *context);   /* on the other thread */
    void (*cancel)(void *context); /* on this one, once; NULL: can't */
    void *context;
} dmx_watch;

/* Returns when work has returned, with DMX_ERROR_CANCELLED when the hooks
 * asked to stop. Without hooks to ask, or without a thread to be had, work
 * runs on the calling thread. */
dmx_status dmx_watch_run(const dmx_watch *watch, dmx_error *err);

#endif
