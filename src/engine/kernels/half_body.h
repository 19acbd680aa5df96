/* float16 weights, widened a block at a time while they are used. */
#include "base/tensor.h"

#if defined(__aarch64__)
#include <arm_neon.h>
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
#endif
    for (; i < n; i++)
        out[i] = dmx_f16_to_f32(half[i]);
}
