/* What the system gives, behind one interface: large pages, threads,
 * processors. platform_posix.c is it for POSIX systems; another system needs
 * this file's functions, those of base/hash.h and, to open files by name, those
 * of base/file.h, and nothing else of the core changes. */
#ifndef DMX_BASE_PLATFORM_H
#define DMX_BASE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

/* ----------------------------------------------------------------- pages */

/* Zeroed memory straight from the system, 2 MiB aligned, in large pages where
 * it has them: fewer address translations while weights stream by. NULL when
 * memory is short. Free with the same size. */
void *dmx_pages_alloc(size_t bytes);
void dmx_pages_free(void *p, size_t bytes);
/* Bytes worth asking for at once, of which small pieces are then given. */
size_t dmx_pages_chunk(void);
/* Gives the system back the memory of whole pages in any allocated range, which
 * stays allocated; what was there is lost. False: nothing was done. */
bool dmx_pages_forget(void *p, size_t bytes);

/* --------------------------------------------------------------- threads */

/* Cores this process may use: the affinity mask, cut by the cgroup's CPU
 * quota; at least 1. */
int dmx_cpu_count(void);

typedef struct dmx_thread dmx_thread;

/* NULL when none can be started; join frees it. */
dmx_thread *dmx_thread_start(void (*run)(void *argument), void *argument);
void dmx_thread_join(dmx_thread *thread);

/* A lock with a condition to wait for. */
typedef struct dmx_monitor dmx_monitor;

dmx_monitor *dmx_monitor_open(void); /* NULL when memory is short */
void dmx_monitor_close(dmx_monitor *monitor);
void dmx_monitor_lock(dmx_monitor *monitor);
/* False when another thread has the lock. */
bool dmx_monitor_try_lock(dmx_monitor *monitor);
void dmx_monitor_unlock(dmx_monitor *monitor);
/* Both under the lock, which is free while they wait; they may return early.
 * wait_for returns after about so many milliseconds (1 .. 1000) in any case. */
void dmx_monitor_wait(dmx_monitor *monitor);
void dmx_monitor_wait_for(dmx_monitor *monitor, int milliseconds);
void dmx_monitor_wake_one(dmx_monitor *monitor);
void dmx_monitor_wake_all(dmx_monitor *monitor);

#endif
