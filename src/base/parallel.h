/* Fork and join: no thread outlives the call. */
#ifndef DMX_BASE_PARALLEL_H
#define DMX_BASE_PARALLEL_H

#include "base/platform.h"

#include <stddef.h>

/* Calls task(context, i) once for each i in [0, count), on up to `threads`
 * threads (0: dmx_cpu_count()) of which the caller is one. Tasks are handed
 * out one by one in rising order; a thread that can't be started is done
 * without. Results must not depend on which thread runs a task. */
void dmx_parallel(int threads, size_t count,
                  void (*task)(void *context, size_t index), void *context);

#endif
