#include "engine/kernels/fourier.h"
#include "base/memory.h"

#include <math.h>

#define TAU 6.28318530717958647692

static int64_t next_radix(int64_t n)
{
    if (n % 4 == 0)
        return 4;
    if (n % 2 == 0)
        return 2;
    for (int64_t r = 3; r * r <= n; r += 2)
        if (n % r == 0)
            return r;
    return n;
}

static void turn(float *out, double part)
{
    out[0] = (float)cos(TAU * part);
    out[1] = (float)-sin(TAU * part);
}

/* Factors bins into radices; returns the number of floats that all tables need.
 */
static int64_t plan_stages(dmx_fourier *f)
{
    int64_t floats = 0;
    f->stages = 0;
    for (int64_t n = f->bins; n > 1; n /= f->radix[f->stages - 1]) {
        const int64_t r = next_radix(n);
        f->radix[f->stages++] = r;
        floats += n / r * (r - 1) * 2 + 2 * r;
    }
    return floats + 2 * f->bins + 4 * f->bins;
}

static void fill_stages(dmx_fourier *f, float *p)
{
    int64_t n = f->bins;
    for (int stage = 0; stage < f->stages; stage++) {
        const int64_t r = f->radix[stage], m = n / r;
        f->twiddle[stage] = p;
        for (int64_t i = 0; i < m; i++)
            for (int64_t k = 1; k < r; k++, p += 2)
                turn(p, (double)(i * k) / (double)n);
        f->roots[stage] = p;
        for (int64_t i = 0; i < r; i++, p += 2)
            turn(p, (double)i / (double)r);
        n = m;
    }
    f->half = p;
    for (int64_t k = 0; k < f->bins; k++, p += 2)
        turn(p, (double)k / (double)(2 * f->bins));
    f->analysis = p;
    f->synthesis = p + 2 * f->bins;
}

/* torch.stft(normalized=True) divides by sqrt(nfft) and its inverse multiplies.
 * Four squared Hann windows, each shifted by a quarter of its length, sum to
 * 1.5; an inverse complex transform of `bins` points divides by bins. */
static void fill_windows(dmx_fourier *f, const float *window)
{
    const double nfft = 2.0 * (double)f->bins, root = sqrt(nfft);
    for (int64_t i = 0; i < 2 * f->bins; i++) {
        const double w = (double)window[i];
        f->analysis[i] = (float)(w / root);
        f->synthesis[i] = (float)(w * root / (double)f->bins / 1.5);
    }
}

bool dmx_fourier_open(dmx_fourier *f, int64_t nfft, const float *window)
{
    f->bins = nfft / 2;
    f->memory = dmx_aligned_alloc((size_t)plan_stages(f), sizeof(float));
    if (f->memory == NULL)
        return false;
    fill_stages(f, f->memory);
    fill_windows(f, window);
    return true;
}

void dmx_fourier_close(dmx_fourier *f)
{
    dmx_aligned_free(f->memory);
    f->memory = NULL;
}
