/* AVX-512 with VNNI: 24 of 32 registers are sums. */
#if defined(__AVX512F__)
#define LANES    16
#define MR       8
#define VECS     3
#define DOT      DOT_VNNI
#define TABLE    dmx_narrow_avx512vnni
#define ISA_NAME "avx512vnni"
#define BASE     "avx512"
#define PAYS_16  true
#define PAYS_8   true
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_avx512vnni_is_for_another_processor;
#endif
