/* Infers the types of values, whose dimensions may be free, from the nodes that
 * produce them.
 *
 * Every value of such a model is declared with its type: runtimes lose track of
 * a free dimension at the first convolution or Reshape, and then can tell
 * neither that two buffers have equal size nor that two tensors have the same
 * layout. Nothing is guessed: names of dimensions are rules (onnx/extent.h),
 * propagated from operator to operator. */
#ifndef DMX_ONNX_EMIT_SHAPE_H
#define DMX_ONNX_EMIT_SHAPE_H

#include "onnx/extent.h"

/* The model's input and output, float32. */
void dmx_emitter_declare(dmx_emitter *e, Onnx__ValueInfoProto **which,
                         const char *name, const dmx_extent *dim, size_t rank);

/* Makes the input's samples or batch free, before any node. */
void dmx_emitter_free(dmx_emitter *e, bool batch);

/* Infers the result type of every node emitted so far; does nothing where all
 * dimensions are numbers. An operator without a rule is an error. */
void dmx_emitter_infer(dmx_emitter *e);

/* Sets the dimensions of the last emitted node, where they depend on computed
 * operands; its element type is its first input's, or int64. Returns its name.
 */
dmx_name dmx_emitter_shaped(dmx_emitter *e, const dmx_extent *dim, size_t rank);

/* Names dimension `axis` of x apart (dmx_extent_apart), where it is free; and
 * gives the node emitted last all dimensions of another value. Both return the
 * value. */
dmx_name dmx_emitter_apart(dmx_emitter *e, dmx_name x, int axis, int64_t tag);
dmx_name dmx_emitter_like(dmx_emitter *e, dmx_name other);

/* All values between input and output, NULL and 0 where nothing is free. */
Onnx__ValueInfoProto **dmx_emitter_values(dmx_emitter *e, size_t *count);

#endif
