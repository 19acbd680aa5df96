/* AVX-512: 32 registers, 24 of them sums. */
#if defined(__AVX512F__)
#define LANES    16
#define MR       8
#define VECS     3
#define TABLE    dmx_kernels_avx512
#define ISA_NAME "avx512"
#include "engine/kernels/kernels_body.h"
#else
typedef int dmx_kernels_avx512_are_for_another_processor;
#endif
