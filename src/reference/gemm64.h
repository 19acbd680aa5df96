/* Matrix products in float64: C = A B, where A is a weight matrix packed once
 * and B is gathered by the caller a few columns at a time, so that neither an
 * im2col matrix nor a transpose ever exists as a whole.
 *
 * Every element of C is one sum in rising order of the inner index, whichever
 * thread computes it: results do not depend on the number of threads. */
#ifndef DMX_REFERENCE_GEMM64_H
#define DMX_REFERENCE_GEMM64_H

#include "base/error.h"

#include <stdbool.h>

#define DMX_GEMM64_COLUMNS 24 /* the widest kernel */

/* The innermost loop for one instruction set: c += a b for a tile of `rows`
 * times `columns` elements, where a is [depth][rows], b is [depth][columns]
 * and c is [rows][columns]; without `accumulate`, c is overwritten. */
typedef struct dmx_gemm64_kernel {
    const char *name;
    size_t rows, columns;
    void (*multiply)(double *c, const double *a, const double *b, size_t depth,
                     bool accumulate);
} dmx_gemm64_kernel;

/* Kernels that this processor supports, best first; NULL past the end. */
const dmx_gemm64_kernel *dmx_gemm64_kernel_at(size_t index);

/* A [rows][depth] in strips of kernel->rows rows, the last one padded with
 * zeros: element (r, k) lies at data[(r / R * depth + k) * R + r % R]. */
typedef struct dmx_gemm64_packed {
    const dmx_gemm64_kernel *kernel;
    size_t rows, depth;
    double *data;
} dmx_gemm64_packed;

/* Packs A, whose element (r, k) is a[r * row_stride + k * depth_stride]. Free
 * with dmx_gemm64_packed_free, even after an error. */
DMX_MUST_CHECK dmx_status dmx_gemm64_pack(dmx_gemm64_packed *out,
                                          const dmx_gemm64_kernel *kernel,
                                          const double *a, size_t rows,
                                          size_t depth, size_t row_stride,
                                          size_t depth_stride, dmx_error *err);
void dmx_gemm64_packed_free(dmx_gemm64_packed *a);

/* Rows of c that dmx_gemm64_strip writes: a->rows, rounded up. */
size_t dmx_gemm64_padded_rows(const dmx_gemm64_packed *a);

/* One strip of kernel->columns columns: c [padded rows][columns] becomes or
 * gains A[:, k0:k1] b, where b is [k1 - k0][columns]. */
void dmx_gemm64_strip(double *c, const dmx_gemm64_packed *a, const double *b,
                      size_t k0, size_t k1, bool accumulate);

/* The product of A and a matrix with `columns` columns. The callbacks run on
 * several threads at once, each for separate columns:
 *   gather  writes B[k0:k1, first:first+count] to b, [k1 - k0][stride];
 *   store   receives C[:, first:first+count] as c, [rows][stride]. */
typedef struct dmx_gemm64_product {
    const dmx_gemm64_packed *a;
    size_t columns;
    void *context;
    void (*gather)(const void *context, double *b, size_t stride, size_t k0,
                   size_t k1, size_t first, size_t count);
    void (*store)(void *context, const double *c, size_t stride, size_t first,
                  size_t count);
    int threads;
} dmx_gemm64_product;

DMX_MUST_CHECK dmx_status dmx_gemm64_run(const dmx_gemm64_product *product,
                                         dmx_error *err);

#endif
