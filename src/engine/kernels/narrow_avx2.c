/* Plain AVX2: VPMADDWD, VPMADDUBSW. */
#if defined(__AVX2__)
#define LANES    8
#define MR       6
#define VECS     2
#define DOT      DOT_MADD
#define TABLE    dmx_narrow_avx2
#define ISA_NAME "avx2"
#define BASE     "avx2"
#define PAYS_16  true
#define PAYS_8   true
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_avx2_is_for_another_processor;
#endif
