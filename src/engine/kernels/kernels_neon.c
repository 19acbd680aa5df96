/* NEON of aarch64: 32 registers, 24 of them sums. */
#if defined(__aarch64__)
#define LANES    4
#define MR       8
#define VECS     3
#define TABLE    dmx_kernels_neon
#define ISA_NAME "neon"
#include "engine/kernels/kernels_body.h"
#else
typedef int dmx_kernels_neon_are_for_another_processor;
#endif
