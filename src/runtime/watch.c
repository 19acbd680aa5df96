#include "runtime/watch.h"

#include "base/platform.h"

#include <stdbool.h>

enum { POLL_MILLISECONDS = 100 };

typedef struct call {
    const dmx_watch *watch;
    dmx_monitor *monitor; /* of done */
    bool done;
} call;

static void work(void *argument)
{
    call *c = argument;
    c->watch->work(c->watch->context);
    dmx_monitor_lock(c->monitor);
    c->done = true;
    dmx_monitor_wake_one(c->monitor);
    dmx_monitor_unlock(c->monitor);
}

/* True when the work ended, false when it is time to ask the hooks. */
static bool wait_a_little(call *c)
{
    dmx_monitor_lock(c->monitor);
    if (!c->done)
        dmx_monitor_wait_for(c->monitor, POLL_MILLISECONDS);
    const bool done = c->done;
    dmx_monitor_unlock(c->monitor);
    return done;
}

static dmx_status listen_until_done(call *c, dmx_error *err)
{
    const dmx_watch *w = c->watch;
    dmx_status status = dmx_progress(w->hooks, w->stage, w->fraction, err);
    bool told = false;
    do {
        if (status != DMX_OK && !told && w->cancel != NULL)
            w->cancel(w->context);
        told = status != DMX_OK;
        if (wait_a_little(c))
            break;
        if (status == DMX_OK)
            status = dmx_progress(w->hooks, w->stage, w->fraction, err);
    } while (true);
    return status;
}

dmx_status dmx_watch_run(const dmx_watch *watch, dmx_error *err)
{
    call c = {watch, NULL, false};
    dmx_thread *thread = NULL;
    if (dmx_hooks_of(watch->hooks).progress != NULL)
        c.monitor = dmx_monitor_open();
    if (c.monitor != NULL)
        thread = dmx_thread_start(work, &c);
    dmx_status status = DMX_OK;
    if (thread != NULL) {
        status = listen_until_done(&c, err);
        dmx_thread_join(thread);
    } else {
        watch->work(watch->context);
    }
    dmx_monitor_close(c.monitor);
    return status;
}
