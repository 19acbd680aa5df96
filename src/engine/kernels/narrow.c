#include "engine/kernels/narrow.h"
#include "engine/kernels/kernels.h"

#include <stddef.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
extern const dmx_narrow_kernels dmx_narrow_avx512vnni, dmx_narrow_avx512,
    dmx_narrow_avx2;
#if !defined(DMX_NO_AVX_VNNI)
extern const dmx_narrow_kernels dmx_narrow_avxvnni;
#endif
#elif defined(__aarch64__)
extern const dmx_narrow_kernels dmx_narrow_i8mm, dmx_narrow_dotprod,
    dmx_narrow_neon;
#endif
#if defined(__wasm_simd128__)
extern const dmx_narrow_kernels dmx_narrow_wasm;
#else
extern const dmx_narrow_kernels dmx_narrow_portable;
#endif

static const dmx_narrow_kernels *const tables[] = {
#if defined(__x86_64__)
    &dmx_narrow_avx512vnni, &dmx_narrow_avx512,
#if !defined(DMX_NO_AVX_VNNI) /* the assembler is older than they are */
    &dmx_narrow_avxvnni,
#endif
    &dmx_narrow_avx2,
#elif defined(__aarch64__)
    &dmx_narrow_i8mm,
    &dmx_narrow_dotprod,
    &dmx_narrow_neon,
#endif
#if defined(__wasm_simd128__)
    &dmx_narrow_wasm, /* the only table, as in kernels.c */
#else
    &dmx_narrow_portable,
#endif
};
#define N_TABLE (sizeof tables / sizeof tables[0])

/* Whether the processor has the instructions that this table needs in addition
 * to its float32 table's. */
static bool has_instructions(const dmx_narrow_kernels *n)
{
#if defined(__x86_64__)
    unsigned eax = 0, ebx, ecx = 0, edx;
    if (n == &dmx_narrow_avx512vnni) /* CPUID leaf 7, ECX bit 11 */
        return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
               (ecx >> 11 & 1) != 0;
#if !defined(DMX_NO_AVX_VNNI)
    if (n == &dmx_narrow_avxvnni) /* CPUID leaf 7, subleaf 1, EAX bit 4 */
        return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
               eax >= 1 &&
               __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 &&
               (eax >> 4 & 1) != 0;
#endif
#elif defined(__aarch64__)
#if defined(__linux__)
    if (n == &dmx_narrow_i8mm)
        return (getauxval(AT_HWCAP2) >> 13 & 1) != 0; /* HWCAP2_I8MM */
    if (n == &dmx_narrow_dotprod)
        return (getauxval(AT_HWCAP) >> 20 & 1) != 0; /* HWCAP_ASIMDDP */
#else /* every Apple processor has SDOT; which have SMMLA is not asked */
    if (n == &dmx_narrow_i8mm)
        return false;
#endif
#endif
    (void)n;
    return true;
}

static bool usable(const dmx_narrow_kernels *n)
{
    return dmx_kernels_find(n->base) != NULL && has_instructions(n);
}

const dmx_narrow_kernels *dmx_narrow_find(const char *base)
{
    for (size_t i = 0; i < N_TABLE; i++)
        if (strcmp(tables[i]->base, base) == 0 && usable(tables[i]))
            return tables[i];
    return NULL;
}

const dmx_narrow_kernels *dmx_narrow_table(int index)
{
    for (size_t i = 0; i < N_TABLE; i++)
        if (usable(tables[i]) && index-- == 0)
            return tables[i];
    return NULL;
}
