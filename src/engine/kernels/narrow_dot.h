/* The two instructions that narrow products are built from, per instruction
 * set, and their constraints on operands. DOT chooses:
 *   DOT_VNNI    AVX512-VNNI or AVX-VNNI. Inline assembly: with intrinsics gcc
 *               12 copies the sums and runs at half the speed
 *   DOT_MADD    plain AVX2 or AVX-512
 *   DOT_NEON    SDOT for int8 (int16 has no instruction that gains)
 *   DOT_I8MM    the same with SMMLA, which multiplies small matrices
 *   DOT_WASM    WebAssembly; int8 by the relaxed instruction, on data of 7
 *               bits, or else widened to int16
 *   DOT_PLAIN   any compiler
 * dot_16: sum += x0 w0 + x1 w1 over pairs of int16; dot_8: over four int8, x
 * unsigned up to MOST_DATA (but signed for SDOT: DATA_BIAS is subtracted from
 * what is stored) and w signed, up to MOST_WEIGHT. */
#define DOT_VNNI  1
#define DOT_MADD  2
#define DOT_NEON  3
#define DOT_I8MM  4
#define DOT_PLAIN 5
#define DOT_WASM  6

/* VPMADDUBSW adds two products in int16: 2 * 255 * 64 is the most that fits.
 */
#define MOST_WEIGHT (DOT == DOT_MADD ? 64 : 127)
#define DATA_BIAS   (DOT == DOT_NEON || DOT == DOT_I8MM ? 128 : 0)
/* The largest number of int8 data: relaxed SIMD promises nothing about the
 * eighth bit of that operand. */
#if DOT == DOT_WASM && defined(__wasm_relaxed_simd__)
#define MOST_DATA 127
#else
#define MOST_DATA 255
#endif

#if DOT == DOT_NEON || DOT == DOT_I8MM
#include <arm_neon.h>
#endif

typedef uint32_t vecu __attribute__((vector_size(4 * LANES), may_alias));

/* Wraps around: where a scale is NaN, q may be anything. */
INLINE veci v_wrapping_sum(veci a, veci b)
{
    return (veci)((vecu)a + (vecu)b);
}

INLINE veci v_wrapping_product(veci a, veci b)
{
    return (veci)((vecu)a * (vecu)b);
}

INLINE veci v_set_int(int32_t x)
{
    return x - (veci){0};
}

INLINE veci plain_dot_16(veci sum, veci x, veci w)
{
    const veci low = v_wrapping_product((veci)((vecu)x << 16) >> 16,
                                        (veci)((vecu)w << 16) >> 16);
    const veci high = v_wrapping_product(x >> 16, w >> 16);
    return v_wrapping_sum(sum, v_wrapping_sum(low, high));
}

INLINE veci plain_dot_8(veci sum, veci x, veci w)
{
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const veci q = (veci)((vecu)w << (24 - 8 * i)) >> 24;
        const veci p = (veci)((vecu)x << (24 - 8 * i) >> 24);
        sum = v_wrapping_sum(sum, v_wrapping_product(p, q));
    }
    return sum;
}

#if DOT == DOT_VNNI && LANES == 16
INLINE veci dot_16(veci sum, veci x, veci w)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

INLINE veci dot_8(veci sum, veci x, veci w)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}
#elif DOT == DOT_VNNI
/* The VEX form of 256 bits. */
INLINE veci dot_16(veci sum, veci x, veci w)
{
    __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
}

INLINE veci dot_8(veci sum, veci x, veci w)
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
}
#elif DOT == DOT_MADD && LANES == 16
INLINE veci dot_16(veci sum, veci x, veci w)
{
    return v_wrapping_sum(sum, (veci)_mm512_madd_epi16((__m512i)x, (__m512i)w));
}

INLINE veci dot_8(veci sum, veci x, veci w)
{
    const __m512i pairs = _mm512_maddubs_epi16((__m512i)x, (__m512i)w);
    return v_wrapping_sum(sum,
                          (veci)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}
#elif DOT == DOT_MADD
INLINE veci dot_16(veci sum, veci x, veci w)
{
    return v_wrapping_sum(sum, (veci)_mm256_madd_epi16((__m256i)x, (__m256i)w));
}

INLINE veci dot_8(veci sum, veci x, veci w)
{
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)x, (__m256i)w);
    return v_wrapping_sum(sum,
                          (veci)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#elif DOT == DOT_NEON || DOT == DOT_I8MM
INLINE veci dot_16(veci sum, veci x, veci w)
{
    return plain_dot_16(sum, x, w);
}

INLINE veci dot_8(veci sum, veci x, veci w)
{
    __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(x), "w"(w));
    return sum;
}
#elif DOT == DOT_WASM
INLINE veci dot_16(veci sum, veci x, veci w)
{
    return v_wrapping_sum(sum,
                          (veci)wasm_i32x4_dot_i16x8((v128_t)x, (v128_t)w));
}

#if defined(__wasm_relaxed_simd__)
INLINE veci dot_8(veci sum, veci x, veci w)
{
    return (veci)wasm_i32x4_relaxed_dot_i8x16_i7x16_add((v128_t)w, (v128_t)x,
                                                        (v128_t)sum);
}
#else
/* Bytes 0 and 2 of each word, then 1 and 3, as int16. */
INLINE veci dot_8(veci sum, veci x, veci w)
{
    const v128_t even = wasm_v128_and((v128_t)x, wasm_i16x8_splat(0xff));
    const v128_t odd = wasm_u16x8_shr((v128_t)x, 8);
    const v128_t low = wasm_i16x8_shr(wasm_i16x8_shl((v128_t)w, 8), 8);
    const v128_t high = wasm_i16x8_shr((v128_t)w, 8);
    sum = v_wrapping_sum(sum, (veci)wasm_i32x4_dot_i16x8(even, low));
    return v_wrapping_sum(sum, (veci)wasm_i32x4_dot_i16x8(odd, high));
}
#endif
#else
INLINE veci dot_16(veci sum, veci x, veci w)
{
    return plain_dot_16(sum, x, w);
}

INLINE veci dot_8(veci sum, veci x, veci w)
{
    return plain_dot_8(sum, x, w);
}
#endif

#if DOT == DOT_I8MM
/* sum [2][2] += w [2][8] times x [2][8] transposed, of int8. */
INLINE veci dot_square(veci sum, veci w, veci x)
{
    __asm__("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(x));
    return sum;
}

/* Words k and k + 1 of four rows: of the first two, and of the others. */
INLINE void pairs_of(veci pairs[2], veci word, veci next)
{
    pairs[0] = (veci)vzip1q_s32((int32x4_t)word, (int32x4_t)next);
    pairs[1] = (veci)vzip2q_s32((int32x4_t)word, (int32x4_t)next);
}

/* Adds squares of two rows and columns 0 and 1, 2 and 3. */
INLINE void add_rows(veci *row0, veci *row1, veci left, veci right)
{
    *row0 = v_wrapping_sum(*row0,
                           (veci)vzip1q_s64((int64x2_t)left, (int64x2_t)right));
    *row1 = v_wrapping_sum(*row1,
                           (veci)vzip2q_s64((int64x2_t)left, (int64x2_t)right));
}
#endif

INLINE veci v_dot(const dmx_number kind, veci sum, veci x, veci w)
{
    return kind == DMX_INT16 ? dot_16(sum, x, w) : dot_8(sum, x, w);
}
