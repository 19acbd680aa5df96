#include "reference/reference_ops.h"

#include "base/parallel.h"

#include <stdlib.h>

#define RANGE ((int64_t)1 << 17)

typedef struct ranges {
    int64_t total;
    void (*task)(const void *context, int64_t begin, int64_t end);
    const void *context;
} ranges;

static void run_range(void *context, size_t index)
{
    const ranges *r = context;
    const int64_t begin = (int64_t)index * RANGE;
    const int64_t end = r->total - begin < RANGE ? r->total : begin + RANGE;
    r->task(r->context, begin, end);
}

void dmx_reference_ranges(int threads, int64_t total,
                          void (*task)(const void *, int64_t, int64_t),
                          const void *context)
{
    ranges r = {total, task, context};
    dmx_parallel(threads, (size_t)((total + RANGE - 1) / RANGE), run_range, &r);
}

double *dmx_reference_widen(const dmx_tensor *t, size_t count, dmx_error *err)
{
    const size_t n = t != NULL ? dmx_tensor_count(t) : count;
    double *data = calloc(n > 0 ? n : 1, sizeof *data);
    if (data == NULL)
        (void)dmx_fail(err, DMX_ERROR_MEMORY,
                       "no memory for a weight of %zu elements", n);
    else if (t != NULL)
        dmx_tensor_to_f64(data, t);
    return data;
}

dmx_channels dmx_reference_channels(const dmx_shape *shape)
{
    if (shape->rank == 2)
        return (dmx_channels){shape->dim[0], shape->dim[1], 1};
    return (dmx_channels){1, shape->dim[0], shape->dim[1] * shape->dim[2]};
}
