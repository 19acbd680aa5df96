/* One float vector of LANES lanes through the compiler's vector extensions.
 * Included once per instruction set, with LANES defined; the compiler flags of
 * that file choose the instructions. Intrinsics are used only where the
 * extensions compile poorly. */
#ifndef LANES
#error "define LANES before including vector.h"
#endif

#include "engine/kernels/coefficients.h"

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES), may_alias));
typedef int32_t veci __attribute__((vector_size(4 * LANES), may_alias));
/* The same type in memory, with the alignment of a float. */
typedef float vec_mem
    __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE vec v_load(const float *p)
{
    return *(const vec_mem *)p;
}

INLINE void v_store(float *p, vec x)
{
    *(vec_mem *)p = x;
}

INLINE vec v_set(float x)
{
    return x - (vec){0};
}

/* a b + c, fused where the processor supports it. Compilers contract the
 * expression by themselves; WebAssembly needs an intrinsic. */
INLINE vec v_fma(vec a, vec b, vec c)
{
#if defined(__wasm_relaxed_simd__)
    return (vec)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
    return a * b + c;
#endif
}

/* The greater one; y where either is NaN. */
INLINE vec v_max(vec x, vec y)
{
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)x, (__m512)y);
#elif defined(__AVX2__)
    return (vec)_mm256_max_ps((__m256)x, (__m256)y);
#elif defined(__wasm_simd128__)
    return (vec)wasm_f32x4_pmax((v128_t)y, (v128_t)x);
#else
    const veci more = x > y;
    return (vec)(((veci)x & more) | ((veci)y & ~more));
#endif
}

/* The smaller one; y where either is NaN. */
INLINE vec v_min(vec x, vec y)
{
#if defined(__AVX512F__)
    return (vec)_mm512_min_ps((__m512)x, (__m512)y);
#elif defined(__AVX2__)
    return (vec)_mm256_min_ps((__m256)x, (__m256)y);
#elif defined(__wasm_simd128__)
    return (vec)wasm_f32x4_pmin((v128_t)y, (v128_t)x);
#else
    const veci less = x < y;
    return (vec)(((veci)x & less) | ((veci)y & ~less));
#endif
}

/* c[0] + c[1] x + ... of `count` coefficients, a constant. */
INLINE vec v_polynomial(const float *c, const int count, vec x)
{
    vec sum = v_set(c[count - 1]);
#pragma GCC unroll 8
    for (int i = count - 2; i >= 0; i--)
        sum = v_fma(sum, x, v_set(c[i]));
    return sum;
}

#define COUNT_OF(list) ((int)(sizeof(list) / sizeof(list)[0]))

/* 2^f on [-1/2, 1/2], and exactly 1 at 0. */
INLINE vec v_exp2_polynomial(vec f)
{
    static const float c[] = DMX_EXP2_WIDE;
    return v_fma(v_polynomial(c, COUNT_OF(c), f), f, v_set(1.0f));
}

/* 2^x for x <= 127, relative error <= 2e-7; x below -125 counts as -125. Adding
 * 1.5 * 2^23 rounds x to an integer n, whose bits are then the lowest of the
 * sum; shifted up, they form the exponent. */
INLINE vec v_exp2_below(vec x)
{
    x = v_max(v_set(-125.0f), x);
    const vec shifted = x + v_set(12582912.0f);
    const vec f = x - (shifted - v_set(12582912.0f));
    const vec p = v_exp2_polynomial(f);
    return (vec)((veci)p + ((veci)shifted << 23));
}

/* The same for any x; above 127 counts as 127. */
INLINE vec v_exp2(vec x)
{
    return v_exp2_below(v_min(v_set(127.0f), x));
}

#if defined(__AVX512F__)
static const float exp2_parts[32] __attribute__((aligned(64))) = DMX_EXP2_PARTS;
#endif

/* The same for any x, with the whole range of float32 where an instruction
 * scales by 2^n. There x = n / 32 + f with |f| <= 1/64: the lowest bits of n
 * select a power from a table, which leaves fewer multiplications. */
INLINE vec v_exp2_any(vec x)
{
#if defined(__AVX512F__)
    const vec shift = v_set(393216.0f); /* 1.5 * 2^23 / 32 */
    const vec shifted = x + shift;
    const vec n = shifted - shift;
    const vec f = x - n;
    const vec part = (vec)_mm512_permutex2var_ps(
        _mm512_load_ps(exp2_parts), (__m512i)shifted,
        _mm512_load_ps(exp2_parts + LANES));
    static const float c[] = DMX_EXP2_NARROW;
    const vec p = v_polynomial(c, COUNT_OF(c), f);
    return (vec)_mm512_scalef_ps((__m512)(part * f * p + part), (__m512)n);
#else
    return v_exp2(x);
#endif
}

/* 1 / (1 + e^-x), absolute error <= 1.2e-7. */
INLINE vec v_sigmoid(vec x)
{
    return v_set(1.0f) / (v_set(1.0f) + v_exp2_any(x * v_set(-1.44269504f)));
}

