/* AVX-512 without VNNI: VPMADDWD, VPMADDUBSW. */
#if defined(__AVX512F__)
#define LANES    16
#define MR       8
#define VECS     3
#define DOT      DOT_MADD
#define TABLE    dmx_narrow_avx512
#define ISA_NAME "avx512"
#define BASE     "avx512"
#define PAYS_16  true
#define PAYS_8   true
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_avx512_is_for_another_processor;
#endif
