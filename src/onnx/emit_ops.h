/* ONNX operators as one-line calls, attributes and shape inputs included:
 * every shape is known. */
#ifndef DMX_ONNX_EMIT_OPS_H
#define DMX_ONNX_EMIT_OPS_H

#include "graph/graph.h"
#include "onnx/emitter.h"

#define DMX_DIMS(...)                                                          \
    (const int64_t[]){__VA_ARGS__},                                            \
        sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

dmx_name dmx_emit_reshape(dmx_emitter *e, dmx_name x, const int64_t *dim,
                          size_t rank);
dmx_name dmx_emit_expand(dmx_emitter *e, dmx_name x, const int64_t *dim,
                         size_t rank);
dmx_name dmx_emit_transpose(dmx_emitter *e, dmx_name x, const int64_t *order,
                            size_t rank);
dmx_name dmx_emit_slice(dmx_emitter *e, dmx_name x, int64_t axis, int64_t start,
                        int64_t end);
dmx_name dmx_emit_concat(dmx_emitter *e, const dmx_name *x, size_t count,
                         int64_t axis);
/* Zeros, or with `reflect` the mirrored signal, along one axis. */
dmx_name dmx_emit_pad(dmx_emitter *e, dmx_name x, size_t rank, int64_t axis,
                      int64_t before, int64_t after, bool reflect);
/* ReduceMean, ReduceSum or ReduceSumSquare over one axis, which stays with
 * length 1. */
dmx_name dmx_emit_reduce(dmx_emitter *e, const char *operator_name, dmx_name x,
                         int64_t axis);
dmx_name dmx_emit_add_scalar(dmx_emitter *e, dmx_name x, double value);
dmx_name dmx_emit_mul_scalar(dmx_emitter *e, dmx_name x, double value);
dmx_name dmx_emit_gelu(dmx_emitter *e, dmx_name x);
dmx_name dmx_emit_cast_f32(dmx_emitter *e, dmx_name x);

/* A kernel of 1x1. */
dmx_conv_geometry dmx_conv_point(void);
/* bias may be NULL. */
dmx_name dmx_emit_conv(dmx_emitter *e, const char *operator_name, dmx_name x,
                       dmx_name weight, dmx_name bias,
                       const dmx_conv_geometry *w);

#endif
