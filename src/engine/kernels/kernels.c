#include "engine/kernels/kernels.h"

#include <stddef.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const dmx_kernels *const tables[] = {
#if defined(__x86_64__)
    &dmx_kernels_avx512,
    &dmx_kernels_avx2,
#elif defined(__aarch64__)
    &dmx_kernels_neon,
#elif defined(__wasm_simd128__)
    &dmx_kernels_wasm, /* the only table, to keep the downloaded module small */
#endif
#if !defined(__wasm_simd128__)
    &dmx_kernels_portable,
#endif
};
#define N_TABLE (sizeof tables / sizeof tables[0])

#if defined(__x86_64__)
/* CPUID leaf 1, ECX bit 29; __builtin_cpu_supports of older clang versions does
 * not support its name. */
static bool has_f16c(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx >> 29 & 1) != 0;
}
#endif

static bool usable(const dmx_kernels *k)
{
#if defined(__x86_64__)
    if (k == &dmx_kernels_avx512)
        return __builtin_cpu_supports("avx512f") != 0 &&
               __builtin_cpu_supports("avx512vl") != 0 &&
               __builtin_cpu_supports("avx512dq") != 0 &&
               __builtin_cpu_supports("avx512bw") != 0;
    if (k == &dmx_kernels_avx2)
        return __builtin_cpu_supports("avx2") != 0 &&
               __builtin_cpu_supports("fma") != 0 && has_f16c();
#else
    (void)k;
#endif
    return true;
}

const dmx_kernels *dmx_kernels_find(const char *name)
{
    for (size_t i = 0; i < N_TABLE; i++)
        if (usable(tables[i]) &&
            (name == NULL || strcmp(name, tables[i]->name) == 0))
            return tables[i];
    return NULL;
}

const char *dmx_kernels_name(int index)
{
    for (size_t i = 0; i < N_TABLE; i++)
        if (usable(tables[i]) && index-- == 0)
            return tables[i]->name;
    return NULL;
}
