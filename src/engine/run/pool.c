#include "engine/run/pool.h"
#include "base/platform.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* How often a thread polls before it sleeps: about 20 microseconds, the gap
 * between two steps; waking a sleeping thread costs more. */
#define LOOKS 2000

/* The state of the job in one word, so that joining and closing it exclude each
 * other: its number, whether threads may still join, and how many are working
 * on it. The pool never waits for a thread that has not joined: one that
 * sleeps, or whose processor is busy, comes late and finds nothing to do. */
#define NUMBER 0x100000000u /* counts up; workers wait for a change */
#define OPEN   0x80000000u
#define INSIDE 0x7fffffffu

struct dmx_pool;

typedef struct worker {
    struct dmx_pool *pool;
    dmx_thread *thread;
    int number;
} worker;

struct dmx_pool {
    dmx_monitor *start, *done; /* a job has started; no worker is left on it */
    _Atomic uint64_t job;
    atomic_bool close; /* workers shall exit */
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

static uint64_t job_number(dmx_pool *p)
{
    return atomic_load(&p->job) / NUMBER;
}

/* Returns the number of the next job. */
static uint64_t wait_for_job(dmx_pool *p, uint64_t seen)
{
    for (int i = 0; i < LOOKS && job_number(p) == seen; i++)
        pause_a_little();
    if (job_number(p) != seen)
        return job_number(p);
    dmx_monitor_lock(p->start);
    while (job_number(p) == seen)
        dmx_monitor_wait(p->start);
    dmx_monitor_unlock(p->start);
    return job_number(p);
}

static bool join(dmx_pool *p, uint64_t number)
{
    uint64_t job = atomic_load(&p->job);
    while ((job & OPEN) != 0 && job / NUMBER == number)
        if (atomic_compare_exchange_weak(&p->job, &job, job + 1))
            return true;
    return false;
}

static void leave(dmx_pool *p)
{
    const uint64_t before = atomic_fetch_sub(&p->job, 1);
    if ((before & OPEN) != 0 || (before & INSIDE) != 1)
        return;
    dmx_monitor_lock(p->done);
    dmx_monitor_wake_one(p->done);
    dmx_monitor_unlock(p->done);
}

static void work(void *argument)
{
    const worker *w = argument;
    dmx_pool *p = w->pool;
    for (uint64_t seen = 0;;) {
        seen = wait_for_job(p, seen);
        if (atomic_load(&p->close))
            return;
        if (!join(p, seen))
            continue;
        take_tasks(p, w->number);
        leave(p);
    }
}

/* Publishes the next job; no worker is left on the previous one. */
static void announce(dmx_pool *p)
{
    const uint64_t number = job_number(p) + 1;
    atomic_store(&p->next, 0);
    dmx_monitor_lock(p->start);
    atomic_store(&p->job, number * NUMBER + OPEN);
    dmx_monitor_wake_all(p->start);
    dmx_monitor_unlock(p->start);
}

static bool has_workers(dmx_pool *p)
{
    return (atomic_load(&p->job) & INSIDE) != 0;
}

/* All tasks have been taken: waits until the workers have finished theirs. */
static void wait_for_workers(dmx_pool *p)
{
    atomic_fetch_sub(&p->job, OPEN);
    for (int i = 0; i < LOOKS && has_workers(p); i++)
        pause_a_little();
    if (!has_workers(p))
        return;
    dmx_monitor_lock(p->done);
    while (has_workers(p))
        dmx_monitor_wait(p->done);
    dmx_monitor_unlock(p->done);
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

static void free_pool(dmx_pool *p)
{
    dmx_monitor_close(p->done);
    dmx_monitor_close(p->start);
    free(p->worker);
    free(p);
}

static dmx_pool *new_pool(void)
{
    dmx_pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->threads = 1;
    p->start = dmx_monitor_open();
    p->done = dmx_monitor_open();
    if (p->start != NULL && p->done != NULL)
        return p;
    free_pool(p);
    return NULL;
}

dmx_pool *dmx_pool_open(int threads)
{
    dmx_pool *p = new_pool();
    if (p == NULL)
        return NULL;
    if (threads > 1)
        p->worker = calloc((size_t)threads - 1, sizeof *p->worker);
    while (p->worker != NULL && p->threads < threads) {
        worker *w = &p->worker[p->threads - 1];
        w->pool = p;
        w->number = p->threads;
        w->thread = dmx_thread_start(work, w);
        if (w->thread == NULL)
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
        dmx_thread_join(p->worker[i].thread);
    free_pool(p);
}

int dmx_pool_threads(const dmx_pool *p)
{
    return p->threads;
}
