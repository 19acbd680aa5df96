/* AVX2 with FMA: 16 registers, 12 of them sums. */
#if defined(__AVX2__)
#define LANES    8
#define MR       6
#define VECS     2
#define TABLE    dmx_kernels_avx2
#define ISA_NAME "avx2"
#include "engine/kernels/kernels_body.h"
#else
typedef int dmx_kernels_avx2_are_for_another_processor;
#endif
