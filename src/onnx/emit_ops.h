/* ONNX operators as one-line calls, attributes and shape inputs included.
 *
 * Dimensions, starts and ends may be free (onnx/extent.h). */
#ifndef DMX_ONNX_EMIT_OPS_H
#define DMX_ONNX_EMIT_OPS_H

#include "graph/graph.h"
#include "onnx/emit_extent.h"

#define DMX_DIMS(...)                                                          \
    (const dmx_extent[]){__VA_ARGS__},                                         \
        sizeof((const dmx_extent[]){__VA_ARGS__}) / sizeof(dmx_extent)

dmx_name dmx_emit_reshape(dmx_emitter *e, dmx_name x, const dmx_extent *dim,
                          size_t rank);
dmx_name dmx_emit_expand(dmx_emitter *e, dmx_name x, const dmx_extent *dim,
                         size_t rank);
dmx_name dmx_emit_transpose(dmx_emitter *e, dmx_name x, const int64_t *order,
                            size_t rank);
dmx_name dmx_emit_slice(dmx_emitter *e, dmx_name x, int64_t axis,
                        dmx_extent start, dmx_extent end);
/* The same where start is computed: `length` from there. */
dmx_name dmx_emit_slice_at(dmx_emitter *e, dmx_name x, int64_t axis,
                           dmx_name start, dmx_extent length);
dmx_name dmx_emit_concat(dmx_emitter *e, const dmx_name *x, size_t count,
                         int64_t axis);
/* How a signal is extended beyond its ends. */
typedef enum dmx_pad_mode {
    DMX_PAD_ZEROS,
    DMX_PAD_REFLECT, /* mirrored, the end samples not repeated */
    DMX_PAD_EDGE,    /* the end samples repeated */
} dmx_pad_mode;

/* More samples along one axis. */
dmx_name dmx_emit_pad(dmx_emitter *e, dmx_name x, size_t rank, int64_t axis,
                      int64_t before, int64_t after, dmx_pad_mode mode);
/* The same up to `length`, with computed amounts, int64 [1]. */
dmx_name dmx_emit_pad_names(dmx_emitter *e, dmx_name x, size_t rank,
                            int64_t axis, dmx_name before, dmx_name after,
                            dmx_extent length, dmx_pad_mode mode);
/* Appends zeros up to `length`. */
dmx_name dmx_emit_pad_to(dmx_emitter *e, dmx_name x, size_t rank, int64_t axis,
                         dmx_extent from, dmx_extent length);
/* ReduceMean, ReduceSum or ReduceSumSquare over one axis, which is kept with
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
