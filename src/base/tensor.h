/* A named constant: a strided view into memory that somebody else owns. */
#ifndef DMX_BASE_TENSOR_H
#define DMX_BASE_TENSOR_H

#include "base/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DMX_TENSOR_RANK 8

typedef enum dmx_dtype {
    DMX_F16,
    DMX_BF16,
    DMX_F32,
    DMX_F64,
    DMX_I64,
} dmx_dtype;

/* Element [i0][i1]... lies at data + itemsize * sum(i_k * stride[k]). data may
 * be unaligned (files are): read it only through the functions below. Whoever
 * makes a tensor has checked that every element lies in memory and that the
 * element count fits in size_t. */
typedef struct dmx_tensor {
    const char *name; /* state-dict key, for example "encoder.0.conv.weight" */
    const void *data; /* first element, storage offset included; or NULL: */
    const dmx_source *source; /* who has it, where data is NULL */
    size_t offset;            /* of the first element there */
    dmx_dtype dtype;
    int rank;
    int64_t dim[DMX_TENSOR_RANK];
    int64_t stride[DMX_TENSOR_RANK]; /* in elements, never negative */
} dmx_tensor;

size_t dmx_dtype_size(dmx_dtype dtype);
const char *dmx_dtype_name(dmx_dtype dtype); /* "float16", ... */

size_t dmx_tensor_count(const dmx_tensor *t);
bool dmx_tensor_contiguous(const dmx_tensor *t);
/* True when the shape is exactly dim[0..rank). */
bool dmx_tensor_is(const dmx_tensor *t, int rank, const int64_t *dim);
/* "(48, 4, 8, 1)" into text; returns text. */
char *dmx_tensor_shape_text(const dmx_tensor *t, char *text, size_t size);

/* The view [start, start + length) of an axis; the caller checks the range. */
dmx_tensor dmx_tensor_slice(const dmx_tensor *t, int axis, int64_t start,
                            int64_t length);

/* All elements in row-major order. To float32, float64 rounds to nearest even
 * and everything else but int64 is exact; to float64 all is exact but int64
 * beyond 2^53. */
void dmx_tensor_to_f32(float *out, const dmx_tensor *t);
void dmx_tensor_to_f64(double *out, const dmx_tensor *t);

/* The same without a change of type: their bytes, without gaps. */
void dmx_tensor_copy(void *out, const dmx_tensor *t);

/* dmx_tensor_to_f32 for tensors that may have to be read first; the functions
 * above take those in memory only. */
DMX_MUST_CHECK dmx_status dmx_tensor_read_f32(float *out, const dmx_tensor *t,
                                              dmx_error *err);
/* The tensor in memory: itself where it is, else what was read of it, which is
 * *bytes; release with free. */
DMX_MUST_CHECK dmx_status dmx_tensor_fetch(dmx_tensor *out, void **bytes,
                                           const dmx_tensor *t, dmx_error *err);

/* IEEE 754 half and bfloat16; from float rounds to nearest even. */
float dmx_f16_to_f32(uint16_t bits);
uint16_t dmx_f32_to_f16(float value);
float dmx_bf16_to_f32(uint16_t bits);

#endif
