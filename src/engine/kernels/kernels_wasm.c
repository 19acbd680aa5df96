/* WebAssembly's 128-bit vectors. The JavaScript engine maps them to registers:
 * 16 on x86-64, 32 on ARM; the tile is sized for 16. */
#if defined(__wasm_simd128__)
#define LANES 4
#define MR    4
#define VECS  2
#define TABLE dmx_kernels_wasm
#if defined(__wasm_relaxed_simd__)
#define ISA_NAME "wasm-relaxed-simd"
#else
#define ISA_NAME "wasm-simd128"
#endif
#include "engine/kernels/kernels_body.h"
#else
typedef int dmx_kernels_wasm_are_for_another_target;
#endif
