/* Plain NEON, on which integers are not faster than float32: for tests. */
#if defined(__aarch64__)
#define LANES    4
#define MR       8
#define VECS     3
#define DOT      DOT_PLAIN
#define TABLE    dmx_narrow_neon
#define ISA_NAME "neon"
#define BASE     "neon"
#define PAYS_16  false
#define PAYS_8   false
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_neon_is_for_another_processor;
#endif
