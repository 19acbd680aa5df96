/* Measures what the processor can do in this environment, for bench/web.sh. */
#include "module.h"

#include "base/clock.h"
#include "base/memory.h"
#include "engine/kernels/kernels.h"

/* Browsers optimise a function only after it has been called often: the work is
 * done in slices, and the fastest slice counts. */
enum { SLICES = 32, TILES = 24 };

static double faster(double rate, double flops, double before)
{
    const double seconds = dmx_seconds() - before;
    return seconds > 0 && flops / seconds > rate ? flops / seconds : rate;
}

double web_measure_fma(int rounds)
{
    const dmx_kernels *k = dmx_kernels_find(NULL);
    const int slice = rounds / SLICES;
    double rate = 0;
    for (int i = 0; i < SLICES; i++) {
        const double before = dmx_seconds();
        volatile float sink = k->fma(slice);
        (void)sink;
        rate = faster(rate, 2e-9 * (double)(k->mr * k->nr) * slice, before);
    }
    return rate;
}

static void fill(float *x, size_t n, size_t period)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 1e-3F * (float)(i % period);
}

double web_measure_product(int columns, int repeats)
{
    const dmx_kernels *k = dmx_kernels_find(NULL);
    const size_t rows = (size_t)k->mr * TILES, width = (size_t)k->nr;
    const size_t n = (size_t)columns;
    float *a = dmx_aligned_alloc(rows * n + 64, sizeof *a);
    float *b = dmx_aligned_alloc(width * n, sizeof *b);
    float *c = dmx_aligned_alloc(rows * width, sizeof *c);
    const double flops = 2e-9 * (double)(rows * width * n);
    double rate = 0;
    if (a != NULL && b != NULL && c != NULL) {
        fill(a, rows * n, 97);
        fill(b, width * n, 89);
        for (int i = 0; i < SLICES; i++) {
            const double before = dmx_seconds();
            for (int r = 0; r < repeats / SLICES; r++)
                k->gemm((int64_t)rows, columns, a, b, c);
            rate = faster(rate, flops * (repeats / SLICES), before);
        }
    }
    dmx_aligned_free(a);
    dmx_aligned_free(b);
    dmx_aligned_free(c);
    return rate;
}
