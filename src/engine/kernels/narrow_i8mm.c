/* NEON with SMMLA. */
#if defined(__ARM_FEATURE_MATMUL_INT8)
#define LANES    4
#define MR       8
#define VECS     3
#define DOT      DOT_I8MM
#define TABLE    dmx_narrow_i8mm
#define ISA_NAME "i8mm"
#define BASE     "neon"
#define PAYS_16  false
#define PAYS_8   true
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_i8mm_is_for_another_processor;
#endif
