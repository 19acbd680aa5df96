/* Weights as constants: widened, rearranged and folded, in float64 where values
 * change, so that the bytes do not depend on the machine. */
#ifndef DMX_ONNX_EMIT_WEIGHTS_H
#define DMX_ONNX_EMIT_WEIGHTS_H

#include "onnx/emitter.h"

/* All elements of a tensor in row-major order; NULL after an error. Release
 * large ones with dmx_emitter_drop_buffer. */
float *dmx_weight_floats(dmx_emitter *e, const dmx_tensor *t);
double *dmx_weight_doubles(dmx_emitter *e, const dmx_tensor *t);

/* A weight already in its final order, in a buffer of the emitter. If the
 * emitter's format is not float32 and represents it exactly, it becomes a
 * constant in that format and a Cast. */
dmx_name dmx_weight_constant(dmx_emitter *e, const char *base, float *data,
                             const int64_t *dim, size_t rank);

/* A tensor with unchanged values, in the given shape. */
dmx_name dmx_weight_as_is(dmx_emitter *e, const dmx_tensor *t,
                          const int64_t *dim, size_t rank);

/* A vector times factor, in the given shape. */
dmx_name dmx_weight_vector(dmx_emitter *e, const dmx_tensor *t, double factor,
                           const int64_t *dim, size_t rank);

/* A bias times scale (or NULL) times factor. */
dmx_name dmx_weight_bias(dmx_emitter *e, const dmx_tensor *bias,
                         const dmx_tensor *scale, double factor);

/* weight [out][in] as [in][out] for MatMul, columns times scale[out] (or NULL)
 * times factor. */
dmx_name dmx_weight_linear(dmx_emitter *e, const dmx_tensor *weight,
                           const dmx_tensor *scale, double factor);

/* The same as [out][in][1][1] for a convolution, rows scaled. */
dmx_name dmx_weight_point(dmx_emitter *e, const dmx_tensor *weight,
                          const dmx_tensor *scale, double factor);

/* Rows [first, first + count) of a convolution weight [Co][Ci][kf][kt]. */
dmx_name dmx_weight_rows(dmx_emitter *e, const dmx_tensor *t, int64_t first,
                         int64_t count, const char *suffix,
                         const int64_t kernel[2]);

#endif
