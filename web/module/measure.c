/* What the processor can do here, for bench/web.sh. */
#include "module.h"

#include "base/memory.h"
#include "engine/kernels/kernels.h"

#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double web_measure_fma(int rounds)
{
    const dmx_kernels *k = dmx_kernels_find(NULL);
    const double before = now();
    volatile float sink = k->fma(rounds);
    (void)sink;
    return 2e-9 * (double)(k->mr * k->nr) * rounds / (now() - before);
}

enum { TILES = 24 };

double web_measure_product(int columns, int repeats)
{
    const dmx_kernels *k = dmx_kernels_find(NULL);
    const size_t rows = (size_t)k->mr * TILES, width = (size_t)k->nr;
    const size_t n = (size_t)columns;
    float *a = dmx_aligned_alloc(rows * n + 64, sizeof *a);
    float *b = dmx_aligned_alloc(width * n, sizeof *b);
    float *c = dmx_aligned_alloc(rows * width, sizeof *c);
    double rate = 0;
    if (a != NULL && b != NULL && c != NULL) {
        for (size_t i = 0; i < rows * n; i++)
            a[i] = 1e-3F * (float)(i % 97);
        for (size_t i = 0; i < width * n; i++)
            b[i] = 1e-3F * (float)(i % 89);
        const double before = now();
        for (int r = 0; r < repeats; r++)
            k->gemm((int64_t)rows, columns, a, b, c);
        rate = 2e-9 * (double)(rows * width * n) * repeats / (now() - before);
    }
    dmx_aligned_free(a);
    dmx_aligned_free(b);
    dmx_aligned_free(c);
    return rate;
}
