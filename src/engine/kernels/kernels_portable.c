/* Four lanes, compiled for the compiler's baseline processor. */
#define LANES    4
#define MR       4
#define VECS     2
#define TABLE    dmx_kernels_portable
#define ISA_NAME "portable"
#include "engine/kernels/kernels_body.h"
