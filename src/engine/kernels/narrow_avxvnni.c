/* AVX2 with AVX-VNNI: 12 of 16 registers are sums. */
#if defined(__AVX2__) && !defined(DMX_NO_AVX_VNNI)
#define LANES    8
#define MR       6
#define VECS     2
#define DOT      DOT_VNNI
#define TABLE    dmx_narrow_avxvnni
#define ISA_NAME "avxvnni"
#define BASE     "avx2"
#define PAYS_16  true
#define PAYS_8   true
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_avxvnni_is_for_another_processor;
#endif
