#include "base/cgroup.h"
#include "base/memory.h"
#include "base/platform.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

/* ----------------------------------------------------------------- pages */

#define PAGE      ((size_t)2 << 20)
#define MAX_COUNT 256

static bool round_up(size_t *bytes)
{
    if (dmx_add_overflow(bytes, *bytes, PAGE - 1))
        return false;
    *bytes &= ~(PAGE - 1);
    return *bytes > 0;
}

/* Several large pages: what is left of one is lost. */
size_t dmx_pages_chunk(void)
{
    return 16 * PAGE;
}

/* Maps one page more than needed and gives back what lies outside the aligned
 * part. */
void *dmx_pages_alloc(size_t bytes)
{
    size_t all;
    if (!round_up(&bytes) || dmx_add_overflow(&all, bytes, PAGE))
        return NULL;
    char *p = mmap(NULL, all, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    const size_t before = (PAGE - ((uintptr_t)p & (PAGE - 1))) & (PAGE - 1);
    if (before > 0)
        munmap(p, before);
    if (PAGE - before > 0)
        munmap(p + before + bytes, PAGE - before);
#if defined(MADV_HUGEPAGE)
    (void)madvise(p + before, bytes, MADV_HUGEPAGE);
#endif
    return p + before;
}

void dmx_pages_free(void *p, size_t bytes)
{
    if (p != NULL && round_up(&bytes))
        munmap(p, bytes);
}

bool dmx_pages_forget(void *p, size_t bytes)
{
#if defined(__linux__)
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1);
    const uintptr_t to = ((uintptr_t)p + bytes) & ~(page - 1);
    return from < to && madvise((void *)from, to - from, MADV_DONTNEED) == 0;
#else
    (void)p;
    (void)bytes;
    return false;
#endif
}

/* ------------------------------------------------------------ processors */

static int affinity_count(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < MAX_COUNT ? (int)n : 1;
}

int dmx_cpu_count(void)
{
    int n = affinity_count();
    const int quota = dmx_cgroup_cores("/sys/fs/cgroup", "/proc/self/cgroup");
    if (quota > 0 && quota < n)
        n = quota;
    if (n > MAX_COUNT)
        n = MAX_COUNT;
    return n > 0 ? n : 1;
}

/* --------------------------------------------------------------- threads */

struct dmx_thread {
    pthread_t thread;
    void (*run)(void *argument);
    void *argument;
};

static void *enter(void *argument)
{
    const dmx_thread *t = argument;
    t->run(t->argument);
    return NULL;
}

dmx_thread *dmx_thread_start(void (*run)(void *argument), void *argument)
{
    dmx_thread *t = malloc(sizeof *t);
    if (t == NULL)
        return NULL;
    t->run = run;
    t->argument = argument;
    if (pthread_create(&t->thread, NULL, enter, t) == 0)
        return t;
    free(t);
    return NULL;
}

void dmx_thread_join(dmx_thread *thread)
{
    pthread_join(thread->thread, NULL);
    free(thread);
}

struct dmx_monitor {
    pthread_mutex_t lock;
    pthread_cond_t condition;
};

dmx_monitor *dmx_monitor_open(void)
{
    dmx_monitor *m = malloc(sizeof *m);
    if (m == NULL)
        return NULL;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->condition, NULL);
    return m;
}

void dmx_monitor_close(dmx_monitor *monitor)
{
    if (monitor == NULL)
        return;
    pthread_cond_destroy(&monitor->condition);
    pthread_mutex_destroy(&monitor->lock);
    free(monitor);
}

void dmx_monitor_lock(dmx_monitor *monitor)
{
    pthread_mutex_lock(&monitor->lock);
}

bool dmx_monitor_try_lock(dmx_monitor *monitor)
{
    return pthread_mutex_trylock(&monitor->lock) == 0;
}

void dmx_monitor_unlock(dmx_monitor *monitor)
{
    pthread_mutex_unlock(&monitor->lock);
}

void dmx_monitor_wait(dmx_monitor *monitor)
{
    pthread_cond_wait(&monitor->condition, &monitor->lock);
}

void dmx_monitor_wait_for(dmx_monitor *monitor, int milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    const long long ns = until.tv_nsec + milliseconds * 1000000LL;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(&monitor->condition, &monitor->lock, &until);
}

void dmx_monitor_wake_one(dmx_monitor *monitor)
{
    pthread_cond_signal(&monitor->condition);
}

void dmx_monitor_wake_all(dmx_monitor *monitor)
{
    pthread_cond_broadcast(&monitor->condition);
}
