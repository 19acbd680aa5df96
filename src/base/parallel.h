/* Fork and join: no thread outlives the call. */
#ifndef DMX_BASE_PARALLEL_H
#define DMX_BASE_PARALLEL_H

#include "base/error.h"
#include "base/platform.h"

#include <stddef.h>

/* The number of threads to use for the number asked for (0: as many as cores).
 * Far more threads than cores only wait for each other: a request for more than
 * four per core and more than 16 is reduced, with a warning that says how many
 * are used. */
int dmx_thread_count(int wanted, const dmx_hooks *hooks);

/* Calls task(context, i) once for each i in [0, count), on up to `threads`
 * threads (0: dmx_cpu_count()) of which the caller is one. Tasks are handed out
 * one at a time in rising order; if a thread can't be started, the others do
 * its work. Results must not depend on which thread runs a task. */
void dmx_parallel(int threads, size_t count,
                  void (*task)(void *context, size_t index), void *context);

#endif
