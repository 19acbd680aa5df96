/* Threads that work together on one step at a time and sleep in between. */
#ifndef DMX_ENGINE_POOL_H
#define DMX_ENGINE_POOL_H

#include <stdint.h>

typedef struct dmx_pool dmx_pool;

/* A pool of `threads` threads of which the caller of dmx_pool_run is one.
 * Fewer when the system refuses some; NULL when memory is short. */
dmx_pool *dmx_pool_open(int threads);
void dmx_pool_close(dmx_pool *pool);

/* The number of threads actually started; workers are numbered below it. */
int dmx_pool_threads(const dmx_pool *pool);

/* Calls task(context, i, worker) once for each i in [0, count), in rising
 * order, and returns when all are done. */
void dmx_pool_run(dmx_pool *pool, int64_t count,
                  void (*task)(void *context, int64_t i, int worker),
                  void *context);

#endif
