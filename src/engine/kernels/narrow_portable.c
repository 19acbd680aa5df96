/* Portable C: for tests, not for speed. */
#define LANES    4
#define MR       4
#define VECS     2
#define DOT      DOT_PLAIN
#define TABLE    dmx_narrow_portable
#define ISA_NAME "portable"
#define BASE     "portable"
#define PAYS_16  false
#define PAYS_8   false
#include "engine/kernels/narrow_body.h"
