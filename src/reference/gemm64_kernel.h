/* The body of a gemm64 kernel. A file that includes it defines
 *   KERNEL_NAME, KERNEL_TARGET (a function attribute, or empty),
 *   LANES (doubles in a vector), VECTORS (across), ROWS (down)
 * such that ROWS * VECTORS sums, VECTORS loads and one factor fit in the
 * registers. There is no include guard. */
#include "reference/gemm64_kernels.h"

typedef double vector
    __attribute__((vector_size(LANES * 8), aligned(8), may_alias));

KERNEL_TARGET void KERNEL_NAME(double *c, const double *a, const double *b,
                               size_t depth, bool accumulate)
{
    vector sum[ROWS][VECTORS];
    vector *out = (vector *)c;
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++)
            sum[r][v] = accumulate ? out[r * VECTORS + v] : (vector){0};
    for (size_t k = 0; k < depth; k++, a += ROWS) {
        const vector *row = (const vector *)b + k * VECTORS;
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
            for (int v = 0; v < VECTORS; v++)
                sum[r][v] += a[r] * row[v];
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++)
            out[r * VECTORS + v] = sum[r][v];
}
