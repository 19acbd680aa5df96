/* The discrete Fourier transform in float64, for any length. */
#ifndef DMX_REFERENCE_FFT64_H
#define DMX_REFERENCE_FFT64_H

#include "base/error.h"

#define DMX_FFT64_FACTORS 32

/* Immutable once created: any number of threads may share it. */
typedef struct dmx_fft64 {
    size_t length;
    size_t factor[DMX_FFT64_FACTORS]; /* their product is the length */
    size_t n_factor;
    double *root; /* [length][re, im]: exp(-2 pi i k / length) */
} dmx_fft64;

/* Close with dmx_fft64_close, even after an error. */
DMX_MUST_CHECK dmx_status dmx_fft64_open(dmx_fft64 *fft, size_t length,
                                         dmx_error *err);
void dmx_fft64_close(dmx_fft64 *fft);

/* X[k] = sum_n x[n] exp(-2 pi i k n / length), in place, unnormalised. x and
 * work are [length][re, im]. A large prime factor costs as much as a direct
 * sum. */
void dmx_fft64_forward(const dmx_fft64 *fft, double *x, double *work);
/* The same with exp(+2 pi i k n / length), also unnormalised. */
void dmx_fft64_backward(const dmx_fft64 *fft, double *x, double *work);

#endif
