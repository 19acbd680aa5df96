#include "separate/turns.h"
#include "base/platform.h"

#include <stdlib.h>

enum { ASK_MILLISECONDS = 100 };

struct dmx_turns {
    const dmx_runner *runner;
    dmx_monitor *monitor; /* of busy */
    bool busy;
};

static dmx_status begin(dmx_turns *t, const dmx_hooks *hooks, dmx_error *err)
{
    dmx_status status = DMX_OK;
    dmx_monitor_lock(t->monitor);
    while (t->busy && status == DMX_OK) {
        dmx_monitor_wait_for(t->monitor, ASK_MILLISECONDS);
        if (!t->busy)
            break;
        dmx_monitor_unlock(t->monitor);
        status = dmx_progress(hooks, "separate", 0, err);
        dmx_monitor_lock(t->monitor);
    }
    if (status == DMX_OK)
        t->busy = true;
    dmx_monitor_unlock(t->monitor);
    return status;
}

static void end(dmx_turns *t)
{
    dmx_monitor_lock(t->monitor);
    t->busy = false;
    dmx_monitor_wake_one(t->monitor);
    dmx_monitor_unlock(t->monitor);
}

static dmx_status run(void *self, float *stems, const float *mix,
                      const dmx_hooks *hooks, dmx_error *err)
{
    dmx_turns *t = self;
    DMX_FORWARD(begin(t, hooks, err));
    const dmx_status status =
        t->runner->run(t->runner->self, stems, mix, hooks, err);
    end(t);
    return status;
}

static dmx_status run_batch(void *self, float *stems, const float *mix,
                            int64_t n, const dmx_hooks *hooks, dmx_error *err)
{
    dmx_turns *t = self;
    DMX_FORWARD(begin(t, hooks, err));
    const dmx_status status =
        t->runner->run_batch(t->runner->self, stems, mix, n, hooks, err);
    end(t);
    return status;
}

dmx_status dmx_turns_open(dmx_turns **turns, dmx_runner *out,
                          const dmx_runner *runner, dmx_error *err)
{
    *out = (dmx_runner){0};
    *turns = calloc(1, sizeof **turns);
    if (*turns != NULL)
        (*turns)->monitor = dmx_monitor_open();
    if (*turns == NULL || (*turns)->monitor == NULL) {
        dmx_turns_close(*turns);
        *turns = NULL;
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for a model");
    }
    (*turns)->runner = runner;
    *out = *runner;
    out->self = *turns;
    out->run = run;
    out->run_batch = runner->run_batch != NULL ? run_batch : NULL;
    out->close = NULL;
    return DMX_OK;
}

void dmx_turns_close(dmx_turns *turns)
{
    if (turns == NULL)
        return;
    dmx_monitor_close(turns->monitor);
    free(turns);
}
