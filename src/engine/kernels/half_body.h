/* float16 weights, widened one block at a time when used. */
#include "base/tensor.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__wasm_simd128__)
/* Widens four halves, zero-extended. The bits are shifted up, and a
 * multiplication corrects the exponent, also of subnormal numbers; the
 * exponents of infinity and NaN are set to all ones. */
INLINE v128_t widen_4(v128_t h)
{
    const v128_t sign =
        wasm_i32x4_shl(wasm_v128_and(h, wasm_i32x4_const_splat(0x8000)), 16);
    const v128_t size =
        wasm_i32x4_shl(wasm_v128_and(h, wasm_i32x4_const_splat(0x7fff)), 13);
    const v128_t special =
        wasm_v128_and(wasm_i32x4_ge(size, wasm_i32x4_const_splat(0xf800000)),
                      wasm_i32x4_const_splat(0x7f800000));
    const v128_t x = wasm_f32x4_mul(size, wasm_f32x4_const_splat(0x1p112f));
    return wasm_v128_or(x, wasm_v128_or(sign, special));
}
#endif

static void widen_half(float *out, const uint16_t *half, int64_t n)
{
    int64_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16) {
        const __m256i h = _mm256_loadu_si256((const __m256i *)(half + i));
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(h));
    }
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8) {
        const __m128i h = _mm_loadu_si128((const __m128i *)(half + i));
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(h));
    }
#elif defined(__aarch64__)
    for (; i + 4 <= n; i += 4) {
        const float16x4_t h = vreinterpret_f16_u16(vld1_u16(half + i));
        vst1q_f32(out + i, vcvt_f32_f16(h));
    }
#elif defined(__wasm_simd128__)
    for (; i + 4 <= n; i += 4)
        wasm_v128_store(out + i, widen_4(wasm_u32x4_load16x4(half + i)));
#endif
    for (; i < n; i++)
        out[i] = dmx_f16_to_f32(half[i]);
}
