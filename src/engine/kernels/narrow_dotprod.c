/* NEON with SDOT. */
#if defined(__ARM_FEATURE_DOTPROD)
#define LANES    4
#define MR       8
#define VECS     3
#define DOT      DOT_NEON
#define TABLE    dmx_narrow_dotprod
#define ISA_NAME "dotprod"
#define BASE     "neon"
#define PAYS_16  false
#define PAYS_8   true
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_dotprod_is_for_another_processor;
#endif
