/* Decimation in time by Stockham's self-sorting scheme: one pass per factor p
 * combines p transforms of length m into one of length p m, and writes it in
 * the order that the next pass reads. */
#include "reference/fft64.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

dmx_status dmx_fft64_open(dmx_fft64 *fft, size_t length, dmx_error *err)
{
    const double turn = 6.283185307179586476925286766559;
    *fft = (dmx_fft64){.length = length};
    DMX_RETURN_IF(length == 0, err, DMX_ERROR_ARGUMENT,
                  "a Fourier transform of no samples");
    size_t rest = length;
    for (; rest % 4 == 0; rest /= 4)
        fft->factor[fft->n_factor++] = 4;
    for (size_t p = 2; rest > 1; p++)
        for (; rest % p == 0; rest /= p)
            fft->factor[fft->n_factor++] = p;
    fft->root = dmx_aligned_alloc(length, 2 * sizeof *fft->root);
    DMX_RETURN_IF(fft->root == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for a Fourier transform of %zu samples", length);
    for (size_t k = 0; k < length; k++) {
        const double phase = turn * (double)k / (double)length;
        fft->root[2 * k] = cos(phase);
        fft->root[2 * k + 1] = -sin(phase);
    }
    return DMX_OK;
}

void dmx_fft64_close(dmx_fft64 *fft)
{
    dmx_aligned_free(fft->root);
    fft->root = NULL;
}

/* One pass. Before it, x[(k p + i) count + j] is bin k of the transform of the
 * m samples j + count i, j + count i + count p, ...; after it, y[k count + j]
 * is bin k of the p m samples j, j + count, ...:
 *   y[k + q m] = sum_i exp(-2 pi i (k + q m) / (p m)) x[k p + i] */
static void pass(const dmx_fft64 *fft, double *y, const double *x, size_t p,
                 size_t m, size_t count)
{
    const size_t step = fft->length / (p * m);
    for (size_t q = 0; q < p; q++)
        for (size_t k = 0; k < m; k++) {
            double *to = y + 2 * (k + q * m) * count;
            memcpy(to, x + 2 * k * p * count, 2 * count * sizeof *to);
            for (size_t i = 1; i < p; i++) {
                const size_t turn = (k + q * m) * i % (p * m) * step;
                const double re = fft->root[2 * turn];
                const double im = fft->root[2 * turn + 1];
                const double *from = x + 2 * (k * p + i) * count;
                for (size_t j = 0; j < count; j++) {
                    to[2 * j] += re * from[2 * j] - im * from[2 * j + 1];
                    to[2 * j + 1] += re * from[2 * j + 1] + im * from[2 * j];
                }
            }
        }
}

void dmx_fft64_forward(const dmx_fft64 *fft, double *x, double *work)
{
    double *from = x, *to = work;
    size_t m = 1, count = fft->length;
    for (size_t f = 0; f < fft->n_factor; f++) {
        const size_t p = fft->factor[f];
        count /= p;
        pass(fft, to, from, p, m, count);
        m *= p;
        double *swap = from;
        from = to;
        to = swap;
    }
    if (from != x)
        memcpy(x, from, 2 * fft->length * sizeof *x);
}

static void conjugate(double *x, size_t length)
{
    for (size_t k = 0; k < length; k++)
        x[2 * k + 1] = -x[2 * k + 1];
}

void dmx_fft64_backward(const dmx_fft64 *fft, double *x, double *work)
{
    conjugate(x, fft->length);
    dmx_fft64_forward(fft, x, work);
    conjugate(x, fft->length);
}
