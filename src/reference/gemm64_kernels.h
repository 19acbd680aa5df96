/* The kernels of gemm64, one file each; see dmx_gemm64_kernel.multiply. */
#ifndef DMX_REFERENCE_GEMM64_KERNELS_H
#define DMX_REFERENCE_GEMM64_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

void dmx_gemm64_multiply_portable(double *c, const double *a, const double *b,
                                  size_t depth, bool accumulate);
#if defined(__x86_64__)
void dmx_gemm64_multiply_avx2(double *c, const double *a, const double *b,
                              size_t depth, bool accumulate);
void dmx_gemm64_multiply_avx512(double *c, const double *a, const double *b,
                                size_t depth, bool accumulate);
#endif

#endif
