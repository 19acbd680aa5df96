#include "runtime/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#define POLL_NANOSECONDS 100000000

typedef struct call {
    const dmx_watch *watch;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool done;
} call;

static void *worker(void *argument)
{
    call *c = argument;
    c->watch->work(c->watch->context);
    pthread_mutex_lock(&c->mutex);
    c->done = true;
    pthread_cond_signal(&c->ended);
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static void poll_time(struct timespec *t)
{
    clock_gettime(CLOCK_REALTIME, t);
    t->tv_nsec += POLL_NANOSECONDS;
    if (t->tv_nsec >= 1000000000) {
        t->tv_nsec -= 1000000000;
        t->tv_sec++;
    }
}

/* True when the work ended, false when it is time to ask the hooks. */
static bool wait_a_little(call *c)
{
    struct timespec until;
    poll_time(&until);
    pthread_mutex_lock(&c->mutex);
    int code = 0;
    while (!c->done && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&c->ended, &c->mutex, &until);
    const bool done = c->done;
    pthread_mutex_unlock(&c->mutex);
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
    call c = {watch, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
              false};
    pthread_t thread;
    const bool alone = dmx_hooks_of(watch->hooks).progress == NULL;
    if (alone || pthread_create(&thread, NULL, worker, &c) != 0) {
        watch->work(watch->context);
        return DMX_OK;
    }
    const dmx_status status = listen_until_done(&c, err);
    pthread_join(thread, NULL);
    return status;
}
