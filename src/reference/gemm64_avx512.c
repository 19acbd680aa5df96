#if defined(__x86_64__)
#define KERNEL_NAME   dmx_gemm64_multiply_avx512
#define KERNEL_TARGET __attribute__((target("avx512f")))
#define LANES         8
#define VECTORS       3
#define ROWS          8
#include "reference/gemm64_kernel.h"
#else
typedef int dmx_not_an_x86;
#endif
