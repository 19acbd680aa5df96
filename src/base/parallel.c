#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

#define MAX_THREADS 256

static int affinity_count(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < MAX_THREADS ? (int)n : 1;
}

/* The cgroup v2 quota ("200000 100000" is two cores), or the v1 pair; 0 when
 * there is none. */
static int quota_count(void)
{
    long long quota = 0, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f != NULL) {
        if (fscanf(f, "%lld %lld", &quota, &period) != 2)
            quota = 0; /* "max": no limit */
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re"))) {
        if (fscanf(f, "%lld", &quota) != 1)
            quota = 0;
        fclose(f);
        period = 100000;
    }
    if (quota <= 0 || period <= 0)
        return 0;
    const long long n = (quota + period - 1) / period;
    return n < MAX_THREADS ? (int)n : 0;
}

int dmx_cpu_count(void)
{
    int n = affinity_count();
    const int quota = quota_count();
    if (quota > 0 && quota < n)
        n = quota;
    if (n > MAX_THREADS)
        n = MAX_THREADS;
    return n > 0 ? n : 1;
}

typedef struct job {
    void (*task)(void *, size_t);
    void *context;
    size_t count;
    atomic_size_t next;
} job;

static void *work(void *argument)
{
    job *j = argument;
    for (;;) {
        const size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->count)
            return NULL;
        j->task(j->context, i);
    }
}

void dmx_parallel(int threads, size_t count, void (*task)(void *, size_t),
                  void *context)
{
    job j = {.task = task, .context = context, .count = count};
    pthread_t worker[MAX_THREADS];
    int started = 0;
    if (threads <= 0)
        threads = dmx_cpu_count();
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    while (started + 1 < threads && (size_t)(started + 1) < count &&
           pthread_create(&worker[started], NULL, work, &j) == 0)
        started++;
    work(&j);
    while (started > 0)
        pthread_join(worker[--started], NULL);
}