/* tanh(x) = e / (e + 2) with e = e^2x - 1, absolute error <= 2.4e-7, and
 * relative where x is small: with 2x / ln 2 = n + f, e is 2^n (2^f - 1) +
 * (2^n - 1), both exact to rounding. */
INLINE vec v_tanh(vec x)
{
    static const float c[] = DMX_EXP2_WIDE;
    x = v_min(v_set(10.0f), v_max(v_set(-10.0f), x)) * v_set(2.88539008f);
    const vec shifted = x + v_set(12582912.0f);
    const vec f = x - (shifted - v_set(12582912.0f));
    const vec one = v_set(1.0f);
    const vec power = (vec)((veci)one + ((veci)shifted << 23));
    const vec e = power * (v_polynomial(c, COUNT_OF(c), f) * f) + (power - one);
    return e / (e + v_set(2.0f));
}

/* erf(x), absolute error <= 3.2e-7 (4.3e-7 without fused multiply-add): an odd
 * rational function up to the ends of the interval, where 1 - erf is below one
 * unit in the last place. */
INLINE vec v_erf(vec x)
{
    static const float top[] = DMX_ERF_TOP, bottom[] = DMX_ERF_BOTTOM;
    x = v_min(v_set(DMX_ERF_END), v_max(v_set(-DMX_ERF_END), x));
    const vec s = x * x;
    return x * v_polynomial(top, COUNT_OF(top), s) /
           v_polynomial(bottom, COUNT_OF(bottom), s);
}

/* x/2 (1 + erf(x / sqrt 2)) */
INLINE vec v_gelu(vec x)
{
    const vec half = x * v_set(0.5f);
    return v_fma(half, v_erf(x * v_set(0.70710678f)), half);
}

INLINE float v_sum(vec x)
{
    float lane[LANES], sum = 0.0f;
    v_store(lane, x);
    for (int i = 0; i < LANES; i++)
        sum += lane[i];
    return sum;
}

INLINE double v_sum_double(vec x)
{
    float lane[LANES];
    double sum = 0.0;
    v_store(lane, x);
    for (int i = 0; i < LANES; i++)
        sum += (double)lane[i];
    return sum;
}

/* Lanes taken from a (0 .. LANES-1) and b (LANES .. 2 LANES - 1). GCC has the
 * first form since 12, clang has no other. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif
#endif
#ifndef SHUFFLE
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (veci){__VA_ARGS__})
#endif
#if LANES == 16
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_LANES  1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW_PAIRS  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_PAIRS 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LANES == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_LANES  1, 3, 5, 7, 9, 11, 13, 15
#define LOW_PAIRS  0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_PAIRS 4, 12, 5, 13, 6, 14, 7, 15
#else
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES  1, 3, 5, 7
#define LOW_PAIRS  0, 4, 1, 5
#define HIGH_PAIRS 2, 6, 3, 7
#endif

/* a b c d in memory order -> the even and the odd elements. */
INLINE void v_unzip(vec a, vec b, vec *even, vec *odd)
{
    *even = SHUFFLE(a, b, EVEN_LANES);
    *odd = SHUFFLE(a, b, ODD_LANES);
}

/* The inverse: a0 b0 a1 b1 ... */
INLINE void v_zip(vec a, vec b, vec *low, vec *high)
{
    *low = SHUFFLE(a, b, LOW_PAIRS);
    *high = SHUFFLE(a, b, HIGH_PAIRS);
}

/* m, as memory, is a matrix of `count` rows of LANES columns; after
 * log2(count) perfect shuffles it is its transpose. count: a power of two. */
INLINE void v_transpose(vec *m, const int count)
{
    vec t[LANES];
#pragma GCC unroll 4
    for (int round = 1; round < count; round *= 2) {
#pragma GCC unroll 16
        for (int i = 0; i < count / 2; i++)
            v_zip(m[i], m[i + count / 2], &t[2 * i], &t[2 * i + 1]);
#pragma GCC unroll 16
        for (int i = 0; i < count; i++)
            m[i] = t[i];
    }
}

/* Every fourth element of 4 LANES floats at p, by phase, and back. */
INLINE void v_load_phases(vec phase[4], const float *p)
{
    vec e0, o0, e1, o1;
    v_unzip(v_load(p), v_load(p + LANES), &e0, &o0);
    v_unzip(v_load(p + 2 * LANES), v_load(p + 3 * LANES), &e1, &o1);
    v_unzip(e0, e1, &phase[0], &phase[2]);
    v_unzip(o0, o1, &phase[1], &phase[3]);
}

INLINE void v_interleave_4(vec out[4], const vec phase[4])
{
    vec a0, a1, b0, b1;
    v_zip(phase[0], phase[2], &a0, &a1);
    v_zip(phase[1], phase[3], &b0, &b1);
    v_zip(a0, b0, &out[0], &out[1]);
    v_zip(a1, b1, &out[2], &out[3]);
}

INLINE void v_store_phases(float *p, const vec phase[4])
{
    vec out[4];
    v_interleave_4(out, phase);
    for (int i = 0; i < 4; i++)
        v_store(p + i * LANES, out[i]);
}
