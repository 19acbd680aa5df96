/* Dimensions as operands of nodes: a number becomes a constant, a rule a few
 * integer nodes on the input's Shape, emitted once and shared. */
#ifndef DMX_ONNX_EMIT_EXTENT_H
#define DMX_ONNX_EMIT_EXTENT_H

#include "onnx/extent.h"

/* One int64 [1]. */
dmx_name dmx_extent_operand(dmx_emitter *e, dmx_extent x);
/* The same as float32. */
dmx_name dmx_extent_float(dmx_emitter *e, dmx_extent x);
/* max(0, to - from), int64 [1]. */
dmx_name dmx_extent_missing(dmx_emitter *e, dmx_extent to, dmx_extent from);
/* operator(a, b) of int64 [1], emitted once. */
dmx_name dmx_integer_op(dmx_emitter *e, const char *operator_name, dmx_name a,
                        dmx_name b);
/* The concatenation of `part`, each an int64 vector, emitted once. */
dmx_name dmx_integer_vector(dmx_emitter *e, const dmx_name *part, size_t count);
/* 0, 1, ... below x, int64 [x]; the same as float32 [x, 1]. */
dmx_name dmx_extent_count(dmx_emitter *e, dmx_extent x);
dmx_name dmx_extent_ramp(dmx_emitter *e, dmx_extent x);

#endif
