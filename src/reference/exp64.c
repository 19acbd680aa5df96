/* exp(x) = 2^k exp(r) with k = round(x / ln 2) and |r| <= ln(2) / 2, where
 * thirteen terms of the series leave 4e-18. Branch-free, so that the compiler
 * can vectorize the loop for any processor. */
#include "reference/exp64.h"

#include <stdint.h>
#include <string.h>

static inline __attribute__((always_inline)) double exponential(double x)
{
    /* The top 32 bits of ln 2, so that k times it is exact, and the rest. */
    const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    /* Adding this rounds to an integer, which ends up in the lowest bits. */
    const double rounder = 0x1.8p52;
    x = x < -708.0 ? -708.0 : x;
    x = x > 709.0 ? 709.0 : x;
    const double shifted = x * 1.4426950408889634074 + rounder;
    const double k = shifted - rounder;
    const double r = x - k * ln2_high - k * ln2_low;
    double p = 1.0 / 6227020800.0; /* 1/13! */
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    uint64_t bits;
    double power;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void exp_avx512(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = exponential(x[i]);
}

__attribute__((target("avx2,fma"))) static void exp_avx2(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = exponential(x[i]);
}
#endif

void dmx_exp64(double *x, size_t count)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) {
        exp_avx512(x, count);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        exp_avx2(x, count);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++)
        x[i] = exponential(x[i]);
}
