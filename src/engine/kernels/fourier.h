/* Real Fourier transforms of 2 * bins samples, bins 0 .. bins-1 (the last one
 * is dropped, as Demucs does): one complex transform of `bins` points.
 *
 * Stockham's self-sorting algorithm: stage by stage of radix r, with m = n/r
 * and s = bins/n,
 *   y[q + s (r p + k)] = w^(p k) sum_j x[q + s (p + j m)] e^(-2 pi i j k / r),
 * w = e^(-2 pi i / n), p < m, q < s. */
#ifndef DMX_ENGINE_FOURIER_H
#define DMX_ENGINE_FOURIER_H

#include <stdbool.h>
#include <stdint.h>

#define DMX_FOURIER_STAGES 20

typedef struct dmx_fourier {
    int64_t bins;
    int stages;
    int64_t radix[DMX_FOURIER_STAGES];
    float *twiddle[DMX_FOURIER_STAGES]; /* [m][r - 1] re, im */
    float *roots[DMX_FOURIER_STAGES];   /* odd radix: [r] re, im */
    float *half;                        /* e^(-i pi k / bins): [bins] re, im */
    float *analysis;  /* Hann window / sqrt(2 bins): [2 bins] */
    float *synthesis; /* Hann window sqrt(2 bins) / bins / 1.5: [2 bins] */
    float *memory;
} dmx_fourier;

/* False when out of memory. nfft is a multiple of 4; window: the periodic Hann
 * window of nfft samples, which is not kept. */
bool dmx_fourier_open(dmx_fourier *f, int64_t nfft, const float *window);
void dmx_fourier_close(dmx_fourier *f);

#endif
