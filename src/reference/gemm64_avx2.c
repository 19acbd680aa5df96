#if defined(__x86_64__)
#define KERNEL_NAME   dmx_gemm64_multiply_avx2
#define KERNEL_TARGET __attribute__((target("avx2,fma")))
#define LANES         4
#define VECTORS       3
#define ROWS          4
#include "reference/gemm64_kernel.h"
#else
typedef int dmx_not_an_x86;
#endif
