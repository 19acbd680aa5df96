/* The worker: loading takes seconds, freeing takes a lock; neither is for the
 * audio thread. */
#include "plugin.h"

#include <string.h>

/* What is sent through the host's queue. */
typedef struct job {
    plug_engine *freed; /* NULL: load */
    unsigned generation;
    plug_settings settings;
} job;

static bool schedule(plug_instance *p, const job *j, size_t size)
{
    return p->schedule != NULL &&
           p->schedule->schedule_work(p->schedule->handle, (uint32_t)size, j) ==
               LV2_WORKER_SUCCESS;
}

bool plug_schedule_load(plug_instance *p)
{
    const job j = {NULL, p->generation, p->wanted};
    return schedule(p, &j, sizeof j);
}

bool plug_schedule_free(plug_instance *p, plug_engine *engine)
{
    const job j = {.freed = engine};
    return schedule(p, &j, offsetof(job, settings));
}

static void load(plug_instance *p, const job *j)
{
    pthread_mutex_lock(&p->lock);
    p->kept = j->settings;
    pthread_mutex_unlock(&p->lock);
    plug_engine *e = plug_load(p, &j->settings);
    if (e == NULL) {
        plug_say(p, true, "no memory");
        return;
    }
    e->generation = j->generation;
    plug_engine_close(atomic_exchange(&p->handed, e));
}

/* The response says that loading has ended, successfully or not. */
static LV2_Worker_Status work(LV2_Handle handle,
                              LV2_Worker_Respond_Function respond,
                              LV2_Worker_Respond_Handle to, uint32_t size,
                              const void *data)
{
    plug_instance *p = handle;
    job j = {0};
    if (size > sizeof j || size < offsetof(job, settings))
        return LV2_WORKER_ERR_UNKNOWN;
    memcpy(&j, data, size);
    if (j.freed != NULL) {
        plug_engine_close(j.freed);
        return LV2_WORKER_SUCCESS;
    }
    load(p, &j);
    return respond(to, sizeof j.generation, &j.generation);
}

static LV2_Worker_Status work_response(LV2_Handle handle, uint32_t size,
                                       const void *body)
{
    plug_instance *p = handle;
    unsigned generation;
    if (size != sizeof generation)
        return LV2_WORKER_ERR_UNKNOWN;
    memcpy(&generation, body, size);
    if (generation == p->generation && atomic_load(&p->handed) == NULL)
        p->loading = false;
    return LV2_WORKER_SUCCESS;
}

const LV2_Worker_Interface plug_worker = {work, work_response, NULL};
