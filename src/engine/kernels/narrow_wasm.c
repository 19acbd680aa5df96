/* WebAssembly, in the same two variants as the float32 table. */
#if defined(__wasm_simd128__)
#define LANES 4
#define MR    4
#define VECS  2
#define DOT   DOT_WASM
#define TABLE dmx_narrow_wasm
#if defined(__wasm_relaxed_simd__)
#define ISA_NAME "wasm-relaxed-simd"
#define BASE     "wasm-relaxed-simd"
#else
#define ISA_NAME "wasm-simd128"
#define BASE     "wasm-simd128"
#endif
#define PAYS_16 true
#define PAYS_8  true
#include "engine/kernels/narrow_body.h"
#else
typedef int dmx_narrow_wasm_is_for_another_target;
#endif
