/* Measures what the processor can do in this environment, for bench/web.sh. */
#include "measure.h"
#include "module.h"

#include "base/clock.h"
#include "base/memory.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/narrow.h"

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

bool web_operands_make(web_operands *o, int columns)
{
    const dmx_kernels *k = dmx_kernels_find(NULL);
    const size_t rows = (size_t)k->mr * TILES, width = (size_t)k->nr;
    const size_t n = (size_t)columns;
    *o = (web_operands){.rows = (int64_t)rows, .columns = columns};
    o->a = dmx_aligned_alloc(rows * n + 64, sizeof *o->a);
    o->b = dmx_aligned_alloc(width * n, sizeof *o->b);
    o->c = dmx_aligned_alloc(rows * width, sizeof *o->c);
    /* narrow numbers take less, their scales no more than that */
    o->tiles = dmx_aligned_alloc(rows * (n + 64), sizeof *o->tiles);
    o->panel = dmx_aligned_alloc(width * (n + 64), sizeof *o->panel);
    if (o->a == NULL || o->b == NULL || o->c == NULL || o->tiles == NULL ||
        o->panel == NULL)
        return false;
    fill(o->a, rows * n, 97);
    fill(o->b, width * n, 89);
    return true;
}

void web_operands_free(web_operands *o)
{
    dmx_aligned_free(o->a);
    dmx_aligned_free(o->b);
    dmx_aligned_free(o->c);
    dmx_aligned_free(o->tiles);
    dmx_aligned_free(o->panel);
    *o = (web_operands){0};
}

static void pack(web_operands *o, const dmx_narrow_kernels *n,
                 const dmx_cut *cut)
{
    if (o->packed == cut->kind)
        return;
    for (int64_t i = 0; i < o->rows; i += n->mr)
        n->tile(cut, n->mr, o->a + i * o->columns, o->columns,
                o->tiles + i / n->mr * dmx_narrow_places(cut, n->mr));
    n->panel(cut, o->b, o->panel);
    o->packed = cut->kind;
}

double web_product_rate(web_operands *o, dmx_number number, int repeats)
{
    const dmx_kernels *k = dmx_kernels_find(NULL);
    const dmx_narrow_kernels *n = dmx_narrow_find(k->name);
    const dmx_cut cut = {number, o->columns,
                         number == DMX_INT8 ? DMX_CHUNK : DMX_CHUNK / 4};
    const double flops =
        2e-9 * (double)(o->rows * k->nr * o->columns) * repeats;
    if (number != DMX_FLOAT32)
        pack(o, n, &cut);
    const double before = dmx_seconds();
    for (int r = 0; r < repeats; r++)
        if (number == DMX_FLOAT32)
            k->gemm(o->rows, o->columns, o->a, o->b, o->c);
        else
            n->multiply(&cut, o->rows, o->tiles, o->panel, o->c, false);
    return faster(0, flops, before);
}

double web_measure_product(int number, int columns, int repeats)
{
    web_operands o;
    double best = 0;
    if (number < 0 || number >= DMX_NUMBERS || columns <= 0)
        return 0;
    const bool good = web_operands_make(&o, columns);
    for (int i = 0; good && i < SLICES; i++) {
        const double rate =
            web_product_rate(&o, (dmx_number)number, repeats / SLICES);
        best = rate > best ? rate : best;
    }
    web_operands_free(&o);
    return best;
}
