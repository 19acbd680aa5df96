#include "base/parallel.h"

#include <stdatomic.h>

#define MAX_THREADS 256

int dmx_thread_count(int wanted, const dmx_hooks *hooks)
{
    const int cores = dmx_cpu_count();
    if (wanted <= 0)
        return cores;
    const int most = 4 * cores > 16 ? 4 * cores : 16;
    if (wanted <= most)
        return wanted;
    dmx_warn(hooks,
             "%d threads on %d core%s would only wait for each other; "
             "%d are used",
             wanted, cores, cores == 1 ? "" : "s", most);
    return most;
}

typedef struct job {
    void (*task)(void *, size_t);
    void *context;
    size_t count;
    atomic_size_t next;
} job;

static void work(void *argument)
{
    job *j = argument;
    for (;;) {
        const size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->count)
            return;
        j->task(j->context, i);
    }
}

void dmx_parallel(int threads, size_t count, void (*task)(void *, size_t),
                  void *context)
{
    job j = {.task = task, .context = context, .count = count};
    dmx_thread *worker[MAX_THREADS];
    int started = 0;
    if (threads <= 0)
        threads = dmx_cpu_count();
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    while (started + 1 < threads && (size_t)(started + 1) < count &&
           (worker[started] = dmx_thread_start(work, &j)) != NULL)
        started++;
    work(&j);
    while (started > 0)
        dmx_thread_join(worker[--started]);
}
