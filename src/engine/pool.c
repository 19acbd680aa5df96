#include "engine/pool.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* How often a thread looks again before it sleeps: about 20 microseconds, the
 * gap between two steps; waking a sleeper costs more. */
#define LOOKS 2000

struct dmx_pool;

typedef struct worker {
    struct dmx_pool *pool;
    pthread_t thread;
    int number;
} worker;

struct dmx_pool {
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    atomic_uint job;   /* counts up; workers wait for a change */
    atomic_int busy;   /* workers not yet through with it */
    atomic_bool close; /* the job is to leave */
    void (*task)(void *, int64_t, int);
    void *context;
    int64_t count;
    atomic_int_fast64_t next;
    int threads;
    worker *worker; /* threads - 1 */
};

static void pause_a_little(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_tasks(dmx_pool *p, int number)
{
    for (;;) {
        const int64_t i = atomic_fetch_add(&p->next, 1);
        if (i >= p->count)
            return;
        p->task(p->context, i, number);
    }
}

static void wait_for_job(dmx_pool *p, unsigned seen)
{
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&p->job) != seen)
            return;
        pause_a_little();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->job) == seen)
        pthread_cond_wait(&p->start, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void *work(void *argument)
{
    const worker *w = argument;
    dmx_pool *p = w->pool;
    for (unsigned seen = 0;; seen++) {
        wait_for_job(p, seen);
        if (atomic_load(&p->close))
            return NULL;
        take_tasks(p, w->number);
        if (atomic_fetch_sub(&p->busy, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static void announce(dmx_pool *p)
{
    atomic_store(&p->next, 0);
    atomic_store(&p->busy, p->threads - 1);
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->job, 1);
    pthread_cond_broadcast(&p->start);
    pthread_mutex_unlock(&p->lock);
}

static void wait_for_workers(dmx_pool *p)
{
    for (int i = 0; i < LOOKS && atomic_load(&p->busy) > 0; i++)
        pause_a_little();
    if (atomic_load(&p->busy) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->busy) > 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void dmx_pool_run(dmx_pool *p, int64_t count,
                  void (*task)(void *, int64_t, int), void *context)
{
    if (count <= 1 || p->threads == 1) {
        for (int64_t i = 0; i < count; i++)
            task(context, i, 0);
        return;
    }
    p->task = task;
    p->context = context;
    p->count = count;
    announce(p);
    take_tasks(p, 0);
    wait_for_workers(p);
}

dmx_pool *dmx_pool_open(int threads)
{
    dmx_pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->start, NULL);
    pthread_cond_init(&p->done, NULL);
    p->threads = 1;
    if (threads > 1)
        p->worker = calloc((size_t)threads - 1, sizeof *p->worker);
    while (p->worker != NULL && p->threads < threads) {
        worker *w = &p->worker[p->threads - 1];
        w->pool = p;
        w->number = p->threads;
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            break;
        p->threads++;
    }
    return p;
}

void dmx_pool_close(dmx_pool *p)
{
    if (p == NULL)
        return;
    atomic_store(&p->close, true);
    announce(p);
    for (int i = 0; i + 1 < p->threads; i++)
        pthread_join(p->worker[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->start);
    pthread_mutex_destroy(&p->lock);
    free(p->worker);
    free(p);
}

int dmx_pool_threads(const dmx_pool *p)
{
    return p->threads;
}
