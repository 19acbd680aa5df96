/* Whatever the compiler makes of four lanes on its baseline processor. */
#define LANES    4
#define MR       4
#define VECS     2
#define TABLE    dmx_kernels_portable
#define ISA_NAME "portable"
#include "engine/kernels/kernels_body.h"
