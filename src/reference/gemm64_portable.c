/* Two lanes: SSE2, NEON, or whatever the compiler targets. */
#define KERNEL_NAME   dmx_gemm64_multiply_portable
#define KERNEL_TARGET /* the compiler's default */
#define LANES         2
#define VECTORS       2
#define ROWS          4
#include "reference/gemm64_kernel.h"
