/* Shared by the operations of the reference. */
#ifndef DMX_REFERENCE_REFERENCE_OPS_H
#define DMX_REFERENCE_REFERENCE_OPS_H

#include "graph/graph.h"
#include "reference/mutation.h"

/* A value: its elements in row-major order, and its shape. */
typedef struct dmx_array {
    dmx_shape shape;
    double *data;
} dmx_array;

/* One node about to run. out[i].data is allocated; for the operations that work
 * in place (graph/operations.def) it may be in[0].data itself. */
typedef struct dmx_reference_step {
    const dmx_node *node;
    const dmx_array *in;
    const dmx_array *out;
    const double *mix; /* of the input node */
    int threads;
    dmx_error *err;
} dmx_reference_step;

typedef dmx_status dmx_reference_op(const dmx_reference_step *s);

/* One for each operation of the graph: dmx_reference_<name>. */
#define DMX_OPERATION(NAME, name, ...) dmx_reference_op dmx_reference_##name;
#include "graph/operations.def"
#undef DMX_OPERATION

/* Calls task(context, begin, end) for ranges that cover [0, total), on several
 * threads. Ranges do not depend on the number of threads. */
void dmx_reference_ranges(int threads, int64_t total,
                          void (*task)(const void *context, int64_t begin,
                                       int64_t end),
                          const void *context);

/* A tensor's elements in float64, malloc'd; for NULL, `count` zeros. NULL with
 * err filled when out of memory. */
double *dmx_reference_widen(const dmx_tensor *t, size_t count, dmx_error *err);

/* A value seen as [outer][channels][inner]: a signal is [1][C][F T], a token
 * list [L][D][1]. */
typedef struct dmx_channels {
    int64_t outer, channels, inner;
} dmx_channels;
dmx_channels dmx_reference_channels(const dmx_shape *shape);

#endif
