/* Separates one segment: by ONNX Runtime, the native engine, the float64
 * reference, or a test double. */
#ifndef DMX_SEPARATE_RUNNER_H
#define DMX_SEPARATE_RUNNER_H

#include "base/error.h"

typedef struct dmx_runner {
    void *self;
    int64_t channels, sources;
    int64_t samples; /* of every run */
    /* stems [sources][channels][samples] from mix [channels][samples]. One
     * call at a time. hooks: progress within this segment, cancellation. */
    dmx_status (*run)(void *self, float *stems, const float *mix,
                      const dmx_hooks *hooks, dmx_error *err);
    /* The same for a batch of n <= `batch` segments, contiguous in memory.
     * NULL, with batch 0: only one at a time. */
    dmx_status (*run_batch)(void *self, float *stems, const float *mix,
                            int64_t n, const dmx_hooks *hooks, dmx_error *err);
    int64_t batch;
    void (*close)(void *self);
    /* Creates another runner of the same weights and length, which may run at
     * the same time; this one must outlive it. NULL: not supported. */
    dmx_status (*share)(void *self, struct dmx_runner *out, dmx_error *err);
} dmx_runner;

static inline void dmx_runner_close(dmx_runner *runner)
{
    if (runner->close != NULL)
        runner->close(runner->self);
    *runner = (dmx_runner){0};
}

#endif
